// Package conformance runs files of cases that pin the language by data: a
// query, messages, and the rows it must give. The form of a case is that of the
// language specification, section H; any engine can run the same files.
package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Case is one query with its input and what must come of it.
type Case struct {
	ID        string            `json:"id"`
	Operator  string            `json:"operator"`
	Doc       string            `json:"doc"`
	Query     string            `json:"query"`
	Input     []json.RawMessage `json:"input"` // a string is _raw, an object a message
	Expect    Expect            `json:"expect"`
	Ordered   bool              `json:"ordered"`
	Exact     bool              `json:"exact"` // exactly these columns in this order
	Context   Context           `json:"context"`
	Tolerance *float64          `json:"tolerance"` // absolute; default relative 1e-9
	Note      string            `json:"note"`

	File string `json:"-"`
	Line int    `json:"-"`
}

// Expect is what a case must give: rows, or an error of a class.
type Expect struct {
	Fields []string `json:"fields"`
	Rows   [][]any  `json:"rows"`
	Error  string   `json:"error"` // "syntax", "semantic" or "error", which is either

	Findings []Finding `json:"findings"` // diagnostics that must be among those of the query
}

// Finding is a diagnostic that a case expects: its code, and the text of the
// query that it points at, "" for any.
type Finding struct {
	Code string `json:"code"`
	At   string `json:"at"`
}

// Context is what a case needs from outside.
type Context struct {
	From     *int64           `json:"from"` // ms
	To       *int64           `json:"to"`
	Timezone string           `json:"timezone"`
	Tables   map[string]Table `json:"tables"` // lookup tables by path, URL or folder path
}

// Table is a lookup table.
type Table struct {
	Columns []string `json:"columns"`
	Key     []string `json:"key"`
	Rows    [][]any  `json:"rows"`
}

// Result is how one case ended.
type Result struct {
	Case    *Case
	Failure string // "" when it passed
	Took    time.Duration
}

// Classes of errors: what cannot be read as a query is a syntax error, what can
// be but has no meaning a semantic one.
const (
	syntactic = "syntax"
	semantic  = "semantic"
	anyError  = "error" // of cases that name the diagnostic instead
)

const (
	firstTime = 1704067200000 // _messageTime of the first message without one, ms
	stepTime  = 1000          // and how much later each further one is
	tolerance = 1e-9          // relative, for expected numbers
)

// Load reads a file of cases, one JSON object a line.
func Load(name string, r io.Reader) ([]*Case, error) {
	var cases []*Case
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 16<<20)
	for n := 1; sc.Scan(); n++ {
		line := bytes.TrimSpace(sc.Bytes())
		if len(line) == 0 {
			continue
		}
		c := &Case{File: name, Line: n}
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		if err := d.Decode(c); err != nil {
			return nil, fmt.Errorf("%s:%d: not a case: %w", name, n, err)
		}
		switch c.Expect.Error {
		case "", syntactic, semantic, anyError:
		default:
			return nil, fmt.Errorf("%s:%d: case %s expects a %q error; an error is syntax or semantic", name, n, c.ID, c.Expect.Error)
		}
		if c.Expect.Error == "" && c.Expect.Fields == nil {
			return nil, fmt.Errorf("%s:%d: case %s expects nothing", name, n, c.ID)
		}
		cases = append(cases, c)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return cases, nil
}

// Run runs one case with a number of workers.
func Run(ctx context.Context, c *Case, workers int) Result {
	return RunFrom(ctx, c, workers, func(messages []byte) (input.Feeder, error) {
		return input.NewReader(input.Memory("case", messages), []*input.Format{format.Named("jsonl")}, input.Options{Force: format.Named("jsonl")}), nil
	})
}

// RunFrom is Run over another input: open is given the case's messages, as JSON Lines, and
// gives what a query reads of them, as often as it is called.
func RunFrom(ctx context.Context, c *Case, workers int, open func(messages []byte) (input.Feeder, error)) Result {
	start := time.Now()
	failure := c.run(ctx, workers, open)
	return Result{Case: c, Failure: failure, Took: time.Since(start)}
}

