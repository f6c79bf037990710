package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// memoryDefault is how much the stages of a query may hold. Sorting puts rows
// aside on disk well before that.
const memoryDefault = "512m"

// inputs are the flags of every command that reads logs.
type inputs struct {
	category string
	names    string // sysmon, auto or none
	noMap    bool   // the short form of none
	carve    bool
	format   string

	from, to, now string
	zone          string
	dates         string // mdy, dmy or ""

	workers int
	memory  string
	tempDir string
	strict  bool

	tables, geo, threat []string

	store string // folder that is read instead of paths
}

// What --map takes.
const (
	mapSysmon = "sysmon"
	mapAuto   = "auto"
	mapNone   = "none"
)

func (in *inputs) flags(cmd *cobra.Command) {
	cmd.Annotations = map[string]string{logsSection: "read"} // see chosen
	f := cmd.Flags()
	f.StringVar(&in.category, "category", "", "_sourceCategory of every event (default: inferred, windows/sysmon for the Sysmon channel)")
	choiceFlag(f, &in.names, "map", "", mapSysmon, []string{mapSysmon, mapAuto, mapNone}, "names of fields: sysmon finds them under Sysmon's flat names, Image for EventData.Image or process.executable, auto picks the table by the events (there is the one), none leaves them as they are")
	f.BoolVar(&in.noMap, "no-map", false, "short for --map none")
	f.BoolVar(&in.carve, "carve", false, "EVTX: also read records in the slack of chunks, after those in use; they may be old or there twice")
	choiceFlag(f, &in.format, "input-format", "", "", format.Names(), "what the input is: "+strings.Join(format.Names(), ", ")+" (default: recognised by content)")
	f.StringVar(&in.from, "from", "", "start of the time range: -1d, 03/01/2026 08:00:00, 2026-03-01T08:00:00Z, or epoch milliseconds")
	f.StringVar(&in.to, "to", "", "end of the time range, not included")
	f.StringVar(&in.now, "now", "", "what now() and relative times count from (default: the clock)")
	f.StringVar(&in.zone, "timezone", "UTC", "zone of days, of dates, and of times that name none: Europe/Berlin, +02:00")
	choiceFlag(f, &in.dates, "date-order", "", "", []string{"mdy", "dmy"}, "order of day and month in dates like 03/04/2026, mdy or dmy (default: as the dates of the file say that have a day above 12, else mdy)")
	f.IntVarP(&in.workers, "jobs", "j", runtime.GOMAXPROCS(0), "workers; the output does not depend on it")
	f.StringVar(&in.memory, "memory", memoryDefault, "memory that stages may hold before rows go to disk")
	f.StringVar(&in.tempDir, "temp-dir", "", "where such rows go (default: the system's)")
	f.BoolVar(&in.strict, "strict", false, "exit with 4 when anything of the input was lost, or nothing could be found in it")
	f.StringArrayVar(&in.tables, "table", nil, "lookup table, as PATH=FILE: the path as the query writes it, a file of CSV with a header or JSON (repeatable)")
	f.StringArrayVar(&in.geo, "geo", nil, "MaxMind-format database for geoip and the geo and ASN lookups (repeatable)")
	f.StringArrayVar(&in.threat, "threat", nil, "file of threat indicators, CSV or JSON with a column indicator, as FILE or SOURCE=FILE (repeatable)")
}

// unmapped reports whether fields have their own names alone.
func (in *inputs) unmapped() bool { return in.noMap || in.names == mapNone }

