package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/content"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// note adds a line to what is said at the end: that nothing could have been found,
// and what to do next. It is a failure under --strict.
func (s *session) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
	s.failing = true
}

// explains reports whether what note adds is told, or decides how the command ends.
func (s *session) explains() bool { return !s.app.quiet || s.strict || s.needed }

// first names the first of some things, and how many there are besides.
func first(names []string) string {
	if len(names) == 1 {
		if names[0] == "-" {
			return "standard input"
		}
		return names[0]
	}
	return fmt.Sprintf("%s and %s more", names[0], number(int64(len(names)-1)))
}

// nothingRead notes that there was nothing to read: no file, or one without events.
// unread says that no event was read at all.
func (s *session) nothingRead(st input.Stats) (unread bool) {
	if len(s.readers) == 0 || len(st.Failed) > 0 {
		return false
	}
	switch {
	case s.store != nil:
		if st.Total == 0 {
			s.note("the store %s holds no events that could be of the time range: nothing was read", s.store.Dir())
		}
		return st.Total == 0
	case st.Parts == 0 && s.left > 0: // all of it was put in before, as has been said
		return false
	case st.Parts == 0:
		s.note("no log files in %s: nothing was read", strings.Join(s.paths, ", "))
		return true
	case len(st.Empty) > 0:
		s.note("no events in %s", first(st.Empty))
	}
	return st.Events == 0 && len(st.Empty) == st.Parts
}

// unmetBytes is how much input is read a second time to tell which part of a search
// expression no event meets, where no --strict run has to know.
const unmetBytes = 256 << 20

// wholeBytes is the same for a search of which the reader passed events over.
const wholeBytes = 32 << 20

// nothingFound notes why a search found nothing, where nothing could be found.
func (s *session) nothingFound(ctx context.Context, q *query.Query, seen *query.Seen) {
	st := s.readers[len(s.readers)-1].Stats()
	if st.Events == 0 || !seen.Empty(s.rows) {
		return
	}
	why, sure := seen.Nothing(s.rows)
	if st.Given < st.Events { // no one looked at what was passed over
		if whole := s.whole(ctx, q, st); whole != nil {
			why, sure = whole.Nothing(s.rows)
		} else if st.Given == 0 {
			why, sure = "no event has the text that the query looks for", false
		} else {
			why, sure = strings.Replace(why, "no event", "no event with the text that the query looks for", 1), false
		}
	}
	if why == "" {
		return
	}
	if !sure && st.Given > 0 && (s.strict || st.Bytes < unmetBytes) {
		if unmet := s.unmet(ctx, q); len(unmet) > 0 {
			for _, u := range unmet {
				s.note("%s (of %s); gyoji explain --why-not says more", u, number(st.Events))
			}
			return
		}
	}
	failing := s.failing
	s.note("%s (of %s); gyoji explain --why-not says more", why, number(st.Events))
	s.failing = failing || sure || st.Given == 0 // the reader met no literal of it
}

// whole is what a query meets when all events are given to it; nil where the input is
// too much, or cannot be read again.
func (s *session) whole(ctx context.Context, q *query.Query, st input.Stats) *query.Seen {
	if !s.strict && st.Bytes >= wholeBytes {
		return nil
	}
	run, ok := s.reread(q)
	if !ok {
		return nil
	}
	run.Seen, run.Whole = &query.Seen{}, true
	if q.Run(ctx, run, noRows{}) != nil {
		return nil
	}
	return run.Seen
}

type noRows struct{}

func (noRows) Push(*event.Batch) error { return nil }

// reread is a run over the input once more; ok is false where it is read once.
func (s *session) reread(q *query.Query) (run query.Run, ok bool) {
	if s.spool == nil && slices.Contains(s.paths, "-") {
		return run, false
	}
	opt := s.opt
	opt.Warnings = &exec.Warnings{} // they have been told
	again, err := s.another(opt)
	if err != nil {
		return run, false
	}
	run = s.run
	run.Warnings, run.Input, run.Seen = opt.Warnings, again, nil
	run.Layout = q.Layout.Clone()
	return run, true
}