func (c *Case) run(ctx context.Context, workers int, from func([]byte) (input.Feeder, error)) string {
	q, diags := query.Compile(diag.Text(c.ID, c.Query), query.Standard(), query.Tables(c.library()))
	missing := c.Expect.findings(func(f Finding) bool {
		return slices.ContainsFunc(diags, func(d *diag.Diagnostic) bool {
			return d.Code == f.Code && (f.At == "" || d.File != nil && d.File.Slice(d.Span) == f.At)
		})
	})
	if missing != "" {
		var b strings.Builder
		diag.WriteText(&b, diags, diag.Style{})
		return missing + b.String()
	}
	if c.Expect.Error != "" {
		return c.refused(diags)
	}
	if err := diags.Err(); err != nil {
		var b strings.Builder
		diag.WriteText(&b, diags, diag.Style{})
		return "the query was refused:\n" + b.String()
	}
	cols, rows, err := c.rows(ctx, q, workers, from)
	if err != nil {
		return err.Error()
	}
	return c.compare(cols, rows)
}

// refused returns what is wrong with how a query was refused, or "".
func (c *Case) refused(diags diag.List) string {
	if !diags.HasErrors() {
		return "the query was accepted; it must be refused with a " + c.Expect.Error + " error"
	}
	class := semantic
	if _, wrong := syntax.Parse(diag.Text(c.ID, c.Query), query.Standard()); wrong.HasErrors() {
		class = syntactic
	}
	if c.Expect.Error == class || c.Expect.Error == anyError {
		return ""
	}
	var b strings.Builder
	diag.WriteText(&b, diags, diag.Style{})
	return "the query was refused with a " + class + " error; it must be a " + c.Expect.Error + " error\n" + b.String()
}

// rows runs the query and returns the names of its columns and its rows.
func (c *Case) rows(ctx context.Context, q *query.Query, workers int, from func([]byte) (input.Feeder, error)) ([]string, [][]event.Value, error) {
	data, err := c.messages()
	if err != nil {
		return nil, nil, err
	}
	open := func() (input.Feeder, error) { return from(data) }
	reader, err := open()
	if err != nil {
		return nil, nil, err
	}
	zone := time.UTC
	if c.Context.Timezone != "" {
		if zone, err = datefmt.Zone(c.Context.Timezone); err != nil {
			return nil, nil, err
		}
	}
	r := query.Run{
		Input: reader, Workers: workers, Now: time.Now(), Zone: zone,
		NoMap: true, Warnings: &exec.Warnings{}, Reopen: open,
	}
	if c.Context.From != nil || c.Context.To != nil {
		r.Bounded, r.From, r.To = true, 0, math.MaxInt64
		if c.Context.From != nil {
			r.From = *c.Context.From
		}
		if c.Context.To != nil {
			r.To = *c.Context.To
		}
	}
	ctx, cancel := context.WithTimeout(ctx, caseTime)
	defer cancel()
	rows, err := q.Collect(ctx, r)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, nil, fmt.Errorf("not finished after %s", caseTime)
	}
	return rows.Columns, rows.Values, err
}

// library is the case's lookup tables.
func (c *Case) library() *lookup.Library {
	l := &lookup.Library{}
	for path, t := range c.Context.Tables {
		table := &lookup.Table{Path: path, Columns: t.Columns, Key: t.Key}
		for _, r := range t.Rows {
			var row []event.Value
			for _, v := range r {
				row = append(row, cell(v))
			}
			table.Rows = append(table.Rows, row)
		}
		l.Add(table)
	}
	return l
}

// cell is a value of a case's table, typed as in JSON.
func cell(v any) event.Value {
	switch v := v.(type) {
	case string:
		return event.Text(v)
	case bool:
		return event.Bool(v)
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return event.Int(i)
		}
		f, _ := v.Float64()
		return event.Float(f)
	}
	return event.Value{}
}

// caseTime is how long one case may take.
const caseTime = 30 * time.Second

