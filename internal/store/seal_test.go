package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

func runOf(v *Snapshot) query.Run { return query.Run{Input: v.Feeder()} }

// TestSealedAtAnyMoment: whatever operation of sealing and compacting is the last before a
// power cut, every message is there once.
func TestSealedAtAnyMoment(t *testing.T) {
	t.Parallel()
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	for seed := range uint64(rounds) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		d := newMemDisk(seed)
		dir := t.TempDir()
		s, err := Open(dir, Options{disk: d, fileBytes: 3_000})
		if err != nil {
			t.Fatal(err)
		}
		want := 40
		for i := range want {
			r := messages(fmt.Sprintf("%d %s", i, filler(rnd)))
			r.Source.Category = []string{"a", "b/c", ""}[rnd.IntN(3)]
			put(t, s, r)
		}
		d.mu.Lock()
		d.with, d.fail, d.ops = errDown, 1+rnd.IntN(80), 0
		d.mu.Unlock()
		if _, err := s.Seal(context.Background(), seed%2 == 0); err == nil {
			_, _ = s.Compact(context.Background()) // the disk fails somewhere: what it did until then counts
		}
		s.Close(context.Background())
		d.mu.Lock()
		d.down = true
		d.mu.Unlock()
		for again := range 2 {
			d = d.crash(seed)
			s, err = Open(dir, Options{disk: d})
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			got := numbers(t, s)
			for i := range want {
				if got[strconv.Itoa(i)] != 1 {
					t.Fatalf("seed %d, start %d: message %d is there %d times", seed, again, i, got[strconv.Itoa(i)])
				}
			}
			if bad := s.Stats().Damaged; len(bad) > 0 {
				t.Fatalf("seed %d: %v", seed, bad)
			}
			if _, err := s.Seal(context.Background(), true); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if st := s.Stats(); len(numbers(t, s)) != want || st.Messages != 0 || st.Sealed != int64(want) {
				t.Fatalf("seed %d: %+v", seed, st)
			}
			s.Close(context.Background())
		}
	}
}

// TestASnapshotOutlivesWhatItReads: files stay until the last snapshot of them is closed.
func TestASnapshotOutlivesWhatItReads(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	put(t, s, messages("1 one", "2 two"))
	before := s.Snapshot(View{})
	seal(t, s, true)
	sealed := s.Snapshot(View{})
	put(t, s, messages("3 three"))
	seal(t, s, true)
	if n, err := s.Compact(t.Context()); err != nil || n == 0 {
		t.Fatalf("compacted %d, %v", n, err)
	}
	for what, snap := range map[string]*Snapshot{"of the log": before, "of the segment": sealed} {
		if got := rows(t, compile(t, "* | count"), runOf(snap)); !strings.Contains(got, "2") {
			t.Errorf("a snapshot %s gives %s", what, got)
		}
	}
	if got := ask(t, s, "* | count", View{}); !strings.Contains(got, "3") {
		t.Errorf("the store gives %s", got)
	}
	before.Close()
	sealed.Close()
	names, _ := os.ReadDir(filepath.Join(dir, segmentDir))
	if len(names) != 2 {
		t.Errorf("%d files are left of segments: %v", len(names), names)
	}
	if names, _ := os.ReadDir(filepath.Join(dir, logDir)); len(names) != 0 {
		t.Errorf("%v are left of the log", names)
	}
}

// TestWhatCameSince: a view after a position has what came since, wherever it is by now.
func TestWhatCameSince(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	put(t, s, messages("1 one", "2 two"))
	snap := s.Snapshot(View{})
	after := snap.Next()
	snap.Close()
	put(t, s, messages("3 three", "4 four"))
	check := func(what string) {
		if got := ask(t, s, "* | count", View{After: after}); !strings.Contains(got, "2") {
			t.Errorf("%s: %s", what, got)
		}
	}
	check("in the log")
	seal(t, s, true)
	check("in one segment with what was before")
	put(t, s, messages("5 five"))
	if got := ask(t, s, "* | count", View{After: after}); !strings.Contains(got, "3") {
		t.Errorf("in both: %s", got)
	}
}

