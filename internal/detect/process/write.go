package process

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// Style says how Write prints.
type Style struct {
	Color bool
	Marks map[*Node]string // a note for some processes: what a detection says of them
	Zone  *time.Location
	Width int // longest line; 0 does not cut
}

// Write prints the tree below a process.
func (s Style) Write(w io.Writer, n *Node) error {
	b := bufio.NewWriter(w)
	s.head(b, n)
	s.node(b, n, "", "")
	return b.Flush()
}

// WritePath prints a process below its ancestors, and all that is below it, but
// not what else its ancestors started.
func (s Style) WritePath(w io.Writer, n *Node) error {
	b := bufio.NewWriter(w)
	s.head(b, n)
	var up []*Node
	for p := n.Parent; p != nil; p = p.Parent {
		up = append(up, p)
	}
	lead, below := "", ""
	for i := len(up) - 1; i >= 0; i-- {
		only := *up[i]
		only.Children, only.Acts = nil, nil
		s.node(b, &only, lead, below)
		lead, below = below+"└─ ", below+"   "
	}
	s.node(b, n, lead, below)
	return b.Flush()
}

// head says where and on which day a process ran.
func (s Style) head(b *bufio.Writer, n *Node) {
	day := ""
	if at := n.first(); at != 0 {
		day = time.UnixMilli(at).In(s.zone()).Format("2006-01-02 MST")
	}
	if line := strings.TrimSpace(printable.Text(n.Computer) + "  " + day); line != "" {
		fmt.Fprintln(b, s.paint("1", line))
	}
}

func (s Style) zone() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

func (s Style) paint(code, text string) string {
	if !s.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// linesMax is how many lines of the width a text takes at most.
const linesMax = 4

// taken stands for a character of a first line that is the lead's.
const taken = "\ue000"

// put prints a text after a lead, in lines of the width that are broken between words.
// What goes on has the lead rest.
func (s Style) put(b *bufio.Writer, lead, rest, text string) {
	if s.Width == 0 {
		fmt.Fprintln(b, lead+text)
		return
	}
	room := max(s.Width-utf8.RuneCountInString(rest), 16)
	first := utf8.RuneCountInString(lead) - utf8.RuneCountInString(rest)
	lines := printable.WrapAll(strings.Repeat(taken, first)+text, room)
	for i, line := range lines {
		if i == linesMax-1 && len(lines) > linesMax {
			line = printable.Fit(strings.Join(lines[i:], " "), room)
		}
		if i == 0 {
			fmt.Fprintln(b, lead+strings.TrimLeft(line, taken))
		} else {
			fmt.Fprintln(b, rest+line)
		}
		if i == linesMax-1 {
			break
		}
	}
}

func (s Style) at(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).In(s.zone()).Format("15:04:05.000")
}

func (s Style) node(b *bufio.Writer, n *Node, lead, below string) {
	head := n.Name()
	if n.PID != "" {
		head += " (" + n.PID + ")"
	}
	head = printable.Text(head)
	rest := ""
	if t := s.at(n.Start); t != "" {
		rest += " " + t
	}
	if n.User != "" {
		rest += " " + n.User
	}
	if n.Inferred {
		rest += " [its start is not in the logs]"
	}
	mark := s.Marks[n]
	if s.Width > 0 && utf8.RuneCountInString(lead+head+rest)+len(mark) > s.Width {
		rest = " " + s.at(n.Start) // there is no room for the account
		if n.Inferred {
			rest = " [not in the logs]"
		}
	}
	line := lead + head + printable.Text(rest)
	if mark != "" {
		line = lead + s.paint("1;31", head) + printable.Text(rest)
		if utf8.RuneCountInString(lead+head+rest)+len(mark)+5 > s.Width && s.Width > 0 {
			fmt.Fprintln(b, line)
			line = below + "    " + s.paint("1;31", "<- "+printable.Fit(mark, max(s.Width-utf8.RuneCountInString(below)-7, 16)))
		} else {
			line += "  " + s.paint("1;31", "<- "+mark)
		}
	}
	fmt.Fprintln(b, line)
	inner := below + "    "
	if n.CommandLine != "" {
		s.put(b, inner, inner, printable.Text(n.CommandLine))
	}
	for _, a := range Fold(n.Acts) {
		text := printable.Text(a.Text)
		if a.Times > 1 {
			text += fmt.Sprintf("  (%d times, last %s)", a.Times, s.at(a.Last))
		}
		s.put(b, fmt.Sprintf("%s%s %-7s ", inner, s.at(a.Time), a.Kind), inner+strings.Repeat(" ", 13), text)
	}
	if len(n.Acts) == actsMax {
		fmt.Fprintf(b, "%s    (the first %d of what it did)\n", below, actsMax)
	}
	groups := Alike(n.Children, func(n *Node) bool { return s.Marks[n] != "" })
	for i, g := range groups {
		lead, rest := below+"├─ ", below+"│  "
		if i == len(groups)-1 {
			lead, rest = below+"└─ ", below+"   "
		}
		s.node(b, g[0], lead, rest)
		if k := len(g) - 1; k > 0 {
			fmt.Fprintf(b, "%s    (and %d more such, the last %s at %s)\n", rest, k, g[k].PID, s.at(g[k].Start))
		}
	}
}

// Folded is what a process did, perhaps several times.
type Folded struct {
	Act
	Times int
	Last  int64
}

// Fold are acts without those that say the same again.
func Fold(acts []Act) (out []*Folded) {
	seen := map[[2]string]*Folded{}
	for _, a := range acts {
		k := [2]string{a.Kind, a.Text}
		if f := seen[k]; f != nil {
			f.Times, f.Last = f.Times+1, max(f.Last, a.Time)
			continue
		}
		f := &Folded{a, 1, a.Time}
		seen[k] = f
		out = append(out, f)
	}
	return out
}

// Full reports whether there was more that the process did than is kept.
func (n *Node) Full() bool { return len(n.Acts) == actsMax }

// Alike groups processes that follow each other and are told apart by nothing but their
// numbers and times: same program, command line and user, nothing done, nothing marked.
func Alike(list []*Node, marked func(*Node) bool) (out [][]*Node) {
	plain := func(n *Node) bool { return len(n.Children)+len(n.Acts) == 0 && !marked(n) }
	for _, n := range list {
		if k := len(out) - 1; k >= 0 {
			if f := out[k][0]; plain(f) && plain(n) && f.Name() == n.Name() && f.CommandLine == n.CommandLine && f.User == n.User && f.Inferred == n.Inferred {
				out[k] = append(out[k], n)
				continue
			}
		}
		out = append(out, []*Node{n})
	}
	return out
}
