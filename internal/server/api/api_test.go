package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/collect"
	"github.com/gyoji-dev/gyoji/internal/server/job"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// sample are logs that we ship.
const sample = "../../../samples/ws-fin-014-sysmon.jsonl"

type snapshot []byte

func (s snapshot) Feeder() input.Feeder {
	return input.NewReader(input.Memory("log", s), format.All(), input.Options{Warnings: &exec.Warnings{}})
}
func (s snapshot) Bytes() int64 { return int64(len(s)) }
func (s snapshot) Close()       {}

// noJobs are options of jobs that find nothing.
func noJobs() job.Options {
	return job.Options{Workers: 1, Open: func(job.View) (job.Snapshot, error) { return snapshot(nil), nil }}
}

// served is an API behind a server that lets everybody in as who is set.
type served struct {
	*API
	url string
	who access.Principal
	t   *testing.T
}

func serve(t *testing.T, o Options) *served {
	t.Helper()
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Jobs.Open == nil {
		o.Jobs.Open = func(job.View) (job.Snapshot, error) { return snapshot(text), nil }
	}
	o.Jobs.Workers = 2
	o.Logf = t.Logf
	if o.Sources, err = collect.OpenSources(o.Dir, vault{}); err != nil {
		t.Fatal(err)
	}
	o.Base = func() string { return "http://127.0.0.1:9000" }
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := &served{API: a, who: access.Principal{ID: "suTEST", Label: "test", Role: access.Content}, t: t}
	mux := http.NewServeMux()
	for _, r := range a.Routes() {
		mux.HandleFunc(r.Pattern, func(w http.ResponseWriter, req *http.Request) {
			switch {
			case !s.who.Role.May(r.Role):
				access.Fail(w, 403, access.CodeForbidden, "no")
			case r.Serve == nil:
				access.Fail(w, max(r.Status, 501*b2i(r.Status == 0)), access.CodeNotFound, r.Missing)
			default:
				r.Serve(w, req.WithContext(access.With(req.Context(), s.who)))
			}
		})
	}
	server := httptest.NewServer(mux)
	s.url = server.URL
	t.Cleanup(func() {
		server.Close()
		if err := a.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// vault keeps the tokens of sources.
type vault map[int64]string

func (v vault) Keep(source int64, token string) error { v[source] = token; return nil }
func (v vault) Token(source int64) string             { return v[source] }

// TestCollectors goes through http-api.md 7.
func TestCollectors(t *testing.T) {
	s := serve(t, Options{})
	s.who.Role = access.Admin
	const base = "/api/v1/collectors"
	var list struct{ Collectors []fields }
	s.want(200, "GET", base+"?filter=hosted&limit=10&offset=0", "", &list)
	if len(list.Collectors) != 1 || list.Collectors[0]["name"] != "gyoji" {
		t.Fatalf("%v", list)
	}
	s.want(400, "GET", base+"?filter=old", "", nil)
	s.want(200, "GET", base+"?offset=100", "", &list)
	if len(list.Collectors) != 0 {
		t.Errorf("past the end: %v", list)
	}
	var made struct{ Collector fields }
	s.want(201, "POST", base, `{"collector":{"name":"c1","collectorType":"Hosted","category":"a"}}`, &made)
	one := fmt.Sprintf("%s/%.0f", base, made.Collector["id"])
	s.want(400, "POST", base, `{"collector":{"name":"c1"}}`, nil)
	s.want(400, "POST", base, `{"name":"c2"}`, nil)
	s.want(400, "POST", base, `{"collector":{"name":"c3","collectorType":"Installable"}}`, nil)
	put := func(path, body, match string, want int) {
		t.Helper()
		req, _ := http.NewRequest("PUT", s.url+path, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		if match != "-" {
			req.Header.Set("If-Match", match)
		}
		if resp := s.do(req, nil); resp.StatusCode != want {
			t.Errorf("PUT %s with If-Match %s: %d, want %d", path, match, resp.StatusCode, want)
		}
	}
	etag := s.call("GET", one, "", nil).Header.Get("ETag")
	put(one, `{"collector":{"name":"c1","category":"b"}}`, "-", 403)
	put(one, `{"collector":{"name":"c1","category":"b"}}`, `"77"`, 412)
	put(one, `{"collector":{"name":"c1","category":"b"}}`, etag, 200)
	put(one, `{"collector":{"name":"c1","category":"b"}}`, etag, 412)
	s.want(200, "GET", base+"/name/c1", "", &made)
	if made.Collector["category"] != "b" {
		t.Errorf("%v", made)
	}
	var source struct{ Source fields }
	s.want(201, "POST", one+"/sources", `{"source":{"name":"s1","sourceType":"HTTP","category":"prod/x","messagePerRequest":false}}`, &source)
	if url := source.Source.text("url"); !strings.HasPrefix(url, "http://127.0.0.1:9000/receiver/v1/http/") || !strings.HasSuffix(url, "==") {
		t.Errorf("url %s", url)
	}
	s.want(400, "POST", one+"/sources", `{"source":{"name":"s2","sourceType":"LocalFile"}}`, nil)
	at := fmt.Sprintf("%s/sources/%.0f", one, source.Source["id"])
	etag = s.call("GET", at, "", nil).Header.Get("ETag")
	put(at, `{"source":{"name":"s1","sourceType":"HTTP","category":"prod/y"}}`, etag, 200)
	put(at, `{"source":{"name":"s1"}}`, `"9"`, 412)
	var sources struct{ Sources []fields }
	s.want(200, "GET", one+"/sources?download=true", "", &sources)
	if len(sources.Sources) != 1 || sources.Sources[0]["category"] != "prod/y" || sources.Sources[0]["url"] != nil {
		t.Errorf("%v", sources)
	}
	s.want(200, "DELETE", at, "", nil)
	s.want(404, "GET", at, "", nil)
	s.want(200, "DELETE", one, "", nil)
	s.want(404, "GET", one, "", nil)
	s.want(404, "GET", base+"/nonsense", "", nil)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// call makes a call with a JSON body, none for "", and reads its answer into out.
func (s *served) call(method, path, body string, out any) *http.Response {
	s.t.Helper()
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return s.do(req, out)
}

func (s *served) do(req *http.Request, out any) *http.Response {
	s.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if raw, ok := out.(*string); ok {
		*raw = string(text)
	} else if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			s.t.Fatalf("%s %s: %d %s: %v", req.Method, req.URL, resp.StatusCode, text, err)
		}
	}
	return resp
}

// want is call with a status that has to be.
func (s *served) want(status int, method, path, body string, out any) {
	s.t.Helper()
	var text string
	resp := s.call(method, path, body, &text)
	if resp.StatusCode != status {
		s.t.Fatalf("%s %s %s: %d %s, want %d", method, path, body, resp.StatusCode, text, status)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(text), out); err != nil {
			s.t.Fatalf("%s %s: %s: %v", method, path, text, err)
		}
	}
}

const jobs = "/api/v1/search/jobs"

type status struct {
	State    string
	Messages int64    `json:"messageCount"`
	Records  int64    `json:"recordCount"`
	Buckets  []any    `json:"histogramBuckets"`
	Errors   []string `json:"pendingErrors"`
	Warnings []string `json:"pendingWarnings"`
}

// search runs a query to its end, and returns the path of its job.
func (s *served) search(query string) (path string, last status) {
	s.t.Helper()
	body, _ := json.Marshal(map[string]any{"query": query, "from": "2020-01-01T00:00:00", "to": "2030-01-01T00:00:00", "timeZone": "UTC"})
	var made struct{ ID string }
	s.want(202, "POST", jobs, string(body), &made)
	path = jobs + "/" + made.ID
	for range 1000 {
		var st status
		s.want(200, "GET", path, "", &st)
		if st.Buckets == nil || st.Errors == nil || st.Warnings == nil {
			s.t.Fatalf("a list of the status is null: %+v", st)
		}
		last.Errors, last.Warnings = append(last.Errors, st.Errors...), append(last.Warnings, st.Warnings...)
		st.Errors, st.Warnings = last.Errors, last.Warnings
		last = st
		if st.State != "NOT STARTED" && st.State != "GATHERING RESULTS" {
			return path, last
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Fatalf("%s does not end", query)
	return
}

type page struct {
	Fields []struct {
		Name string
		Type string `json:"fieldType"`
		Key  bool   `json:"keyField"`
	}
	Messages []struct{ Map map[string]string }
	Records  []struct{ Map map[string]string }
}

// TestCreateRefuses goes through the codes of http-api.md 6.1.
func TestCreateRefuses(t *testing.T) {
	s := serve(t, Options{})
	ok := `"from":"2026-03-02T00:00:00","to":"2026-03-03T00:00:00","timeZone":"UTC"`
	for body, code := range map[string]string{
		`{` + ok + `}`:                                                                                 "400 searchjob.no.query",
		`{"query":"  ",` + ok + `}`:                                                                    "400 searchjob.no.query",
		`{"query":null,` + ok + `}`:                                                                    "400 searchjob.no.query",
		`{"query":"* | nosuchoperator x",` + ok + `}`:                                                  "400 parse.error",
		`{"query":"` + strings.Repeat("a", 15001) + `",` + ok + `}`:                                    "400 parse.error",
		`{"query":"*","to":"2026-03-03T00:00:00","timeZone":"UTC"}`:                                    "400 searchjob.invalid.timestamp.from",
		`{"query":"*","from":"-15m","to":"now","timeZone":"UTC"}`:                                      "400 searchjob.invalid.timestamp.from",
		`{"query":"*","from":"2026-03-02T00:00:00","to":"now","timeZone":"UTC"}`:                       "400 searchjob.invalid.timestamp.to",
		`{"query":"*","from":"2026-03-02T00:00:00","to":"2026-13-45T00:00:00","timeZone":"UTC"}`:       "400 searchjob.invalid.timestamp.to",
		`{"query":"*","from":"2026-03-02T00:00:00","timeZone":"UTC"}`:                                  "400 searchjob.invalid.timestamp.to",
		`{"query":"*","from":{"a":1},"to":true,"timeZone":"UTC"}`:                                      "400 searchjob.invalid.timestamp.from",
		`{"query":"*","from":"2026-03-03T00:00:00","to":"2026-03-02T00:00:00","timeZone":"UTC"}`:       "400 searchjob.to.smaller.than.from",
		`{"query":"*","from":"2026-03-02T00:00:00","to":"2026-03-03T00:00:00","timeZone":"Mars/Base"}`: "400 searchjob.unknown.timezone",
		`{"query":"*","from":"2026-03-02T00:00:00","to":"2026-03-03T00:00:00"}`:                        "400 searchjob.empty.timezone",
		`{"query":"*","from":"2026-03-02T00:00:00","to":"2026-03-03T00:00:00","timeZone":""}`:          "400 searchjob.empty.timezone",
		`{"query":"*","from":"2026-03-02T00:00:00","to":1772496000000,"timeZone":null}`:                "400 searchjob.empty.timezone",
		`{"query":"*","intervalTimeType":"bedtime",` + ok + `}`:                                        "400 searchjob.unknown.time.type",
		`{"query":"*"`:               "400 bad.request",
		`[]`:                         "400 bad.request",
		`{"query":5,` + ok + `}`:     "400 bad.request",
		`{"query":"*",` + ok + `} x`: "400 bad.request",
		// and what is fine
		`{"query":"*",` + ok + `}`:                              "202 ",
		`{"query":"*","from":1772409600000,"to":1772496000000}`: "202 ",
		`{"query":"*","from":"1772409600000","to":"1772496000000","timeZone":null,"byReceiptTime":null,"nonsense":[1]}`:                                                   "202 ",
		`{"query":"*","from":"2026-03-02T00:00:00.123+05:30","to":"2026-03-03T00:00:00Z","timezone":"PST","autoParsingMode":"intelligent","requiresRawMessages":"true"}`:  "202 ",
		`{"query":"*","from":"2026-03-02T00:00:00","to":"2026-03-02T00:00:00","timeZone":"ist","byReceiptTime":true,"intervalTimeType":"receiptTime","parseMode":"auto"}`: "202 ",
	} {
		var got struct{ Code, Message, ID string }
		resp := s.call("POST", jobs, body, &got)
		if is := fmt.Sprint(resp.StatusCode, " ", got.Code); is != code {
			t.Errorf("%.100s: %s (%s), want %s", body, is, got.Message, code)
		}
		if resp.StatusCode == 202 {
			want := s.url + jobs + "/" + got.ID
			if resp.Header.Get("Location") != want || len(got.ID) != 16 || strings.ToUpper(got.ID) != got.ID {
				t.Errorf("Location is %s, id %s", resp.Header.Get("Location"), got.ID)
			}
		} else if len(got.ID) != 17 || got.Message == "" {
			t.Errorf("%.100s: id %q, message %q", body, got.ID, got.Message)
		}
	}
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded"} {
		req, _ := http.NewRequest("POST", s.url+jobs, strings.NewReader(`{"query":"*",`+ok+`}`))
		if kind != "" {
			req.Header.Set("Content-Type", kind)
		}
		var got struct{ Code string }
		if resp := s.do(req, &got); resp.StatusCode != 415 || got.Code != "contenttype.invalid" {
			t.Errorf("content type %q: %d %s", kind, resp.StatusCode, got.Code)
		}
	}
	r := serve(t, Options{RelativeTimes: true})
	r.want(202, "POST", jobs, `{"query":"*","from":"-15m","to":"now","timeZone":"UTC"}`, nil)
}

// TestParseErrorSaysWhere: the message names line and column of the mistake.
func TestParseErrorSaysWhere(t *testing.T) {
	s := serve(t, Options{})
	var got struct{ Message string }
	s.want(400, "POST", jobs, `{"query":"*\n| cuont by Image","from":0,"to":1}`, &got)
	if !strings.Contains(got.Message, "line 2, column 3") || !strings.Contains(got.Message, "count") {
		t.Errorf("%s", got.Message)
	}
}

// TestPages goes through the pages of a search and the refusals of http-api.md 6.3.
func TestPages(t *testing.T) {
	s := serve(t, Options{})
	path, last := s.search(`EventID=1 | where Image matches "*.exe"`)
	if last.State != "DONE GATHERING RESULTS" || last.Messages == 0 || last.Records != 0 {
		t.Fatalf("%+v", last)
	}
	var p page
	s.want(200, "GET", path+"/messages?offset=0&limit=3", "", &p)
	if len(p.Messages) != 3 || p.Messages[0].Map["_messagetime"] < p.Messages[2].Map["_messagetime"] || p.Messages[0].Map["image"] == "" {
		t.Errorf("%+v", p)
	}
	names := map[string]string{}
	for _, f := range p.Fields {
		if f.Name != strings.ToLower(f.Name) || names[f.Name] != "" {
			t.Errorf("the field %s is not in lower case, or twice", f.Name)
		}
		names[f.Name] = f.Type
	}
	if names["_messagetime"] != "long" || names["_raw"] != "string" || names["_messagecount"] != "int" {
		t.Errorf("types: %v", names)
	}
	past := page{}
	s.want(200, "GET", fmt.Sprintf("%s/messages?offset=%d&limit=10", path, last.Messages), "", &past)
	if past.Messages == nil || len(past.Messages) != 0 {
		t.Errorf("past the end: %+v", past)
	}
	s.want(200, "GET", path+"/messages?offset=4000000000000&limit=100000000", "", nil)
	for query, code := range map[string]string{
		"limit=1": "searchjob.offset.missing", "offset=-1&limit=1": "searchjob.offset.negative", "offset=0": "searchjob.limit.missing",
		"offset=0&limit=0": "searchjob.limit.zero", "offset=0&limit=-5": "searchjob.limit.negative", "offset=x&limit=1": "searchjob.offset.missing",
	} {
		for _, what := range []string{"messages", "records"} {
			var got struct{ Code string }
			s.want(400, "GET", path+"/"+what+"?"+query, "", &got)
			if got.Code != code {
				t.Errorf("%s: %s, want %s", query, got.Code, code)
			}
		}
	}
	var got struct{ Code, ID string }
	s.want(400, "GET", path+"/records?offset=0&limit=1", "", &got)
	if got.Code != "searchjob.no.records.not.an.aggregation.query" {
		t.Errorf("%s", got.Code)
	}
	s.want(400, "GET", jobs+"/nonsense/messages?offset=0&limit=1", "", &got)
	if got.Code != "searchjob.jobid.invalid" {
		t.Errorf("%s", got.Code)
	}
	s.want(404, "GET", jobs+"/0123456789ABCDEF", "", &got)
	if got.Code != "searchjob.jobid.invalid" {
		t.Errorf("%s", got.Code)
	}
	s.want(200, "DELETE", path, "", &got)
	if !strings.HasSuffix(path, got.ID) {
		t.Errorf("%s", got.ID)
	}
	s.want(404, "DELETE", path, "", nil)
	s.want(404, "GET", path, "", nil)
	s.want(404, "GET", path+"/messages?offset=0&limit=1", "", nil)
}

// TestJobsOfOthers: a key sees its own jobs alone, admin all.
func TestJobsOfOthers(t *testing.T) {
	s := serve(t, Options{})
	path, _ := s.search("*")
	s.who = access.Principal{ID: "suOTHER", Role: access.Read}
	s.want(404, "GET", path, "", nil)
	s.want(404, "DELETE", path, "", nil)
	s.who.Role = access.Admin
	s.want(200, "GET", path, "", nil)
}

// TestTooManyJobs: beyond the limit the answer is 429 with a time to wait.
func TestTooManyJobs(t *testing.T) {
	s := serve(t, Options{Jobs: job.Options{Active: 1}})
	s.search("*")
	resp := s.call("POST", jobs, `{"query":"*","from":0,"to":1}`, nil)
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}

// TestLookupTables: a table that is made, filled by row and by file, is one that
// queries look things up in, and is there after a start.
func TestLookupTables(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, Options{Dir: dir})
	var made lookupTable
	s.want(200, "POST", "/api/v1/lookupTables", `{"name":"Tools","fields":[{"fieldName":"image","fieldType":"string"},{"fieldName":"risk","fieldType":"int"}],"primaryKeys":["image"],"ttl":0}`, &made)
	one := "/api/v1/lookupTables/" + made.ID
	if made.Path != "/Library/Users/gyoji/Tools" || len(made.ID) != 16 {
		t.Fatalf("%+v", made)
	}
	s.want(204, "PUT", one+"/row", `{"row":[{"columnName":"image","columnValue":"C:\\Windows\\System32\\cmd.exe"},{"columnName":"risk","columnValue":"3"}]}`, nil)
	s.want(204, "PUT", one+"/row", `{"row":[{"columnName":"image","columnValue":"c:\\windows\\system32\\CMD.EXE"},{"columnName":"risk","columnValue":7}]}`, nil)
	for body, want := range map[string]string{
		`{"row":[{"columnName":"risk","columnValue":"3"}]}`: "key", `{"row":[{"columnName":"image","columnValue":"x"},{"columnName":"risk","columnValue":"many"}]}`: "many",
		`{"row":[{"columnName":"nope","columnValue":"3"}]}`: "nope",
	} {
		var text string
		if resp := s.call("PUT", one+"/row", body, &text); resp.StatusCode != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", body, resp.StatusCode, text)
		}
	}
	query := `* | where Image matches "*\\cmd.exe" | lookup risk from path://"/Library/Users/gyoji/Tools" on Image=image | count by risk`
	check := func(s *served, want string) {
		t.Helper()
		path, last := s.search(query)
		var p page
		s.want(200, "GET", path+"/records?offset=0&limit=10", "", &p)
		if len(p.Records) != 1 || p.Records[0].Map["risk"] != want || p.Records[0].Map["_count"] == "" {
			t.Errorf("%+v %+v, want risk %s", last, p, want)
		}
	}
	check(s, "7")
	upload := func(merge, text string) string {
		t.Helper()
		req, _ := http.NewRequest("POST", s.url+one+"/upload?merge="+merge, strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n"+text+"\r\n--b--\r\n"))
		req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		var got struct{ ID string }
		if resp := s.do(req, &got); resp.StatusCode != 200 {
			t.Fatalf("upload: %d", resp.StatusCode)
		}
		var st task
		s.want(200, "GET", "/api/v1/lookupTables/jobs/"+got.ID+"/status", "", &st)
		return fmt.Sprint(st.Status, st.Errors)
	}
	if got := upload("true", "image,risk\nother.exe,1\n"); got != "Success[]" {
		t.Errorf("%s", got)
	}
	check(s, "7")
	if got := upload("false", "image,risk\n\"C:\\Windows\\System32\\cmd.exe\",9\n"); got != "Success[]" {
		t.Errorf("%s", got)
	}
	check(s, "9")
	if got := upload("false", "image,risk\nx,notanumber\n"); !strings.HasPrefix(got, "Failed") || !strings.Contains(got, "Line 2") {
		t.Errorf("%s", got)
	}
	check(s, "9") // a file that fails changes nothing
	s.want(200, "PUT", one, `{"ttl":5,"description":"d","sizeLimitAction":"DeleteOldData"}`, &made)
	if made.TTL != 5 || made.Description != "d" || made.AtLimit != "DeleteOldData" || made.Size == 0 {
		t.Errorf("%+v", made)
	}

	// A query that saves needs a role that may change content.
	saving := `* | limit 1 | "new.exe" as image | num("4") as risk | fields image, risk | save append path://"/Library/Users/gyoji/Tools"`
	s.who.Role = access.Read
	body, _ := json.Marshal(map[string]any{"query": saving, "from": 0, "to": 9999999999999})
	s.want(403, "POST", jobs, string(body), nil)
	s.who.Role = access.Content
	if _, last := s.search(saving); len(last.Errors) > 0 {
		t.Errorf("%v", last.Errors)
	}
	for range 100 {
		x, _ := s.tables.get(made.ID)
		x.mu.Lock() // a change with its file
		n := len(x.rows)
		x.mu.Unlock()
		if n == 2 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}

	again := serve(t, Options{Dir: copied(t, dir)})
	check(again, "9")
	if x, err := again.tables.get(made.ID); err != nil || len(x.rows) != 2 {
		t.Errorf("after a start: %v", err)
	}

	s.want(204, "PUT", one+"/deleteTableRow", `{"primaryKey":[{"columnName":"image","columnValue":"C:\\WINDOWS\\System32\\cmd.exe"}]}`, nil)
	s.want(404, "PUT", one+"/deleteTableRow", `{"primaryKey":[{"columnName":"image","columnValue":"gone"}]}`, nil)
	check(s, "")
	s.want(200, "POST", one+"/truncate", "null", nil)
	s.want(204, "DELETE", one, "", nil)
	s.want(404, "GET", one, "", nil)
	_, last := s.search(query)
	if !strings.Contains(strings.Join(last.Warnings, " "), "not given") {
		t.Errorf("a table that is gone: %+v", last)
	}
}

// copied is a copy of a folder: a store has one process.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestResources makes, lists page by page, changes and takes away one of each kind.
func TestResources(t *testing.T) {
	s := serve(t, Options{})
	for path, c := range map[string][3]string{
		"/api/v1/partitions":      {`{"name":"p%d","routingExpression":"_sourceCategory=a/%d"}`, `{"retentionPeriod":30}`, `{"name":"bad name","routingExpression":"*"}`},
		"/api/v1/extractionRules": {`{"name":"r%d","scope":"_sourceCategory=a","parseExpression":"parse \"user=%d *\" as user","enabled":true}`, `{"enabled":false}`, `{"name":"x","scope":"*","parseExpression":"nonsense here"}`},
		"/api/v1/connections":     {`{"name":"c%d","url":"https://example.com/%d","defaultPayload":"{}"}`, `{"description":"changed"}`, `{"name":"x","url":"file:///etc/passwd"}`},
	} {
		var made fields
		for i := range 3 {
			s.want(200, "POST", path, fmt.Sprintf(c[0], i, i), &made)
		}
		s.want(400, "POST", path, fmt.Sprintf(c[0], 2, 2), nil) // the name is taken
		s.want(400, "POST", path, c[2], nil)
		var list struct {
			Data []fields
			Next *string
		}
		s.want(200, "GET", path+"?limit=2", "", &list)
		if len(list.Data) != 2 || list.Next == nil {
			t.Fatalf("%s: %+v", path, list)
		}
		s.want(200, "GET", path+"?limit=2&token="+*list.Next, "", &list)
		if len(list.Data) != 1 || list.Next != nil {
			t.Errorf("%s: %+v", path, list)
		}
		s.want(400, "GET", path+"?token=x", "", nil)
		s.want(400, "GET", path+"?limit=0", "", nil)
		one := path + "/" + made.text("id")
		s.want(200, "PUT", one, c[1], &made)
		var got fields
		s.want(200, "GET", one, "", &got)
		for k, v := range made {
			if fmt.Sprint(got[k]) != fmt.Sprint(v) {
				t.Errorf("%s: %s is %v, want %v", one, k, got[k], v)
			}
		}
		req, _ := http.NewRequest("PUT", s.url+one, strings.NewReader(c[1]))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("If-Match", `"1"`)
		if resp := s.do(req, nil); resp.StatusCode != 412 {
			t.Errorf("%s with an old ETag: %d", one, resp.StatusCode)
		}
		s.want(204, "DELETE", one, "", nil)
		s.want(404, "GET", one, "", nil)
		var e struct {
			ID     string
			Errors []struct{ Code, Message string }
		}
		s.want(404, "DELETE", one, "", &e)
		if len(e.Errors) != 1 || e.Errors[0].Code == "" || e.ID == "" {
			t.Errorf("%+v", e)
		}
	}
	var rule struct{ FieldNames []string }
	s.want(200, "POST", "/api/v1/extractionRules", `{"name":"z","scope":"*","parseExpression":"json \"a\", \"b\" as a, c | num(a)"}`, &rule)
	if fmt.Sprint(rule.FieldNames) != "[a c]" {
		t.Errorf("%v", rule.FieldNames)
	}
}

// TestPartitions: a search of a partition is one of what its routing expression finds.
func TestPartitions(t *testing.T) {
	s := serve(t, Options{})
	count := func(query string) (n string, warnings []string) {
		t.Helper()
		path, last := s.search(query + " | count")
		var p page
		s.want(200, "GET", path+"/records?offset=0&limit=1", "", &p)
		if len(p.Records) == 0 {
			return "0", last.Warnings
		}
		return p.Records[0].Map["_count"], last.Warnings
	}
	if n, w := count("_index=starts"); n != "0" || len(w) != 1 || !strings.Contains(w[0], "no partition starts") {
		t.Errorf("%s %v", n, w)
	}
	s.want(200, "POST", "/api/v1/partitions", `{"name":"starts","routingExpression":"EventID=1 OR EventID=5"}`, nil)
	s.want(200, "POST", "/api/v1/partitions", `{"name":"nets","routingExpression":"EventID=3"}`, nil)
	for query, same := range map[string]string{
		"_index=starts": "EventID=1 OR EventID=5", "_view=Starts chrome": "(EventID=1 OR EventID=5) chrome", "_index=*s": "EventID=1 OR EventID=5 OR EventID=3",
		"!_index=starts": "!(EventID=1 OR EventID=5)", "_index=sumologic_default": "!(EventID=1 OR EventID=5 OR EventID=3)", "_index=nets OR (_index=starts AND chrome)": "EventID=3 OR ((EventID=1 OR EventID=5) chrome)",
	} {
		got, w := count(query)
		want, _ := count(same)
		if got != want || want == "0" || len(w) > 0 {
			t.Errorf("%s finds %s, %s finds %s: %v", query, got, same, want, w)
		}
	}
}

// TestEverySimpleCall: calls that take nothing answer, and none of them with null for a list.
func TestEverySimpleCall(t *testing.T) {
	s := serve(t, Options{})
	for _, r := range s.all() {
		method, path, _ := strings.Cut(r.pattern, " ")
		if method != "GET" || strings.Contains(path, "{") || strings.HasSuffix(path, "/path") {
			continue
		}
		var text string
		if resp := s.call("GET", path, "", &text); resp.StatusCode != 200 || strings.Contains(text, `"data":null`) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
	for _, m := range notOffered {
		method, path, _ := strings.Cut(m.pattern, " ")
		var text string
		path = strings.ReplaceAll(path, "{id}", "7")
		if resp := s.call(method, path, "{}", &text); resp.StatusCode != 501 && resp.StatusCode != 404 {
			t.Errorf("%s: %d %s", m.pattern, resp.StatusCode, text)
		}
	}
}

// TestContent: folders and saved searches are made, found, exported, imported, moved,
// and taken away.
func TestContent(t *testing.T) {
	s := serve(t, Options{})
	const base = "/api/v2/content"
	var personal folderShown
	s.want(200, "GET", base+"/folders/personal", "", &personal)
	var made folderShown
	s.want(200, "POST", base+"/folders", `{"name":"Hunts","description":"d","parentId":"`+personal.ID+`"}`, &made)
	var job struct{ ID string }
	def := `{"type":"FolderSyncDefinition","name":"In","description":"","children":[{"type":"SavedSearchWithScheduleSyncDefinition","name":"s1","search":{"queryText":"* | count","defaultTimeRange":"-15m"}}]}`
	s.want(200, "POST", base+"/folders/"+made.ID+"/import", def, &job)
	var st struct{ Status string }
	s.want(200, "GET", base+"/folders/"+made.ID+"/import/"+job.ID+"/status", "", &st)
	if st.Status != "Success" {
		t.Fatalf("%+v", st)
	}
	var found item
	s.want(200, "GET", base+"/path?path=/Library/Users/gyoji/Hunts/In/s1", "", &found)
	var path struct{ Path string }
	s.want(200, "GET", base+"/"+found.ID+"/path", "", &path)
	if path.Path != "/Library/Users/gyoji/Hunts/In/s1" || found.Type != "Search" {
		t.Errorf("%+v %+v", path, found)
	}
	s.want(200, "POST", base+"/"+made.ID+"/export", `""`, &job)
	var out fields
	s.want(200, "GET", base+"/"+made.ID+"/export/"+job.ID+"/result", "", &out)
	if text, _ := json.Marshal(out); !strings.Contains(string(text), `"queryText":"* | count"`) {
		t.Errorf("%s", text)
	}
	s.want(200, "POST", base+"/folders/"+made.ID+"/import", `{"type":"SavedSearchWithScheduleSyncDefinition","name":"bad","search":{"queryText":"* | nonsense"}}`, &job)
	s.want(200, "GET", base+"/folders/"+made.ID+"/import/"+job.ID+"/status", "", &st)
	if st.Status != "Failed" {
		t.Errorf("a query that cannot be read: %+v", st)
	}
	s.want(400, "POST", base+"/"+made.ID+"/move?destinationFolderId="+found.Parent, "", nil)
	s.want(204, "POST", base+"/"+found.ID+"/move?destinationFolderId="+personal.ID, "", nil)
	s.want(200, "GET", base+"/path?path=/Library/Users/gyoji/s1", "", &found)
	s.want(200, "DELETE", base+"/"+made.ID+"/delete", "", &job)
	s.want(404, "GET", base+"/folders/"+made.ID, "", nil)
	s.want(404, "GET", base+"/path?path=/Library/Users/gyoji/Hunts", "", nil)
}

// TestScheduled: a search that is due calls its webhook with what it found, tries again
// with the same key, and a threshold that is not reached calls nobody.
func TestScheduled(t *testing.T) {
	type got struct{ key, own, body string }
	calls := make(chan got, 10)
	tries := 0
	hook := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		calls <- got{r.Header.Get("Idempotency-Key"), r.Header.Get("X-Own"), string(text)}
		if tries++; tries == 1 {
			w.WriteHeader(503)
		}
	}))
	defer hook.Close()
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	var views []job.View
	s := serve(t, Options{
		Now:     func() time.Time { return clock },
		Outward: access.Outward{Hosts: []string{"127.0.0.1"}, TLS: hook.Client().Transport.(*http.Transport).TLSClientConfig},
		Jobs:    job.Options{Open: func(v job.View) (job.Snapshot, error) { views = append(views, v); return snapshot(text), nil }},
	})
	s.runs.wait = func(context.Context, time.Duration) {}
	var c fields
	s.want(200, "POST", "/api/v1/connections", `{"name":"hook","url":"`+hook.URL+`","customHeaders":[{"name":"X-Own","value":"v"}],"defaultPayload":"{\"n\":\"{{SearchName}}\",\"rows\":{{AggregateResultsJson}},\"q\":\"{{SearchQuery}}\",\"images\":\"{{Results.image}}\",\"x\":\"{{unknown}}\"}"}`, &c)
	search := func(name, operator string, count int) savedSearch {
		f := fields{
			"name": name, "search": fields{"queryText": `* | where Image matches "*\\cmd.exe" | count by Image`},
			"searchSchedule": fields{
				"cronExpression": "0 0/15 * * * ? *", "timeZone": "UTC", "parseableTimeRange": fields{"type": "BeginBoundedTimeRange", "from": fields{"type": "RelativeTimeRangeBoundary", "relativeTime": "-30d"}},
				"threshold":    fields{"thresholdType": "group", "operator": operator, "count": count},
				"notification": fields{"taskType": "WebhookSearchNotificationSyncDefinition", "webhookId": c.text("id")},
			},
		}
		text, _ := json.Marshal(f)
		req := httptest.NewRequest("POST", "/", bytes.NewReader(nil))
		var sent fields
		_ = json.Unmarshal(text, &sent)
		sent["type"] = "SavedSearchWithScheduleSyncDefinition"
		if err := s.take(req, personalID, sent, false); err != nil {
			t.Fatal(err)
		}
		for _, d := range s.keep.list(searchKind) {
			if x, err := searchOf(d.fields()); err == nil && x.Name == name {
				return x
			}
		}
		t.Fatal("it was not kept")
		return savedSearch{}
	}
	x := search(`a "name"`, "gt", 0)
	ctx := context.Background()
	due := clock.Add(15 * time.Minute)
	posted, err := s.runs.run(ctx, x, due)
	if !posted || err != nil {
		t.Fatalf("%v %v", posted, err)
	}
	first, second := <-calls, <-calls
	if first != second || first.own != "v" || first.key != fmt.Sprintf("%s-%d", x.ID, due.UnixMilli()) {
		t.Errorf("%+v\n%+v", first, second)
	}
	var body struct {
		N, Q, Images, X string
		Rows            []map[string]string
	}
	if err := json.Unmarshal([]byte(first.body), &body); err != nil {
		t.Fatalf("%s: %v", first.body, err)
	}
	if body.N != `a "name"` || !strings.Contains(body.Q, `"*\\cmd.exe"`) || len(body.Rows) != 1 || body.Rows[0]["_count"] == "" || !strings.HasSuffix(body.Images, "cmd.exe") || body.X != "{{unknown}}" {
		t.Errorf("%+v", body)
	}
	if v := views[len(views)-1]; v.To != due.UnixMilli() || v.From != due.AddDate(0, 0, -30).UnixMilli() {
		t.Errorf("the range is %+v", v)
	}
	if posted, err := s.runs.run(ctx, search("b", "gt", 1000), due); posted || err != nil {
		t.Errorf("a threshold that is not reached: %v %v", posted, err)
	}
	for name, change := range map[string]func(f fields){
		"cron":  func(f fields) { f["searchSchedule"].(map[string]any)["cronExpression"] = "every day" },
		"often": func(f fields) { f["searchSchedule"].(map[string]any)["cronExpression"] = "* * * * * ?" },
		"mail": func(f fields) {
			f["searchSchedule"].(map[string]any)["notification"] = map[string]any{"taskType": "EmailSearchNotificationSyncDefinition"}
		},
		"hook": func(f fields) {
			f["searchSchedule"].(map[string]any)["notification"].(map[string]any)["webhookId"] = "nope"
		},
	} {
		d, _ := s.keep.get(searchKind, x.ID)
		f := d.fields()
		f["name"] = name
		change(f)
		if err := s.take(httptest.NewRequest("POST", "/", nil), personalID, f, false); err == nil {
			t.Errorf("a schedule with a wrong %s is taken", name)
		}
	}
}

