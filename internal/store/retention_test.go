package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

func ofCategory(category string, time int64, texts ...string) Receipt {
	r := messages(texts...)
	r.Source.Category = category
	for i := range r.Messages {
		r.Messages[i].Time, r.Messages[i].Timed = time, true
	}
	return r
}

func categories(s *Store) string {
	var out []string
	for _, g := range s.Segments() {
		out = append(out, g.Categories...)
	}
	return strings.Join(out, " ")
}

func TestRetention(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	put(t, s, ofCategory("a/web", 1_000, "one"), ofCategory("a/db", 2_000, "two"), ofCategory("b", 3_000, "three"))
	seal(t, s, true)
	if got := categories(s); got != "a/web a/db b" {
		t.Fatalf("segments of %s", got)
	}
	h, err := s.Hold(t.Context(), Hold{Category: "a/w*", Reason: "case 12"})
	if err != nil {
		t.Fatal(err)
	}
	keep := Retention{Days: 30, Categories: []Keep{{"B", 365}}}
	later := func(days int) time.Time { return time.Now().Add(time.Duration(days)*24*time.Hour + time.Hour) }
	for _, step := range []struct {
		days int
		want string
	}{{29, "a/web a/db b"}, {31, "a/web b"}, {364, "a/web b"}, {366, "a/web"}, {4000, "a/web"}} {
		if _, err := s.Expire(t.Context(), keep, later(step.days)); err != nil {
			t.Fatal(err)
		}
		if got := categories(s); got != step.want {
			t.Errorf("after %d days segments of %s, want %s", step.days, got, step.want)
		}
	}
	if err := s.Release(t.Context(), h.ID+1); !errors.Is(err, ErrNoHold) {
		t.Errorf("release of another: %v", err)
	}
	if err := s.Release(t.Context(), h.ID); err != nil {
		t.Fatal(err)
	}
	gone, err := s.Expire(t.Context(), keep, later(31))
	if err != nil || len(gone) != 1 || gone[0].Messages != 1 {
		t.Errorf("%+v, %v", gone, err)
	}
	if names, _ := os.ReadDir(filepath.Join(s.Dir(), segmentDir)); len(names) != 0 || categories(s) != "" {
		t.Errorf("%v are left", names)
	}
	if st := s.Stats(); st.Expired != 3 {
		t.Errorf("stats %+v", st)
	}
}

func TestRetentionBySize(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for _, c := range []string{"first", "second", "third"} {
		put(t, s, ofCategory(c, 1_000, strings.Repeat(c, 100)))
		seal(t, s, true)
		time.Sleep(2 * time.Millisecond)
	}
	one := s.Segments()[0]
	if _, err := s.Expire(t.Context(), Retention{MaxBytes: 2*(one.FileBytes+one.FilterBytes) + 100}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := categories(s); got != "second third" {
		t.Errorf("left are %s: the oldest goes first", got)
	}
}

func TestHoldsOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	put(t, s, ofCategory("a", 5_000, "one"))
	seal(t, s, true)
	for _, h := range []Hold{{Category: "other"}, {Category: "a", From: 6_000}, {Category: "a", To: 5_000}} {
		if _, err := s.Hold(t.Context(), h); err != nil || s.Segments()[0].Held {
			t.Errorf("%+v holds what it is not about (%v)", h, err)
		}
	}
	if _, err := s.Hold(t.Context(), Hold{Category: "*", From: 5_000, To: 5_001, Reason: "why"}); err != nil {
		t.Fatal(err)
	}
	s.Close(t.Context())
	s = open(t, dir, Options{})
	if !s.Segments()[0].Held || len(s.Holds()) != 4 || s.Holds()[3].Reason != "why" {
		t.Errorf("%+v", s.Holds())
	}
}

