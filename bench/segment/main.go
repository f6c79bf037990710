// Command segment measures the segments of gyoji's store: how quick they are written and
// how large they are, and queries over one against the same queries over the JSON Lines
// that it was made of, and against DuckDB over the same Parquet file. Results are compared
// before times are taken. Times are user and system time of the query alone, in a process
// that has run it once already, medians of runs by turns; start-up of neither counts.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	gexec "github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/store/columns"
	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

func main() {
	var b bench
	flag.StringVar(&b.events, "events", "", "flat Sysmon events in JSON Lines, see ../README.md")
	flag.StringVar(&b.python, "python", "python3", "a Python that has duckdb; \"\" leaves DuckDB out")
	flag.StringVar(&b.asked, "asked", strings.Join(asked, ","), "the fields that are asked for most")
	flag.StringVar(&b.seed, "seed", "../../packages/T1204.001-malicious-link/query.seed.sumo", "the seed query")
	flag.StringVar(&b.needle, "needle", "", "a value that one event has (default: the ProcessGuid of one in the middle)")
	flag.StringVar(&b.only, "only", "", "measures whose name holds this")
	flag.IntVar(&b.runs, "runs", 5, "runs of each, by turns")
	flag.StringVar(&b.profile, "profile", "", "write a CPU profile of runs over the segment here, of the last measure")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	if err := b.run(); err != nil {
		fmt.Fprintln(os.Stderr, "segment:", err)
		os.Exit(1)
	}
}

// asked is what a shop with the seed query and a few like it asks for.
var asked = strings.Fields("EventID Image ParentImage CommandLine ParentCommandLine Computer User UtcTime Channel TargetFilename DestinationIp DestinationPort QueryName")

type bench struct {
	events, python, asked, seed, needle, only, profile string

	runs int
	dir  string
	file string // the segment
	data []byte
	raw  int64
}

