package desk_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/desk"
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/server/sec"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/packages"
)

// bench is a desk over a store, with the shipped rules at work and the calls of Cloud SIEM
// beside it.
type bench struct {
	t     *testing.T
	store *store.Store
	desk  *desk.Desk
	live  *live.Engine
	meter *desk.Meter
	url   string
	ahead *atomic.Int64 // of the clock
}

func begin(t *testing.T) *bench {
	t.Helper()
	logs, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { logs.Close(context.Background()) })
	db, err := logs.DB(sec.Migration)
	if err != nil {
		t.Fatal(err)
	}
	builtin, found, err := tenant.Read([]tenant.Place{{FS: packages.FS, Path: ".", Name: "packages"}})
	if err != nil || len(found) > 0 {
		t.Fatal(err, found)
	}
	o := sec.Options{Builtin: builtin}
	engine, err := live.Start(live.Options{Store: logs, Idle: 50 * time.Millisecond, Logf: t.Logf, Content: sec.New(sec.Of(db), o).Content})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close(context.Background()) })
	shipped, _ := detection.Load(packages.FS, "packages")
	o.Alerts, o.Changed, o.Records = engine.Alerts(), engine.Changed, engine.Records
	calls := sec.New(sec.Of(db), o)
	meter, err := desk.NewMeter(logs)
	if err != nil {
		t.Fatal(err)
	}
	ahead := &atomic.Int64{}
	d, err := desk.New(desk.Options{Store: logs, Live: engine, Content: calls, Meter: meter, Packages: shipped, Builtin: builtin, Logf: t.Logf, Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close(context.Background()) })
	mux := http.NewServeMux()
	for _, r := range append(calls.Routes(), d.Routes()...) {
		mux.HandleFunc(r.Pattern, func(w http.ResponseWriter, q *http.Request) {
			r.Serve(w, q.WithContext(access.With(q.Context(), access.Principal{ID: "suANA", Label: "ana", Role: access.Admin})))
		})
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	t.Cleanup(func() { d.Close(context.Background()) })
	return &bench{t, logs, d, engine, meter, s.URL, ahead}
}

// sample puts a file of samples/ into the store.
func (b *bench) sample(names ...string) {
	b.t.Helper()
	for _, name := range names {
		f, err := os.Open(filepath.Join("..", "..", "..", "samples", name))
		if err != nil {
			b.t.Fatal(err)
		}
		r := store.Receipt{Received: time.Now().UnixMilli(), Source: store.Source{Category: "windows/sysmon", Name: name}}
		if strings.Contains(name, "security") {
			r.Source.Category = "windows/security"
		}
		in := bufio.NewScanner(f)
		in.Buffer(nil, 1<<20)
		for in.Scan() {
			if len(in.Bytes()) > 0 {
				r.Messages = append(r.Messages, store.Message{Raw: bytes.Clone(in.Bytes())})
			}
		}
		f.Close()
		if _, err := b.meter.Append(context.Background(), r); err != nil {
			b.t.Fatal(err)
		}
	}
}

// send puts messages into the store.
func (b *bench) send(lines ...string) {
	b.t.Helper()
	r := store.Receipt{Received: time.Now().UnixMilli(), Source: store.Source{Category: "windows/sysmon", Host: "ws-fin-014"}}
	for _, l := range lines {
		r.Messages = append(r.Messages, store.Message{Raw: []byte(l)})
	}
	if _, err := b.meter.Append(context.Background(), r); err != nil {
		b.t.Fatal(err)
	}
}

// later has the desk's clock go on.
func (b *bench) later(by time.Duration) { b.ahead.Add(int64(by)) }

type object = map[string]any

// ask makes a call and gives its status and answer.
func (b *bench) ask(method, path, body string) (int, object) {
	b.t.Helper()
	r, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		b.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	return resp.StatusCode, o
}

func (b *bench) get(path string) object {
	b.t.Helper()
	status, o := b.ask("GET", "/api/gyoji/v1"+path, "")
	if status != 200 {
		b.t.Fatalf("GET %s: %d %v", path, status, o)
	}
	return o
}

