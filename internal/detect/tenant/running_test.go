package tenant

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// sixKinds are rules of all kinds over failed and good logons and processes.
const sixKinds = `
kind: match_rule
id: MATCH-U00001
name: Fail
expression: "metadata_deviceEventId = 'Security-4625' AND NOT array_contains(listMatches, 'quiet')"
entity_selectors: [{entity_type: _hostname, expression: device_hostname}, {entity_type: _username, expression: user_username}]
name_expression: "Fail of {{user_username}}"
summary_expression: s
description_expression: d
score: 4
---
kind: threshold_rule
id: THRESHOLD-U00002
name: Many
expression: "metadata_deviceEventId = 'Security-4625'"
entity_selectors: [{entity_type: _hostname, expression: device_hostname}]
group_by_fields: [srcDevice_ip]
limit: 3
window_size: T30M
description: d
summary_expression: "{{srcDevice_ip}}"
score: 5
---
kind: chain_rule
id: CHAIN-U00003
name: Then a success
ordered: true
window_size: T60M
expressions_and_limits:
  - {expression: "metadata_deviceEventId = 'Security-4625'", limit: 2}
  - {expression: "metadata_deviceEventId = 'Security-4624'", limit: 1}
entity_selectors: [{entity_type: _username, expression: user_username}]
description: d
summary_expression: s
score: 6
---
kind: aggregation_rule
id: AGGREGATION-U00004
name: Many users
match_expression: "objectType = 'Authentication'"
aggregation_functions: [{name: users, function: count_distinct, arguments: [user_username]}, {name: n, function: avg, arguments: ["num(fields['EventData.IpPort'])"]}]
trigger_expression: "users > 1 AND n > 40"
window_size: T60M
entity_selectors: [{entity_type: _hostname, expression: device_hostname}]
name_expression: "{{users}} users"
summary_expression: "{{n}}"
description_expression: d
score: 3
---
kind: first_seen_rule
id: FIRST-U00005
name: New address
baseline_type: PER_ENTITY
baseline_window_size: "86400000"
retention_window_size: "172800000"
filter_expression: "objectType = 'Authentication'"
value_fields: [srcDevice_ip]
group_by_fields: [user_username]
entity_selectors: [{entity_type: _username, expression: user_username}]
name_expression: "New {{srcDevice_ip}}"
summary_expression: s
description_expression: d
score: 2
---
kind: outlier_rule
id: OUTLIER-U00006
name: Burst
match_expression: "metadata_deviceEventId = 'Security-4625'"
aggregation_functions: [{name: current, function: count, arguments: ["true"]}]
window_size: T60M
baseline_window_size: "86400000"
retention_window_size: "864000000"
deviation_threshold: 1
floor_value: 1
group_by_fields: [device_hostname]
entity_selectors: [{entity_type: _hostname, expression: device_hostname}]
name_expression: Burst
summary_expression: "{{current}}"
description_expression: d
score: 4
---
kind: outlier_rule
id: OUTLIER-U00007
name: High ports
match_expression: "objectType = 'Authentication'"
aggregation_functions: [{name: current, function: avg, arguments: ["num(fields['EventData.IpPort'])"]}]
window_size: T60M
baseline_window_size: "3600000"
retention_window_size: "864000000"
deviation_threshold: 1
floor_value: 10
group_by_fields: [device_hostname]
entity_selectors: [{entity_type: _hostname, expression: device_hostname}]
name_expression: High ports
summary_expression: "{{current}} on {{device_hostname}}"
description_expression: d
score: 7
---
kind: match_list
name: quiet
target_column: Username
items: [al]
---
kind: custom_insight
id: c1
name: Both
rule_ids: [MATCH-U00001, THRESHOLD-U00002]
severity: HIGH
`

const start = 1_700_000_000_000

type timed struct {
	at     int64
	pos    uint64
	fields map[string]string
}

// logons are random logons over three days, some at one time.
func logons(rnd *rand.Rand, n int) (out []timed) {
	one := func(of ...string) string { return of[rnd.IntN(len(of))] }
	at := int64(start)
	for i := range n {
		if rnd.IntN(4) > 0 {
			at += rnd.Int64N(2 * 3 * 86_400_000 / int64(n))
		}
		out = append(out, timed{at / 1000 * 1000, uint64(i), map[string]string{
			"Channel": "Security", "EventID": one("4625", "4625", "4624"), "Computer": one("A", "B"), "TargetUserName": one("bob", "al", "eve", "mallory"),
			"IpAddress": fmt.Sprintf("10.0.0.%d", 1+rnd.IntN(4+i/20)), "IpPort": fmt.Sprint(rnd.IntN(90)),
		}})
	}
	return out
}

