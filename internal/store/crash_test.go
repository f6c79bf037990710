package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// memDisk is a disk in memory. A crash loses what was not synced, or some of it, and
// names of files whose folder was not synced. It may also fail at an operation.
type memDisk struct {
	mu    sync.Mutex
	files map[string]*memFile
	// durable are the names that a crash leaves, and whose they are.
	durable map[string]*memFile
	rnd     *rand.Rand

	ops   int
	fail  int   // the operation that fails; 0 is none
	with  error // how
	often int   // how many from there on; 0 is all
	down  bool  // it has crashed: nothing works any more
}

type memFile struct {
	d    *memDisk
	data []byte // as it is read now
	// synced is what is on the disk for sure, and writes what may be, in any order.
	synced []byte
	writes []memWrite
}

type memWrite struct {
	off  int64
	data []byte
	size int64 // of a truncation; -1 for a write
}

func newMemDisk(seed uint64) *memDisk {
	return &memDisk{files: map[string]*memFile{}, durable: map[string]*memFile{}, rnd: rand.New(rand.NewPCG(seed, 1))}
}

var errDown = errors.New("the machine is down")

// op counts an operation, and fails where it is to fail.
func (d *memDisk) op() error {
	if d.down {
		return errDown
	}
	d.ops++
	if d.fail > 0 && d.ops >= d.fail && (d.often == 0 || d.ops < d.fail+d.often) {
		if d.with == errDown {
			d.down = true
		}
		return d.with
	}
	return nil
}

func (d *memDisk) Create(name string) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op(); err != nil {
		return nil, err
	}
	if d.files[name] != nil {
		return nil, os.ErrExist
	}
	f := &memFile{d: d}
	d.files[name] = f
	return f, nil
}

func (d *memDisk) Open(name string) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return nil, errDown
	}
	if f := d.files[name]; f != nil {
		return f, nil
	}
	return nil, os.ErrNotExist
}

func (d *memDisk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op(); err != nil {
		return err
	}
	d.files[to] = d.files[from]
	delete(d.files, from)
	return nil
}

func (d *memDisk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op(); err != nil {
		return err
	}
	delete(d.files, name)
	return nil
}

func (d *memDisk) List(dir string) (out []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name := range d.files {
		if path.Dir(name) == dir {
			out = append(out, path.Base(name))
		}
	}
	return out, nil
}

func (d *memDisk) SyncDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op(); err != nil {
		return err
	}
	for name := range d.durable {
		if path.Dir(name) == dir && d.files[name] == nil {
			delete(d.durable, name)
		}
	}
	for name, f := range d.files {
		if path.Dir(name) == dir {
			d.durable[name] = f
		}
	}
	return nil
}

