package query

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/exec/exectest"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// A panic in any method of any stage's task, in any worker, is an error that names
// the query and the stage, holds the stack, and leaves no file; the run of another
// query goes on.
func TestPanicsAreErrorsOfTheRun(t *testing.T) {
	data := splitEvents(300)
	for _, text := range append([]string{
		`"e" | where n > 3 | toUpperCase(k) as up | sort by up, n`,
		`* | where k in ("a", "b") | json auto | parse "{*}" as x nodrop | timeslice 1m | count by _timeslice`,
	}, splitQueries...) {
		for _, at := range []string{"open", "push", "flush", "merge"} {
			for _, workers := range []int{1, 3} {
				q := testCompile(t, text)
				for i := range q.steps {
					injected := &panicking{Stage: q.steps[i].Stage, at: at}
					broken := *q
					broken.steps = append([]lang.Step(nil), q.steps...)
					broken.steps[i].Stage = injected
					// Little memory, so that stages spill where they can.
					err := runBroken(t, &broken, data, workers)
					if !injected.done.Load() {
						continue // no worker to merge, no row that comes so far
					}
					checkBug(t, fmt.Sprintf("%s: %s in %s, %d workers", text, at, q.steps[i].Name, workers), err, q.steps[i].Name)
				}
			}
		}
	}
}

func testCompile(t *testing.T, text string) *Query {
	t.Helper()
	q, diags := Compile(diag.Text("broken.sumo", text), Standard())
	if diags.HasErrors() {
		t.Fatal(diags.Err())
	}
	return q
}

func checkBug(t *testing.T, what string, err error, stage string) {
	t.Helper()
	var bug *exec.Bug
	if !errors.As(err, &bug) {
		t.Fatalf("%s: got %v, want a *exec.Bug", what, err)
	}
	if bug.Stage != stage || bug.Query != "broken.sumo" || !bytes.Contains(bug.Stack, []byte("bug_test.go")) {
		t.Fatalf("%s: in stage %q of %q, stack:\n%s", what, bug.Stage, bug.Query, bug.Stack)
	}
	if !strings.Contains(err.Error(), "injected") || stage != "" && !strings.Contains(err.Error(), stage) {
		t.Fatalf("%s: the message is %q", what, err)
	}
}

// runBroken runs a query with a tiny budget and sees to it that no file stays.
func runBroken(t *testing.T, q *Query, data []byte, workers int) error {
	t.Helper()
	jsonl := format.Named("jsonl")
	open := func() (input.Feeder, error) {
		o := input.Options{Force: jsonl, BlockBytes: 1000}
		return input.NewReader(text(data), []*input.Format{jsonl}, o), nil
	}
	reader, _ := open()
	layout, dir := q.Layout.Clone(), t.TempDir()
	err := q.Run(context.Background(), Run{
		Input: reader, Layout: layout, Workers: workers, Memory: 200 << 10, TempDir: dir,
		Bounded: true, To: 1 << 52, Warnings: &exec.Warnings{}, Reopen: open,
	}, &exectest.Collect{Layout: layout})
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("files stay: %v", left)
	}
	// On Unix a file's name goes at once; what stays is the open file.
	fds, _ := os.ReadDir("/proc/self/fd")
	for _, fd := range fds {
		if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(to, dir) {
			t.Errorf("stays open: %s", to)
		}
	}
	return err
}

// What reads and what prints are no stages, and their panics are caught too.
func TestPanicsOfReadingAndPrinting(t *testing.T) {
	data := splitEvents(300)
	q := testCompile(t, `* | where n > 3`)
	for _, workers := range []int{1, 3} {
		broken := *format.Named("jsonl")
		broken.New = func(*input.Want) input.BlockReader { return panickingReader{} }
		run := func(f *input.Format, out exec.Sink) error {
			reader := input.NewReader(text(data), []*input.Format{f}, input.Options{Force: f, BlockBytes: 1000})
			return q.Run(context.Background(), Run{Input: reader, Layout: q.Layout.Clone(), Workers: workers, Warnings: &exec.Warnings{}}, out)
		}
		checkBug(t, "reading", run(&broken, &exectest.Collect{}), "reading text")
		checkBug(t, "printing", run(format.Named("jsonl"), sinkFunc(func(*event.Batch) error { panic("injected") })), "output")
	}
}

type panickingReader struct{}

func (panickingReader) Read(input.Block, exec.Sink) error { panic("injected") }

// Of several queries over one reading, the one that panics fails alone.
func TestPanicsOfOneQueryOfSeveral(t *testing.T) {
	data := splitEvents(300)
	for _, at := range []string{"open", "push", "flush", "merge"} {
		for _, workers := range []int{1, 3} {
			good, bad := testCompile(t, `* | count by k | sort by k`), testCompile(t, `* | count by k`)
			injected := &panicking{Stage: bad.steps[0].Stage, at: at}
			bad.steps[0].Stage = injected
			jsonl := format.Named("jsonl")
			reader := input.NewReader(text(data), []*input.Format{jsonl}, input.Options{Force: jsonl, BlockBytes: 1000})
			parts, rows := []Part{}, []*exectest.Collect{}
			for _, q := range []*Query{bad, good} {
				l := q.Layout.Clone()
				out := &exectest.Collect{Layout: l}
				parts, rows = append(parts, Part{Query: q, Layout: l, Out: out}), append(rows, out)
			}
			err := RunTogether(context.Background(), Run{Input: reader, Workers: workers, Warnings: &exec.Warnings{}}, parts)
			if !injected.done.Load() {
				if at != "merge" || workers != 1 {
					t.Fatalf("%s with %d workers: nothing panicked", at, workers)
				}
				continue
			}
			checkBug(t, at, err, bad.steps[0].Name)
			if len(rows[1].Rows) != 9 {
				t.Errorf("%s with %d workers: the other query gave %d rows, want 9", at, workers, len(rows[1].Rows))
			}
		}
	}
}

