package op

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// baselineMax is how many messages a baseline query may give; further ones are
// not looked at.
const baselineMax = 1_000_000

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "logcompare", Usage: "logcompare {timeshift [=] <by:duration>|start_time [=] <start:time>|end_time [=] <end:time>|baseline <other:query>}",
		Summary: "Compares the shapes of messages with those of an earlier time, or of another query.",
		Text: "`timeshift -24h` looks at the same query over the time range shifted back; `start_time \"2026-03-01 00:00\" end_time \"2026-03-02 00:00\"` looks at the same query over that range; times are also `-48h` or milliseconds, and without `end_time` the range is as long as the query's. `baseline (query)` looks at another query, over the same time range or over that of the others. " +
			"Each row is a signature as of `logreduce`: `_count` is the number of its messages now, `_deltaPercentage` is (t - b) / b of its shares t now and b before, Infinity when it is new; " +
			"`_anomalyScore` is its part of the symmetric Kullback-Leibler divergence, (t - b) ln(t / b); `_isNew` is 1 or 0. " +
			"Signatures that are gone have `_count` 0. The highest score comes first. `timeshift` needs a time range, and all of them input that can be read more than once.",
		Differs: "The signatures are made by an algorithm of ours; the formulas are the service's. The messages of the baseline are held in memory.",
		Examples: []lang.Example{
			{
				Query: `new | logcompare baseline (old) | fields signature, _count, _isNew`,
				In:    []string{"old disk 1 full", "new disk 2 full", "new user seen"},
				Out:   []string{`{"signature":"new disk * full","_count":1,"_isNew":1}`, `{"signature":"new user seen","_count":1,"_isNew":1}`, `{"signature":"old disk * full","_count":0,"_isNew":0}`},
			},
			{
				Query: `* | logcompare start_time "2023-12-25 00:00:00" end_time 1703548800000 | fields signature, _count, _isNew`,
				From:  1704067200000, To: 1704070800000,
				In:  []string{`{"_raw":"disk full","_messageTime":1704067200000}`, `{"_raw":"disk full","_messageTime":1703462400000}`, `{"_raw":"user gone","_messageTime":1703548799999}`, `{"_raw":"too late","_messageTime":1703548800000}`},
				Out: []string{`{"signature":"user gone","_count":0,"_isNew":0}`, `{"signature":"disk full","_count":1,"_isNew":0}`},
			},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Makes, Costly: true},
	New:   func() lang.Stage { return new(logcompare) },
})

type logcompare struct {
	By    *syntax.Duration `usage:"by"`
	Start string           `usage:"start"`
	End   string           `usage:"end"`
	Other *syntax.Query    `usage:"other"`

	raw   event.Slot
	outs  []event.Slot // by compareColumns
	shift *lang.Shift
	base  *lang.Subquery
}

var compareColumns = []string{"_count", "_deltaPercentage", "_anomalyScore", "_isNew", "signature", "_signature_id"}

func (s *logcompare) Check(sc *lang.Scope) {
	s.raw = sc.ReadName("_raw")
	when := lang.Range{From: s.Start, To: s.End}
	if s.By != nil {
		when.Back = max(s.By.Millis, -s.By.Millis)
	}
	for _, t := range []string{s.Start, s.End} {
		if t == "" {
			continue
		}
		if _, err := datefmt.ParseTime(t, time.Time{}, time.UTC); err != nil {
			sc.Error(sc.Stage(), "bad-time", err.Error(), `write -24h, "2026-03-01 08:00:00" or milliseconds`)
		}
	}
	switch {
	case s.End != "" && s.Start == "":
		sc.Error(sc.Stage(), "baseline-missing", "logcompare is told when to end, not where to start", "write start_time too")
	case s.Start != "" && s.By != nil:
		sc.Error(sc.Stage(), "two-baselines", "logcompare looks at one other time range", "write timeshift, or start_time with end_time")
	case s.Other != nil:
		s.base = &lang.Subquery{Max: baselineMax, When: when, Node: &syntax.Subquery{
			Pos: s.Other.Pos, Query: s.Other, Compose: []*syntax.Field{{Pos: s.Other.Pos, Name: "_raw"}},
		}}
		sc.AddSubquery(s.base)
	case when == lang.Range{}:
		sc.Error(sc.Stage(), "baseline-missing", "logcompare wants something to compare with", "write logcompare timeshift -24h, or baseline (query)")
	default:
		s.shift = sc.AddShift(when, []string{"_raw"})
	}
	var cols []lang.Column
	for _, name := range compareColumns {
		slot := sc.Slot(name)
		s.outs, cols = append(s.outs, slot), append(cols, lang.Column{Slot: slot, Name: name})
	}
	sc.Records(cols...)
}