func (b *bench) run() (err error) {
	if b.events == "" {
		return errors.New("no events: name a file with -events")
	}
	if b.dir, err = os.MkdirTemp("", "gyoji-segment-*"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if b.data, err = os.ReadFile(b.events); err != nil {
		return err
	}
	if err := b.write(); err != nil {
		return err
	}
	seed, err := os.ReadFile(b.seed)
	if err != nil {
		return err
	}
	if b.needle == "" {
		b.needle = guid(b.data[len(b.data)/2:])
	}
	fmt.Printf("\n| measure | rows | segment cpu s | JSON Lines cpu s | ratio | aim | DuckDB cpu s | ratio | aim |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, m := range b.measures(string(seed)) {
		if strings.Contains(m.name, b.only) {
			if err := b.measure(m); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		}
	}
	return nil
}

// guid is the first ProcessGuid of events.
func guid(data []byte) string {
	_, after, _ := bytes.Cut(data, []byte(`"ProcessGuid":"`))
	value, _, _ := bytes.Cut(after, []byte{'"'})
	return string(value)
}

func cpu() time.Duration {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// rows are the events as messages.
func (b *bench) rows() iter.Seq2[message.Row, error] {
	o := &message.Origin{Origin: event.Origin{Name: b.events}, Format: "jsonl"}
	return func(yield func(message.Row, error) bool) {
		var block []message.Row
		seq := uint64(0)
		give := func() bool {
			if err := message.Times(block, &input.Want{Layout: event.NewLayout(), Warnings: &gexec.Warnings{}}); err != nil {
				return yield(message.Row{}, err)
			}
			for _, r := range block {
				if !yield(r, nil) {
					return false
				}
			}
			block = block[:0]
			return true
		}
		for data := b.data; len(data) > 0; {
			line, rest, _ := bytes.Cut(data, []byte{'\n'})
			data = rest
			block = append(block, message.Row{Seq: seq, Origin: o, Raw: line})
			if seq += message.Apart; len(block) == 1024 && !give() {
				return
			}
		}
		give()
	}
}

// write writes the segment, and says how quick and how large.
func (b *bench) write() error {
	var all []message.Row // their times are found before the clock runs
	for r, err := range b.rows() {
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	b.file = filepath.Join(b.dir, "a.parquet")
	var best columns.Summary
	times := []time.Duration{}
	for range max(1, b.runs/2) {
		f, err := os.Create(b.file)
		if err != nil {
			return err
		}
		tok, err := os.Create(b.file + ".tok")
		if err != nil {
			return err
		}
		runtime.GC()
		start := cpu()
		best, err = columns.Write(f, func(yield func(message.Row, error) bool) {
			for _, r := range all {
				if !yield(r, nil) {
					return
				}
			}
		}, columns.Options{Asked: strings.Split(b.asked, ","), Filters: tok})
		times = append(times, cpu()-start)
		if err := errors.Join(err, f.Close(), tok.Close()); err != nil {
			return err
		}
	}
	slices.Sort(times)
	t := times[len(times)/2].Seconds()
	b.raw = best.RawBytes
	fmt.Printf("%d events, %.1f MB; segment %.1f MB, filters %.1f MB: 1/%.2f of it. Written in %.2f s of CPU: %.0f MB/s. %d columns: %s\n", best.Rows, float64(best.RawBytes)/1e6,
		float64(best.FileBytes)/1e6, float64(best.FilterBytes)/1e6, float64(best.RawBytes)/float64(best.FileBytes+best.FilterBytes), t, float64(best.RawBytes)/1e6/t, len(best.Promoted), strings.Join(best.Promoted, " "))
	return nil
}

// segment feeds a file's groups.
type segment struct{ *columns.File }

func (s segment) Feed(_ context.Context, want *input.Want) gexec.Feed {
	return func(_ int, front gexec.Sink) error {
		scan := columns.NewScan(want)
		for i := range s.Groups() {
			if err := scan.Read(s.Group(i), front); err != nil {
				return err
			}
		}
		return nil
	}
}

// sink keeps rows as text.
type sink struct {
	layout *event.Layout
	fields []event.Slot
	rows   []string
}

func (s *sink) Push(b *event.Batch) error {
	for _, r := range b.Live {
		var line []string
		for _, f := range s.fields {
			line = append(line, b.Value(f, r).String())
		}
		s.rows = append(s.rows, strings.Join(line, "\t"))
	}
	return nil
}

func (s *sink) Flush() error { return nil }

// ask runs a query, and says what it cost.
func (b *bench) ask(m measure, over string) (rows []string, took time.Duration, err error) {
	runtime.GC()
	start := cpu()
	q, diags := query.Compile(diag.Text("query", m.sumo), query.Standard())
	if diags.HasErrors() {
		return nil, 0, diags.Err()
	}
	l := q.Layout.Clone()
	out := &sink{layout: l}
	for _, f := range m.fields {
		slot, ok := l.Find(f)
		if !ok {
			return nil, 0, fmt.Errorf("the query has no field %s", f)
		}
		out.fields = append(out.fields, slot)
	}
	var in input.Feeder
	if over == b.events {
		src, err := input.Paths([]string{over}, input.Options{})
		if err != nil {
			return nil, 0, err
		}
		in = input.NewReader(src, format.All(), input.Options{})
	} else {
		f, err := os.Open(over)
		if err != nil {
			return nil, 0, err
		}
		defer f.Close()
		tok, err := os.Open(over + ".tok")
		if err != nil {
			return nil, 0, err
		}
		defer tok.Close()
		st, err := f.Stat()
		if err != nil {
			return nil, 0, err
		}
		size, err := tok.Stat()
		if err != nil {
			return nil, 0, err
		}
		file, err := columns.Open(f, st.Size(), columns.OpenOptions{Name: over, Filters: tok, FiltersSize: size.Size(), Told: func(err error) { panic(err) }})
		if err != nil {
			return nil, 0, err
		}
		in = segment{file}
	}
	err = q.Run(context.Background(), query.Run{Input: in, Layout: l, Workers: 1, Warnings: &gexec.Warnings{}}, out)
	took = cpu() - start
	slices.Sort(out.rows)
	return out.rows, took, err
}

// measure compares one query's results, and prints its times.
func (b *bench) measure(m measure) error {
	var d *duck
	var want []string
	if m.sql != "" && b.python != "" {
		var err error
		if d, err = b.duck(m); err != nil {
			return err
		}
		defer d.close()
		if want, _, err = d.ask(); err != nil {
			return err
		}
	}
	plain, _, err := b.ask(m, b.events)
	if err != nil {
		return err
	}
	got, _, err := b.ask(m, b.file)
	if err != nil {
		return err
	}
	if !slices.Equal(got, plain) {
		return fmt.Errorf("%d rows over the segment, %d over JSON Lines, or others", len(got), len(plain))
	}
	if d != nil && !slices.Equal(want, plain) {
		return fmt.Errorf("%d rows, DuckDB has %d, or others:\n%.300s\n%.300s", len(plain), len(want), plain, want)
	}
	var ours, theirs, json []time.Duration
	for range b.runs {
		_, t, err := b.ask(m, b.file)
		if err != nil {
			return err
		}
		ours = append(ours, t)
		if m.unpack {
			t, err = b.unpackAndScan(m)
		} else {
			_, t, err = b.ask(m, b.events)
		}
		if err != nil {
			return err
		}
		json = append(json, t)
		if d != nil {
			if _, t, err = d.ask(); err != nil {
				return err
			}
			theirs = append(theirs, t)
		}
	}
	if b.profile != "" {
		if err := b.profiled(m); err != nil {
			return err
		}
	}
	a, j := median(ours), median(json)
	fmt.Printf("| %s | %d | %.3f | %.3f | %.2f | %s |", m.name, len(got), a, j, a/j, m.aim)
	if d != nil {
		t := median(theirs)
		fmt.Printf(" %.3f | %.2f | %s |\n", t, a/t, m.duckAim)
	} else {
		fmt.Printf(" | | |\n")
	}
	return nil
}

// profiled writes a CPU profile of runs over the segment.
func (b *bench) profiled(m measure) error {
	f, err := os.Create(b.profile)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	for range 10 * b.runs {
		if _, _, err := b.ask(m, b.file); err != nil {
			return err
		}
	}
	return nil
}

func median(ts []time.Duration) float64 {
	slices.Sort(ts)
	return ts[len(ts)/2].Seconds()
}

// unpackAndScan is what reading from the text may cost: all pages unpacked, and the same
// query over plain lines.
func (b *bench) unpackAndScan(m measure) (time.Duration, error) {
	_, scan, err := b.ask(m, b.events)
	if err != nil {
		return 0, err
	}
	f, err := os.Open(b.file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	start := cpu()
	file, err := columns.Open(f, st.Size(), columns.OpenOptions{Name: b.file})
	if err != nil {
		return 0, err
	}
	n := 0
	for r, err := range file.Rows() {
		if err != nil {
			return 0, err
		}
		n += len(r.Raw)
	}
	if int64(n) != b.raw {
		return 0, fmt.Errorf("%d bytes unpacked of %d", n, b.raw)
	}
	return scan + cpu() - start, nil
}

// duck is a DuckDB that answers one statement again and again.
type duck struct {
	cmd *exec.Cmd
	in  *bufio.Writer
	out *bufio.Scanner
}

const duckProgram = `
import sys, json, time, resource, duckdb
con = duckdb.connect(config={"threads": 1})
con.execute("SET enable_progress_bar = false")
sql = sys.argv[1]
for _ in sys.stdin:
    a = resource.getrusage(resource.RUSAGE_SELF)
    rows = con.execute(sql).fetchall()
    z = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu": z.ru_utime + z.ru_stime - a.ru_utime - a.ru_stime, "rows": [["" if v is None else str(v) for v in r] for r in rows]}), flush=True)
`

func (b *bench) duck(m measure) (*duck, error) {
	cmd := exec.Command(b.python, "-c", duckProgram, strings.ReplaceAll(m.sql, "FILE", "'"+b.file+"'"))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	d := &duck{cmd, bufio.NewWriter(in), bufio.NewScanner(out)}
	d.out.Buffer(nil, 1<<30)
	return d, cmd.Start()
}

func (d *duck) ask() (rows []string, took time.Duration, err error) {
	d.in.WriteString("\n")
	d.in.Flush()
	if !d.out.Scan() {
		return nil, 0, errors.New("DuckDB ended")
	}
	var a struct {
		CPU  float64
		Rows [][]string
	}
	if err := json.Unmarshal(d.out.Bytes(), &a); err != nil {
		return nil, 0, err
	}
	for _, r := range a.Rows {
		rows = append(rows, strings.Join(r, "\t"))
	}
	slices.Sort(rows)
	return rows, time.Duration(a.CPU * float64(time.Second)), nil
}

func (d *duck) close() {
	d.cmd.Process.Kill()
	d.cmd.Wait()
}
