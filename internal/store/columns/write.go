package columns

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// groupRows is the rows of a group by default: what is read as one, and what a
	// dictionary is of. More of them do not fit a batch's codes.
	groupRows = 65536
	// groupBytes ends a group early whose messages are long: a writer holds a group.
	groupBytes = 64 << 20
	// rawPageBytes is how much text a page of messages has: what is read for one of them,
	// and what a token filter is of.
	rawPageBytes = 4 << 20
	// extractBytes is how much text is read for fields at a time.
	extractBytes = 1 << 20
)

// The keys of what a file says of itself.
const (
	versionKey   = "gyoji.version" // of the file's layout
	extractorKey = "gyoji.extractor"
	originsKey   = "gyoji.origins"
	groupsKey    = "gyoji.groups"
	kindsKey     = "gyoji.kinds" // of a column's chunk: plainText, someLists, otherKinds

	version = "1"
	magic   = "PAR1"
	// footMagic and the checksum of the footer stand before it, where other readers look
	// at nothing.
	footMagic = "GYF1"
)

// fieldPrefix begins the name of a column that is a field of the event.
const fieldPrefix = "f."

// metadata are the columns of metadata, and what the engine calls them.
var metadata = []struct{ column, name string }{
	{"_sourcecategory", "_sourceCategory"}, {"_sourcehost", "_sourceHost"}, {"_sourcename", "_sourceName"},
	{"_collector", "_collector"}, {"_source", "_source"},
}

// Options says how a file is written.
type Options struct {
	// Promoted are the fields that have columns; nil chooses them by the first messages.
	Promoted []string
	// Asked are fields to prefer where they are chosen, those most asked for first.
	Asked []string
	// Filters is what the token filters are written to; nil for none.
	Filters io.Writer
	// GroupRows is the rows of a group; 0 for 65,536, which is the most.
	GroupRows int
}

// Summary is what a file holds.
type Summary struct {
	Rows                   int64
	RawBytes               int64 // of the messages
	FileBytes, FilterBytes int64
	MinSeq, MaxSeq         uint64
	MinTime, MaxTime       int64 // of the events, in ms; both event.NoTime where none has one
	MinReceipt, MaxReceipt int64
	Promoted               []string
	Extractor              int
}

// groupInfo is what a file says of a group beside what Parquet has a place for.
type groupInfo struct {
	MinTime    int64 `json:"minTime"` // of the events that have one
	MaxTime    int64 `json:"maxTime"`
	MinReceipt int64 `json:"minReceipt"`
	MaxReceipt int64 `json:"maxReceipt"`
	Untimed    int   `json:"untimed,omitempty"` // events without a time
	Raw        int64 `json:"raw"`               // bytes of messages
	Complete   int   `json:"complete"`          // rows whose columns are all that a reader gives
	Auto       bool  `json:"auto,omitempty"`    // of those, each is a JSON object and nothing more
}

// originInfo is an origin as a file has it.
type originInfo struct {
	Collector string          `json:"collector,omitempty"`
	Source    string          `json:"source,omitempty"`
	Category  string          `json:"category,omitempty"`
	Host      string          `json:"host,omitempty"`
	Name      string          `json:"name,omitempty"`
	Format    string          `json:"format,omitempty"`
	Head      []byte          `json:"head,omitempty"`
	Fields    []message.Field `json:"fields,omitempty"`
}

func infoOf(o *message.Origin) originInfo {
	return originInfo{o.Collector, o.Source, o.Category, o.Host, o.Name, o.Format, o.Head, o.Fields}
}

func (i originInfo) origin() *message.Origin {
	return &message.Origin{
		Origin: event.Origin{Collector: i.Collector, Source: i.Source, Category: i.Category, Host: i.Host, Name: i.Name},
		Format: i.Format, Head: i.Head, Fields: i.Fields,
	}
}

// Write writes messages as a file of segments' form. They may come in any order; what
// rows gives of one is lent until it gives the next. An error of rows ends it.
func Write(w io.Writer, rows iter.Seq2[message.Row, error], o Options) (Summary, error) {
	if o.GroupRows <= 0 || o.GroupRows > groupRows {
		o.GroupRows = groupRows
	}
	f := &writer{w: w, o: o, origins: map[string]int32{}, byPointer: map[*message.Origin]int32{}}
	f.sum.Extractor = message.Extractor
	if err := f.write([]byte(magic)); err != nil {
		return Summary{}, err
	}
	for row, err := range rows {
		if err == nil {
			err = f.add(row)
		}
		if err != nil {
			return Summary{}, err
		}
	}
	if err := f.end(); err != nil {
		return Summary{}, err
	}
	return f.sum, nil
}