// batch makes a batch of events.
func (x *Tenant) batch(events []timed) *event.Batch {
	layout, _ := x.Ready()
	b := &event.Batch{}
	for _, e := range events {
		row := b.AddRow(e.at, e.pos)
		for name, v := range e.fields {
			b.Col(layout.Slot(name)).Set(row, event.Text(v))
		}
	}
	return b
}

func runtimeOf(t *testing.T) *exec.Runtime {
	return &exec.Runtime{Ctx: t.Context(), Layout: event.NewLayout(), Budget: &exec.Budget{Limit: 1 << 28}, TempDir: t.TempDir(), Warnings: &exec.Warnings{}}
}

type seen struct{ signals, insights []string }

func (s *seen) add(signals []*insight.Signal, insights []*insight.Insight) {
	for _, x := range signals {
		for i := range x.Records {
			x.Records[i].Past = false // it says which process has read the record
		}
		s.signals = append(s.signals, fmt.Sprint(x.Time, x.RuleID, x.Entity.ID(), x.Name, x.Summary, x.Severity, x.Suppressed, x.Stronger, x.ID, x.Total, x.Records, x.Related, x.Lists))
	}
	for _, x := range insights {
		ids := []string{}
		for _, g := range x.Signals {
			ids = append(ids, g.ID)
		}
		s.insights = append(s.insights, fmt.Sprint(x.Time, x.Entity.ID(), x.Name, x.Score, x.Severity, x.ID, ids))
	}
}

// sorted orders signals as a run over files does: live, one of a bucket's end comes later.
func (s *seen) sorted() *seen {
	slices.SortStableFunc(s.signals, strings.Compare)
	slices.SortStableFunc(s.insights, strings.Compare)
	return s
}

// TestLiveIsOffline: events that come one after the other, shuffled within the lateness,
// cut at any place, saved and gone on with, make the signals and insights of one run over
// all of them (operate.md 4.4, C2, C4).
func TestLiveIsOffline(t *testing.T) {
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(14, seed))
		events := logons(rnd, 150+rnd.IntN(250))
		x := documents(t, sixKinds)
		if len(x.Unusable) > 0 {
			t.Fatal(x.Unusable)
		}
		x.Ready()
		run := x.Open(runtimeOf(t), x.Rules)
		task := run.Task(&expr.Env{})
		if err := task.Push(x.batch(events)); err != nil {
			t.Fatal(err)
		}
		if err := task.Flush(); err != nil {
			t.Fatal(err)
		}
		signals, insights, _, err := run.Signals()
		if err != nil {
			t.Fatal(err)
		}
		want := &seen{}
		want.add(signals, insights)
		want.sorted()
		if len(want.signals) < 50 || len(want.insights) == 0 {
			t.Fatalf("only %d signals, %d insights", len(want.signals), len(want.insights))
		}
		kinds := map[string]bool{}
		for _, s := range signals {
			kinds[s.RuleID] = true
		}
		if seed == 0 && len(kinds) < 6 {
			t.Errorf("only %v fire", kinds)
		}
		for _, lateness := range []int64{0, 60_000, 3_600_000} {
			arrivals := slices.Clone(events)
			slices.SortStableFunc(arrivals, func(a, b timed) int { return cmp.Compare(a.at, b.at) })
			if lateness > 0 {
				when := map[uint64]int64{}
				for _, e := range arrivals {
					when[e.pos] = e.at + rnd.Int64N(lateness)
				}
				slices.SortStableFunc(arrivals, func(a, b timed) int { return cmp.Compare(when[a.pos], when[b.pos]) })
			}
			got := &seen{}
			x = documents(t, sixKinds)
			live := newStream(t, x)
			if rnd.IntN(2) == 0 { // by checkpoints of what has changed
				live = restored(t, x, map[string][]byte{})
			}
			newest := int64(0)
			for rest := arrivals; len(rest) > 0; {
				n := min(len(rest), 1+rnd.IntN(20))
				live.push(rest[:n])
				for _, e := range rest[:n] {
					newest = max(newest, e.at)
				}
				rest = rest[n:]
				if rnd.IntN(3) == 0 {
					signals, err := live.run.Advance(newest - lateness)
					if err != nil {
						t.Fatal(err)
					}
					got.add(signals, live.run.Insights())
				}
				if live.store != nil && rnd.IntN(4) == 0 {
					live.checkpoint(rnd.IntN(4) > 0)
				}
				if live.store != nil && rnd.IntN(8) == 0 {
					live.checkpoint(true)
					x = documents(t, sixKinds+others(rnd)) // the rules have other numbers
					live = restored(t, x, live.store)
				} else if live.store == nil && rnd.IntN(8) == 0 {
					var state bytes.Buffer
					to := exec.NewSaver(&state)
					if err := errors.Join(live.run.Save(to), to.Flush()); err != nil {
						t.Fatal(err)
					}
					x = documents(t, sixKinds)
					live = newStream(t, x)
					if err := live.run.Load(exec.NewLoader(&state)); err != nil {
						t.Fatal(err)
					}
				}
			}
			signals, err := live.run.Rest()
			if err != nil {
				t.Fatal(err)
			}
			got.add(signals, live.run.Insights())
			if n := live.late(); n > 0 {
				t.Errorf("seed %d, lateness %d: %d records are late", seed, lateness, n)
			}
			if got.sorted(); !reflect.DeepEqual(got, want) {
				t.Errorf("seed %d, lateness %d: %d signals and %d insights, want %d and %d", seed, lateness, len(got.signals), len(got.insights), len(want.signals), len(want.insights))
				difference(t, got.signals, want.signals)
				difference(t, got.insights, want.insights)
			}
		}
	}
}

