package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// A Failure is an error that says how a call of gyoji's own is answered.
type Failure struct {
	Status  int // of HTTP
	Code    string
	Message string // a sentence for people
}

func (f *Failure) Error() string { return f.Message }

// Bad is the failure of a request that cannot be used as it is: 400.
func Bad(format string, args ...any) error {
	return &Failure{http.StatusBadRequest, "bad.request", fmt.Sprintf(format, args...)}
}

// Missing is the failure of something that is not there: 404.
func Missing(format string, args ...any) error {
	return &Failure{http.StatusNotFound, CodeNotFound, fmt.Sprintf(format, args...)}
}

// Call is the handler of a call: the value that do gives is the body of a 200. Of its errors
// a Failure is answered as it says, and one that known makes a Failure of as that says; nil
// is none. Any other is 500, unless the client is gone.
func Call(do func(*http.Request) (any, error), known func(*http.Request, error) *Failure) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := do(r)
		if err == nil {
			Answer(w, http.StatusOK, v)
			return
		}
		FailWith(w, r, err, known)
	}
}

// FailWith answers with an error, as Call does.
func FailWith(w http.ResponseWriter, r *http.Request, err error, known func(*http.Request, error) *Failure) {
	var f *Failure
	if !errors.As(err, &f) && known != nil {
		f = known(r, err)
	}
	switch {
	case f != nil:
		Fail(w, f.Status, f.Code, f.Message)
	case r.Context().Err() != nil: // nobody waits for it
	default:
		Fail(w, http.StatusInternalServerError, CodeInternal, err.Error())
	}
}

// Body reads a request's body as JSON, of most bytes. An empty one changes nothing.
func Body(r *http.Request, most int64, into any) error {
	text, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	switch {
	case err != nil:
		return Bad("The body cannot be read: %v.", err)
	case int64(len(text)) > most:
		return &Failure{http.StatusRequestEntityTooLarge, "too.large", fmt.Sprintf("The body is larger than %d KiB.", most>>10)}
	case strings.TrimSpace(string(text)) == "":
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return Bad("The body is no JSON object as this call takes it: %v.", err)
	}
	return nil
}