// TestDue: searches run when they are due, and one that had begun when the server ended
// is done again after the next start, with the same key.
func TestDue(t *testing.T) {
	keys := make(chan string, 100)
	hook := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { keys <- r.Header.Get("Idempotency-Key") }))
	defer hook.Close()
	var now atomic.Int64
	now.Store(time.Date(2026, 3, 20, 12, 10, 0, 0, time.UTC).UnixMilli())
	dir := t.TempDir()
	o := Options{
		Dir: dir, Now: func() time.Time { return time.UnixMilli(now.Load()).UTC() },
		Outward: access.Outward{Hosts: []string{"127.0.0.1"}, TLS: hook.Client().Transport.(*http.Transport).TLSClientConfig},
	}
	s := serve(t, o)
	var c, made fields
	s.want(200, "POST", "/api/v1/connections", `{"name":"hook","url":"`+hook.URL+`","defaultPayload":"{}"}`, &c)
	s.want(200, "POST", "/api/v2/content/folders/"+personalID+"/import", `{"type":"SavedSearchWithScheduleSyncDefinition","name":"due","search":{"queryText":"* | count"},
		"searchSchedule":{"scheduleType":"15Minutes","timeZone":"UTC","parseableTimeRange":{"from":{"type":"RelativeTimeRangeBoundary","relativeTime":"-30d"}},
		"notification":{"taskType":"WebhookSearchNotificationSyncDefinition","webhookId":"`+c.text("id")+`"}}}`, &made)
	id := s.keep.list(searchKind)[0].ID
	time.Sleep(1500 * time.Millisecond) // it is looked every second
	if len(keys) > 0 {
		t.Fatalf("%s before it is due", <-keys)
	}
	due := time.Date(2026, 3, 20, 12, 15, 0, 0, time.UTC).UnixMilli()
	now.Store(due + 1000)
	want := fmt.Sprintf("%s-%d", id, due)
	get := func() string {
		select {
		case k := <-keys:
			return k
		case <-time.After(20 * time.Second):
			return "nothing"
		}
	}
	if got := get(); got != want {
		t.Fatalf("%s, want %s", got, want)
	}
	time.Sleep(1500 * time.Millisecond)
	if len(keys) > 0 {
		t.Errorf("%s once more", <-keys)
	}
	o.Dir = copied(t, dir)
	if err := os.WriteFile(filepath.Join(o.Dir, "api", outcomeKind+".json"), fmt.Appendf(nil, `[{"id":%q,"revision":1,"body":{"due":%d,"done":false}}]`, id, due), 0o600); err != nil {
		t.Fatal(err)
	}
	serve(t, o)
	if got := get(); got != want {
		t.Errorf("after a start: %s, want %s", got, want)
	}
}

