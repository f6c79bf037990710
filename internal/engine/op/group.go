package op

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// groupMark is the scope's mark of the last aggregate, whose groups compare and
// predict ask for.
const groupMark = "group"

// group runs aggregates by key: "count, sum(x) by y".
type group struct {
	stage *syntax.Stage

	by   []event.Slot
	cols []event.Slot // output slots of by: an alias differs from its source
	aggs []lang.Aggregator
	outs []event.Slot // of all aggregates' columns, in order
	name string

	hash, state event.Slot // hidden: of groups on disk
	slice       int        // of by, the one that is the start of a slice of time; -1 for none
	every       int64      // how long a slice is, in ms

	records bool // rows arrive in the order of the stream
	counts  bool // some aggregate is count: no rows at all give one row of 0 (OP-26, OP-59)
}

func (g *group) Check(sc *lang.Scope) {
	g.records = sc.Ordered || !sc.Messages
	var cols []lang.Column
	for _, n := range g.stage.By {
		f, ok := n.X.(*syntax.Field)
		if !ok {
			text := strings.TrimSpace(sc.File.Slice(n.X.Span()))
			sc.Error(n, "group-by-expression", "rows are grouped by fields, not by an expression",
				fmt.Sprintf("give it a name first: | %s as key | %s by key", text, g.stage.Op.Text))
			continue
		}
		g.by = append(g.by, sc.Read(f))
		as := f
		if n.As != nil {
			as = n.As
		}
		cols = append(cols, lang.Column{Slot: sc.Slot(as.Name), Name: as.Name})
	}
	seen := map[string]*syntax.Agg{}
	for _, a := range g.stage.Aggs {
		word := sc.Vocab.AggregateOf(a.Func.Text)
		if word == nil {
			sc.Error(a.Func, "stands-alone", a.Func.Text+" is an operator of its own, no group function", "write it in a stage of its own, without the others: | "+a.Func.Text+" ...")
			continue
		}
		if word.Dialect != "" {
			sc.Warn(a.Func, "nonportable-aggregate", word.Name+" is not a Sumo Logic group function", "write "+word.Dialect)
		}
		ag := word.New(&lang.AggSite{Node: a, Scope: sc})
		g.counts = g.counts || word.Name == "count"
		if a.As != nil {
			if len(ag.Out) == 1 {
				ag.Out[0] = a.As.Name
			} else {
				sc.Warn(a.As, "alias-unused", fmt.Sprintf("%s makes %d columns, so one name does not fit", word.Name, len(ag.Out)), "leave the alias out, or ask for one column")
			}
		}
		for _, name := range ag.Out {
			key := strings.ToLower(name)
			if first := seen[key]; first != nil {
				d := sc.Error(a, "duplicate-column", "two results are named "+name, "name one of them with as")
				d.Labels = append(d.Labels, diag.Label{Span: first.Pos, Text: "the other one"})
			}
			seen[key] = a
			cols = append(cols, lang.Column{Slot: sc.Slot(name), Name: name, Kind: word.Kind})
		}
		g.aggs = append(g.aggs, ag)
	}
	for i, c := range cols {
		if i < len(g.by) {
			g.cols = append(g.cols, c.Slot)
		} else {
			g.outs = append(g.outs, c.Slot)
		}
	}
	if sc.Once && sc.Messages {
		g.aggs, g.outs = append(g.aggs, placesOf(sc)), append(g.outs, sc.Slot(lang.CarriedPlaces))
	}
	g.hash, g.state = hidden(sc, "hash"), hidden(sc, "state")
	g.slice = -1
	if slot, every := sc.Slices(); every > 0 {
		g.slice, g.every = slices.Index(g.by, slot), every
	}
	g.name = strings.TrimSpace(sc.File.Slice(g.stage.Pos))
	sc.Mark(groupMark, g.stage)
	sc.Records(cols...)
}

func (g *group) Needs(f *event.Fields) {
	f.Clear()
	f.Add(g.by...)
	for _, a := range g.aggs {
		f.Add(a.Args...)
	}
}

func (g *group) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	t := &groupTask{group: g, rt: rt, next: next, acct: rt.Budget.Open(g.name)}
	t.groups = newGroupTable(g)
	return t
}

// appendKey appends the text of a group value so that different tuples differ:
// null is apart from "" (OP-50), values compare as text.
func appendKey(dst []byte, v event.Value) []byte {
	if v.IsNull() {
		return append(dst, 0)
	}
	at := len(dst)
	dst = append(dst, 1, 0, 0, 0, 0)
	dst = v.AppendText(dst)
	binary.LittleEndian.PutUint32(dst[at+1:], uint32(len(dst)-at-5))
	return dst
}

type sinkFunc func(*event.Batch) error

func (f sinkFunc) Push(b *event.Batch) error { return f(b) }
