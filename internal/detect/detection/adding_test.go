package detection_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/packages"
)

// Adding events takes no finding away and lowers no score: each row on record for a case
// is there when the events of all cases stand in one log, with at least its score. Most
// cases are of one host, one user and the same file names, so each is noise to the others.
// Only what compares events over time can fail this.
func TestAddingEventsTakesNoFindingAway(t *testing.T) {
	pkgs, _ := detection.Load(packages.FS, "packages")
	compared := 0
	for _, p := range pkgs {
		suite, err := p.Suite()
		if err != nil || suite == nil {
			t.Fatal(err)
		}
		var all bytes.Buffer
		read, apart := map[string]bool{}, map[any]bool{}
		for _, c := range suite.Cases {
			if read[c.Events] { // a collection is one file of many cases
				continue
			}
			read[c.Events] = true
			data, err := fs.ReadFile(p.FS, path.Join(path.Dir(p.Tests), c.Events))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) { // a log of lines is no JSON Lines
				apart[c.ID] = true
				continue
			}
			all.Write(append(bytes.TrimRight(data, "\n"), '\n'))
		}
		for _, d := range p.Detections {
			found := scoresByEvent(t, d, all.Bytes())
			golden, err := fs.ReadFile(p.FS, path.Join(path.Dir(p.Tests), detection.GoldenDir, d.ID+".jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			dec := json.NewDecoder(bytes.NewReader(golden))
			for dec.More() {
				var row map[string]any
				if err := dec.Decode(&row); err != nil {
					t.Fatal(err)
				}
				if apart[row["case"]] {
					continue
				}
				compared++
				score, ok := found[eventOf(row)]
				if want, _ := row[d.Score.Field].(float64); !ok || score < want {
					t.Errorf("%s/%s: case %v: with the other cases' events the row scores %v, alone %v: %s", p.Dir, d.ID, row["case"], score, want, eventOf(row))
				}
			}
		}
	}
	if compared < 300 {
		t.Errorf("only %d rows were compared", compared)
	}
}

func eventOf(row map[string]any) string {
	return fmt.Sprint(row["_messagetime"], row["Computer"], row["Image"], row["CommandLine"], row["ParentImage"], row["TargetFilename"] != nil)
}

// scoresByEvent is the highest score of each event that a detection finds.
func scoresByEvent(t *testing.T, d *detection.Detection, data []byte) map[string]float64 {
	t.Helper()
	q, ds := query.Compile(d.Query, query.Standard())
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	jsonl := format.Named("jsonl")
	r := input.NewReader(input.Memory("events", data), []*input.Format{jsonl}, input.Options{Force: jsonl})
	rows, err := q.Collect(context.Background(), query.Run{Input: r, Workers: 2, Now: time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC), Zone: time.UTC, Warnings: &exec.Warnings{}})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for i := range rows.Values {
		row := map[string]any{}
		for j, c := range rows.Columns {
			v := rows.Values[i][j]
			switch n, ok := v.Float(); {
			case v.IsNull():
			case ok && (c == "_messagetime" || c == d.Score.Field):
				row[c] = n
			default:
				row[c] = v.String()
			}
		}
		score, _ := row[d.Score.Field].(float64)
		out[eventOf(row)] = max(out[eventOf(row)], score)
	}
	return out
}
