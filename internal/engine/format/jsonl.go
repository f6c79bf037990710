package format

import (
	"bytes"
	"fmt"
	"unsafe"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// JSONL is one JSON object a line. A line with a _raw key is a message as Sumo
// Logic exports it: its other keys are metadata and pre-extracted fields. Any
// other line is an event whose text, _raw, is the line itself.
var _ = register(input.Format{
	Name:       "jsonl",
	Summary:    "JSON Lines: one object a line; also Sumo Logic message exports (objects with _raw)",
	Extensions: []string{".jsonl", ".ndjson", ".json"},
	Sniff: func(head []byte) int {
		head = bytes.TrimLeft(head, " \t\r\n")
		if len(head) == 0 || head[0] != '{' || !opensObject(head, 0) { // {7CF65FC7-...}</Data>
			return 0
		}
		if bytes.IndexByte(head, 0) >= 0 {
			return 0
		}
		return 80
	},
	Record: oneLine,
	Misfit: "does not start with a JSON object",
	Cut:    cutJSONL,
	Lines:  true,
	New:    func(w *input.Want) input.BlockReader { return newJSONL(w) },
})

// cutLines cuts behind the last line end.
func cutLines(buf []byte, _ int64, last bool) int {
	if last {
		return len(buf)
	}
	return bytes.LastIndexByte(buf, '\n') + 1
}

// cutJSONL cuts behind the last line end, or, where what stands before it is no
// object, behind the last line that is one or the last end of an event's XML:
// another format's record may go on over many lines.
func cutJSONL(buf []byte, off int64, last bool) int {
	whole := cutLines(buf, off, last)
	if last {
		return whole
	}
	for end := whole; end > 0; {
		start := bytes.LastIndexByte(buf[:end-1], '\n') + 1
		line := bytes.TrimRight(buf[start:end], " \t\r\n")
		if len(line) == 0 || line[0] == '{' && line[len(line)-1] == '}' || bytes.HasSuffix(line, eventClose) {
			return end
		}
		end = start
	}
	return whole
}

// exportRoot is the object that the search job API wraps a message in.
const exportRoot = "map"

type jsonl struct {
	want   *input.Want
	doc    *jsondoc.Scanner
	early  bool // doc finds what every event is asked for; none has held more yet
	spare  bool // the text of plain lines is wanted by json auto alone, for which Batch.Auto does
	filter *filter
	w      builder

	*plan
	text ownField // a message's text
	more *flat    // of events that hold more in a field; nil until one is met

	slots map[string]metSlot // names met when all fields are wanted
	plain bool               // what the batch holds: plain lines, or messages

	part *input.Part
	off  int64 // of the line in the part
	err  error // why the line that was read last is no event

	unpack func(object []byte) [][]byte // what an object's base64 holds; nil where none is looked for

	others *others           // of lines that are no JSON; nil until one is met
	whole  input.BlockReader // of lines that are events all the same; nil until one is met
	finder *jsondoc.Scanner  // of objects in an event; nil until one is asked about
}

func newJSONL(w *input.Want) *jsonl {
	r := &jsonl{want: w, plan: newPlan(w), slots: map[string]metSlot{}, plain: true}
	r.text = r.ownField("_raw")
	r.doc, r.early = r.Early(!w.NoMap, exportRoot), true
	r.spare = w.Fields.OnlyForAuto(r.raw)
	r.filter = newFilter(w)
	return r
}

func (r *jsonl) Read(b input.Block, next exec.Sink) error {
	r.part = b.Part
	r.w.reset()
	data := b.Data
	filtered, skipped := r.filter.begin(), 0
	for at := 0; at < len(data); {
		if filtered {
			start, n := r.filter.next(data, at)
			if skipped += n; start == len(data) {
				break
			}
			at = start
		}
		line := data[at:]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end]
		}
		r.off = b.Offset + int64(at)
		if err := r.line(line, next); err != nil {
			return err
		}
		if r.err != nil && b.Events {
			r.err = nil
			if err := r.asText(&b, at, len(line), next); err != nil {
				return err
			}
			at += len(line) + 1
			continue
		}
		if r.err != nil {
			n, err := r.misfit(&b, at, len(line), next)
			if err != nil {
				return err
			}
			at += n
			continue
		}
		at += len(line) + 1
		if filtered {
			r.filter.passed += len(line)
		}
	}
	if filtered {
		r.filter.end(len(data))
		r.want.Skip(skipped)
	}
	return r.push(next)
}

