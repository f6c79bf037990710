package clients

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/cli"
	"github.com/gyoji-dev/gyoji/internal/server"
)

// pythonDir is the environment variable that names the folder in which clients of PyPI are
// installed, and so has these tests run.
const pythonDir = "GYOJI_CLIENTS"

// installTime and clientTime bound what a client takes.
const (
	installTime = 5 * time.Minute
	clientTime  = 2 * time.Minute
)

// python is the interpreter of an environment that has some packages of PyPI. The test is
// skipped where they are not to be had.
func python(t *testing.T, packages ...string) string {
	t.Helper()
	dir := os.Getenv(pythonDir)
	if dir == "" {
		t.Skipf("%s is not set: it names a folder to install clients in", pythonDir)
	}
	system, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	venv := filepath.Join(dir, fmt.Sprintf("py-%.12x", sha256.Sum256([]byte(strings.Join(packages, " ")))))
	bin := filepath.Join(venv, "bin", "python")
	if _, err := os.Stat(filepath.Join(venv, "installed")); err == nil {
		return bin
	}
	ctx, cancel := context.WithTimeout(context.Background(), installTime)
	defer cancel()
	for _, c := range [][]string{{system, "-m", "venv", venv}, append([]string{bin, "-m", "pip", "install", "-q", "--disable-pip-version-check"}, packages...)} {
		if text, err := exec.CommandContext(ctx, c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Skipf("%s cannot be installed here: %v\n%s", strings.Join(packages, ", "), err, text)
		}
	}
	if err := os.WriteFile(filepath.Join(venv, "installed"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return bin
}

// answering is a server that has logs, and a copy of its store for the command line.
type answering struct {
	t     *testing.T
	c     server.Credentials
	store string
	files []string // of --table
}

const sampleLogs = "../../../samples/ws-fin-014-sysmon.jsonl"

func answers(t *testing.T) *answering {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	s, told, err := server.Start(server.Config{Data: data, Listen: "127.0.0.1:0"}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	text, err := os.ReadFile(sampleLogs)
	if err != nil {
		t.Fatal(err)
	}
	for category, body := range map[string]string{"windows/sysmon": string(text), "app/web": `2026-03-10T10:00:00Z ERROR user=ann took=12.5 path="/a b"` + "\n" + `2026-03-10T10:05:00Z INFO user=bob took=7 äöü` + "\n"} {
		req, _ := http.NewRequest("POST", told.Given.SourceURL, strings.NewReader(body))
		req.Header.Set("X-Sumo-Category", category)
		resp, err := http.DefaultClient.Do(req)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%v %v", resp, err)
		}
		resp.Body.Close()
	}
	a := &answering{t: t, c: told.Given, store: filepath.Join(t.TempDir(), "copy")}
	if err := os.CopyFS(a.store, os.DirFS(data)); err != nil { // the server has the folder itself
		t.Fatal(err)
	}
	return a
}

// run runs a client and reads what it prints as JSON.
func (a *answering) run(input any, out any, env []string, command string, args ...string) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), clientTime)
	defer cancel()
	c := exec.CommandContext(ctx, command, args...)
	c.Env = append(os.Environ(), append(env, "BASE="+a.c.WebURL, "ACCESS_ID="+a.c.AccessID, "ACCESS_KEY="+a.c.AccessKey, "HOME="+a.t.TempDir())...)
	if input != nil {
		text, err := json.Marshal(input)
		if err != nil {
			a.t.Fatal(err)
		}
		c.Stdin = bytes.NewReader(text)
	}
	var messages bytes.Buffer
	c.Stderr = &messages
	text, err := c.Output()
	if e := json.Unmarshal(text, out); e != nil {
		a.t.Fatalf("%s: %v, %v\n%s\n%s", command, err, e, text, messages.String())
	}
}

// asked is a search that clients make.
type asked struct {
	Query string `json:"query"`
	From  string `json:"from"`
	To    string `json:"to"`
	Zone  string `json:"zone,omitempty"`
}