// others are some rules that nothing fits.
func others(rnd *rand.Rand) (text string) {
	for _, id := range []string{"AAA-U00001", "FIRST-U00004", "MATCH-U00000", "THRESHOLD-U00001"} {
		if rnd.IntN(2) == 0 {
			text += "---\nkind: match_rule\nid: " + id + `
name: Nothing
expression: "user_username = 'nobody at all'"
entity_selectors: [{entity_type: _hostname, expression: device_hostname}]
name_expression: n
summary_expression: s
description_expression: d
score: 1
`
		}
	}
	return text
}

// TestHitsOutliveAChange: hits that wait for their time are of the rules that found them,
// whatever rules come and go and whatever their signals are called then; those of match rules
// can be judged before.
func TestHitsOutliveAChange(t *testing.T) {
	fail := map[string]string{"Channel": "Security", "EventID": "4625", "Computer": "A", "TargetUserName": "bob", "IpAddress": "10.0.0.1"}
	begin := func() *stream {
		live := restored(t, documents(t, sixKinds), map[string][]byte{})
		live.push([]timed{{start, 1, fail}, {start + 1, 2, fail}, {start + 2, 3, fail}})
		return live
	}
	for name, c := range map[string]struct {
		change func(string) string
		want   string
	}{
		"a rule before it": {func(s string) string { return s + others(rand.New(allOf{})) }, "Fail of bob"},
		"another name of it": {func(s string) string {
			return strings.Replace(s, `"Fail of {{user_username}}"`, `"On {{device_hostname}} of {{user_username}}"`, 1)
		}, "On null of null"},
		"another condition": {func(s string) string {
			return strings.Replace(s, "AND NOT array_contains(listMatches, 'quiet')", "", 1)
		}, ""},
		"it is gone": {func(s string) string { return strings.Replace(s, "id: MATCH-U00001", "id: MATCH-U00009", 1) }, ""},
	} {
		live := begin()
		live.checkpoint(true)
		next := newStream(t, documents(t, c.change(sixKinds)))
		if _, err := next.run.Restore(func(yield func(Entry, error) bool) {
			for k, v := range live.store {
				if !yield(Entry{k, v}, nil) {
					return
				}
			}
		}); err != nil {
			t.Fatal(name, err)
		}
		signals, err := next.run.Rest()
		if err != nil {
			t.Fatal(name, err)
		}
		match, threshold := 0, 0
		for _, s := range signals {
			switch s.RuleID {
			case "MATCH-U00001":
				if match++; s.Name != c.want {
					t.Errorf("%s: a signal %q, want %q", name, s.Name, c.want)
				}
			case "THRESHOLD-U00002":
				threshold++
			}
		}
		if want := map[bool]int{true: 6}[c.want != ""]; match != want || threshold != 1 {
			t.Errorf("%s: %d signals of the match rule, want %d, and %d of the threshold, want 1", name, match, want, threshold)
		}
	}
	live := begin()
	if err := live.run.Hasten(); err != nil {
		t.Fatal(err)
	}
	signals, err := live.run.Advance(start - 1)
	if err != nil || len(signals) != 6 {
		t.Errorf("hastened: %d signals, %v, want 6 of the match rule", len(signals), err)
	}
	if signals, err = live.run.Rest(); err != nil || slices.ContainsFunc(signals, func(s *insight.Signal) bool { return s.RuleID == "MATCH-U00001" }) || !slices.ContainsFunc(signals, func(s *insight.Signal) bool { return s.RuleID == "THRESHOLD-U00002" }) {
		t.Errorf("the rest: %d signals, %v, want those of the others", len(signals), err)
	}
}

