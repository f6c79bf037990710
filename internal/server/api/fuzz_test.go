package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
)

// FuzzCreate: whatever the body of a search job's creation, the answer is JSON of 202 or
// of a refusal with a code, and never a mistake of the server.
func FuzzCreate(f *testing.F) {
	for _, seed := range []string{
		`{"query":"*","from":"2026-03-02T00:00:00","to":"2026-03-03T00:00:00Z","timeZone":"PST"}`, `{"query":"* | count","from":0,"to":"5","byReceiptTime":null}`,
		`{"query":"_index=a*","from":-9223372036854775808,"to":9223372036854775807}`, `{"from":{}}`, `[]`, `null`, `{"query":"\ud800","from":"24:00","to":"now"}`,
		`{"query":"!_view=sumologic_default [subquery: * | compose a]","from":1,"to":253402300799999,"requiresRawMessages":true}`,
	} {
		f.Add(seed)
	}
	a, err := New(Options{Dir: f.TempDir(), Jobs: noJobs()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { a.Close(context.Background()) })
	r := httptest.NewRequest("POST", "/", nil)
	if _, err := a.make(r, resources[0], fields{"name": "a1", "routingExpression": "x OR y"}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "/api/v1/search/jobs", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r = r.WithContext(access.With(r.Context(), access.Principal{ID: "su", Role: access.Content}))
		w := httptest.NewRecorder()
		a.createJob(w, r)
		var got struct{ ID, Code string }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.ID == "" {
			t.Fatalf("%d %s: %v", w.Code, w.Body, err)
		}
		if w.Code == http.StatusAccepted {
			if err := a.jobs.Delete(got.ID); err != nil {
				t.Fatal(err)
			}
		} else if w.Code != http.StatusBadRequest || got.Code == "" {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}

// FuzzFill: a template that is JSON is JSON when variables are filled in, whatever they hold.
func FuzzFill(f *testing.F) {
	f.Add(`{"a":"{{x}}","b":{{y}},"c":["{{ X }}"]}`, "v\"\n\\", `[{"a":"b"}]`)
	f.Add(`"{{x}}{{x}}\"{{x}}"`, "\xff}}{{x}}", "1")
	f.Add(`{"{{x}}":"\\{{x}}"}`, "", "null")
	f.Fuzz(func(t *testing.T, template, text, value string) {
		if !json.Valid([]byte(value)) {
			value = "null"
		}
		out := fill(template, func(name string) (variable, bool) {
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "x":
				return variable{text: text}, true
			case "y":
				return variable{text: value, json: true}, true
			}
			return variable{}, false
		})
		if json.Valid([]byte(template)) && !json.Valid(out) {
			t.Errorf("%s becomes %s", template, out)
		}
	})
}

// FuzzMoment: times that are read are those that the standard library reads.
func FuzzMoment(f *testing.F) {
	for _, s := range []string{"2026-03-02T00:00:00", "2026-03-02T00:00:00.123456+05:30", "1772409600000", "-1", "1e3", "2026-03-02t00:00:00z", "now", "-15m", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ms, err := moment{text}.at(time.UTC, time.UnixMilli(0), false)
		if err != nil {
			return
		}
		if ms > millisMost || ms < -millisMost {
			t.Errorf("%q is %d", text, ms)
		}
		if at, e := time.Parse(time.RFC3339Nano, strings.TrimSpace(text)); e == nil && at.UnixMilli() != ms {
			t.Errorf("%q is %d, want %d", text, ms, at.UnixMilli())
		}
	})
}

// FuzzUpload: a file of rows is taken whole or not at all.
func FuzzUpload(f *testing.F) {
	f.Add("k,n\na,1\nb,2\n")
	f.Add("\ufeffK , N\n\"a\"\"\",\n")
	f.Add("k,n,k\n")
	f.Add("n\n1\n")
	f.Fuzz(func(t *testing.T, text string) {
		x := &table{about: lookupTable{Fields: []lookupField{{"k", "string"}, {"n", "int"}}, Keys: []string{"k"}}}
		_ = x.reindex()
		n, err := x.read(text, 1)
		if err != nil {
			return
		}
		if len(x.rows) > n || len(x.index) != len(x.rows) {
			t.Errorf("%d rows of %d lines, %d keys", len(x.rows), n, len(x.index))
		}
		for _, r := range x.rows {
			if r.Vals[0].IsNull() || len(r.Vals) != 2 {
				t.Errorf("a row without its key: %v", r.Vals)
			}
		}
	})
}
