package hunt

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/maphash"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Order is how findings follow each other.
type Order int

const (
	Severest Order = iota // severity, then score, then time, newest first
	Newest                // time, newest first
	Oldest                // time, oldest first
)

// Options say what is in a list and how it is shown.
type Options struct {
	Filter Filter
	Order  Order
	// Flat leaves findings apart: a record that was read twice is found twice, and
	// findings of one process or record need not stand together.
	Flat bool
}

// Filter chooses findings. The zero Filter takes all.
type Filter struct {
	Least      detection.Severity // and higher ones
	Hosts      []string           // any of these, * for any text; letter case aside
	Users      []string
	Detections []string // by id, title or package
	Tags       []string // or one below it: attack.t1059 takes attack.t1059.001
}

// Takes reports whether a finding is one of those asked for.
func (x *Filter) Takes(f *Finding) bool {
	return f.Severity >= x.Least && fits(x.Hosts, f.Host) && fits(x.Users, f.User)
}

// All reports whether the findings of every detection are wanted.
func (x *Filter) All() bool { return len(x.Detections)+len(x.Tags) == 0 }

// Wants reports whether the findings of a detection are among those asked for.
func (x *Filter) Wants(d *Detection) bool {
	return fits(x.Detections, d.names()...) && (len(x.Tags) == 0 || slices.ContainsFunc(x.Tags, d.tagged))
}

// names are what a detection can be asked for by.
func (d *Detection) names() []string {
	return []string{d.ID, d.ID[strings.LastIndexByte(d.ID, '/')+1:], d.Name, d.Package}
}

// tagged reports whether a detection has a tag, or one below it. A technique may leave
// out that it is one of ATT&CK.
func (d *Detection) tagged(tag string) bool {
	want := plainTag(tag)
	return slices.ContainsFunc(d.Tags, func(have string) bool {
		have = plainTag(have)
		return have == want || strings.HasPrefix(have, want+".") || have == "attack."+want || strings.HasPrefix(have, "attack."+want+".")
	})
}

// plainTag is a tag in the way of writing of the Sigma specification since version 2:
// small letters and hyphens.
func plainTag(tag string) string { return strings.ReplaceAll(strings.ToLower(tag), "_", "-") }

// Unknown names what is asked for and no detection has: a flag, its value, and the
// nearest of what there is, "" for none. ok is false when all is known.
func (x *Filter) Unknown(all []*Detection) (flag, value, near string, ok bool) {
	for _, v := range x.Detections {
		if !slices.ContainsFunc(all, func(d *Detection) bool { return fits([]string{v}, d.names()...) }) {
			var names []string
			for _, d := range all {
				names = append(names, d.names()...)
			}
			return "detection", v, diag.Nearest(strings.Trim(v, "*"), names), true
		}
	}
	for _, v := range x.Tags {
		if !slices.ContainsFunc(all, func(d *Detection) bool { return d.tagged(v) }) {
			var tags []string
			for _, d := range all {
				tags = append(tags, d.Tags...)
			}
			return "tag", v, diag.Nearest(v, tags), true
		}
	}
	return "", "", "", false
}

// attackTags are the tags that techniques and tactics are, as Sigma writes them.
func attackTags(techniques []Technique, tactics []Tactic) (tags []string) {
	for _, t := range techniques {
		tags = append(tags, "attack."+strings.ToLower(t.ID))
	}
	for _, t := range tactics {
		tags = append(tags, "attack."+strings.ReplaceAll(strings.ToLower(t.Name), " ", "-"))
	}
	return tags
}

// fits reports whether one of some names fits one of the patterns; none fits all. A host
// or account may leave its domain out.
func fits(patterns []string, names ...string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool {
		return slices.ContainsFunc(names, func(n string) bool {
			if n == "" {
				return false
			}
			host, _, _ := strings.Cut(n, ".")
			return like(p, n) || like(p, host) || like(p, n[strings.LastIndexByte(n, '\\')+1:])
		})
	})
}

// like compares a name with a pattern, in which * is any text.
func like(pattern, name string) bool {
	pattern, name = strings.ToLower(pattern), strings.ToLower(name)
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	if !strings.HasPrefix(name, parts[0]) {
		return false
	}
	name = name[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(name, p)
		if i < 0 {
			return false
		}
		name = name[i+len(p):]
	}
	return strings.HasSuffix(name, parts[len(parts)-1])
}

