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
		Bounded: true, To: 1 << 52, Warnings: &exec.Warnings{}, Again: open,
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
	return t.m.Merge(o.(panickingMerger).m)
}
