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
	linesShown = 1000
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
	var list bytes.Buffer
	l := &lineWriter{w: &list, color: o.Color, width: min(o.Width, spread), timeline: h.timeline}
	err := each(func(n int, f *hunt.Finding) error {
		sum.add(f)
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
		fmt.Fprintf(w, "and %s findings more; -f list shows all, --min-severity fewer\n", number(sum.n-linesShown))
	}
	if sum.n > 0 && o.Terminal && !h.app.quiet {
		paths := strings.Join(shellWords(h.session.paths), " ")
		fmt.Fprintf(w, "\nnext:\n  gyoji tree --finding 1 %s%s\n", h.flags, paths)
		if sum.technique != "" {
			fmt.Fprintf(w, "  gyoji investigate %s --finding 1 %s\n", sum.technique, paths)
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
	rest := l.width - used - 2
	if l.width > 0 && rest < utf8.RuneCountInString(who)+2+utf8.RuneCountInString(title) {
		// The title goes to the second line, with what happened after it.
		fmt.Fprintf(l.w, "%s  %s\n", head, printable.Fit(who, max(rest, 1)))
		l.second(f, title)
		return
	}
	fmt.Fprintf(l.w, "%s  %s  %s\n", head, who, paint(l.color, "1", title))
	l.second(f, "")
}

// second is the second line: title, where the first had no room for it, what happened, and
// where that is recorded.
func (l *lineWriter) second(f *hunt.Finding, title string) {
	place := printable.Text(f.Where())
	if n := len(f.Evidence) - 1; n > 0 {
		place += fmt.Sprintf(" and %d more", n)
	} else if n == 0 && len(f.Evidence[0].Copies) > 0 {
		place += fmt.Sprintf(", %d copies", len(f.Evidence[0].Copies))
	}
	indent := 6
	room := l.width - indent
	if l.width > 0 {
		place = printable.Fit(place, max(room/2, 12))
		room -= utf8.RuneCountInString(place) + 4
	}
	what := printable.Text(strings.Join(strings.Fields(f.Summary()), " "))
	switch {
	case title == "":
		title = printable.Fit(what, l.room(room))
	default:
		title = printable.Fit(title, l.room(room))
		if left := room - utf8.RuneCountInString(title) - 2; left > 12 {
			title = paint(l.color, "1", title) + "  " + printable.Fit(what, left)
		} else {
			title = paint(l.color, "1", title)
		}
	}
	fmt.Fprintf(l.w, "%*s%s  %s\n", indent, "", title, paint(l.color, "2", "["+place+"]"))
}

func (l *lineWriter) room(n int) int {
	if l.width == 0 {
		return 0
	}
	return max(n, 8)
}

// summary is what a list of findings comes to.
type summary struct {
	n                               int64
	severity                        [detection.Critical + 1]int64
	hosts, detections, tactics, day map[string]int64
	worst                           map[string]detection.Severity // of a host or detection
	technique                       string                        // of the first finding of a package
}

func newSummary() *summary {
	return &summary{hosts: map[string]int64{}, detections: map[string]int64{}, tactics: map[string]int64{}, day: map[string]int64{}, worst: map[string]detection.Severity{}}
}

func (s *summary) add(f *hunt.Finding) {
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
		count(s.day, f.When("2006-01-02"))
	}
	if s.technique == "" && f.Kind == hunt.Package && len(f.Techniques) > 0 {
		s.technique = f.Techniques[0].ID
	}
}

func (s *summary) write(w io.Writer, color bool, width int, lost []string) {
	width = cmp.Or(width, 100)
	head := func(text string) { fmt.Fprintln(w, paint(color, "1", text)) }
	head(fmt.Sprintf("%s %s", number(s.n), plural(s.n, "finding", "findings")))
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