func (s *logcompare) Needs(f *event.Fields) {
	f.Clear()
	f.Add(s.raw)
}

func (s *logcompare) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	return &logcompareTask{logcompare: s, rt: rt, next: next, acct: rt.Budget.Open("logcompare"), drain: newDrain()}
}

type logcompareTask struct {
	*logcompare
	rt    *exec.Runtime
	next  exec.Sink
	acct  *exec.Account
	drain *drain
	begun bool
	total [2]int64
}

// begin takes the messages of the baseline.
func (t *logcompareTask) begin() error {
	if t.begun {
		return nil
	}
	t.begun = true
	if t.shift != nil {
		kept := t.rt.Past[t.shift]
		return kept.Each(func(b *event.Batch) error {
			for _, row := range b.Live {
				if err := t.take(b.Value(kept.Slots[0], row), 1); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for _, r := range t.rt.Given[t.base] {
		if err := t.take(r[0], 1); err != nil {
			return err
		}
	}
	return nil
}

func (t *logcompareTask) take(raw event.Value, side int) error {
	if raw.IsNull() {
		return nil
	}
	t.total[side]++
	if n := t.drain.take(raw.Str(), side); n > 0 && !t.acct.Hold(int64(n)) {
		return t.acct.Over(fmt.Sprintf("%d shapes of messages, which must be held all at once", len(t.drain.all)), "filter earlier")
	}
	return nil
}

func (t *logcompareTask) Push(b *event.Batch) error {
	if err := t.begin(); err != nil {
		return err
	}
	for _, row := range b.Live {
		if err := t.take(b.Value(t.raw, row), 0); err != nil {
			return err
		}
	}
	return nil
}

// comparison is a signature with its figures.
type comparison struct {
	signature
	delta, score float64
}

func (t *logcompareTask) Flush() error {
	defer t.acct.Release()
	if err := t.begin(); err != nil {
		return err
	}
	var lines []comparison
	for _, s := range t.drain.signatures() {
		lines = append(lines, newComparison(s, t.total))
	}
	slices.SortStableFunc(lines, func(a, b comparison) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.count[0], a.count[0]), strings.Compare(a.text, b.text))
	})
	out := made{rt: t.rt, next: t.next}
	for i, l := range lines {
		row, err := out.row(0, uint64(i))
		if err != nil {
			return err
		}
		isNew := int64(0)
		if l.count[1] == 0 {
			isNew = 1
		}
		for j, v := range []event.Value{
			event.Int(l.count[0]), event.Float(l.delta), event.Float(l.score), event.Int(isNew), event.Text(l.text), event.Text(l.id()),
		} {
			out.Col(t.outs[j]).Set(row, v)
		}
	}
	return out.flush()
}

// newComparison computes the figures of a signature from its shares (spec C.7).
func newComparison(s signature, total [2]int64) comparison {
	share := func(side int) float64 {
		if total[side] == 0 {
			return 0
		}
		return float64(s.count[side]) / float64(total[side])
	}
	now, before := share(0), share(1)
	c := comparison{signature: s, delta: (now - before) / before, score: (now - before) * math.Log(now/before)}
	return c
}