type writer struct {
	w   io.Writer
	o   Options
	at  int64
	sum Summary

	origins   map[string]int32
	byPointer map[*message.Origin]int32
	infos     []originInfo
	shared    []*message.Origin // by index, one of those that are equal

	leaves []leaf
	groups []format.RowGroup
	infosG []groupInfo
	binary bool // some message is no UTF-8
	group  *group
	tokens *filterWriter
}

// leaf is a column of the file.
type leaf struct {
	name     string
	kind     format.Type
	required bool
	logical  format.LogicalTypeValue
	old      thrift.Null[deprecated.ConvertedType]
}

var (
	text      = leaf{kind: format.ByteArray, logical: &format.StringType{}, old: thrift.New(deprecated.UTF8)}
	timestamp = leaf{
		kind: format.Int64, old: thrift.New(deprecated.TimestampMillis),
		logical: &format.TimestampType{IsAdjustedToUTC: true, Unit: format.TimeUnit{Value: &format.MilliSeconds{}}},
	}
)

// The columns before those of metadata and fields, and the one behind them.
var firstLeaves = []leaf{
	{name: "_seq", kind: format.Int64, required: true},
	timestamp.named("_messagetime"),
	timestamp.named("_receipttime"),
	{name: "_origin", kind: format.Int32, required: true},
	{name: "_complete", kind: format.Boolean, required: true},
}

func (l leaf) named(name string) leaf { l.name = name; return l }

func leavesOf(promoted []string) []leaf {
	ls := slices.Clone(firstLeaves)
	for _, m := range metadata {
		ls = append(ls, text.named(m.column))
	}
	for _, p := range promoted {
		ls = append(ls, text.named(fieldPrefix+p))
	}
	return append(ls, leaf{name: "_raw", kind: format.ByteArray, required: true})
}

func (f *writer) write(b []byte) error {
	n, err := f.w.Write(b)
	f.at += int64(n)
	return err
}

// origin is the index of an origin, and the one of those equal to it that is used.
func (f *writer) origin(o *message.Origin) (int32, error) {
	if i, ok := f.byPointer[o]; ok {
		return i, nil
	}
	use := o
	if o == nil {
		use = &message.Origin{}
	}
	key, err := json.Marshal(infoOf(use))
	if err != nil {
		return 0, err
	}
	i, ok := f.origins[string(key)]
	if !ok {
		i = int32(len(f.infos))
		f.origins[string(key)] = i
		f.infos, f.shared = append(f.infos, infoOf(use)), append(f.shared, use)
	}
	if len(f.byPointer) >= originsMax {
		clear(f.byPointer)
	}
	f.byPointer[o] = i
	return i, nil
}

// originsMax is how many origins are remembered by where they are in memory.
const originsMax = 4096

// add adds a message.
func (f *writer) add(row message.Row) error {
	if f.group == nil {
		f.group = newGroup(f.o.GroupRows)
	}
	o, err := f.origin(row.Origin)
	if err != nil {
		return err
	}
	f.group.add(row, o)
	if len(f.group.rows) == f.o.GroupRows || f.group.rawBytes >= groupBytes {
		return f.flush()
	}
	return nil
}

