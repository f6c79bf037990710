package op

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "top", Usage: "top <n:int> <names:field,...> [by <keys:sortkey,...>]",
		Summary: "The values of some fields that are most frequent, or greatest by another field.",
		Text: "Without `by`, or with `by count`, it counts the rows of each value and gives the n largest as the fields and `_count`, largest first. " +
			"On the rows of an aggregate `by` names the columns to sort by, descending unless `asc` is written: the first n rows stay, with the fields and the keys. " +
			"On messages `by` ranks the values of the fields, each by its best message. Equal rows keep their order.",
		Differs: "OP-17: the columns are the fields and the keys.",
		Examples: []lang.Example{
			{Query: `* | top 1 c`, In: []string{`{"_raw":"","c":"a"}`, `{"_raw":"","c":"a"}`, `{"_raw":"","c":"b"}`}, Out: []string{`{"c":"a","_count":2}`}},
			{Query: `* | sum(n) as n by c | top 1 c by n`, In: []string{`{"_raw":"","c":"a","n":10}`, `{"_raw":"","c":"b","n":90}`}, Out: []string{`{"c":"b","n":90}`}},
			{Query: `* | top 2 c by _messageTime`, In: []string{`{"_raw":"1","c":"a"}`, `{"_raw":"2","c":"b"}`, `{"_raw":"3","c":"a"}`, `{"_raw":"4","c":"a"}`}, Out: []string{`{"c":"a","_messageTime":1704067203000}`, `{"c":"b","_messageTime":1704067201000}`}},
		},
	},
	Flow:  lang.Collects,
	Facts: lang.Facts{Rows: lang.Makes, Costly: true},
	New:   func() lang.Stage { return new(top) },
})

type top struct {
	N     *syntax.Number    `usage:"n"`
	Names []*syntax.Field   `usage:"names"`
	Keys  []*syntax.SortKey `usage:"keys"`
	chain

	cols []lang.Column
}

func (t *top) Check(sc *lang.Scope) {
	if t.N.Int < 1 || t.N.Int > limitMax {
		sc.Error(t.N, "bad-top", fmt.Sprintf("top gives from 1 to %d rows", limitMax), "write a number such as 10")
	}
	n := int(min(max(t.N.Int, 1), limitMax))
	if t.counts(sc) {
		t.add(sc, countBy(sc.Stage(), "_count", t.Names), lang.Collects)
		by := []*syntax.SortKey{{Field: &syntax.Field{Name: "_count"}}}
		if len(t.Keys) == 1 {
			by[0].Asc = t.Keys[0].Asc
		}
		t.add(sc, &sorting{Keys: by, limit: n}, lang.Collects)
		return
	}
	for _, f := range t.Names {
		t.cols = append(t.cols, lang.Column{Slot: sc.Read(f), Name: f.Name})
	}
	sort := &sorting{Keys: t.Keys, limit: n}
	if sc.Messages {
		sort.limit = 0
		t.add(sc, sort, lang.Collects)
		t.add(sc, &dedup{Keys: t.Names}, lang.InOrder)
		t.add(sc, &limit{N: t.N}, lang.InOrder)
	} else {
		t.add(sc, sort, lang.Collects)
	}
	for _, k := range t.Keys {
		slot := sc.Slot(k.Field.Name)
		if !t.shows(slot) {
			t.cols = append(t.cols, lang.Column{Slot: slot, Name: k.Field.Name})
		}
	}
	sc.Records(t.cols...)
}

// counts reports whether top counts rows itself: no key is given, or only the
// word count where no column has that name.
func (t *top) counts(sc *lang.Scope) bool {
	if len(t.Keys) != 1 {
		return len(t.Keys) == 0
	}
	name := t.Keys[0].Field.Name
	for _, c := range sc.Columns {
		if strings.EqualFold(c.Name, name) {
			return false
		}
	}
	return strings.EqualFold(name, "count") || sc.Messages && strings.EqualFold(name, "_count")
}

func (t *top) shows(s event.Slot) bool {
	for _, c := range t.cols {
		if c.Slot == s {
			return true
		}
	}
	return false
}

// Needs wants no more than what top shows.
func (t *top) Needs(f *event.Fields) {
	if t.cols != nil {
		f.Clear()
		for _, c := range t.cols {
			f.Add(c.Slot)
		}
	}
	t.chain.Needs(f)
}