// library is what the query may look things up in.
func (in *inputs) library() (*lookup.Library, error) {
	l := &lookup.Library{}
	for _, t := range in.tables {
		i := strings.LastIndexByte(t, '=')
		if i <= 0 || i == len(t)-1 {
			return nil, usageError("--table %s: write PATH=FILE, such as 'path://\"/Library/Hosts\"=hosts.csv'", t)
		}
		if _, err := os.Stat(t[i+1:]); err != nil && !os.IsNotExist(err) {
			return nil, &exit{exitInput, err}
		}
		l.Bind(t[:i], t[i+1:])
	}
	for _, file := range in.geo {
		if err := l.OpenGeo(file); err != nil {
			return nil, &exit{exitInput, err}
		}
	}
	for _, t := range in.threat {
		source, file, ok := strings.Cut(t, "=")
		if !ok {
			source, file = "", t
		}
		if err := l.ReadThreat(source, file); err != nil {
			return nil, &exit{exitInput, err}
		}
	}
	return l, nil
}

// session is one command's reading of logs.
type session struct {
	app      *app
	paths    []string
	formats  []*input.Format
	opt      input.Options
	run      query.Run
	passes   []*exec.Warnings // of each reading of the input
	progress *progress
	started  time.Time
	rows     int64
	strict   bool
	readers  []reading
	left     int             // files that ingest has left out
	store    *store.Store    // what is read instead of the paths; nil for those
	snapshot *store.Snapshot // of it
	spool    *input.Spool    // standard input, where it is read more than once
	followed input.Stats     // what was read besides, as it came
	notes    []string        // see note
	failing  bool            // they are a failure under --strict
	needed   bool            // nothing to read is a failure
	unique   bool            // a file that holds what another does is not read again
	geo      *lookup.Geo     // where addresses are; nil where no database is given
	signals  *secSignals     // for queries about signals; nil of commands that have none
}

// times are the flags that say what times mean.
type times struct {
	zone     *time.Location
	now      time.Time
	from, to int64 // ms, to excluded; used when bounded
	bounded  bool
}

// times reads these flags.
func (in *inputs) times() (t times, err error) {
	if t.zone, err = datefmt.Zone(in.zone); err != nil {
		return t, usageError("--timezone %s: %v", in.zone, err)
	}
	t.now = time.Now()
	if in.now != "" {
		if t.now, err = datefmt.ParseTime(in.now, t.now, t.zone); err != nil {
			return t, usageError("--now %s: %v", in.now, err)
		}
	}
	if in.from == "" && in.to == "" {
		return t, nil
	}
	t.bounded, t.to = true, t.now.UnixMilli()
	if in.from != "" {
		from, err := datefmt.ParseTime(in.from, t.now, t.zone)
		if err != nil {
			return t, usageError("--from %s: %v", in.from, err)
		}
		t.from = from.UnixMilli()
	}
	if in.to != "" {
		to, err := datefmt.ParseTime(in.to, t.now, t.zone)
		if err != nil {
			return t, usageError("--to %s: %v", in.to, err)
		}
		t.to = to.UnixMilli()
	}
	if t.to <= t.from {
		return t, usageError("the time range is empty: --to is not after --from")
	}
	return t, nil
}

