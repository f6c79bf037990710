package live_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// rules fire at the records that complete them, so that a run over files makes the same
// signals however it ends.
const rules = `
kind: match_rule
id: MATCH-U00001
name: Fail
expression: "metadata_deviceEventId = 'Security-4625'"
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
kind: first_seen_rule
id: FIRST-U00005
name: New address
baseline_type: PER_ENTITY
baseline_window_size: "3600000"
retention_window_size: "172800000"
filter_expression: "objectType = 'Authentication'"
value_fields: [srcDevice_ip]
group_by_fields: [user_username]
entity_selectors: [{entity_type: _username, expression: user_username}]
name_expression: "New {{srcDevice_ip}}"
summary_expression: s
description_expression: d
score: 2
`

func documents(t *testing.T, text string) []*ruledoc.Document {
	t.Helper()
	docs, found := ruledoc.Read(diag.Text("rules.yaml", text))
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return docs
}

// logons are n logons, three in four of which fail, a minute or less apart, each up to late
// later than its turn.
func logons(rnd *rand.Rand, n int, late time.Duration) (lines []string) {
	at := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	type logon struct {
		line string
		turn time.Time
	}
	var all []logon
	for i := range n {
		at = at.Add(time.Duration(rnd.IntN(60_000)) * time.Millisecond)
		id := 4625
		if rnd.IntN(4) == 0 {
			id = 4624
		}
		all = append(all, logon{fmt.Sprintf(`{"TimeCreated":%q,"Channel":"Security","Provider":"Microsoft-Windows-Security-Auditing","EventID":%d,"EventRecordID":%d,"Computer":"srv-%d","TargetUserName":"u%d","LogonType":3,"IpAddress":"10.0.0.%d","IpPort":%d}`,
			at.Format("2006-01-02T15:04:05.000Z"), id, i, rnd.IntN(3), rnd.IntN(4), rnd.IntN(8), 1000+rnd.IntN(100)), at.Add(time.Duration(rnd.Int64N(int64(late) + 1)))})
	}
	slices.SortStableFunc(all, func(a, b logon) int { return a.turn.Compare(b.turn) })
	for _, l := range all {
		lines = append(lines, l.line)
	}
	return lines
}

// bench is a store and an engine over it.
type bench struct {
	t      *testing.T
	store  *store.Store
	docs   []*ruledoc.Document
	idle   time.Duration
	late   time.Duration
	newest time.Time // of the events so far
	engine *live.Engine
}

func newBench(t *testing.T, text string) *bench {
	t.Helper()
	s, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return &bench{t: t, store: s, docs: documents(t, text), idle: time.Hour, late: 5 * time.Minute}
}