// TestRowsEnd: rows of a table with a ttl are gone when their time is over.
func TestRowsEnd(t *testing.T) {
	x := &table{about: lookupTable{Fields: []lookupField{{"k", "string"}}, Keys: []string{"k"}, TTL: 10}}
	_ = x.reindex()
	at := time.UnixMilli(1_000_000_000)
	for i, k := range []string{"a", "b", "c"} {
		if err := x.set([]event.Value{event.Text(k)}, at.Add(time.Duration(i)*time.Minute).UnixMilli()); err != nil {
			t.Fatal(err)
		}
	}
	if n := x.old(at.Add(10*time.Minute - time.Millisecond)); n != 0 {
		t.Errorf("%d rows end early", n)
	}
	if n := x.old(at.Add(11 * time.Minute)); n != 2 || len(x.rows) != 1 || x.rows[0].Vals[0].Str() != "c" {
		t.Errorf("%d rows end, %v stay", n, x.rows)
	}
	x.about.AtLimit, x.bytes = stopIncoming, tableBytesMost
	if err := x.set([]event.Value{event.Text("d")}, 0); err == nil {
		t.Error("a row goes into a full table")
	}
	x.about.AtLimit = deleteOld
	if err := x.set([]event.Value{event.Text("d")}, at.UnixMilli()); err != nil || len(x.rows) != 1 || x.rows[0].Vals[0].Str() != "d" {
		t.Errorf("%v, %v stay", err, x.rows)
	}
}