// panicking is a stage of which a task panics once.
type panicking struct {
	lang.Stage
	at   string
	done atomic.Bool
}

func (p *panicking) panic(at string) {
	if at == p.at {
		p.done.Store(true)
		panic("injected")
	}
}

func (p *panicking) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	p.panic("open")
	t := panickingTask{p.Stage.Open(rt, next), p}
	if h := exec.HolderOf(t.Task); h != nil { // of a chain, that of its end
		return panickingHolder{panickingMerger{t, h}, h}
	}
	if m, ok := t.Task.(exec.Merger); ok {
		return panickingMerger{t, m}
	}
	return t
}

type panickingTask struct {
	exec.Task
	of *panicking
}

func (t panickingTask) Push(b *event.Batch) error { t.of.panic("push"); return t.Task.Push(b) }
func (t panickingTask) Flush() error              { t.of.panic("flush"); return t.Task.Flush() }

type panickingMerger struct {
	panickingTask
	m exec.Merger
}

func (t panickingMerger) Merge(o exec.Task) error {
	t.of.panic("merge")
	return t.m.Merge(o.(interface{ task() exec.Merger }).task())
}

func (t panickingMerger) task() exec.Merger { return t.m }

type panickingHolder struct {
	panickingMerger
	h exec.Holder
}

func (t panickingHolder) Snapshot() error           { t.of.panic("snapshot"); return t.h.Snapshot() }
func (t panickingHolder) Save(to *exec.Saver) error { t.of.panic("save"); return t.h.Save(to) }
func (t panickingHolder) Load(l *exec.Loader) error { t.of.panic("load"); return t.h.Load(l) }
func (t panickingHolder) Advance(ms int64) error    { t.of.panic("advance"); return t.h.Advance(ms) }

// A panic of any stage of a query over events that come is an error of that call: while
// events are taken, rows asked for, state saved or loaded, or event time goes on.
func TestPanicsOfARunningQuery(t *testing.T) {
	data := splitEvents(120)
	source := text(data)
	for _, text := range splitQueries {
		for _, at := range []string{"push", "flush", "snapshot", "save", "load", "advance"} {
			q := testCompile(t, text)
			q.steps = flat(q.steps)
			for i := range q.steps {
				injected := &panicking{Stage: q.steps[i].Stage, at: at}
				broken := *q
				broken.steps = append([]lang.Step(nil), q.steps...)
				broken.steps[i].Stage = injected
				dir := t.TempDir()
				x, err := broken.Start(context.Background(), Run{Memory: 200 << 10, TempDir: dir, Bounded: true, To: 1 << 52, Warnings: &exec.Warnings{}}, Live{})
				if err != nil {
					t.Fatal(err)
				}
				jsonl := format.Named("jsonl")
				var state bytes.Buffer
				call := func(do func() error) bool {
					if err = do(); errors.Is(err, exec.ErrStop) {
						err = nil
					}
					return err == nil
				}
				add := func() error {
					return x.Add(context.Background(), input.NewReader(source, []*input.Format{jsonl}, input.Options{Force: jsonl}))
				}
				out := &exectest.Collect{Layout: x.run.Layout}
				_ = call(add) && call(func() error { return x.Advance(1<<50, out) }) && call(func() error { return x.Rows(out) }) &&
					call(func() error { return x.Save(&state) }) && call(func() error { return x.Load(bytes.NewReader(state.Bytes())) })
				x.Close()
				what := fmt.Sprintf("%s: %s in %s", text, at, q.steps[i].Name)
				switch {
				case !injected.done.Load():
					if err != nil {
						t.Fatalf("%s: %v", what, err)
					}
				case at == "load": // bytes that no Save has written may panic, too
					if !errors.Is(err, exec.ErrState) {
						t.Fatalf("%s: got %v", what, err)
					}
				default:
					var bug *exec.Bug
					if !errors.As(err, &bug) || bug.Query != "broken.sumo" || !bytes.Contains(bug.Stack, []byte("bug_test.go")) {
						t.Fatalf("%s: got %v", what, err)
					}
				}
				if left, _ := os.ReadDir(dir); len(left) > 0 {
					t.Errorf("%s: files stay: %v", what, left)
				}
			}
		}
	}
}

// flat are steps with those that others are made of in their stead.
func flat(steps []lang.Step) (all []lang.Step) {
	for _, s := range steps {
		c, ok := s.Stage.(lang.Composite)
		if !ok {
			all = append(all, s)
			continue
		}
		for _, x := range flat(c.Steps()) {
			x.Name = s.Name
			all = append(all, x)
		}
	}
	return all
}