// allOf is a source of zeros.
type allOf struct{}

func (allOf) Uint64() uint64 { return 0 }

// TestAMistakeStopsOneRule: a panic in the judging of one rule stops it, says so, and leaves
// the signals of all others as they are; over files it is an error.
func TestAMistakeStopsOneRule(t *testing.T) {
	const bad = "AGGREGATION-U00004"
	events := logons(rand.New(rand.NewPCG(16, 2)), 200)
	run := func(breaks bool) (live *stream, of map[string]int) {
		x := documents(t, sixKinds)
		live, of = newStream(t, x), map[string]int{}
		if breaks {
			x.byID[bad].trigger = nil
		}
		for i := 0; i < len(events); i += 20 {
			live.push(events[i:min(i+20, len(events))])
		}
		signals, err := live.run.Advance(1 << 60)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range signals {
			of[s.RuleID]++
		}
		return live, of
	}
	_, want := run(false)
	live, got := run(true)
	if delete(want, bad); len(want) != 5 || !reflect.DeepEqual(got, want) {
		t.Errorf("signals by rule %v, want %v", got, want)
	}
	if all := live.run.Failures(); len(all) != 1 || !strings.Contains(all[0].Error(), bad) {
		t.Errorf("failures: %v", all)
	}
	if _, err := live.run.Rest(); err == nil || !strings.Contains(err.Error(), bad) {
		t.Errorf("over files: %v, want the mistake", err)
	}
}

func difference(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Logf("at %d", i)
			if i < len(got) {
				t.Log("got ", got[i])
			}
			if i < len(want) {
				t.Log("want", want[i])
			}
			return
		}
	}
}

