package columns_test

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	enginexec "github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/store/columns"
	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// others are engines of other makers, as Python packages, and what prints of a file, as
// JSON lists: its columns' names; the number of rows, of distinct _seq and of rows that
// are complete, and the sums of _messagetime in ms and of _raw's length; the MD5 digests
// of all _raw, in order; and how often each value of f.a and of _sourcecategory occurs.
var others = map[string]string{
	"duckdb": `
import duckdb, sys, json
c = duckdb.connect()
c.execute("SET TimeZone='UTC'")
def ask(q): return [list(r) for r in c.execute(q.replace("FILE", "'" + sys.argv[1] + "'")).fetchall()]
print(json.dumps([r[0] for r in ask("DESCRIBE SELECT * FROM FILE")]))
print(json.dumps(ask("SELECT count(*), count(DISTINCT _seq), sum(_complete::INT)::BIGINT, sum(epoch_ms(_messagetime))::BIGINT, sum(octet_length(encode(_raw)))::BIGINT FROM FILE")[0]))
print(json.dumps([r[0] for r in ask("SELECT md5(_raw) FROM FILE ORDER BY 1")]))
print(json.dumps(ask('SELECT "f.a", count(*) FROM FILE WHERE "f.a" IS NOT NULL AND _complete GROUP BY 1 ORDER BY 1')))
print(json.dumps(ask("SELECT _sourcecategory, count(*) FROM FILE WHERE _sourcecategory IS NOT NULL AND _complete GROUP BY 1 ORDER BY 1")))
`,
	"chdb": `
import chdb, sys, json
def ask(q): return [json.loads(l) for l in str(chdb.query(q.replace("FILE", "file('" + sys.argv[1] + "', Parquet)"), "JSONCompactEachRow")).splitlines()]
print(json.dumps([r[0] for r in ask("DESCRIBE TABLE FILE")]))
print(json.dumps([int(x) for x in ask("SELECT count(), uniqExact(_seq), sum(toInt64(_complete)), sum(toUnixTimestamp64Milli(_messagetime)), sum(length(_raw)) FROM FILE")[0]]))
print(json.dumps([r[0] for r in ask("SELECT lower(hex(MD5(_raw))) FROM FILE ORDER BY 1")]))
print(json.dumps([[r[0], int(r[1])] for r in ask("SELECT ` + "`" + `f.a` + "`" + `, count() FROM FILE WHERE ` + "`" + `f.a` + "`" + ` IS NOT NULL AND _complete GROUP BY 1 ORDER BY 1")]))
print(json.dumps([[r[0], int(r[1])] for r in ask("SELECT _sourcecategory, count() FROM FILE WHERE _sourcecategory IS NOT NULL AND _complete GROUP BY 1 ORDER BY 1")]))
`,
}

// TestOthersRead: DuckDB and ClickHouse read of a file what was written. GYOJI_PYTHON
// names a Python other than python3.
func TestOthersRead(t *testing.T) {
	python := cmp.Or(os.Getenv("GYOJI_PYTHON"), "python3")
	for name, program := range others {
		t.Run(name, func(t *testing.T) {
			if out, err := exec.Command(python, "-c", "import "+name).CombinedOutput(); err != nil {
				t.Skipf("%s has no %s: %.200s", python, name, out)
			}
			rnd := rand.New(rand.NewPCG(11, 11))
			var rows []message.Row
			for _, r := range odd(rnd, 3000) {
				if strings.ToValidUTF8(string(r.Raw), "") == string(r.Raw) { // else _raw is bytes, which the program does not expect
					rows = append(rows, r)
				}
			}
			for i := range 4000 { // a column without a dictionary, and one with null alone
				rows = append(rows, message.Row{Seq: uint64(1e6+i) * message.Apart, Time: 1_700_000_000_000, Raw: fmt.Appendf(nil, `{"a":"%x","b.c":"%d","l":["x","%d"]}`, rnd.Uint64(), i%3, i%5)})
			}
			w, s := write(t, rows, columns.Options{GroupRows: 2500, Promoted: []string{"a", "b.c", "Image", "l", "none"}})
			path := filepath.Join(t.TempDir(), "a.parquet")
			if err := os.WriteFile(path, w.file, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(python, "-c", program, path).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var got []any
			for d := json.NewDecoder(bytes.NewReader(out)); ; {
				var v any
				if err := d.Decode(&v); err != nil {
					break
				}
				got = append(got, v)
			}
			want := facts(t, rows, s)
			if len(got) != len(want) {
				t.Fatalf("%d facts, want %d: %.500s", len(got), len(want), out)
			}
			for i := range want {
				if g, w := fmt.Sprint(got[i]), fmt.Sprint(want[i]); g != w {
					at := 0
					for at < min(len(g), len(w)) && g[at] == w[at] {
						at++
					}
					t.Errorf("fact %d: at %d\n%.300s\nwant\n%.300s", i, at, g[max(0, at-20):], w[max(0, at-20):])
				}
			}
		})
	}
}

// facts are what the programs print, by the messages and what each is read as.
func facts(t *testing.T, rows []message.Row, s columns.Summary) (out []any) {
	names := []string{"_seq", "_messagetime", "_receipttime", "_origin", "_complete", "_sourcecategory", "_sourcehost", "_sourcename", "_collector", "_source"}
	for _, p := range s.Promoted {
		names = append(names, "f."+p)
	}
	var complete, times, length int64
	var digests []string
	counts := [2]map[string]int{{}, {}}
	l := event.NewLayout("a", "_sourceCategory", "b.c", "Image", "l", "none", "_sourceHost", "_sourceName", "_collector", "_source", "_receiptTime")
	w := &input.Want{Layout: l, Warnings: &enginexec.Warnings{}}
	for i := range l.Len() {
		w.Fields.Add(event.Slot(i))
	}
	r := message.NewReader(w)
	warned := func() (n int64) {
		for _, k := range w.Warnings.List() {
			n += k.Count
		}
		return n
	}
	for i := range rows {
		row := &rows[i]
		times += row.Time
		length += int64(len(row.Raw))
		d := md5.Sum(row.Raw)
		digests = append(digests, hex.EncodeToString(d[:]))
		var values [2]event.Value
		events, before := 0, warned()
		err := r.Read(rows[i:i+1], each(func(b *event.Batch) {
			for k := range b.N {
				if events++; b.Pos[k] != row.Seq {
					events = 2
				}
				values = [2]event.Value{b.Value(0, uint16(k)).Clone(), b.Value(1, uint16(k)).Clone()}
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		if events == 1 && warned() == before {
			complete++
			for k, v := range values {
				if !v.IsNull() {
					counts[k][v.Str()]++
				}
			}
		}
	}
	slices.Sort(digests)
	out = []any{append(names, "_raw"), []any{len(rows), len(rows), complete, times, length}, digests}
	for _, c := range counts {
		list := []any{}
		for _, v := range slices.Sorted(maps.Keys(c)) {
			list = append(list, []any{v, c[v]})
		}
		out = append(out, list)
	}
	for i := range out { // as JSON has it
		b, err := json.Marshal(out[i])
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		out[i] = v
	}
	return out
}

type each func(*event.Batch)

func (f each) Push(b *event.Batch) error { f(b); return nil }
