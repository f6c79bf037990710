// Package langtest helps to test the language: it makes events that a query has
// something to do with, and keeps the generated parts of documents up to date.
package langtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/syntax"
)

// eventTime is the _messageTime of the first event, eventStep how much later each
// further one is, both in ms. The step is uneven to every common timeslice.
const (
	eventTime = 1704067200000
	eventStep = 61_000
)

// Events makes n messages for a query, as JSON Lines in the form of a Sumo
// message export, oldest first. They are shaped from the query's own text: its
// field names, the literals it compares with, its parse anchors, regular
// expressions and JSON paths. Most of them go far down the pipe; every fourth
// says no to each comparison, and every eighth lacks what would be parsed. The
// same query gives the same bytes.
func Events(q *syntax.Query, n int) []byte {
	s := &shape{fields: map[string]*field{}}
	s.query(q)
	var out bytes.Buffer
	for i := range n {
		m := map[string]any{"_messageTime": eventTime + i*eventStep, "_receiptTime": eventTime + i*eventStep + 500}
		e := &event{shape: s, i: i, busy: map[string]bool{}}
		m[rawName] = e.raw()
		for _, k := range s.order {
			f := s.fields[k]
			if k == rawName || f.made || m[k] != nil {
				continue
			}
			if v := e.value(f.name); v != "" {
				m[f.name] = v
			}
		}
		line, err := json.Marshal(m)
		if err != nil {
			panic(fmt.Sprintf("bug: langtest: %v", err))
		}
		out.Write(line)
		out.WriteByte('\n')
	}
	return out.Bytes()
}

const rawName = "_raw"

// shape is what a query says of its events.
type shape struct {
	fields map[string]*field // by lower-case name
	order  []string          // keys of fields, in order of first mention
	words  []string          // of the search expression
}

// field is one field that a query names.
type field struct {
	name    string
	likes   []string // values that comparisons are looking for
	numeric bool
	date    string // the pattern it is read as a date by
	address bool

	// What later stages take out of the field's text.
	paths    []path
	anchors  [][]part
	patterns []*pattern
	pairs    []string // names of key=value pairs
	columns  []column // of csv and split
	comma    string   // between the columns
	made     bool     // by a stage, not by the event
}

// path is a JSON path with the field its value goes to.
type path struct{ path, to string }

// part is a text of a parse anchor, and the field of the * behind it.
type part struct{ text, to string }

// column is a numbered column.
type column struct {
	n  int
	to string
}

func (s *shape) field(name string) *field {
	k := strings.ToLower(name)
	f := s.fields[k]
	if f == nil {
		f = &field{name: name}
		s.fields[k] = f
		s.order = append(s.order, k)
	}
	return f
}

func (f *field) like(v string) {
	for _, o := range f.likes {
		if o == v {
			return
		}
	}
	f.likes = append(f.likes, v)
}

func (f *field) pattern(s *shape, text string) {
	if p := s.readPattern(text); p != nil {
		f.patterns = append(f.patterns, p)
	}
}

// query reads what a query says, stages last to first, so that what an alias is
// compared with is known where the alias is made.
func (s *shape) query(q *syntax.Query) {
	s.search(q.Search, true)
	for i := len(q.Stages) - 1; i >= 0; i-- {
		s.stage(q.Stages[i])
	}
}

func (s *shape) search(x syntax.Search, yes bool) {
	switch x := x.(type) {
	case *syntax.And:
		for _, y := range x.List {
			s.search(y, yes)
		}
	case *syntax.Or:
		for _, y := range x.List {
			s.search(y, yes)
		}
	case *syntax.Group:
		s.search(x.X, yes)
	case *syntax.Not:
		s.search(x.X, !yes)
	case *syntax.Term:
		if yes {
			s.words = append(s.words, unglob(x.Text))
		}
	case *syntax.FieldTerm:
		f := s.field(x.Field.Name)
		for _, v := range x.Values {
			if yes {
				f.like(unglob(v.Text))
			}
		}
	case *syntax.Subquery:
		s.query(x.Query)
	}
}

// unglob is a text that a wildcard fits.
func unglob(pattern string) string { return strings.ReplaceAll(pattern, "*", "x") }

