package detection

import (
	"context"
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Cover is whether logs hold what one of a package's data asks for.
type Cover struct {
	Package *Package
	Data    Data
	Events  map[int]int64    // events by id; 0 where none
	Missing []string         // required fields that no event of these ids has
	Fields  map[string]int64 // events with each required field
	N       int64            // events of the data, where no ids are asked for
}

// Fires reports whether the data is there: some event of each id that is asked
// for, and every required field in some.
func (c *Cover) Fires() bool {
	for _, n := range c.Events {
		if n == 0 {
			return false
		}
	}
	return len(c.Missing) == 0 && (len(c.Data.Events) > 0 || c.N > 0)
}

// Coverage looks for the data of packages in logs. run is called once for each
// data source; without logs it is nil and nothing is looked for.
func Coverage(ctx context.Context, pkgs []*Package, run func() (query.Run, error)) ([]*Cover, error) {
	var out []*Cover
	for _, p := range pkgs {
		for _, d := range p.Data {
			c := &Cover{Package: p, Data: d, Events: map[int]int64{}, Fields: map[string]int64{}}
			out = append(out, c)
			if run == nil {
				continue
			}
			if err := c.look(ctx, run); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// plainWord is what stands in a query without quotes.
var plainWord = match.Lazy(`^[\pL\pN_-]+$`)

func (c *Cover) look(ctx context.Context, run func() (query.Run, error)) error {
	var ids, flags, sums []string
	for _, id := range c.Data.Events {
		ids = append(ids, fmt.Sprintf("%q", fmt.Sprint(id)))
		c.Events[id] = 0
	}
	for i, f := range c.Data.Required {
		flags = append(flags, fmt.Sprintf("| if (isNull(%s), 0, 1) as has_%d", syntax.FieldText(f), i))
		sums = append(sums, fmt.Sprintf("sum(has_%d) as has_%d", i, i))
	}
	scope := "*"
	if c.Data.Category != "" {
		if last := c.Data.Category[strings.LastIndexByte(c.Data.Category, '/')+1:]; plainWord().MatchString(last) {
			scope = "_sourceCategory=*" + last + "*"
		} else {
			scope = fmt.Sprintf("* | where toLowerCase(_sourceCategory) = %s", quoted(strings.ToLower(c.Data.Category)))
		}
	}
	text := scope + " | json auto"
	if len(ids) > 0 {
		text += fmt.Sprintf(" | where EventID in (%s)", strings.Join(ids, ", "))
	}
	text += fmt.Sprintf(" %s | %s", strings.Join(flags, " "), strings.Join(append([]string{"count as n"}, sums...), ", "))
	if len(ids) > 0 {
		text += " by EventID"
	}
	q, ds := query.Compile(diag.Text("coverage of "+c.Package.Name, text), query.Standard())
	if err := ds.Err(); err != nil {
		return err
	}
	rows, err := over(ctx, q, run)
	if err != nil {
		return err
	}
	for i := range rows.Values {
		n, _ := rows.Get(i, "n").Int()
		if len(ids) == 0 {
			c.N = n
		} else {
			id, _ := rows.Get(i, "EventID").Int()
			c.Events[int(id)] = n
		}
		for j, f := range c.Data.Required {
			n, _ := rows.Get(i, fmt.Sprintf("has_%d", j)).Int()
			c.Fields[f] += n
		}
	}
	for _, f := range c.Data.Required {
		if c.Fields[f] == 0 {
			c.Missing = append(c.Missing, f)
		}
	}
	return nil
}
