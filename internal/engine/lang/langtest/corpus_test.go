package langtest_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/lang/langtest"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
	"github.com/gyoji-dev/gyoji/syntax/syntaxtest"
)

var (
	update = flag.Bool("update", false, "run every published query and write the generated part of docs/compatibility.md anew")
	full   = flag.Bool("full", false, "run every published query, and compare docs/compatibility.md with what comes out")
)

// sample is one in how many published queries runs where not all have to.
const sample = 8

// outcome is how one published query ended.
type outcome struct {
	id       string
	reason   string // "" when it ran
	detail   string
	unread   bool // it does not parse
	compiled bool
	rows     int64
}

// The shares of published queries that must parse, and that must run.
const (
	parseLeast = 0.98
	runLeast   = 0.99
)

// page is where the shares are told, in a part between marks.
const page = "../../../../docs/compatibility.md"

// TestPublishedQueriesRun reads and compiles queries that people wrote for Sumo
// Logic, and runs them over events made from their own text: a sample of them,
// chosen by the id so that it stays the same, or all.
func TestPublishedQueriesRun(t *testing.T) {
	all := *full || *update
	var queries []syntaxtest.Query
	for _, q := range syntaxtest.Corpus(t) {
		if !q.Rewritten && (all || inSample(q.ID)) {
			queries = append(queries, q)
		}
	}
	outcomes := make([]outcome, len(queries))
	var wg sync.WaitGroup
	const lanes = 2
	for lane := range lanes {
		wg.Go(func() {
			for i := lane; i < len(queries); i += lanes {
				outcomes[i] = run(queries[i].ID, queries[i].Text())
			}
		})
	}
	wg.Wait()
	r := newReport(outcomes)
	t.Logf("%d of %d parse, %d run, %d give rows", r.parsed, r.all, r.ran, r.gave)
	if testing.Verbose() {
		t.Log(r.examples())
	}
	if float64(r.parsed) < parseLeast*float64(r.all) {
		t.Errorf("only %d of %d parse", r.parsed, r.all)
	}
	least := runLeast
	if !all {
		least -= 0.01 // a sample may be unlucky
	}
	if float64(r.ran) < least*float64(r.all) {
		t.Errorf("only %d of %d run:\n%s", r.ran, r.all, r.examples())
	}
	if !all {
		return
	}
	if *update {
		langtest.SetSection(t, page, "corpus", r.markdown())
	}
	// A word that was just built makes more run than the page says, which may
	// wait; the page may not say more than is true.
	told := regexp.MustCompile(`\| (\d+) \(`).FindAllStringSubmatch(langtest.Section(t, page, "corpus"), -1)
	for i, now := range []int{r.parsed, r.ran, r.gave} {
		if n, err := strconv.Atoi(told[i][1]); err != nil || n > now {
			t.Errorf("docs/compatibility.md says %s of what is now %d; go test ./lang/langtest -update writes it anew", told[i][1], now)
		}
	}
}

func inSample(id string) bool {
	h := fnv.New32a()
	h.Write([]byte(id))
	return h.Sum32()%sample == 0
}

// report is how the published queries ended, by reason.
type report struct {
	all, parsed, ran, gave int
	reasons                []string // of what did not run, the most frequent first
	of                     map[string][]outcome
}

func newReport(list []outcome) *report {
	r := &report{all: len(list), of: map[string][]outcome{}}
	for _, o := range list {
		if !o.unread {
			r.parsed++
		}
		if o.reason == "" {
			r.ran++
			if o.rows > 0 {
				r.gave++
			}
			continue
		}
		if r.of[o.reason] == nil {
			r.reasons = append(r.reasons, o.reason)
		}
		r.of[o.reason] = append(r.of[o.reason], o)
	}
	sort.Slice(r.reasons, func(i, j int) bool {
		if a, b := len(r.of[r.reasons[i]]), len(r.of[r.reasons[j]]); a != b {
			return a > b
		}
		return r.reasons[i] < r.reasons[j]
	})
	return r
}

func (r *report) examples() string {
	var b strings.Builder
	for _, reason := range r.reasons {
		list := r.of[reason]
		fmt.Fprintf(&b, "%5d %s\n", len(list), reason)
		for _, o := range list[:min(len(list), 3)] {
			fmt.Fprintf(&b, "        %s: %s\n", o.id, o.detail)
		}
	}
	return b.String()
}

// markdown is the part of docs/compatibility.md.
func (r *report) markdown() string {
	share := func(n int) string { return fmt.Sprintf("%d (%.2f %%)", n, 100*float64(n)/float64(r.all)) }
	var b strings.Builder
	fmt.Fprintf(&b, "%d queries that people published for Sumo Logic, template parameters filled in:\n\n", r.all)
	fmt.Fprintf(&b, "| | queries |\n|---|---:|\n| parse without an error | %s |\n| compile and run without an error over events made from their own text | %s |\n| of these, give rows | %s |\n",
		share(r.parsed), share(r.ran), share(r.gave))
	if len(r.reasons) == 0 {
		return b.String()
	}
	b.WriteString("\nThose that do not, by reason. An id is the first 12 hexadecimal digits of the SHA-256 of the query with each run of white space made one blank.\n\n")
	b.WriteString("| reason | stage | queries | ids |\n|---|---|---:|---|\n")
	for _, reason := range r.reasons {
		const most = 5
		var ids []string
		list := r.of[reason]
		for _, o := range list {
			if ids = append(ids, o.id); len(ids) == most && len(list) > most {
				ids = append(ids, "...")
				break
			}
		}
		stage := "does not compile"
		switch {
		case list[0].unread:
			stage = "does not parse"
		case list[0].compiled:
			stage = "does not run"
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %s |\n", strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;").Replace(reason), stage, len(list), strings.Join(ids, " "))
	}
	return b.String()
}

func run(id, text string) (o outcome) {
	o.id = id
	defer func() {
		if p := recover(); p != nil {
			o.reason, o.detail = "panic", fmt.Sprint(p)
		}
	}()
	f := diag.Text(id, text)
	if _, diags := syntax.Parse(f, query.Standard()); diags.HasErrors() {
		o.unread = true
		o.fail(diags)
		return o
	}
	q, diags := query.Compile(f, query.Standard())
	if diags.HasErrors() {
		o.fail(diags)
		return o
	}
	o.compiled = true
	data := langtest.Events(q.Tree, 12)
	open := func() (input.Feeder, error) {
		jsonl := format.Named("jsonl")
		return input.NewReader(input.Memory("events", data), []*input.Format{jsonl}, input.Options{Force: jsonl}), nil
	}
	reader, _ := open() // it has no way to fail
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err := q.Run(ctx, query.Run{
		Input: reader, Layout: q.Layout.Clone(), Workers: 1, Now: time.UnixMilli(1704070000000),
		Bounded: true, From: 1704060000000, To: 1704080000000,
		NoMap: true, Warnings: &exec.Warnings{}, Reopen: open,
	}, sink(func(b *event.Batch) error {
		o.rows += int64(len(b.Live))
		return nil
	}))
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		o.reason = "not finished after 20 s"
	case err != nil:
		o.reason = err.Error()
	}
	return o
}

// fail takes the first error as the reason.
func (o *outcome) fail(l diag.List) {
	for _, d := range l {
		if d.Severity != diag.Error {
			continue
		}
		line := d.File.Line(d.File.Place(d.Span.Start).Line)
		o.reason = d.Message
		o.detail = fmt.Sprintf("[%s] %.200s", d.Code, strings.TrimSpace(line))
		return
	}
}

type sink func(*event.Batch) error

func (f sink) Push(b *event.Batch) error { return f(b) }
