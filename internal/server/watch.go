package server

import (
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/server/sec"
)

// watch begins live detection, and gives the API of its content and of what it finds.
func (s *Server) watch() (*sec.API, error) {
	db, err := s.store.DB(sec.Migration)
	if err != nil {
		return nil, err
	}
	docs := sec.Of(db)
	if s.live, err = live.Start(live.Options{Store: s.store, Content: sec.New(docs, sec.Options{}).Content, Logf: s.logf}); err != nil {
		return nil, err
	}
	s.more = append(s.more, s.live.Close)
	return sec.New(docs, sec.Options{Alerts: s.live.Alerts(), Changed: s.live.Changed}), nil
}
