package query

import (
	"fmt"
	"io"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Explain prints the plan: the steps in the order they run, the fields that are
// read from events, and the literals that events are searched for.
func (q *Query) Explain(w io.Writer) {
	fmt.Fprintln(w, "Plan")
	for i, s := range q.steps {
		where := "in every worker, row by row"
		switch {
		case s.Flow == lang.Collects && i < q.cut:
			where = "in every worker, then merged"
		case i >= q.cut:
			where = "in one place, in order"
		}
		fmt.Fprintf(w, "  %2d. %-58s %s\n", i+1, q.stepText(s), where)
	}
	fmt.Fprintln(w, "\nFields read from events")
	fmt.Fprintf(w, "  %s\n", wrap(q.fieldNames(&q.want), 76, "  "))
	fmt.Fprintln(w, "\nSearched for in the raw bytes, before an event is decoded (any letter case)")
	if len(q.need) == 0 {
		fmt.Fprintln(w, "  nothing: no condition needs a literal, so every event is decoded")
	}
	for _, n := range q.need {
		what := "the event"
		if n.Slot != event.None {
			what = q.Layout.Name(n.Slot)
		}
		fmt.Fprintf(w, "  %s holds one of\n    %s\n", what, wrap(quoteAll(n.Any), 74, "  "))
	}
	fmt.Fprintln(w, "\nColumns of the result")
	if q.Columns == nil {
		fmt.Fprintln(w, "  every field of the messages")
		return
	}
	var names []string
	for _, c := range q.Columns {
		if c.Slot == event.None {
			c.Name = "one for each value that transpose finds"
		}
		names = append(names, c.Name)
	}
	fmt.Fprintf(w, "  %s\n", wrap(names, 76, "  "))
}

func (q *Query) stepText(s lang.Step) string {
	text := s.Name
	switch {
	case s.Syntax != nil:
		text = q.Tree.File.Slice(s.Syntax.Pos)
	case s.Part == lang.Searching:
		text = "search " + q.Tree.File.Slice(searchSpan(q.Tree))
	case s.Part == lang.NewestInTime:
		text = "newest first (the order of messages)"
	}
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 56 {
		text = string(r[:55]) + "…"
	}
	return text
}

func searchSpan(t *syntax.Query) (s diag.Span) {
	if t.Search != nil {
		return t.Search.Span()
	}
	return s
}

func (q *Query) fieldNames(f *event.Fields) []string {
	var names []string
	for _, s := range f.Slots() {
		name := q.Layout.Name(s)
		if key, ok := lang.SpelledKey(name); ok {
			name = fmt.Sprintf("%q of the text", key)
		}
		names = append(names, name)
	}
	if f.All {
		names = append(names, "and every other field")
	}
	if len(names) == 0 {
		names = append(names, "none: events are only counted")
	}
	return names
}

func quoteAll(ss []string) []string {
	out := make([]string, len(ss))
	for i, s := range ss {
		out[i] = fmt.Sprintf("%q", s)
	}
	return out
}

// wrap joins words with commas and breaks lines.
func wrap(words []string, width int, indent string) string {
	var b strings.Builder
	col := 0
	for i, w := range words {
		if i < len(words)-1 {
			w += ","
		}
		if col > 0 && col+1+len(w) > width {
			b.WriteString("\n" + indent + "  ")
			col = 0
		} else if col > 0 {
			b.WriteByte(' ')
			col++
		}
		b.WriteString(w)
		col += len(w)
	}
	return b.String()
}