// asText reads a line that is known to be an event, and is no JSON.
func (r *jsonl) asText(b *input.Block, at, length int, next exec.Sink) error {
	if r.whole == nil {
		r.whole = Whole.New(r.want)
	}
	return r.whole.Read(input.Block{Data: b.Data[at : at+length], Offset: b.Offset + int64(at), Part: b.Part}, next)
}

// misfit reads what stands where a line of JSON was expected, and returns how
// many bytes it takes.
func (r *jsonl) misfit(b *input.Block, at, length int, next exec.Sink) (int, error) {
	if r.others == nil {
		r.others = newOthers(r.want, "jsonl")
	}
	start := at
	if r.filter != nil { // the filter may have passed over the record's beginning
		start = recordStart(b.Data, at)
	}
	for start <= at {
		n, err := r.others.read(b, start, next)
		if err != nil || start+n > at {
			return start + n - at, err
		}
		if n == 0 {
			n = lineEnd(b.Data, start) - start
		}
		start += n
	}
	line := b.Data[at : at+length]
	if clean := bytes.TrimLeft(line, oddBytes); len(clean) > 0 && clean[0] == '{' && len(clean) < len(line) {
		r.off = b.Offset + int64(at+length-len(clean))
		why := r.err
		if err := r.line(clean, next); err != nil || r.err == nil {
			return length + 1, err
		}
		r.err = why
	}
	r.lost(r.err)
	r.err = nil
	return length + 1, nil
}

// oddBytes are what a log may have before the first record of a piece: marks of
// byte order, and zeroes where a file had a hole.
const oddBytes = "\ufeff\ufffe\x00\x1a \t"

// backBytes is how far back of a line the record is looked for that it is in.
const backBytes = 64 << 10

// recordStart is where the record of XML may begin that a line is in.
func recordStart(data []byte, at int) int {
	from := max(0, at-backBytes)
	start := bytes.LastIndex(data[from:at], eventOpen)
	if start < 0 || bytes.Contains(data[from+start:at], eventClose) || bytes.Contains(data[from+start:at], []byte("\n{")) {
		return at
	}
	return bytes.LastIndexByte(data[:from+start], '\n') + 1
}

// lost says that a line is no event.
func (r *jsonl) lost(err error) {
	r.want.Warnings.Add("line that is not JSON", true, exec.Sample{
		Part: r.part.Name, Pos: event.Position(r.part.Index, r.off),
		Detail: fmt.Sprintf("byte %d: %v", r.off, err),
	})
}

func (r *jsonl) push(next exec.Sink) error {
	r.w.b.Auto = r.plain
	return r.w.push(next)
}

