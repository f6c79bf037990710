package rule_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/sigma"
	"github.com/gyoji-dev/gyoji/sigma/sigmatest"
)

// corpus are SigmaHQ's rules for Windows, parsed anew.
func corpus(t testing.TB) (all []sigma.Document) {
	t.Helper()
	for _, f := range sigmatest.Files(t) {
		docs, diags := sigma.Parse(f)
		if diags.HasErrors() {
			t.Error(diags)
		}
		all = append(all, docs...)
	}
	return all
}

// All of SigmaHQ's rules for Windows run but those with placeholders, whose
// values only the user can give.
func TestCorpusRuns(t *testing.T) {
	sc := rule.NewScope()
	docs := corpus(t)
	rules, unusable := sc.Lower(docs, nil)
	for _, u := range unusable {
		if u.Code != "placeholder" || !strings.Contains(u.File.Text, "|expand") {
			t.Errorf("%s: %v", u.Title, u.Diagnostic)
		}
	}
	if len(rules) != 2856 || len(unusable) != 16 {
		t.Errorf("%d rules run and %d do not, want 2856 and 16", len(rules), len(unusable))
	}
	st := rule.Compile(sc, rules).Stats()
	t.Logf("%+v", st)
	if st.Unindexed*20 > st.Rules {
		t.Errorf("%d of %d rules have no needs", st.Unindexed, st.Rules)
	}
}

// plain runs every rule over every event, without index, routing or sharing.
type plain struct {
	rules []*rule.Rule
	runs  []*expr.Run
	hit   func(i int, pos uint64)
	buf   []uint16
}

func newPlain(rules []*rule.Rule, hit func(i int, pos uint64)) *plain {
	p := &plain{rules: rules, hit: hit}
	for _, r := range rules {
		p.runs = append(p.runs, expr.Compile(r.When()).Open(&expr.Env{}))
	}
	return p
}

func (p *plain) Push(b *event.Batch) error {
	for i, r := range p.runs {
		p.buf = r.Keep(b, append(p.buf[:0], b.Live...))
		for _, row := range p.buf {
			p.hit(i, b.Pos[row])
		}
	}
	return nil
}
func (p *plain) Flush() error { return nil }

// both gives each batch to the set and then, with the texts of the events that
// the set has made for keywords, to the plain evaluator.
type both struct{ a, b exec.Task }

func (t both) Push(b *event.Batch) error {
	if err := t.a.Push(b); err != nil {
		return err
	}
	return t.b.Push(b)
}
func (t both) Flush() error { return nil }

// sample passes on the first events of each kind, and each nth of the others.
type sample struct {
	next        exec.Task
	channel, id event.Slot
	nth         int
	seen        map[[2]string]int
	passed      int
}

// firstOfKind is how many events of a channel and event id a sample has in any case.
const firstOfKind = 6

func (t *sample) Push(b *event.Batch) error {
	b.Live = slices.DeleteFunc(b.Live, func(row uint16) bool {
		kind := [2]string{strings.Clone(b.Value(t.channel, row).Str()), strings.Clone(b.Value(t.id, row).Str())}
		t.seen[kind]++
		return t.seen[kind] > firstOfKind && t.seen[kind]%t.nth != 0
	})
	t.passed += len(b.Live)
	return t.next.Push(b)
}
func (t *sample) Flush() error { return nil }

// The index, the routing by log source and the shared results change nothing:
// every rule over every event gives the same matches. A full scan takes half a
// millisecond for an event, so it is of some of them unless GYOJI_FULL_SCAN is set.
func TestIndexFindsWhatAFullScanFinds(t *testing.T) {
	sc := rule.NewScope()
	rules, _ := sc.Lower(corpus(t), nil)
	set := rule.Compile(sc, rules)
	paths := []string{shared + "jsonl/sysmon-flat.jsonl.gz", shared + "jsonl/attack-data", shared + "jsonl/security-datasets/metasploit_procdump_lsass_memory_dump.zip"}
	nth, least := 10, 200
	if os.Getenv("GYOJI_FULL_SCAN") != "" {
		nth, least = 1, 1675 // what a full scan found when this was written
	}
	var some *sample
	got, want := map[string]bool{}, map[string]bool{}
	read(t, sc, set.Fields(), 1, func() exec.Task {
		index := map[*rule.Rule]int{}
		for i, r := range set.Rules() {
			index[r] = i
		}
		fast := set.Task(&expr.Env{}, nil, func(r *rule.Rule, b *event.Batch) error {
			for _, row := range b.Live {
				got[fmt.Sprint(index[r], " ", b.Pos[row])] = true
			}
			return nil
		})
		full := newPlain(set.Rules(), func(i int, pos uint64) { want[fmt.Sprint(i, " ", pos)] = true })
		some = &sample{next: both{fast, full}, channel: sc.Layout.Slot("Channel"), id: sc.Layout.Slot("EventID"), nth: nth, seen: map[[2]string]int{}}
		return some
	}, paths...)
	t.Logf("%d events, %d matches", some.passed, len(want))
	if len(want) < least {
		t.Errorf("only %d matches: the test sees too little", len(want))
	}
	for k := range want {
		if !got[k] {
			var i int
			fmt.Sscan(k, &i)
			t.Errorf("the index misses %s of %s", k, set.Rules()[i].Title)
		}
	}
	for k := range got {
		if !want[k] {
			var i int
			fmt.Sscan(k, &i)
			t.Errorf("the set finds %s of %s, which a full scan does not", k, set.Rules()[i].Title)
		}
	}
}