func (s *shape) stage(st *syntax.Stage) {
	switch st.Kind {
	case syntax.Grouping:
		for _, a := range st.Aggs {
			name := strings.ToLower(a.Func.Text)
			for _, x := range a.Args {
				if f, ok := x.(*syntax.Field); ok {
					g := s.field(f.Name)
					switch name {
					case "sum", "avg", "pct", "stddev", "min", "max", "median":
						g.numeric = true
					}
				}
			}
			if a.As != nil {
				s.field(a.As.Name).made = true
			}
		}
		for _, b := range st.By {
			s.expr(b.X, true)
		}
		return
	case syntax.Assigning:
		s.assign(st.X, st.As)
		return
	}
	switch name := strings.ToLower(st.Op.Text); name {
	case "where":
		for _, a := range st.Args {
			if x, ok := a.Value.(syntax.Expr); ok {
				s.expr(x, true)
			}
		}
	case "parse":
		s.parse(st)
	case "parse regex", "extract":
		f := s.source(st.Args)
		for _, a := range st.Args {
			if p, ok := a.Value.(*syntax.String); ok {
				f.pattern(s, p.Raw)
			}
		}
	case "json", "json auto", "parse xml", "keyvalue", "kv":
		s.keys(st, name)
	case "csv", "split":
		s.columns(st)
	case "geoip", "threatip":
		for _, f := range fieldsOf(st) {
			s.field(f).address = true
		}
	default:
		for _, f := range fieldsOf(st) {
			s.field(f)
		}
		for _, a := range st.Args {
			s.children(a.Value)
		}
	}
}

// children reads the queries inside a stage.
func (s *shape) children(n syntax.Node) {
	switch n := n.(type) {
	case *syntax.Query:
		s.query(n)
	case *syntax.Clause:
		for _, a := range n.Args {
			s.children(a.Value)
		}
	}
}

// fieldsOf lists the fields that a stage names outside its child queries.
func fieldsOf(st *syntax.Stage) (names []string) {
	syntax.Walk(st, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Query:
			return false
		case *syntax.Field:
			names = append(names, n.Name)
		}
		return true
	})
	return names
}

// source is the field that a parsing stage reads.
func (s *shape) source(args []syntax.Arg) *field {
	for _, a := range args {
		if f, ok := a.Value.(*syntax.Field); ok && a.Slot == "from" {
			return s.field(f.Name)
		}
	}
	return s.field(rawName)
}

func (s *shape) parse(st *syntax.Stage) {
	from := s.source(st.Args)
	for _, a := range st.Args {
		c, ok := a.Value.(*syntax.Clause)
		if !ok {
			continue
		}
		var pattern string
		var names []string
		for _, b := range c.Args {
			switch v := b.Value.(type) {
			case *syntax.String:
				pattern = v.Value
			case *syntax.Field:
				names = append(names, v.Name)
				s.field(v.Name).made = true
			}
		}
		var parts []part
		for i, text := range strings.Split(pattern, "*") {
			p := part{text: text}
			if i < len(names) {
				p.to = names[i]
			}
			parts = append(parts, p)
		}
		from.anchors = append(from.anchors, parts)
	}
}

func (s *shape) keys(st *syntax.Stage, op string) {
	from := s.source(st.Args)
	var keys, names []string
	for _, a := range st.Args {
		switch v := a.Value.(type) {
		case *syntax.String:
			switch a.Slot {
			case "paths", "keys":
				keys = append(keys, v.Value)
			case "regex":
				from.pattern(s, v.Raw)
			}
		case *syntax.Field:
			if a.Slot == "names" {
				names = append(names, v.Name)
			}
		}
	}
	for i, k := range keys {
		to := k
		if i < len(names) {
			to = names[i]
		}
		s.field(to).made = true
		switch op {
		case "keyvalue", "kv":
			from.pairs = append(from.pairs, k)
			if to != k {
				from.pairs[len(from.pairs)-1] = k + "\x00" + to
			}
		case "parse xml":
			from.paths = append(from.paths, path{"xml:" + k, to})
		default:
			from.paths = append(from.paths, path{k, to})
		}
	}
	if op == "json auto" && len(keys) == 0 {
		from.paths = append(from.paths, path{"", ""}) // an object, of the fields no stage makes
	}
}

func (s *shape) columns(st *syntax.Stage) {
	from := s.source(st.Args)
	from.comma = ","
	next := 1
	for _, a := range st.Args {
		switch v := a.Value.(type) {
		case *syntax.String:
			if a.Slot == "delim" && v.Value != "" {
				from.comma = v.Value
			}
		case *syntax.Clause:
			c := column{n: next}
			for _, b := range v.Args {
				switch w := b.Value.(type) {
				case *syntax.Number:
					c.n = int(w.Int)
				case *syntax.Field:
					c.to = w.Name
					s.field(w.Name).made = true
				}
			}
			next = c.n + 1
			from.columns = append(from.columns, c)
		}
	}
}

// assign reads x as name: what the name is compared with, x should be.
func (s *shape) assign(x syntax.Expr, as *syntax.Field) {
	s.expr(x, true)
	if as == nil {
		return
	}
	to := s.field(as.Name)
	from := inner(x)
	if from != nil && !strings.EqualFold(from.Name, as.Name) {
		f := s.field(from.Name)
		for _, v := range to.likes {
			f.like(v)
		}
		f.numeric = f.numeric || to.numeric
	}
	if from == nil || !strings.EqualFold(from.Name, as.Name) {
		to.made = true
	}
}