func TestBackup(t *testing.T) {
	dir, base := t.TempDir(), t.TempDir()
	s := open(t, dir, Options{fileBytes: 1_000})
	for i := range 20 {
		put(t, s, messages(strings.Repeat("x", 100+i)))
	}
	seal(t, s, false)
	put(t, s, messages("in the log"))
	if _, err := s.Hold(t.Context(), Hold{Reason: "kept"}); err != nil {
		t.Fatal(err)
	}
	want := ask(t, s, "* | count, count_distinct(_raw)", View{})
	if err := os.MkdirAll(filepath.Join(dir, "api"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "api", "saved.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(base, "copy")
	if err := s.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), copied); err == nil {
		t.Error("a backup is written over another")
	}
	for _, inside := range []string{dir, filepath.Join(dir, "backup")} {
		if err := s.Backup(t.Context(), inside); err == nil {
			t.Errorf("a backup is written into %s, which is backed up", inside)
		}
	}
	var archive bytes.Buffer
	if err := s.BackupTo(t.Context(), &archive); err != nil {
		t.Fatal(err)
	}
	unpacked := filepath.Join(base, "unpacked")
	for _, n := range []int{archive.Len() / 2, archive.Len() - 1536, archive.Len() - 2048} { // before VERSION, and its text
		short := bytes.NewReader(archive.Bytes()[:n])
		if err := Unpack(t.Context(), short, filepath.Join(base, strconv.Itoa(n))); err == nil {
			t.Errorf("%d bytes of %d are taken for all of it", n, archive.Len())
		}
		if _, err := os.Stat(filepath.Join(base, strconv.Itoa(n), versionFile)); err == nil {
			t.Error("what is left of it is taken for a store")
		}
	}
	if err := Unpack(t.Context(), bytes.NewReader(archive.Bytes()), unpacked); err != nil {
		t.Fatal(err)
	}
	put(t, s, messages("after it"))
	s.Close(t.Context())
	again := filepath.Join(base, "again")
	if err := Restore(t.Context(), copied, again, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{copied, again, unpacked} {
		b := open(t, d, Options{})
		if got := ask(t, b, "* | count, count_distinct(_raw)", View{}); got != want {
			t.Errorf("%s gives %s, want %s", d, got, want)
		}
		if text, err := os.ReadFile(filepath.Join(d, "api", "saved.json")); err != nil || string(text) != "{}" {
			t.Errorf("what a server keeps beside it: %q, %v", text, err)
		}
		if len(b.Holds()) != 1 {
			t.Error("the hold is not in the copy")
		}
		if bad, err := b.Verify(t.Context()); err != nil || len(bad) > 0 {
			t.Errorf("%v, %v", bad, err)
		}
		put(t, b, messages("goes on"))
		b.Close(context.Background())
	}
}

// TestBackupWhileOthersWrite: a backup of a store that is written to, sealed and compacted
// meanwhile has what was there when it began, whole, and each message once.
func TestBackupWhileOthersWrite(t *testing.T) {
	dir, base := t.TempDir(), t.TempDir()
	s := open(t, dir, Options{fileBytes: 2_000})
	db, err := s.DB(Migration{"test", []string{`CREATE TABLE test_place (seq INTEGER)`, `INSERT INTO test_place VALUES (0)`}})
	if err != nil {
		t.Fatal(err)
	}
	stop, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var acked atomic.Int64
	wg.Go(func() {
		for i := 0; stop.Err() == nil && i < 600; i++ {
			if _, err := s.Append(t.Context(), Receipt{Received: 1, Messages: []Message{{Raw: fmt.Appendf(nil, "%d %0200d", i, i), Time: 1, Timed: true}}}); err != nil {
				t.Error(err)
				return
			}
			acked.Store(int64(i + 1))
		}
	})
	wg.Go(func() {
		for last := int64(0); stop.Err() == nil; runtime.Gosched() {
			if last == acked.Load() {
				continue
			}
			last = acked.Load()
			if _, err := s.Seal(t.Context(), false); err != nil {
				t.Error(err)
			}
			if _, err := s.Compact(t.Context()); err != nil {
				t.Error(err)
			}
			snap := s.Snapshot(View{})
			next := snap.Next()
			snap.Close()
			if _, err := db.Exec(`UPDATE test_place SET seq = ?`, int64(next)); err != nil {
				t.Error(err)
			}
		}
	})
	for round := range 6 {
		before := acked.Load()
		to := filepath.Join(base, strconv.Itoa(round))
		if round%2 == 0 {
			err = s.Backup(t.Context(), to)
		} else {
			r, w := io.Pipe()
			go func() { w.CloseWithError(s.BackupTo(t.Context(), w)) }()
			err = Unpack(t.Context(), r, to)
		}
		if err != nil {
			t.Fatal(err)
		}
		b := open(t, to, Options{})
		got := numbers(t, b)
		for i := range before {
			if got[strconv.FormatInt(i, 10)] != 1 {
				t.Fatalf("round %d: message %d of %d is there %d times", round, i, before, got[strconv.FormatInt(i, 10)])
			}
		}
		for name, n := range got {
			if n != 1 {
				t.Errorf("message %s is there %d times", name, n)
			}
		}
		place := int64(0)
		if err := b.db.QueryRow(`SELECT seq FROM test_place`).Scan(&place); err != nil {
			t.Fatal(err)
		}
		if next := b.Stats().Next; place > int64(next) {
			t.Errorf("a place of %d is noted, and the log ends at %d", place, next)
		}
		if bad, err := b.Verify(t.Context()); err != nil || len(bad) > 0 {
			t.Errorf("%v, %v", bad, err)
		}
		b.Close(t.Context())
	}
	cancel()
	wg.Wait()
	if left, err := os.ReadDir(filepath.Join(dir, copyingDir)); err != nil || len(left) > 0 {
		t.Errorf("%v, %v is left of backups", left, err)
	}
	s.Close(t.Context())
}

// TestAnotherFileIsNotTaken: a segment's file in the place of another's, and a catalogue that
// counts nothing in the place of the store's, are named: no message is given twice, and none is
// taken for gone.
func TestAnotherFileIsNotTaken(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	for i, category := range []string{"a", "b"} {
		r := messages(strings.Repeat("one of a kind ", i+1))
		r.Source.Category = category
		if _, err := s.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		seal(t, s, true)
	}
	names := []string{}
	for _, g := range s.Segments() {
		names = append(names, filepath.Join(dir, g.Name))
	}
	s.Close(t.Context())
	if len(names) != 2 {
		t.Fatal(names)
	}
	kept, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(names[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(names[0], other, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	v := s.Snapshot(View{})
	got := answer(t, compile(t, `* | count`), query.Run{Input: v.Feeder()})
	v.Close()
	s.Close(t.Context())
	if !strings.Contains(got, `"_count":1`) || !strings.Contains(got, "damaged") {
		t.Errorf("with a file twice: %s", got)
	}

	if err := os.WriteFile(names[0], kept, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{catalogueName, catalogueName + "-wal", catalogueName + "-shm"} {
		os.Remove(filepath.Join(dir, n))
	}
	for _, o := range []Options{{}, {ReadOnly: true}} {
		if err := os.WriteFile(filepath.Join(dir, catalogueName), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir, o)
		if err == nil {
			s.Close(t.Context())
			t.Errorf("read only %v: an empty catalogue is taken for the store's", o.ReadOnly)
		}
		for _, n := range names {
			if _, err := os.Stat(n); err != nil {
				t.Error(err)
			}
		}
	}
}