// flush writes the group.
func (f *writer) flush() error {
	g := f.group
	if g == nil || len(g.rows) == 0 {
		return nil
	}
	if f.leaves == nil {
		f.promote()
	}
	if err := f.extract(g); err != nil {
		return err
	}
	order := g.order()
	rg := format.RowGroup{NumRows: int64(len(g.rows)), Ordinal: int16(len(f.groups))}
	rg.FileOffset = f.at
	for i := range f.leaves {
		l := &f.leaves[i]
		w := &g.chunk
		w.begin(l, f.at)
		if err := g.write(f, i, order); err != nil {
			return fmt.Errorf("column %s: %w", l.name, err)
		}
		cc := w.end()
		if l.name == "_raw" { // where its pages begin is needed to read one of them
			index, err := thrift.Marshal(&compact, &format.OffsetIndex{PageLocations: w.pages})
			if err != nil {
				return err
			}
			cc.OffsetIndexOffset, cc.OffsetIndexLength = f.at+int64(len(w.out)), int32(len(index))
			w.out = append(w.out, index...)
		}
		if err := w.flush(f); err != nil {
			return err
		}
		rg.Columns = append(rg.Columns, cc)
		rg.TotalByteSize += cc.MetaData.TotalUncompressedSize
		rg.TotalCompressedSize += cc.MetaData.TotalCompressedSize
	}
	f.groups, f.infosG = append(f.groups, rg), append(f.infosG, g.info)
	f.count(g)
	g.reset()
	return nil
}

// count adds a group to the summary.
func (f *writer) count(g *group) {
	s, first := &f.sum, f.sum.Rows == 0
	s.Rows += int64(len(g.rows))
	s.RawBytes += g.rawBytes
	for i := range g.rows {
		q := g.rows[i].Seq
		if first || q < s.MinSeq {
			s.MinSeq = q
		}
		if first || q > s.MaxSeq {
			s.MaxSeq = q
		}
		first = false
	}
	least := func(a *int64, b int64) { // event.NoTime is none
		if *a == event.NoTime || b != event.NoTime && b < *a {
			*a = b
		}
	}
	least(&s.MinTime, g.info.MinTime)
	least(&s.MinReceipt, g.info.MinReceipt)
	s.MaxTime, s.MaxReceipt = max(s.MaxTime, g.info.MaxTime), max(s.MaxReceipt, g.info.MaxReceipt)
}

