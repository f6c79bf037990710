package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestAnswersAsDataFitTheirSchema holds what explain --why-not and lint say as data against
// the published schemas, in runs of which every part of them is met.
func TestAnswersAsDataFitTheirSchema(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{
		"logs.jsonl": `{"EventID":1,"Image":"C:\\Windows\\cmd.exe","Channel":"Microsoft-Windows-Sysmon/Operational","SystemTime":"2026-03-10T10:00:00Z"}` + "\n" +
			`{"EventID":1,"Image":"C:\\a.exe","Channel":"Microsoft-Windows-Sysmon/Operational","SystemTime":"2026-03-10T10:00:01Z"}` + "\n",
		"operator.sumo": "* | cuont by Image\n", "double.sumo": "* | where EventID = \"1\" | where EventID = \"1\"\n", "twice.sumo": "error | parse \"a*b\" as x | parse \"c*d\" as x | count by x\n",
		"rule.yml":  "title: a\nlogsource: {product: windows}\ndetection:\n  a: {Image|endswith: x, image|endswitch: y}\n  condition: a and b\n",
		"fine.sumo": "* | count\n",
	} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	schema := func(name string) *jsonschema.Schema {
		s, err := jsonschema.NewCompiler().Compile(filepath.Join("..", "..", "docs", "schema", name))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	said := func(args ...string) []byte {
		var out, errs bytes.Buffer
		if code := Main(args, strings.NewReader(""), &out, &errs); code > 2 {
			t.Fatalf("%q: exit code %d\n%s", args, code, errs.String())
		}
		return out.Bytes()
	}
	hold := func(s *jsonschema.Schema, text []byte) {
		t.Helper()
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err == nil {
			err = s.Validate(v)
		}
		if err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
	met := func(all []byte, names ...string) {
		t.Helper()
		for _, n := range names {
			if !bytes.Contains(all, []byte(`"`+n+`":`)) {
				t.Errorf("no answer has %s, so nothing is shown of it", n)
			}
		}
	}
	var all []byte
	s := schema("why-not.json")
	for _, q := range []string{
		"*", "* | count by Image", `EventID=1 | where Image matches "*CMD.exe"`, `* | where Image = "C:\\b.exe" and EventID = 2`,
		`EventID=2 | count`, `* | where imag = "x"`, `nosuch | where EventID = 1`, `* | parse "x*y" as z | where z > 3`,
	} {
		for _, more := range [][]string{nil, {"--from", "2026-03-01T00:00:00Z", "--to", "2026-03-02T00:00:00Z"}} {
			text := said(append([]string{"explain", "-Q", "--why-not", "-f", "json", q, at("logs.jsonl")}, more...)...)
			hold(s, text)
			all = append(all, text...)
		}
	}
	met(all, "text", "nothing_left", "given", "nearest", "help", "change", "values")
	all = nil
	s = schema("lint.json")
	for _, f := range []string{"operator.sumo", "double.sumo", "twice.sumo", "rule.yml", "fine.sumo"} {
		for line := range bytes.Lines(said("lint", "-Q", "-f", "json", at(f))) {
			hold(s, line)
			all = append(all, line...)
			var d struct{ File string }
			if err := json.Unmarshal(line, &d); err != nil || d.File != at(f) {
				t.Errorf("%s is of %q: %v", line, d.File, err)
			}
		}
	}
	met(all, "help", "fix", "edits", "file")
}
