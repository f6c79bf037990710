package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/lang"
	"github.com/gyoji-dev/gyoji/query"
)

// TestExamples runs every example that the reference shows of a word.
func TestExamples(t *testing.T) {
	ops, fns, aggs := query.Standard().Docs()
	for kind, docs := range map[string][]lang.Doc{"operator": ops, "function": fns, "aggregate": aggs} {
		for _, d := range docs {
			if len(d.Examples) == 0 && !strings.HasPrefix(d.Status, "planned") {
				t.Errorf("%s %s has no example", kind, d.Name)
			}
			for i, ex := range d.Examples {
				t.Run(fmt.Sprintf("%s/%s/%d", kind, d.Name, i), func(t *testing.T) {
					for _, workers := range []int{1, 3} {
						example(t, ex, workers)
					}
				})
			}
		}
	}
}

// example runs one: columns that a row of Out does not name are not compared.
func example(t *testing.T, ex lang.Example, workers int) {
	c := &Case{ID: "example", Query: ex.Query}
	for _, in := range ex.In {
		if !json.Valid([]byte(in)) || !bytes.Contains([]byte(in), []byte(`"_raw"`)) {
			text, err := json.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			in = string(text)
		}
		c.Input = append(c.Input, json.RawMessage(in))
	}
	q, diags := query.Compile(diag.Text("example", ex.Query), query.Standard())
	if err := diags.Err(); err != nil {
		var b strings.Builder
		diag.WriteText(&b, diags, diag.Style{})
		t.Fatal(b.String())
	}
	cols, rows, err := c.rows(context.Background(), q, workers)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(ex.Out) {
		t.Fatalf("%s\n%d rows, want %d", ex.Query, len(rows), len(ex.Out))
	}
	for i, out := range ex.Out {
		want := map[string]any{}
		d := json.NewDecoder(strings.NewReader(out))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatalf("row %d: %v", i+1, err)
		}
		for name, w := range want {
			got := event.Value{}
			for j, col := range cols {
				if strings.EqualFold(col, name) && (got.IsNull() || col == name) {
					got = rows[i][j]
				}
			}
			if !c.equal(got, w) {
				t.Errorf("%s\nrow %d: %s is %q, want %v", ex.Query, i+1, name, got.String(), w)
			}
		}
	}
}
