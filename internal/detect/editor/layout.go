package editor

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
	"github.com/gyoji-dev/gyoji/sigma"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Format is the change that gives every query of the document its one layout, as
// gyoji fmt writes it. A query with a mistake stays as it is.
func (d *Document) Format() (edits []diag.Edit) {
	for _, r := range d.Regions {
		if r.Language != Sumo {
			continue
		}
		if strings.TrimSpace(r.File.Text) == "" || r.oneLine() || r.joined {
			continue
		}
		tree, found := syntax.Parse(r.File, d.set.Vocab)
		if syntax.Filled(found).HasErrors() {
			continue
		}
		text := strings.TrimRight(syntax.Print(tree), "\n")
		if r.Span.Start == 0 && r.Span.End == len(d.File.Text) {
			text += "\n"
		}
		now, next := r.File.Text, text
		if strings.ReplaceAll(now, "\r\n", "\n") == next {
			continue
		}
		if len(r.pieces) > 0 && strings.TrimRight(now, "\r\n \t") == next {
			continue // an embedded query's end is its document's
		}
		edits = append(edits, diag.Edit{Span: r.Span, New: r.write(text)})
	}
	return edits
}

// oneLine says that the region is a string on a line of its document, where a line end
// would be an escape nobody can read.
func (r *Region) oneLine() bool {
	return r.Span.Start > 0 && !strings.Contains(r.doc.File.Slice(r.Span), "\n")
}

// Fold is a part of the document that can be shown as its first line: lines from 1.
type Fold struct {
	From, To int
	Comment  bool
}

// Folds are the stages, comments and child queries of more than one line.
func (d *Document) Folds() (list []Fold) {
	add := func(s diag.Span, comment bool) {
		from, to := d.File.Place(s.Start).Line, d.File.Place(max(s.End-1, s.Start)).Line
		if to > from {
			list = append(list, Fold{from, to, comment})
		}
	}
	for _, r := range d.Regions {
		if r.Span.Start > 0 && r.Language != Rules {
			add(r.Span, false)
		}
		if r.Language != Sumo {
			continue
		}
		syntax.Walk(r.query().survey().Tree, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.Query:
				var run diag.Span // comments in a row
				for _, c := range n.Comments {
					if run.End > 0 && strings.TrimSpace(r.File.Text[min(run.End, c.Pos.Start):c.Pos.Start]) == "" {
						run.End = c.Pos.End
						continue
					}
					if run.End > 0 {
						add(r.out(run), true)
					}
					run = c.Pos
				}
				if run.End > 0 {
					add(r.out(run), true)
				}
			case *syntax.Stage:
				add(r.out(n.Pos), false)
			}
			return true
		})
	}
	return list
}

// Symbol is a part of the document with a name.
type Symbol struct {
	Name, Detail string
	Kind         SymbolKind
	At, NameAt   diag.Span
	Inside       []Symbol
}

// SymbolKind is what a Symbol is.
type SymbolKind uint8

const (
	StageSymbol SymbolKind = iota
	FieldSymbol            // that a stage makes
	QuerySymbol            // an embedded query or expression
	RuleSymbol
)

// Symbols are the stages of queries with the fields they make, and rules.
func (d *Document) Symbols() (list []Symbol) {
	for _, r := range d.Regions {
		inside := r.symbols()
		if r.Language == Sumo && r.Span.Start > 0 || r.Language == SIEM {
			name := r.Title
			if name == "" {
				name = "expression"
			}
			list = append(list, Symbol{Name: name, Detail: short(r.File.Text), Kind: QuerySymbol, At: r.Span, NameAt: r.Span, Inside: inside})
			continue
		}
		list = append(list, inside...)
	}
	return list
}

func (r *Region) symbols() (list []Symbol) {
	switch r.Language {
	case Sumo:
		s := r.query().survey()
		if x := s.Tree.Search; x != nil && x.Span().End > x.Span().Start {
			at := r.out(x.Span())
			list = append(list, Symbol{Name: "search", Detail: short(r.File.Slice(x.Span())), Kind: StageSymbol, At: at, NameAt: at})
		}
		for _, st := range s.Tree.Stages {
			if st.Pos.End <= st.Pos.Start {
				continue
			}
			text := short(r.File.Slice(st.Pos))
			name, rest, _ := strings.Cut(text, " ")
			if st.Op != nil && st.Kind == syntax.Operation {
				name, rest = st.Op.Text, strings.TrimSpace(strings.TrimPrefix(text, st.Op.Text))
			}
			y := Symbol{Name: name, Detail: rest, Kind: StageSymbol, At: r.out(st.Pos), NameAt: r.out(diag.Span{Start: st.Pos.Start, End: min(st.Pos.Start+len(name), st.Pos.End)})}
			seen := map[string]bool{}
			for _, u := range r.query().uses() {
				if u.Makes && u.Stage == st && u.At != nil && u.At.Pos.End > u.At.Pos.Start && !seen[u.Name] {
					seen[u.Name] = true
					at := r.out(u.At.Pos)
					y.Inside = append(y.Inside, Symbol{Name: u.Name, Kind: FieldSymbol, At: at, NameAt: at})
				}
			}
			list = append(list, y)
		}
	case Sigma:
		docs, _ := sigma.Parse(r.File)
		for _, doc := range docs {
			m := doc.About()
			name := m.Title
			if name == "" {
				name = "rule"
			}
			at := r.ruleAt(name)
			list = append(list, Symbol{Name: name, Detail: m.ID, Kind: RuleSymbol, At: at, NameAt: at})
		}
	case Rules:
		docs, _ := ruledoc.Read(r.File)
		for _, doc := range docs {
			name := doc.Name()
			if name == "" {
				name = doc.What
			}
			at := r.out(doc.Body.At)
			if at.End <= at.Start {
				at = r.ruleAt(name)
			}
			list = append(list, Symbol{Name: name, Detail: doc.What, Kind: RuleSymbol, At: at, NameAt: at})
		}
	}
	return list
}

// ruleAt is the line that a rule's name stands in.
func (r *Region) ruleAt(name string) diag.Span {
	i := strings.Index(r.File.Text, name)
	if i < 0 {
		return r.out(diag.Span{End: min(1, len(r.File.Text))})
	}
	return r.out(diag.Span{Start: i, End: i + len(name)})
}

// Lens is a command that is shown above a query.
type Lens struct {
	Title   string
	Command string // run, why-not
	At      diag.Span
	Region  int // of Regions
}

// Lenses offer to run each query on the sample, and to tell where its rows are lost.
// Those with a mistake have none: they do not run.
func (d *Document) Lenses() (list []Lens) {
	for i, r := range d.Regions {
		if r.Language != Sumo || strings.TrimSpace(r.File.Text) == "" || r.query().found().HasErrors() {
			continue
		}
		at := diag.Span{Start: r.Span.Start, End: r.Span.Start}
		list = append(list, Lens{"run on samples", "run", at, i}, Lens{"why not", "why-not", at, i})
	}
	return list
}

// Query is the text of a query of the document, to be run.
func (d *Document) Query(region int) (*diag.File, error) {
	if region < 0 || region >= len(d.Regions) || d.Regions[region].Language != Sumo {
		return nil, fmt.Errorf("the document has no query %d", region)
	}
	return d.Regions[region].File, nil
}
