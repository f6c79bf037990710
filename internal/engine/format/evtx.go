package format

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/gyoji-dev/gyoji/evtx"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// EVTX is the log files of Windows. An event's text, _raw, is one flat JSON
// object of the fields that mapping.WindowsField names.
var _ = register(input.Format{
	Name:       "evtx",
	Summary:    "Windows event log files (Windows Vista and later), also damaged ones and single chunks",
	Extensions: []string{".evtx"},
	InPlace:    true,
	Hollow:     true,
	BlockBytes: 4 * evtx.ChunkBytes, // is still in the second cache when it is searched: a tenth less time than 1 MiB
	Sniff: func(head []byte) int {
		if evtx.IsFile(head) || evtx.IsChunk(head) {
			return 100
		}
		return 0
	},
	Misfit: "holds neither the header of an event log (ElfFile) nor a chunk of one (ElfChnk) at its start",
	Cut:    cutEVTX,
	New:    func(w *input.Want) input.BlockReader { return newEVTX(w) },
})

// XMLField is the field that a reader of events which have a form in XML puts
// it in, when it is wanted.
const XMLField = "_xml"

// clockSlack is how much later, in ms, an event's own time may be than when its
// record was written: records written before a time range by more are passed over
// unread. No event is raised after it is written, but a collector's clock may be
// behind that of the machine it collects from. How much earlier the event was is
// not bounded: a laptop forwards its events when it is back.
const clockSlack = 24 * 60 * 60 * 1000

// cutEVTX cuts behind the last whole chunk. Where none begins as it should, a
// chunk further on is looked for: in a damaged file they may stand anywhere. One
// of zeroes goes with what follows, which tells a hole from a log's unused end.
func cutEVTX(buf []byte, off int64, last bool) int {
	at, zeroes := 0, 0
	for at < len(buf) {
		n := evtxPiece(buf[at:], off == 0 && at == 0)
		if n > len(buf)-at {
			if last {
				return len(buf)
			}
			break
		}
		if zeroes = 0; allZero(buf[at : at+n]) {
			zeroes = n
		}
		at += n
	}
	if !last && at > zeroes {
		at -= zeroes
	}
	return at
}

// evtxPiece is the size of what data begins with: the file's header, a chunk, or
// what is neither, up to the next chunk that stands out of place.
func evtxPiece(data []byte, first bool) int {
	if first && evtx.IsFile(data) {
		return evtx.HeaderBytes
	}
	if evtx.IsChunk(data) {
		return evtx.ChunkBytes
	}
	if at := evtx.NextChunk(data[:min(len(data), evtx.ChunkBytes)]); at > 0 {
		return at
	}
	return evtx.ChunkBytes
}

type evtxReader struct {
	want *input.Want
	w    builder
	dec  *evtx.Decoder

	plan *plan           // what is wanted, and what else it may be called
	vals []jsondoc.Value // by the plan's names
	all  bool
	raw  event.Slot // event.None when no one reads the text
	xml  event.Slot // of the event's XML, as gyoji dump shows it
	meta struct{ time, receipt, category, host, name, collector, source event.Slot }

	byFolded map[string][]int32 // the plan's names, by themselves folded
	slots    [][]event.Slot     // by name: where wanted fields of it go
	places   []evtxFound        // by name; see evtxEvent.place

	categories map[string]event.Value // by channel and provider

	lines *[]byte // where events go as text, in place of the batch
	lined int     // how many went there

	part    *input.Part
	chunkAt int64  // of the chunk in the part
	scratch []byte // text in the making
	event   evtxEvent
	filter  *evtxFilter
	glanced glanced
	items   items
}

