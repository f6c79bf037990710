package input

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// noRows takes what a reader of blocks does not give.
type noRows struct{}

func (noRows) Push(*event.Batch) error { return nil }

// blocks gathers the blocks that workers are given.
type blocks struct {
	mu sync.Mutex
	at map[int64]string
}

func (b *blocks) Read(block Block, _ exec.Sink) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at[block.Offset] = string(block.Data)
	return nil
}

// text is all blocks in their order; it fails when they do not fit together.
func (b *blocks) text(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for range b.at {
		block, ok := b.at[int64(all.Len())]
		if !ok {
			t.Fatalf("no block at %d", all.Len())
		}
		all.WriteString(block)
	}
	return all.String()
}

// TestWorkersReadForThemselves holds the blocks of a file against its text, with
// files and block sizes for which the end of a block is found near its end, far
// from it, or not at all.
func TestWorkersReadForThemselves(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	path := filepath.Join(t.TempDir(), "log")
	line := func(n int) string { return strings.Repeat(string(rune('a'+rnd.IntN(26))), n) + "\n" }
	direct := 0
	for round := range 60 {
		var text strings.Builder
		for n := 1 + rnd.IntN(400_000); text.Len() < n; {
			switch rnd.IntN(40) {
			case 0:
				text.WriteString(line(rnd.IntN(60_000)))
			default:
				text.WriteString(line(rnd.IntN(800)))
			}
		}
		want := text.String()
		if round%3 == 0 {
			want = strings.TrimSuffix(want, "\n")
		}
		mark := ""
		if round%4 == 0 {
			mark = "\xef\xbb\xbf"
		}
		if err := os.WriteFile(path, []byte(mark+want), 0o600); err != nil {
			t.Fatal(err)
		}
		got := &blocks{at: map[int64]string{}}
		format := *byLine
		format.Lines = true
		format.New = func(*Want) BlockReader { return got }
		o := Options{Warnings: &exec.Warnings{}, BlockBytes: []int{100, 5000, 20_000, 100_000}[rnd.IntN(4)]}
		src, err := Paths([]string{path}, o)
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(src, []*Format{&format}, o)
		feed := r.Feed(context.Background(), &Want{})
		var wg sync.WaitGroup
		for i := range 1 + rnd.IntN(4) {
			wg.Go(func() {
				if err := feed(i, noRows{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		st := r.Stats()
		if all := got.text(t); all != want || len(st.Failed) > 0 || st.Bytes != int64(len(mark)+len(want)) {
			t.Fatalf("round %d, blocks of %d: read %d bytes of %d, counted %d, failed %v", round, o.BlockBytes, len(all), len(want), st.Bytes, st.Failed)
		}
		for off, b := range got.at {
			if off+int64(len(b)) < int64(len(want)) && !strings.HasSuffix(b, "\n") {
				t.Fatalf("round %d: a block ends in %.20q", round, b[max(0, len(b)-20):])
			}
		}
		if len(want) > 2*o.BlockBytes && len(got.at) > 2 {
			direct++
		}
	}
	if direct < 20 {
		t.Errorf("only %d files had blocks to share out", direct)
	}
}

// TestFileCutShortWhileWorkersRead has a file lose its end behind the block that
// a worker has been given.
func TestFileCutShortWhileWorkersRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	text := bytes.Repeat([]byte("0123456\n"), 100_000)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	d := newDirect(f, 0, 50_000)
	buf := make([]byte, 50_000)
	format := *byLine
	size, p := d.cut(buf, &format, 0)
	if size != 50_000 {
		t.Fatal(size)
	}
	if err := os.Truncate(path, 20_000); err != nil {
		t.Fatal(err)
	}
	data, err := p.read(buf[:size])
	if err == nil || !strings.Contains(err.Error(), "cut short after 20000 bytes") || !bytes.Equal(data, text[:20_000]) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if size, _ := d.cut(buf, &format, 50_000); size != 0 {
		t.Errorf("a block of %d after the end", size)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.Read(buf); err == nil || err == io.EOF {
		t.Errorf("the file is still open: %v", err)
	}
}

// TestFileStaysOpenForItsReaders ends a run while a worker has yet to read.
func TestFileStaysOpenForItsReaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, bytes.Repeat([]byte("0123456\n"), 2*blockBytes/8), 0o600); err != nil {
		t.Fatal(err)
	}
	o := Options{Warnings: &exec.Warnings{}} // blocks are as large as in any run
	src, err := Paths([]string{path}, o)
	if err != nil {
		t.Fatal(err)
	}
	format := *byLine
	format.Lines = true
	r := NewReader(src, []*Format{&format}, o)
	var buf []byte
	b, err := r.block(context.Background(), &buf)
	if err != nil || b.piece.d == nil {
		t.Fatal(fmt.Sprint(b.piece, err))
	}
	r.finish()
	r.complete(&b)
	if failed := r.Stats().Failed; len(failed) > 0 || !bytes.Equal(b.Data, bytes.Repeat([]byte("0123456\n"), len(b.Data)/8)) {
		t.Errorf("%d bytes, %v", len(b.Data), failed)
	}
}
