package live_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/packages"
)

// TestHuntGoesOn hunts with the shipped packages in samples that come piece by piece, and
// kills the hunt at random: what is found is what a hunt in all of them at once finds.
func TestHuntGoesOn(t *testing.T) {
	live.SetSaveEvery(200 * time.Millisecond)
	pkgs, wrong := detection.Load(packages.FS, ".")
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	h, _ := hunt.Compile(hunt.Detections{Packages: pkgs})
	logs, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { logs.Close(context.Background()) })
	var lines [][]byte
	for _, name := range []string{"security.jsonl", "ws-dev-022-sysmon.jsonl", "ws-fin-014-sysmon.jsonl"} {
		text, err := os.ReadFile("../../../samples/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for l := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n") {
			lines = append(lines, []byte(l))
		}
	}
	rest := time.Hour
	start := func() *live.Hunter {
		rest = time.Hour + 120*time.Millisecond - rest // every other one comes to rest between pieces
		x, err := live.StartHunter(live.Options{Store: logs, Idle: 50 * time.Millisecond, Rest: rest, Logf: t.Logf}, h)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	rnd := rand.New(rand.NewPCG(5, 6))
	x := start()
	kills := 0
	for len(lines) > 0 {
		n := min(len(lines), 1+rnd.IntN(40))
		r := store.Receipt{Received: time.Now().UnixMilli()}
		for _, l := range lines[:n] {
			r.Messages = append(r.Messages, store.Message{Raw: l})
		}
		lines = lines[n:]
		if _, err := logs.Append(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rnd.IntN(150)) * time.Millisecond)
		if rnd.IntN(3) == 0 {
			x.Abandon()
			kills++
			x = start()
		}
	}
	snap := logs.Snapshot(store.View{})
	defer snap.Close()
	for began := time.Now(); x.Status().Place < snap.Next(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > time.Minute || x.Status().Problem != "" {
			t.Fatalf("the hunt does not come to the end: %+v", x.Status())
		}
	}
	time.Sleep(300 * time.Millisecond)
	if err := x.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	db, err := logs.DB(live.Migration)
	if err != nil {
		t.Fatal(err)
	}
	all, total, err := live.Of(db).Findings(context.Background(), "", "", 0, 1000)
	if err != nil || total != len(all) {
		t.Fatal(total, len(all), err)
	}
	var got []string
	for _, f := range all {
		var o struct{ Detection_ID, Time string }
		if err := json.Unmarshal(f.JSON, &o); err != nil {
			t.Fatal(err)
		}
		got = append(got, f.ID+" "+o.Detection_ID+" "+o.Time)
	}
	want := huntedAtOnce(t, h, snap)
	slices.Sort(got)
	if kills < 3 || len(want) < 20 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d findings after %d kills, want %d: %v", len(got), kills, len(want), got)
	}
}

// TestOtherDetectionsHuntAgain stops a hunt in the middle and goes on with one that has other
// detections, as after an upgrade: what is found in the end is what the second finds in all.
func TestOtherDetectionsHuntAgain(t *testing.T) {
	pkgs, wrong := detection.Load(packages.FS, ".")
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	few, _ := hunt.Compile(hunt.Detections{Packages: pkgs[len(pkgs)-1:]})
	all, _ := hunt.Compile(hunt.Detections{Packages: pkgs})
	logs, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { logs.Close(context.Background()) })
	text, err := os.ReadFile("../../../samples/ws-fin-014-sysmon.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.SplitSeq(strings.TrimSpace(string(text)), "\n"))
	half := len(lines) / 2
	db, err := logs.DB(live.Migration)
	if err != nil {
		t.Fatal(err)
	}
	found := func() (got []string) {
		list, _, err := live.Of(db).Findings(context.Background(), "", "", 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			var o struct{ Detection_ID, Time string }
			if err := json.Unmarshal(f.JSON, &o); err != nil {
				t.Fatal(err)
			}
			got = append(got, f.ID+" "+o.Detection_ID+" "+o.Time)
		}
		return got
	}
	var want []string
	for i, part := range [][]string{lines[:half], lines[half:]} {
		r := store.Receipt{Received: time.Now().UnixMilli()}
		for _, l := range part {
			r.Messages = append(r.Messages, store.Message{Raw: []byte(l)})
		}
		if _, err := logs.Append(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			snap := logs.Snapshot(store.View{})
			want = huntedAtOnce(t, all, snap)
			snap.Close()
		}
		x, err := live.StartHunter(live.Options{Store: logs, Idle: 20 * time.Millisecond, Rest: time.Hour, Logf: t.Logf}, []*hunt.Hunt{few, all}[i])
		if err != nil {
			t.Fatal(err)
		}
		for next := logs.Stats().Next; x.Status().Place < next; time.Sleep(10 * time.Millisecond) {
			if p := x.Status().Problem; p != "" {
				t.Fatal(p)
			}
		}
		for began := time.Now(); i == 1 && len(found()) < len(want) && time.Since(began) < time.Minute; time.Sleep(20 * time.Millisecond) {
		}
		if err := x.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	got := found()
	slices.Sort(got)
	if len(want) < 5 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d findings, want %d: %v, want %v", len(got), len(want), got, want)
	}
}

// TestOlderEventsAreHuntedAtOnce sends the samples that are newest first: what is found in
// the older ones does not wait for something newer.
func TestOlderEventsAreHuntedAtOnce(t *testing.T) {
	pkgs, wrong := detection.Load(packages.FS, ".")
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	h, _ := hunt.Compile(hunt.Detections{Packages: pkgs})
	logs, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { logs.Close(context.Background()) })
	x, err := live.StartHunter(live.Options{Store: logs, Idle: 20 * time.Millisecond, Rest: time.Hour, Logf: t.Logf}, h)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close(context.Background())
	for _, name := range []string{"security.jsonl", "ws-fin-014-sysmon.jsonl", "ws-dev-022-sysmon.jsonl"} {
		text, err := os.ReadFile("../../../samples/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var r store.Receipt
		for l := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n") {
			r.Messages = append(r.Messages, store.Message{Raw: []byte(l)})
		}
		r.Received = time.Now().UnixMilli()
		if _, err := logs.Append(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		snap := logs.Snapshot(store.View{})
		want := len(huntedAtOnce(t, h, snap))
		snap.Close()
		for began := time.Now(); x.Status().Findings < int64(want); time.Sleep(20 * time.Millisecond) {
			if time.Since(began) > time.Minute {
				t.Fatalf("with %s: %d findings, want %d", name, x.Status().Findings, want)
			}
		}
	}
}

// huntedAtOnce is what a hunt in all of a store finds: id, detection and time, in order.
func huntedAtOnce(t *testing.T, h *hunt.Hunt, snap *store.Snapshot) (want []string) {
	t.Helper()
	l, err := h.Start(context.Background(), query.Run{Warnings: &exec.Warnings{}}, hunt.LiveOptions{Part: func(int) string { return "" }, Found: func(f *hunt.Finding) error {
		text, err := json.Marshal(f)
		var o struct{ Detection_ID, Time string }
		if err == nil {
			err = json.Unmarshal(text, &o)
		}
		want = append(want, f.ID+" "+o.Detection_ID+" "+o.Time)
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Add(context.Background(), snap.Feeder()); err != nil {
		t.Fatal(err)
	}
	if err := l.Finish(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	return want
}
