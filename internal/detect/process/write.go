package process

import (
	"bufio"
	"fmt"
	"io"
	"time"

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
	s.node(b, n, "", "")
	return b.Flush()
}

// WritePath prints a process below its ancestors, and all that is below it, but
// not what else its ancestors started.
func (s Style) WritePath(w io.Writer, n *Node) error {
	b := bufio.NewWriter(w)
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

func (s Style) paint(code, text string) string {
	if !s.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s Style) cut(line string) string {
	if r := []rune(line); s.Width > 0 && len(r) > s.Width {
		return string(r[:s.Width-1]) + "…"
	}
	return line
}

func (s Style) at(ms int64) string {
	if ms == 0 {
		return ""
	}
	z := s.Zone
	if z == nil {
		z = time.UTC
	}
	return time.UnixMilli(ms).In(z).Format("15:04:05.000")
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
	line := s.cut(lead + head + printable.Text(rest))
	if mark != "" {
		line = lead + s.paint("1;31", head) + printable.Text(rest) + "  " + s.paint("1;31", "<- "+mark)
	}
	fmt.Fprintln(b, line)
	if n.CommandLine != "" {
		fmt.Fprintln(b, s.cut(below+"    "+printable.Text(n.CommandLine)))
	}
	for _, a := range n.Acts {
		fmt.Fprintln(b, s.cut(fmt.Sprintf("%s    %s %-7s %s", below, s.at(a.Time), a.Kind, printable.Text(a.Text))))
	}
	if len(n.Acts) == actsMax {
		fmt.Fprintf(b, "%s    (the first %d of what it did)\n", below, actsMax)
	}
	for i, c := range n.Children {
		if i == len(n.Children)-1 {
			s.node(b, c, below+"└─ ", below+"   ")
		} else {
			s.node(b, c, below+"├─ ", below+"│  ")
		}
	}
}