// Detection is what the findings of a detection have in common.
type Detection struct {
	ID         string // the rule's, or PACKAGE/DETECTION
	Name       string // its title
	Kind       Kind
	Package    string // the package's name
	Techniques []Technique
	Tactics    []Tactic
	Tags       []string // as Sigma writes them: attack.t1059.001, attack.execution
	Next       string
	Marks      []string           // of the fields, those that say yes or no: 1 or 0
	Base       detection.Severity // of its findings, where a score does not say more

	// Counts is how many findings it has, by severity, once a list has been gone
	// through.
	Counts [detection.Critical + 1]int64
}

// fill gives a finding what it has of its detection.
func (d *Detection) fill(f *Finding) {
	f.DetectionID, f.Detection, f.Kind, f.Package = d.ID, d.named(f), d.Kind, d.Package
	f.Techniques, f.Tactics, f.Next, f.marks = d.Techniques, d.Tactics, d.Next, d.Marks
}

// named is the detection's name with {{column}} as the finding has it, null where it has
// none, as the names of Cloud SIEM's signals are made.
func (d *Detection) named(f *Finding) string {
	if !strings.Contains(d.Name, "{{") {
		return d.Name
	}
	return detection.Placeholder().ReplaceAllStringFunc(d.Name, func(m string) string {
		if v, ok := f.Fields.Get(strings.TrimSpace(strings.Trim(m, "{}"))); ok && v.String() != "" {
			return v.String()
		}
		return "null"
	})
}

// Title is the detection's name where it stands for all of its findings: what differs from
// one to the other is *.
func (d *Detection) Title() string { return detection.Placeholder().ReplaceAllString(d.Name, "*") }

// complete gives a finding what it has of its detection, unless it says what to do next
// itself, the number of its records, and empty lists for none.
func (d *Detection) complete(f *Finding) {
	next := f.Next
	d.fill(f)
	if next != "" {
		f.Next = next
	}
	if f.Records == 0 {
		f.Records = len(f.Evidence)
	}
	if f.Evidence == nil {
		f.Evidence = []Evidence{}
	}
	if f.Fields == nil {
		f.Fields = Fields{}
	}
}

// Found is how many findings the detection has.
func (d *Detection) Found() (n int64) {
	for _, k := range d.Counts {
		n += k
	}
	return n
}

// Taker takes findings: a List, or what gives them as they come. Several workers may
// add to it.
type Taker interface {
	// Ran says that a detection runs. One that finds nothing is listed too.
	Ran(*Detection)
	Add(*Detection, *Finding) error
}

// List is what a hunt has found. Findings beyond the memory budget are on disk until
// they are given out. Several workers may add to it.
type List struct {
	o  Options
	rt *exec.Runtime

	mu         sync.Mutex
	detections []*Detection
	index      map[*Detection]int // in detections
	rows       *exec.Sorter
	starts     map[string][]start   // processes that a Sysmon 1 says the start of, by startKey
	places     map[int][]int64      // byte offsets of evidence, by part
	parts      map[int][]input.Copy // parts that hold what others do
	names      map[string]string    // of fields, by their small letters
	spelled    map[string]bool      // the names as they came
	out        event.Batch
	scratch    []byte
	added      int64
	left       LeftOut
	coarse     map[string]bool     // keys of findings that are coarse
	adrift     map[string][]moment // those findings, by keyAt(0)
	shifts     []*Shift

	worst detection.Severity
}

// start is the start of a process whose GUID is known.
type start struct {
	at   int64
	guid string
}

// moment is when a part says that something was.
type moment struct {
	at   int64 // in seconds
	part int
	file string
}

// The columns of a finding in the list.
const (
	colFirst  event.Slot = iota // what Order puts first: severity
	colScore                    // null comes last
	colTime                     //
	colKey                      // the same for the same finding of the same record
	colPos                      // of the first record
	colFinder                   // index of the detection
	colBody                     // pack's
)

