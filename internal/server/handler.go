package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/web"
)

// requestMax is how many bytes the body of a call of the API has at most.
const requestMax = 64 << 20

// handler answers all requests: each route behind what it needs, and what is no route.
func (s *Server) handler(routes []access.Route) http.Handler {
	mux := http.NewServeMux()
	browsers := http.NewCrossOriginProtection()
	for _, r := range routes {
		h := r.Serve
		if h == nil {
			h = s.notOffered(r)
		}
		if r.Role != access.Public {
			h = s.guarded(r, browsers, h)
		}
		mux.HandleFunc(r.Pattern, h)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.unknown(w, r, mux) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.stats.active.Add(1)
		defer s.stats.active.Add(-1)
		if r.Body != http.NoBody { // whoever reads all of it takes this away; what nobody reads net/http reads
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.pace.body))
		}
		a := &answer{ResponseWriter: w, control: http.NewResponseController(w), wait: s.pace.write}
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				s.stats.panics.Add(1)
				s.logf("a mistake in gyoji: %s %s: %v\n%s", r.Method, shape(r.URL.Path), p, debug.Stack())
				if a.status == 0 {
					access.Fail(a, http.StatusInternalServerError, access.CodeInternal, "a mistake in gyoji; its log says where")
				}
			}
			a.inTime() // what is still in the buffer, or a status alone
			s.stats.answered(a.status)
			if a.status == 0 { // net/http answers 200 itself
				s.stats.answered(http.StatusOK)
			}
		}()
		if p := path.Clean(r.URL.Path); p != r.URL.Path && p+"/" != r.URL.Path { // net/http would redirect
			s.unknown(a, r, mux)
			return
		}
		mux.ServeHTTP(a, r)
	})
}

