package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// LoadFile reads a file of cases: JSON Lines, or the form for people where the
// name ends in .case.
func LoadFile(name string, r io.Reader) ([]*Case, error) {
	if strings.EqualFold(path.Ext(name), ".case") {
		return loadText(name, r)
	}
	return Load(name, r)
}

// loadText reads cases in the form for people:
//
//	# What this case shows.
//	from spec C.4 accum
//	load {"_raw":"","n":2}
//	range 1704067200000 1704070800000
//	zone Europe/Berlin
//	table /Library/T {"columns":["id"],"key":["id"],"rows":[["1"]]}
//	eval * | accum n
//	  expect warning some-code at "text of the query"
//	  expect ordered
//	  {"_accum":2}
//
// A blank line ends a case. There is one verb, eval; what is expected of it
// stands indented below: rows as JSON objects of the columns compared, nothing
// (no rows), ordered, error and warning with the code of the diagnostic and the
// text it points at. A query goes on in lines indented by "|". Each load is a
// message, an object or a JSON string that is its _raw. A paragraph of load,
// range, zone and table without eval holds for the cases below it that have no load.
func loadText(name string, r io.Reader) ([]*Case, error) {
	p := &casePage{name: name}
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 16<<20)
	for n := 1; sc.Scan(); n++ {
		if err := p.line(n, strings.TrimRight(sc.Text(), " \t\r")); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := p.end(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p.cases, nil
}

type casePage struct {
	name   string
	cases  []*Case
	common Case // input and context of cases that have none

	cur     *Case
	from    bool
	nothing bool
	rows    []map[string]any
}

func (p *casePage) open(n int) *Case {
	if p.cur == nil {
		p.cur = &Case{File: p.name, Line: n, Context: p.common.Context}
		p.nothing, p.rows, p.from = false, nil, false
	}
	return p.cur
}

func (p *casePage) line(n int, text string) error {
	if text == "" {
		return p.end()
	}
	c := p.open(n)
	word, rest, _ := strings.Cut(strings.TrimLeft(text, " \t"), " ")
	if text[0] == ' ' || text[0] == '\t' {
		if c.Query == "" {
			return errors.New("an indented line stands below eval")
		}
		return p.expect(c, word, rest, strings.TrimSpace(text))
	}
	switch word {
	case "#":
		c.Note = strings.TrimSpace(c.Note + " " + rest)
	case "from":
		c.Doc, p.from = rest, rest != ""
	case "load":
		if !json.Valid([]byte(rest)) || rest[0] != '{' && rest[0] != '"' {
			return fmt.Errorf("load takes a JSON object or string, not %s", rest)
		}
		c.Input = append(c.Input, json.RawMessage(rest))
	case "range":
		var from, to int64
		if _, err := fmt.Sscanf(rest, "%d %d", &from, &to); err != nil {
			return errors.New("range takes two times in ms: range 1704067200000 1704070800000")
		}
		c.Context.From, c.Context.To = &from, &to
	case "zone":
		c.Context.Timezone = rest
	case "table":
		path, text, _ := strings.Cut(rest, " ")
		var t Table
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&t); err != nil || t.Columns == nil {
			return errors.New(`table takes a path and its rows: table /Library/T {"columns":["id"],"rows":[["1"]]}`)
		}
		tables := maps.Clone(c.Context.Tables) // the cases below have those above too
		if tables == nil {
			tables = map[string]Table{}
		}
		tables[path] = t
		c.Context.Tables = tables
	case "eval":
		c.Query, c.Line = rest, n
	default:
		return fmt.Errorf("there is no %q here; a line starts with #, from, load, range, zone, table or eval", word)
	}
	return nil
}

func (p *casePage) expect(c *Case, word, rest, text string) error {
	switch {
	case word == "|":
		c.Query += "\n" + text
	case word[0] == '{':
		row := map[string]any{}
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&row); err != nil {
			return fmt.Errorf("a row is a JSON object: %w", err)
		}
		p.rows = append(p.rows, row)
	case word == "expect" && rest == "ordered":
		c.Ordered = true
	case word == "expect" && rest == "nothing":
		p.nothing = true
	case word == "expect":
		kind, rest, _ := strings.Cut(rest, " ")
		code, at, pointed := strings.Cut(rest, " at ")
		f := Finding{Code: code}
		if pointed {
			var err error
			if f.At, err = strconv.Unquote(at); err != nil {
				return fmt.Errorf("a text in double quotes is expected after at, not %s", at)
			}
		}
		switch {
		case code == "":
			return errors.New("expect error and expect warning name the code of the diagnostic")
		case kind == "error":
			c.Expect.Error = anyError
			c.Expect.Findings = append(c.Expect.Findings, f)
		case kind == "warning":
			c.Expect.Findings = append(c.Expect.Findings, f)
		default:
			return fmt.Errorf("there is no expect %s; write ordered, nothing, error or warning", kind)
		}
	default:
		return fmt.Errorf("there is no %q below eval; write a row, or expect", word)
	}
	return nil
}

// end closes a paragraph.
func (p *casePage) end() error {
	c := p.cur
	if c == nil {
		return nil
	}
	p.cur = nil
	if c.Query == "" {
		if c.Input != nil || c.Context.Tables != nil {
			p.common = Case{Input: c.Input, Context: c.Context}
		}
		return nil // a comment, or what is common to the cases below
	}
	where := fmt.Sprintf("the case of line %d", c.Line)
	if !p.from {
		return fmt.Errorf("%s does not say where its truth comes from: from spec C.4, or from ours", where)
	}
	if c.Input == nil {
		c.Input = p.common.Input
	}
	c.ID = fmt.Sprintf("%s:%d", path.Base(p.name), c.Line)
	if c.Expect.Error != "" {
		if p.rows != nil || p.nothing {
			return fmt.Errorf("%s expects an error and rows", where)
		}
		p.cases = append(p.cases, c)
		return nil
	}
	if p.rows == nil && !p.nothing {
		return fmt.Errorf("%s expects nothing; write the rows, or: expect nothing", where)
	}
	c.Expect.Fields = []string{}
	for i, row := range p.rows {
		if i == 0 {
			for f := range row {
				c.Expect.Fields = append(c.Expect.Fields, f)
			}
			slices.Sort(c.Expect.Fields)
		}
		var vals []any
		for _, f := range c.Expect.Fields {
			v, ok := row[f]
			if !ok || len(row) != len(c.Expect.Fields) {
				return fmt.Errorf("%s: every row names the same columns, and row %d does not; write null for what is missing", where, i+1)
			}
			vals = append(vals, v)
		}
		c.Expect.Rows = append(c.Expect.Rows, vals)
	}
	p.cases = append(p.cases, c)
	return nil
}

// findings checks the diagnostics of a query against those expected.
func (e *Expect) findings(found func(Finding) bool) string {
	var missing bytes.Buffer
	for _, f := range e.Findings {
		if !found(f) {
			fmt.Fprintf(&missing, "there is no diagnostic %s", f.Code)
			if f.At != "" {
				fmt.Fprintf(&missing, " at %q", f.At)
			}
			missing.WriteByte('\n')
		}
	}
	return missing.String()
}
