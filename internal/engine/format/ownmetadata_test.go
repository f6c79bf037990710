package format_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// What an event says of where it came from does not replace the metadata, whatever its
// shape and however its fields are asked for; it can be read from its text. Who may write
// to a log could otherwise hide from every query with a scope. Messages that Sumo Logic
// or gyoji exported keep the metadata that they bring.
func TestAnEventDoesNotNameItsSource(t *testing.T) {
	const own = `"_sourceCategory":"evil","_sourceHost":"evil","_sourceName":"evil","_source":"evil","_collector":"evil","_size":"666"`
	for name, text := range map[string]string{
		"own.jsonl":    `{"EventID":1,"Channel":"Security","Computer":"h","UtcTime":"2026-01-01 00:00:00",` + own + "}\n",
		"first.jsonl":  `{` + own + `,"EventID":1,"Channel":"Security","Computer":"h","UtcTime":"2026-01-01 00:00:00"}` + "\n",
		"lower.jsonl":  `{"EventID":1,"Channel":"Security","Computer":"h","_sourcecategory":"evil","_SOURCEHOST":"evil"}` + "\n",
		"nested.jsonl": `{"EventID":1,"Channel":"Security","Computer":"h","EventData":{` + own + `}}` + "\n",
		"text.jsonl":   `{"EventID":1,"Channel":"Security","Computer":"h","EventData":{"_raw":"x",` + own + `}}` + "\n",
		"list.json":    `[{"EventID":1,"Channel":"Security","Computer":"h",` + own + "}]\n",
		"own.csv":      "EventID,Channel,Computer,_sourceCategory,_sourceHost,_sourceName,_source,_collector,_size\n1,Security,h,evil,evil,evil,evil,evil,666\n",
		"own.xml": `<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><EventID>1</EventID><Channel>Security</Channel><Computer>h</Computer></System>` +
			`<EventData><Data Name="_sourceCategory">evil</Data><Data Name="_sourceHost">evil</Data><Data Name="_collector">evil</Data></EventData></Event>` + "\n",
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, q := range []string{
			"_sourceCategory=windows/security | fields _sourceCategory, _sourceHost, _sourceName, _source, _collector, _size",
			"_sourceCategory=windows/security | json auto | fields _sourceCategory, _sourceHost, _sourceName, _source, _collector, _size",
			`_sourceCategory=windows/security | json auto extractarrays | fields _sourceCategory, _sourceHost, _sourceName, _source, _collector, _size`,
		} {
			for _, noMap := range []bool{false, true} {
				t.Run(fmt.Sprint(name, " ", q, " ", noMap), func(t *testing.T) {
					if noMap && (name == "nested.jsonl" || name == "text.jsonl" || name == "own.xml") {
						t.Skip("the channel has this name by mapping only")
					}
					got := run(t, q, 1, 0, noMap, path)
					if len(got.rows) != 1 {
						t.Fatalf("%d rows, want 1: %v", len(got.rows), got.rows)
					}
					row := got.rows[0]
					for k, want := range map[string]any{"_sourceCategory": "windows/security", "_sourceHost": "h", "_sourceName": path} {
						if row[k] != want {
							t.Errorf("%s is %v, want %v", k, row[k], want)
						}
					}
					for _, k := range []string{"_source", "_collector"} {
						if row[k] != nil {
							t.Errorf("%s is %v", k, row[k])
						}
					}
					if n := fmt.Sprint(row["_size"]); n == "666" {
						t.Error("_size is what the event says")
					}
				})
			}
		}
		if got := run(t, "_sourceCategory=evil OR _sourceHost=evil OR _collector=evil", 1, 0, false, path); len(got.rows) != 0 {
			t.Errorf("%s: found by what it says of itself: %v", name, got.rows)
		}
		if name == "own.jsonl" {
			compare(t, map[string]any{"claimed": "evil"}, run(t, `* | json "_sourceCategory" as claimed | fields claimed`, 1, 0, false, path).rows[0])
		}
	}
	for name, text := range map[string]string{
		"raw.jsonl": `{"_raw":"x","_sourceCategory":"c","_sourceHost":"s","_sourceName":"n","_source":"o","_collector":"l"}` + "\n",
		"job.jsonl": `{"map":{"_raw":"x","_messagetime":"1619449385976","_sourcecategory":"c","_sourcehost":"s","_sourcename":"n","_source":"o","_collector":"l"}}` + "\n",
		"row.jsonl": `{"_messageTime":1619449385976,"_sourceCategory":"c","_sourceHost":"s","_sourceName":"n","_source":"o","_collector":"l","Channel":"Security"}` + "\n",
		"raw.csv":   "_messagetime,_raw,_sourcecategory,_sourcehost,_sourcename,_source,_collector\n1619449385976,x,c,s,n,o,l\n",
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := run(t, "_sourceCategory=c | fields _sourceCategory, _sourceHost, _sourceName, _source, _collector", 1, 0, false, path)
		if len(got.rows) != 1 {
			t.Fatalf("%s: %v", name, got)
		}
		compare(t, map[string]any{"_sourceCategory": "c", "_sourceHost": "s", "_sourceName": "n", "_source": "o", "_collector": "l"}, got.rows[0])
	}
}