// answer is a response that a client has to read, each piece within a time.
type answer struct {
	http.ResponseWriter
	control *http.ResponseController
	wait    time.Duration // for each piece
	status  int
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (n int, err error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	for len(p) > 0 {
		piece := p[:min(len(p), 64<<10)]
		a.inTime()
		k, err := a.ResponseWriter.Write(piece)
		if n += k; err != nil {
			return n, err
		}
		p = p[len(piece):]
	}
	return n, nil
}

// inTime is from when on a client has to have read. A connection keeps the time of its last
// answer, so each answer sets its own.
func (a *answer) inTime() { _ = a.control.SetWriteDeadline(time.Now().Add(a.wait)) }

// Unwrap gives http.ResponseController what is below.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// guarded lets requests through whose key has a role, in time and size.
func (s *Server) guarded(route access.Route, browsers *http.CrossOriginProtection, next http.HandlerFunc) http.HandlerFunc {
	role := route.Role
	return func(w http.ResponseWriter, r *http.Request) {
		p, ok := s.who(w, r)
		if !ok {
			return
		}
		if !p.Role.May(role) {
			s.audit.Refused(p.ID, "a key of the role "+string(p.Role), r)
			access.Fail(w, http.StatusForbidden, access.CodeForbidden, fmt.Sprintf("this call needs a key of the role %s, and yours has the role %s", role, p.Role))
			return
		}
		if err := browsers.Check(r); err != nil {
			access.Fail(w, http.StatusForbidden, access.CodeForbidden, "a page of another site may not make this call")
			return
		}
		if wait := s.limits.take(p.ID, time.Now()); wait > 0 {
			access.FailLater(w, http.StatusTooManyRequests, access.CodeRate, fmt.Sprintf("more than %g requests a second with this key", s.limits.perSecond), wait)
			return
		}
		if r.Body != http.NoBody {
			r.Body = &timed{http.MaxBytesReader(w, r.Body, requestMax), http.NewResponseController(w)}
		}
		r = r.WithContext(access.With(r.Context(), p))
		s.repeats.once(w, r, p.ID, next)
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !route.Asks {
			status := http.StatusOK
			if a, ok := w.(*answer); ok && a.status != 0 {
				status = a.status
			}
			s.audit.Write(p, r.Method+" "+r.URL.Path, fmt.Sprint(status), r)
		}
	}
}

// timed is a body that must come within a time; once it has, an answer may take longer.
type timed struct {
	body interface {
		Read([]byte) (int, error)
		Close() error
	}
	control *http.ResponseController
}

func (t *timed) Read(p []byte) (int, error) {
	n, err := t.body.Read(p)
	if err != nil {
		_ = t.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

func (t *timed) Close() error { return t.body.Close() }

// who is who makes a request, by a key or as a browser that is signed in; it answers 401
// where nobody is.
func (s *Server) who(w http.ResponseWriter, r *http.Request) (access.Principal, bool) {
	id, secret, given := access.Of(r)
	p, ok := access.Principal{}, false
	why := "an access id and key are needed; they are in credentials.json"
	if token := s.sessionOf(r); token != "" && !given {
		p, ok = s.sessions.Check(token)
		why = "the session has ended; sign in again"
		if ok && !safe(r.Method) && !sameOrigin(r) {
			access.Fail(w, http.StatusForbidden, access.CodeForbidden, "a page of another site may not make this call")
			return access.Principal{}, false
		}
	}
	if given {
		p, ok = s.keys.Check(id, secret)
		why = "the access id or key is wrong"
	}
	if !ok {
		s.audit.Refused(hostOf(r.RemoteAddr), why, r)
		if !ours(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="gyoji"`)
		}
		access.Fail(w, http.StatusUnauthorized, access.CodeUnauthorized, why)
	}
	return p, ok
}

// ours reports whether a page's own script makes a request: it asks people to sign in
// itself, and the browser's own form, which WWW-Authenticate opens, would stand before it.
func ours(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return r.Header.Get("X-Requested-With") != "" || mode != "" && mode != "navigate"
}

func hostOf(remote string) string {
	if i := strings.LastIndexByte(remote, ':'); i > 0 {
		return remote[:i]
	}
	return remote
}

// notOffered answers a call that clients know and gyoji does not have.
func (s *Server) notOffered(r access.Route) http.HandlerFunc {
	status, code := r.Status, access.CodeNotFound
	if status == 0 {
		status = http.StatusNotImplemented
	}
	if status == http.StatusNotImplemented {
		code = "not.implemented"
	}
	return func(w http.ResponseWriter, req *http.Request) {
		if s.missing.first(r.Pattern) {
			s.logf("%s was called: %s", r.Pattern, r.Missing)
		}
		access.Fail(w, status, code, r.Missing)
	}
}

// methods are those that calls have.
var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions}

// unknown answers what is no call: 405 where another method would be one, else 404.
func (s *Server) unknown(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		if _, ok := s.who(w, r); !ok {
			return
		}
	} else if s.doors.ElasticSetup(w, r) {
		return
	}
	var allowed []string
	for _, m := range methods {
		other := r.Clone(context.WithoutCancel(r.Context()))
		other.Method = m
		if _, pattern := mux.Handler(other); pattern != "/" && pattern != "" {
			allowed = append(allowed, m)
		}
	}
	call := r.Method + " " + shape(r.URL.Path)
	if len(allowed) > 0 && !slices.Contains(allowed, r.Method) {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		access.Fail(w, http.StatusMethodNotAllowed, access.CodeMethod, fmt.Sprintf("%s is not for this address; %s is", clip(r.Method), strings.Join(allowed, ", ")))
		return
	}
	if s.missing.first(call) {
		s.logf("%s was called, and gyoji does not have it", call)
	}
	if r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") && !strings.HasPrefix(r.URL.Path, "/api/") {
		web.Missing(w, r) // a person with a browser
		return
	}
	access.Fail(w, http.StatusNotFound, access.CodeNotFound, fmt.Sprintf("gyoji has no %s %s", clip(r.Method), clip(r.URL.Path)))
}

func clip(s string) string {
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "..."
	}
	return s
}

// idPart is a part of a path that is somebody's id or a token.
var idPart = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`/[^/]*([0-9]{3,}|[^/]{40,})[^/]*`) })

// shape is a path without ids, short enough for a log.
func shape(p string) string {
	p = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '.'
		}
		return r
	}, strings.ToValidUTF8(p, "?"))
	return clip(idPart().ReplaceAllString(p, "/{id}"))
}

// seenMax is how many things are remembered as having been seen.
const seenMax = 1000

// seen remembers what has been logged.
type seen struct {
	mu  sync.Mutex
	met map[string]bool
}

// first reports whether a thing is met the first time; when too many were, it is never.
func (s *seen) first(thing string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.met[thing] || len(s.met) >= seenMax {
		return false
	}
	if s.met == nil {
		s.met = map[string]bool{}
	}
	s.met[thing] = true
	return true
}

// limits is how many requests each key may make.
type limits struct {
	perSecond float64 // 0 is no limit

	mu   sync.Mutex
	keys map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// take counts a request; it returns how long to wait where it is one too many.
func (l *limits) take(key string, now time.Time) time.Duration {
	if l.perSecond == 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	burst := max(1, l.perSecond)
	b, ok := l.keys[key]
	if !ok {
		if l.keys == nil || len(l.keys) > seenMax {
			l.keys = map[string]bucket{}
		}
		b = bucket{burst, now}
	}
	b.left = min(burst, b.left+now.Sub(b.at).Seconds()*l.perSecond)
	b.at = now
	wait := time.Duration(0)
	if b.left < 1 {
		wait = time.Duration((1 - b.left) / l.perSecond * float64(time.Second))
	} else {
		b.left--
	}
	l.keys[key] = b
	return wait
}
