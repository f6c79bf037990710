package message_test

import (
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/exec/exectest"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// TestOne: a message of the format One is one event with all of its text, whatever a file
// of that text would be.
func TestOne(t *testing.T) {
	for _, raw := range []string{
		`[{"a":1},{"a":2}]`, "[\n {\"a\":1},\n {\"a\":2}\n]", `{"Records":[{"eventTime":"2026-03-02T08:00:00Z","a":1},{"a":2}]}`, `{"Records":[{"a":1}]}`, `{"a":[1,2]}`, `{"a":{"b":[{"c":1},{"c":2}]}}`,
		"<34>1 2026-03-02T08:00:00Z h a - - - one\ntwo", "<Event><System><EventID>1</EventID></System></Event><Event><System><EventID>2</EventID></System></Event>",
		"a,b\n1,2\n3,4", "plain", "2026-03-02 08:00:00 a\n at b", "{\n \"a\": 1\n}", "{", "[", "<Event>", "a=1 b=2\na=3 b=4", `{"a":1}{"a":2}`, "CEF:0|V|P|1|100|n|5|src=10.0.0.1\nCEF:0|V|P|1|100|n|5|src=10.0.0.2",
	} {
		o := &message.Origin{Format: message.One}
		for _, needle := range []string{"", "a", "1", "Records", "zzz"} {
			w := wants("_raw", "_messageTime")
			if needle != "" {
				w.Need = []input.Need{{Slot: event.None, Any: []string{needle}}}
			}
			c := &exectest.Collect{Layout: w.Layout}
			if err := message.NewReader(w).Read([]message.Row{{Seq: message.Apart, Time: 7, Receipt: 8, Origin: o, Raw: []byte(raw)}}, c); err != nil {
				t.Fatal(err)
			}
			must := strings.Contains(raw, needle)
			if len(c.Rows) > 1 || must && len(c.Rows) == 0 {
				t.Errorf("%q, searched for %q, is %d events: %q", raw, needle, len(c.Rows), c.Rows)
				continue
			}
			if len(c.Rows) == 1 && !strings.Contains(c.Rows[0], strings.Trim(raw, "\n")) && !strings.Contains(c.Rows[0], "\\n") {
				t.Errorf("%q has the text %q", raw, c.Rows[0])
			}
		}
	}
}
