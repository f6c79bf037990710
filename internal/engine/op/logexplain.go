package op

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

const (
	// explainCoverage and explainRelevance are what an explanation must exceed
	// to be shown (spec C.7).
	explainCoverage  = 0.05
	explainRelevance = 0.1
	// explainPairs is up to how many fields are also looked at two by two.
	explainPairs = 12
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "logexplain", Usage: "logexplain <test:expr> [against <control:expr>] on <of:field,...>",
		Summary: "Finds values of fields that go with a condition.",
		Text: "Rows for which the condition holds are the test, those of `against`, or all others, the control. Each row of the result is a value of a field, or of two fields, as JSON in `_explanation`, " +
			"with the share of the test rows and of the control rows that have it (`_test_coverage`, `_control_coverage`) and `_relevance` from 0 to 1, the former less the latter. " +
			"Explanations with a test coverage above 0.05 and a relevance above 0.1 are shown, the most relevant first.",
		Differs: "The measure of relevance is ours. Built-in fields are taken, with a warning: Sumo Logic refuses them.",
		Examples: []lang.Example{
			{
				Query: `* | logexplain status = "500" on host`,
				In:    []string{`{"_raw":"","status":"500","host":"a"}`, `{"_raw":"","status":"200","host":"b"}`, `{"_raw":"","status":"500","host":"a"}`},
				Out:   []string{`{"_explanation":"{\"host\":\"a\"}","_relevance":1,"_test_coverage":1,"_control_coverage":0}`},
			},
		},
	},
	Flow:  lang.Collects,
	Facts: lang.Facts{Rows: lang.Makes, Costly: true},
	New:   func() lang.Stage { return new(logexplain) },
})

type logexplain struct {
	Test    syntax.Expr     `usage:"test"`
	Control syntax.Expr     `usage:"control"`
	Of      []*syntax.Field `usage:"of"`

	test, control *expr.Program
	slots         []event.Slot
	outs          []event.Slot // by explainColumns
	tallying
}

var explainColumns = []string{"_explanation", "_relevance", "_test_coverage", "_control_coverage"}

func (s *logexplain) Check(sc *lang.Scope) {
	s.check(sc)
	s.test = expr.Compile(sc.Expr(s.Test))
	if s.Control != nil {
		s.control = expr.Compile(sc.Expr(s.Control))
	}
	for _, f := range s.Of {
		if strings.HasPrefix(f.Name, "_") {
			sc.Warn(f, "built-in-field", "Sumo Logic does not take the built-in field "+f.Name+" in logexplain", "give it another name first: | "+f.Name+" as name")
		}
		s.slots = append(s.slots, sc.Read(f))
	}
	var cols []lang.Column
	for _, name := range explainColumns {
		slot := sc.Slot(name)
		s.outs, cols = append(s.outs, slot), append(cols, lang.Column{Slot: slot, Name: name})
	}
	sc.Records(cols...)
}

func (s *logexplain) Needs(f *event.Fields) {
	f.Clear()
	f.Add(s.slots...)
	f.Add(s.test.Reads()...)
	if s.control != nil {
		f.Add(s.control.Reads()...)
	}
}

func (s *logexplain) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	t := &logexplainTask{logexplain: s, rt: rt, next: next, counts: s.open(rt, "logexplain")}
	t.runTest = s.test.Open(lang.Env(rt))
	if s.control != nil {
		t.runControl = s.control.Open(lang.Env(rt))
	}
	return t
}

type logexplainTask struct {
	untimed
	*logexplain
	rt                  *exec.Runtime
	next                exec.Sink
	runTest, runControl *expr.Run
	rows                []uint16
	in                  []bool
	counts              *tally // rows of the test and of the control that have it
	total               [2]int64
	buf                 []byte
}

func (t *logexplainTask) Push(b *event.Batch) error {
	t.in = append(t.in[:0], make([]bool, b.N)...)
	t.rows = t.runTest.Keep(b, append(t.rows[:0], b.Live...))
	for _, row := range t.rows {
		t.in[row] = true
		if err := t.add(b, row, 0); err != nil {
			return err
		}
	}
	t.rows = append(t.rows[:0], b.Live...)
	if t.runControl != nil {
		t.rows = t.runControl.Keep(b, t.rows)
	}
	for _, row := range t.rows {
		if t.runControl == nil && t.in[row] {
			continue
		}
		if err := t.add(b, row, 1); err != nil {
			return err
		}
	}
	return nil
}

