// Package server is gyoji serve: one process that takes logs in, keeps them, and answers
// clients. It opens the store, listens, checks keys and limits, and hands requests to the
// packages below it.
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/api"
	"github.com/gyoji-dev/gyoji/internal/server/collect"
	"github.com/gyoji-dev/gyoji/internal/server/desk"
	"github.com/gyoji-dev/gyoji/internal/server/job"
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/server/notify"
	"github.com/gyoji-dev/gyoji/internal/server/search"
	"github.com/gyoji-dev/gyoji/internal/store"
)

// How long things may take. A slow connection is ended within 35 s, whatever it is slow at.
const (
	headerTime = 10 * time.Second
	bodyTime   = 30 * time.Second
	writeTime  = 30 * time.Second // of each piece of an answer
	idleTime   = 30 * time.Second
	headerMax  = 64 << 10
	// stopTime is how long a server takes to stop, and drainTime what of it requests have
	// that are being answered.
	stopTime  = 28 * time.Second
	drainTime = 15 * time.Second
)

// pace is how long connections may take; tests have less patience.
type pace struct{ header, body, write, idle time.Duration }

var usual = pace{headerTime, bodyTime, writeTime, idleTime}

// Server is a running server.
type Server struct {
	c        Config
	logf     func(string, ...any)
	store    *store.Store
	keys     *access.Keys
	sessions *access.Sessions
	audit    *access.Audit
	vault    *vault
	sources  *collect.Sources
	doors    *collect.Doors
	calls    *api.API
	live     *live.Engine
	hunter   *live.Hunter
	desk     *desk.Desk
	notify   *notify.Notifier
	left     []string                      // what of --detections cannot be used, and why
	more     []func(context.Context) error // to be closed before the store, last first

	listener   net.Listener
	http       http.Server
	base       string
	routes     []access.Route
	started    time.Time
	pace       pace
	draining   atomic.Bool
	stats      stats
	limits     limits
	missing    seen
	repeats    repeats
	deliveries repeats // of logs
	ended      chan error
}

// Told is what a start tells people.
type Told struct {
	Base      string // the server's address
	First     bool   // the credentials are new
	File      string // of the credentials
	Given     Credentials
	Listeners []string // of syslog
}

// ConfigError is a configuration that cannot be.
type ConfigError struct{ error }

func (e *ConfigError) Unwrap() error { return e.error }

// Start opens the store and listens. logf is told what the server's owner should know. The
// errors of a configuration are *ConfigError, those of a folder the store's.
func Start(c Config, logf func(string, ...any)) (*Server, Told, error) {
	return start(c, usual, logf)
}

