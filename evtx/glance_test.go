package evtx

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/evtx/evtxtest"
)

// glances counts what Glance and Whole said of records.
type glances struct{ told, whole, neither int }

// compareGlances holds what is told of a file's records at a glance against their
// events.
func compareGlances(t testing.TB, d *Decoder, name string, file []byte) (n glances) {
	for at := HeaderBytes; at < len(file); at += ChunkBytes {
		d.Open(file[at:min(at+ChunkBytes, len(file))], false)
		for r, ok := d.Next(); ok; r, ok = d.Next() {
			g, told := d.Glance(r)
			whole := d.Whole(r)
			ev, err := d.Event(r)
			switch {
			case told && whole:
				t.Fatalf("%s, record %d: of a template, and without one", name, r.ID)
			case told:
				n.told++
				if err != nil {
					t.Fatalf("%s, record %d: damaged, which a glance does not tell: %v", name, r.ID, err)
				}
				want := Glance{Outer: ev.Fragments[0].Template, Field: -1}
				for i := range ev.Fragments {
					if i == 1 {
						want.Inner, want.Field = ev.Fragments[1].Template, ev.Fragments[1].Field
					}
					for _, v := range ev.Fragments[i].Values {
						if v.Type >= BinXML && v.Type != XML && (v.Type != BinXML || i > 0 && len(v.Data) > 0) {
							t.Fatalf("%s, record %d: a value of type 0x%02x, which a glance does not tell", name, r.ID, v.Type)
						}
					}
				}
				if g.Inner == nil {
					g.Field = want.Field // of a value that was not shown, or none
				}
				if len(ev.Fragments) > 2 || g != want {
					t.Fatalf("%s, record %d: a glance tells %+v, %d fragments are %+v", name, r.ID, g, len(ev.Fragments), want)
				}
			case whole:
				n.whole++
				if err != nil || len(ev.Fragments) != 1 {
					t.Fatalf("%s, record %d: whole, and it has %d fragments or damage: %v", name, r.ID, len(ev.Fragments), err)
				}
				for _, f := range ev.Fragments[0].Fields {
					if len(f.Content) > 1 || f.KeyFrom != nil {
						t.Fatalf("%s, record %d: whole, and a field in pieces: %+v", name, r.ID, f)
					}
				}
				for _, v := range ev.Fragments[0].Values {
					if !bytes.Contains(d.data[r.Offset:r.Offset+r.Size], v.Data) {
						t.Fatalf("%s, record %d: whole, and %q stands elsewhere", name, r.ID, v.Data)
					}
				}
			default:
				n.neither++
			}
		}
	}
	return n
}

// TestGlance looks at events that we write: ordinary ones, others without a
// template, and damaged ones.
func TestGlance(t *testing.T) {
	type el = evtxtest.Element
	c := evtxtest.NewChunk()
	id := uint64(0)
	add := func(content ...any) {
		id++
		if !c.RecordOf(id, 134176104000000000, el{Name: "Event", Content: content}) {
			t.Fatal("chunk full")
		}
	}
	data := func(content ...any) el {
		return el{Name: "Data", Attrs: []evtxtest.Attr{{Name: "Name", Content: []any{"a"}}}, Content: content}
	}
	add(data("one"), data("two"), data())
	add(el{Name: "A", Attrs: []evtxtest.Attr{{Name: "b", Content: []any{"c"}}}, Content: []any{data("d"), data("e")}})
	add(data("one", "two"))                  // in two pieces
	add(data("one", evtxtest.Entity("amp"))) // the same
	add(data(evtxtest.Char(65)))             // not as it is
	add("a", data("b"), "c")                 // an element's text around others
	add(data(evtxtest.CDATA("a")), el{Name: "B", Attrs: []evtxtest.Attr{{Name: "b", Content: []any{"c", "d"}}}})
	loose := evtxtest.File(c)
	if n := compareGlances(t, NewDecoder(), "made up", loose); n != (glances{whole: 2, neither: 5}) {
		t.Errorf("of records without a template: %+v", n)
	}
	processes := evtxtest.Processes(60)
	if n := compareGlances(t, NewDecoder(), "processes", processes); n != (glances{told: 60}) {
		t.Errorf("of process creations: %+v", n)
	}
	for _, file := range [][]byte{loose[:6<<10], processes[:20<<10]} {
		var n glances
		for _, bad := range evtxtest.Mutants(file, 2000) {
			got := compareGlances(t, NewDecoder(), "damaged", bad)
			n.told, n.whole, n.neither = n.told+got.told, n.whole+got.whole, n.neither+got.neither
		}
		if n.told+n.whole == 0 || n.neither == 0 {
			t.Errorf("of damaged records: %+v", n)
		}
	}
}

// TestGlanceAtRealLogs does the same with recorded logs.
func TestGlanceAtRealLogs(t *testing.T) {
	root := "../../shared/data/evtx"
	if _, err := os.Stat(root); err != nil {
		t.Skip("reads ../shared, which is not here")
	}
	var n glances
	d := NewDecoder()
	if err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".evtx") {
			return err
		}
		file, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		got := compareGlances(t, d, path, file)
		n.told, n.whole, n.neither = n.told+got.told, n.whole+got.whole, n.neither+got.neither
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n.told < 10_000 || n.whole < 100 || n.neither == 0 {
		t.Errorf("%+v of recorded logs, want more", n)
	}
}