// open checks the flags and readies a session over paths.
func (a *app) open(in *inputs, paths []string) (*session, error) {
	s := &session{app: a, paths: paths, strict: in.strict, started: time.Now()}
	t, err := in.times()
	if err != nil {
		return nil, err
	}
	switch in.dates {
	case "mdy":
		s.opt.DateOrder = datefmt.MonthFirst
	case "dmy":
		s.opt.DateOrder = datefmt.DayFirst
	}
	if in.workers < 1 {
		return nil, usageError("-j %d: at least one worker has to do the work", in.workers)
	}
	if in.tempDir != "" {
		if st, err := os.Stat(in.tempDir); err != nil || !st.IsDir() {
			return nil, usageError("--temp-dir %s: there is no such folder", in.tempDir)
		}
	}
	memory, err := parseSize(in.memory)
	if err != nil {
		return nil, usageError("--memory %s: %v", in.memory, err)
	}
	s.run = query.Run{
		Workers: in.workers, Memory: memory, TempDir: in.tempDir, Now: t.now, Zone: t.zone,
		From: t.from, To: t.to, Bounded: t.bounded,
		NoMap: in.unmapped(), Category: in.category, Carve: in.carve,
	}
	if in.store != "" {
		if len(paths) > 0 {
			return nil, usageError("--store %s is what is read; leave %s out, or put it in first with gyoji ingest", in.store, strings.Join(paths, " "))
		}
		if in.format != "" || in.carve || in.dates != "" {
			return nil, usageError("--input-format, --date-order and --carve say how files are read; what is in a store was read when it was put in")
		}
		if err := s.openStore(in.store); err != nil {
			return nil, err
		}
		s.run.Reopen = func() (input.Feeder, error) { return s.again() }
		return s, nil
	}
	s.formats = format.All()
	if in.format != "" {
		f := format.Named(in.format)
		s.formats = []*input.Format{f}
		s.opt.Force = f
	}
	s.opt.Stdin, s.opt.TempDir = a.stdin, in.tempDir
	for _, w := range []io.Writer{a.out.w, a.err.w} { // what is printed is not read: it would come again and again
		if f, ok := w.(*os.File); ok {
			if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
				s.opt.Leave = append(s.opt.Leave, st)
			}
		}
	}
	if len(paths) == 0 {
		if a.stdinIsTerminal() {
			return nil, usageError("nothing to read: name files or folders, or pipe events to standard input")
		}
		s.paths = []string{"-"}
	}
	s.run.Reopen = func() (input.Feeder, error) { return s.again() }
	return s, nil
}

// reading is one reading of the input.
type reading interface {
	input.Feeder
	Stats() input.Stats
	PartName(index int) string
}

// again opens the input from its start.
func (s *session) again() (reading, error) {
	if s.spool == nil && slices.Contains(s.paths, "-") && len(s.readers) > 0 {
		return nil, &exit{exitInput, errors.New("standard input can be read only once, and this needs it twice; save it to a file first")}
	}
	r, err := s.another(s.opt)
	if err != nil {
		return nil, err
	}
	s.readers = append(s.readers, r)
	return r, nil
}

// another opens the input once more, beside the readings that count.
func (s *session) another(opt input.Options) (reading, error) {
	if s.store != nil {
		return &storeReading{s.snapshot.Feeder().(feeder), s.store.Dir()}, nil
	}
	if s.spool != nil {
		opt.Stdin = s.spool.Reader()
	}
	src, err := input.Paths(s.paths, opt)
	if err != nil {
		return nil, &exit{exitInput, err}
	}
	opt.Copies = s.unique
	return input.NewReader(src, s.formats, opt), nil
}

// hold puts standard input aside where queries read it more than once: an eighth
// of the memory, then a file. release gives it back.
func (s *session) hold(ctx context.Context, queries ...*query.Query) (release func(), err error) {
	twice := slices.ContainsFunc(queries, func(q *query.Query) bool { return q.ReadsTwice(s.run.Bounded) })
	if !twice || !slices.Contains(s.paths, "-") {
		return func() {}, nil
	}
	if s.spool, err = input.NewSpool(ctx, s.opt.Stdin, s.run.Memory/8, s.opt.TempDir); err != nil {
		return nil, &exit{exitInput, err}
	}
	s.run.Memory -= s.spool.Held()
	return func() { s.spool.Close() }, nil
}

// search runs a query and pushes its rows into the sink that open makes.
func (s *session) search(ctx context.Context, q *query.Query, open func(*event.Layout) (exec.Sink, error)) error {
	seen := &query.Seen{}
	err := s.pass(ctx, q, func(run query.Run) error {
		out, err := open(run.Layout)
		if err != nil {
			return err
		}
		run.Seen = seen
		return q.Run(ctx, run, countRows{out, &s.rows})
	})
	if err == nil && s.explains() {
		s.nothingFound(ctx, q, seen)
	}
	return err
}