// TestWebhookInside: a webhook whose address is inside is not called.
func TestWebhookInside(t *testing.T) {
	met := 0
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { met++ }))
	defer hook.Close()
	s := serve(t, Options{Outward: access.Outward{Plain: true}})
	if err := s.runs.post(context.Background(), fields{"name": "x", "url": hook.URL}, []byte("{}"), "k"); err == nil || met > 0 {
		t.Errorf("%v, %d calls", err, met)
	}
}

// TestEstimate: ranges in all forms, and the refusals.
func TestEstimate(t *testing.T) {
	s := serve(t, Options{})
	for body, want := range map[string]int{
		`{"queryString":"* | count","timeRange":{"type":"BeginBoundedTimeRange","from":{"type":"EpochTimeRangeBoundary","epochMillis":0},"to":{"type":"EpochTimeRangeBoundary","epochMillis":5}},"timezone":"UTC"}`: 200,
		`{"queryString":"*","timeRange":{"type":"BeginBoundedTimeRange","from":{"type":"RelativeTimeRangeBoundary","relativeTime":"-1h"},"to":null},"timezone":"PST"}`:                                              200,
		`{"queryString":"*","timeRange":{"type":"BeginBoundedTimeRange","from":{"type":"Iso8601TimeRangeBoundary","iso8601Time":"2026-03-02T00:00:00Z"}},"timezone":"UTC"}`:                                         200,
		`{"queryString":"*","timeRange":{"type":"CompleteLiteralTimeRange","rangeName":"today"},"timezone":"UTC"}`:                                                                                                  200,
		`{"queryString":"*","timeRange":{"type":"BeginBoundedTimeRange","from":{"type":"LiteralTimeRangeBoundary","rangeName":"yesterday"}},"timezone":"UTC"}`:                                                      200,
		`{"queryString":"* | nonsense","timeRange":{"from":{"type":"RelativeTimeRangeBoundary","relativeTime":"-1h"}}}`:                                                                                             400,
		`{"queryString":"*"}`: 400,
		`{"queryString":"*","timeRange":{"from":{"type":"RelativeTimeRangeBoundary","relativeTime":"soon"}}}`:                     400,
		`{"queryString":"*","timeRange":{"from":{"type":"RelativeTimeRangeBoundary","relativeTime":"-1h"}},"timezone":"Nowhere"}`: 400,
	} {
		var out struct {
			Details []struct {
				Usage []struct {
					Scanned int64 `json:"dataScannedInBytes"`
				} `json:"usageDetails"`
			} `json:"estimatedUsageDetails"`
		}
		s.want(want, "POST", "/api/v1/logSearches/estimatedUsage", body, &out)
		if want == 200 && (len(out.Details) != 1 || out.Details[0].Usage[0].Scanned == 0) {
			t.Errorf("%s: %+v", body, out)
		}
	}
}