func start(c Config, p pace, logf func(string, ...any)) (_ *Server, told Told, err error) {
	ready, err := c.check()
	if err != nil {
		return nil, told, &ConfigError{err}
	}
	c.fit(machineMemory())
	s := &Server{c: c, pace: p, logf: logf, started: time.Now(), ended: make(chan error, 1)}
	defer func() {
		if err != nil {
			s.abandon()
		}
	}()
	s.store, err = store.Open(c.Data, store.Options{LogMax: c.LogMax, SealAfter: cmp.Or(c.SealAfter, sealAfterDefault), Retention: c.Retention, Told: func(text string) { logf("%s", text) }})
	if err != nil {
		return nil, told, err
	}
	if s.listener, err = net.Listen("tcp", c.Listen); err != nil {
		return nil, told, fmt.Errorf("listen %s: %w", c.Listen, err)
	}
	at := s.listener.Addr()
	if c.Conns > 0 {
		s.listener = netutil.LimitListener(s.listener, c.Conns)
	}
	var certificate *tls.Config
	if ready.secure {
		if certificate, err = c.certificate(logf); err != nil {
			return nil, told, err
		}
		s.listener = tls.NewListener(s.listener, certificate)
	}
	s.base = c.base(at, certificate)
	if s.keys, err = access.OpenKeys(c.Data); err != nil {
		return nil, told, err
	}
	if s.sessions, err = access.OpenSessions(c.Data, s.keys); err != nil {
		return nil, told, err
	}
	if s.audit, err = access.OpenAudit(c.Data, logf); err != nil {
		return nil, told, err
	}
	if s.vault, err = openVault(c.Data); err != nil {
		return nil, told, err
	}
	s.vault.c.WebURL = s.base
	if s.sources, told.First, err = s.vault.begin(s.keys, func() (*collect.Sources, error) { return collect.OpenSources(c.Data, s.vault) }); err != nil {
		return nil, told, err
	}
	if err = s.vault.address(s.base, s.sessions.Link); err != nil {
		return nil, told, err
	}
	meter, err := desk.NewMeter(s.store)
	if err != nil {
		return nil, told, err
	}
	s.doors = collect.New(collect.Options{
		Log: meter, Sources: s.sources, Keys: s.keys, Audit: s.audit, Logf: logf, Memory: c.Memory, Install: c.Install, BodyTime: p.body,
	})
	watched, err := s.watch(meter)
	if err != nil {
		return nil, told, err
	}
	calls, err := api.New(api.Options{
		Store: s.store, Sources: s.sources, Dir: c.Data, Base: s.Base, Logf: logf,
		Outward: access.Outward{Plain: c.WebhookPlain, Hosts: c.WebhookHosts}, RelativeTimes: c.RelativeTimes,
		Jobs: job.Options{Memory: c.SearchMemory, Active: c.Searches, Idle: c.SearchIdle, ForcePause: c.ForcePause, Signals: s.signals, Busy: s.detects},
	})
	if err != nil {
		return nil, told, err
	}
	s.calls, s.more = calls, append(s.more, calls.Close)
	page := search.New(search.Options{Store: s.store, Jobs: calls.Jobs(), Alerts: s.live.Alerts(), Rewrite: calls.Rewrite, Logf: logf})
	doors := s.doors.Routes()
	for i, r := range doors {
		doors[i].Serve = s.sent(r.Serve)
	}
	s.deliveries.logs = true
	s.routes = slices.Concat(doors, s.own(), pages(), s.session(), calls.Routes(), watched, page.Routes())
	s.limits.perSecond = c.RateLimit
	s.http = http.Server{
		Handler: s.handler(s.routes), ReadHeaderTimeout: s.pace.header, IdleTimeout: s.pace.idle, MaxHeaderBytes: headerMax,
		ErrorLog: log.New(quiet{logf, &s.stats}, "", 0), ConnState: s.stats.conn, Protocols: new(http.Protocols),
	}
	s.http.Protocols.SetHTTP1(true)
	s.http.RegisterOnShutdown(func() { _ = s.desk.Close(context.Background()) }) // its streams would go on
	for _, a := range ready.syslog {
		cert := certificate
		if a.Network == "tls" && cert == nil {
			if cert, err = c.certificate(logf); err != nil {
				return nil, told, err
			}
		}
		at, err := s.doors.Syslog(a, cert)
		if err != nil {
			return nil, told, fmt.Errorf("syslog %s: %w", a.Host, err)
		}
		told.Listeners = append(told.Listeners, a.Network+"://"+at.String())
	}
	for _, t := range ready.kafka {
		s.doors.Kafka(t, c.KafkaBy)
	}
	go func() { s.ended <- s.http.Serve(s.listener) }()
	resting, wake := context.WithCancel(context.Background())
	s.more = append(s.more, func(context.Context) error { wake(); return nil })
	go s.rest(resting)
	s.audit.Write(access.Principal{}, "server.start", s.base, nil)
	told.Base, told.Given, told.File = s.base, s.vault.c, filepath.Join(c.Data, CredentialsName)
	return s, told, nil
}

// Base is the address of the server, without a slash at its end.
func (s *Server) Base() string { return s.base }

// Store is the server's store.
func (s *Server) Store() *store.Store { return s.store }

// Wait waits until the server fails, or ctx ends; then it stops the server, which takes
// less than 30 s.
func (s *Server) Wait(ctx context.Context) error {
	var failed error
	select {
	case failed = <-s.ended:
	case <-ctx.Done():
	}
	return errors.Join(failed, s.Stop())
}

// Stop takes no more requests, waits for those that are being answered, and closes the
// store. What was acknowledged is durable at any moment, so that nothing is lost if a
// request has to be cut off.
func (s *Server) Stop() error {
	s.draining.Store(true)
	all, done := context.WithTimeout(context.Background(), stopTime)
	defer done()
	drain, drained := context.WithTimeout(all, drainTime)
	defer drained()
	s.http.SetKeepAlivesEnabled(false)
	if err := s.http.Shutdown(drain); err != nil {
		s.logf("requests that were still being answered are cut off: %d", s.stats.active.Load())
		s.http.Close()
	}
	s.audit.Write(access.Principal{}, "server.stop", s.base, nil)
	err := s.doors.Close(all)
	for i := len(s.more) - 1; i >= 0; i-- {
		err = errors.Join(err, s.more[i](all))
	}
	return errors.Join(err, s.audit.Close(), s.store.Close(all))
}

// abandon closes what a start that failed had opened.
func (s *Server) abandon() {
	now, done := context.WithTimeout(context.Background(), time.Second)
	defer done()
	if s.doors != nil {
		_ = s.doors.Close(now)
	}
	for _, f := range s.more {
		_ = f(now)
	}
	if s.listener != nil {
		_ = s.listener.Close()
	}
	if s.audit != nil {
		_ = s.audit.Close()
	}
	if s.store != nil {
		_ = s.store.Close(now)
	}
}

// quiet is the log of net/http: what single connections do wrong is counted and not said.
type quiet struct {
	logf  func(string, ...any)
	stats *stats
}

func (q quiet) Write(p []byte) (int, error) {
	if n := q.stats.errors.Add(1); n == 1 || n%1000 == 0 {
		q.logf("%s (%d such so far)", p[:max(0, len(p)-1)], n)
	}
	return len(p), nil
}
