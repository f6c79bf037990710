package lookup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

func TestReadTakesCSVAndThreeFormsOfJSON(t *testing.T) {
	for _, text := range []string{
		"id,name\nu1,Ann\nu2,\"Bob, B\"\n",
		"\xef\xbb\xbfid,name\r\nu1,Ann\r\nu2,\"Bob, B\"\r\n",
		`[{"id":"u1","name":"Ann"},{"name":"Bob, B","id":"u2"}]`,
		"{\"id\":\"u1\",\"name\":\"Ann\"}\n{\"id\":\"u2\",\"name\":\"Bob, B\"}\n",
		`{"columns":["id","name"],"key":["id"],"rows":[["u1","Ann"],["u2","Bob, B"]]}`,
	} {
		tab, err := Read([]byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := strings.Join(tab.Columns, "|"); got != "id|name" {
			t.Errorf("%q: columns %s", text, got)
		}
		if len(tab.Rows) != 2 || tab.Rows[1][0].Str() != "u2" || tab.Rows[1][1].Str() != "Bob, B" {
			t.Errorf("%q: rows %v", text, tab.Rows)
		}
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":            "empty",
		"a,,c\n1,2,3": "column 2 has no name",
		"a,a\n1,2":    "two columns are named a",
		"a,b\n1\n":    "line 2",
		`[{"a":1},2]`: "row 2",
		`[{"a":1}`:    "row 1",
		`{"a":`:       "row 1",
		`{"columns":["a"],"key":["z"],"rows":[]}`: "key z",
	} {
		if _, err := Read([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", text, err, want)
		}
	}
}

func TestIndexFindsTheLastRowOfAKey(t *testing.T) {
	tab, err := Read([]byte("k,v\na,1\nb,2\nA,3\na,4\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		fold    bool
		key     string
		want    string
		doubled int
	}{{false, "a", "4", 1}, {false, "A", "3", 1}, {true, "A", "4", 2}, {true, "b", "2", 2}} {
		x, doubled := tab.Index([]int{0}, c.fold)
		row, _, ok := x.Find(nil, []Value{event.Text(c.key)})
		if !ok || tab.Rows[row][1].Str() != c.want || doubled != c.doubled {
			t.Errorf("fold %v, key %s: row %d ok %v doubled %d", c.fold, c.key, row, ok, doubled)
		}
		if _, _, ok := x.Find(nil, []Value{{}}); ok {
			t.Error("null was found")
		}
	}
}

// Lists of values that join to the same text are different keys.
func TestIndexKeepsValuesApart(t *testing.T) {
	tab := &Table{Columns: []string{"a", "b"}, Rows: [][]Value{{event.Text("x"), event.Text("yz")}}}
	x, _ := tab.Index([]int{0, 1}, false)
	if _, _, ok := x.Find(nil, []Value{event.Text("xy"), event.Text("z")}); ok {
		t.Error("xy, z found the row x, yz")
	}
}

func TestPathsAreFoundAsQueriesWriteThem(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "t.csv")
	if err := os.WriteFile(file, []byte("id\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bound := range []string{`path://"/Library/T"`, "/Library/T", "path:///Library/T"} {
		l := &Library{}
		l.Bind(bound, file)
		if tab, err := l.Table("path:///Library/T"); err != nil || len(tab.Rows) != 1 {
			t.Errorf("bound as %s: %v", bound, err)
		}
	}
	var none *Library
	if _, err := none.Table("x"); err != ErrUnbound {
		t.Errorf("a nil library gave %v", err)
	}
}

func TestSaveReplacesAddsAndUpdatesByKey(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "t.csv")
	l := &Library{}
	l.Bind("shared/t", file)
	row := func(a, b string) []Value { return []Value{event.Text(a), event.Text(b)} }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(l.Save("shared/t", []string{"id", "v"}, [][]Value{row("1", "a"), row("2", "b")}, false))
	must(l.Save("shared/t", []string{"v", "id"}, [][]Value{row("c", "3")}, true))
	text, err := os.ReadFile(file)
	must(err)
	if string(text) != "id,v\n1,a\n2,b\n3,c\n" {
		t.Errorf("file is %q", text)
	}
	if err := l.Save("shared/t", []string{"id"}, nil, true); err == nil || !strings.Contains(err.Error(), "column v") {
		t.Errorf("a missing column gave %v", err)
	}
	l.Add(&Table{Path: "/Library/K", Columns: []string{"id", "v"}, Key: []string{"id"}, Rows: [][]Value{row("1", "a")}})
	must(l.Save("/Library/K", []string{"id", "v"}, [][]Value{row("1", "z"), row("2", "y")}, true))
	tab, err := l.Table("/Library/K")
	must(err)
	if len(tab.Rows) != 2 || tab.Rows[0][1].Str() != "z" {
		t.Errorf("keyed rows are %v", tab.Rows)
	}
}

func TestThreatEntriesOfTheHighestConfidenceWin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "i.csv")
	text := "indicator,type,actor,confidence,updated\n198.51.100.7,ipv4,Alpha,40,10\n198.51.100.7,ipv4,Beta,95,5\n198.51.100.7,ipv4,Gamma,95,9\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l := &Library{}
	if err := l.ReadThreat("mine", file); err != nil {
		t.Fatal(err)
	}
	if n := len(l.Threat().Find(" 198.51.100.7")); n != 3 {
		t.Errorf("%d entries", n)
	}
	best := l.Threat().Best("198.51.100.7")
	if best.Actors.Str() != "Gamma" || best.Malicious().Str() != "high" || best.Source.Str() != "mine" {
		t.Errorf("best is %+v", best)
	}
	tab, err := l.Table("sumo://threat/cs")
	if err != nil || len(tab.Rows) != 1 || tab.Rows[0][4].Str() != "high" {
		t.Errorf("table is %+v, %v", tab, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("a,b\n1,2\n"))
	f.Add([]byte(`[{"a":[1,{"b":null}]}]`))
	f.Add([]byte(`{"columns":["a"],"rows":[[1]]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		tab, err := Read(text)
		if err != nil {
			return
		}
		for _, r := range tab.Rows {
			if len(r) != len(tab.Columns) {
				t.Fatalf("a row has %d values for %d columns", len(r), len(tab.Columns))
			}
		}
	})
}
