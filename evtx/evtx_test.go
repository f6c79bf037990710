package evtx_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/evtx"
	"github.com/gyoji-dev/gyoji/evtx/evtxtest"
)

// xmls reads the events of a file's chunks as XML.
func xmls(t testing.TB, d *evtx.Decoder, file []byte) (out []string) {
	t.Helper()
	for at := evtx.HeaderBytes; at < len(file); at += evtx.ChunkBytes {
		h := d.Open(file[at:min(at+evtx.ChunkBytes, len(file))], false)
		if !h.Magic || !h.HeaderSound || !h.DataSound {
			t.Errorf("chunk at %d: %+v", at, h)
		}
		for rec, ok := d.Next(); ok; rec, ok = d.Next() {
			ev, err := d.Event(rec)
			if err != nil {
				t.Errorf("record %d: %v", rec.ID, err)
				continue
			}
			out = append(out, string(ev.AppendXML(nil)))
		}
	}
	return out
}

// TestValues reads each type of value. What is wanted follows [MS-EVEN6] and
// what Event Viewer shows.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		kind evtx.Type
		data string
		want string
	}{
		{evtx.Null, "", ""},
		{evtx.String, "a\x00\xe4\x00\x00\x00", "aä"},
		{evtx.String, "\x3d\xd8\x00\xde", "\U0001F600"},
		{evtx.String, "\x00\xdea\x00", "\uFFFDa"},
		{evtx.ANSIString, "caf\xe9 \x80\x00", "café €"},
		{evtx.Int8, "\xff", "-1"},
		{evtx.Uint8, "\xff", "255"},
		{evtx.Int16, "\xfe\xff", "-2"},
		{evtx.Uint16, "\x50\x12", "4688"},
		{evtx.Int32, "\xff\xff\xff\xff", "-1"},
		{evtx.Uint32, "\xff\xff\xff\xff", "4294967295"},
		{evtx.Int64, "\x00\x00\x00\x00\x00\x00\x00\x80", "-9223372036854775808"},
		{evtx.Uint64, "\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"},
		{evtx.Float32, "\x00\x00\xc0\x3f", "1.5"},
		{evtx.Float64, "\x00\x00\x00\x00\x00\x00\x04\xc0", "-2.5"},
		{evtx.Bool, "\x01\x00\x00\x00", "true"},
		{evtx.Bool, "\x00\x00\x00\x00", "false"},
		{evtx.Bool, "\xff", "true"},
		{evtx.Bool, "\x00\x00\x00\x00\x00\x00\x00\x00", "false"},
		{evtx.Binary, "\x00\xab\x7f", "00AB7F"},
		{evtx.GUID, "\xc7\x5f\xf6\x7c\x29\xd6\x86\x60\xb8\x0a\x00\x00\x00\x20\x00\x00", "{7CF65FC7-D629-6086-B80A-000000200000}"},
		{evtx.SizeT, "\x34\x12\x00\x00", "0x1234"},
		{evtx.SizeT, "\x34\x12\x00\x00\x01\x00\x00\x00", "0x100001234"},
		{evtx.FileTime, "\x00\x80\x3e\xd5\xde\xb1\x9d\x01", "1970-01-01T00:00:00.0000000Z"},
		{evtx.SystemTime, "\xea\x07\x03\x00\x02\x00\x0a\x00\x0a\x00\x1e\x00\x05\x00\x7d\x00", "2026-03-10T10:30:05.125Z"},
		{evtx.SID, "\x01\x02\x00\x00\x00\x00\x00\x05\x20\x00\x00\x00\x20\x02\x00\x00", "S-1-5-32-544"},
		{evtx.SID, "\x01\x02\x00", "010200"},
		{evtx.Hex32, "\xe7\x03\x00\x00", "0x3e7"},
		{evtx.Hex64, "\x00\x00\x00\x00\x00\x00\x00\x80", "0x8000000000000000"},
		{evtx.Uint16 | evtx.Array, "\x01\x00\x02\x00", "1,2"},
		{evtx.String | evtx.Array, "a\x00\x00\x00\x00\x00b\x00\x00\x00", "a,,b"},
		{evtx.ANSIString | evtx.Array, "a\x00b\x00", "a,b"},
		{evtx.SID | evtx.Array, "\x01\x01\x00\x00\x00\x00\x00\x05\x12\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x05\x13\x00\x00\x00", "S-1-5-18,S-1-5-19"},
		{evtx.Hex64 | evtx.Array, "\x01\x00\x00\x00\x00\x00\x00\x00", "0x1"},
		{evtx.Uint32 | evtx.Array, "\x01\x02\x03", "010203"}, // damaged: no whole elements
	} {
		if got := string(evtx.Value{Data: []byte(c.data), Type: c.kind}.AppendText(nil)); got != c.want {
			t.Errorf("type 0x%02x of %q is %q, want %q", c.kind, c.data, got, c.want)
		}
	}
}