func newEVTX(w *input.Want) *evtxReader {
	r := &evtxReader{want: w, dec: evtx.NewDecoder(), plan: newPlan(w), all: w.Fields.All && !w.JSON, categories: map[string]event.Value{}}
	r.vals = make([]jsondoc.Value, len(r.plan.Names))
	r.nameFields()
	if r.raw = r.plan.raw; w.Fields.OnlyForAuto(r.raw) {
		r.raw = event.None // json auto finds its work done here
	}
	r.xml = event.None
	if s, ok := w.Layout.Find(XMLField); ok && w.Fields.Has(s) {
		r.xml = s
	}
	m := &r.meta
	for name, s := range map[string]*event.Slot{
		"_messagetime": &m.time, "_receipttime": &m.receipt, "_sourcecategory": &m.category,
		"_sourcehost": &m.host, "_sourcename": &m.name, "_collector": &m.collector, "_source": &m.source,
	} {
		if found, ok := r.plan.meta.slots[name]; ok {
			*s = found
		} else {
			*s = event.None
		}
	}
	r.filter = newEVTXFilter(w)
	r.dec.Report = func(at, bytes int, what string) {
		r.warn("damaged record", true, at, fmt.Sprintf("%s; %d bytes passed over", what, bytes))
	}
	return r
}

// warn counts trouble at a place of the chunk.
func (r *evtxReader) warn(kind string, lost bool, at int, detail string) {
	off := r.chunkAt + int64(at)
	r.want.Warnings.Add(kind, lost, exec.Sample{
		Part: r.part.Name, Pos: event.Position(r.part.Index, off), Detail: fmt.Sprintf("byte %d: %s", off, detail),
	})
}

func (r *evtxReader) Read(b input.Block, next exec.Sink) error {
	r.part = b.Part
	r.w.reset()
	zeroes := -1 // where a run of empty chunks began
	for at := 0; at < len(b.Data); {
		first := b.Offset == 0 && at == 0
		n := min(evtxPiece(b.Data[at:], first), len(b.Data)-at)
		piece := b.Data[at : at+n]
		r.chunkAt = b.Offset + int64(at)
		at += n
		if first && evtx.IsFile(piece) {
			r.fileHeader(piece)
			continue
		}
		if allZero(piece) {
			if zeroes < 0 {
				zeroes = int(r.chunkAt - b.Offset)
			}
			continue
		}
		if zeroes >= 0 {
			r.chunkAt, zeroes = b.Offset+int64(zeroes), -1
			r.warn("chunk of zeroes", true, 0, "nothing but zeroes between other chunks")
			r.chunkAt = b.Offset + int64(at-n)
		}
		if err := r.chunk(piece, next); err != nil {
			return err
		}
	}
	return r.push(next)
}

func allZero(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b) != 0 {
			return false
		}
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// fileHeader says what a file's header tells of its state. Its numbers are not
// needed: what chunks there are, one sees.
func (r *evtxReader) fileHeader(block []byte) {
	h, ok := evtx.ReadFileHeader(block)
	switch {
	case !ok || len(block) < evtx.HeaderBytes:
		r.warn("file cut short", true, 0, fmt.Sprintf("%d bytes, less than the header has", len(block)))
	case !h.Sound:
		r.warn("file header checksum", false, 0, "does not fit; the chunks are read all the same")
	}
	if ok && h.Dirty {
		r.warn("file not closed", false, 0, "a log that was copied while in use may lack its latest events")
	}
}

// Lines makes the reader an input.LineReader.
func (r *evtxReader) Lines(b input.Block, dst []byte) ([]byte, int, error) {
	r.lines, r.lined = &dst, 0
	err := r.Read(b, nil)
	r.lines = nil
	return dst, r.lined, err
}

