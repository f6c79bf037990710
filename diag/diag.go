// Package diag holds the texts a user wrote and what gyoji has to say of them:
// files, spans, and diagnostics with a reason, a place and a way out.
package diag

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// File is a text a user wrote: a query, a rule, a manifest.
type File struct {
	Name string // as the user gave it; "query" for one typed on the command line
	Text string

	lines []int // byte offset of the start of each line
}

// Text makes a File and finds its lines.
func Text(name, text string) *File {
	f := &File{Name: name, Text: text, lines: make([]int, 1, strings.Count(text, "\n")+1)}
	for at := 0; ; {
		i := strings.IndexByte(text[at:], '\n')
		if i < 0 {
			return f
		}
		at += i + 1
		f.lines = append(f.lines, at)
	}
}

// Place is a position people count by: lines and columns from 1, columns in characters.
type Place struct{ Line, Col int }

// Place turns a byte offset into a line and column. An offset past the end is the end.
func (f *File) Place(offset int) Place {
	offset = max(0, min(offset, len(f.Text)))
	i := sort.SearchInts(f.lines, offset+1) - 1
	return Place{i + 1, utf8.RuneCountInString(f.Text[f.lines[i]:offset]) + 1}
}

// Offset turns a line and column back into a byte offset. A column past the end
// of its line is that end, a line past the last one the end of the text.
func (f *File) Offset(p Place) int {
	if p.Line < 1 {
		return 0
	}
	if p.Line > len(f.lines) {
		return len(f.Text)
	}
	at := f.lines[p.Line-1]
	for col := 1; col < p.Col && at < len(f.Text) && f.Text[at] != '\n'; col++ {
		_, n := utf8.DecodeRuneInString(f.Text[at:])
		at += n
	}
	return at
}

// Line returns the text of a line, counted from 1, without its line end.
func (f *File) Line(n int) string {
	if n < 1 || n > len(f.lines) {
		return ""
	}
	end := len(f.Text)
	if n < len(f.lines) {
		end = f.lines[n] - 1
	}
	return strings.TrimSuffix(f.Text[f.lines[n-1]:end], "\r")
}

// Slice returns the text of a span.
func (f *File) Slice(s Span) string {
	if s.Start < 0 || s.End > len(f.Text) || s.Start > s.End {
		return ""
	}
	return f.Text[s.Start:s.End]
}

// Span is a range of bytes of a File, End excluded.
type Span struct{ Start, End int }

// Join returns the span from the start of s to the end of o.
func (s Span) Join(o Span) Span { return Span{min(s.Start, o.Start), max(s.End, o.End)} }

// Severity says how much a diagnostic matters.
type Severity uint8

const (
	Error   Severity = iota // the text cannot be used
	Warning                 // it runs, but probably not as meant, or not on Sumo Logic
	Note                    // worth knowing
)

func (s Severity) String() string { return [...]string{"error", "warning", "note"}[min(s, Note)] }

// Edit replaces a span of the file's text.
type Edit struct {
	Span Span
	New  string
}

// Fix is a change that mends what a diagnostic found.
type Fix struct {
	Title string // "write: toLowerCase(Image) as image_lower"
	Edits []Edit // in ascending order, not overlapping
	Safe  bool   // keeps the meaning, so that it may be made without asking
}

// Label is a second place that a diagnostic is about.
type Label struct {
	Span Span
	Text string
}

// Diagnostic is one finding about a text.
type Diagnostic struct {
	Severity Severity
	Code     string // stable, a word: "unknown-operator"; a page of the reference
	File     *File
	Span     Span
	Message  string // what is wrong, in the words of the text
	Mark     string // short note at the caret: "here", "expected a duration"
	Help     string // what to do
	Labels   []Label
	Fix      *Fix
}

func (d *Diagnostic) Error() string {
	if d.File == nil {
		return d.Message
	}
	p := d.File.Place(d.Span.Start)
	return fmt.Sprintf("%s:%d:%d: %s: %s [%s]", d.File.Name, p.Line, p.Col, d.Severity, d.Message, d.Code)
}

// List is what one pass over a text found, in source order once sorted.
type List []*Diagnostic

// Add appends a diagnostic.
func (l *List) Add(d *Diagnostic) { *l = append(*l, d) }

// Sort puts the list in source order; findings at one place keep theirs.
func (l List) Sort() {
	sort.SliceStable(l, func(i, j int) bool { return l[i].Span.Start < l[j].Span.Start })
}

// HasErrors reports whether any of the list is an error.
func (l List) HasErrors() bool {
	for _, d := range l {
		if d.Severity == Error {
			return true
		}
	}
	return false
}

// Err is the list as an error, or nil when it has none of severity Error.
func (l List) Err() error {
	if !l.HasErrors() {
		return nil
	}
	return &Failure{l}
}

// Failure is an error that is a list of diagnostics. Doors print it whole.
type Failure struct{ List List }

func (f *Failure) Error() string {
	var first *Diagnostic
	n := 0
	for _, d := range f.List {
		if d.Severity == Error {
			if n++; first == nil {
				first = d
			}
		}
	}
	if n == 1 {
		return first.Error()
	}
	return fmt.Sprintf("%s (and %d more)", first.Error(), n-1)
}
