package query

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/exec/exectest"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// Every example of every word, and every query of splitQueries, saved and gone on
// with at random places: the input is cut in pieces, each of which is read by fresh
// tasks that have loaded what those before saved; or each by tasks of its own, all
// of which one loads in the end. Both give what one run over all gives, and asking
// for rows on the way changes nothing.
func TestSavedRuns(t *testing.T) {
	data := splitEvents(200)
	for _, q := range splitQueries {
		t.Run(q, func(t *testing.T) { savedRuns(t, q, data, 0) })
	}
	ops, fns, aggs := Standard().Docs()
	for _, d := range slices.Concat(ops, fns, aggs) {
		for _, ex := range d.Examples {
			if len(ex.In) > 1 && ex.To == 0 && !strings.Contains(ex.Query, "rand(") && !strings.Contains(ex.Query, "lookup") && !strings.Contains(ex.Query, "save ") {
				t.Run(d.Name, func(t *testing.T) { savedRuns(t, ex.Query, messages(t, ex.In), 0) })
			}
		}
	}
}

func savedRuns(t *testing.T, text string, data []byte, memory int64) {
	q := testCompile(t, text)
	if varies(q) {
		t.Skip("gives another result each time by its nature")
	}
	want, err := split{workers: 1}.run(q, data)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(bytes.TrimRight(data, "\n"), []byte("\n"))
	rnd := rand.New(rand.NewPCG(uint64(len(text)), uint64(len(data))))
	for round := range 3 {
		x := startSaved(t, q, memory)
		y := startSaved(t, q, memory) // loads each piece's own
		off := int64(0)
		for at := 0; at < len(lines); {
			n := 1 + rnd.IntN(len(lines)-at)
			piece := bytes.Join(lines[at:at+n], nil)
			alone := startSaved(t, q, memory)
			addSaved(t, x, piece, off)
			addSaved(t, alone, piece, off)
			off += int64(len(piece))
			at += n
			if round == 1 {
				rowsSaved(t, x)
			}
			state := savedBytes(t, x)
			x.Close()
			x = startSaved(t, q, memory)
			loadSaved(t, x, state)
			loadSaved(t, y, savedBytes(t, alone))
			alone.Close()
		}
		for how, r := range map[string]*Running{"gone on with": x, "put together": y} {
			if got := rowsSaved(t, r); !slices.Equal(got, want) {
				t.Fatalf("round %d, %s:\n got %s\nwant %s", round, how, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
			}
			r.Close()
		}
	}
}

func startSaved(t *testing.T, q *Query, memory int64) *Running {
	t.Helper()
	x, err := q.Start(context.Background(), Run{
		Memory: memory, TempDir: t.TempDir(), Bounded: true, To: 1 << 52, Warnings: &exec.Warnings{},
		Now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC),
	}, Live{})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func addSaved(t *testing.T, x *Running, piece []byte, off int64) {
	t.Helper()
	part := input.MemoryPart("text", piece)
	part.Start = off
	jsonl := format.Named("jsonl")
	err := x.Add(context.Background(), input.NewReader(input.List([]*input.Part{part}), []*input.Format{jsonl}, input.Options{Force: jsonl}))
	if err != nil && !errors.Is(err, exec.ErrStop) {
		t.Fatal(err)
	}
}

func savedBytes(t *testing.T, x *Running) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := x.Save(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func loadSaved(t *testing.T, x *Running, state []byte) {
	t.Helper()
	if err := x.Load(bytes.NewReader(state)); err != nil {
		t.Fatal(err)
	}
}

func rowsSaved(t *testing.T, x *Running) []string {
	t.Helper()
	out := &exectest.Collect{Layout: x.run.Layout}
	if err := x.Rows(out); err != nil {
		t.Fatal(err)
	}
	return out.Rows
}

// What is held on disk is saved and loaded like what is held in memory.
func TestSavedRunsOnDisk(t *testing.T) {
	data := splitEvents(300)
	for _, q := range []string{`* | count, sum(n), first(n), last(j), values(n), pct(n, 50) by n, k, j`, `* | sort by n, k | limit 50`, `*`} {
		savedRuns(t, q, data, 1)
	}
}

// Bytes that no Save has written are an error, and neither a panic nor a result; with a
// checksum that is right they may be read, and rows of them be asked for.
func TestLoadRefusesDamage(t *testing.T) {
	data := splitEvents(50)
	for _, text := range append([]string{`* | count, sum(n), values(k), first(n), count_distinct(n), pct(n, 50), stddev(n) by k`, `* | logreduce keys`}, splitQueries...) {
		q := testCompile(t, text)
		x := startSaved(t, q, 0)
		addSaved(t, x, data, 0)
		state := savedBytes(t, x)
		x.Close()
		rnd := rand.New(rand.NewPCG(5, 7))
		for range 40 {
			bad := bytes.Clone(state)
			switch rnd.IntN(3) {
			case 0:
				bad = bad[:rnd.IntN(len(bad))]
			case 1:
				bad[rnd.IntN(len(bad))] ^= byte(1 + rnd.IntN(255))
			case 2:
				i := rnd.IntN(len(bad))
				bad = slices.Insert(bad, i, bad[i:min(len(bad), i+1+rnd.IntN(9))]...)
			}
			y := startSaved(t, q, 1<<20)
			if err := y.Load(bytes.NewReader(bad)); err == nil {
				t.Errorf("%s: damaged state is loaded", text)
			}
			y.Close()
			if end := len(bad) - crc32.Size; end > 0 {
				binary.LittleEndian.PutUint32(bad[end:], crc32.Checksum(bad[:end], castagnoli))
				y := startSaved(t, q, 1<<20)
				if err := y.Load(bytes.NewReader(bad)); err == nil {
					_ = y.Rows(nothing{})
				}
				y.Close()
			}
		}
		other := startSaved(t, testCompile(t, `* | count by nosuch`), 0)
		if err := other.Load(bytes.NewReader(state)); !errors.Is(err, ErrOtherQuery) {
			t.Errorf("state of another query: %v", err)
		}
		other.Close()
		y := startSaved(t, q, 0)
		if err := y.Load(bytes.NewReader(append(bytes.Clone(state), 0))); err == nil {
			t.Error("state with something after it is loaded")
		}
		y.Close()
	}
}
