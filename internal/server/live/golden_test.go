package live_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/store"
)

var update = flag.Bool("update", false, "write the state of this version to testdata/")

// golden is the state of a version of gyoji, halfway through some logons.
type golden struct {
	Place   uint64            `json:"place"`
	Newest  int64             `json:"newest"`
	State   map[string][]byte `json:"state"`   // entries, their keys quoted
	Signals []string          `json:"signals"` // so far
}

// more are rules of the two kinds that rules does not have.
const more = rules + `---
kind: aggregation_rule
id: AGGREGATION-U00004
name: Many users
match_expression: "metadata_deviceEventId = 'Security-4625'"
aggregation_functions: [{name: users, function: count_distinct, arguments: [user_username]}]
trigger_expression: "users > 2"
group_by_fields: [srcDevice_ip]
window_size: T30M
entity_selectors: [{entity_type: _ip, expression: srcDevice_ip}]
name_expression: n
summary_expression: s
description_expression: d
score_mapping: {type: constant, default: 4}
---
kind: outlier_rule
id: OUTLIER-U00006
name: Unusual number
match_expression: "objectType = 'Authentication'"
aggregation_functions: [{name: current, function: count, arguments: ["true"]}]
group_by_fields: [user_username]
window_size: T60M
baseline_window_size: "7200000"
retention_window_size: "86400000"
deviation_threshold: 1
floor_value: 3
entity_selectors: [{entity_type: _username, expression: user_username}]
name_expression: n
summary_expression: s
description_expression: d
score: 3
`

// goldenLines are the logons, and goldenHalf how many of them the state is after.
func goldenLines() (lines []string, half int) {
	return logons(rand.New(rand.NewPCG(17, 4)), 600, time.Minute), 300
}

// TestStateOfEachVersion goes on from the state that each version of gyoji has written, and
// makes the signals that a run makes which was never ended. A version that changes what is
// written adds a file (-update writes testdata/state-N.json) and removes none.
func TestStateOfEachVersion(t *testing.T) {
	lines, half := goldenLines()
	whole := newBench(t, more)
	whole.add(lines[:half]...)
	whole.add(lines[half:]...)
	want, _ := whole.end()
	for _, kind := range []string{"MATCH", "THRESHOLD", "CHAIN", "AGGREGATION", "FIRST", "OUTLIER"} {
		if !slices.ContainsFunc(want, func(s string) bool { return strings.Contains(s, kind+"-U") }) {
			t.Errorf("no signal of %s is among the %d", kind, len(want))
		}
	}
	if *update {
		writeGolden(t, lines[:half])
	}
	files, err := filepath.Glob("testdata/state-*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no state of any version is in testdata", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var g golden
		if err := json.Unmarshal(text, &g); err != nil {
			t.Fatal(err)
		}
		b := newBench(t, more)
		b.add(lines[:half]...)
		db, err := b.store.DB(live.Migration)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range g.State {
			var key string
			if _, err := fmt.Sscanf(k, "%q", &key); err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(`INSERT INTO live_state (key, value) VALUES (?,?)`, []byte(key), v); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := db.Exec(`INSERT INTO live_place (one, place, newest) VALUES (1,?,?)`, int64(g.Place), g.Newest); err != nil {
			t.Fatal(err)
		}
		snap := b.store.Snapshot(store.View{})
		if snap.Next() != g.Place {
			t.Errorf("%s: its place is %d, and that of the same messages is %d now", name, g.Place, snap.Next())
		}
		snap.Close()
		b.add(lines[half:]...)
		got, _ := b.end()
		got = append(got, g.Signals...)
		// Ids of signals may change with a version: those made before keep theirs.
		got, want := nameless(got), nameless(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: with what was there before there are %d signals, want %d\n%s", name, len(got), len(want), difference(got, want))
		}
	}
}

// nameless are signals without their ids, in order.
func nameless(signals []string) (out []string) {
	for _, s := range signals {
		out = append(out, s[len("00000000-0000-0000-0000-000000000000"):])
	}
	slices.Sort(out)
	return out
}

// difference are lines of one list that the other does not have.
func difference(got, want []string) string {
	var b strings.Builder
	for _, s := range got {
		if !slices.Contains(want, s) {
			b.WriteString("more: " + s + "\n")
		}
	}
	for _, s := range want {
		if !slices.Contains(got, s) {
			b.WriteString("less: " + s + "\n")
		}
	}
	return b.String()
}

func writeGolden(t *testing.T, lines []string) {
	b := newBench(t, more)
	b.add(lines...)
	b.start() // with an idle time that never ends: event time stays a lateness behind
	snap := b.store.Snapshot(store.View{})
	next := snap.Next()
	snap.Close()
	for b.engine.Status().Place < next {
		time.Sleep(20 * time.Millisecond)
	}
	if err := b.engine.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	db, err := b.store.DB(live.Migration)
	if err != nil {
		t.Fatal(err)
	}
	g := golden{State: map[string][]byte{}}
	var place int64
	if err := db.QueryRow(`SELECT place, newest FROM live_place`).Scan(&place, &g.Newest); err != nil {
		t.Fatal(err)
	}
	g.Place = uint64(place)
	rows, err := db.Query(`SELECT key, value FROM live_state`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var k, v []byte
		if err := rows.Scan(&k, &v); err != nil {
			t.Fatal(err)
		}
		g.State[fmt.Sprintf("%+q", string(k))] = v
	}
	all, err := b.engine.Alerts().Signals(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		g.Signals = append(g.Signals, said(s.Signal))
	}
	slices.Sort(g.Signals)
	text, err := json.MarshalIndent(g, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("testdata/state-3.json", append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