// TestADamagedSegment: it costs its own messages, is named, and the rest is answered.
func TestADamagedSegment(t *testing.T) {
	for _, suffix := range []string{columnSuffix, filterSuffix} {
		dir := t.TempDir()
		s := open(t, dir, Options{})
		for _, c := range []string{"a", "b"} {
			r := messages(strings.Split(strings.Repeat("word of "+c+"\n", 100), "\n")[:100]...)
			r.Source.Category = c
			put(t, s, r)
		}
		seal(t, s, true)
		s.Close(t.Context())
		found, _ := filepath.Glob(filepath.Join(dir, segmentDir, "*"+suffix))
		data, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(data) / 2 {
			data[i] ^= 0x55
		}
		if err := os.WriteFile(found[0], data, 0o600); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir, Options{})
		want := "100"
		if suffix == filterSuffix {
			want = "200"
		}
		if got := ask(t, s, "* | count", View{}); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", suffix, got, want)
		}
		if got := ask(t, s, "word | count", View{}); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", suffix, got, want)
		}
		if bad := s.Stats().Damaged; len(bad) == 0 || !strings.Contains(bad[0].File, segmentDir) {
			t.Errorf("%s: %v", suffix, bad)
		}
		s.Close(t.Context())
	}
}

// TestVerifyFindsWhatMatters: whatever byte of a segment or of its token filters is another,
// or missing, verify names the file, once, or queries give what they gave: some bytes are for
// other readers.
func TestVerifyFindsWhatMatters(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	r := messages(strings.Split(strings.Repeat(`{"a":"word of many","b":"x"}`+"\n", 300), "\n")[:300]...)
	put(t, s, r)
	seal(t, s, true)
	asked := func(s *Store) (out string) {
		for _, q := range []string{"* | json auto | count by a, b", "* | count by _raw, _messagetime, _receipttime", "word | count"} {
			out += ask(t, s, q, View{})
		}
		return out
	}
	before, silent := asked(s), 0
	s.Close(t.Context())
	for _, suffix := range []string{columnSuffix, filterSuffix} {
		found, _ := filepath.Glob(filepath.Join(dir, segmentDir, "*"+suffix))
		data, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		step := max(1, len(data)/40)
		for at := 0; at < len(data)+2*step; at += step {
			bad := slices.Clone(data)
			switch {
			case at < len(data):
				bad[at] ^= 0x10
			case at < len(data)+step:
				bad = bad[:len(bad)-1]
			default:
				bad = append(bad, 0)
			}
			if err := os.WriteFile(found[0], bad, 0o600); err != nil {
				t.Fatal(err)
			}
			s := open(t, dir, Options{ReadOnly: true})
			said, err := s.Verify(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			name := path.Join(segmentDir, filepath.Base(found[0]))
			if len(said) == 0 {
				if silent++; asked(s) != before {
					t.Errorf("byte %d of %d of %s: verify is silent, and queries give something else", at, len(data), name)
				}
			} else if said[0].File != name || strings.Contains(said[0].Problem, segmentDir+"/") {
				t.Errorf("byte %d of %d of %s: %v", at, len(data), name, said)
			}
			s.Close(t.Context())
		}
		if err := os.WriteFile(found[0], data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if silent > 6 {
		t.Errorf("verify is silent of %d places", silent)
	}
}

// TestSealingOnAFullDisk: where any operation of sealing fails for want of room, every
// message is still there once, and sealing goes on when there is room.
func TestSealingOnAFullDisk(t *testing.T) {
	t.Parallel()
	step := 1
	if testing.Short() {
		step = 5
	}
	for at := 1; at < 60; at += step {
		d := newMemDisk(uint64(at))
		dir := t.TempDir()
		s := open(t, dir, Options{disk: d, fileBytes: 2_000})
		rnd := rand.New(rand.NewPCG(uint64(at), 4))
		for i := range 30 {
			r := messages(fmt.Sprintf("%d %s", i, filler(rnd)))
			r.Source.Category = []string{"a", "b"}[i%2]
			put(t, s, r)
		}
		d.mu.Lock()
		d.with, d.fail, d.often, d.ops = syscall.ENOSPC, at, 1, 0
		d.mu.Unlock()
		_, err := s.Seal(t.Context(), true)
		for _, when := range []string{"after the failure", "after another start", "after sealing again"} {
			if when == "after another start" {
				d.mu.Lock()
				d.fail = 0
				d.mu.Unlock()
				s.Close(t.Context())
				s = open(t, dir, Options{disk: d})
			}
			got := numbers(t, s)
			for i := range 30 {
				if got[strconv.Itoa(i)] != 1 {
					t.Fatalf("operation %d (%v): %s message %d is there %d times", at, err, when, i, got[strconv.Itoa(i)])
				}
			}
			if bad := s.Stats().Damaged; len(bad) > 0 {
				t.Fatalf("operation %d: %s %v", at, when, bad)
			}
			if when == "after the failure" {
				continue
			}
			if _, err := s.Seal(t.Context(), true); err != nil {
				t.Fatalf("operation %d: %v", at, err)
			}
		}
		s.Close(t.Context())
	}
}