// queries are searches of all kinds.
func queries() (out []asked) {
	for _, q := range []string{
		`*`, `_sourceCategory=app/web`, `EventID=1 AND chrome`, `* | limit 5`, `nosuchword`,
		`* | count`, `_sourceCategory=windows/sysmon | json auto | count by EventID, Computer | sort by _count`,
		`EventID=1 | json field=_raw "Image", "ProcessId" as image, pid | count_distinct(pid) as n by image | sort by n, image`,
		`* | timeslice 30m | count by _timeslice, _sourceCategory | sort by _timeslice asc, _sourceCategory`,
		`_sourceCategory=app/web | parse "user=* took=*" as user, took | num(took) | avg(took) as mean, max(took) by user | sort by user asc`,
		`_sourceCategory=app/web | parse regex "took=(?<took>[\d.]+)" | where took > 10 | fields took`,
		`* | if (EventID = 1, "start", "other") as kind | count by kind | sort by kind`,
		`EventID=1 | timeslice 1h | count by _timeslice, Image | transpose row _timeslice column Image`,
		`* | where [subquery: EventID=1 | count by ProcessId | compose ProcessId] | count by Image | top 3 Image by _count`,
		`EventID=3 | count by DestinationIp | lookup risk from path://"/Library/Users/gyoji/Tools" on DestinationIp=image | sort by DestinationIp`,
		`* | 0.1 + 0.2 as x | 1/0 as y | isNull(nofield) as z | count by x, z`,
	} {
		out = append(out, asked{Query: q, From: "2026-03-01T00:00:00", To: "2026-03-31T00:00:00"})
	}
	return append(out,
		asked{Query: `* | count by _sourceCategory | sort by _sourceCategory`, From: "2026-03-10T11:00:00", To: "2026-03-10T13:00:00", Zone: "Europe/Berlin"},
		asked{Query: `* | count`, From: "2026-03-10T02:00:00", To: "2026-03-10T05:00:00", Zone: "PST"},
		asked{Query: `* | count`, From: "1773100000000", To: "1773150000000"},
	)
}

