package server

import (
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/server/sec"
	"github.com/gyoji-dev/gyoji/packages"
)

// watch begins live detection, and gives the API of its content and of what it finds.
func (s *Server) watch() (*sec.API, error) {
	db, err := s.store.DB(sec.Migration)
	if err != nil {
		return nil, err
	}
	builtin, found, err := tenant.Read([]tenant.Place{{FS: packages.FS, Path: ".", Name: "packages"}})
	if err != nil {
		return nil, err
	}
	for _, d := range found {
		s.logf("built-in content: %s", d)
	}
	o := sec.Options{Builtin: builtin}
	content := sec.New(sec.Of(db), o).Content
	if s.live, err = live.Start(live.Options{Store: s.store, Content: content, Logf: s.logf}); err != nil {
		return nil, err
	}
	s.more = append(s.more, s.live.Close)
	o.Alerts, o.Changed = s.live.Alerts(), s.live.Changed
	return sec.New(sec.Of(db), o), nil
}
