// Package input says what a source and a format are, and opens paths: files,
// globs, folders, standard input, plain or compressed, recognised by content.
package input

import (
	"context"
	"io"
	"iter"
	"sync/atomic"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Want is what a query asks of a reader, and what it lets a reader skip.
type Want struct {
	Layout *event.Layout // slot to name; grows when Fields.All meets new names
	Fields event.Fields  // fields to decode: of the event, and metadata such as _raw

	// Need are groups of literals. An event that lacks all literals of some
	// group cannot matter, so a reader may skip it, or not.
	Need []Need

	// Only, where it is set, reports by an event's position whether it matters; a reader
	// may skip the others, or not.
	Only func(pos uint64) bool

	// Conditions must all hold of an event's fields, as they are in the slots of Layout,
	// or it cannot matter. Who can compute them where the events are (a store, by its
	// columns) need not give others; a reader of bytes has no use for them.
	Conditions []expr.Expr
	// AutoConditions must hold, too, of events of batches with Auto: they stand behind
	// json auto, which leaves those as they are.
	AutoConditions []expr.Expr

	// From and To (ms, To excluded) bound _messageTime when Bounded; events
	// outside may be skipped, or not.
	From, To int64
	Bounded  bool

	// Now is the latest that an event without a year may be of; zero is the clock's.
	Now time.Time
	// Zone is that of times which name none; nil is UTC.
	Zone *time.Location

	// NoMap switches off further names for the same thing: a field under
	// EventData found by its plain name, NewProcessName as Image.
	NoMap bool
	// Twins gives the Security log's twins of Sysmon's events Sysmon's names
	// (mapping.TwinOf), for Sigma rules.
	Twins bool
	// Category is _sourceCategory for every event; "" infers it.
	Category string
	// JSON says that fields nobody named are wanted only of events whose _raw is
	// not a JSON object of them.
	JSON bool
	// Carve also looks for events in parts of a file that it no longer uses.
	Carve bool
	// Timed says that the time of events is known elsewhere: it is not looked for in texts.
	Timed bool

	Warnings *exec.Warnings

	// Readers keeps what one worker has made to read each format from one reading
	// to the next, for input that comes in many small pieces; nil where each
	// reading makes its own.
	Readers map[*Format]BlockReader

	skipped *atomic.Int64
}

// Feeder hands out the events of a run to its workers, unit by unit. Files are one
// (Reader); a program's values, a store's columns and a topic may be others.
//
// Feed is called once for a run. What it returns is called once in each worker, at
// the same time, and pushes the events of the units that the worker takes. It
// pushes at least the wanted fields, in the slots of want.Layout, and each event
// with its time and a position: one that is unique in the run, and orders events
// of one moment the same way in every run, however units fall to workers. It may
// leave out events that want says cannot matter.
type Feeder interface {
	Feed(ctx context.Context, want *Want) exec.Feed
}

// Skip counts events that a reader passed over because of Need or the time range.
func (w *Want) Skip(n int) {
	if w.skipped != nil {
		w.skipped.Add(int64(n))
	}
}

// Count says where skipped events are counted, for a Feeder that is no Reader.
func (w *Want) Count(skipped *atomic.Int64) { w.skipped = skipped }

// Need is one group of literals, of which an event must hold at least one,
// letter case aside (see match.Witness for what that means for non-ASCII text).
type Need struct {
	// Slot is the field whose value holds the literal; event.None when it only
	// has to stand somewhere in _raw (a keyword, which field names count for).
	Slot event.Slot
	Any  []string
	// At says where in the field's value the literal stands.
	At expr.Anchor
	// Written says that the literals may be of how an event is written down as
	// JSON, quotes, colons and names and all: only a reader whose events are
	// JSON text may look for them.
	Written bool
	// Given says of which events the field's value is what their reader gives, so that
	// who has that value can tell by it. Of others it may yet be found in their text.
	Given Given
}

// Given are events of which a reader gives a field's value.
type Given uint8

const (
	GivenOfNone Given = iota
	GivenOfAuto       // those of batches with Auto
	GivenOfAll
)

// Format turns blocks of bytes into batches. A Format is a table of functions
// and safe for several goroutines; what New returns is one worker's.
type Format struct {
	Name       string // "jsonl", as --input-format takes it
	Summary    string
	Extensions []string // of files to expect it in, with the dot; content decides

	// Sniff reports how sure it is that the part starts with head (up to 64
	// KiB, decompressed): 0 not at all, up to Certain.
	Sniff func(head []byte) int

	// Record is how many bytes the record takes that b begins with, which is where
	// a line begins; 0 when b does not begin with a whole one, and all of b when it
	// may go on beyond its end. nil where records cannot be told from other text.
	// Records of several formats in one part are told apart by it.
	Record func(b []byte) int

	// Loose says that other text may look as the format's records do: they tell the
	// format of a part by their number, but are not looked for in parts of others.
	Loose bool

	// Misfit says what Sniff did not find when it returns 0: "does not start
	// with <Event".
	Misfit string

	// Headed says that the part's first line names the fields of the others;
	// readers find it in Part.Head.
	Headed bool

	// Hollow says that a part may be all that it should be and have no event: an
	// event log that was cleared, an empty array.
	Hollow bool

	// InPlace says that files of the format are written to before their end, so
	// that they cannot be followed.
	InPlace bool

	// BlockBytes is how much of the format a worker reads at a time; 0 for what
	// suits most.
	BlockBytes int

	// Cut returns how many bytes of buf, which starts at an event boundary at
	// offset off of the part, are whole events. 0 asks for more. When last is
	// set nothing follows, and what is left over is the reader's to report.
	Cut func(buf []byte, off int64, last bool) int

	// Lines says that Cut cuts behind the last line end of buf, whatever comes
	// before it.
	Lines bool

	// New makes a reader for one worker.
	New func(*Want) BlockReader
}

// What Sniff returns for what may be anything, and for what can be nothing else.
const (
	Unsure  = 1
	Certain = 100
)

// BlockReader decodes one block at a time.
type BlockReader interface {
	// Read pushes the block's events as batches. It keeps nothing of the block
	// and reports what it cannot read to Want.Warnings; an error it returns
	// ends the run.
	Read(b Block, next exec.Sink) error
}

// LineReader is a BlockReader that can also write a block's events as text, each a
// flat JSON object on a line of its own, without making batches of them.
type LineReader interface {
	BlockReader
	// Lines appends the lines to dst, which it returns with their number. Else it
	// is as Read.
	Lines(b Block, dst []byte) ([]byte, int, error)
}

// LineSink is a front that takes lines, where the reader has them, in place of
// batches.
type LineSink interface {
	exec.Sink
	// Lines is what lines are appended to.
	Lines() *[]byte
}

// Block is a run of whole events of a part.
type Block struct {
	Data   []byte // lent until Read returns
	Offset int64  // of Data in the decompressed part
	Part   *Part
	// Events says that each line is known to be an event: none is lost for not being
	// of the format. Format jsonl goes by it.
	Events bool
	// Ends, where it is set, are where the events of Data end that somebody else has told
	// apart, whatever is in them: each is one, of plain text. format.Whole goes by it.
	Ends []int
}

// Part is one file, archive member, stream or posted body.
type Part struct {
	Index  int    // place among the run's parts; see event.Position
	Name   string // for messages and _sourceName: the path as given, archive members as a.zip#b.evtx
	Size   int64  // bytes as stored, -1 when unknown
	Origin event.Origin

	// Head is the start of a part whose format is Headed, up to 64 KiB.
	Head []byte

	// DateOrder is the order of day and month in the part's dates.
	DateOrder datefmt.Order

	// Start is where in the file what Open gives begins: a part may be what was
	// added to it. Lines is how many lines of the file end before that.
	Start, Lines int64

	// met says that the part has an event; see Met.
	met atomic.Bool
	// known says that not all of its text is plain; see Known.
	known atomic.Bool

	Format  *Format // nil: recognised by content
	once    bool    // Open works only once
	passing bool    // Open works only while it is the part at hand: a member of an archive
	Open    func(context.Context) (io.ReadCloser, error)
}

// Met says that the part has an event. A reader of a Hollow format says so of
// events that it passes over; of those it gives it is known.
func (p *Part) Met() { p.met.Store(true) }

// Known says that in plain text an event of another format was found.
func (p *Part) Known() {
	if p != nil && !p.known.Load() {
		p.known.Store(true)
	}
}

// Source lists what there is to read, in an order that does not change between
// runs. A part that cannot be opened is an error value in its place; the rest follow.
type Source interface {
	Parts(context.Context) iter.Seq2[*Part, error]
}
