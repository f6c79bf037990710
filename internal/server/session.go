package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/server/access"
)

// sessionPath is the call by which a browser signs in and out.
const sessionPath = "/api/gyoji/v1/session"

// signinPath is the page that a sign-in link opens; the token stands after a #, which
// browsers keep to themselves.
const signinPath = "/signin"

// sessionBodyMax is how many bytes a sign-in may have.
const sessionBodyMax = 4 << 10

// session are the calls by which browsers sign in. None of them needs a key: they are how
// one shows it.
func (s *Server) session() []access.Route {
	return []access.Route{
		{Pattern: "GET " + sessionPath, Serve: s.whoIs},
		{Pattern: "POST " + sessionPath, Serve: s.signIn},
		{Pattern: "DELETE " + sessionPath, Serve: s.signOut},
	}
}

// cookieName is the name of the session's cookie. Browsers send cookies to all ports of a
// host: the port in its name keeps two servers on one machine apart.
func (s *Server) cookieName() string {
	_, port, _ := net.SplitHostPort(s.listener.Addr().String())
	return "gyoji_" + port
}

func (s *Server) cookie(value string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: s.cookieName(), Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: strings.HasPrefix(s.base, "https:"),
	}
}

// sessionOf is the token of the session that a request is part of; "" for none.
func (s *Server) sessionOf(r *http.Request) string {
	c, err := r.Cookie(s.cookieName())
	if err != nil {
		return ""
	}
	return c.Value
}

// sameOrigin reports whether a request that changes something is one of a page of this
// server: a browser says so in Sec-Fetch-Site or Origin, and one that says neither is not
// believed, because a cookie goes along by itself.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	u, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && u.Host != "" && u.Host == r.Host
}

// safe reports whether a method changes nothing.
func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// shownPrincipal is who is signed in, as the page is told.
type shownPrincipal struct {
	SignedIn bool        `json:"signedIn"`
	ID       string      `json:"id,omitempty"`
	Label    string      `json:"label,omitempty"`
	Name     string      `json:"name,omitempty"` // by which insights name people: the label, else the id
	Role     access.Role `json:"role,omitempty"`
	Version  string      `json:"version,omitempty"`
}

func (s *Server) shown(p access.Principal) shownPrincipal {
	out := shownPrincipal{SignedIn: true, ID: p.ID, Label: p.Label, Name: p.Label, Role: p.Role, Version: s.c.Version}
	if out.Name == "" {
		out.Name = p.ID
	}
	return out
}

// whoIs says who is signed in; nobody is no error.
func (s *Server) whoIs(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if p, ok := s.sessions.Check(s.sessionOf(r)); ok {
		access.Answer(w, http.StatusOK, s.shown(p))
		return
	}
	if r.Header.Get("Authorization") == "" {
		access.Answer(w, http.StatusOK, shownPrincipal{})
		return
	}
	if p, ok := s.who(w, r); ok {
		access.Answer(w, http.StatusOK, s.shown(p))
	}
}

// signIn takes {"access_id":"...","access_key":"..."} or {"token":"..."}, and gives a cookie.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	if !sameOrigin(r) && (r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "") {
		access.Fail(w, http.StatusForbidden, access.CodeForbidden, "a page of another site may not make this call")
		return
	}
	host := hostOf(r.RemoteAddr)
	if wait := s.sessions.Wait(host); wait > 0 {
		access.FailLater(w, http.StatusTooManyRequests, access.CodeRate, fmt.Sprintf("too many wrong keys from your address; try again in %d s", int(wait.Seconds())+1), wait)
		return
	}
	var ask struct {
		ID    string `json:"access_id"`
		Key   string `json:"access_key"`
		Token string `json:"token"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, sessionBodyMax)).Decode(&ask); err != nil {
		access.Fail(w, http.StatusBadRequest, "body.invalid", "the body is to be a JSON object with access_id and access_key, or with token")
		return
	}
	var token string
	var p access.Principal
	var err error
	if ask.Token != "" {
		token, p, err = s.sessions.BeginLink(host, ask.Token)
	} else {
		token, p, err = s.sessions.Begin(host, ask.ID, ask.Key)
	}
	switch {
	case errors.Is(err, access.ErrSignIn), errors.Is(err, access.ErrLink):
		s.audit.Refused(host, "sign-in: "+err.Error(), r)
		access.Fail(w, http.StatusUnauthorized, access.CodeUnauthorized, err.Error())
		return
	case err != nil:
		s.logf("sessions: %v", err)
		access.Fail(w, http.StatusServiceUnavailable, access.CodeUnavailable, "the session could not be kept; the server's log says why")
		return
	}
	s.audit.Write(p, "session.begin", string(p.Role), r)
	http.SetCookie(w, s.cookie(token, int(access.SessionTime.Seconds())))
	w.Header().Set("Cache-Control", "no-store")
	access.Answer(w, http.StatusOK, s.shown(p))
}

// signOut ends the session of a request, if it has one.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	token := s.sessionOf(r)
	if token != "" {
		if !sameOrigin(r) {
			access.Fail(w, http.StatusForbidden, access.CodeForbidden, "a page of another site may not make this call")
			return
		}
		p, ok := s.sessions.Check(token)
		if err := s.sessions.End(token); err != nil {
			s.logf("sessions: %v", err)
			access.Fail(w, http.StatusServiceUnavailable, access.CodeUnavailable, "the session could not be ended; the server's log says why")
			return
		}
		if ok {
			s.audit.Write(p, "session.end", string(p.Role), r)
		}
	}
	http.SetCookie(w, s.cookie("", -1))
	w.WriteHeader(http.StatusNoContent)
}