// searchAll runs several queries over one reading of the input.
func (s *session) searchAll(ctx context.Context, parts []query.Part, beside ...query.Consumer) error {
	var queries []*query.Query
	for _, p := range parts {
		queries = append(queries, p.Query)
	}
	release, err := s.hold(ctx, queries...)
	if err != nil {
		return err
	}
	defer release()
	return s.read(func(run query.Run) error {
		for i := range parts {
			parts[i].Out = countRows{parts[i].Out, &s.rows}
		}
		return query.RunTogether(ctx, run, parts, beside...)
	})
}

// pass readies one reading of the input for a query.
func (s *session) pass(ctx context.Context, q *query.Query, do func(query.Run) error) error {
	release, err := s.hold(ctx, q)
	if err != nil {
		return err
	}
	defer release()
	siem, err := s.ofSIEM(ctx, q)
	if err != nil {
		return err
	}
	return s.read(func(run query.Run) error {
		run.Layout = q.Layout.Clone()
		run.Input = siem(run.Input)
		return do(run)
	})
}

// read readies one reading of the input, and shows its progress.
func (s *session) read(do func(query.Run) error) error {
	s.opt.Warnings = &exec.Warnings{}
	s.passes = append(s.passes, s.opt.Warnings)
	r, err := s.again()
	if err != nil {
		return err
	}
	run := s.run
	run.Warnings, run.Input = s.opt.Warnings, r
	s.watch(r)
	err = do(run)
	s.progress.stop()
	return err
}

// countRows counts what comes out.
type countRows struct {
	next exec.Sink
	n    *int64
}

func (c countRows) Push(b *event.Batch) error {
	*c.n += int64(len(b.Live))
	return c.next.Push(b)
}

// Printer makes countRows as good as what it passes rows to (exec.Printing).
func (c countRows) Printer() exec.Printer {
	if p, ok := c.next.(exec.Printing); ok {
		return p.Printer()
	}
	return nil
}

// finish prints the closing summary, with what came out if that has a name, and says how the command ends: unreadable
// parts, and anything lost under --strict, are failures.
func (s *session) finish(what string) error {
	defer s.closeStore()
	// Several passes read the same files, so the summary is of the longest one.
	var bytes, events, untimed int64
	var parts int
	var failed []string
	known := map[string]bool{}
	unread := false
	all := []input.Stats{s.followed}
	for _, r := range s.readers {
		all = append(all, r.Stats())
	}
	for _, st := range all {
		untimed = max(untimed, st.Untimed)
		bytes, events, parts = max(bytes, st.Bytes), max(events, st.Events), max(parts, st.Parts)
		for _, p := range st.Failed {
			if said := plain(p); !known[said] {
				known[said] = true
				failed = append(failed, said)
			}
		}
	}
	if len(s.readers) > 0 {
		unread = s.nothingRead(s.readers[0].Stats())
	}
	w := s.app.stderr
	for _, f := range failed {
		if len(failed) > 1 && !s.app.verbose { // the formats that were tried, for each file, would bury the rest
			f, _, _ = strings.Cut(f, "\n")
		}
		fmt.Fprintf(w, "gyoji: cannot read %s\n", f)
	}
	if !s.app.quiet {
		passes := ""
		if n := len(s.readers); n > 1 {
			passes = fmt.Sprintf(" read %d times", n)
		}
		if what != "" {
			what = fmt.Sprintf(": %s %s", number(s.rows), what)
		}
		from := number(int64(parts)) + " " + plural(int64(parts), "file", "files")
		if s.store != nil {
			from = "store " + s.store.Dir()
		}
		fmt.Fprintf(w, "%s, %s %s, %s%s in %s%s\n",
			from, number(events), plural(events, "event", "events"),
			exec.Size(bytes), passes, time.Since(s.started).Round(time.Millisecond), what)
		s.tellCopies(w)
	}
	lost := int64(0)
	if untimed > 0 && (s.run.Bounded || !s.app.quiet) {
		without := fmt.Sprintf("%s %s no time", number(untimed), plural(untimed, "event has", "events have"))
		if s.run.Bounded {
			lost += untimed
			without += " and cannot be in the time range: left out (lost)"
		}
		fmt.Fprintf(w, "  %s\n", without)
	}
	for _, k := range s.warnings() {
		mark := ""
		if k.Lost {
			lost += k.Count
			mark = " (lost)"
		} else if s.app.quiet {
			continue
		}
		fmt.Fprintf(w, "  %s × %s%s\n", number(k.Count), k.Kind, mark)
		for i, at := range k.Sample {
			if i == 1 && !s.app.verbose {
				fmt.Fprintf(w, "    ... and %s more (-v shows the first %d)\n", number(k.Count-1), len(k.Sample))
				break
			}
			if line, ok := input.Line(at.Part, event.Offset(at.Pos)); ok && strings.HasPrefix(at.Detail, "byte ") {
				at.Part += ":" + strconv.Itoa(line)
			}
			fmt.Fprintf(w, "    %s\n", at)
		}
	}
	if s.explains() {
		for _, n := range s.notes {
			fmt.Fprintf(w, "gyoji: %s\n", n)
		}
	}
	switch {
	case len(failed) > 0:
		return &exit{code: exitInput}
	case s.needed && unread:
		return &exit{exitInput, errors.New("--fail-on: there was nothing to read, see above")}
	case s.strict && s.failing:
		return &exit{exitInput, errors.New("--strict: nothing could be found in some or all of the input, see above")}
	case s.strict && lost > 0:
		return &exit{exitInput, fmt.Errorf("--strict: %s %s lost, see above", number(lost), plural(lost, "piece of the input was", "pieces of the input were"))}
	}
	return nil
}

