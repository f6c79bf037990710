package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// memory is a snapshot of text.
type memory struct {
	text []byte
	size int64
	feed func(exec.Feed) exec.Feed
}

func (m memory) Feeder() input.Feeder {
	r := input.NewReader(input.Memory("log", m.text), format.All(), input.Options{Warnings: &exec.Warnings{}})
	if m.feed == nil {
		return r
	}
	return feeder(func(ctx context.Context, w *input.Want) exec.Feed { return m.feed(r.Feed(ctx, w)) })
}
func (m memory) Bytes() int64 { return max(m.size, int64(len(m.text))) }

// part is how much of the text is of a range, which is even in the day.
func (m memory) part(v View) memory {
	if v.To > v.From {
		m.size = m.size * (v.To - v.From) / day
	}
	return m
}
func (m memory) Close() {}

type feeder func(context.Context, *input.Want) exec.Feed

func (f feeder) Feed(ctx context.Context, w *input.Want) exec.Feed { return f(ctx, w) }

const day = 86_400_000

// start of the test's logs: 2026-03-02T00:00:00Z.
const start = 1772409600000

// logs are n JSON events over a day, in no order of time.
func logs(n int) []byte {
	var b strings.Builder
	for i := range n {
		k := (i * 7919) % n
		ms := start + int64(k)*day/int64(n)
		fmt.Fprintf(&b, `{"time":%q,"id":"%d","Image":"p%d.exe","level":"%s"}`+"\n",
			time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z"), k, k%5, []string{"info", "error"}[k%2])
	}
	return []byte(b.String())
}

func manager(t *testing.T, m memory, o Options) *Manager {
	t.Helper()
	o.Open = func(v View) (Snapshot, error) { return m.part(v), nil }
	if o.Dir == "" {
		o.Dir = t.TempDir() + "/jobs"
	}
	if o.Workers == 0 {
		o.Workers = 2
	}
	x, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if n := x.Used(); n != 0 {
			t.Errorf("the jobs hold %d bytes after all are gone", n)
		}
	})
	return x
}

func search(t *testing.T, m *Manager, query string) *Job {
	t.Helper()
	j, err := m.Start(Request{Query: query, From: start, To: start + day})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// wait waits for a job's end and sums up what an asker is told.
func wait(t *testing.T, j *Job, asker string) (s Status) {
	t.Helper()
	var all Status
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		s = j.Status(asker)
		all.Buckets = append(all.Buckets, s.Buckets...)
		all.Errors = append(all.Errors, s.Errors...)
		all.Warnings = append(all.Warnings, s.Warnings...)
		if s.State >= Done {
			s.Buckets, s.Errors, s.Warnings = all.Buckets, all.Errors, all.Warnings
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("the job is %s after 20 s", s.State)
		}
	}
}

