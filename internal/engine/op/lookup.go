package op

import (
	"net/netip"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "lookup", Usage: "lookup (*|<outs:rename,...>) from <table:path> on <keys:expr,...>",
		Summary: "Adds columns of a lookup table to rows whose fields equal its key.",
		Text: "`on uid=id` compares the field `uid` with the column `id`; `on ip` is `on ip=ip`. Either side may be the column. Several keys are joined by commas or `and`. " +
			"A row without a match keeps its place and its new fields are null, also where a field of that name had a value: name the output with `as` to keep it. " +
			"Of several rows with the key the last counts. Text of tables named `path://\"...\"` matches in any letter case, that of URLs and shared folders exactly. " +
			"Tables are files that `--table PATH=FILE` names, CSV with a header or JSON; nothing is fetched. " +
			"`geo://location` and `asn://default` are the databases of `--geo`, `sumo://threat/...` the indicators of `--threat`. " +
			"What is not given is warned of and null.",
		Differs: "Tables come from files of yours. A table need not be looked up by all columns of its key.",
		Examples: []lang.Example{
			{Query: `* | lookup name from path://"/Library/Users" on uid=id`, In: []string{`{"_raw":"","uid":"7"}`}, Out: []string{`{"uid":"7","name":null}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Keeps, Alone: true, Costly: true},
	New:   func() lang.Stage { return new(lookupOp) },
})

type lookupOp struct {
	Star  bool            `usage:"*"`
	Outs  []*syntax.Named `usage:"outs"`
	Table *syntax.Path    `usage:"table"`
	On    []syntax.Expr   `usage:"keys"`

	keys  []event.Slot // fields compared, in the order of the index
	outs  []event.Slot
	table *lookup.Table
	cols  []int // of table, for outs
	view  *lookup.View
	geo   []string // for outs, where the source is a geo database
	db    *lookup.Geo
}

func (l *lookupOp) Check(sc *lang.Scope) {
	pairs := l.pairs(sc)
	switch src := strings.ToLower(l.Table.Text); {
	case strings.HasPrefix(src, "geo://"), strings.HasPrefix(src, "asn://"):
		l.checkGeo(sc, pairs, strings.HasPrefix(src, "asn://"))
	default:
		l.checkTable(sc, pairs)
	}
}

// keyPair is one comparison of on: two names, of which one is the column.
type keyPair struct{ left, right *syntax.Field }

// pairs reads the comparisons of on.
func (l *lookupOp) pairs(sc *lang.Scope) []keyPair {
	var out []keyPair
	for _, x := range l.On {
		out = keyPairs(sc, x, out)
	}
	return out
}

// keyPairs appends the comparisons of an expression: a = b and c = d.
func keyPairs(sc *lang.Scope, x syntax.Expr, out []keyPair) []keyPair {
	switch x := x.(type) {
	case *syntax.Paren:
		return keyPairs(sc, x.X, out)
	case *syntax.Field:
		return append(out, keyPair{x, x})
	case *syntax.Binary:
		a, okA := x.X.(*syntax.Field)
		b, okB := x.Y.(*syntax.Field)
		switch {
		case x.Op == "and":
			return keyPairs(sc, x.Y, keyPairs(sc, x.X, out))
		case x.Op == "=" && okA && okB:
			return append(out, keyPair{a, b})
		}
	}
	sc.Error(x, "bad-lookup-key", "a key is compared as field=column", "write such as on uid=id, name=username")
	return out
}

// field is the side that is a field of the rows when nobody can say which
// columns the table has: the left one, unless only the right one is known here.
func (p keyPair) field(sc *lang.Scope) *syntax.Field {
	if sc.Knows(sc.Find(p.right)) && !sc.Knows(sc.Find(p.left)) {
		return p.right
	}
	return p.left
}

func (l *lookupOp) checkTable(sc *lang.Scope, pairs []keyPair) {
	l.table = sc.Table(l.Table)
	var cols []int
	for _, p := range pairs {
		field, col := p.left, p.right
		if l.table == nil {
			l.keys = append(l.keys, sc.Read(p.field(sc)))
			continue
		}
		c := l.table.Column(col.Name)
		if c < 0 {
			if c = l.table.Column(p.left.Name); c < 0 {
				l.noColumn(sc, col)
				continue
			}
			field = p.right
		}
		l.keys, cols = append(l.keys, sc.Read(field)), append(cols, c)
	}
	switch {
	case l.Star && l.table != nil:
		for i, name := range l.table.Columns {
			l.outs, l.cols = append(l.outs, sc.MakeName(name)), append(l.cols, i)
		}
	case !l.Star:
		for _, o := range l.Outs {
			name := o.X.(*syntax.Field)
			if l.table != nil {
				c := l.table.Column(name.Name)
				if c < 0 {
					l.noColumn(sc, name)
				}
				l.cols = append(l.cols, c)
			}
			l.outs = append(l.outs, sc.Make(outName(o)))
		}
	}
	if l.table == nil || len(cols) < len(pairs) {
		return
	}
	var doubled int
	l.view, doubled = sc.Tables.View(l.Table.Text, l.table, cols, !lookup.Classic(l.Table.Text))
	sc.Hold(l.view.Now().Index.Bytes())
	if doubled > 0 {
		sc.Warn(l.Table, "duplicate-key", count(doubled, "row has", "rows have")+" the key of a later row in the table", "the last row with a key is used")
	}
}

func outName(n *syntax.Named) *syntax.Field {
	if n.As != nil {
		return n.As
	}
	return n.X.(*syntax.Field)
}

func (l *lookupOp) noColumn(sc *lang.Scope, f *syntax.Field) {
	sc.Error(f, "unknown-column", "the table has no column "+f.Name, "its columns are "+strings.Join(l.table.Columns, ", "))
}

func (l *lookupOp) checkGeo(sc *lang.Scope, pairs []keyPair, asn bool) {
	known := append(append([]string{}, lookup.GeoColumns...), lookup.GeoMore...)
	all := lookup.GeoColumns
	if asn {
		known, all = lookup.ASNColumns, lookup.ASNColumns
	}
	if len(pairs) != 1 || !strings.EqualFold(pairs[0].left.Name, "ip") && !strings.EqualFold(pairs[0].right.Name, "ip") {
		sc.Error(l.Table, "bad-lookup-key", l.Table.Text+" is looked up by its column ip", "write on ip = field")
		return
	}
	field := pairs[0].right // the documentation has the column on the left here
	if !strings.EqualFold(pairs[0].left.Name, "ip") {
		field = pairs[0].left
	}
	l.keys = []event.Slot{sc.Read(field)}
	if l.Star {
		for _, name := range all {
			l.outs, l.geo = append(l.outs, sc.MakeName(name)), append(l.geo, name)
		}
	}
	for _, o := range l.Outs {
		name := o.X.(*syntax.Field)
		found := false
		for _, k := range known {
			found = found || strings.EqualFold(k, name.Name)
		}
		if !found {
			sc.Error(name, "unknown-column", l.Table.Text+" has no column "+name.Name, "its columns are "+strings.Join(known, ", "))
		}
		l.outs, l.geo = append(l.outs, sc.Make(outName(o))), append(l.geo, name.Name)
	}
	l.db = geoDatabase(sc, l.Table)
}

// geoDatabase returns the library's geo databases, noting when there is none.
func geoDatabase(sc *lang.Scope, at syntax.Node) *lookup.Geo {
	g := sc.Tables.Geo()
	if g == nil {
		sc.Miss(at, "a geo database", "name a MaxMind-format file, such as GeoLite2-City.mmdb: --geo FILE")
	}
	return g
}

func (l *lookupOp) Needs(f *event.Fields) {
	f.Remove(l.outs...)
	f.Add(l.keys...)
}

func (l *lookupOp) Open(_ *exec.Runtime, next exec.Sink) exec.Task {
	out := make([]event.Column, len(l.outs))
	find := l.findAddress
	vals := make([]event.Value, len(l.outs))
	var rows rowFinder
	if l.geo == nil {
		find = rows.find
	}
	return &each{next: next, fn: func(b *event.Batch) error {
		if l.view != nil {
			rows.see(l)
		}
		perKey(b, l.keys, out, func(key []event.Value) []event.Value {
			clear(vals)
			find(key, vals)
			return vals
		})
		for i, s := range l.outs {
			b.Col(s).Alias(&out[i])
		}
		return nil
	}}
}

// rowFinder finds rows in the version of the table that is the newest when a batch
// comes.
type rowFinder struct {
	now  *lookup.Version
	cols []int // of the table, by output
}

func (f *rowFinder) see(l *lookupOp) {
	now := l.view.Now()
	if f.now == now {
		return
	}
	f.now, f.cols = now, f.cols[:0]
	for _, c := range l.cols {
		f.cols = append(f.cols, now.Column(l.table.Columns[c]))
	}
}

func (f *rowFinder) find(key, vals []event.Value) {
	if f.now == nil {
		return
	}
	row, _, ok := f.now.Find(nil, key)
	if !ok {
		return
	}
	for i, c := range f.cols {
		if c >= 0 {
			vals[i] = f.now.Rows[row][c]
		}
	}
}

func (l *lookupOp) findAddress(key, vals []event.Value) {
	addresses(l.db, key[0], l.geo, vals)
}

// addresses looks up the fields of an address.
func addresses(g *lookup.Geo, ip event.Value, names []string, vals []event.Value) {
	if g == nil || ip.IsNull() {
		return
	}
	a, err := netip.ParseAddr(strings.TrimSpace(ip.Str()))
	if err != nil {
		return
	}
	for i, name := range names {
		vals[i] = g.Field(a.Unmap(), name)
	}
}

// perKey fills columns from what of makes of some fields of each live row. A
// single field is asked for once per entry of its dictionary.
func perKey(b *event.Batch, keys []event.Slot, out []event.Column, of func([]event.Value) []event.Value) {
	for i := range out {
		out[i].Reset()
	}
	key := make([]event.Value, len(keys))
	if len(keys) != 1 {
		for _, row := range b.Live {
			for i, s := range keys {
				key[i] = b.Value(s, row)
			}
			for i, v := range of(key) {
				out[i].Set(row, v)
			}
		}
		return
	}
	col := b.Col(keys[0])
	codes := make([][]uint16, len(out)) // by entry of the dictionary; nil is not asked yet
	done := make([]bool, len(col.Dict))
	for i := range codes {
		codes[i] = make([]uint16, len(col.Dict))
	}
	for _, row := range b.Live {
		code := uint16(0)
		if int(row) < len(col.Code) {
			code = col.Code[row]
		}
		if !done[code] {
			done[code] = true
			key[0] = col.Dict[code]
			for i, v := range of(key) {
				if !v.IsNull() {
					codes[i][code] = out[i].Put(v)
				}
			}
		}
		for i := range out {
			out[i].SetCode(row, codes[i][code])
		}
	}
}