// NewList makes an empty list that holds its findings by rt's budget.
func NewList(rt *exec.Runtime, o Options) *List {
	l := &List{o: o, rt: rt, index: map[*Detection]int{}, starts: map[string][]start{}, places: map[int][]int64{}, names: map[string]string{}, spelled: map[string]bool{}, coarse: map[string]bool{}, adrift: map[string][]moment{}}
	newest := o.Order != Oldest
	keys := []exec.Key{{Slot: colTime, Desc: newest}}
	if o.Order == Severest {
		keys = append([]exec.Key{{Slot: colFirst, Desc: true}, {Slot: colScore, Desc: true}}, keys...)
	} else {
		keys = append(keys, exec.Key{Slot: colFirst, Desc: true}, exec.Key{Slot: colScore, Desc: true})
	}
	keys = append(keys, exec.Key{Slot: colKey}, exec.Key{Slot: colPos})
	var kept event.Fields
	kept.Add(colFirst, colScore, colTime, colKey, colPos, colFinder, colBody)
	l.rows = exec.NewSorter(rt, "the list of findings", exec.Order{Keys: keys}, exec.NewCodec(&kept), 0)
	return l
}

// Ran says that a detection runs. One that finds nothing is listed too.
func (l *List) Ran(d *Detection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ran(d)
}

func (l *List) ran(d *Detection) {
	if _, ok := l.index[d]; !ok {
		l.index[d] = len(l.detections)
		l.detections = append(l.detections, d)
	}
}

// Detections are those that ran, in the order in which the list was told of them.
func (l *List) Detections() []*Detection { return l.detections }

// Len is how many findings were added and are asked for, copies included.
func (l *List) Len() int64 { return l.added }

// Wants reports whether findings of a detection are asked for.
func (l *List) Wants(d *Detection) bool { return l.o.Filter.Wants(d) }

// Worst is the highest severity among them; ok is false when there are none.
func (l *List) Worst() (s detection.Severity, ok bool) { return l.worst, l.added > 0 }

// Add adds a finding of a detection. The list gives it its id, what it has of the
// detection, its Place and the number of Records where that is 0; the caller sets the
// rest. One without evidence is no finding of any record, and has none.
func (l *List) Add(d *Detection, f *Finding) error {
	next := f.Next
	d.complete(f)
	if !l.o.Filter.Wants(d) {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.o.Filter.Takes(f) {
		l.left.add(f)
		return nil
	}
	l.ran(d)
	l.name(f)
	l.added++
	l.worst = max(l.worst, f.Severity)
	if s := f.Subject; s != nil && s.GUID != "" && s.PID != "" && f.starts("1") {
		k := startKey(f.Host, s)
		l.starts[k] = append(l.starts[k], start{int64(f.Time), s.GUID})
	}
	for i := range f.Evidence {
		pos := f.Evidence[i].pos
		l.places[part(pos)] = append(l.places[part(pos)], event.Offset(pos))
	}
	o := &l.out
	o.Reset()
	o.AddRow(int64(f.Time), 0)
	o.Col(colFirst).Set(0, event.Int(int64(f.Severity)))
	if f.Score != nil {
		o.Col(colScore).Set(0, event.Float(*f.Score))
	}
	if f.Timed() {
		o.Col(colTime).Set(0, event.Int(int64(f.Time)))
	}
	var pos uint64
	if len(f.Evidence) > 0 {
		pos = f.Evidence[0].pos
	}
	key := f.key()
	if f.coarse() {
		l.coarse[key] = true
		l.drift(f)
	}
	o.Col(colKey).Set(0, event.Text(key))
	o.Col(colPos).Set(0, event.Int(int64(pos&math.MaxInt64)))
	o.Col(colFinder).Set(0, event.Int(int64(l.index[d])))
	l.scratch = pack(l.scratch[:0], f, next != "")
	o.Col(colBody).Set(0, event.Text(string(l.scratch)))
	return l.rows.Add(o)
}

// LeftOut are the findings of the detections asked for that Filter does not take.
type LeftOut struct {
	Findings     int64
	Hosts, Users []string // of them, the first leftNames
}

// leftNames is how many hosts and users of findings that are left out are remembered.
const leftNames = 100

func (o *LeftOut) add(f *Finding) {
	o.Findings++
	for _, x := range []struct {
		to   *[]string
		name string
	}{{&o.Hosts, f.Host}, {&o.Users, f.User}} {
		if x.name != "" && len(*x.to) < leftNames && !slices.ContainsFunc(*x.to, func(n string) bool { return strings.EqualFold(n, x.name) }) {
			*x.to = append(*x.to, strings.Clone(x.name))
		}
	}
}

// LeftOut says what the filter has left out.
func (l *List) LeftOut() LeftOut { return l.left }

// starts reports whether the finding is of a record with this event id, that of the
// start of a process: 1 of Sysmon, 4688 of the Security log.
func (f *Finding) starts(id string) bool { return len(f.Evidence) == 1 && f.Evidence[0].EventID == id }

// startKey is equal for what Sysmon 1 and Security 4688 say of one process.
func startKey(host string, s *Subject) string {
	return strings.ToLower(host + "\x00" + s.PID + "\x00" + s.Image)
}

// Slug makes a name without blanks of a title, for a detection without an id.
func Slug(title string) string {
	return strings.Trim(strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, strings.ToLower(title)), "-")
}

