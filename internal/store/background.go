package store

import (
	"context"
	"errors"
	"time"
)

const (
	// lookEvery is how often it is looked whether something is to be sealed.
	lookEvery = 5 * time.Second
	// expireEvery is how often retention is looked at.
	expireEvery = 10 * time.Minute
)

// background seals, compacts and removes until ctx ends.
func (s *Store) background(ctx context.Context) {
	defer close(s.ended)
	tick := time.NewTicker(min(lookEvery, max(s.o.SealAfter/4, 10*time.Millisecond)))
	defer tick.Stop()
	var expired time.Time
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := s.keepUp(ctx)
		if now := time.Now(); err == nil && now.Sub(expired) > expireEvery {
			expired = now
			_, err = s.Expire(ctx, s.o.Retention, now)
		}
		switch {
		case err == nil:
			said = ""
		case errors.Is(err, context.Canceled):
		case err.Error() != said: // once, not every few seconds
			said = err.Error()
			s.o.Told("sealing: " + said)
		}
	}
}

// keepUp seals what is due, and compacts what has become much.
func (s *Store) keepUp(ctx context.Context) error {
	n, err := s.Seal(ctx, s.log.older(s.o.SealAfter))
	if err == nil && n > 0 {
		_, err = s.compact(ctx, true)
	}
	return err
}

// older reports whether what is in the file that is written to has been there for some time.
func (l *log) older(d time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.files) == 0 {
		return false
	}
	f := l.files[len(l.files)-1]
	return f.size > 0 && time.Since(f.born) > d
}