func (f *memFile) ReadAt(b []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if off >= int64(len(f.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// written is data, written over data from off on.
func written(data []byte, off int64, b []byte) []byte {
	if need := int(off) + len(b); len(data) < need {
		data = append(data, make([]byte, need-len(data))...)
	}
	copy(data[off:], b)
	return data
}

func (f *memFile) WriteAt(b []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	err := f.d.op()
	if err == errDown && !f.d.down {
		return 0, err
	}
	n := len(b)
	if err != nil { // some of it may have been written
		n = f.d.rnd.IntN(len(b) + 1)
	}
	f.data = written(f.data, off, b[:n])
	f.writes = append(f.writes, memWrite{off, slices.Clone(b[:n]), -1})
	return n, err
}

func (f *memFile) Truncate(size int64) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.op(); err != nil {
		return err
	}
	f.data = append([]byte(nil), written(f.data, size, nil)[:size]...)
	f.writes = append(f.writes, memWrite{size: size})
	return nil
}

func (f *memFile) Sync() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.op(); err != nil {
		return err
	}
	f.synced, f.writes = slices.Clone(f.data), nil
	return nil
}

func (f *memFile) Size() (int64, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	return int64(len(f.data)), nil
}

func (f *memFile) Close() error { return nil }

// crash is what is there when the machine comes up again.
func (d *memDisk) crash(seed uint64) *memDisk {
	n := newMemDisk(seed)
	for name, f := range d.durable {
		data := slices.Clone(f.synced)
		for _, w := range f.writes {
			switch d.rnd.IntN(3) {
			case 0: // lost
				continue
			case 1: // torn: a stretch of it, so far as sectors go
				if w.size < 0 && len(w.data) > 0 {
					from := d.rnd.IntN(len(w.data)) / 512 * 512
					to := from + d.rnd.IntN(len(w.data)-from+1)
					data = written(data, w.off+int64(from), w.data[from:to])
				}
				continue
			}
			if w.size >= 0 {
				data = written(data, w.size, nil)[:w.size]
			} else {
				data = written(data, w.off, w.data)
			}
		}
		n.files[name] = &memFile{d: n, data: data, synced: slices.Clone(data)}
		n.durable[name] = n.files[name]
	}
	return n
}

// numbers are the messages of a store, by their text, and how often they are there.
func numbers(t *testing.T, s *Store) map[string]int {
	t.Helper()
	snap := s.Snapshot(View{})
	defer snap.Close()
	out := map[string]int{}
	w := &input.Want{Layout: event.NewLayout("_raw")}
	w.Fields.Add(0)
	err := snap.Feeder().Feed(context.Background(), w)(0, sinkFunc(func(b *event.Batch) error {
		for i := range uint16(b.N) {
			text, _, _ := strings.Cut(b.Value(0, i).Str(), " ")
			out[strings.Clone(text)]++
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type sinkFunc func(*event.Batch) error

func (f sinkFunc) Push(b *event.Batch) error { return f(b) }

// filler makes messages of many lengths.
func filler(rnd *rand.Rand) string {
	n := rnd.IntN(20)
	if rnd.IntN(8) == 0 {
		n = rnd.IntN(20_000)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + rnd.IntN(26))
	}
	return string(b)
}

// TestPowerCuts: whatever a disk forgets and tears, what was acknowledged is there once,
// and what was not is there once at most.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	for seed := range uint64(rounds) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		d := newMemDisk(seed)
		dir := t.TempDir()
		acked, tried := map[string]bool{}, map[string]bool{}
		next := 0
		for range 4 { // a machine that goes down again and again
			d.with, d.fail, d.ops, d.often = errDown, 1+rnd.IntN(60), 0, 0
			s, err := Open(dir, Options{disk: d, fileBytes: int64(1 + rnd.IntN(20_000))})
			if err == nil {
				var wg sync.WaitGroup
				var mu sync.Mutex
				for range 1 + rnd.IntN(3) {
					r2 := rand.New(rand.NewPCG(rnd.Uint64(), 3))
					wg.Go(func() {
						for range 40 {
							mu.Lock()
							var names []string
							r := Receipt{Received: 1}
							for range 1 + r2.IntN(3) {
								name := strconv.Itoa(next)
								next++
								names = append(names, name)
								tried[name] = true
								r.Messages = append(r.Messages, Message{Raw: []byte(name + " " + filler(r2)), Time: 1, Timed: true})
							}
							mu.Unlock()
							if _, err := s.Append(context.Background(), r); err != nil {
								return
							}
							mu.Lock()
							for _, n := range names {
								acked[n] = true
							}
							mu.Unlock()
						}
					})
				}
				wg.Wait()
				s.Close(context.Background())
			}
			d.mu.Lock()
			d.down = true
			d.mu.Unlock()
			d = d.crash(seed*10 + uint64(next))
			s, err = Open(dir, Options{disk: d})
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			got := numbers(t, s)
			for n := range acked {
				if got[n] != 1 {
					t.Fatalf("seed %d: acknowledged message %s is there %d times", seed, n, got[n])
				}
			}
			for n, times := range got {
				if times > 1 || !tried[n] {
					t.Fatalf("seed %d: message %s is there %d times", seed, n, times)
				}
			}
			// A hole in the last write cannot be told from damage, and is named as such.
			s.Close(context.Background())
		}
	}
}

// TestDiskFull: where any write fails for want of room nothing of the call is kept, its
// sender is told when to come again, and then it goes on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	for at := 1; at < 40; at++ {
		for _, often := range []int{1, 2, 3, 5} {
			d := newMemDisk(uint64(at))
			s := open(t, t.TempDir(), Options{disk: d, fileBytes: 2_000})
			d.mu.Lock()
			d.with, d.fail, d.often, d.ops = syscall.ENOSPC, at, often, 0
			d.mu.Unlock()
			want, refused := 0, 0
			for i := range 30 {
				_, err := s.Append(t.Context(), messages(fmt.Sprintf("%d %0300d", i, i)))
				var fullErr *FullError
				switch {
				case err == nil:
					want++
				case errors.As(err, &fullErr) && fullErr.After > 0:
					refused++
				case strings.Contains(err.Error(), "until the next start"):
					// It could not be cut back either: nothing more is taken.
					refused++
				default:
					t.Fatalf("operation %d: %v", at, err)
				}
			}
			if len(numbers(t, s)) != want {
				t.Errorf("operation %d: %d messages, %d acknowledged", at, len(numbers(t, s)), want)
			}
			s.Close(t.Context())
			s = open(t, t.TempDir(), Options{disk: d.crash(1)})
			got := numbers(t, s)
			if len(got) < want || len(got) > want+1 { // one whose cutting back failed may have stayed
				t.Errorf("operation %d, %d times: after another start %d messages, %d acknowledged", at, often, len(got), want)
			}
			s.Close(t.Context())
		}
	}
}

// TestDamage: bytes that change cost the frames that they are in, and nothing else.
func TestDamage(t *testing.T) {
	t.Parallel()
	rounds := uint64(60)
	if testing.Short() {
		rounds = 15
	}
	for seed := range rounds {
		rnd := rand.New(rand.NewPCG(seed, 5))
		dir := t.TempDir()
		s := open(t, dir, Options{fileBytes: 30_000})
		type place struct {
			file     string
			off, end int64
			name     string
		}
		var all []place
		for i := range 60 {
			put(t, s, messages(fmt.Sprintf("%d %s", i, filler(rnd))))
			l := s.log
			l.mu.Lock()
			f := l.files[len(l.files)-1]
			start := int64(0)
			if n := len(all); n > 0 && all[n-1].file == f.name {
				start = all[n-1].end
			}
			all = append(all, place{f.name, start, f.size, strconv.Itoa(i)})
			l.mu.Unlock()
		}
		s.Close(t.Context())
		lost := map[string]bool{}
		for range 1 + rnd.IntN(4) {
			p := all[rnd.IntN(len(all))]
			at := p.off + rnd.Int64N(p.end-p.off)
			name := filepath.Join(dir, filepath.FromSlash(p.file))
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			n := 1 + rnd.Int64N(min(300, int64(len(data))-at))
			for i := range n {
				data[at+i] = byte(rnd.IntN(256))
			}
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, q := range all {
				if q.file == p.file && q.off < at+n && at < q.end {
					lost[q.name] = true
				}
			}
		}
		var told []string
		s = open(t, dir, Options{Told: func(text string) { told = append(told, text) }})
		got := numbers(t, s)
		for _, p := range all {
			if got[p.name] == 0 && !lost[p.name] || got[p.name] > 1 {
				t.Errorf("seed %d: message %s is there %d times, and %v damaged", seed, p.name, got[p.name], lost)
			}
		}
		if missing := len(all) - len(got); missing > 0 && len(told) == 0 {
			t.Errorf("seed %d: %d messages are missing without a word", seed, missing)
		}
		for _, x := range s.Stats().Damaged {
			if x.Kept == "" {
				t.Errorf("seed %d: no copy of %v", seed, x)
			} else if st, err := os.Stat(filepath.Join(dir, x.Kept)); err != nil || st.Size() != x.Bytes {
				t.Errorf("seed %d: copy of %v: %v", seed, x, err)
			}
		}
		// It goes on.
		put(t, s, messages("later"))
		if numbers(t, s)["later"] != 1 {
			t.Error("a store with damage takes nothing more")
		}
		s.Close(t.Context())
	}
}

// TestClockJumps: time of receipt may go back; nothing is lost, and messages of one time
// are in the order of their receipt, as those of files are.
func TestClockJumps(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for i, received := range []int64{5_000_000, 9_000_000, 1_000, 7_000_000, 2_000_000} {
		put(t, s, Receipt{Received: received, Messages: []Message{{Raw: []byte(strconv.Itoa(i)), Time: 1_000_000, Timed: true}}})
	}
	if got, want := ask(t, s, "* | fields _raw", View{}), "{\"_raw\":\"1\"}\n{\"_raw\":\"3\"}\n{\"_raw\":\"0\"}\n{\"_raw\":\"4\"}\n{\"_raw\":\"2\"}\n"; got != want {
		t.Errorf("order %s", got)
	}
	if got := ask(t, s, "* | count", View{From: 500, To: 5_000_000, ByReceipt: true}); !strings.Contains(got, "2") {
		t.Errorf("by receipt: %s", got)
	}
}

const (
	childDir = "GYOJI_STORE_CHILD"
	kills    = 100
)

// TestMain is also the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir, os.Getenv(childDir+"_FROM"))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child puts numbered messages into a store, and says which are acknowledged.
func child(dir, from string) {
	s, err := Open(dir, Options{fileBytes: 20_000, SealAfter: 40 * time.Millisecond})
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(1)
	}
	next, _ := strconv.Atoi(from)
	var mu sync.Mutex
	var wg sync.WaitGroup
	fmt.Println("ready")
	for g := range 4 {
		rnd := rand.New(rand.NewPCG(uint64(next), uint64(g)))
		wg.Go(func() {
			for {
				mu.Lock()
				n := next
				next++
				mu.Unlock()
				text := fmt.Sprintf("%d %s", n, filler(rnd))
				if _, err := s.Append(context.Background(), messages(text)); err != nil {
					fmt.Println("append:", err)
					return
				}
				os.Stdout.WriteString("ok " + strconv.Itoa(n) + "\n") // one write: it is whole, or not there
			}
		})
	}
	wg.Wait()
}