// part is the number of a position's part.
func part(pos uint64) int { return event.Part(pos) }

// ofRecord reports whether a finding is of one record of Windows with a number.
func (f *Finding) ofRecord() bool {
	return len(f.Evidence) == 1 && f.Records == 1 && f.Evidence[0].RecordID != 0
}

// second is the second of the finding's time, since 1970.
func (f *Finding) second() int64 { return int64(f.Time) / 1000 }

// coarse reports whether a finding may be of a form of a log that says no more of its
// times than the second.
func (f *Finding) coarse() bool { return f.ofRecord() && f.Timed() && int64(f.Time)%1000 == 0 }

// key is what the id is made of: of a record of Windows, its own number in its channel
// and the second of its time, as some forms of a log say no more; of any other, what the
// finding says.
func (f *Finding) key() string {
	if f.signal == "" && f.ofRecord() {
		return f.keyAt(f.second())
	}
	return f.keyAt(int64(f.Time))
}

// keyAt is key of a finding of this time.
func (f *Finding) keyAt(at int64) string {
	h := sha256.New()
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(at))
	h.Write(n[:])
	write := func(s string) {
		binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	if f.signal != "" { // whose id says rule, entity and record
		write(f.signal)
		return string(h.Sum(nil)[:12])
	}
	write(f.DetectionID)
	write(f.Detection)
	write(strings.ToLower(f.Host))
	if f.ofRecord() {
		e := &f.Evidence[0]
		binary.LittleEndian.PutUint64(n[:], uint64(e.RecordID))
		h.Write(n[:])
		write(e.Channel)
		write(e.EventID)
	} else {
		for _, x := range f.Fields {
			if !strings.HasPrefix(x.Name, "_source") { // where it was read does not matter
				write(strings.ToLower(x.Name))
				write(x.Value.String())
			}
		}
	}
	return string(h.Sum(nil)[:12])
}

// id is a finding's id: of the nth that is told from others by nothing but its place.
func id(key string, n int) string {
	if n > 0 {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(n))
		s := sha256.Sum256(append([]byte(key), b[:]...))
		key = string(s[:12])
	}
	return hex.EncodeToString([]byte(key))
}

// Locator tells lines and record numbers of places; see Places.
type Locator interface {
	// Locate completes the place of the event at a byte offset of a part.
	Locate(part int, offset int64, p *Place)
}

// Located tells where records stand, as input.Locate has found it: by part and offset.
type Located map[int]map[int64]input.Located

// Locate completes a place: its line, or the number of its EVTX record, or else how many
// bytes come before it.
func (l Located) Locate(part int, offset int64, p *Place) {
	at := l[part][offset]
	if p.RecordID == 0 {
		p.RecordID = at.Record
	}
	if p.Line = at.Line; p.Line == 0 && p.RecordID == 0 {
		p.Offset = &offset
	}
}

// Places are the byte offsets of the evidence, by the number of its part.
func (l *List) Places() map[int][]int64 { return l.places }

