package desk

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

func urlQuery(s string) string { return url.QueryEscape(s) }

const (
	// coverageOf is how far back signals are counted, and coverKept how long what was found
	// about data is told again.
	coverageOf = 30 * 24 * time.Hour
	coverKept  = 5 * time.Minute
)

// covered remembers which data the packages find in the store.
type covered struct {
	mu     sync.Mutex
	at     time.Time
	covers []*detection.Cover
}

// covers looks for the data of the packages in the store, as gyoji coverage does in files.
func (d *Desk) covers(ctx context.Context, fresh bool) ([]*detection.Cover, time.Time, error) {
	c := &d.covered
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.covers != nil && !fresh && d.o.Now().Sub(c.at) < coverKept {
		return c.covers, c.at, nil
	}
	at := d.o.Now()
	var all []*detection.Cover
	err := d.reading(ctx, func(run func(from, to int64) (query.Run, error)) (err error) {
		all, err = detection.Coverage(ctx, d.o.Packages, func() (query.Run, error) {
			r, err := run(0, 0)
			r.Bounded = false
			return r, err
		})
		return err
	})
	if err != nil {
		return nil, at, err
	}
	c.covers, c.at = all, at
	return all, at, nil
}

// dataShown is what a package asks of logs.
type dataShown struct {
	Source  string        `json:"source"`
	Events  map[int]int64 `json:"events"` // by id, those there are
	Count   int64         `json:"count"`  // where no ids are asked for
	Missing []string      `json:"missing"`
	Fires   bool          `json:"fires"`
	Collect string        `json:"collect"`
}

// ruleShown is a rule or detection of a technique.
type ruleShown struct {
	ID      string      `json:"id"`
	Name    string      `json:"name"`
	Kind    string      `json:"kind"` // package, detection (a query or Sigma rule of --detections) or rule
	Package string      `json:"package,omitempty"`
	Tested  bool        `json:"tested"`
	Enabled bool        `json:"enabled"`
	Signals int         `json:"signals"` // of 30 days
	Data    []dataShown `json:"data,omitempty"`
}

// cell is a technique in the matrix. Its state is fires (tested, and the data comes in), rules
// (rules without a test, or whose data nobody has looked for), nodata (rules, and no log to
// fire on) or none.
type cell struct {
	ID      string      `json:"id"`
	Name    string      `json:"name"`
	State   string      `json:"state"`
	Signals int         `json:"signals"`
	Rules   []ruleShown `json:"rules"`
	Next    string      `json:"next"` // the next command, or what to collect
}

// coverage is the matrix of ATT&CK: rules, tests, data and signals of each technique.
func (d *Desk) coverage(r *http.Request) (any, error) {
	ctx := r.Context()
	covers, looked, err := d.covers(ctx, r.URL.Query().Get("fresh") == "1")
	if err != nil {
		return nil, err
	}
	end, err := d.end(ctx)
	if err != nil {
		return nil, err
	}
	from := end.Add(-coverageOf).UnixMilli()
	counts, err := d.alerts.Counts(ctx, from, end.UnixMilli()+1)
	if err != nil {
		return nil, err
	}
	cells := map[string]*cell{}
	at := func(id string) *cell {
		id = strings.ToUpper(id)
		c := cells[id]
		if c == nil {
			c = &cell{ID: id, Name: mapping.TechniqueName(id), Rules: []ruleShown{}}
			cells[id] = c
		}
		return c
	}
	data := map[*detection.Package][]dataShown{}
	for _, c := range covers {
		data[c.Package] = append(data[c.Package], dataShown{c.Data.Source, c.Events, c.N, append([]string{}, c.Missing...), c.Fires(), c.Data.Collect})
	}
	for _, p := range d.o.Packages {
		n := 0
		for _, det := range p.Detections {
			n += counts[p.Folder+"/"+det.ID].Total()
		}
		for _, t := range p.Attack.Techniques {
			c := at(t)
			c.Rules = append(c.Rules, ruleShown{ID: p.Dir, Name: p.Name, Kind: "package", Package: p.Name, Tested: p.Tests != "", Enabled: true, Signals: n, Data: data[p]})
			c.Signals += n
		}
	}
	if d.o.Hunter != nil {
		for _, x := range d.o.Hunter.Detections() {
			if _, det := d.packaged(x.ID); det != nil {
				continue // the package stands for it
			}
			n := counts[x.ID].Total()
			for _, t := range x.Techniques {
				c := at(t.ID)
				c.Rules = append(c.Rules, ruleShown{ID: x.ID, Name: x.Name, Kind: "detection", Package: x.Package, Enabled: true, Signals: n})
				c.Signals += n
			}
		}
	}
	rules, err := d.rules(ctx)
	if err != nil {
		return nil, err
	}
	for _, x := range rules {
		for _, t := range x.techniques {
			c := at(t)
			n := counts[x.ID].Total()
			s := ruleShown{ID: x.ID, Name: x.Name, Kind: "rule", Enabled: x.Enabled, Signals: n}
			if p := d.byRule[x.ID]; p != nil {
				s.Package, s.Tested, s.Data = p.Name, p.Tests != "", data[p]
			}
			c.Rules = append(c.Rules, s)
			c.Signals += n
		}
	}
	tally := map[string]int{"fires": 0, "rules": 0, "nodata": 0, "none": 0}
	for _, c := range cells {
		c.State = "rules"
		var without []string
		known, fires, tested := false, false, false
		for _, x := range c.Rules {
			for _, y := range x.Data {
				known = true
				if y.Fires {
					fires = true
					tested = tested || x.Tested
				} else {
					without = append(without, y.Collect)
				}
			}
			if x.Signals > 0 {
				fires = true
			}
		}
		switch {
		case fires && tested:
			c.State, c.Next = "fires", "gyoji test "+c.ID
		case known && !fires:
			c.State, c.Next = "nodata", "Collect: "+strings.Join(slices.Compact(without), "; or ")
		case len(c.Rules) > 0:
			c.Next = "gyoji test --help says how a rule is given tests"
		}
		tally[c.State]++
	}
	tactics := []any{}
	shown := 0
	for _, t := range mapping.Tactics {
		ids := mapping.TechniquesOf(t.ID)
		for id := range cells { // sub-techniques that rules name
			if parent, _, sub := strings.Cut(id, "."); sub && slices.Contains(ids, parent) && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		column := []*cell{}
		for _, id := range ids {
			c := cells[id]
			if c == nil {
				c = &cell{ID: id, Name: mapping.TechniqueName(id), State: "none", Rules: []ruleShown{}, Next: fmt.Sprintf("gyoji pkg new FOLDER --technique %s makes a package for it", id)}
				tally["none"]++
				cells[id] = c
			}
			column = append(column, c)
			shown++
		}
		tactics = append(tactics, map[string]any{"id": t.ID, "name": t.Name, "techniques": column})
	}
	return map[string]any{"tactics": tactics, "counts": tally, "looked": looked.UnixMilli(), "from": from, "to": end.UnixMilli()}, nil
}