// chunk reads a chunk's events.
func (r *evtxReader) chunk(data []byte, next exec.Sink) error {
	if len(data) < evtx.ChunkBytes {
		if !evtx.IsChunk(data) {
			r.warn("data that is no chunk", true, 0, fmt.Sprintf("%d bytes", len(data)))
			return nil
		}
		r.warn("chunk cut short", true, 0, fmt.Sprintf("%d of %d bytes", len(data), evtx.ChunkBytes))
	}
	h := r.dec.Open(data, r.want.Carve)
	switch {
	case !h.Magic && !h.Plausible:
		r.warn("data that is no chunk", true, 0, fmt.Sprintf("%d bytes", len(data)))
		return nil
	case !h.Magic:
		r.warn("chunk signature", false, 0, "is wrong; the records are read all the same")
	case !h.HeaderSound:
		r.warn("chunk header checksum", false, 0, "does not fit; the records are read all the same")
	}
	if h.Magic && !h.DataSound && len(data) == evtx.ChunkBytes {
		r.warn("chunk checksum", false, 0, "does not fit; the records are read all the same, some may be damaged")
	}
	if h.DataSound && !r.want.Carve && h.Free <= len(data) {
		r.filter.open(data[:h.Free])
	} else {
		r.filter.open(data)
	}
	early := r.want.Bounded && h.HeaderSound && h.DataSound // times of damaged records say nothing
	for {
		rec, ok := r.dec.Next()
		if !ok {
			return nil
		}
		r.part.Met()
		// The last record of an exported log may say no time.
		if early && !rec.Torn && !rec.Carved && rec.Written != 0 &&
			evtx.FileTimeMillis(rec.Written) < r.want.From-clockSlack {
			r.want.Skip(1)
			continue
		}
		if r.want.Only != nil && !r.want.Only(event.Position(r.part.Index, r.chunkAt+int64(rec.Offset))) || r.passes(rec) {
			r.want.Skip(1)
			continue
		}
		ev, err := r.dec.Event(rec)
		if err != nil {
			kind := "damaged record"
			if rec.Carved {
				kind = "carved record that is overwritten in part"
			}
			r.warn(kind, !rec.Carved, rec.Offset, fmt.Sprintf("record %d: %v", rec.ID, err))
			continue
		}
		switch {
		case rec.Carved:
			r.warn("carved record", false, rec.Offset, fmt.Sprintf("record %d", rec.ID))
		case rec.Torn:
			r.warn("torn record", true, rec.Offset, fmt.Sprintf("record %d: its size is not the same at both ends; what there is of it is read", rec.ID))
		}
		if r.lines != nil {
			r.line(rec, ev)
			continue
		}
		if r.w.b.N == event.MaxRows {
			if err := r.push(next); err != nil {
				return err
			}
		}
		r.row(rec, ev)
	}
}

func (r *evtxReader) push(next exec.Sink) error {
	r.w.b.Auto = true
	return r.w.push(next)
}

// line writes an event's text on a line.
func (r *evtxReader) line(rec evtx.Record, ev *evtx.Event) {
	f := r.flatten(ev)
	if r.want.Bounded {
		if at := f.time(rec); at < r.want.From || at >= r.want.To {
			r.want.Skip(1)
			return
		}
	}
	*r.lines = append(f.json(r, *r.lines), '\n')
	r.lined++
}

// row puts an event into the batch.
func (r *evtxReader) row(rec evtx.Record, ev *evtx.Event) {
	f := r.flatten(ev)
	if r.filter != nil && !r.filter.holds(rec) && f.plain() {
		r.want.Skip(1)
		return
	}
	at := f.time(rec)
	if r.want.Bounded && (at < r.want.From || at >= r.want.To) {
		r.want.Skip(1)
		return
	}
	b := &r.w.b
	row := b.AddRow(at, event.Position(r.part.Index, r.chunkAt+int64(rec.Offset)))
	f.fields(r, row)
	if r.raw != event.None || r.plan.size != event.None {
		r.scratch = f.json(r, r.scratch[:0])
		text := r.w.arena.keep(r.scratch)
		if r.raw != event.None {
			b.Col(r.raw).Set(row, event.Text(lend(text)))
		}
		if r.plan.size != event.None {
			b.Col(r.plan.size).Set(row, event.Int(int64(len(text))))
		}
	}
	if r.xml != event.None {
		r.scratch = ev.AppendXML(r.scratch[:0])
		b.Col(r.xml).Set(row, event.Text(lend(r.w.arena.keep(r.scratch))))
	}
	r.metadata(f, row, at)
}

