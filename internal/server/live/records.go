package live

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// recordSchema keeps what records of signals say once somebody has asked for them, or an
// insight was made of them: retention may take their messages away.
const recordSchema = `
CREATE TABLE live_record (pos INTEGER PRIMARY KEY, time INTEGER NOT NULL, body TEXT NOT NULL);
`

// Record is a record that a signal was made of, with what its event says.
type Record struct {
	insight.Record
	Fields [][2]string // names and values, in the order of the event
	Raw    string
	Gone   bool // its message is not in the store any more
}

// Get is a field of the record by its exact name, "" where it has none.
func (r *Record) Get(name string) string {
	for _, f := range r.Fields {
		if f[0] == name {
			return f[1]
		}
	}
	return ""
}

const (
	// rawMost is how much of a record's text is kept.
	rawMost = 64 << 10
	// recordsMost is how many records of one signal are given.
	recordsMost = 100
	// momentsMost is how many moments of the store are read for the records of a signal.
	momentsMost = 100
	// recordMemory is what one reading may hold.
	recordMemory = 64 << 20
)

// Records are the records of a signal: at most the first and last that it names, most of them
// where that is not 0.
func (e *Engine) Records(ctx context.Context, s *insight.Signal, most int) ([]Record, error) {
	list := s.Records
	if len(list) == 0 {
		list = []insight.Record{{Pos: s.Pos, Time: s.Time, Kind: s.Kind}}
	}
	if most == 0 || most > recordsMost {
		most = recordsMost
	}
	if len(list) > most { // the one that completed the signal is the last
		list = append(slices.Clone(list[:most-1]), list[len(list)-1])
	}
	out := make([]Record, len(list))
	var left []*Record
	for i, r := range list {
		out[i].Record = r
		var text string
		switch err := e.alerts.db.QueryRowContext(ctx, `SELECT body FROM live_record WHERE pos = ? AND time = ?`, int64(r.Pos), r.Time).Scan(&text); err {
		case nil:
			var kept keptRecord
			if err := json.Unmarshal([]byte(text), &kept); err != nil {
				return nil, err
			}
			out[i].Fields, out[i].Raw = kept.Fields, kept.Raw
		case sql.ErrNoRows:
			left = append(left, &out[i])
		default:
			return nil, err
		}
	}
	return out, e.read(ctx, left)
}

type keptRecord struct {
	Fields [][2]string `json:"fields"`
	Raw    string      `json:"raw"`
}

// everything is the query that gives whole events.
var everything = sync.OnceValue(func() *query.Query {
	q, ds := query.Compile(diag.Text("records", "*"), query.Standard())
	if err := ds.Err(); err != nil {
		panic("bug: live: " + err.Error())
	}
	return q
})

// read reads records from the store, moment by moment, and keeps them.
func (e *Engine) read(ctx context.Context, records []*Record) error {
	slices.SortFunc(records, func(a, b *Record) int { return cmp.Compare(a.Time, b.Time) })
	moments := 0
	for len(records) > 0 {
		n := 1
		for n < len(records) && records[n].Time == records[0].Time {
			n++
		}
		part := records[:n]
		records = records[n:]
		if moments++; moments > momentsMost || part[0].Time == event.NoTime {
			for _, r := range part {
				r.Gone = true
			}
			continue
		}
		if err := e.moment(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// moment reads the records of one millisecond.
func (e *Engine) moment(ctx context.Context, part []*Record) error {
	at := part[0].Time
	snap := e.o.Store.Snapshot(store.View{From: at, To: at + 1})
	defer snap.Close()
	q := everything()
	rows, err := q.Collect(ctx, query.Run{
		Input: snap.Feeder(), Workers: 1, Memory: recordMemory, Now: time.Now(), From: at, To: at + 1, Bounded: true, Warnings: &exec.Warnings{},
	})
	if err != nil {
		return err
	}
	for _, r := range part {
		i := slices.Index(rows.Pos, r.Pos)
		if i < 0 {
			r.Gone = true
			continue
		}
		for c, name := range rows.Columns {
			if c >= len(rows.Values[i]) || rows.Values[i][c].IsNull() {
				continue
			}
			v := rows.Values[i][c].String()
			if name == "_raw" {
				r.Raw = v[:min(len(v), rawMost)]
				continue
			}
			r.Fields = append(r.Fields, [2]string{name, v[:min(len(v), rawMost)]})
		}
		text, err := json.Marshal(keptRecord{r.Fields, r.Raw})
		if err != nil {
			return err
		}
		if _, err := e.alerts.db.ExecContext(ctx, `INSERT OR REPLACE INTO live_record (pos, time, body) VALUES (?,?,?)`, int64(r.Pos), r.Time, string(text)); err != nil {
			return err
		}
	}
	return nil
}
