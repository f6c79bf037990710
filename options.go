package gyoji

import (
	"fmt"
	"runtime"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Option changes how a query or a hunt runs.
type Option func(*settings)

type settings struct {
	workers  int
	memory   int64
	temp     string
	now      time.Time
	zone     *time.Location
	bounded  bool
	from, to time.Time
	category string
	noMap    bool
	err      error // of an option: no run starts
}

func options(with []Option) *settings {
	s := &settings{workers: runtime.GOMAXPROCS(0), memory: 512 << 20, now: time.Now(), zone: time.UTC}
	for _, set := range with {
		set(s)
	}
	return s
}

// Workers sets how many goroutines read and filter; the rows do not depend on it. The
// default is [runtime.GOMAXPROCS].
func Workers(n int) Option { return func(s *settings) { s.workers = max(n, 1) } }

// Memory sets how many bytes the stages of a run may hold: what is more goes to files, or
// is an error that names the stage. 0 is no limit. The default is 512 MiB.
func Memory(bytes int64) Option { return func(s *settings) { s.memory = bytes } }

// TempDir sets the folder for those files. The default is [os.TempDir].
func TempDir(dir string) Option { return func(s *settings) { s.temp = dir } }

// Now sets what now() and relative times count from. The default is the clock.
func Now(t time.Time) Option { return func(s *settings) { s.now = t } }

// Zone sets the zone of days, and of times that name none. The default is UTC.
func Zone(z *time.Location) Option { return func(s *settings) { s.zone = z } }

// Between keeps the events of a time range, to not included. A run whose range ends before
// it starts gives an error.
func Between(from, to time.Time) Option {
	return func(s *settings) {
		if s.bounded, s.from, s.to, s.err = true, from, to, nil; to.Before(from) {
			s.err = fmt.Errorf("no event is between %s and %s: the end is before the start", from.Format(time.RFC3339), to.Format(time.RFC3339))
		}
	}
}

// Category sets _sourceCategory of every event. By default it is inferred:
// windows/sysmon for Sysmon's.
func Category(name string) Option { return func(s *settings) { s.category = name } }

// OwnNames leaves fields under their own names alone. By default EventData.Image and
// process.executable are also found as Image, and so on.
func OwnNames() Option { return func(s *settings) { s.noMap = true } }

func (s *settings) run(l *event.Layout, w *exec.Warnings) query.Run {
	r := query.Run{
		Layout: l, Workers: s.workers, Memory: s.memory, TempDir: s.temp, Now: s.now, Zone: s.zone,
		Category: s.category, NoMap: s.noMap, Warnings: w,
	}
	if s.bounded {
		r.Bounded, r.From, r.To = true, s.from.UnixMilli(), s.to.UnixMilli()
	}
	return r
}