// Each gives the findings in order, each with its number from 1, and stops with the
// first error. It may be called once.
func (l *List) Each(ctx context.Context, where Locator, found func(n int, f *Finding) error) error {
	l.rt.Ctx = ctx
	n := 0
	give := func(f *Finding) error {
		n++
		d := l.detections[f.finder]
		l.shifted(f)
		d.Counts[f.Severity]++
		var flat []Place
		for i := range f.Evidence {
			e := &f.Evidence[i]
			locate(where, e.pos, &e.Place)
			more := l.elsewhere(nil, part(e.pos), event.Offset(e.pos), e.Place)
			for j := range e.Copies {
				locate(where, e.copied[j], &e.Copies[j])
				more = l.elsewhere(more, part(e.copied[j]), event.Offset(e.copied[j]), e.Copies[j])
			}
			if l.o.Flat && len(f.Evidence) == 1 {
				flat = more
			} else {
				e.Copies = append(e.Copies, more...)
			}
		}
		if len(f.Evidence) > 0 {
			f.Place = f.Evidence[0].Place
		}
		if err := found(n, f); err != nil {
			return err
		}
		for _, p := range flat {
			again := *f
			again.Place, again.Evidence = p, []Evidence{{Place: p}}
			n++
			d.Counts[f.Severity]++
			if err := found(n, &again); err != nil {
				return err
			}
		}
		return nil
	}
	s := &folded{list: l, give: give}
	if l.o.Flat || l.o.Order != Severest {
		return firstOf(l.rows.Flush(s), s.end())
	}
	return l.grouped(s)
}

// Copied says which parts of the input hold what others do, as input.Reader.Copies has it:
// the records of findings stand there, too.
func (l *List) Copied(of map[int][]input.Copy) { l.parts = of }