// line reads one line into the batch, and says where it is no UTF-8.
func (r *jsonl) line(line []byte, next exec.Sink) error {
	if r.unpack != nil {
		if events := r.unpack(line); events != nil {
			off := r.off
			for i, e := range events {
				r.off = off + int64(i)
				if err := r.one(e, next); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return r.one(line, next)
}

// one reads an event of which the place is known.
func (r *jsonl) one(line []byte, next exec.Sink) error {
	if r.want.Only != nil && !r.want.Only(event.Position(r.part.Index, r.off)) {
		r.err = nil
		return nil
	}
	err := r.event(line, next)
	if r.w.bad {
		r.w.bad = false
		notUTF8(r.want, r.part, r.off)
	}
	return err
}

// event reads one line into the batch.
func (r *jsonl) event(line []byte, next exec.Sink) error {
	line = bytes.TrimSuffix(line, []byte{'\r'})
	if len(line) == 0 || len(bytes.TrimSpace(line)) == 0 {
		r.err = nil
		return nil
	}
	vals, err := r.doc.Scan(line)
	if r.err = err; err != nil {
		return nil
	}
	said := r.text.of(vals)
	message := said.Kind != jsondoc.Missing
	more := !message && r.HoldsMore(vals, r.doc.Found())
	untold := !message && !r.told(vals, &r.w) && signed(line)
	if (more || untold) && r.early {
		r.doc, r.early = r.Document(!r.want.NoMap, exportRoot), false
		if vals, err = r.doc.Scan(line); err != nil { // it read the line a moment ago
			r.err = err
			return nil
		}
		more = r.HoldsMore(vals, r.doc.Found())
	}
	if untold {
		if list := r.listed(line); len(list) > 1 {
			return r.each(list, next)
		}
		more = true
	}
	if more {
		r.unwrap(line, vals)
	}
	if r.plain == message || r.w.b.N == event.MaxRows {
		if err := r.push(next); err != nil {
			return err
		}
		r.plain = !message
	}
	b := &r.w.b
	row := b.AddRow(0, event.Position(r.part.Index, r.off))
	if r.raw != event.None {
		if message {
			b.Col(r.raw).Set(row, r.w.value(said))
		} else if !r.spare {
			b.Col(r.raw).Set(row, event.Text(lend(line)))
		}
	}
	if r.size != event.None {
		n := len(line)
		if message {
			n = len(r.w.value(said).Str())
		}
		b.Col(r.size).Set(row, event.Int(int64(n)))
	}
	if message {
		for _, f := range r.fields {
			b.Col(f.slot).Set(row, r.w.typed(vals[f.At]))
		}
	} else {
		r.set(&r.w, row, vals, r.doc.Found())
		if !more && len(r.spelled) > 0 {
			r.spell(&r.w, row, vals)
		}
	}
	text := line
	if message {
		text = said.Raw
	}
	b.Time[row] = r.meta.set(&r.w, row, vals, false, r.part, event.NoTime, text)
	if r.meta.receipt != 0 && r.meta.receipt != b.Time[row] || b.Receipt != nil {
		for len(b.Receipt) < int(row) {
			b.Receipt = append(b.Receipt, b.Time[len(b.Receipt)])
		}
		b.Receipt = append(b.Receipt, r.meta.receipt)
	}
	if more {
		r.more.rest(row)
	}
	if r.all && !(r.want.JSON && !message) {
		return r.everything(line, row, message)
	}
	return nil
}

// wrapped is an event in an object, and where the object has it.
type wrapped struct {
	text []byte
	off  int
}

// each reads the events that an object wraps in place of it.
func (r *jsonl) each(list []wrapped, next exec.Sink) error {
	off := r.off
	for _, e := range list {
		r.off = off + int64(e.off)
		if err := r.event(e.text, next); err != nil {
			return err
		}
		if r.err != nil {
			r.lost(r.err)
			r.err = nil
		}
	}
	return nil
}

// offsetIn is where a part of a text begins in it.
func offsetIn(text, part []byte) int {
	return int(uintptr(unsafe.Pointer(unsafe.SliceData(part))) - uintptr(unsafe.Pointer(unsafe.SliceData(text))))
}

// unwrap adds what stands in fields that hold more of the event.
func (r *jsonl) unwrap(line []byte, vals []jsondoc.Value) {
	if r.more == nil {
		r.more = flatOf(r.want, r.plan, &r.w)
	}
	f := r.more
	for _, i := range r.doc.Found() {
		if i < len(f.vals) && f.vals[i].Kind == jsondoc.Missing {
			f.vals[i] = vals[i]
			f.given = append(f.given, i)
		}
	}
	f.unwrapper().event(line, place{r.part, r.off})
	for _, i := range f.given {
		r.doc.Set(i, f.vals[i])
	}
}

// metSlot is what a name that was met stands for.
type metSlot struct {
	event.Slot
	metadata bool // it is the name of a built-in field
}

// everything puts the fields that no one named into columns of their own.
func (r *jsonl) everything(line []byte, row uint16, message bool) error {
	o := jsondoc.FlattenOptions{}
	if message {
		o.MaxDepth = 1 // a message's keys are fields as they are
	}
	return jsondoc.Flatten(line, o, func(name []byte, v jsondoc.Value) {
		s, ok := r.slots[string(name)]
		if !ok {
			s = metSlot{r.want.Layout.Met(string(name)), mapping.Metadata(string(name))}
			if s.Slot == event.None {
				r.want.Warnings.Add("field beyond the limit", true, exec.Sample{
					Part: r.part.Name, Pos: event.Position(r.part.Index, r.off),
					Detail: fmt.Sprintf("byte %d: %s is more than %d fields", r.off, name, event.MaxFields),
				})
			}
			r.slots[string(name)] = s
		}
		switch {
		case s.Slot == event.None || s.Slot == r.raw || r.want.Fields.Has(s.Slot) || !message && s.metadata:
		case message:
			r.w.b.Col(s.Slot).Set(row, r.w.typed(v))
		default:
			r.w.text(s.Slot, row, v)
		}
	})
}
