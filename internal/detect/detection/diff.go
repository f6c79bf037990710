package detection

import (
	"context"
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

// Difference is what two versions of a detection find in the same logs.
type Difference struct {
	Both         int
	Gained, Lost *query.Rows // rows of the new version alone, and of the old one alone
	Rescored     []Rescored  // rows of both whose score differs
}

// Rescored is an event that both versions find, with another score.
type Rescored struct {
	Old, New string
	Row      int // of the new version's rows
	Evidence string
}

// Compare runs two versions over the same logs. Rows are told apart by the
// message they come from; those of an aggregate by their text. score names the
// score's column, "" when there is none.
func Compare(ctx context.Context, old, fresh *query.Query, logs func() (query.Run, error), score string) (*Difference, error) {
	a, err := over(ctx, old, logs)
	if err != nil {
		return nil, err
	}
	b, err := over(ctx, fresh, logs)
	if err != nil {
		return nil, err
	}
	d := &Difference{Gained: &query.Rows{Columns: b.Columns}, Lost: &query.Rows{Columns: a.Columns}}
	before := map[string][]int{}
	for i := range a.Values {
		k := key(a, i)
		before[k] = append(before[k], i)
	}
	for i := range b.Values {
		k := key(b, i)
		if left := before[k]; len(left) > 0 {
			d.Both++
			before[k] = left[1:]
			if score != "" {
				if x, y := text(a, left[0], score), text(b, i, score); x != y {
					d.Rescored = append(d.Rescored, Rescored{x, y, i, evidence(b, i)})
				}
			}
			continue
		}
		take(d.Gained, b, i)
	}
	for i := range a.Values {
		if k := key(a, i); len(before[k]) > 0 && before[k][0] == i {
			take(d.Lost, a, i)
			before[k] = before[k][1:]
		}
	}
	return d, nil
}

func take(to, from *query.Rows, i int) {
	to.Values, to.Pos = append(to.Values, from.Values[i]), append(to.Pos, from.Pos[i])
}

// key tells rows apart.
func key(r *query.Rows, i int) string {
	if r.Messages {
		return fmt.Sprint(r.Pos[i])
	}
	var b strings.Builder
	for j, v := range r.Values[i] {
		if !v.IsNull() {
			fmt.Fprintf(&b, "%s=%s\x00", strings.ToLower(r.Columns[j]), v.String())
		}
	}
	return b.String()
}

func evidence(r *query.Rows, i int) string {
	for _, c := range []string{"CommandLine", "TargetFilename", "path", "Image"} {
		if s := text(r, i, c); s != "" {
			return s
		}
	}
	return ""
}
