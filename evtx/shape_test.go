package evtx

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/evtx/evtxtest"
)

// plainXML is the XML of a record that holds its event itself, read without
// shapes; "" for other records.
func plainXML(t testing.TB, d *Decoder, r Record) string {
	at, end := r.Offset+recordHeadBytes+fragmentHeadBytes, r.Offset+r.Size-recordTailBytes
	if at >= end || d.data[at]&^tokenMore != tokenOpen {
		return ""
	}
	p := parser{Decoder: d}
	d.nodes = 0
	content, _, err := p.content(at, end, 0, true)
	if err != nil {
		return err.Error()
	}
	ev := Event{Fragments: []Fragment{{Template: newTemplate(content), Parent: -1}}}
	return string(ev.AppendXML(nil))
}

// compareShapes reads a file's records with shapes and without and returns how
// many records there were to compare.
func compareShapes(t testing.TB, d *Decoder, name string, file []byte) (n int) {
	for at := HeaderBytes; at < len(file); at += ChunkBytes {
		d.Open(file[at:min(at+ChunkBytes, len(file))], false)
		for r, ok := d.Next(); ok; r, ok = d.Next() {
			want := plainXML(t, d, r)
			if want == "" {
				continue
			}
			n++
			ev, err := d.Event(r)
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = string(ev.AppendXML(nil))
			}
			// A NUL behind a text is not part of a value.
			if got != want && got != strings.ReplaceAll(want, "\uFFFD", "") {
				t.Fatalf("%s, record %d:\n%s\nwithout shapes\n%s", name, r.ID, got, want)
			}
		}
	}
	return n
}

// TestShapes reads events without a template, of few shapes and many texts, as
// each is written.
func TestShapes(t *testing.T) {
	type el = evtxtest.Element
	c := evtxtest.NewChunk()
	id := uint64(0)
	add := func(content ...any) {
		id++
		if !c.RecordOf(id, 134176104000000000, el{Name: "Event", Attrs: []evtxtest.Attr{{Name: "xmlns", Content: []any{"urn:x"}}}, Content: content}) {
			t.Fatal("chunk full")
		}
	}
	data := func(name string, content ...any) el {
		return el{Name: "Data", Attrs: []evtxtest.Attr{{Name: "Name", Content: []any{name}}}, Content: content}
	}
	for _, text := range []string{"a", "b <&>", "", " ", "\u00a0", "long: " + strings.Repeat("x", 300)} {
		add(data("One", text), data("Two", text, evtxtest.Entity("amp"), text))
		add(data("One", text), data("Three", evtxtest.Char(65), evtxtest.CDATA(text)))
		add(data(text+"!", text), " ", el{Name: "E", Attrs: []evtxtest.Attr{{Name: "A", Content: []any{text}}}})
		add(text, el{Name: "Deep", Content: []any{text, el{Name: "Deeper", Content: []any{text}}, text}})
		add(el{Name: "Name", Attrs: []evtxtest.Attr{{Name: "Name", Content: []any{text}}, {Name: "xmlns:x", Content: []any{text}}}})
	}
	d := NewDecoder()
	file := evtxtest.File(c)
	for range 2 {
		if n := compareShapes(t, d, "made up", file); n != int(id) {
			t.Fatalf("%d records compared, want %d", n, id)
		}
	}
	// Fields are found by the Name that is part of the shape.
	keys := 0
	d.Open(file[HeaderBytes:], false)
	for r, ok := d.Next(); ok; r, ok = d.Next() {
		ev, err := d.Event(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ev.Fragments[0].Fields {
			if f.Key == "One" || f.Key == "b <&>!" {
				keys++
			}
		}
	}
	if keys != 13 {
		t.Errorf("%d fields called One or b <&>!, want 13", keys)
	}
}

// TestShapesOfRealLogs does the same with all events without a template of real
// logs.
func TestShapesOfRealLogs(t *testing.T) {
	root := "../../shared/data/evtx"
	if _, err := os.Stat(root); err != nil {
		t.Skip("reads ../shared, which is not here")
	}
	n := 0
	d := NewDecoder()
	if err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".evtx") {
			return err
		}
		file, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n += compareShapes(t, d, path, file)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n < 100 {
		t.Errorf("%d events without a template, want more", n)
	}
}
