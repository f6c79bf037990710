package proof

import (
	"bytes"
	"cmp"
	"context"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Examples are two events made for a side: the smallest that it matches, and the one most
// like it that it does not. Either is nil where none was made. Unlike Check, what is read
// has the further names that gyoji gives it.
func Examples(ctx context.Context, s *Side) (hit, miss Event, err error) {
	kinds := append(frames(s, s), frame{})
	for _, c := range s.categories() {
		kinds = append(kinds, frame{category: c})
	}
	made, _ := makeWithin(ctx, kinds, s, s)
	verdicts, err := s.matches(ctx, made)
	if err != nil {
		return nil, nil, err
	}
	for i, e := range made {
		if verdicts[i] && (hit == nil || smaller(e, hit) < 0) {
			hit = e
		}
	}
	if hit == nil {
		return nil, nil, nil
	}
	most := -1
	for i, e := range made {
		if verdicts[i] {
			continue
		}
		like := 0
		for n, v := range hit {
			switch got, ok := e[n]; {
			case ok && got == v:
				like += 4
			case ok && got != "":
				like++
			}
		}
		if like -= len(e); like > most || miss == nil {
			miss, most = e, like
		}
	}
	return hit, miss, nil
}

// Line is the event as a line of a log: one that is of a category is a message as Sumo
// Logic exports it, and text without a name is its message.
func (e Event) Line() string {
	of := Event{}
	for n, v := range e {
		if n != "_sourceCategory" {
			of[cmp.Or(n, "message")] = v
		}
	}
	c := e["_sourceCategory"]
	if c == "" {
		return of.String()
	}
	if len(of) == 1 && of["message"] != "" {
		return Event{"_sourceCategory": c, "_raw": of["message"]}.String()
	}
	out := Event{"_sourceCategory": c, "_raw": of.String()}
	for n, v := range of { // as an export has the fields that Sumo Logic found by itself
		out[n] = v
	}
	return out.String()
}

// matches runs a side over events.
func (s *Side) matches(ctx context.Context, events []Event) ([]bool, error) {
	var data bytes.Buffer
	rows := map[uint64]int{}
	for i, e := range events {
		rows[event.Position(0, int64(data.Len()))] = i
		data.WriteString(e.Line())
		data.WriteByte('\n')
	}
	hits, err := s.run(ctx, input.NewReader(input.Memory("made", data.Bytes()), jsonl, input.Options{}), false)
	out := make([]bool, len(events))
	for pos := range hits {
		out[rows[pos]] = true
	}
	return out, err
}

// Reads reports whether a side's condition reads a field.
func (s *Side) Reads(name string) (reads bool) {
	expr.Walk(s.cond, func(x expr.Expr) bool {
		f, ok := x.(*expr.Field)
		reads = reads || ok && strings.EqualFold(f.Name, name)
		return !reads
	})
	return reads
}

// categories are values of _sourceCategory that a side asks for, * being nothing.
func (s *Side) categories() (out []string) {
	expr.Walk(s.cond, func(x expr.Expr) bool {
		named := false
		var texts []string
		x.Parts(func(p expr.Expr) {
			switch p := p.(type) {
			case *expr.Field:
				named = named || strings.EqualFold(p.Name, "_sourceCategory")
			case *expr.Const:
				texts = append(texts, p.Value.Str())
			}
		})
		if g, ok := x.(*expr.Glob); ok {
			texts = append(texts, strings.Join(g.Glob.Literals(), ""))
		}
		if named {
			for _, t := range texts {
				if t = strings.Trim(strings.ReplaceAll(t, "*", ""), "/"); t != "" && len(out) < 4 {
					out = append(out, t)
				}
			}
		}
		return true
	})
	return out
}