// metadata fills the built-in fields (spec A.3).
func (r *evtxReader) metadata(f *evtxEvent, row uint16, at int64) {
	m, b, o := &r.meta, &r.w.b, &r.part.Origin
	if m.time != event.None {
		b.Col(m.time).Set(row, event.Int(at))
	}
	if m.receipt != event.None {
		b.Col(m.receipt).Set(row, event.Int(at))
	}
	if m.category != event.None {
		if c := r.want.Category; c != "" || o.Category != "" {
			if c == "" {
				c = o.Category
			}
			r.constant(m.category, row, c)
		} else if v := r.category(f); !v.IsNull() {
			r.constant(m.category, row, v.Str())
		}
	}
	if m.host != event.None {
		if o.Host != "" {
			r.constant(m.host, row, o.Host)
		} else if v, ok := f.get(fieldComputer); ok {
			r.value(m.host, row, v)
		}
	}
	if m.name != event.None {
		name := o.Name
		if name == "" {
			name = r.part.Name
		}
		r.constant(m.name, row, name)
	}
	if m.collector != event.None {
		r.constant(m.collector, row, o.Collector)
	}
	if m.source != event.None {
		r.constant(m.source, row, o.Source)
	}
}

// constantKind tells entries made of constant text from those made of values.
const constantKind = 0xff

// constant gives a row text that many have.
func (r *evtxReader) constant(s event.Slot, row uint16, text string) {
	if text == "" {
		return
	}
	raw := unsafe.Slice(unsafe.StringData(text), len(text))
	if at, ok := r.w.known(s, row, raw, constantKind); !ok {
		r.w.add(s, row, at, raw, constantKind, event.Text(text))
	}
}

// value gives a row a value's text, made once for equal values.
func (r *evtxReader) value(s event.Slot, row uint16, v evtx.Value) {
	if at, ok := r.w.known(s, row, v.Data, uint8(v.Type)); !ok {
		r.w.add(s, row, at, v.Data, uint8(v.Type), event.Text(lend(r.valueText(v))))
	}
}

// valueText keeps a value's text.
func (r *evtxReader) valueText(v evtx.Value) []byte {
	// UTF-16 becomes at most half as much again, and of the others none
	// becomes longer than ten for one and a little (SIDs, signed numbers).
	c := r.w.arena.room(10*len(v.Data) + 64)
	at := len(*c)
	*c = v.AppendText(*c)
	return (*c)[at:len(*c):len(*c)]
}

// category is _sourceCategory by the event's channel or provider.
func (r *evtxReader) category(f *evtxEvent) event.Value {
	channel, _ := f.get(fieldChannel)
	var provider evtx.Value
	if channel.Empty() {
		provider, _ = f.get(fieldProvider)
	}
	key := append(r.scratch[:0], channel.Data...)
	key = append(append(key, 0xff), provider.Data...)
	r.scratch = key
	if v, ok := r.categories[string(key)]; ok {
		return v
	}
	v := event.Value{}
	if c := mapping.Category(string(channel.AppendText(nil)), string(provider.AppendText(nil))); c != "" {
		v = event.Text(c)
	}
	if len(r.categories) < event.MaxFields {
		r.categories[string(key)] = v
	}
	return v
}

// valueTime reads a time from a value.
func valueTime(v evtx.Value, scratch []byte) (ms int64, ok bool) {
	if v.Type == evtx.FileTime && len(v.Data) == 8 {
		return evtx.FileTimeMillis(evtx.Uint(v.Data)), true
	}
	return datefmt.ParseEventTime(lend(v.AppendText(scratch)))
}
