package search

import (
	"net/http"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// filter answers a query with one more condition, which its messages meet before the first
// stage that aggregates or orders them: {"query", "field", "value", "without", "number"}.
func (p *Page) filter(r *http.Request) (any, error) {
	var ask struct {
		Query   string `json:"query"`
		Field   string `json:"field"`
		Value   string `json:"value"`
		Without bool   `json:"without"` // messages with the value are left out
		Number  bool   `json:"number"`  // the value is a number
	}
	if err := access.Body(r, languageMost, &ask); err != nil {
		return nil, err
	}
	if ask.Field == "" {
		return nil, access.Bad("The field is missing.")
	}
	q, wrong := p.o.Jobs.Compile(ask.Query)
	if wrong.HasErrors() {
		return nil, access.Bad("The query cannot be read: %s.", firstError(wrong))
	}
	op := "="
	if ask.Without {
		op = "!="
	}
	value := literal(ask.Value)
	if ask.Number && !event.Number(ask.Value).IsNull() {
		value = ask.Value
	}
	stage := "| where " + syntax.Quoted(ask.Field) + " " + op + " " + value
	text := ask.Query
	at := len(strings.TrimRight(text, " \t\r\n"))
	for i, s := range q.Tree.Stages {
		upTo, _ := p.o.Jobs.Compile(text[:s.Pos.End])
		if upTo != nil && upTo.Messages && upTo.Streams() {
			continue
		}
		if i > 0 {
			at = q.Tree.Stages[i-1].Pos.End
		} else if q.Tree.Search != nil {
			at = q.Tree.Search.Span().End
		} else {
			return nil, access.Bad("The query has no messages that could be filtered.")
		}
		break
	}
	head, tail := text[:at], text[at:]
	if rest := strings.TrimLeft(tail, " \t"); strings.HasPrefix(rest, "|") {
		tail = "\n" + rest
	}
	if strings.TrimSpace(head) == "" {
		head = "*"
	}
	changed := head + "\n" + stage + tail
	if _, wrong := p.o.Jobs.Compile(changed); wrong.HasErrors() {
		return nil, access.Bad("The condition cannot be written here: %s.", firstError(wrong))
	}
	return map[string]any{"query": changed, "from": textOf(head).units(len(head)), "stage": stage}, nil
}

// literal is a text as a query writes it. What would begin a template parameter is put
// together of two.
func literal(v string) string {
	if i := strings.Index(v, "{{"); i >= 0 {
		return "concat(" + literal(v[:i+1]) + ", " + literal(v[i+1:]) + ")"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(v) + `"`
}

// firstError is what is wrong with a query, in a few words.
func firstError(l diag.List) string {
	for _, d := range l {
		if d.Severity == diag.Error {
			return d.Message
		}
	}
	return "it has a mistake"
}