func list(o object, key string) []any { return o[key].([]any) }

// insights waits until there are n insights.
func (b *bench) insights(n int) []any {
	b.t.Helper()
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		rows := list(b.get("/triage"), "rows")
		if len(rows) >= n {
			return rows
		}
		if time.Since(began) > 30*time.Second {
			b.t.Fatalf("%d insights after 30 s, want %d", len(rows), n)
		}
	}
}

// settled waits until all that came is judged and written.
func (b *bench) settled() {
	b.t.Helper()
	was := -1
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		_, o := b.ask("GET", sec.Base+"/signals", "")
		n := int(o["data"].(object)["total"].(float64))
		if n == was && !b.live.Behind() {
			return
		}
		if was = n; time.Since(began) > 30*time.Second {
			b.t.Fatal("detection does not come to an end")
		}
	}
}

// TestSamplesOnTheDesk: the samples make insights, whose score can be told, whose guide runs
// and leads on, and whose tree is that of the logs. What is expected stands in the logs and in
// the package: samples/ws-fin-014-sysmon.jsonl, packages/T1204.001-malicious-link.
func TestSamplesOnTheDesk(t *testing.T) {
	b := begin(t)
	b.sample("ws-fin-014-sysmon.jsonl", "security.jsonl", "ws-dev-022-sysmon.jsonl")
	rows := b.insights(2)
	var row object
	for _, r := range rows {
		if r.(object)["entity"].(object)["id"] == `_username-corp\m.keller` {
			row = r.(object)
		}
	}
	if row == nil {
		t.Fatalf("no insight on m.keller: %v", rows)
	}
	const line = `powershell.exe -ExecutionPolicy Bypass -WindowStyle Hidden -Command "Set-Content -Path $env:TEMP\malicious-link-test.txt -Value 'T1204.001 simulation'"`
	if row["summary"] != line || row["host"] != "WS-FIN-014.corp.example" || row["level"] != "medium" || row["strongest"].(object)["level"] != "critical" || !strings.Contains(row["next"].(string), "powershell.exe") {
		t.Errorf("the row is %v", row)
	}
	id := row["id"].(string)

	score := b.get("/insights/" + id + "/score")
	sum := 0.0
	for _, x := range list(score, "terms") {
		sum += x.(object)["severity"].(float64)
	}
	// 6 + 8 = 14 > 12: the rules' severities for a browser's hidden PowerShell.
	if sum != 14 || score["sum"] != sum || score["score"] != sum || score["threshold"] != 12.0 || score["window"] != 1209600000.0 {
		t.Errorf("the score is %v", score)
	}
	if list(b.get("/insights/"+id+"/signals"), "signals")[0].(object)["counted"] != true {
		t.Error("the first signal of the insight does not count")
	}
	one := b.get("/insights/" + id)
	if one["package"].(object)["technique"] != "T1204.001" || one["process"].(object)["guid"] != "{2fe22f5d-21bc-69af-23cb-0000000021bc}" {
		t.Errorf("the insight is %v", one)
	}
	signal := row["strongest"].(object)["id"].(string)
	records := b.get("/signals/" + signal + "/records")
	if r := list(records, "records")[0].(object); !strings.Contains(r["raw"].(string), "WindowStyle Hidden") || len(list(r, "fields")) < 10 {
		t.Errorf("the record is %v", r)
	}
	status, o := b.ask("GET", sec.Base+"/signals/"+signal, "")
	if r := list(o["data"].(object), "allRecords")[0].(object); status != 200 || r["CommandLine"] != line {
		t.Errorf("the API of Cloud SIEM has the record as %v", r)
	}

	// The tree is what gyoji tree shows: userinit, explorer, chrome, powershell, conhost.
	tree := b.get("/tree?insight=" + id)
	names := []string{}
	for n := tree["root"].(object); ; n = list(n, "children")[0].(object) {
		names = append(names, n["name"].(string))
		if n["own"] == true && (n["key"] != tree["found"] || len(list(n, "marks")) != 2 || list(n, "acts")[0].(object)["kind"] != "file") {
			t.Errorf("the process is %v", n)
		}
		if len(list(n, "children")) == 0 {
			break
		}
	}
	if strings.Join(names, " ") != "userinit.exe explorer.exe chrome.exe powershell.exe conhost.exe" {
		t.Errorf("the tree is %q", names)
	}

	// The guide: its first step finds the process, and leads to its children.
	guide := b.get("/insights/" + id + "/guide")
	if guide["current"] != "started" || len(list(guide, "steps")) != 16 || guide["done"] != false {
		t.Errorf("the guide begins at %v with %d steps", guide["current"], len(list(guide, "steps")))
	}
	status, o = b.ask("POST", "/api/gyoji/v1/insights/"+id+"/guide/started", "")
	a := o["answer"].(object)
	if status != 200 || o["current"] != "children" || a["leadsTo"] != "children" || a["by"] != "suANA" || len(list(a, "rows")) != int(a["count"].(float64)) || len(list(a, "own")) != 1 || list(a, "own")[0] != 0.0 {
		t.Errorf("the first step: %d %v", status, o)
	}
	if status, o = b.ask("POST", "/api/gyoji/v1/insights/"+id+"/guide/nowhere", ""); status != 404 || !strings.Contains(o["message"].(string), "nowhere") {
		t.Errorf("an unknown step: %d %v", status, o)
	}
	steps := list(b.get("/insights/"+id+"/guide"), "steps")
	if kept := steps[0].(object)["answer"].(object); kept["count"] != a["count"] || steps[0].(object)["onPath"] != true || steps[1].(object)["onPath"] != false || steps[2].(object)["onPath"] != true {
		t.Error("the answer was not kept, or the path is another")
	}
	if _, o = b.ask("POST", "/api/gyoji/v1/insights/"+id+"/guide", "{}"); o["current"] != nil || o["done"] != true {
		t.Errorf("all steps were run, and the guide is at %v", o["current"])
	}

	// The playbook: what must not be done, a tick, who made it.
	book := b.get("/insights/" + id + "/playbook")
	if !strings.HasPrefix(list(book, "doNot")[0].(string), "Do **not** have the user close windows") {
		t.Errorf("what must not be done: %v", book["doNot"])
	}
	contain := list(book, "phases")[1].(object)
	item := list(contain, "items")[0].(object)["id"].(string)
	status, o = b.ask("PUT", "/api/gyoji/v1/insights/"+id+"/playbook", `{"item":"`+item+`","done":true}`)
	if got := list(list(o, "phases")[1].(object), "items")[0].(object); status != 200 || got["done"] != true || got["by"] != "suANA" {
		t.Errorf("the tick: %d %v", status, got)
	}
	if status, _ = b.ask("PUT", "/api/gyoji/v1/insights/"+id+"/playbook", `{"item":"x","done":true}`); status != 404 {
		t.Errorf("a tick of nothing: %d", status)
	}
	if status, _ = b.ask("PUT", "/api/gyoji/v1/insights/"+id+"/playbook", `{`); status != 400 {
		t.Errorf("a body that is no JSON: %d", status)
	}
	whats := map[string]int{}
	for _, e := range list(b.get("/insights/"+id+"/history"), "entries") {
		whats[e.(object)["what"].(string)]++
	}
	if whats["guide"] != 17 || whats["playbook"] != 1 || whats["made"] != 1 {
		t.Errorf("the history has %v", whats)
	}

	// Its entity has another insight on the same host: the one is related to the other.
	if list(one, "related")[0].(object)["id"] != "_hostname-ws--fin--014.corp.example" {
		t.Errorf("related are %v", one["related"])
	}
	for _, path := range []string{"/insights/INSIGHT-99", "/insights/INSIGHT-99/score", "/signals/x/records", "/tree?insight=9"} {
		if status, o := b.ask("GET", "/api/gyoji/v1"+path, ""); status != 404 || o["message"] == "" {
			t.Errorf("GET %s: %d %v", path, status, o)
		}
	}
	for _, path := range []string{"/triage?view=all", "/tree", "/tree?guid=x&host=y", "/tree?guid=x&host=y&at=9223372036854775807", "/tree?guid=x&host=y&at=-1", "/tree?guid=x&host=y&at=1&window=9w", "/tree?guid=x&host=y&at=1&window=1y"} {
		if status, o := b.ask("GET", "/api/gyoji/v1"+path, ""); status != 400 || o["message"] == "" {
			t.Errorf("GET %s: %d %v", path, status, o)
		}
	}
	if o := b.get("/tree?guid={0}&host=nowhere&at=1773135091052"); o["root"] != nil || o["why"] == "" {
		t.Errorf("a tree of nothing: %v", o)
	}
}