// TestKills: a process that is killed at any moment has lost nothing that it acknowledged,
// and doubled nothing.
func TestKills(t *testing.T) { // not beside others: a process that begins holds their locks for a moment
	rounds := kills
	if testing.Short() {
		rounds = 10
	}
	dir := t.TempDir()
	acked := map[string]bool{}
	from := 0
	rnd := rand.New(rand.NewPCG(7, 7))
	check := func(round int) {
		s := open(t, dir, Options{})
		defer s.Close(t.Context())
		got := numbers(t, s)
		for n := range acked {
			if got[n] != 1 {
				t.Fatalf("round %d: acknowledged message %s is there %d times", round, n, got[n])
			}
		}
		for n, times := range got {
			if times != 1 {
				t.Fatalf("round %d: message %s is there %d times", round, n, times)
			}
		}
		for _, x := range s.Stats().Damaged {
			t.Fatalf("round %d: a kill is no damage: %v", round, x)
		}
	}
	for round := range rounds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir, childDir+"_FROM="+strconv.Itoa(from))
		from += 100_000
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewScanner(out)
		if !in.Scan() || in.Text() != "ready" {
			t.Fatalf("round %d: %s", round, in.Text())
		}
		time.AfterFunc(time.Duration(rnd.IntN(60_000))*time.Microsecond, func() { cmd.Process.Kill() })
		for in.Scan() {
			n, ok := strings.CutPrefix(in.Text(), "ok ")
			if !ok {
				t.Fatalf("round %d: %s", round, in.Text())
			}
			acked[n] = true
		}
		cmd.Wait()
		if round%20 == 19 {
			check(round)
		}
	}
	check(rounds)
	t.Logf("%d acknowledged messages in %d lives", len(acked), rounds)
	if len(acked) < rounds {
		t.Errorf("only %d messages were acknowledged: the test does not say much", len(acked))
	}
}
