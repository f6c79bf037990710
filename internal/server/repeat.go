package server

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
)

const (
	// repeatKey is the header by which a client says that a call is the same as one before.
	// Source: IETF, draft-ietf-httpapi-idempotency-key-header.
	repeatKey = "Idempotency-Key"
	// repeatTime is how long an answer is kept for a call that is made again, repeatsMax how
	// many are, and repeatBodyMax how many bytes of each.
	repeatTime    = 10 * time.Minute
	repeatsMax    = 1000
	repeatLogsMax = 100_000
	repeatBodyMax = 64 << 10
	repeatKeyMax  = 200
)

// repeats are the answers to calls that changed something and had a key: a client that did
// not hear the answer makes the call again, and it counts once.
type repeats struct {
	// of logs, which come more often: answers of success alone are kept, and more of them.
	logs bool

	mu  sync.Mutex
	by  map[string]*repeat
	age []string // keys, oldest first
}

// repeat is one call: done is closed once its answer is there.
type repeat struct {
	at     time.Time
	call   string
	done   chan struct{}
	status int // 0 where the call is to be made again
	header http.Header
	body   []byte
}

func (m *repeats) most() int {
	if m.logs {
		return repeatLogsMax
	}
	return repeatsMax
}

// begin gives the call of a key: mine says that it is the caller's to be made, and that end
// must follow.
func (m *repeats) begin(key, call string) (r *repeat, mine bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for len(m.age) > 0 {
		old := m.by[m.age[0]]
		if old != nil && now.Sub(old.at) < repeatTime && len(m.age) < m.most() {
			break
		}
		delete(m.by, m.age[0])
		m.age = m.age[1:]
	}
	if r = m.by[key]; r != nil {
		return r, false
	}
	if m.by == nil {
		m.by = map[string]*repeat{}
	}
	r = &repeat{at: now, call: call, done: make(chan struct{})}
	m.by[key] = r
	m.age = append(m.age, key)
	return r, true
}

// end keeps an answer. One that says nothing for good (the server's own failures, too many
// requests), or is too long, is not kept.
func (m *repeats) end(key string, r *repeat, w *recorder) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.status == 0 || w.status >= 500 || w.status == http.StatusTooManyRequests || w.long || m.logs && w.status >= 300 {
		if m.by[key] == r {
			delete(m.by, key)
		}
	} else {
		r.status, r.header, r.body = w.status, w.Header().Clone(), w.body.Bytes()
	}
	close(r.done)
}

// recorder keeps what is answered, besides answering.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
	long   bool
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if w.body.Len()+len(p) > repeatBodyMax {
		w.long = true
	} else {
		w.body.Write(p)
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap gives http.ResponseController what is below.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// once makes a call that changes something once for each key that its client gives it; a
// call without a key, it makes.
func (m *repeats) once(w http.ResponseWriter, r *http.Request, who string, next http.HandlerFunc) {
	given := r.Header.Get(repeatKey)
	if given == "" || len(given) > repeatKeyMax || safe(r.Method) {
		next(w, r)
		return
	}
	key, call := who+" "+given, r.Method+" "+r.URL.Path
	if m.logs { // other logs by a key that was given before are not passed over
		call = fmt.Sprintf("%s of %d bytes", r.Method, r.ContentLength)
	}
	for {
		made, mine := m.begin(key, call)
		if mine {
			rec := &recorder{ResponseWriter: w}
			defer func() { m.end(key, made, rec) }()
			next(rec, r)
			if rec.status == 0 {
				rec.status = http.StatusOK
			}
			return
		}
		select {
		case <-made.done:
		case <-r.Context().Done():
			return
		}
		switch {
		case made.call != call:
			access.Fail(w, http.StatusUnprocessableEntity, "idempotency.key", "this "+repeatKey+" was given to another call: "+made.call)
			return
		case made.status != 0:
			for k, v := range made.header {
				w.Header()[k] = v
			}
			w.WriteHeader(made.status)
			w.Write(made.body)
			return
		}
	}
}

// sent takes logs in once for each key that their sender gives a request, whoever it is by
// what it has sent to say so: who may not send is answered the same each time.
func (s *Server) sent(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(repeatKey) == "" {
			next(w, r)
			return
		}
		who := sha256.Sum256([]byte(r.Header.Get("Authorization") + "\n" + r.Header.Get("X-Sumo-Token") + "\n" + r.URL.Path))
		s.deliveries.once(w, r, string(who[:]), next)
	}
}