// elsewhere adds the places of a record in the copies of its part.
func (l *List) elsewhere(to []Place, part int, offset int64, at Place) []Place {
	for _, c := range l.parts[part] {
		if offset < c.Bytes {
			at.File = c.Name
			to = l.elsewhere(append(to, at), c.Part, offset, at)
		}
	}
	return to
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func locate(where Locator, pos uint64, p *Place) {
	if where != nil && p.File != "" {
		where.Locate(part(pos), event.Offset(pos), p)
	}
}

// folded takes the rows of a list in order and makes one finding of those that are the
// same finding of the same record.
type folded struct {
	list *List
	give func(*Finding) error

	open    []*alike // one; or those of one second, while one of them may be coarse
	by      map[string]*alike
	second  int64
	holding bool
}

// alike are findings with one key.
type alike struct {
	key  string
	same []*Finding     // by their ordinal
	seen map[uint64]int // how many there are of a place
}

// heldMax is how many findings of one second wait for others of their records. Beyond
// it, copies in a form that says seconds alone are listed apart.
const heldMax = 4096

func (s *folded) Push(b *event.Batch) error {
	for _, row := range b.Live {
		n, _ := b.Value(colFinder, row).Int()
		f := unpack([]byte(b.Value(colBody, row).Str()), s.list.detections[n])
		f.finder = int(n)
		if f.ID != "" { // it has come here before
			if err := s.give(f); err != nil {
				return err
			}
			continue
		}
		x, err := s.alike(b.Value(colKey, row).Str(), f)
		if err != nil {
			return err
		}
		at := f.place()
		nth := x.seen[at]
		x.seen[at]++
		f.ID = id(x.key, nth)
		s.list.subject(f)
		switch {
		case s.list.o.Flat:
			if err := s.give(f); err != nil {
				return err
			}
		case nth < len(x.same) && x.same[nth].coarse() && !f.coarse() && f.ofRecord():
			f.copy(x.same[nth])
			x.same[nth] = f
			i := slices.Index(s.open, x) // by the time that is better known
			s.open = append(slices.Delete(s.open, i, i+1), x)
		case nth < len(x.same):
			x.same[nth].copy(f)
		default:
			x.same = append(x.same, f)
		}
	}
	return nil
}

// alike are the findings with the key of f.
func (s *folded) alike(key string, f *Finding) (*alike, error) {
	switch {
	case s.holding && s.by[key] != nil:
		return s.by[key], nil
	case !s.holding && len(s.open) == 1 && s.open[0].key == key:
		return s.open[0], nil
	}
	if !s.holding || f.second() != s.second || len(s.open) >= heldMax {
		if err := s.end(); err != nil {
			return nil, err
		}
	}
	x := &alike{key: strings.Clone(key), seen: map[uint64]int{}}
	s.open, s.second = append(s.open, x), f.second()
	if s.holding = s.holding || !s.list.o.Flat && s.list.coarse[x.key]; s.holding {
		if s.by == nil {
			s.by = map[string]*alike{}
		}
		s.by[x.key] = x
	}
	return x, nil
}

// place tells apart what is found at several places. Of a record with a number, another
// place is a copy. Of others, equal ones in one file are several, and the first of one
// file is the first of another.
func (f *Finding) place() (at uint64) {
	if len(f.Evidence) > 0 {
		at = f.Evidence[0].pos
		if f.Evidence[0].RecordID == 0 {
			at = uint64(part(at))
		}
	}
	return at
}

// end gives the findings at hand.
func (s *folded) end() error {
	for _, x := range s.open {
		for _, f := range x.same {
			if err := s.give(f); err != nil {
				return err
			}
		}
	}
	clear(s.by)
	s.open, s.holding = s.open[:0], false
	return nil
}

// copy adds the places where another reading of the same finding has its records.
func (f *Finding) copy(of *Finding) {
	for i := range of.Evidence {
		if i < len(f.Evidence) {
			e, o := &f.Evidence[i], &of.Evidence[i]
			e.Copies, e.copied = append(append(e.Copies, o.Place), o.Copies...), append(append(e.copied, o.pos), o.copied...)
		}
	}
}

// startSlack is how far apart, in milliseconds, Sysmon and the Security log may say that
// one process started.
const startSlack = 2000

// subject completes what a finding is about: Security 4688 knows no GUID, and has that of
// the process which Sysmon saw start.
func (l *List) subject(f *Finding) { f.about(func(key string) []start { return l.starts[key] }) }

// about is subject, of the starts of processes that are known by startKey.
func (f *Finding) about(starts func(key string) []start) {
	s := f.Subject
	if s == nil {
		return
	}
	if s.GUID == "" && f.starts("4688") {
		for _, x := range starts(startKey(f.Host, s)) {
			if d := x.at - int64(f.Time); d > -startSlack && d < startSlack {
				s.GUID = x.guid
			}
		}
	}
	var p Place
	if len(f.Evidence) > 0 {
		p = f.Evidence[0].Place
	}
	switch host := strings.ToLower(f.Host); {
	case s.GUID != "":
		s.Kind, s.Key = "process", "process "+host+" "+strings.ToLower(s.GUID)
	case f.starts("4688") && s.PID != "":
		s.Kind, s.Key = "process", "process "+host+" "+s.PID+" "+f.Time.String()
	case p.RecordID != 0:
		s.Kind, s.Key = "record", "record "+host+" "+p.Channel+" "+strconv.FormatInt(p.RecordID, 10)
	case p.File != "":
		s.Kind, s.Key = "record", "record "+p.File+" "+strconv.FormatInt(event.Offset(f.Evidence[0].pos), 10)
	default:
		f.Subject = nil
	}
}

// The columns of a finding whose place in a grouped list is known.
const (
	colGroup  = colFirst // number of its group
	colMember = colScore // number in the list
)

// grouped gives the findings in order, but those of one subject after the first of them.
func (l *List) grouped(s *folded) error {
	var kept event.Fields
	kept.Add(colGroup, colMember, colFinder, colBody)
	rows := exec.NewSorter(l.rt, "the list of findings", exec.Order{Keys: []exec.Key{{Slot: colGroup}, {Slot: colMember}}}, exec.NewCodec(&kept), 0)
	groups := map[uint64]int64{}
	seed := maphash.MakeSeed()
	n := int64(0)
	var o event.Batch
	first := &folded{list: l, give: func(f *Finding) error {
		n++
		group := n
		if f.Subject != nil {
			h := maphash.String(seed, f.Subject.Key)
			if g, ok := groups[h]; ok {
				group = g
			} else {
				groups[h] = group
			}
		}
		o.Reset()
		o.AddRow(0, 0)
		o.Col(colGroup).Set(0, event.Int(group))
		o.Col(colMember).Set(0, event.Int(n))
		o.Col(colFinder).Set(0, event.Int(int64(f.finder)))
		o.Col(colBody).Set(0, event.Text(string(pack(nil, f, f.Next != l.detections[f.finder].Next))))
		return rows.Add(&o)
	}}
	if err := firstOf(l.rows.Flush(first), first.end()); err != nil {
		return err
	}
	return rows.Flush(s)
}
