package search

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/job"
	"github.com/gyoji-dev/gyoji/internal/store"
)

// served are the calls over a store that holds some log files.
type served struct {
	t    *testing.T
	jobs *job.Manager
	url  string
	who  access.Principal
}

func serve(t *testing.T, paths ...string) *served {
	t.Helper()
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	opt := input.Options{Warnings: &exec.Warnings{}}
	if len(paths) > 0 {
		src, err := input.Paths(paths, opt)
		if err != nil {
			t.Fatal(err)
		}
		into := st.Files()
		into.Warnings = opt.Warnings
		if err := into.Add(context.Background(), input.NewReader(src, format.All(), opt)); err != nil {
			t.Fatal(err)
		}
	}
	jobs, err := job.New(job.Options{Dir: t.TempDir(), Workers: 1, Open: func(v job.View) (job.Snapshot, error) {
		return st.Snapshot(store.View{From: v.From, To: v.To, ByReceipt: v.ByReceipt}), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	p := New(Options{Store: st, Jobs: jobs, Logf: t.Logf})
	s := &served{t: t, jobs: jobs, who: access.Principal{ID: "su1", Role: access.Read}}
	mux := http.NewServeMux()
	for _, r := range p.Routes() {
		mux.HandleFunc(r.Pattern, func(w http.ResponseWriter, req *http.Request) {
			r.Serve(w, req.WithContext(access.With(req.Context(), s.who)))
		})
	}
	server := httptest.NewServer(mux)
	s.url = server.URL
	t.Cleanup(func() {
		server.Close()
		_ = jobs.Close(context.Background())
		_ = st.Close(context.Background())
	})
	return s
}

// ask makes a call and reads its answer.
func (s *served) ask(want int, method, path string, body, into any) {
	s.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	req, _ := http.NewRequest(method, s.url+Base+path, bytes.NewReader(text))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != want {
		s.t.Fatalf("%s %s: %d %s, want %d", method, path, resp.StatusCode, got, want)
	}
	if into != nil {
		if err := json.Unmarshal(got, into); err != nil {
			s.t.Fatalf("%s: %v", got, err)
		}
	}
}

// run runs a search to its end.
func (s *served) run(query string) *job.Job {
	s.t.Helper()
	j, err := s.jobs.Start(job.Request{Query: query, All: true, Owner: s.who.ID})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := j.Wait(ctx); err != nil || j.Err() != nil {
		s.t.Fatal(err, j.Err())
	}
	return j
}

const samples = "../../../samples"

type finding struct {
	From, To, Line    int
	Severity, Message string
	Fix               *struct {
		Title string
		Edits []struct {
			From, To int
			Text     string
		}
	}
}

// apply makes an edit as a page does: places are units of UTF-16.
func apply(s string, from, to int, text string) string {
	u := utf16.Encode([]rune(s))
	return string(utf16.Decode(u[:from])) + text + string(utf16.Decode(u[to:]))
}

func TestAMistakeIsMended(t *testing.T) {
	s := serve(t)
	const text = "/* 😀 é\u202e */ *\n| cuont by Computer"
	for _, fixes := range []bool{false, true} {
		var got struct {
			Version     int
			Diagnostics []finding
		}
		s.ask(200, "POST", "/language/diagnostics", map[string]any{"text": text, "version": 7, "fixes": fixes}, &got)
		if got.Version != 7 || len(got.Diagnostics) != 1 {
			t.Fatalf("%+v", got)
		}
		d := got.Diagnostics[0]
		u := utf16.Encode([]rune(text))
		if string(utf16.Decode(u[d.From:d.To])) != "cuont" || d.Line != 2 || d.Severity != "error" {
			t.Errorf("%+v", d)
		}
		if fixes {
			e := d.Fix.Edits[0]
			if mended := apply(text, e.From, e.To, e.Text); mended != strings.Replace(text, "cuont", "count", 1) {
				t.Errorf("mended: %q", mended)
			}
		}
	}
	s.ask(413, "POST", "/language/diagnostics", map[string]any{"text": strings.Repeat("x", languageMost)}, nil)
	s.ask(400, "POST", "/language/diagnostics", map[string]any{"text": "*", "language": "spl"}, nil)
}

// Any place of a text is one between its ends, and is found again from its byte.
func FuzzPlaces(f *testing.F) {
	f.Add("a😀é\x00\xff\u202e", 3)
	f.Fuzz(func(t *testing.T, s string, place int) {
		x := textOf(s)
		n := len(utf16.Encode([]rune(s)))
		at := x.bytes(place)
		if at < 0 || at > len(s) {
			t.Fatalf("byte %d of %d", at, len(s))
		}
		if u := x.units(at); u < 0 || u > n || place >= 0 && place <= n && u != place && u != place+1 {
			t.Fatalf("place %d is byte %d, which is place %d", place, at, u)
		}
	})
}

func TestCompletionKnowsTheStore(t *testing.T) {
	s := serve(t, samples)
	const text = "* | where Pare"
	var got struct {
		Items []struct {
			Label, Kind, Insert, Example string
			From, To, Cursor             int
		}
	}
	s.ask(200, "POST", "/language/complete", map[string]any{"text": text, "position": len(text)}, &got)
	for _, c := range got.Items {
		if c.Label == "ParentImage" {
			if c.Kind != "field" || !strings.HasPrefix(c.Example, `C:\`) || apply(text, c.From, c.To, c.Insert) != "* | where ParentImage" {
				t.Errorf("%+v", c)
			}
			return
		}
	}
	t.Errorf("no ParentImage among %d completions", len(got.Items))
}

func TestCursorOfACompletion(t *testing.T) {
	s := serve(t)
	var got struct {
		Items []struct {
			Label, Insert string
			Cursor        int
		}
	}
	s.ask(200, "POST", "/language/complete", map[string]any{"text": "* | where toLow", "position": 15}, &got)
	if len(got.Items) == 0 || got.Items[0].Insert != "toLowerCase()" || got.Items[0].Cursor != len("toLowerCase(") {
		t.Errorf("%+v", got.Items)
	}
}

// The numbers are those of the samples counted by hand (jq over samples/): 724 messages,
// 182 process starts of Sysmon, 55 of them by Chrome.
func TestWhyNotMendsAndSaysWhatComes(t *testing.T) {
	s := serve(t, samples)
	const text = `_sourceCategory=*sysmon* | json auto | where EventID = "1" | where ParentImage = "chrome.exe"`
	var got WhyNot
	s.ask(200, "POST", "/whynot", map[string]any{"query": text}, &got)
	var in []int64
	for _, st := range got.Stages {
		in = append(in, st.In)
	}
	if len(in) != 5 || !got.Stages[4].Given || in[0] != 724 || in[1] != 556 || in[2] != 556 || in[3] != 182 || !got.Stages[3].NothingLeft {
		t.Errorf("stages %+v", got.Stages)
	}
	c := got.Change
	if c == nil || c.Text != `ParentImage matches "*\\chrome.exe"` || c.Rows != 55 || apply(text, c.From, c.To, c.Text) != c.Query {
		t.Fatalf("change %+v", c)
	}
	if n := s.jobMessages(c.Query); n != c.Rows {
		t.Errorf("a search with the change finds %d, not %d", n, c.Rows)
	}
	// A range that holds nothing: no message came to the first stage.
	s.ask(200, "POST", "/whynot", map[string]any{"query": text, "from": 1, "to": 2}, &got)
	if got.Stages[0].In != 724 && got.Stages[0].Out != 0 {
		t.Errorf("a range without messages: %+v", got.Stages)
	}
	s.ask(400, "POST", "/whynot", map[string]any{"query": "* | cuont"}, nil)
}

func (s *served) jobMessages(query string) int64 {
	j := s.run(query)
	defer s.jobs.Delete(j.ID)
	return j.Status("test").Messages
}

func TestFieldsOfAJob(t *testing.T) {
	s := serve(t, samples)
	j := s.run(`_sourceCategory=*sysmon*`)
	var got struct {
		Over, Total int
		Fields      []FieldOfJob
	}
	s.ask(200, "GET", "/jobs/"+j.ID+"/fields", nil, &got)
	if got.Over != 556 || got.Total != 556 {
		t.Errorf("over %d of %d", got.Over, got.Total)
	}
	for _, f := range got.Fields {
		if f.Name == "EventID" {
			// As the engine counts them itself.
			by := s.run(`_sourceCategory=*sysmon* | count by EventID | sort by _count, EventID asc`)
			p, err := by.Records(0, 100)
			if err != nil {
				t.Fatal(err)
			}
			if f.Count != 556 || f.Distinct != len(p.Rows) || f.Top[0].Value != "1" || f.Top[0].Count != 182 {
				t.Errorf("%+v, want %d values", f, len(p.Rows))
			}
		}
		if f.Name == "_raw" || f.Name == "_blockId" {
			t.Errorf("%s is listed", f.Name)
		}
	}
	owner := s.who.ID
	s.who.ID = "su2"
	s.ask(404, "GET", "/jobs/"+j.ID+"/fields", nil, nil)
	s.ask(404, "GET", "/jobs/0000000000000000/csv", nil, nil)
	// Who has not begun it does not share it; once it is shared, all look, and none ends it.
	s.ask(404, "POST", "/jobs/"+j.ID+"/share", nil, nil)
	s.who.ID = owner
	s.ask(200, "POST", "/jobs/"+j.ID+"/share", nil, nil)
	s.who.ID = "su2"
	s.ask(200, "GET", "/jobs/"+j.ID+"/fields", nil, nil)
	s.ask(404, "POST", "/jobs/"+j.ID+"/stop", nil, nil)
	var one Shared
	s.ask(200, "GET", "/jobs/"+j.ID+"?as=one", nil, &one)
	if one.Query != j.Query || one.Own || one.Count != 556 || one.State != "DONE GATHERING RESULTS" {
		t.Errorf("%+v", one)
	}
}

func TestCSVComputesNothing(t *testing.T) {
	dir := t.TempDir()
	lines := `{"a":"=cmd()","b":-5,"c":"x, \"y\"\n@z"}` + "\n" + `{"a":"@SUM(1)","b":"-1+2","c":"plain"}` + "\n"
	if err := os.WriteFile(dir+"/log.jsonl", []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, dir)
	j := s.run(`* | fields a, b, c`)
	resp, err := http.Get(s.url + Base + "/jobs/" + j.ID + "/csv")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if h := resp.Header; h.Get("Content-Type") != "text/plain; charset=utf-8" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") {
		t.Errorf("headers %v", h)
	}
	rows, err := csv.NewReader(resp.Body).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%v %v", rows, err)
	}
	said := strings.Join(rows[0], "|") + "\n" + strings.Join(rows[1], "|") + "\n" + strings.Join(rows[2], "|")
	for _, want := range []string{"a|b|c\n", "'=cmd()|-5|x, \"y\"\n@z", "'@SUM(1)|'-1+2|plain"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in %q", want, said)
		}
	}
}

// A filter of any value that a field has finds as many messages as have it, and one without
// it all others.
func TestFiltersFindWhatWasCounted(t *testing.T) {
	dir := t.TempDir()
	values := []string{"22", `a"b`, `C:\new\`, "two\nlines", "tab\there", `"`, `\`, `\"`, "// no comment", "|", "é😀", "\u202e", "{{x}}", "x y", "*", "%", "5.0", "null", "true", "[1]", "'", "\r\n", "\x01", " lead", ""}
	var b strings.Builder
	for i, v := range values {
		for range i%3 + 1 {
			line, _ := json.Marshal(map[string]any{"v": v, "two words": v, "n": i})
			b.Write(append(line, '\n'))
		}
	}
	if err := os.WriteFile(dir+"/log.jsonl", []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, dir)
	for _, base := range []string{"*", "* | json auto // all\n| where n >= 0", "", "*|where n>=0|count by v|sort by _count"} {
		total := s.jobMessages(strings.Split(base, "|count")[0] + "\n")
		if base == "" {
			base = "*"
		}
		for _, field := range []string{"v", "two words"} {
			for i, v := range values {
				if v == "" {
					continue // an empty text and no field at all are told apart by nobody
				}
				for _, without := range []bool{false, true} {
					var got struct{ Query, Stage string }
					s.ask(200, "POST", "/language/filter", map[string]any{"query": base, "field": field, "value": v, "without": without}, &got)
					want := int64(i%3 + 1)
					if without {
						want = total - want
					}
					if n := s.jobMessages(got.Query); n != want {
						t.Errorf("%q without=%v: %q finds %d messages, want %d", v, without, got.Query, n, want)
					}
				}
			}
		}
	}
	s.ask(400, "POST", "/language/filter", map[string]any{"query": "* | cuont", "field": "v", "value": "1"}, nil)
	var got struct{ Query string }
	s.ask(200, "POST", "/language/filter", map[string]any{"query": "*", "field": "n", "value": "7", "number": true}, &got)
	if got.Query != "*\n| where n = 7" {
		t.Errorf("%q", got.Query)
	}
}

func TestRowsAreCutAndSaySo(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("é", 300)
	line, _ := json.Marshal(map[string]any{"a": long, "n": 7})
	if err := os.WriteFile(dir+"/log.jsonl", append(line, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, dir)
	j := s.run("* | fields a, n | length(a) as l")
	var got Rows
	s.ask(200, "GET", "/jobs/"+j.ID+"/rows?cut=101", nil, &got)
	cell := func(name string) []any {
		for _, c := range got.Rows[0] {
			if got.Columns[int(c[0].(float64))].Name == name {
				return c
			}
		}
		return nil
	}
	if c := cell("a"); len(c) != 3 || c[1] != strings.Repeat("é", 50) || c[2] != 300.0 {
		t.Errorf("a is %v", c)
	}
	if c := cell("l"); c[1] != "300" {
		t.Errorf("l is %v", c)
	}
	if !got.Messages || got.Total != 1 || cell("_messageId") == nil {
		t.Errorf("%+v", got)
	}
	s.ask(200, "GET", "/jobs/"+j.ID+"/rows", nil, &got)
	if c := cell("a"); len(c) != 2 || c[1] != long {
		t.Errorf("a is %v", c)
	}
}

func TestAQueryBecomesARule(t *testing.T) {
	s := serve(t)
	var got struct {
		Rule       map[string]any
		Why, Sigma string
		Lost       []string
	}
	s.ask(200, "POST", "/rule", map[string]any{"name": "Encoded", "query": `_sourceCategory=windows/sysmon EventID=1 | where Image matches "*\\powershell.exe" and CommandLine matches "* -enc*"`}, &got)
	if got.Rule == nil || got.Rule["name"] != "Encoded" || !strings.Contains(got.Rule["expression"].(string), "powershell.exe") {
		t.Errorf("%+v", got)
	}
	got.Rule = nil
	s.ask(200, "POST", "/rule", map[string]any{"query": `_sourceCategory=windows/sysmon EventID=1 | count by Computer | where _count > 5`}, &got)
	if got.Rule != nil || got.Why == "" || !strings.Contains(got.Sigma, "correlation:") {
		t.Errorf("%+v", got)
	}
	got.Rule, got.Sigma = nil, ""
	s.ask(200, "POST", "/rule", map[string]any{"query": `* | cuont`}, &got)
	if got.Rule != nil || got.Why == "" {
		t.Errorf("%+v", got)
	}
}
