package format

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
)

// Listing is events as people read them, a name and a value on each line: what
// PowerShell's Format-List shows of Get-WinEvent and Get-EventLog, wevtutil's text, and
// what Event Viewer copies. A message goes on over more lines.
// Source: Microsoft, Format-List; wevtutil qe /f:text; Event Viewer, "Copy details as text".
var _ = register(input.Format{
	Name:       "listing",
	Summary:    "events listed as Name: value lines: PowerShell's Format-List, wevtutil qe /f:text, Event Viewer's copied text",
	Extensions: []string{".txt", ".log"},
	Sniff: func(head []byte) int {
		if l := listedAt(head, skipBlank(head, 0)); l != nil {
			return 92
		}
		return 0
	},
	Record: func(b []byte) int {
		l := listedAt(b, 0)
		if l == nil {
			return 0
		}
		return l.end(b, 0)
	},
	Loose:  true,
	Misfit: "does not start with Event[0], Log Name: and Source:, or lines of Name : value of an event",
	Cut: func(buf []byte, _ int64, last bool) int {
		l := listedAt(buf, skipBlank(buf, 0))
		if last || l == nil {
			return cutLines(buf, 0, last)
		}
		whole := 0
		for at := l.end(buf, skipBlank(buf, 0)); at < len(buf); at = l.end(buf, at) {
			whole = at
		}
		if whole == 0 && len(buf) > endlessBytes {
			return cutLines(buf, 0, false)
		}
		return whole
	},
	New: func(w *input.Want) input.BlockReader { return &listing{flat: newFlat(w)} },
})

// listedAs is how the events of a listing begin, and where their values stand.
type listedAs struct {
	begins func(data []byte, at int) bool
	column int // of the colon, in a Format-List; 0 in the others
}

// eventMarks are names of which Format-List shows one of an event at least.
var eventMarks = []string{"TimeCreated", "ProviderName", "LogName", "RecordId", "InstanceId", "EntryType", "EventID", "MachineName"}

// listedAt tells what kind of event begins at a line; nil for none.
func listedAt(data []byte, at int) *listedAs {
	for _, begins := range []func([]byte, int) bool{beginsNumbered, beginsCopied} {
		if begins(data, at) {
			return &listedAs{begins: begins}
		}
	}
	name, column := listName(data, at)
	if column == 0 {
		return nil
	}
	marked, lines := slices.Contains(eventMarks, name), 1
	for next := lineEnd(data, at); next < len(data); next = lineEnd(data, next) {
		line := bytes.TrimRight(data[next:lineEnd(data, next)], "\r\n")
		if len(bytes.TrimSpace(line)) == 0 {
			break
		}
		n, c := listName(data, next)
		switch {
		case c == column:
			marked, lines = marked || slices.Contains(eventMarks, n), lines+1
		case len(line)-len(bytes.TrimLeft(line, " ")) <= column:
			return nil
		}
	}
	if !marked || lines < 3 {
		return nil
	}
	name = strings.Clone(name)
	return &listedAs{column: column, begins: func(data []byte, at int) bool {
		n, c := listName(data, at)
		return c == column && n == name
	}}
}

// end is where the event ends that begins at a line.
func (l *listedAs) end(data []byte, at int) int {
	for at = lineEnd(data, at); at < len(data) && !l.begins(data, at); {
		at = lineEnd(data, at)
	}
	return at
}

// listName is the name on a line of a Format-List, and the column of its colon; 0 for
// another line.
func listName(data []byte, at int) (name string, column int) {
	line := data[at:min(len(data), at+labelBytesMax+3)]
	n := 0
	for n < len(line) && (isLetter(line[n]) || isDigit(line[n]) || line[n] == '_') {
		n++
	}
	colon := n
	for colon < len(line) && line[colon] == ' ' {
		colon++
	}
	if n == 0 || colon == n || colon >= len(line) || line[colon] != ':' || colon+1 < len(line) && bytes.IndexByte([]byte(" \r\n"), line[colon+1]) < 0 {
		return "", 0
	}
	return lend(line[:n]), colon
}

// beginsNumbered: Event[0]: of wevtutil.
func beginsNumbered(data []byte, at int) bool {
	line := bytes.TrimRight(data[at:lineEnd(data, at)], " \r\n")
	digits, ok := bytes.CutPrefix(line, []byte("Event["))
	digits, closed := bytes.CutSuffix(bytes.TrimSuffix(digits, []byte(":")), []byte("]"))
	return ok && closed && isNumber(digits)
}