// TestContent reads all that binary XML has between its elements.
func TestContent(t *testing.T) {
	place := func(i uint16) evtxtest.Place { return evtxtest.Place{Index: i, Type: 1} }
	optional := evtxtest.Place{Index: 1, Type: 1, Optional: true}
	inner := &evtxtest.Template{GUID: [16]byte{9}, Root: evtxtest.Element{Name: "Inner", Content: []any{place(0)}}}
	root := evtxtest.Element{Name: "Event", Content: []any{
		evtxtest.Element{Name: "Text", Content: []any{"a ", evtxtest.Entity("lt"), evtxtest.Char('b'), evtxtest.CDATA(" & c "), place(0)}},
		evtxtest.Element{Name: "Attrs", Attrs: []evtxtest.Attr{{Name: "gone", Content: []any{optional}}, {Name: "here", Content: []any{place(0), "x"}}}},
		evtxtest.Element{Name: "Many", Content: []any{place(2)}},
		evtxtest.Element{Name: "Empty", Content: []any{place(1)}},
		evtxtest.Element{Name: "Nested", Content: []any{evtxtest.Place{Index: 3, Type: 0x21}}},
		evtxtest.Element{Name: "Written", Content: []any{evtxtest.Place{Index: 4, Type: 0x21}}},
	}}
	c := evtxtest.NewChunk()
	tpl := &evtxtest.Template{GUID: [16]byte{8}, Root: root}
	for range 2 { // the second time the template and its names are known
		c.Record(7, 1, tpl, evtxtest.Text("v"), evtxtest.Value{}, evtxtest.Value{Type: 0x81, Data: evtxtest.UTF16("p\x00q\x00")},
			evtxtest.Nested{Template: inner, Values: []any{evtxtest.Text("i")}}, evtxtest.Element{Name: "Own", Content: []any{"o"}})
	}
	c.RecordOf(8, 1, evtxtest.Element{Name: "Event", Content: []any{evtxtest.Element{Name: "Bare"}}})
	want := `<Event><Text>a &lt;b &amp; c v</Text><Attrs here="vx"/><Many>p</Many><Many>q</Many><Empty></Empty>` +
		`<Nested><Inner>i</Inner></Nested><Written><Own>o</Own></Written></Event>`
	got := xmls(t, evtx.NewDecoder(), evtxtest.File(c))
	if len(got) != 3 || got[0] != want || got[1] != want || got[2] != "<Event><Bare/></Event>" {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

// TestXMLParses: a character that XML 1.0 does not have is U+FFFD in an event's XML,
// in text, in attributes and in what the template has, and every other is itself.
// Source: W3C, XML 1.0, production 2.
func TestXMLParses(t *testing.T) {
	for _, unit := range []uint16{
		1, 8, 9, 10, 11, 12, 13, 14, 0x1f, ' ', '"', '&', '\'', '<', '>', 'a', 0x7f, 0x80, 0x85, 0x9f, 0xa0, 0x2028, 0xd7ff,
		0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xfdd0, 0xfeff, 0xfffd, 0xfffe, 0xffff,
	} {
		text := evtxtest.Value{Type: byte(evtx.String), Data: []byte{'x', 0, byte(unit), byte(unit >> 8), 'y', 0}}
		want := string(rune(unit))
		if c := rune(unit); c < ' ' && c != '\t' && c != '\n' && c != '\r' || c >= 0xd800 && c < 0xe000 || c >= 0xfffe {
			want = "\uFFFD"
		}
		place := evtxtest.Place{Type: 1}
		c := evtxtest.NewChunk()
		c.Record(1, 1, &evtxtest.Template{GUID: [16]byte{1}, Root: evtxtest.Element{
			Name: "Event", Attrs: []evtxtest.Attr{{Name: "A", Content: []any{place}}}, Content: []any{place, evtxtest.Char(unit)},
		}}, text)
		got := xmls(t, evtx.NewDecoder(), evtxtest.File(c))
		var ev struct {
			A    string `xml:",attr"`
			Text string `xml:",chardata"`
		}
		if err := xml.Unmarshal([]byte(strings.Join(got, "")), &ev); err != nil || ev.A != "x"+want+"y" || ev.Text != "x"+want+"y"+want {
			t.Errorf("U+%04X: %q is read as %+q, %v; want x%+qy", unit, got, ev, err, want)
		}
	}
}

// TestElementsLeftOut reads elements that depend on a value: by their dependency
// identifier, or by holding nothing but an optional one ([MS-EVEN6] 2.2.12 and
// 3.1.4.7.2). Null leaves them out, empty text does not.
func TestElementsLeftOut(t *testing.T) {
	place := func(i uint16, optional bool) []any {
		return []any{evtxtest.Place{Index: i, Type: 1, Optional: optional}}
	}
	tpl := &evtxtest.Template{GUID: [16]byte{7}, Root: evtxtest.Element{Name: "EventData", Needs: 1, Content: []any{
		evtxtest.Element{Name: "Data", Content: place(0, true)},
		evtxtest.Element{Name: "Data", Content: place(0, false)},
		evtxtest.Element{Name: "Data", Attrs: []evtxtest.Attr{{Name: "Name", Content: []any{"n"}}}, Content: place(1, true)},
		evtxtest.Element{Name: "Binary", Needs: 1, Content: place(1, false)},
		evtxtest.Element{Name: "Group", Needs: 2, Content: []any{evtxtest.Element{Name: "In", Content: []any{"x"}}}},
		evtxtest.Place{Index: 2, Type: 0x21, Optional: true},
	}}}
	some, none, empty := evtxtest.Text("v"), evtxtest.Value{}, evtxtest.Text("")
	inner := evtxtest.Element{Name: "Own", Content: []any{"o"}}
	c := evtxtest.NewChunk()
	c.Record(1, 1, tpl, some, some, inner)
	c.Record(2, 1, tpl, none, none, none)
	c.Record(3, 1, tpl, empty, empty, none)
	c.Record(4, 1, tpl, some, evtxtest.Value{Type: 0, Data: []byte{0, 0}}, none) // a Null with bytes was met
	want := []string{
		`<EventData><Data>v</Data><Data>v</Data><Data Name="n">v</Data><Binary>v</Binary><Group><In>x</In></Group><Own>o</Own></EventData>`,
		`<EventData><Data></Data></EventData>`,
		`<EventData><Data></Data><Data></Data><Data Name="n"></Data><Binary></Binary><Group><In>x</In></Group></EventData>`,
		`<EventData><Data>v</Data><Data>v</Data><Binary></Binary></EventData>`, // Binary needs the first value and holds the second
	}
	if got := xmls(t, evtx.NewDecoder(), evtxtest.File(c)); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestSeveralFragmentsInOneValue reads a value that holds one element behind the
// other, as TraceLogging writes EventData and RenderingInfo.
func TestSeveralFragmentsInOneValue(t *testing.T) {
	of := func(n byte, name string) *evtxtest.Template {
		return &evtxtest.Template{GUID: [16]byte{n}, Root: evtxtest.Element{Name: name, Content: []any{evtxtest.Place{Type: 1}}}}
	}
	data, info := of(1, "EventData"), of(2, "RenderingInfo")
	outer := &evtxtest.Template{GUID: [16]byte{3}, Root: evtxtest.Element{Name: "Event", Content: []any{evtxtest.Place{Type: 0x21, Optional: true}}}}
	c := evtxtest.NewChunk()
	for range 2 {
		c.Record(1, 1, outer, []evtxtest.Nested{{Template: data, Values: []any{evtxtest.Text("d")}}, {Template: info, Values: []any{evtxtest.Text("i")}}})
	}
	const want = "<Event><EventData>d</EventData><RenderingInfo>i</RenderingInfo></Event>"
	got := xmls(t, evtx.NewDecoder(), evtxtest.File(c))
	if len(got) != 2 || got[0] != want || got[1] != want {
		t.Errorf("got %q, want twice %s", got, want)
	}
}

// TestNames says which names elements may have: XML's. What an overwritten template
// leads to is damage, not an element.
func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"Data": true, "x:y-1.b_": true, "Größe": true, "a b": false, "1a": false, "-a": false, "a<": false, "a\n": false, "\u0000": false,
	} {
		c := evtxtest.NewChunk()
		c.RecordOf(1, 1, evtxtest.Element{Name: name})
		d := evtx.NewDecoder()
		d.Open(c.Bytes(), false)
		rec, _ := d.Next()
		if _, err := d.Event(rec); (err == nil) != ok {
			t.Errorf("an element %q: %v", name, err)
		}
	}
}

// TestTemplatesAreShared reads chunks that lay out the same templates
// differently, with one decoder and with a new one for each.
func TestTemplatesAreShared(t *testing.T) {
	file := evtxtest.Processes(1000)
	shared := xmls(t, evtx.NewDecoder(), file)
	if len(shared) != 1000 {
		t.Fatalf("%d events, want 1000", len(shared))
	}
	var single []string
	for at := evtx.HeaderBytes; at < len(file); at += evtx.ChunkBytes {
		single = append(single, xmls(t, evtx.NewDecoder(), append(bytes.Clone(file[:evtx.HeaderBytes]), file[at:at+evtx.ChunkBytes]...))...)
	}
	for i := range shared {
		if shared[i] != single[i] {
			t.Fatalf("event %d with templates of other chunks:\n%s\nwithout:\n%s", i, shared[i], single[i])
		}
		if want := fmt.Sprintf("<EventRecordID>%d</EventRecordID>", i+1); !strings.Contains(shared[i], want) {
			t.Fatalf("event %d has no %s: %s", i, want, shared[i])
		}
	}
}

// TestSameGUIDOtherTemplate has two templates that only their content tells apart.
func TestSameGUIDOtherTemplate(t *testing.T) {
	of := func(name string) []byte {
		c := evtxtest.NewChunk()
		c.Record(1, 1, &evtxtest.Template{GUID: [16]byte{5}, Root: evtxtest.Element{Name: name, Content: []any{evtxtest.Place{Type: 1}}}}, evtxtest.Text("v"))
		return evtxtest.File(c)
	}
	d := evtx.NewDecoder()
	if a, b := xmls(t, d, of("Abc"))[0], xmls(t, d, of("Xyz"))[0]; a != "<Abc>v</Abc>" || b != "<Xyz>v</Xyz>" {
		t.Errorf("%s and %s", a, b)
	}
}

// TestCarve finds records in slack only when asked, and those behind a broken one in any case.
func TestCarve(t *testing.T) {
	file := evtxtest.Processes(20)
	chunk := file[evtx.HeaderBytes:]
	d := evtx.NewDecoder()
	d.Open(chunk, false)
	var at []int
	for rec, ok := d.Next(); ok; rec, ok = d.Next() {
		at = append(at, rec.Offset)
	}
	if len(at) != 20 {
		t.Fatalf("%d records in the chunk, want 20", len(at))
	}
	copy(chunk[at[5]+4:], "\xff\xff\xff\x7f") // a record of 2 GiB
	copy(chunk[48:], []byte{byte(at[18]), byte(at[18] >> 8), 0, 0})
	chunk[at[18]+8] = 99 // older than the one before, as slack is
	count := func(carve bool) (n, carved int) {
		reports := 0
		d.Report = func(int, int, string) { reports++ }
		d.Open(chunk, carve)
		for rec, ok := d.Next(); ok; rec, ok = d.Next() {
			n++
			if rec.Carved {
				carved++
			}
			if rec.Torn {
				reports++
			}
		}
		if reports != 1 {
			t.Errorf("carve %v: %d reports of damage, want 1", carve, reports)
		}
		return n, carved
	}
	if n, c := count(false); n != 18 || c != 0 {
		t.Errorf("%d records, %d carved, want 18 and none", n, c)
	}
	if n, c := count(true); n != 20 || c != 2 {
		t.Errorf("%d records, %d carved, want 20 and 2", n, c)
	}
}

// TestGoesOnBehindDamage: one bad record costs itself, whatever is wrong with its
// frame, and is reported or torn.
func TestGoesOnBehindDamage(t *testing.T) {
	const records = 20
	file := evtxtest.Processes(records)
	d := evtx.NewDecoder()
	sound := file[evtx.HeaderBytes:][:evtx.ChunkBytes]
	var all []evtx.Record
	d.Open(sound, false)
	for rec, ok := d.Next(); ok; rec, ok = d.Next() {
		all = append(all, rec)
	}
	put := func(at int, bytes string) func([]byte, evtx.Record) {
		return func(chunk []byte, r evtx.Record) {
			if at < 0 {
				copy(chunk[r.Offset+r.Size+at:], bytes)
			} else {
				copy(chunk[r.Offset+at:], bytes)
			}
		}
	}
	for name, damage := range map[string]func([]byte, evtx.Record){
		"signature":       put(0, "\x00\x00\x00\x00"),
		"size 0":          put(4, "\x00\x00\x00\x00"),
		"size too small":  put(4, "\x1d\x00\x00\x00"),
		"size odd":        put(4, "\x41\x00\x00\x00"),
		"size of several": put(4, "\x00\x10\x00\x00"),
		"size huge":       put(4, "\xff\xff\xff\xff"),
		"tail":            put(-4, "\xff\xff\xff\xff"),
		"all of it": func(chunk []byte, r evtx.Record) {
			for i := range r.Size {
				chunk[r.Offset+i] = 0xa5
			}
		},
		"a signature in it": func(chunk []byte, r evtx.Record) {
			copy(chunk[r.Offset:], "xxxx")
			copy(chunk[r.Offset+40:], "**\x00\x00\x40\x00\x00\x00")
		},
	} {
		for k, bad := range all {
			chunk := append([]byte(nil), sound...)
			damage(chunk, bad)
			reported := 0
			d.Report = func(int, int, string) { reported++ }
			d.Open(chunk, false)
			at := map[int]bool{}
			for rec, ok := d.Next(); ok; rec, ok = d.Next() {
				if at[rec.Offset] = true; rec.Torn {
					reported++
				}
			}
			for i, rec := range all {
				if i != k && !at[rec.Offset] {
					t.Errorf("%s of record %d damaged: record %d is not read", name, k, i)
				}
			}
			if reported != 1 {
				t.Errorf("%s of record %d damaged: reported %d times", name, k, reported)
			}
		}
	}
}

// FuzzChunk reads damaged chunks: without panic, in bounded time, and the same
// whether or not templates of a sound chunk are known already.
func FuzzChunk(f *testing.F) {
	file := evtxtest.Processes(40)
	sound := file[evtx.HeaderBytes:][:evtx.ChunkBytes]
	f.Add(sound[:12<<10])
	for _, bad := range evtxtest.Mutants(sound[:8<<10], 200) {
		f.Add(bad)
	}
	for _, at := range []int{48, 520, 560, 600, 900, 1400, 2000} {
		bad := bytes.Clone(sound[:8<<10])
		bad[at] ^= 0x15
		f.Add(bad)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		read := func(d *evtx.Decoder) (out []string) {
			d.Open(data, true)
			for rec, ok := d.Next(); ok; rec, ok = d.Next() {
				ev, err := d.Event(rec)
				if err != nil {
					out = append(out, err.Error())
					continue
				}
				out = append(out, string(ev.AppendXML(nil)))
			}
			return out
		}
		fresh := evtx.NewDecoder()
		used := evtx.NewDecoder()
		used.Open(sound, false)
		for rec, ok := used.Next(); ok; rec, ok = used.Next() {
			if _, err := used.Event(rec); err != nil {
				t.Fatal(err)
			}
		}
		if a, b := read(fresh), read(used); strings.Join(a, "\n") != strings.Join(b, "\n") {
			t.Errorf("a new decoder reads\n%q\nand one that has seen other chunks\n%q", a, b)
		}
	})
}

// BenchmarkEveryValue reads every value of made-up process creations as text.
func BenchmarkEveryValue(b *testing.B) {
	const events = 10_000
	file := evtxtest.Processes(events)
	if got := xmls(b, evtx.NewDecoder(), file); len(got) != events || !strings.Contains(got[events-1], "<EventRecordID>10000</EventRecordID>") {
		b.Fatalf("%d events, want %d", len(got), events)
	}
	d := evtx.NewDecoder()
	var text []byte
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		for at := evtx.HeaderBytes; at < len(file); at += evtx.ChunkBytes {
			d.Open(file[at:at+evtx.ChunkBytes], false)
			for rec, ok := d.Next(); ok; rec, ok = d.Next() {
				ev, err := d.Event(rec)
				if err != nil {
					b.Fatal(err)
				}
				text = text[:0]
				for i := range ev.Fragments {
					for _, v := range ev.Fragments[i].Values {
						text = v.AppendText(text)
					}
				}
			}
		}
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
