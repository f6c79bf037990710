package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/server/job"
)

// TestExtraction: what rules take out of messages is there for searches that ask for it, in
// the search expression too, and only of the messages that a rule is about.
func TestExtraction(t *testing.T) {
	var log strings.Builder
	for i := range 3_000 { // more than one batch
		fmt.Fprintf(&log, "2026-03-02 08:%02d:%02d app=web user=%s ip=192.0.2.%d end\n", i/60, i%60, []string{"ann", "bob"}[i%2], i%3)
	}
	log.WriteString("2026-03-02 09:00:00 app=db user=carl\n2026-03-02 09:00:01 app=web nothing here\n")
	s := serve(t, Options{Jobs: job.Options{Open: func(job.View) (job.Snapshot, error) { return snapshot(log.String()), nil }}})
	ask := func(query string) (out []string) {
		t.Helper()
		j, err := s.jobs.Start(job.Request{Query: query, All: true})
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if err := j.Wait(t.Context()); err != nil || j.Err() != nil {
			t.Fatalf("%s: %v %v", query, err, j.Err())
		}
		p, err := j.Rows(0, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Rows {
			var m map[string]string
			if err := json.Unmarshal(p.AppendMap(nil, r), &m); err != nil {
				t.Fatal(err)
			}
			delete(m, "_raw")
			for k := range m {
				if strings.HasPrefix(k, "_") && k != "_count" {
					delete(m, k)
				}
			}
			out = append(out, fmt.Sprint(m))
		}
		return out
	}
	const count = `* | count by who | sort by who`
	if got := ask(count); fmt.Sprint(got) != "[map[_count:3002]]" {
		t.Errorf("without rules: %v", got)
	}
	var rule struct{ ID string }
	s.want(200, "POST", "/api/v1/extractionRules", `{"name":"who","scope":"app=web OR \"app=web\"","parseExpression":"parse \"user=* ip=* \" as who, ip","enabled":true}`, &rule)
	s.want(200, "POST", "/api/v1/extractionRules", `{"name":"half","scope":"\"user=bob\"","parseExpression":"| parse regex \"ip=192.0.2.(?<last>\\d)\" nodrop | last * 2 as twice","enabled":true}`, nil)
	for query, want := range map[string][]string{
		count:                                         {"map[_count:2]", "map[_count:1500 who:ann]", "map[_count:1500 who:bob]"},
		`who=bob | count`:                             {"map[_count:1500]"},
		`who=b* ip=192.0.2.1 | count`:                 {"map[_count:500]"},
		`nothing | count by who`:                      {"map[_count:1]"},
		`WHO=ann | count by WHO`:                      {"map[_count:1500 who:ann]"},
		`carl | fields who`:                           {"map[]"},
		`* | count by twice | sort by twice`:          {"map[_count:1502]", "map[_count:500 twice:0]", "map[_count:500 twice:2]", "map[_count:500 twice:4]"},
		`* | where who = "bob" and twice = 4 | count`: {"map[_count:500]"},
		`user=bob | limit 1 | fields who, ip, last`:   {"map[ip:192.0.2.2 last:2 who:bob]"},
	} {
		if query == `user=bob | limit 1 | fields who, ip, last` {
			query = `"user=bob" | limit 1 | fields who, ip, last`
		}
		got := ask(query)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	if got := ask(`"08:00:01" | limit 1`); len(got) != 1 || !strings.Contains(got[0], "who:bob") || !strings.Contains(got[0], "twice:2") {
		t.Errorf("a message with all its fields: %v", got)
	}
	s.want(200, "PUT", "/api/v1/extractionRules/"+rule.ID, `{"name":"who","scope":"app=web","parseExpression":"parse \"user=* ip=* \" as who, ip","enabled":false}`, nil)
	if got := ask(count); fmt.Sprint(got) != "[map[_count:3002]]" {
		t.Errorf("a rule that is off: %v", got)
	}
	for _, bad := range []string{"count by x", "sort by _raw", "parse \\\"", "limit 3 | parse \\\"a*\\\" as b | top 3 b"} {
		s.want(400, "POST", "/api/v1/extractionRules", `{"name":"bad","scope":"*","parseExpression":"`+bad+`"}`, nil)
	}
}