// inner is the field that an expression is about: that of toLowerCase(f), or of
// the first argument of any other function.
func inner(x syntax.Expr) *syntax.Field {
	switch x := x.(type) {
	case *syntax.Field:
		return x
	case *syntax.Paren:
		return inner(x.X)
	case *syntax.Call:
		if strings.EqualFold(x.Func.Text, "if") {
			return nil
		}
		if len(x.Args) > 0 {
			return inner(x.Args[0])
		}
	}
	return nil
}

// expr notes what an expression compares fields with; yes is false below a not.
func (s *shape) expr(x syntax.Expr, yes bool) {
	switch x := x.(type) {
	case *syntax.Field:
		s.field(x.Name)
	case *syntax.Paren:
		s.expr(x.X, yes)
	case *syntax.Unary:
		if x.Op == "-" {
			s.number(x.X)
		}
		s.expr(x.X, yes != (x.Op != "-"))
	case *syntax.Binary:
		s.binary(x, yes)
	case *syntax.Matches:
		s.expr(x.X, yes)
		s.expr(x.Pattern, yes)
		if f := inner(x.X); f != nil && yes != x.Not {
			switch p := x.Pattern.(type) {
			case *syntax.String:
				s.field(f.Name).like(unglob(p.Value))
			case *syntax.Regex:
				if re := s.readPattern(p.Pattern); re != nil {
					s.field(f.Name).like(re.text(nil))
				}
			}
		}
	case *syntax.In:
		s.expr(x.X, yes)
		f := inner(x.X)
		for _, y := range x.List {
			s.expr(y, yes)
			if v, ok := literal(y); ok && f != nil && yes != x.Not {
				s.field(f.Name).like(v)
			}
		}
	case *syntax.Cond:
		s.expr(x.C, yes)
		s.expr(x.T, yes)
		s.expr(x.F, yes)
	case *syntax.Call:
		s.call(x, yes)
	case *syntax.Subquery:
		s.query(x.Query)
	}
}

func (s *shape) binary(x *syntax.Binary, yes bool) {
	switch x.Op {
	case "+", "-", "*", "/", "%":
		s.number(x.X)
		s.number(x.Y)
	}
	s.expr(x.X, yes)
	s.expr(x.Y, yes)
	f, v := inner(x.X), x.Y
	if f == nil {
		f, v = inner(x.Y), x.X
	}
	text, ok := literal(v)
	if f == nil || !ok {
		return
	}
	g := s.field(f.Name)
	switch x.Op {
	case "=", "contains":
		if yes {
			g.like(text)
		}
	case "!=":
		if !yes {
			g.like(text)
		}
	case "<", "<=", ">", ">=":
		g.numeric = true
		g.like(text)
		if n, ok := v.(*syntax.Number); ok {
			g.like(fmt.Sprint(n.Float + 1))
			g.like(fmt.Sprint(n.Float - 1))
		}
	}
}

// number notes that the field x is calculated with.
func (s *shape) number(x syntax.Expr) {
	if f := inner(x); f != nil {
		s.field(f.Name).numeric = true
	}
}

func literal(x syntax.Expr) (string, bool) {
	switch x := x.(type) {
	case *syntax.String:
		return x.Value, true
	case *syntax.Number:
		if x.IsInt {
			return fmt.Sprint(x.Int), true
		}
		return fmt.Sprint(x.Float), true
	case *syntax.Bool:
		return fmt.Sprint(x.Value), true
	case *syntax.Paren:
		return literal(x.X)
	}
	return "", false
}

func (s *shape) call(x *syntax.Call, yes bool) {
	var first *field
	for i, a := range x.Args {
		s.expr(a, yes)
		if f := inner(a); f != nil && i == 0 {
			first = s.field(f.Name)
		}
	}
	if first == nil {
		return
	}
	switch name := strings.ToLower(x.Func.Text); name {
	case "parsedate":
		if len(x.Args) > 1 {
			if p, ok := x.Args[1].(*syntax.String); ok {
				first.date = p.Value
			}
		}
	case "contains":
		if len(x.Args) > 1 && yes {
			if v, ok := literal(x.Args[1]); ok {
				first.like(v)
			}
		}
	case "ipv4tonumber", "getcidrprefix", "comparecidrprefix", "isprivateip", "ispublicip", "isreservedip", "isvalidip", "isvalidipv4":
		first.address = true
	case "num", "number", "toint", "int", "tolong", "long", "todouble", "double", "tofloat", "float", "tonumber",
		"round", "floor", "ceil", "abs", "sqrt", "frommillis", "formatdate", "pow", "log", "log10", "exp":
		first.numeric = true
	}
}