func maps(t *testing.T, p Page) (out []map[string]string) {
	t.Helper()
	for _, r := range p.Rows {
		var m map[string]string
		if err := json.Unmarshal(p.AppendMap(nil, r), &m); err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

// TestMessages: whatever the slices, messages come newest first, complete, with all
// metadata, and the histogram of each asker counts each once.
func TestMessages(t *testing.T) {
	const n = 3000
	for _, size := range []int64{0, sliceWhole, 40 * sliceWhole} {
		m := manager(t, memory{text: logs(n), size: size}, Options{})
		for _, c := range []struct {
			query string
			want  int
		}{{"*", n}, {"level=error", n / 2}, {"* | where Image = \"p3.exe\" | fields id, Image", n / 5}, {"nosuchword", 0}, {"* | limit 10", 10}} {
			j := search(t, m, c.query)
			s := wait(t, j, "a")
			if s.State != Done || s.Messages != int64(c.want) || s.Records != 0 || len(s.Errors) > 0 {
				t.Fatalf("%s: %+v", c.query, s)
			}
			total := int64(0)
			seen := map[int64]bool{}
			for _, b := range s.Buckets {
				total += b.Count
				if seen[b.Start] || b.Length != widthOf(start, start+day) {
					t.Errorf("%s: bucket %v is told twice or has another length", c.query, b)
				}
				seen[b.Start] = true
			}
			if c.query != "* | limit 10" && total != int64(c.want) {
				t.Errorf("%s: the histogram has %d of %d messages", c.query, total, c.want)
			}
			if b := wait(t, j, "b").Buckets; len(b) != len(s.Buckets) {
				t.Errorf("%s: a second asker is told %d buckets of %d", c.query, len(b), len(s.Buckets))
			}
			if b := j.Status("a").Buckets; len(b) != 0 {
				t.Errorf("%s: the first asker is told %v again", c.query, b)
			}
			last := "9999999999999"
			got := 0
			for {
				p, err := j.Messages(got, 700)
				if err != nil {
					t.Fatal(err)
				}
				if len(p.Rows) == 0 {
					break
				}
				for _, row := range maps(t, p) {
					for _, name := range Metadata {
						if _, ok := row[strings.ToLower(name)]; !ok {
							t.Fatalf("%s: a message lacks %s: %v", c.query, name, row)
						}
					}
					if row["_messagetime"] > last || row["image"] == "" || row["id"] == "" || !strings.Contains(row["_raw"], row["image"]) {
						t.Fatalf("%s: after %s comes %v", c.query, last, row)
					}
					last = row["_messagetime"]
				}
				got += len(p.Rows)
			}
			if got != c.want {
				t.Errorf("%s: %d messages of %d", c.query, got, c.want)
			}
			if _, err := j.Records(0, 1); !errors.Is(err, ErrNoRecords) {
				t.Errorf("%s: records: %v", c.query, err)
			}
		}
	}
}

// TestRecords: an aggregate has records, in the query's order, with types and keys.
func TestRecords(t *testing.T) {
	m := manager(t, memory{text: logs(1000), size: 5 * sliceWhole}, Options{})
	j := search(t, m, `* | timeslice 12h | count, avg(id) as middle, count_distinct(level) by Image, _timeslice | sort by Image asc, _timeslice asc`)
	s := wait(t, j, "a")
	if s.State != Done || s.Records != 10 || s.Messages != 1000 {
		t.Fatalf("%+v", s)
	}
	p, err := j.Records(0, 100)
	if err != nil {
		t.Fatal(err)
	}
	rows := maps(t, p)
	if rows[0]["image"] != "p0.exe" || rows[0]["_count"] != "100" || rows[0]["_timeslice"] != fmt.Sprint(start) || rows[0]["_count_distinct"] != "2" {
		t.Errorf("%v", rows[0])
	}
	var told []string
	for _, f := range p.Fields(j.Keys()) {
		told = append(told, fmt.Sprint(f.Name, " ", f.Type, " ", f.Key))
	}
	want := "image string true, _timeslice long true, _count int false, middle double false, _count_distinct int false"
	if got := strings.Join(told, ", "); got != want {
		t.Errorf("fields\n%s\nwant\n%s", got, want)
	}
	if p, err := j.Messages(0, 10); err != nil || len(p.Rows) != 0 {
		t.Errorf("messages of an aggregate: %v %v", p.Rows, err)
	}
	if p, err := j.Records(10, 10); err != nil || len(p.Rows) != 0 {
		t.Errorf("past the end: %v %v", p.Rows, err)
	}
}

// TestCountsOfItsOwn: what runs before a query is not counted among what matches.
func TestCountsOfItsOwn(t *testing.T) {
	m := manager(t, memory{text: logs(1000)}, Options{})
	for query, want := range map[string]int64{
		`* | where [subquery: level=error | count by Image | compose Image] | count by Image`: 1000,
		`level=error | where [subquery: * | top 1 Image | compose Image] | fields Image`:      100,
		`level=info | timeslice 1h | count by _timeslice | compare timeshift 1d`:              500,
	} {
		s := wait(t, search(t, m, query), "a")
		total := int64(0)
		for _, b := range s.Buckets {
			total += b.Count
		}
		if s.State != Done || s.Messages != want || total != want {
			t.Errorf("%s: %d messages, %d in the histogram, want %d: %v", query, s.Messages, total, want, s.Errors)
		}
	}
}

// TestMessagesOfRecords: the messages of an aggregate are those before it.
func TestMessagesOfRecords(t *testing.T) {
	m := manager(t, memory{text: logs(1000)}, Options{})
	for query, want := range map[string]int64{
		`level=error | where Image = "p1.exe" | count by level | sort by _count`: 100,
		`* | count`: 1000,
		`* | timeslice 1h | count by _timeslice | avg(_count) as x`: 1000,
		`* | dedup Image | count`:                                   5,
	} {
		j, err := m.Start(Request{Query: query, From: start, To: start + day, Messages: true})
		if err != nil {
			t.Fatal(err)
		}
		if s := wait(t, j, "a"); s.State != Done || s.Messages != want || s.Records == 0 {
			t.Errorf("%s: %+v, want %d messages", query, s, want)
		}
	}
}

// TestMost: messages beyond the limit are not given, which is said.
func TestMost(t *testing.T) {
	for _, size := range []int64{0, 5 * sliceWhole} {
		m := manager(t, memory{text: logs(1000), size: size}, Options{Most: 300})
		j := search(t, m, "*")
		s := wait(t, j, "a")
		if s.State != Done || s.Messages != 300 || len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "300") {
			t.Errorf("%+v", s)
		}
		p, _ := j.Messages(0, 1)
		if id := maps(t, p)[0]["id"]; id != "999" {
			t.Errorf("the newest message is %s", id)
		}
		m = manager(t, memory{text: logs(1000), size: size}, Options{Most: 300, ForcePause: true})
		if s := wait(t, search(t, m, "*"), "a"); s.State != ForcePaused || s.Messages != 300 {
			t.Errorf("%+v", s)
		}
		if s := wait(t, search(t, m, "* | limit 300"), "a"); s.State != Done {
			t.Errorf("%+v", s)
		}
	}
}

// TestSpill: results beyond memory are in a file, are the same, and are gone with the job.
func TestSpill(t *testing.T) {
	dir := t.TempDir() + "/jobs"
	m := manager(t, memory{text: logs(3000)}, Options{Held: 1000, Dir: dir})
	j := search(t, m, "*")
	wait(t, j, "a")
	if es, _ := os.ReadDir(dir + "/" + j.ID); len(es) != 1 {
		t.Fatalf("results are in %v", es)
	}
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for at := worker; at < 3000; at += 311 {
				p, err := j.Messages(at, 100)
				if err != nil {
					t.Error(err)
					return
				}
				for i, row := range maps(t, p) {
					if row["id"] != fmt.Sprint(2999-at-i) {
						t.Errorf("message %d is %s", at+i, row["id"])
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if err := m.Delete(j.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir + "/" + j.ID); !os.IsNotExist(err) {
		t.Errorf("after the job its folder is there: %v", err)
	}
	if _, err := j.Messages(0, 1); !errors.Is(err, ErrGone) {
		t.Errorf("a page of a deleted job: %v", err)
	}
	if err := m.Delete(j.ID); !errors.Is(err, ErrGone) {
		t.Errorf("deleted twice: %v", err)
	}
}

// TestCancel: a job that is deleted while it runs gives back everything at once.
func TestCancel(t *testing.T) {
	release := make(chan struct{})
	var once sync.Once
	reading := make(chan struct{})
	slow := memory{text: logs(5000), feed: func(f exec.Feed) exec.Feed {
		return func(worker int, front exec.Sink) error {
			return f(worker, sinkFunc(func(b *event.Batch) error {
				err := front.Push(b)
				once.Do(func() { close(reading) })
				<-release
				return err
			}))
		}
	}}
	dir := t.TempDir() + "/jobs"
	m := manager(t, slow, Options{Dir: dir})
	j := search(t, m, "* | sort by id")
	<-reading
	if s := j.Status("a"); s.State != Gathering {
		t.Fatalf("%+v", s)
	}
	if err := m.Delete(j.ID); err != nil {
		t.Fatal(err)
	}
	close(release)
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		_, err := os.Stat(dir + "/" + j.ID)
		if m.Used() == 0 && os.IsNotExist(err) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are held, folder: %v", m.Used(), err)
		}
	}
	if s := j.Status("a"); s.State != Cancelled {
		t.Errorf("%s", s.State)
	}
}

// TestStop: a job that is stopped keeps what is there, says that it is a part, and works no more.
func TestStop(t *testing.T) {
	release := make(chan struct{})
	var once sync.Once
	reading := make(chan struct{})
	m := manager(t, memory{text: logs(5000), feed: func(f exec.Feed) exec.Feed {
		return func(worker int, front exec.Sink) error {
			return f(worker, sinkFunc(func(b *event.Batch) error {
				err := front.Push(b)
				once.Do(func() { close(reading) })
				<-release
				return err
			}))
		}
	}}, Options{})
	j := search(t, m, "*")
	<-reading
	j.Stop()
	close(release)
	s := wait(t, j, "a")
	if s.State != Done || len(s.Errors) > 0 || len(s.Warnings) != 1 || s.Warnings[0] != stopped || s.Messages >= 5000 {
		t.Errorf("%+v", s)
	}
	p, err := j.Messages(0, 10_000)
	if err != nil || int64(len(p.Rows)) != s.Messages {
		t.Errorf("%d rows of %d: %v", len(p.Rows), s.Messages, err)
	}
	// One that has ended is what it was.
	j = search(t, m, "* | count")
	wait(t, j, "a")
	j.Stop()
	if s := j.Status("b"); s.State != Done || len(s.Warnings) > 0 {
		t.Errorf("%+v", s)
	}
}

type sinkFunc func(*event.Batch) error

func (f sinkFunc) Push(b *event.Batch) error { return f(b) }

// TestPanic: a panic is the error of its job, and others go on.
func TestPanic(t *testing.T) {
	var told string
	broken := false
	m := manager(t, memory{text: logs(10), feed: func(f exec.Feed) exec.Feed {
		if broken {
			panic("broken")
		}
		return f
	}}, Options{Told: func(s string) { told = s }})
	broken = true
	s := wait(t, search(t, m, "*"), "a")
	if s.State != Cancelled || len(s.Errors) != 1 || !strings.Contains(s.Errors[0], "broken") || !strings.Contains(told, "job_test.go") {
		t.Errorf("%+v %s", s, told)
	}
	broken = false
	if s := wait(t, search(t, m, "* | count"), "a"); s.State != Done {
		t.Errorf("%+v", s)
	}
}

// TestIdle: a job that nobody asks about is gone; one that is asked about stays.
func TestIdle(t *testing.T) {
	m := manager(t, memory{text: logs(10)}, Options{Idle: 400 * time.Millisecond})
	kept, left := search(t, m, "*"), search(t, m, "*")
	for until := time.Now().Add(time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if _, err := m.Get(kept.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.Get(left.ID); !errors.Is(err, ErrGone) {
		t.Errorf("the other: %v", err)
	}
}

// TestTooMany: there is a limit of jobs, and those that are deleted make room.
func TestTooMany(t *testing.T) {
	m := manager(t, memory{text: logs(10)}, Options{Active: 2})
	a := search(t, m, "*")
	search(t, m, "*")
	if _, err := m.Start(Request{Query: "*", From: start, To: start + day}); !errors.Is(err, ErrTooMany) {
		t.Fatalf("a third: %v", err)
	}
	if err := m.Delete(a.ID); err != nil {
		t.Fatal(err)
	}
	search(t, m, "*")
}

// TestTurns: small jobs end while a large one has no end, and a reader that gives no
// event keeps nobody from working.
func TestTurns(t *testing.T) {
	for name, endless := range map[string]func(ctx context.Context, b *event.Batch, front exec.Sink) error{
		"events": func(ctx context.Context, b *event.Batch, front exec.Sink) error {
			for {
				c := *b
				c.Live = append([]uint16(nil), b.Live...)
				if err := front.Push(&c); err != nil {
					return err
				}
			}
		},
		"none": func(ctx context.Context, b *event.Batch, front exec.Sink) error {
			<-ctx.Done()
			return ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := manager(t, memory{}, Options{Workers: 1})
			m.o.Open = func(v View) (Snapshot, error) {
				s := memory{text: logs(500)}
				if v.To-v.From < day {
					return s, nil
				}
				return endlessSnapshot{s, endless}, nil
			}
			large := search(t, m, "* | count")
			for range 8 {
				j, err := m.Start(Request{Query: "* | count", From: start, To: start + day/2})
				if err != nil {
					t.Fatal(err)
				}
				if s := wait(t, j, "a"); s.State != Done || s.Messages != 250 {
					t.Fatalf("%+v", s)
				}
			}
			if s := large.Status("a"); s.State != Gathering {
				t.Errorf("the large one is %s: %v", s.State, s.Errors)
			}
			if err := m.Delete(large.ID); err != nil {
				t.Fatal(err)
			}
		})
	}
}

type endlessSnapshot struct {
	memory
	run func(context.Context, *event.Batch, exec.Sink) error
}

func (s endlessSnapshot) Feeder() input.Feeder {
	return feeder(func(ctx context.Context, w *input.Want) exec.Feed {
		f := s.memory.Feeder().Feed(ctx, w)
		return func(worker int, front exec.Sink) error {
			return f(worker, sinkFunc(func(b *event.Batch) error { return s.run(ctx, b, front) }))
		}
	})
}

// TestTurnsOrder: a turn goes to the job that has had the least.
func TestTurnsOrder(t *testing.T) {
	turns := newTurns(1)
	turns.most = 0
	var much, little, none atomic.Int64
	much.Store(10)
	little.Store(5)
	holder := turns.worker(&none)
	if err := holder.take(context.Background()); err != nil {
		t.Fatal(err)
	}
	order := make(chan string, 2)
	for name, used := range map[string]*atomic.Int64{"much": &much, "little": &little} {
		w := turns.worker(used)
		go func() {
			if err := w.take(context.Background()); err != nil {
				t.Error(err)
			}
			w.give()
			order <- name
		}()
	}
	for n := 0; n < 2; time.Sleep(time.Millisecond) {
		turns.mu.Lock()
		n = len(turns.waiting)
		turns.mu.Unlock()
	}
	holder.give()
	if first := <-order; first != "little" {
		t.Errorf("%s had the first turn", first)
	}
	<-order
	// Who waits no longer has none, and none is lost.
	if err := holder.take(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := turns.worker(&much).take(ctx); err == nil {
		t.Error("a cancelled worker has a turn")
	}
	holder.give()
	if turns.free != 1 || len(turns.waiting) != 0 {
		t.Errorf("%d turns are free, %d wait", turns.free, len(turns.waiting))
	}
}

// TestReceived: a search by receipt has a histogram of receipt times.
func TestReceived(t *testing.T) {
	h := newHistogram(start, start+day)
	h.received = true
	b := &event.Batch{}
	for range 3 {
		b.AddRow(1, 0)
	}
	b.Receipt = []int64{start, start + day - 1, start + day}
	h.tap(b)
	out := h.finalFrom(math.MinInt64)
	if len(out) != 2 || out[1].Start != start || out[0].Start <= start || h.total.Load() != 3 {
		t.Errorf("%v of %d", out, h.total.Load())
	}
}

// TestSlices: whatever the messages' spread over time, slices are the range without a
// gap, the newest first, and none is much larger than it should be.
func TestSlices(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		from := start + r.Int64N(day)
		long := 1 + r.Int64N([]int64{10, 5000, day, 90 * day}[r.IntN(4)])
		to := from + long
		type piece struct{ from, to, size int64 }
		var pieces []piece
		total := int64(0)
		dense := from + r.Int64N(long)
		for range r.IntN(400) {
			at := from + r.Int64N(long)
			if r.IntN(2) == 0 {
				at = min(to, dense+r.Int64N(long/50+1))
			}
			p := piece{at, at + r.Int64N(long/100+1), r.Int64N(1 << 20)}
			pieces, total = append(pieces, p), total+p.size
		}
		bytes := func(low, high int64) (n int64, err error) {
			for _, p := range pieces {
				if p.from < high && p.to >= low {
					n += p.size
				}
			}
			return n, nil
		}
		out, err := slicesOf(from, to, bytes)
		if err != nil {
			t.Fatal(err)
		}
		if out == nil {
			continue
		}
		at, read := to, int64(0)
		for _, s := range out {
			if s.to != at || s.from >= s.to {
				t.Fatalf("%d to %d: slices %v", from, to, out)
			}
			at = s.from
			n, _ := bytes(s.from, s.to)
			read += n
		}
		if at != from || read > 3*total {
			t.Fatalf("%d to %d: slices %v, %d bytes of %d", from, to, out, read, total)
		}
		if n, _ := bytes(out[0].from, to); n > 2*sliceWhole && long > day/2 && len(pieces) > 100 && dense > to-long/2 {
			t.Errorf("the first slice has %d bytes", n)
		}
	}
	if out, _ := slicesOf(start, start+day, func(int64, int64) (int64, error) { return 1 << 30, nil }); len(out) > 1 {
		t.Errorf("what is read again for each slice is cut into %d", len(out))
	}
}

// TestPagesWhileGathering: messages that are there stay where they are while older ones
// come, and the buckets of the histogram come with them.
func TestPagesWhileGathering(t *testing.T) {
	var gate atomic.Int64
	gate.Store(1)
	var fed atomic.Int64
	text := logs(2000)
	m := manager(t, memory{}, Options{})
	m.o.Open = func(v View) (Snapshot, error) {
		s := memory{text: text, size: 200 * sliceWhole}.part(v)
		s.feed = func(f exec.Feed) exec.Feed {
			return func(worker int, front exec.Sink) error {
				if worker == 0 {
					for n := fed.Add(1); gate.Load() < n; {
						time.Sleep(time.Millisecond)
					}
				}
				return f(worker, front)
			}
		}
		return s, nil
	}
	j := search(t, m, "*")
	var before []map[string]string
	buckets := 0
	for moves := 0; moves < 5; gate.Add(1) {
		for deadline := time.Now().Add(10 * time.Second); j.messages.Len() == len(before) && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
			if fed.Load() > gate.Load() {
				break // a slice without messages
			}
		}
		s := j.Status("a")
		buckets += len(s.Buckets)
		p, err := j.Messages(0, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		now := maps(t, p)
		if len(now) < len(before) {
			t.Fatalf("%d messages after %d", len(now), len(before))
		}
		for i := range before {
			if now[i]["id"] != before[i]["id"] {
				t.Fatalf("message %d was %s and is %s", i, before[i]["id"], now[i]["id"])
			}
		}
		if len(now) > len(before) {
			moves++
		}
		if before = now; s.State != Gathering {
			t.Fatalf("it is %s after %d moves and %d messages", s.State, moves, len(now))
		}
	}
	if buckets == 0 {
		t.Error("no bucket of the histogram came with them")
	}
	gate.Store(1 << 40)
	if s := wait(t, j, "a"); s.State != Done || s.Messages != 2000 {
		t.Errorf("%+v", s)
	}
}

// TestRecordsWhileGathering: the records of an aggregate are there while it is gathered, and
// are those of what has been read: of each slice, all of it.
func TestRecordsWhileGathering(t *testing.T) {
	const n = 2000
	for _, query := range []string{
		`* | count by level`, `* | count as n, min(id) as least, avg(id) as middle by Image | sort by Image`, `* | timeslice 1h | count by _timeslice | sort by _timeslice`, `* | count`, `* | sort by id | limit 3 | count by Image`,
	} {
		var gate, fed atomic.Int64
		gate.Store(1)
		m := manager(t, memory{}, Options{every: -1})
		text := logs(n)
		plain := manager(t, memory{text: text}, Options{})
		m.o.Open = func(v View) (Snapshot, error) {
			s := memory{text: text, size: 200 * sliceWhole}.part(v)
			s.feed = func(f exec.Feed) exec.Feed {
				return func(worker int, front exec.Sink) error {
					if worker == 0 {
						for k := fed.Add(1); gate.Load() < k; {
							time.Sleep(time.Millisecond)
						}
					}
					return f(worker, front)
				}
			}
			return s, nil
		}
		j := search(t, m, query)
		slices, err := j.slices()
		if err != nil || len(slices) < 6 {
			t.Fatal(len(slices), err)
		}
		for done := 1; done < 6; done++ { // the slice after these waits
			for fed.Load() <= int64(done) {
				time.Sleep(time.Millisecond)
			}
			p, err := j.Records(0, 10_000)
			if err != nil {
				t.Fatal(err)
			}
			want, err := plain.Start(Request{Query: query, From: slices[done-1].from, To: start + day})
			if err != nil {
				t.Fatal(err)
			}
			wait(t, want, "a")
			q, err := want.Records(0, 10_000)
			if err != nil || len(p.Rows) == 0 || fmt.Sprint(maps(t, p)) != fmt.Sprint(maps(t, q)) {
				t.Errorf("%s: after %d slices %v, want %v, %v", query, done, maps(t, p), maps(t, q), err)
			}
			if s := j.Status("a"); s.State != Gathering || s.Records != int64(len(p.Rows)) {
				t.Errorf("%s: %+v", query, s)
			}
			if p, err := j.Rows(0, 10); err != nil || len(p.Rows) > 0 {
				t.Errorf("%s: rows before they are known: %v, %v", query, maps(t, p), err)
			}
			gate.Store(int64(done + 1))
		}
		gate.Store(1 << 40)
		if s := wait(t, j, "a"); s.State != Done {
			t.Errorf("%+v", s)
		}
		if p, err := j.Records(0, 10_000); err != nil || len(p.Rows) != int(j.Status("a").Records) {
			t.Error(len(p.Rows), err)
		}
	}
}

// TestSearchesRest: while something more urgent works, a worker rests after each turn, for a
// bounded time, and keeps its turn; otherwise it does not.
func TestSearchesRest(t *testing.T) {
	var busy atomic.Bool
	var asked atomic.Int64
	turns := newTurns(1)
	turns.busy = func() bool { asked.Add(1); return busy.Load() }
	var used atomic.Int64
	w := turns.worker(&used)
	if err := w.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	turn := func() (rested time.Duration) {
		t.Helper()
		w.since = time.Now().Add(-turnTime)
		began, had := time.Now(), used.Load()
		if err := w.yield(t.Context()); err != nil || !w.has {
			t.Fatal(err, w.has)
		}
		if n := used.Load() - had; n < int64(turnTime) {
			t.Errorf("a turn of %s counts as %d ns", turnTime, n)
		}
		return time.Since(began)
	}
	turn()
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times while nothing is urgent, want once", n)
	}
	busy.Store(true)
	if d := turn(); d < turnRest {
		t.Errorf("rested for %s, want %s", d, turnRest)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.since = time.Now().Add(-turnTime)
	if err := w.yield(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("of a job that has ended: %v", err)
	}
}