// beginsCopied: Log Name: of Event Viewer, with Source: on the next line.
func beginsCopied(data []byte, at int) bool {
	return bytes.HasPrefix(data[at:], []byte("Log Name:")) && bytes.HasPrefix(data[lineEnd(data, at):], []byte("Source:"))
}

// copiedNames are the names of Event Viewer and wevtutil, by those that its CSV or the
// event has.
var copiedNames = map[string]string{
	"Log Name": "Channel", "Date": "Date and Time", "Task": "Task Category", "Keyword": "Keywords", "User": "UserID", "User Name": "AccountName",
}

type listing struct{ *flat }

func (r *listing) Read(b input.Block, next exec.Sink) error {
	data := b.Data
	r.begin(data)
	var l *listedAs
	for at := skipLines(data, 0); at < len(data); at = skipLines(data, at) {
		if l == nil || !l.begins(data, at) {
			if l = listedAt(data, at); l == nil {
				end := lineEnd(data, at)
				lost(r.want, &b, at, "line of no event of the listing", bytes.TrimSpace(data[at:end]))
				at = end
				continue
			}
		}
		end := l.end(data, at)
		text := bytes.TrimSpace(data[at:end])
		if l.column > 0 {
			r.list(data[at:end], l.column)
		} else {
			r.copied(text)
		}
		if err := r.end(&b, at, text, 0, next); err != nil {
			return err
		}
		at = end
	}
	return r.push(next)
}

// skipLines skips lines that are blank.
func skipLines(data []byte, at int) int {
	for at < len(data) {
		end := lineEnd(data, at)
		if len(bytes.TrimSpace(data[at:end])) > 0 {
			break
		}
		at = end
	}
	return at
}

// copied reads Name: value lines, of which the description is the last. What stands
// after it as XML is the event.
func (r *listing) copied(text []byte) {
	r.field("Task Category", nil) // they are events as Event Viewer has them
	for len(text) > 0 {
		end := lineEnd(text, 0)
		line := bytes.TrimRight(text[:end], "\r\n")
		text = text[end:]
		name, value, ok := bytes.Cut(line, []byte{':'})
		key := strings.TrimSpace(lend(name))
		if !ok {
			continue
		}
		if key == "Description" {
			if value = bytes.TrimSpace(value); len(value) > 0 {
				text = append(append(slices.Clip(value), '\n'), text...)
			}
			message, event, _ := bytes.Cut(text, []byte("\nEvent Xml:"))
			if eventStart(event, 0) >= 0 {
				r.unwrapper().xmlText(event, mapping.Whole)
			}
			r.field("Message", bytes.TrimSpace(message))
			return
		}
		if n := copiedNames[key]; n != "" {
			key = n
		}
		if value = bytes.TrimSpace(value); len(value) > 0 && string(value) != "N/A" {
			r.field(key, value)
		}
	}
}

// list reads the lines of a Format-List. What stands below the value of a name belongs
// to it.
func (r *listing) list(text []byte, column int) {
	width, indent := 0, column+len(": ")
	for line := range bytes.Lines(text) {
		width = max(width, utf8.RuneCount(bytes.TrimRight(line, "\r\n")))
	}
	name, value, before := "", []byte(nil), 0
	give := func() {
		if value = bytes.TrimRight(value, "\r\n"); name != "" && len(value) > 0 {
			r.field(name, value)
		}
	}
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, "\r\n")
		if n, c := listName(line, 0); c == column {
			give()
			name, value = n, slices.Clone(line[min(indent, len(line)):])
		} else {
			below := line[min(indent, len(line), len(line)-len(bytes.TrimLeft(line, " "))):]
			value = append(append(value, lineBreak(before, below, width, indent)...), below...)
		}
		before = utf8.RuneCount(line)
	}
	give()
}

// lineBreak is what a value has between two lines of it, of which the first is so many
// columns wide: a line end, or what the console's width has made one of.
func lineBreak(before int, next []byte, width, indent int) string {
	word := next
	if i := bytes.IndexByte(next, ' '); i >= 0 {
		word = next[:i]
	}
	if label, _, ok := bytes.Cut(next, []byte{':'}); ok && isKey(bytes.ReplaceAll(bytes.TrimSpace(label), []byte{' '}, nil)) && len(label) <= labelBytesMax {
		return "\n" // the next line of a message
	}
	first := utf8.RuneCount(word)
	switch {
	case first == 0 || before+1+first <= width:
		return "\n" // the word had found its place
	case before == width && first == width-indent:
		return "" // a word longer than the console is wide
	}
	return " "
}