// TestCheckpointsAreSmall: a checkpoint writes what has changed; entries that are cut off,
// of another version or of rules that ask something else are refused or left out.
func TestCheckpointsAreSmall(t *testing.T) {
	x := documents(t, sixKinds)
	live := restored(t, x, map[string][]byte{})
	events := logons(rand.New(rand.NewPCG(3, 3)), 400)
	live.push(events[:399])
	if _, err := live.run.Advance(events[399].at); err != nil {
		t.Fatal(err)
	}
	size := func() (n int) {
		if err := live.run.Checkpoint(func(entries []Entry) error {
			for _, e := range entries {
				n++
				if e.Value == nil {
					delete(live.store, e.Key)
				} else {
					live.store[e.Key] = e.Value
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := size()
	if again := size(); again != 2 {
		t.Errorf("%d entries when nothing has changed", again)
	}
	live.push(events[399:])
	if _, err := live.run.Advance(events[399].at + 1); err != nil {
		t.Fatal(err)
	}
	if second := size(); second > 20 || first < 60 {
		t.Errorf("%d entries of 399 events, %d of one", first, second)
	}
	load := func(rules string, change func(k string, v []byte) []byte) (*Loaded, error) {
		return newStream(t, documents(t, rules)).run.Restore(func(yield func(Entry, error) bool) {
			for k, v := range live.store {
				if !yield(Entry{k, change(k, v)}, nil) {
					return
				}
			}
		})
	}
	same := func(_ string, v []byte) []byte { return v }
	l, err := load(strings.Replace(strings.Replace(sixKinds, "limit: 3", "limit: 4", 1), "OUTLIER-U00006", "OUTLIER-U00016", 1), same)
	if err != nil || !slices.Equal(l.Changed, []string{"THRESHOLD-U00002"}) || !slices.Equal(l.Gone, []string{"OUTLIER-U00006"}) || len(l.Stale) < 2 {
		t.Errorf("%+v, %v", l, err)
	}
	for k := range live.store {
		for _, cut := range []int{0, 1} {
			if _, err := load(sixKinds, func(key string, v []byte) []byte {
				if key == k {
					return v[:min(cut, len(v)-1)]
				}
				return v
			}); !errors.Is(err, ErrState) {
				t.Errorf("entry %q cut to %d bytes of %d: %v", k, cut, len(live.store[k]), err)
			}
		}
	}
	for _, key := range []string{"", "x", "g", "g\x05ab"} {
		if _, err := newStream(t, documents(t, sixKinds)).run.Restore(func(yield func(Entry, error) bool) { yield(Entry{key, []byte{1}}, nil) }); !errors.Is(err, ErrState) {
			t.Errorf("key %q: %v", key, err)
		}
	}
}

// TestRunsAtOnce: two runs of one tenant at once find what each finds alone.
func TestRunsAtOnce(t *testing.T) {
	x := documents(t, sixKinds)
	events := logons(rand.New(rand.NewPCG(4, 4)), 300)
	find := func() *seen {
		run := x.Open(runtimeOf(t), x.Rules)
		task := run.Task(&expr.Env{})
		if err := errors.Join(task.Push(x.batch(events)), task.Flush()); err != nil {
			t.Error(err)
		}
		signals, insights, _, err := run.Signals()
		if err != nil {
			t.Error(err)
		}
		s := &seen{}
		s.add(signals, insights)
		return s
	}
	var got [4]*seen
	var wait sync.WaitGroup
	for i := range got {
		wait.Go(func() { got[i] = find() })
	}
	wait.Wait()
	want := find()
	for i := range got {
		if !reflect.DeepEqual(got[i], want) {
			t.Errorf("run %d: %d signals, alone %d", i, len(got[i].signals), len(want.signals))
		}
	}
}

// TestRunsGoOn: logs in two halves, the state kept in between, make the signals of one run
// over both.
func TestRunsGoOn(t *testing.T) {
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(15, seed))
		events := logons(rnd, 300)
		slices.SortStableFunc(events, func(a, b timed) int { return cmp.Compare(a.at, b.at) })
		half := 100 + rnd.IntN(100)
		for half < len(events) && events[half].at == events[half-1].at { // what is of one time is in one file
			half++
		}
		over := func(state []byte, goesOn bool, of ...[]timed) (*seen, []byte) {
			x := documents(t, sixKinds)
			x.Ready()
			run := x.Open(runtimeOf(t), x.Rules)
			run.GoesOn = goesOn
			if state != nil {
				if _, err := run.GoOn(bytes.NewReader(state)); err != nil {
					t.Fatal(err)
				}
			}
			task := run.Task(&expr.Env{})
			for _, events := range of {
				if err := task.Push(x.batch(events)); err != nil {
					t.Fatal(err)
				}
			}
			if err := task.Flush(); err != nil {
				t.Fatal(err)
			}
			signals, insights, _, err := run.Signals()
			if err != nil {
				t.Fatal(err)
			}
			s := &seen{}
			s.add(signals, insights)
			var b bytes.Buffer
			if err := run.Keep(&b); err != nil {
				t.Fatal(err)
			}
			return s, b.Bytes()
		}
		want, _ := over(nil, false, events)
		first, state := over(nil, true, events[:half])
		second, _ := over(state, false, events[half:])
		got := &seen{append(first.signals, second.signals...), append(first.insights, second.insights...)}
		if got.sorted(); !reflect.DeepEqual(got, want.sorted()) {
			t.Errorf("seed %d: %d signals in two runs, %d in one", seed, len(got.signals), len(want.signals))
			difference(t, got.signals, want.signals)
			difference(t, got.insights, want.insights)
		}
	}
}

// TestBadStates: a state that is cut off, changed or of another version is refused, and a
// changed rule begins anew.
func TestBadStates(t *testing.T) {
	x := documents(t, sixKinds)
	live := newStream(t, x)
	live.push(logons(rand.New(rand.NewPCG(1, 1)), 60))
	live.run.GoesOn = true
	if _, err := live.run.Judge(); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := live.run.Keep(&b); err != nil {
		t.Fatal(err)
	}
	state := b.String()
	load := func(rules, state string) (*Loaded, error) {
		return newStream(t, documents(t, rules)).run.GoOn(strings.NewReader(state))
	}
	if _, err := load(sixKinds, state); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(state); n += 1 + n/3 {
		if _, err := load(sixKinds, state[:n]); !errors.Is(err, ErrState) {
			t.Errorf("of %d of %d bytes: %v", n, len(state), err)
		}
	}
	for _, bad := range []string{
		"", "hello\n", "{}\n", strings.Replace(state, `"version":1`, `"version":2`, 1), strings.Replace(state, "MATCH", "MATHC", 1) + "x",
		state + "{}\n", strings.Replace(state, `"group":"ey`, `"group":"fy`, 1), `{"kind":"gyoji cloud siem state","version":1,"mark":0}` + "\n" + `{"rule":"THRESHOLD-U00002","digest":"` + x.byID["THRESHOLD-U00002"].digest() + `","key":"","group":"e30="}` + "\n",
	} {
		if _, err := load(sixKinds, bad); !errors.Is(err, ErrState) {
			t.Errorf("%.60q: %v", bad, err)
		}
	}
	l, err := load(strings.Replace(strings.Replace(sixKinds, "limit: 3", "limit: 4", 1), "OUTLIER-U00006", "OUTLIER-U00016", 1), state)
	if err != nil || !slices.Equal(l.Changed, []string{"THRESHOLD-U00002"}) || !slices.Equal(l.Gone, []string{"OUTLIER-U00006"}) {
		t.Errorf("%+v, %v", l, err)
	}
	if l, err = load(strings.Replace(sixKinds, "name: Many\n", "name: A lot\n", 1), state); err != nil || l.Changed != nil {
		t.Errorf("a new name: %+v, %v", l, err)
	}
}

// TestLateRecords: a record after its time is judged by match rules, and is counted by
// rules over windows.
func TestLateRecords(t *testing.T) {
	x := documents(t, sixKinds)
	live := newStream(t, x)
	fail := map[string]string{"Channel": "Security", "EventID": "4625", "Computer": "A", "TargetUserName": "bob", "IpAddress": "10.0.0.1"}
	if _, err := live.run.Advance(start + 3_600_000); err != nil {
		t.Fatal(err)
	}
	live.push([]timed{{start, 1, fail}, {start + 1, 2, fail}, {start + 2, 3, fail}})
	signals, err := live.run.Rest()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range signals {
		if s.RuleID != "MATCH-U00001" {
			t.Errorf("%s fires", s.RuleID)
		}
	}
	if n := live.late(); len(signals) != 6 || n != 9 {
		t.Errorf("%d signals, %d records late for windows; want 6 and three for each of three rules", len(signals), n)
	}
}

// stream is a run that events are pushed to.
type stream struct {
	t    *testing.T
	x    *Tenant
	rt   *exec.Runtime
	run  *Run
	task exec.Task

	store map[string][]byte // of checkpoints; nil where there are none
}

func newStream(t *testing.T, x *Tenant) *stream {
	t.Helper()
	x.Ready()
	s := &stream{t: t, x: x, rt: runtimeOf(t)}
	s.run = x.Open(s.rt, x.Rules)
	s.task = s.run.Task(&expr.Env{})
	return s
}

// restored is a run that goes on from a store, which its checkpoints write.
func restored(t *testing.T, x *Tenant, store map[string][]byte) *stream {
	t.Helper()
	s := newStream(t, x)
	s.store = store
	l, err := s.run.Restore(func(yield func(Entry, error) bool) {
		for k, v := range store {
			if !yield(Entry{k, v}, nil) {
				return
			}
		}
	})
	if err != nil || len(l.Stale) > 0 {
		t.Fatal(l, err)
	}
	return s
}

// checkpoint writes what has changed into the store, or fails to.
func (s *stream) checkpoint(works bool) {
	s.t.Helper()
	failed := errors.New("no space left")
	err := s.run.Checkpoint(func(entries []Entry) error {
		if !works {
			return failed
		}
		for _, e := range entries {
			if e.Value == nil {
				delete(s.store, e.Key)
			} else {
				s.store[e.Key] = e.Value
			}
		}
		return nil
	})
	if works && err != nil || !works && !errors.Is(err, failed) {
		s.t.Fatal(err)
	}
}

func (s *stream) push(events []timed) {
	s.t.Helper()
	if err := errors.Join(s.task.Push(s.x.batch(events)), s.task.Flush()); err != nil {
		s.t.Fatal(err)
	}
}

// late is how many records were too late for a window.
func (s *stream) late() (n int64) {
	for _, w := range s.rt.Warnings.List() {
		if strings.Contains(w.Kind, "too late") {
			n += w.Count
		}
	}
	return n
}