func (t *logexplainTask) add(b *event.Batch, row uint16, side int) error {
	t.total[side]++
	for i := range t.slots {
		if b.Value(t.slots[i], row).IsNull() {
			continue
		}
		t.buf = t.field(t.buf[:0], b, row, i)
		if err := t.note(side); err != nil {
			return err
		}
		if len(t.slots) > explainPairs {
			continue
		}
		one := len(t.buf)
		for j := i + 1; j < len(t.slots); j++ {
			if b.Value(t.slots[j], row).IsNull() {
				continue
			}
			t.buf = t.field(t.buf[:one], b, row, j)
			if err := t.note(side); err != nil {
				return err
			}
		}
	}
	return nil
}

// field appends a field's number and value.
func (t *logexplainTask) field(buf []byte, b *event.Batch, row uint16, i int) []byte {
	return appendKey(binary.LittleEndian.AppendUint16(buf, uint16(i)), b.Value(t.slots[i], row))
}

func (t *logexplainTask) note(side int) error {
	var n [2]int64
	n[side] = 1
	return t.counts.add(t.buf, n)
}

func (t *logexplainTask) Merge(o exec.Task) error {
	ot := o.(*logexplainTask)
	t.total[0] += ot.total[0]
	t.total[1] += ot.total[1]
	return t.counts.merge(ot.counts)
}

// explanation is one line of the result.
type explanation struct {
	text                     string
	relevance, test, control float64
}

func (t *logexplainTask) Flush() error {
	defer t.counts.close()
	return t.Snapshot()
}

func (t *logexplainTask) Save(to *exec.Saver) error {
	to.Int(t.total[0])
	to.Int(t.total[1])
	return t.counts.save(to)
}

func (t *logexplainTask) Load(from *exec.Loader) error {
	t.total[0] += from.Int()
	t.total[1] += from.Int()
	return t.counts.load(from)
}

// Snapshot pushes the lines so far.
func (t *logexplainTask) Snapshot() error {
	var lines []explanation
	share := func(n, total int64) float64 {
		if total == 0 {
			return 0
		}
		return float64(n) / float64(total)
	}
	if err := t.counts.each(func(k string, n [2]int64) error {
		e := explanation{test: share(n[0], t.total[0]), control: share(n[1], t.total[1])}
		if e.relevance = e.test - e.control; e.test > explainCoverage && e.relevance > explainRelevance {
			e.text = t.text(k)
			lines = append(lines, e)
		}
		return nil
	}); err != nil {
		return err
	}
	slices.SortFunc(lines, func(a, b explanation) int {
		return cmp.Or(cmp.Compare(b.relevance, a.relevance), cmp.Compare(len(a.text), len(b.text)), strings.Compare(a.text, b.text))
	})
	out := made{rt: t.rt, next: t.next}
	for i, l := range lines {
		row, err := out.row(0, uint64(i))
		if err != nil {
			return err
		}
		for j, v := range []event.Value{event.Text(l.text), event.Float(l.relevance), event.Float(l.test), event.Float(l.control)} {
			out.Col(t.outs[j]).Set(row, v)
		}
	}
	return out.flush()
}

// text prints a key of counts as JSON, in the order of the fields.
func (t *logexplainTask) text(key string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := 0; i < len(key); {
		if i > 0 {
			b.WriteByte(',')
		}
		field := binary.LittleEndian.Uint16([]byte(key[i : i+2]))
		n := int(binary.LittleEndian.Uint32([]byte(key[i+3 : i+7]))) // as appendKey writes it, no null among them
		name, _ := json.Marshal(t.Of[field].Name)
		value, _ := json.Marshal(key[i+7 : i+7+n])
		fmt.Fprintf(&b, "%s:%s", name, value)
		i += 7 + n
	}
	b.WriteByte('}')
	return b.String()
}