// messages writes the input as JSON Lines in the form of a Sumo message export.
func (c *Case) messages() ([]byte, error) {
	var out bytes.Buffer
	for i, raw := range c.Input {
		m := map[string]any{}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if raw[0] == '"' {
			var s string
			if err := d.Decode(&s); err != nil {
				return nil, fmt.Errorf("input %d: %w", i, err)
			}
			m["_raw"] = s
		} else if err := d.Decode(&m); err != nil {
			return nil, fmt.Errorf("input %d: %w", i, err)
		}
		if _, ok := m["_raw"]; !ok {
			m["_raw"] = ""
		}
		if _, ok := m["_messageTime"]; !ok {
			m["_messageTime"] = firstTime + stepTime*i
		}
		if _, ok := m["_receiptTime"]; !ok {
			m["_receiptTime"] = m["_messageTime"]
		}
		b, err := json.Marshal(m)
		if err != nil {
			return nil, err
		}
		out.Write(b)
		out.WriteByte('\n')
	}
	return out.Bytes(), nil
}

// compare returns what is wrong with the rows, or "".
func (c *Case) compare(cols []string, rows [][]event.Value) string {
	at := make([]int, len(c.Expect.Fields))
	if c.Exact && len(rows) > 0 && !slices.EqualFunc(cols, c.Expect.Fields, strings.EqualFold) {
		return fmt.Sprintf("columns are %q, want exactly %q", cols, c.Expect.Fields)
	}
	for i, f := range c.Expect.Fields {
		at[i] = slices.Index(cols, f)
		if at[i] < 0 {
			at[i] = slices.IndexFunc(cols, func(n string) bool { return strings.EqualFold(n, f) })
		}
	}
	got := make([][]event.Value, len(rows))
	for i, r := range rows {
		for _, j := range at {
			v := event.Value{}
			if j >= 0 && j < len(r) {
				v = r[j]
			}
			got[i] = append(got[i], v)
		}
	}
	if len(got) != len(c.Expect.Rows) {
		return fmt.Sprintf("%d rows, want %d\n%s", len(got), len(c.Expect.Rows), c.show(got))
	}
	if c.Ordered {
		for i, want := range c.Expect.Rows {
			if !c.equalRow(got[i], want) {
				return fmt.Sprintf("row %d differs\n%s", i+1, c.show(got))
			}
		}
		return ""
	}
	left := slices.Clone(got)
	for _, want := range c.Expect.Rows {
		i := slices.IndexFunc(left, func(g []event.Value) bool { return c.equalRow(g, want) })
		if i < 0 {
			return fmt.Sprintf("no row is %s\n%s", mustJSON(want), c.show(got))
		}
		left = slices.Delete(left, i, i+1)
	}
	return ""
}

func (c *Case) equalRow(got []event.Value, want []any) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if !c.equal(got[i], want[i]) {
			return false
		}
	}
	return true
}

// equal follows rule 4 of the specification's runner.
func (c *Case) equal(got event.Value, want any) bool {
	switch w := want.(type) {
	case nil:
		return got.IsNull()
	case string:
		return !got.IsNull() && got.String() == w
	case bool:
		return !got.IsNull() && got.String() == strconv.FormatBool(w)
	case json.Number:
		g, ok := got.Float()
		f, err := w.Float64()
		if !ok || err != nil {
			return false
		}
		if c.Tolerance != nil {
			return math.Abs(g-f) <= *c.Tolerance
		}
		return g == f || math.Abs(g-f) <= tolerance*math.Abs(f)
	}
	return false
}

func (c *Case) show(got [][]event.Value) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  query: %s\n  fields: %q\n", c.Query, c.Expect.Fields)
	for _, r := range got {
		b.WriteString("  got:  [")
		for i, v := range r {
			if i > 0 {
				b.WriteString(", ")
			}
			switch v.Kind() {
			case event.Null:
				b.WriteString("null")
			case event.String:
				b.WriteString(strconv.Quote(v.Str()))
			default:
				b.WriteString(v.String())
			}
		}
		b.WriteString("]\n")
	}
	for _, r := range c.Expect.Rows {
		fmt.Fprintf(&b, "  want: %s\n", mustJSON(r))
	}
	return b.String()
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
