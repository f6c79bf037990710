package columns

import (
	"cmp"
	"container/heap"
	"iter"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/store/message"
)

// Merged gives the messages of files in the order of time and then position. Groups are
// opened when their time comes, so that few are at once where they do not overlap. The
// bytes of a message are lent until the next is asked for.
func Merged(files []*File) iter.Seq2[message.Row, error] {
	var waiting []Group
	for _, f := range files {
		for i := range f.Groups() {
			waiting = append(waiting, f.Group(i))
		}
	}
	slices.SortStableFunc(waiting, func(a, b Group) int { return cmp.Compare(a.least(), b.least()) })
	return func(yield func(message.Row, error) bool) {
		waiting, open := waiting, cursors(nil)
		defer func() {
			for _, c := range open {
				c.stop()
			}
		}()
		for len(waiting) > 0 || len(open) > 0 {
			if len(waiting) > 0 && (len(open) == 0 || waiting[0].least() <= open[0].row.Time) {
				next, stop := iter.Pull2(waiting[0].Rows())
				waiting = waiting[1:]
				if !open.add(&cursor{next: next, stop: stop}, yield) {
					return
				}
				continue
			}
			if !yield(open[0].row, nil) || !open.advance(yield) {
				return
			}
		}
	}
}

// least is the time of the group's first message, as far as it is known: of one that
// holds several events it may be another.
func (g Group) least() int64 {
	m := &g.meta().Columns[g.file.leaves["_messagetime"]].MetaData.Statistics
	if m.NullCount > 0 || len(m.MinValue) != 8 {
		return 0
	}
	return number(m.MinValue)
}

// cursor is a group that is being read.
type cursor struct {
	row  message.Row
	next func() (message.Row, error, bool)
	stop func()
}

type cursors []*cursor

func (c cursors) Len() int { return len(c) }
func (c cursors) Less(i, j int) bool {
	a, b := &c[i].row, &c[j].row
	return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Seq, b.Seq)) < 0
}
func (c cursors) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c *cursors) Push(x any)   { *c = append(*c, x.(*cursor)) }
func (c *cursors) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}

// add adds a group; false ends it all.
func (c *cursors) add(g *cursor, yield func(message.Row, error) bool) bool {
	row, err, ok := g.next()
	if err != nil {
		g.stop()
		yield(message.Row{}, err)
		return false
	}
	if ok {
		g.row = row
		heap.Push(c, g)
	}
	return true
}

// advance goes on to the next message of the first group; false ends it all.
func (c *cursors) advance(yield func(message.Row, error) bool) bool {
	first := (*c)[0]
	row, err, ok := first.next()
	switch {
	case err != nil:
		yield(message.Row{}, err)
		return false
	case !ok:
		first.stop()
		heap.Pop(c)
		return true
	}
	first.row = row
	heap.Fix(c, 0)
	return true
}
