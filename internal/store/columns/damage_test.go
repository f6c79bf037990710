package columns_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/store/columns"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// read reads all that there is in a file, by its columns, its filters and its messages.
func read(file, filters []byte) (n int, told, err error) {
	f, err := columns.Open(bytes.NewReader(file), int64(len(file)), columns.OpenOptions{
		Name: "a.parquet", Filters: bytes.NewReader(filters), FiltersSize: int64(len(filters)), Told: func(e error) { told = e },
	})
	if err != nil {
		return 0, nil, err
	}
	l := event.NewLayout("a", "_messageTime", "_sourceCategory", "_raw", "Image")
	count := func(w *input.Want) error {
		w.Layout, w.Warnings = l, &exec.Warnings{}
		s := columns.NewScan(w)
		for i := range f.Groups() {
			if err := s.Read(f.Group(i), counter{&n}); err != nil {
				return err
			}
		}
		return nil
	}
	var byColumns, byRaw input.Want
	byColumns.Fields.Add(0, 1, 2)
	byRaw.Fields.Add(3)
	byRaw.Need = []input.Need{{Slot: 4, Any: []string{`c:\a\chrome.exe`}, At: expr.Whole}}
	for _, w := range []*input.Want{&byColumns, &byRaw} {
		if err := count(w); err != nil {
			return n, told, err
		}
	}
	for _, err := range f.Rows() {
		if err != nil {
			return n, told, err
		}
		n++
	}
	return n, told, nil
}

type counter struct{ n *int }

func (c counter) Push(b *event.Batch) error { *c.n += b.N; return nil }

// named fails unless an error of a damaged file says which and where.
func named(t testing.TB, err error) {
	t.Helper()
	var d *columns.Damaged
	if !errors.As(err, &d) || d.File != "a.parquet" || !strings.HasPrefix(err.Error(), "a.parquet: damaged segment: ") {
		t.Errorf("%v, want one that names the file and the place", err)
	}
}

// TestDamage: whichever bytes of a file change, the answer is the same or the damage is
// told of, by name and place.
func TestDamage(t *testing.T) {
	w, _ := write(t, odd(rand.New(rand.NewPCG(3, 3)), 300), columns.Options{GroupRows: 100, Promoted: []string{"a", "Image"}})
	want, told, err := read(w.file, w.filters)
	if err != nil || told != nil {
		t.Fatal(err, told)
	}
	rnd := rand.New(rand.NewPCG(4, 4))
	found := 0
	for i := range 400 {
		b := bytes.Clone(w.file)
		if at := rnd.IntN(len(b)); i%4 == 0 { // the footer is a small part of the whole
			b[len(b)-1-rnd.IntN(3000)] ^= byte(1 + rnd.IntN(255))
		} else {
			b[at] ^= byte(1 + rnd.IntN(255))
		}
		n, told, err := read(b, w.filters)
		switch {
		case err != nil:
			named(t, err)
			found++
		case n != want || told != nil:
			t.Fatalf("%d events of %d, and nothing said but %v", n, want, told)
		}
	}
	if found < 300 {
		t.Errorf("damage was found %d times of 400", found)
	}
	for _, cut := range []int{0, 1, 7, 12, len(w.file) / 2, len(w.file) - 1} {
		_, _, err := read(w.file[:cut], w.filters)
		named(t, err)
	}
	for i := range 80 {
		b := bytes.Clone(w.filters)
		if i < 10 {
			b = b[:rnd.IntN(len(b))]
		} else {
			b[rnd.IntN(len(b))] ^= byte(1 + rnd.IntN(255))
		}
		n, told, err := read(w.file, b)
		if err != nil || n != want && told == nil {
			t.Fatalf("damaged filters: %d events of %d, %v, told %v", n, want, err, told)
		}
	}
	other, _ := write(t, odd(rand.New(rand.NewPCG(5, 5)), 300), columns.Options{GroupRows: 100})
	if n, told, err := read(w.file, other.filters); n != want || told == nil || err != nil {
		t.Errorf("filters of another file: %d events of %d, %v, told %v", n, want, err, told)
	}
}

// TestUnreadable: what the file system says is no damage.
func TestUnreadable(t *testing.T) {
	w, _ := write(t, odd(rand.New(rand.NewPCG(3, 3)), 50), columns.Options{})
	bad := errors.New("disk")
	_, err := columns.Open(failing{bad}, int64(len(w.file)), columns.OpenOptions{Name: "a.parquet"})
	var d *columns.Damaged
	if !errors.Is(err, bad) || errors.As(err, &d) || !strings.HasPrefix(err.Error(), "a.parquet: ") {
		t.Errorf("%v, want the disk's error with the file's name", err)
	}
	if _, err := columns.Write(full{}, all(odd(rand.New(rand.NewPCG(3, 3)), 50)), columns.Options{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a full disk gives %v", err)
	}
}

type failing struct{ err error }

func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }

type full struct{}

func (full) Write(b []byte) (int, error) { return 0, io.ErrShortWrite }

// FuzzOpen: no bytes make a reader panic, hang or give what is not there without a word.
func FuzzOpen(f *testing.F) {
	for seed := range uint64(3) {
		w, _ := write(f, odd(rand.New(rand.NewPCG(seed, 3)), 20), columns.Options{GroupRows: 8, Promoted: []string{"a"}})
		f.Add(w.file, w.filters)
	}
	f.Add([]byte("PAR1PAR1"), []byte("GYT1"))
	f.Fuzz(func(t *testing.T, file, filters []byte) {
		_, _, err := read(file, filters)
		if err != nil {
			named(t, err)
		}
	})
}
