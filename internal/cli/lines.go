package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// severities are the names of the severities, from the least.
var severities = []string{"informational", "low", "medium", "high", "critical"}

// severityColors are the colours of the severities on a terminal, from the least.
var severityColors = []string{"2", "32", "33", "1;31", "1;97;41"}

const (
	// linesShown is how many findings a terminal is shown.
	linesShown = 200
	// topShown is how many of the most frequent hosts and so on a summary names.
	topShown = 5
	// barWidth is the widest bar of the summary, in characters.
	barWidth = 24
	// spread is a wide terminal: more does not make lines easier to read.
	spread = 160
)

// paint puts text into a colour.
func paint(on bool, color, text string) string {
	if !on {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// lines prints a summary, a line or two for each finding, and what to do next.
func (h *huntRun) lines(o render.Options, to io.Writer, each func(func(int, *hunt.Finding) error) error) error {
	w := printable.NewWriter(to, printable.People, o.Color)
	sum := newSummary()
	sum.plain = h.plain
	var list bytes.Buffer
	l := &lineWriter{w: &list, color: o.Color, width: min(o.Width, spread), timeline: h.timeline}
	err := each(func(n int, f *hunt.Finding) error {
		sum.add(n, f)
		if n <= linesShown || !o.Terminal {
			l.finding(n, f)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if sum.n > 0 {
		sum.write(w, o.Color, l.width, h.session.lost())
		fmt.Fprintln(w)
	}
	_, err = w.Write(list.Bytes())
	if o.Terminal && sum.n > linesShown {
		more := fmt.Sprintf("and %s %s more; -f list shows all, --min-severity high fewer", number(sum.n-linesShown), plural(sum.n-linesShown, "finding", "findings"))
		fmt.Fprintln(w, strings.Join(printable.Wrap(more, l.width), "\n"))
	}
	if sum.n > 0 && o.Terminal && !h.app.quiet {
		paths := strings.Join(shellWords(h.session.paths), " ")
		fmt.Fprintf(w, "\nnext:\n")
		if sum.process != "" {
			fmt.Fprintf(w, "  gyoji tree --finding %s %s%s\n", sum.process, h.flags, paths)
		}
		if sum.technique != "" {
			fmt.Fprintf(w, "  gyoji investigate %s --finding %s %s\n", sum.technique, sum.packaged, paths)
		}
		fmt.Fprintf(w, "  gyoji hunt -f html -o report.html %s%s\n", h.flags, paths)
	}
	return firstOf(err, w.Flush())
}

func shellWords(list []string) (out []string) {
	for _, s := range list {
		out = append(out, shellWord(s))
	}
	return out
}

// lineWriter writes findings, a line or two each.
type lineWriter struct {
	w        io.Writer
	color    bool
	width    int // 0 for as wide as they are
	timeline bool

	day     string
	subject string
}

// finding writes a finding: its number, severity, score, time, host, user and title; then
// what happened, and where that is recorded. Of several of one subject the later ones
// do not say again whom they are about.
func (l *lineWriter) finding(n int, f *hunt.Finding) {
	clock := "no time"
	if l.timeline && !f.Timed() && l.day != clock {
		l.day = clock
		fmt.Fprintf(l.w, "%s\n", paint(l.color, "1", l.day))
	}
	if l.timeline && !f.Timed() {
		clock = strings.Repeat(" ", len("15:04:05.000"))
	}
	if f.Timed() {
		clock = f.When("2006-01-02 15:04:05")
		if l.timeline {
			day := f.When("2006-01-02")
			clock = f.When("15:04:05.000")
			if day != l.day {
				fmt.Fprintf(l.w, "%s\n", paint(l.color, "1", day))
				l.day = day
			}
		}
	}
	severity := f.Severity.String()
	if f.Severity == detection.Informational {
		severity = "info"
	}
	score := ""
	if f.Score != nil {
		score = strconv.FormatFloat(*f.Score, 'g', 6, 64)
	}
	head := fmt.Sprintf("%4d  %s %2s  %s", n, paint(l.color, severityColors[f.Severity], fmt.Sprintf("%-8s", severity)), score, clock)
	used := 4 + 2 + 8 + 1 + max(2, len(score)) + 2 + len(clock)
	again := f.Subject != nil && f.Subject.Key == l.subject && !l.timeline
	l.subject = ""
	if f.Subject != nil {
		l.subject = f.Subject.Key
	}
	who := strings.TrimSpace(printable.Text(f.Host) + "  " + printable.Text(f.User))
	if again {
		who = "same " + f.Subject.Kind
	}
	title := printable.Text(f.Detection)
	what := printable.Text(strings.Join(strings.Fields(f.Summary()), " "))
	full, short := places(f)
	rest := l.width - used - 2
	bold := func(text string) string { return paint(l.color, "1", text) }
	dim := func(text string) string { return paint(l.color, "2", text) }
	size := utf8.RuneCountInString
	if l.width > 0 && l.width < linesNarrow {
		fmt.Fprintln(l.w, head)
		l.wrap(who, nil)
		l.wrap(title, bold)
		l.wrap(printable.Fit(what, 2*(l.width-lineIndent)), nil)
		l.wrap("["+full+"]", dim)
		return
	}
	room := l.width - lineIndent
	line := ""
	if l.width == 0 || size(who)+2+size(title) <= rest {
		fmt.Fprintf(l.w, "%s  %s  %s\n", head, who, bold(title))
	} else {
		fmt.Fprintf(l.w, "%s  %s\n", head, printable.Fit(who, max(rest, 1)))
		if size(title)+size(short)+4 > room {
			l.wrap(title, bold)
		} else {
			line = bold(title) + "  "
			room -= size(title) + 2
		}
	}
	place := full
	if l.width > 0 && size(full)+2+min(size(what)+2, room/2) > room {
		place = short
	}
	if l.width == 0 {
		room = 1 << 20
	}
	if left := room - size(place) - 4; left >= min(size(what), 16) {
		line += printable.Fit(what, left) + "  "
	}
	if size(place)+2 > room { // its name alone has no room
		if line = strings.TrimRight(line, " "); line != "" {
			l.wrap(line, nil)
		}
		l.wrap("["+place+"]", dim)
		return
	}
	fmt.Fprintf(l.w, "%*s%s%s\n", lineIndent, "", line, dim("["+place+"]"))
}

const (
	// lineIndent is where the second line of a finding begins.
	lineIndent = 6
	// linesNarrow is the width from which on two lines will do for a finding.
	linesNarrow = 72
)

// wrap writes a text below the first line, in as many lines as it takes.
func (l *lineWriter) wrap(text string, look func(string) string) {
	if text == "" {
		return
	}
	for _, line := range printable.WrapAll(text, l.width-lineIndent) {
		if look != nil {
			line = look(line)
		}
		fmt.Fprintf(l.w, "%*s%s\n", lineIndent, "", line)
	}
}

// places says where a finding is recorded, in full and without the folders.
func places(f *hunt.Finding) (full, short string) {
	p := f.Place
	full = printable.Text(p.Where())
	if i := strings.LastIndexAny(p.File, `\/`); i > 0 {
		p.File = "…" + p.File[i:]
	}
	short = printable.Text(p.Where())
	more := ""
	if n := len(f.Evidence) - 1; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	} else if n == 0 && len(f.Evidence[0].Copies) > 0 {
		k := len(f.Evidence[0].Copies)
		more = fmt.Sprintf(", %d %s", k, plural(int64(k), "copy", "copies"))
	}
	return full + more, short + more
}

// summary is what a list of findings comes to.
type summary struct {
	plain                           bool // findings have the numbers that they have without any flags
	n                               int64
	severity                        [detection.Critical + 1]int64
	hosts, detections, tactics, day map[string]int64
	first, last                     string                        // days
	worst                           map[string]detection.Severity // of a host or detection
	technique, packaged             string                        // of the first finding of a package, and its name
	process                         string                        // the name of the first finding of a process
}

func newSummary() *summary {
	return &summary{hosts: map[string]int64{}, detections: map[string]int64{}, tactics: map[string]int64{}, day: map[string]int64{}, worst: map[string]detection.Severity{}}
}

func (s *summary) add(n int, f *hunt.Finding) {
	s.n++
	s.severity[f.Severity]++
	count := func(m map[string]int64, key string) {
		if key != "" {
			m[key]++
			s.worst[key] = max(s.worst[key], f.Severity)
		}
	}
	count(s.hosts, f.Host)
	count(s.detections, f.Detection)
	for _, t := range f.Tactics {
		count(s.tactics, t.Name)
	}
	if f.Timed() {
		day := f.When("2006-01-02")
		count(s.day, day)
		if s.first == "" || day < s.first {
			s.first = day
		}
		s.last = max(s.last, day)
	}
	if s.technique == "" && f.Kind == hunt.Package && len(f.Techniques) > 0 {
		s.technique, s.packaged = f.Techniques[0].ID, f.ID[:12]
	}
	if p := f.Subject; s.process == "" && p != nil && (p.GUID != "" || p.PID != "" && f.Host != "") {
		s.process = f.ID[:12] // a number would be another's where other findings are asked for
		if s.plain {
			s.process = strconv.Itoa(n)
		}
	}
}

func (s *summary) write(w io.Writer, color bool, width int, lost []string) {
	width = cmp.Or(width, 100)
	head := func(text string) { fmt.Fprintln(w, paint(color, "1", text)) }
	of := fmt.Sprintf("%s %s of %s %s", number(s.n), plural(s.n, "finding", "findings"), number(int64(len(s.detections))), plural(int64(len(s.detections)), "detection", "detections"))
	if k := int64(len(s.hosts)); k > 0 {
		of += fmt.Sprintf(" on %s %s", number(k), plural(k, "host", "hosts"))
	}
	if s.first != "" {
		of += ", " + s.first
		if s.last != s.first {
			of += " to " + s.last
		}
	}
	for _, line := range printable.Wrap(of, width) {
		head(line)
	}
	most := int64(1)
	for _, n := range s.severity {
		most = max(most, n)
	}
	for i := len(s.severity) - 1; i >= 0; i-- {
		if n := s.severity[i]; n > 0 {
			bar := strings.Repeat("█", max(1, int(n*int64(min(barWidth, max(width-30, 1)))/most)))
			fmt.Fprintf(w, "  %-13s %7s  %s\n", severities[i], number(n), paint(color, barColor(i), bar))
		}
	}
	list := func(title string, m map[string]int64) {
		if len(m) == 0 {
			return
		}
		head(title)
		for _, k := range top(m, topShown) {
			text := printable.Fit(printable.Text(k), max(width-12, 8))
			fmt.Fprintf(w, "  %7s  %s\n", number(m[k]), paint(color, severityColors[s.worst[k]], text))
		}
		if n := len(m) - topShown; n > 0 {
			fmt.Fprintf(w, "           and %s more\n", number(int64(n)))
		}
	}
	list("hosts", s.hosts)
	list("detections", s.detections)
	if len(s.tactics) > 0 { // in the order of the matrix
		head("tactics")
		for _, t := range mapping.Tactics {
			if n := s.tactics[t.Name]; n > 0 {
				fmt.Fprintf(w, "  %7s  %s\n", number(n), t.Name)
			}
		}
	}
	list("days", s.day)
	if len(lost) > 0 {
		head("lost")
		for _, l := range lost[:min(len(lost), topShown)] {
			fmt.Fprintf(w, "  %s\n", printable.Fit(printable.Text(l), width-2))
		}
		if n := len(lost) - topShown; n > 0 {
			fmt.Fprintf(w, "  and %d more\n", n)
		}
	}
}

// barColor is the colour of a severity's bar: that of its name, without a background.
func barColor(severity int) string {
	if severity == int(detection.Critical) {
		return "1;31"
	}
	return severityColors[severity]
}
