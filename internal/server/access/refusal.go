package access

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Codes of refusals that any call may get.
// Source: Sumo Logic, "API Authentication, Endpoints, and Security", error codes.
const (
	CodeUnauthorized = "unauthorized"
	CodeForbidden    = "forbidden"
	CodeNotFound     = "notfound"
	CodeMethod       = "method.unsupported"
	CodeContentType  = "contenttype.invalid"
	CodeRate         = "rate.limit.exceeded"
	CodeInternal     = "internal.error"
	CodeUnavailable  = "service.unavailable"
)

// Fail answers with Sumo's error body:
// {"status":400,"id":"IUUQI-DGH5I-TJ045","code":"...","message":"..."}.
func Fail(w http.ResponseWriter, status int, code, message string) {
	Answer(w, status, struct {
		Status  int    `json:"status"`
		ID      string `json:"id"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}{status, RequestID(), code, message})
}

// FailNew answers with the error body of the newer resources:
// {"id":"...","errors":[{"code":"...","message":"...","detail":"","meta":{}}]}.
func FailNew(w http.ResponseWriter, status int, code, message string) {
	type one struct {
		Code    string   `json:"code"`
		Message string   `json:"message"`
		Detail  string   `json:"detail"`
		Meta    struct{} `json:"meta"`
	}
	Answer(w, status, struct {
		ID     string `json:"id"`
		Errors []one  `json:"errors"`
	}{RequestID(), []one{{Code: code, Message: message}}})
}

// FailLater is Fail with a Retry-After of whole seconds, at least one.
func FailLater(w http.ResponseWriter, status int, code, message string, after time.Duration) {
	RetryAfter(w, after)
	Fail(w, status, code, message)
}

// RetryAfter sets the header Retry-After to whole seconds, at least one.
func RetryAfter(w http.ResponseWriter, after time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int((after+time.Second-1)/time.Second))))
}

// Answer writes a value as JSON.
func Answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json;charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(body)
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz"

// random returns n characters of the first of the alphabet; each is as likely as any other.
func random(n, first int) string {
	out := make([]byte, 0, n)
	var b [64]byte
	for {
		rand.Read(b[:])
		for _, c := range b {
			if int(c) < 256/first*first {
				if out = append(out, alphabet[int(c)%first]); len(out) == n {
					return string(out)
				}
			}
		}
	}
}

// RequestID is the id of an error: three groups of five characters of A-Z and 0-9.
func RequestID() string {
	s := random(15, 36)
	return s[:5] + "-" + s[5:10] + "-" + s[10:]
}