func (b *bench) start() {
	b.t.Helper()
	e, err := live.Start(live.Options{
		Store: b.store, Late: b.late, Idle: b.idle, Logf: b.t.Logf,
		Content: func(context.Context) ([]*ruledoc.Document, diag.List, error) { return b.docs, nil, nil },
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.engine = e
}

func (b *bench) add(lines ...string) {
	b.t.Helper()
	r := store.Receipt{Received: time.Now().UnixMilli()}
	for _, l := range lines {
		_, rest, _ := strings.Cut(l, `"TimeCreated":"`)
		at, err := time.Parse("2006-01-02T15:04:05.000Z", rest[:24])
		if err != nil {
			b.t.Fatal(err)
		}
		if at.After(b.newest) {
			b.newest = at
		}
		r.Messages = append(r.Messages, store.Message{Raw: []byte(l)})
	}
	if _, err := b.store.Append(context.Background(), r); err != nil {
		b.t.Fatal(err)
	}
}

// end lets event time go on to the newest event, and gives what was found.
func (b *bench) end() (signals, insights []string) {
	b.t.Helper()
	b.idle = time.Millisecond
	if b.engine != nil {
		if err := b.engine.Close(context.Background()); err != nil {
			b.t.Fatal(err)
		}
	}
	b.start()
	snap := b.store.Snapshot(store.View{})
	next := snap.Next()
	snap.Close()
	newest := b.newest
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		s := b.engine.Status()
		if s.Problem != "" || time.Now().After(deadline) {
			b.t.Fatalf("the engine does not come to the end: %+v", s)
		}
		if s.Place >= next && s.EventTime.After(newest) {
			break
		}
	}
	time.Sleep(300 * time.Millisecond) // the transaction of the last step
	if err := b.engine.Close(context.Background()); err != nil {
		b.t.Fatal(err)
	}
	a := b.engine.Alerts()
	all, err := a.Signals(context.Background(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, s := range all {
		signals = append(signals, said(s.Signal))
	}
	cases, err := a.Cases(context.Background(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range cases {
		insights = append(insights, saidInsight(c.Insight))
	}
	slices.Sort(signals)
	slices.Sort(insights)
	return signals, insights
}

func said(s *insight.Signal) string {
	return fmt.Sprint(s.ID, s.RuleID, s.Name, s.Entity.ID(), s.Severity, s.Time, s.Suppressed, s.Total)
}

func saidInsight(i *insight.Insight) string {
	return fmt.Sprint(i.ID, i.Name, i.Entity.ID(), i.Score, i.Time, len(i.Signals))
}

// offline runs the rules over all that a store has, at once.
func (b *bench) offline() (signals, insights []string) {
	b.t.Helper()
	x := tenant.New(b.docs, nil)
	pass := &tenant.Pass{Tenant: x, Rules: x.Rules}
	snap := b.store.Snapshot(store.View{})
	defer snap.Close()
	all, err := query.StartTogether(context.Background(), query.Run{}, nil, pass.Consumer())
	if err != nil {
		b.t.Fatal(err)
	}
	defer all.Close()
	if err := all.Add(context.Background(), snap.Feeder()); err != nil {
		b.t.Fatal(err)
	}
	if err := all.Settle(); err != nil {
		b.t.Fatal(err)
	}
	made, cut, _, err := pass.Run.Signals()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, s := range made {
		signals = append(signals, said(s))
	}
	for _, i := range cut {
		insights = append(insights, saidInsight(i))
	}
	slices.Sort(signals)
	slices.Sort(insights)
	return signals, insights
}

// TestKillsChangeNothing kills the engine at random moments while logs come in: what it has
// found in the end is what a run over all of it at once finds.
func TestKillsChangeNothing(t *testing.T) {
	rnd := rand.New(rand.NewPCG(21, 22))
	lines := logons(rnd, 900, 4*time.Minute)
	b := newBench(t, rules)
	b.start()
	kills := 0
	for len(lines) > 0 {
		n := min(len(lines), 1+rnd.IntN(12))
		b.add(lines[:n]...)
		lines = lines[n:]
		time.Sleep(time.Duration(rnd.IntN(60)) * time.Millisecond)
		if rnd.IntN(2) == 0 {
			b.engine.Abandon()
			kills++
			b.start()
		}
	}
	signals, insights := b.end()
	wantSignals, wantInsights := b.offline()
	if kills < 40 || len(wantSignals) < 500 || len(wantInsights) < 3 {
		t.Errorf("%d kills, %d signals and %d insights prove little", kills, len(wantSignals), len(wantInsights))
	}
	if !reflect.DeepEqual(signals, wantSignals) || !reflect.DeepEqual(insights, wantInsights) {
		t.Errorf("%d signals and %d insights after %d kills, want %d and %d", len(signals), len(insights), kills, len(wantSignals), len(wantInsights))
		for i := range wantSignals {
			if i >= len(signals) || signals[i] != wantSignals[i] {
				t.Fatalf("want %s", wantSignals[i])
			}
		}
	}
}

// TestSignalsComeSoon: a signal is there within two seconds of its event, though nothing
// comes after it, and a change of content takes effect.
func TestSignalsComeSoon(t *testing.T) {
	b := newBench(t, rules)
	b.idle = 100 * time.Millisecond
	b.start()
	defer b.engine.Close(context.Background())
	line := logons(rand.New(rand.NewPCG(1, 1)), 20, 0)
	fail := line[slices.IndexFunc(line, func(l string) bool { return strings.Contains(l, "4625") })]
	b.add(fail)
	soon := func(name string) time.Duration {
		began := time.Now()
		for time.Since(began) < 20*time.Second {
			all, err := b.engine.Alerts().Signals(context.Background(), func(s *live.Signal) bool { return strings.HasPrefix(s.Name, name) })
			if err != nil {
				t.Fatal(err)
			}
			if len(all) > 0 {
				return time.Since(began)
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatalf("no signal %s in 20 s: %+v", name, b.engine.Status())
		return 0
	}
	t.Logf("the first signal came after %s", soon("Fail of").Round(time.Millisecond))
	b.docs = documents(t, strings.Replace(rules, "Fail of", "Failed:", 1)+"\n---\nkind: match_rule\nid: MATCH-U00009\nname: broken\nexpression: \"x =\"\n")
	b.engine.Changed()
	for began := time.Now(); len(b.engine.Status().Unusable) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("the new content is not loaded: %+v", b.engine.Status())
		}
	}
	b.add(strings.Replace(fail, `"EventRecordID":`, `"EventRecordID":77`, 1))
	soon("Failed:")
}

// TestIngestDoesNotWait: logs are taken in while detection stands still, and are judged once
// it goes on.
func TestIngestDoesNotWait(t *testing.T) {
	b := newBench(t, rules)
	stuck, free := make(chan struct{}), make(chan struct{})
	e, err := live.Start(live.Options{
		Store: b.store, Late: 5 * time.Minute, Idle: time.Hour, Logf: t.Logf,
		Content: func(context.Context) ([]*ruledoc.Document, diag.List, error) {
			close(stuck)
			<-free
			return b.docs, nil, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.engine = e
	<-stuck
	lines := logons(rand.New(rand.NewPCG(3, 1)), 600, time.Minute)
	taken := make(chan struct{})
	go func() {
		defer close(taken)
		for i := 0; i < len(lines); i += 20 {
			b.add(lines[i : i+20]...)
		}
	}()
	select {
	case <-taken:
	case <-time.After(time.Minute):
		t.Fatal("taking logs in waits for detection")
	}
	if s := e.Status(); s.Place != 0 {
		t.Errorf("detection is at %d, and was to stand still", s.Place)
	}
	close(free)
	signals, insights := b.end()
	wantSignals, wantInsights := b.offline()
	if len(signals) == 0 || !reflect.DeepEqual(signals, wantSignals) || !reflect.DeepEqual(insights, wantInsights) {
		t.Errorf("%d signals and %d insights, want %d and %d", len(signals), len(insights), len(wantSignals), len(wantInsights))
	}
}

// TestLateLogsCount sends a day of logs after the day that follows it, and then one source's
// logs three minutes after another's, as an engine that waits a second finds them: the older
// day's signals are those of a run over all at once, and no signal of records that came late
// is missing.
func TestLateLogsCount(t *testing.T) {
	windows, _, _ := strings.Cut(rules, "---\nkind: first_seen_rule")
	day := func(n int, late time.Duration) []string {
		lines := logons(rand.New(rand.NewPCG(5, 5)), 200, late)
		for i, l := range lines {
			l = strings.Replace(l, `"2026-03-02T`, fmt.Sprintf(`"2026-03-%02dT`, n), 1)
			lines[i] = strings.Replace(l, `"EventRecordID":`, fmt.Sprintf(`"EventRecordID":%d`, n), 1)
		}
		return lines
	}
	for _, c := range []struct {
		name  string
		parts [][]string
		exact bool
	}{
		{"an older day after the next", [][]string{day(5, 0), day(4, 0)[:90], day(4, 0)[90:], day(3, 0)}, true},
		{"up to three minutes late", [][]string{day(6, 3*time.Minute)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, windows)
			b.idle = 50 * time.Millisecond
			b.late = time.Second
			b.start()
			for _, p := range c.parts {
				step := len(p)
				if !c.exact {
					step = 10
				}
				for lines := p; len(lines) > 0; lines = lines[min(step, len(lines)):] {
					b.add(lines[:min(step, len(lines))]...)
					b.judged()
				}
			}
			signals, _ := b.end()
			want, _ := b.offline()
			if len(want) < 150 {
				t.Fatalf("%d signals prove little", len(want))
			}
			for _, all := range [][]string{signals, want} { // which of two alike signals counts is the first that came
				for i, s := range all {
					all[i] = regexp.MustCompile(` ?\[.*\] ?`).ReplaceAllString(s, " ")
				}
			}
			if c.exact && !reflect.DeepEqual(signals, want) {
				t.Errorf("%d signals, want the %d of a run over all at once", len(signals), len(want))
			}
			// One that a late record completes may come with another record; none is missing.
			count := func(all []string) map[string]int {
				n := map[string]int{}
				for _, s := range all {
					n[regexp.MustCompile(`[A-Z]+-U[0-9]+`).FindString(s)]++
				}
				return n
			}
			got, least := count(signals), count(want)
			for rule, n := range least {
				if got[rule]*100 < n*95 || got[rule]*100 > n*115 {
					t.Errorf("%s: %d signals where a run over all at once has %d", rule, got[rule], n)
				}
			}
		})
	}
}

// judged waits until the engine has judged what there is.
func (b *bench) judged() {
	b.t.Helper()
	snap := b.store.Snapshot(store.View{})
	next := snap.Next()
	snap.Close()
	for deadline := time.Now().Add(time.Minute); b.engine.Status().Place < next || !b.engine.Status().EventTime.After(b.newest); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("the engine does not come to the end: %+v", b.engine.Status())
		}
	}
}