// end writes the last group and the footer.
func (f *writer) end() error {
	if err := f.flush(); err != nil {
		return err
	}
	if f.leaves == nil {
		f.promote()
	}
	meta := format.FileMetaData{Version: 2, NumRows: f.sum.Rows, RowGroups: f.groups, CreatedBy: "gyoji (segment " + version + ")"}
	meta.Schema = append(meta.Schema, format.SchemaElement{Name: "event", NumChildren: thrift.New(int32(len(f.leaves)))})
	for _, l := range f.leaves {
		if l.name == "_raw" && !f.binary {
			l = text.named("_raw")
			l.required = true
		}
		e := format.SchemaElement{Name: l.name, Type: thrift.New(l.kind), RepetitionType: thrift.New(format.Optional), ConvertedType: l.old}
		if l.required {
			e.RepetitionType = thrift.New(format.Required)
		}
		if l.logical != nil {
			e.LogicalType = format.LogicalType{Value: l.logical}
		}
		meta.Schema = append(meta.Schema, e)
		meta.ColumnOrders = append(meta.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	said := func(key string, v any) error {
		b, err := json.Marshal(v)
		meta.KeyValueMetadata = append(meta.KeyValueMetadata, format.KeyValue{Key: key, Value: string(b)})
		return err
	}
	meta.KeyValueMetadata = append(meta.KeyValueMetadata,
		format.KeyValue{Key: versionKey, Value: version},
		format.KeyValue{Key: extractorKey, Value: strconv.Itoa(f.sum.Extractor)})
	if err := cmp.Or(said(originsKey, f.infos), said(groupsKey, f.infosG)); err != nil {
		return err
	}
	foot, err := thrift.Marshal(&compact, &meta)
	if err != nil {
		return err
	}
	check := crc32.Checksum(foot, castagnoli)
	out := binary.LittleEndian.AppendUint32([]byte(footMagic), check)
	out = append(out, foot...)
	out = append(binary.LittleEndian.AppendUint32(out, uint32(len(foot))), magic...)
	if err := f.write(out); err != nil {
		return err
	}
	f.sum.FileBytes = f.at
	if f.tokens != nil {
		if err := f.tokens.end(check); err != nil {
			return err
		}
		f.sum.FilterBytes = f.tokens.at
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// promote settles which fields have columns.
func (f *writer) promote() {
	names := f.o.Promoted
	if names == nil && f.group != nil {
		names = choose(f.group.rows, f.o.Asked)
	}
	f.sum.Promoted = nil
	for _, n := range names { // one of each spelling: a reader finds image as Image where nobody asks for both
		if Promotable(n) && !slices.ContainsFunc(f.sum.Promoted, func(o string) bool { return strings.EqualFold(o, n) }) {
			f.sum.Promoted = append(f.sum.Promoted, n)
		}
	}
	f.leaves = leavesOf(f.sum.Promoted)
	if f.o.Filters != nil {
		f.tokens = newFilterWriter(f.o.Filters)
	}
}

// extract fills the columns of a group by what the messages are read as.
func (f *writer) extract(g *group) error {
	if g.columns == nil {
		g.open(f.sum.Promoted)
	}
	n := len(g.rows)
	g.events, g.odd, g.split, g.receipt = make([]uint8, n), make([]bool, n), make([]bool, n), make([]int64, n)
	g.auto, g.met, g.info = true, false, groupInfo{Raw: g.rawBytes}
	for start := 0; start < len(g.rows); {
		end, n := start, 0
		for end < len(g.rows) && (end == start || n < extractBytes) {
			n += len(g.rows[end].Raw)
			end++
		}
		before := warned(&g.warnings)
		if err := g.reader.Read(g.numbered(start, end, f.shared), g); err != nil {
			return err
		}
		if warned(&g.warnings) != before {
			g.oddities(start, end, f.shared)
		}
		start = end
	}
	g.settle()
	return nil
}

// warned counts warnings.
func warned(w *exec.Warnings) (n int64) {
	for _, k := range w.List() {
		n += k.Count
	}
	return n
}

// group is the rows of a group that is being written.
type group struct {
	rows     []message.Row
	origins  []int32
	rawBytes int64
	arena    []byte   // of messages, up to its length
	arenas   [][]byte // full ones, and arena
	spare    [][]byte // of the group before

	warnings exec.Warnings
	want     *input.Want
	reader   *message.Reader
	alone    *message.Reader // for one row at a time
	slots    []event.Slot    // of the columns
	columns  []*column       // metadata, then fields
	part     []message.Row   // being read

	events  []uint8 // by row, up to 2
	odd     []bool  // by row: the columns are not all there is to it
	split   []bool  // by row: its events are not the message itself, so that their text may be another
	receipt []int64 // by row: what the event itself says, 0 nothing
	auto    bool
	info    groupInfo
	met     bool // an event with a time

	chunk chunk
}

func newGroup(rows int) *group {
	return &group{rows: make([]message.Row, 0, rows), origins: make([]int32, 0, rows)}
}

func (g *group) reset() {
	g.rows, g.origins, g.rawBytes = g.rows[:0], g.origins[:0], 0
	g.spare, g.arenas, g.arena = append(g.spare, g.arenas...), g.arenas[:0], nil
	for _, c := range g.columns {
		c.reset()
	}
}

// arenaBytes is the size of the pieces of memory that messages are held in.
const arenaBytes = 1 << 20

func (g *group) add(row message.Row, origin int32) {
	if cap(g.arena)-len(g.arena) < len(row.Raw) {
		if n := len(g.spare); n > 0 && cap(g.spare[n-1]) >= len(row.Raw) {
			g.arena, g.spare = g.spare[n-1], g.spare[:n-1]
		} else {
			g.arena = make([]byte, 0, max(arenaBytes, len(row.Raw)))
		}
		if cap(g.arena) == arenaBytes { // one of a long message alone is given up
			g.arenas = append(g.arenas, g.arena)
		}
	}
	at := len(g.arena)
	g.arena = append(g.arena, row.Raw...)
	row.Raw = g.arena[at:len(g.arena):len(g.arena)]
	g.rows, g.origins = append(g.rows, row), append(g.origins, origin)
	g.rawBytes += int64(len(row.Raw))
}

// open readies the group to be read for fields.
func (g *group) open(promoted []string) {
	names := []string{"_receiptTime"}
	for _, m := range metadata {
		names = append(names, m.name)
	}
	names = append(names, promoted...)
	l := event.NewLayout(names...)
	g.want = &input.Want{Layout: l, Warnings: &g.warnings}
	for i := range names {
		g.want.Fields.Add(event.Slot(i))
	}
	for i, n := range names[1:] {
		g.columns = append(g.columns, newColumn(n, cap(g.rows)))
		g.slots = append(g.slots, event.Slot(i+1))
	}
	g.reader, g.alone = message.NewReader(g.want), message.NewReader(g.want)
}

// placeBits are the bits of the position of an event for its place in its message, where
// the rest is the number of the message in the group.
const placeBits = 40

// numbered are rows with their number in the group for their position in the store.
func (g *group) numbered(start, end int, shared []*message.Origin) []message.Row {
	g.part = append(g.part[:0], g.rows[start:end]...)
	for i := range g.part {
		g.part[i].Seq, g.part[i].Origin = uint64(start+i)<<placeBits, shared[g.origins[start+i]]
	}
	return g.part
}

// Push makes a group the sink of its reader.
func (g *group) Push(b *event.Batch) error {
	for i := range b.N {
		row := int(b.Pos[i] >> placeBits)
		if g.events[row] < 2 {
			g.events[row]++
		}
		if b.Pos[i]&(1<<placeBits-1) != 0 {
			g.split[row] = true
		}
		at, received := b.Time[i], b.Time[i]
		if b.Receipt != nil {
			received = b.Receipt[i]
		}
		g.receipt[row] = received
		if at == event.NoTime {
			g.info.Untimed++
		}
		g.span(at, received)
	}
	g.auto = g.auto && b.Auto
	for k, c := range g.columns {
		s := g.slots[k]
		if int(s) >= len(b.Cols) || len(b.Cols[s].Code) == 0 {
			continue
		}
		col := &b.Cols[s]
		c.begin(col)
		for i, code := range col.Code[:min(len(col.Code), b.N)] {
			c.set(int(b.Pos[i]>>placeBits), col, code)
		}
	}
	return nil
}

// span widens the times of the group.
func (g *group) span(at, received int64) {
	in := &g.info
	if at != event.NoTime {
		if !g.met || at < in.MinTime {
			in.MinTime = at
		}
		if !g.met || at > in.MaxTime {
			in.MaxTime = at
		}
		g.met = true
	}
	if received != event.NoTime {
		if in.MinReceipt == 0 || received < in.MinReceipt {
			in.MinReceipt = received
		}
		in.MaxReceipt = max(in.MaxReceipt, received)
	}
}

// oddities finds which rows of a part cannot be read without a warning.
func (g *group) oddities(start, end int, shared []*message.Origin) {
	rows := slices.Clone(g.numbered(start, end, shared))
	for i := range rows {
		before := warned(&g.warnings)
		if err := g.alone.Read(rows[i:i+1], nowhere{}); err != nil || warned(&g.warnings) != before {
			g.odd[start+i] = true
		}
	}
}

type nowhere struct{}

func (nowhere) Push(*event.Batch) error { return nil }

// settle finds out which rows are complete.
func (g *group) settle() {
	for i := range g.rows {
		g.split[i] = g.split[i] || g.events[i] != 1
		g.odd[i] = g.odd[i] || g.split[i]
		if !g.odd[i] {
			g.info.Complete++
		}
	}
	g.info.Auto = g.auto
}

// order is the order of rows by time and number; nil where they are in it.
func (g *group) order() []int32 {
	before := func(a, b *message.Row) int { return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Seq, b.Seq)) }
	sorted := true
	for i := 1; i < len(g.rows) && sorted; i++ {
		sorted = before(&g.rows[i-1], &g.rows[i]) <= 0
	}
	if sorted {
		return nil
	}
	order := make([]int32, len(g.rows))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return before(&g.rows[a], &g.rows[b]) })
	return order
}