// tellCopies says which files hold what others do.
func (s *session) tellCopies(w io.Writer) {
	var names []string
	of := s.copies()
	for _, part := range slices.Sorted(maps.Keys(of)) {
		for _, c := range of[part] {
			names = append(names, c.Name+" (as "+s.partName(part)+")")
		}
	}
	n := len(names)
	if n == 0 {
		return
	}
	more := ""
	if n > 3 && !s.app.verbose {
		names, more = names[:2], fmt.Sprintf(" and %s more (-v names them)", number(int64(n-2)))
	}
	fmt.Fprintf(w, "  %s %s what another does, which counts once: %s%s\n", number(int64(n)), plural(int64(n), "file holds", "files hold"), strings.Join(names, ", "), more)
}

// warnings are what the passes met. The same damage is met by each of them, so
// of what was lost the largest count stands.
func (s *session) warnings() []exec.Warning {
	var all []exec.Warning
	for _, p := range s.passes {
		for _, k := range p.List() {
			i := slices.IndexFunc(all, func(w exec.Warning) bool { return w.Kind == k.Kind })
			switch {
			case i < 0:
				all = append(all, k)
			case !k.Lost:
				all[i].Count += k.Count
			case k.Count > all[i].Count:
				all[i] = k
			}
		}
	}
	return all
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// number prints a count with thousands set apart: 1,234,567.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// parseSize reads 64m, 2g, 512k or plain bytes.
func parseSize(s string) (int64, error) {
	t := strings.ToLower(strings.TrimSpace(s))
	t = strings.TrimSuffix(strings.TrimSuffix(t, "b"), "i")
	shift := 0
	switch {
	case strings.HasSuffix(t, "k"):
		shift = 10
	case strings.HasSuffix(t, "m"):
		shift = 20
	case strings.HasSuffix(t, "g"):
		shift = 30
	}
	if shift > 0 {
		t = t[:len(t)-1]
	}
	f, err := strconv.ParseFloat(t, 64)
	if err == nil && shift == 0 && f > 0 && f < 1<<20 {
		return 0, fmt.Errorf("that is less than any query holds; write a unit, such as %sm", t)
	}
	if err != nil || f <= 0 || f > 1<<43 {
		return 0, errors.New("write a size such as 64m, 512m or 2g")
	}
	return int64(f * float64(int64(1)<<shift)), nil
}