// unmet says which parts of a query's search expression no event meets. Where that
// cannot be told, since the input is read once, it says nothing.
func (s *session) unmet(ctx context.Context, q *query.Query) (out []string) {
	run, ok := s.reread(q)
	if !ok {
		return nil
	}
	unmet, err := q.Unmet(ctx, run)
	if err != nil {
		return nil
	}
	for _, u := range unmet {
		text := fmt.Sprintf("no event matches `%s`", u.Text)
		switch {
		case u.Field != "" && len(u.Values) == 0:
			text += ": no event has a field " + u.Field
		case u.Field != "":
			text += fmt.Sprintf(": %s is %s", u.Field, strings.Join(u.Values, ", "))
			if u.More {
				text += " or others"
			}
		}
		out = append(out, text)
	}
	return out
}

// nothingReached notes that no event is of what the detections are about, and what
// was read as plain text.
func (h *huntRun) nothingReached(ctx context.Context, rules *sigmaRules, seen []*query.Seen) {
	s := h.session
	if len(s.readers) == 0 {
		return
	}
	st := s.readers[0].Stats()
	doctor := "gyoji doctor " + strings.Join(s.paths, " ")
	windows := true // nothing looks at plain text
	if rules != nil {
		for _, r := range rules.rules {
			windows = windows && (r.Correlation != nil || r.Windows())
		}
	}
	var logs []string // read as plain text, and no rules
	for _, t := range st.Texts {
		if k := content.Of(t, headOf(t)); k == content.Sigma || k == content.SIEMRule {
			s.note("%s is %s and was read as a log; to run it write -d %s", t, k, shellWord(t))
			continue
		}
		logs = append(logs, t)
	}
	st.Texts = logs
	texts := len(st.Texts) > 0 && windows
	if texts {
		s.note("no detection looks at plain text, which %s is read as; see: %s", first(st.Texts), doctor)
	}
	if st.Events == 0 || s.rows > 0 || texts && len(st.Texts) == st.Parts {
		return
	}
	reached := h.set != nil && h.set.Reached() > 0 || h.siem != nil && (!h.siem.beside || h.siem.Run.Records > 0) // alone it says so itself
	for _, q := range seen {
		reached = reached || q.Reached()
	}
	if !reached && len(seen) > 0 && st.Given < st.Events { // no one looked at what was passed over
		reached = s.recognised(ctx)
	}
	if !reached {
		s.note("no event of %s is of a log source that a detection is for, so none could match; see what they are: %s", number(st.Events), doctor)
	}
}

// errEnough ends a look at some events.
var errEnough = errors.New("enough")

// recognised reports whether one of the first events has a _sourceCategory.
func (s *session) recognised(ctx context.Context) bool {
	opt := s.opt
	opt.Warnings = &exec.Warnings{}
	again, err := s.another(opt)
	if err != nil {
		return true
	}
	run := s.run
	run.Warnings, run.Workers, run.Input = opt.Warnings, 1, again
	run.Layout = event.NewLayout("_sourceCategory")
	var fields event.Fields
	fields.Add(0)
	look := &categoryLook{}
	err = query.Events(ctx, run, fields, func() exec.Task { return look })
	return look.some || err != nil && !errors.Is(err, errEnough)
}

// categoryLook looks for a _sourceCategory in the first batches.
type categoryLook struct {
	some    bool
	batches int
}

// categoryBatches is how many batches are looked at.
const categoryBatches = 8

func (l *categoryLook) Push(b *event.Batch) error {
	for _, row := range b.Live {
		l.some = l.some || !b.Value(0, row).IsNull()
	}
	if l.batches++; l.some || l.batches >= categoryBatches {
		return errEnough
	}
	return nil
}

func (l *categoryLook) Flush() error { return nil }