// stream reads the events of a stream: name, id and data of each.
func (b *bench) stream(last string) (next func() (name, id string, data object)) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	b.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", b.url+"/api/gyoji/v1/events", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		b.t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	in := bufio.NewScanner(resp.Body)
	in.Buffer(nil, 1<<20)
	return func() (name, id string, data object) {
		for in.Scan() {
			switch key, value, _ := strings.Cut(in.Text(), ": "); key {
			case "event":
				name = value
			case "id":
				id = value
			case "data":
				if err := json.Unmarshal([]byte(value), &data); err != nil {
					b.t.Fatal(err)
				}
			case "":
				return name, id, data
			}
		}
		b.t.Fatalf("the stream has ended: %v", in.Err())
		return
	}
}

// TestEvents: a stream tells of an insight that comes and of what is done about it; who comes
// back is told what was missed, or that all is to be read again.
func TestEvents(t *testing.T) {
	b := begin(t)
	next := b.stream("")
	name, first, data := next()
	if name != "hello" || data["reset"] != false || data["now"] == nil {
		t.Fatalf("%s %v", name, data)
	}
	b.sample("ws-fin-014-sysmon.jsonl")
	seen := map[string]object{}
	for seen["insight"] == nil || seen["signal"] == nil {
		name, _, data := next()
		if seen[name] == nil {
			seen[name] = data
		}
	}
	fresh := seen["insight"]
	if fresh["new"] != true || fresh["row"].(object)["id"] != fresh["id"] || fresh["row"].(object)["strongest"].(object)["level"] != "critical" {
		t.Errorf("the event is %v", fresh)
	}
	if n := seen["signal"]["count"].(float64); n < 2 || seen["signal"]["level"] != "critical" {
		t.Errorf("the event of signals is %v", seen["signal"])
	}
	b.insights(2)
	if status, o := b.ask("PUT", sec.Base+"/insights/"+fresh["id"].(string)+"/assignee", `{"assignee":{"type":"USER","value":"ana"}}`); status != 200 {
		t.Fatalf("%d %v", status, o)
	}
	last := ""
	for {
		name, id, data := next()
		if last = id; name == "insight" && data["new"] == false {
			if row := data["row"].(object); row["assignee"] != "ana" || row["rev"] != 1.0 {
				t.Errorf("the change is told as %v", row)
			}
			break
		}
	}
	mine := b.get("/triage?view=mine")
	if rows := list(mine, "rows"); len(rows) != 1 || rows[0].(object)["id"] != fresh["id"] || mine["counts"].(object)["free"] != float64(mine["counts"].(object)["open"].(float64)-1) {
		t.Errorf("mine are %v", mine)
	}
	again := b.stream(first)
	if name, _, data := again(); name != "hello" || data["reset"] != false {
		t.Fatalf("%s %v", name, data)
	}
	for missed := 0; ; {
		name, id, _ := again()
		if name == "insight" {
			missed++
		}
		if id == last {
			if missed < 3 { // two that were made, and the change
				t.Errorf("%d events of insights were given after, want 3 or more", missed)
			}
			break
		}
	}
	for _, old := range []string{"0123456789ab-1", "nonsense", strings.Split(last, "-")[0] + "-999999"} {
		if name, _, data := b.stream(old)(); name != "hello" || data["reset"] != true {
			t.Errorf("after %s: %s %v, want reset", old, name, data)
		}
	}
}