// write writes a column of the group to its chunk.
func (g *group) write(f *writer, leaf int, order []int32) error {
	w := &g.chunk
	rows := len(g.rows)
	at := func(i int) int {
		if order == nil {
			return i
		}
		return int(order[i])
	}
	switch f.leaves[leaf].name {
	case "_seq":
		return w.numbers(rows, false, func(i int) int64 { return int64(g.rows[at(i)].Seq) })
	case "_messagetime":
		return w.numbers(rows, true, func(i int) int64 { return g.rows[at(i)].Time })
	case "_receipttime":
		return w.numbers(rows, true, func(i int) int64 {
			row := &g.rows[at(i)]
			if said := g.receipt[at(i)]; !g.odd[at(i)] && (row.Receipt != 0 || said != row.Time) {
				return said
			}
			return row.Receipt
		})
	case "_origin":
		values := make([]int32, rows)
		for i := range values {
			values[i] = g.origins[at(i)]
		}
		return w.small(values)
	case "_complete":
		w.body = w.body[:0]
		for i := range rows {
			if i%8 == 0 {
				w.body = append(w.body, 0)
			}
			if !g.odd[at(i)] {
				w.body[i/8] |= 1 << (i % 8)
			}
		}
		return w.data(rows, format.Plain)
	case "_raw":
		return g.messages(f, at)
	}
	return g.columns[leaf-len(firstLeaves)].write(w, rows, order)
}

