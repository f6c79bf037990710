package collect

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/store"
)

// memoryLog is a Log that keeps copies.
type memoryLog struct {
	mu   sync.Mutex
	all  []store.Receipt
	full error // what the next call answers, instead of keeping
	next uint64
}

func (l *memoryLog) Append(_ context.Context, list ...store.Receipt) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full != nil {
		return 0, l.full
	}
	first := l.next
	for _, r := range list {
		messages := r.Messages
		r.Messages = nil
		for _, m := range messages {
			m.Raw = []byte(string(m.Raw)) // the body is used again
			r.Messages = append(r.Messages, m)
		}
		l.next += uint64(len(messages))
		l.all = append(l.all, r)
	}
	return first, nil
}

func (l *memoryLog) taken() []store.Receipt {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.all
	l.all = nil
	return all
}

// texts are the messages' texts, in order.
func texts(list []store.Receipt) (out []string) {
	for _, r := range list {
		for _, m := range r.Messages {
			out = append(out, string(m.Raw))
		}
	}
	return out
}

// memoryVault is a Vault.
type memoryVault struct {
	mu     sync.Mutex
	tokens map[int64]string
}

func (v *memoryVault) Keep(id int64, token string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.tokens == nil {
		v.tokens = map[int64]string{}
	}
	v.tokens[id] = token
	return nil
}

func (v *memoryVault) Token(id int64) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.tokens[id]
}

// house is doors with a server.
type house struct {
	t       testing.TB
	log     *memoryLog
	doors   *Doors
	sources *Sources
	keys    *access.Keys
	server  *httptest.Server
	token   string
	id, key string // of the role ingest
	said    []string
}

func open(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, log: &memoryLog{next: 1}}
	dir := t.TempDir()
	vault := &memoryVault{}
	var err error
	if h.sources, err = OpenSources(dir, vault); err != nil {
		t.Fatal(err)
	}
	_, first := h.sources.First()
	h.token = vault.Token(first)
	if h.keys, err = access.OpenKeys(dir); err != nil {
		t.Fatal(err)
	}
	k, secret, err := h.keys.Add("shipper", access.Ingest)
	if err != nil {
		t.Fatal(err)
	}
	h.id, h.key = k.ID, secret
	var mu sync.Mutex
	h.doors = New(Options{Log: h.log, Sources: h.sources, Keys: h.keys, Logf: func(f string, _ ...any) {
		mu.Lock()
		h.said = append(h.said, f)
		mu.Unlock()
	}})
	mux := http.NewServeMux()
	for _, r := range h.doors.Routes() {
		mux.HandleFunc(r.Pattern, r.Serve)
	}
	h.server = httptest.NewServer(mux)
	t.Cleanup(func() {
		h.server.Close()
		ctx, done := context.WithTimeout(context.Background(), 5*time.Second)
		defer done()
		if err := h.doors.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return h
}

// send sends a request and returns the status and the body of the answer.
func (h *house) send(method, path, body string, headers ...string) (int, string) {
	h.t.Helper()
	r, err := http.NewRequest(method, h.server.URL+strings.ReplaceAll(path, "TOKEN", h.token), strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		h.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// basic is the header of the key that may send.
func (h *house) basic() []string {
	r, _ := http.NewRequest("GET", "/", nil)
	r.SetBasicAuth(h.id, h.key)
	return []string{"Authorization", r.Header.Get("Authorization")}
}
