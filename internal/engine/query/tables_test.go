package query

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/exec/exectest"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// A query that runs sees a table that is put in the place of another with its next
// event; one that lacks the columns it was compiled with is not looked at.
func TestRunningSeesNewTables(t *testing.T) {
	const path = `/Library/Users`
	table := func(cols []string, rows ...[]event.Value) *lookup.Table {
		return &lookup.Table{Path: path, Columns: cols, Rows: rows}
	}
	text := func(ss ...string) (vs []event.Value) {
		for _, s := range ss {
			vs = append(vs, event.Text(s))
		}
		return vs
	}
	lib := &lookup.Library{}
	lib.Add(table([]string{"user", "role"}, text("bob", "clerk")))
	for _, stage := range []string{`lookup role from path://"/Library/Users" on user = user`, `if(lookupContains(path://"/Library/Users", user = user), "clerk", "none") as role`} {
		lib.Add(table([]string{"user", "role"}, text("bob", "clerk")))
		q, diags := Compile(diag.Text("query", `* | `+stage+` | fields user, role`), Standard(), Tables(lib))
		if err := diags.Err(); err != nil {
			t.Fatal(err)
		}
		layout := q.Layout.Clone()
		out := &exectest.Collect{Layout: layout}
		x, err := q.Start(context.Background(), Run{Layout: layout, Warnings: &exec.Warnings{}}, Live{Out: out})
		if err != nil {
			t.Fatal(err)
		}
		push := func(want string) {
			t.Helper()
			out.Rows = nil
			if err := x.Push(1, fields("user", "bob")); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(out.Rows, []string{want}) {
				t.Errorf("%s: got %q, want %q", stage, out.Rows, want)
			}
		}
		known, unknown := "role=string:clerk user=string:bob", "user=string:bob"
		if stage[0] == 'i' {
			unknown = "role=string:none user=string:bob"
		}
		push(known)
		lib.Add(table([]string{"role", "more", "user"}, text("chief", "", "eve")))
		push(unknown)
		lib.Add(table([]string{"role", "more", "user"}, text("clerk", "", "bob")))
		push(known)
		lib.Add(table([]string{"something"}, text("else")))
		push(known)
		x.Close()
	}
	// While many look, tables change.
	q, _ := Compile(diag.Text("query", `* | lookup role from path://"/Library/Users" on user = user | count by role`), Standard(), Tables(lib))
	if q == nil {
		lib.Add(table([]string{"user", "role"}, text("bob", "clerk")))
		q, _ = Compile(diag.Text("query", `* | lookup role from path://"/Library/Users" on user = user | count by role`), Standard(), Tables(lib))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			x, err := q.Start(context.Background(), Run{Warnings: &exec.Warnings{}}, Live{})
			if err != nil {
				t.Error(err)
				return
			}
			defer x.Close()
			for range 500 {
				if err := x.Push(1, fields("user", "bob")); err != nil {
					t.Error(err)
				}
				lib.Add(table([]string{"user", "role"}, text("bob", "clerk")))
			}
		})
	}
	wg.Wait()
}