// numbers writes a page of numbers; where optional, 0 is null.
func (w *chunk) numbers(rows int, optional bool, at func(int) int64) error {
	values := make([]int64, 0, rows)
	present := w.present[:0]
	for i := range rows {
		v := at(i)
		if optional && v == 0 {
			present = append(present, 0)
			continue
		}
		present = append(present, 1)
		values = append(values, v)
	}
	w.present, w.body = present, w.body[:0]
	w.nulls = int64(rows - len(values))
	if len(values) > 0 {
		w.min = binary.LittleEndian.AppendUint64(nil, uint64(slices.Min(values)))
		w.max = binary.LittleEndian.AppendUint64(nil, uint64(slices.Max(values)))
	}
	if optional {
		var err error
		if w.body, err = appendLevels(w.body, present); err != nil {
			return err
		}
	}
	packed, err := deltas.EncodeInt64(nil, values)
	if err != nil {
		return err
	}
	w.body = append(w.body, packed...)
	return w.data(rows, format.DeltaBinaryPacked)
}

// small writes a page of numbers of which few are distinct.
func (w *chunk) small(values []int32) error {
	index := map[int32]int32{}
	w.dict = w.dict[:0]
	at := make([]int32, len(values))
	for i, v := range values {
		k, ok := index[v]
		if !ok {
			k = int32(len(index))
			index[v] = k
			w.dict = binary.LittleEndian.AppendUint32(w.dict, uint32(v))
		}
		at[i] = k
	}
	if err := w.dictionary(len(index)); err != nil {
		return err
	}
	packed, err := codes.EncodeInt32(nil, at)
	if err != nil {
		return err
	}
	w.body = append(w.body[:0], packed...)
	return w.data(len(values), format.RLEDictionary)
}

// messages writes the pages of messages, and their token filters. A page goes to the file
// once it is made.
func (g *group) messages(f *writer, at func(int) int) error {
	w := &g.chunk
	if f.tokens != nil {
		f.tokens.group()
	}
	for start := 0; start < len(g.rows); {
		sizes, size, end := w.ordered[:0], 0, start
		for ; end < len(g.rows); end++ {
			n := len(g.rows[at(end)].Raw)
			if end > start && size+n > rawPageBytes {
				break
			}
			sizes, size = append(sizes, int32(n)), size+n
		}
		w.ordered = sizes
		var err error
		if w.body, err = deltas.EncodeInt32(w.body[:0], sizes); err != nil { // as delta length byte arrays have them
			return err
		}
		w.body = slices.Grow(w.body, size)
		texts := len(w.body)
		for i := start; i < end; i++ {
			row := at(i)
			raw := g.rows[row].Raw
			from := len(w.body) - texts
			w.body = append(w.body, raw...)
			ascii := false
			if f.tokens != nil {
				ascii = f.tokens.add(w.body[texts:], from)
				f.tokens.words.any = f.tokens.words.any || g.split[row]
			}
			f.binary = f.binary || !ascii && !utf8.Valid(raw)
		}
		if err := w.data(end-start, format.DeltaLengthByteArray); err != nil {
			return err
		}
		if err := w.flush(f); err != nil {
			return err
		}
		if f.tokens != nil {
			f.tokens.page()
		}
		start = end
	}
	if f.tokens != nil {
		return f.tokens.endGroup()
	}
	return nil
}

// Promotable reports whether a field may have a column: others could not be told from
// names that mean something to the engine.
func Promotable(name string) bool {
	return name != "" && len(name) <= nameBytesMax && name[0] != '_' && utf8.ValidString(name) &&
		strings.IndexFunc(name, func(r rune) bool { return r < ' ' }) < 0
}

// nameBytesMax is the longest name of a column.
const nameBytesMax = 256