// want are the rows that the command line gives for a search, as the API writes them:
// names in lower case, values as text, no nulls.
func (a *answering) want(q asked) (rows []map[string]string) {
	a.t.Helper()
	zone := q.Zone
	if zone == "" {
		zone = "UTC"
	}
	var out, messages bytes.Buffer
	args := []string{"search", "--store", a.store, "-f", "ndjson", "--from", q.From, "--to", q.To, "--timezone", zone, q.Query}
	for _, f := range a.files {
		args = append(args, "--table", f)
	}
	if code := cli.Main(args, strings.NewReader(""), &out, &messages); code != 0 {
		a.t.Fatalf("%s: exit %d\n%s", q.Query, code, messages.String())
	}
	d := json.NewDecoder(&out)
	d.UseNumber()
	for d.More() {
		var m map[string]any
		if err := d.Decode(&m); err != nil {
			a.t.Fatal(err)
		}
		row := map[string]string{}
		for k, v := range m {
			if v != nil {
				row[strings.ToLower(k)] = fmt.Sprint(v)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// metadata are what messages have in any case.
var metadata = []string{
	"_blockid", "_messageid", "_sourceid", "_sourcename", "_sourcehost", "_sourcecategory", "_source", "_collectorid", "_collector", "_format", "_size",
	"_messagetime", "_receipttime", "_messagecount", "_raw",
}

// compare compares rows that a client got with those of the command line; messages may
// have their metadata besides.
func (a *answering) compare(q asked, got, want []map[string]string) {
	a.t.Helper()
	if len(got) != len(want) {
		a.t.Errorf("%s: %d rows, the command line gives %d", q.Query, len(got), len(want))
		return
	}
	for i := range want {
		for k, v := range want[i] {
			if got[i][k] != v {
				a.t.Errorf("%s: row %d: %s is %q, on the command line %q", q.Query, i, k, got[i][k], v)
				return
			}
		}
		for k := range got[i] {
			if _, ok := want[i][k]; !ok && !slices.Contains(metadata, k) {
				a.t.Errorf("%s: row %d: there is %s besides", q.Query, i, k)
				return
			}
		}
	}
}

// TestSDK: sumologic-sdk, the two versions in use, with all queries, the refusals, and
// what it manages.
func TestSDK(t *testing.T) {
	for _, version := range []string{"0.1.17", "0.2.1"} {
		t.Run(version, func(t *testing.T) {
			bin := python(t, "sumologic-sdk=="+version)
			a := answers(t)
			var managed map[string]any
			rows := "image,risk\n192.0.2.110,7\n"
			a.run(nil, &managed, []string{"ROWS=" + rows}, bin, "testdata/ask/manage.py")
			for k, want := range map[string]string{
				"collectors": "[gyoji]", "category": "changed", "sources": "[s]", "path": "/Library/Users/gyoji/Tools", "upload": "Success", "description": "changed",
				"rules": "[r]", "import": "Success", "children": "[s1]", "export": "* | count", "delete": "Success", "gone": "true", "global": "[]", "fields": "15",
			} {
				if got := fmt.Sprint(managed[k]); got != want {
					t.Errorf("%s: %s, want %s", k, got, want)
				}
			}
			table := filepath.Join(t.TempDir(), "tools.json")
			if err := os.WriteFile(table, []byte(`[{"image":"192.0.2.110","risk":7},{"image":"more.exe","risk":1}]`), 0o644); err != nil {
				t.Fatal(err)
			}
			a.files = []string{`path://"/Library/Users/gyoji/Tools"=` + table}
			all := queries()
			wrong := map[string]string{
				`* | nonsense`: "parse.error", `* | count by`: "parse.error", ``: "searchjob.no.query",
			}
			for q := range wrong {
				all = append(all, asked{Query: q, From: "2026-03-01T00:00:00", To: "2026-03-31T00:00:00"})
			}
			var got []struct {
				Query, State     string
				Rows             []map[string]string
				Fields           []struct{ Name, FieldType string }
				Errors, Warnings []string
				Histogram        int
				Refused          map[string]any
			}
			a.run(all, &got, nil, bin, "testdata/ask/sdk.py")
			if len(got) != len(all) {
				t.Fatalf("%d answers to %d queries", len(got), len(all))
			}
			for i, q := range all {
				if code, ok := wrong[q.Query]; ok {
					if got[i].Refused["code"] != code {
						t.Errorf("%q: %v, want %s", q.Query, got[i].Refused, code)
					}
					continue
				}
				if got[i].Refused != nil || got[i].State != "DONE GATHERING RESULTS" || len(got[i].Errors) > 0 {
					t.Errorf("%s: %s, errors %v, refused %v", q.Query, got[i].State, got[i].Errors, got[i].Refused)
					continue
				}
				a.compare(q, got[i].Rows, a.want(q))
				named := map[string]bool{}
				for _, f := range got[i].Fields {
					named[f.Name] = true
				}
				for _, r := range got[i].Rows {
					for k := range r {
						if !named[k] {
							t.Errorf("%s: the field %s is not among the fields", q.Query, k)
						}
					}
				}
			}
			if n := len(got[0].Rows); got[0].Histogram != n || n == 0 {
				t.Errorf("the histogram has %d of %d messages", got[0].Histogram, n)
			}
		})
	}
}

// TestCLIAnything: cli-anything-sumologic, a command line for people and agents.
func TestCLIAnything(t *testing.T) {
	bin := filepath.Join(filepath.Dir(python(t, "cli-anything-sumologic==1.2.0")), "cli-anything-sumologic")
	a := answers(t)
	env := []string{"SUMO_ENDPOINT=" + a.c.WebURL + "/api/v1", "SUMO_ACCESS_ID=" + a.c.AccessID, "SUMO_ACCESS_KEY=" + a.c.AccessKey}
	var ok struct{ Status, Message string }
	if a.run(nil, &ok, env, bin, "--format", "json", "auth", "test"); ok.Status != "ok" {
		t.Errorf("%+v", ok)
	}
	for _, q := range queries() {
		if strings.Contains(q.Query, "lookup") {
			continue // it makes no tables
		}
		var got struct {
			Aggregate bool `json:"is_aggregate"`
			Messages  []map[string]any
			Records   []map[string]any
			Error     string
		}
		args := []string{"--format", "json", "--no-truncation", "search", "run", q.Query, "--from", q.From, "--to", q.To, "--limit", "1000"}
		if q.Zone != "" {
			args = append(args, "--timezone", q.Zone)
		}
		if a.run(nil, &got, env, bin, args...); got.Error != "" {
			t.Errorf("%s: %s", q.Query, got.Error)
			continue
		}
		var rows []map[string]string
		for _, m := range append(got.Messages, got.Records...) {
			row := map[string]string{}
			for k, v := range m {
				row[k] = fmt.Sprint(v)
			}
			rows = append(rows, row)
		}
		a.compare(q, rows, a.want(q))
	}
	var got struct{ Error string }
	if a.run(nil, &got, env, bin, "--format", "json", "search", "run", "* | nonsense"); !strings.Contains(got.Error, "parse.error") || !strings.Contains(got.Error, "column 5") {
		t.Errorf("%s", got.Error)
	}
}

// TestMCP: sumo-logic-mcp, asked over MCP.
func TestMCP(t *testing.T) {
	bin := python(t, "sumo-logic-mcp==1.0.0")
	a := answers(t)
	var calls [][2]any
	var all []asked
	for _, q := range queries() {
		if strings.Contains(q.Query, "lookup") {
			continue
		}
		args := map[string]any{"query": q.Query, "from_time": q.From, "to_time": q.To, "limit": 10000}
		if q.Zone != "" {
			args["timezone"] = q.Zone
		}
		all, calls = append(all, q), append(calls, [2]any{"search_logs", args})
	}
	n := len(calls)
	for _, tool := range []string{
		"list_collectors", "list_fields", "list_partitions", "list_field_extraction_rules", "list_lookup_tables", "list_users", "list_roles",
		"list_ingest_budgets", "list_dashboards", "get_personal_folder", "get_active_alerts", "check_connection", "get_account_usage", "list_monitors",
	} {
		calls = append(calls, [2]any{tool, map[string]any{}})
	}
	calls = append(calls, [2]any{"validate_query", map[string]any{"query": "* | count"}}, [2]any{"validate_query", map[string]any{"query": "* | nonsense"}})
	type answer struct {
		Error    string
		Valid    *bool
		Messages []map[string]string
		Records  []map[string]string
	}
	var raw []json.RawMessage
	a.run(calls, &raw, nil, bin, "testdata/ask/over_mcp.py")
	got := make([]answer, len(raw))
	for i, text := range raw {
		if i >= n && i < len(raw)-2 {
			if strings.Contains(string(text), `"error"`) {
				t.Errorf("%v: %s", calls[i][0], text)
			}
		} else if err := json.Unmarshal(text, &got[i]); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	for i, q := range all {
		if got[i].Error != "" {
			t.Errorf("%s: %s", q.Query, got[i].Error)
			continue
		}
		a.compare(q, append(got[i].Messages, got[i].Records...), a.want(q))
	}
	if v := got[len(got)-2].Valid; v == nil || !*v {
		t.Error("a query that can be read is not valid")
	}
	if v := got[len(got)-1]; v.Valid == nil || *v.Valid || !strings.Contains(v.Error, "nonsense") {
		t.Errorf("a query that cannot be read: %+v", v)
	}
}
