package query

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
)

// benchEvent is an event of the benchmarks, with all that answers are computed of.
type benchEvent struct {
	hour         int
	user, status string
	bytes, n     int
}

func benchEvents(n int) (events []benchEvent, data []byte) {
	var out bytes.Buffer
	for i := range n {
		e := benchEvent{hour: i * 6 / n, user: fmt.Sprintf("u%d", i*i%97), status: []string{"200", "200", "404", "500", "301"}[i*7%5], bytes: i * 31 % 2000, n: i}
		events = append(events, e)
		fmt.Fprintf(&out, `{"UtcTime":"2026-03-02 %02d:%02d:%02d.000","host":"web-%d.example.com","user":"%s","method":"GET","path":"/static/img/%d/logo.png","status":"%s","bytes":"%d","n":"%07d","agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"}`+"\n",
			e.hour, i%60, i%59, i%7, e.user, i%1000, e.status, e.bytes, i)
	}
	return events, out.Bytes()
}

// tally counts events by a key that is the rest of an answer's line.
func tally(events []benchEvent, key func(benchEvent) string) []string {
	counts := map[string]int{}
	for _, e := range events {
		if k := key(e); k != "" {
			counts[k]++
		}
	}
	var out []string
	for k, n := range counts {
		out = append(out, fmt.Sprintf("_count=long:%d %s", n, k))
	}
	return out
}

// benchmarks are the ten operators that published queries use most, with their
// answers computed by other means.
var benchmarks = []struct {
	operator, query string
	want            func([]benchEvent) []string
}{
	{"where", `* | json auto | where status = "500" and num(bytes) > 900 | count by status`, func(es []benchEvent) []string {
		return tally(es, func(e benchEvent) string {
			if e.status != "500" || e.bytes <= 900 {
				return ""
			}
			return "status=string:500"
		})
	}},
	{"parse regex", `* | parse regex "\"user\":\"(?<u>[a-z]\d+)\"" | count by u`, func(es []benchEvent) []string {
		return tally(es, func(e benchEvent) string { return "u=string:" + e.user })
	}},
	{"count", `* | json auto | count by status, user`, func(es []benchEvent) []string {
		return tally(es, func(e benchEvent) string { return "status=string:" + e.status + " user=string:" + e.user })
	}},
	{"if", `* | json auto | if (status = "500", "bad", "good") as z | count by z`, func(es []benchEvent) []string {
		return tally(es, func(e benchEvent) string {
			if e.status == "500" {
				return "z=string:bad"
			}
			return "z=string:good"
		})
	}},
	{"json", `* | json "status", "user" as s, u | count by s, u`, func(es []benchEvent) []string {
		return tally(es, func(e benchEvent) string { return "s=string:" + e.status + " u=string:" + e.user })
	}},
	{"parse", `* | parse "\"user\":\"*\"" as u | count by u`, func(es []benchEvent) []string {
		return tally(es, func(e benchEvent) string { return "u=string:" + e.user })
	}},
	{"sort", `* | json auto | sort by user, n | limit 50 | fields user, n`, func(es []benchEvent) []string {
		es = slices.Clone(es)
		slices.SortFunc(es, func(a, b benchEvent) int {
			if c := strings.Compare(b.user, a.user); c != 0 {
				return c
			}
			return b.n - a.n
		})
		var out []string
		for _, e := range es[:50] {
			out = append(out, fmt.Sprintf("n=string:%07d user=string:%s", e.n, e.user))
		}
		return out
	}},
	{"timeslice", `* | timeslice 1h | count by _timeslice`, func(es []benchEvent) []string {
		return tally(es, func(e benchEvent) string { return fmt.Sprintf("_timeslice=long:%d", 1772409600000+3600000*e.hour) })
	}},
	{"fields", `* | json auto | fields user, status | where status = "404" | count by user`, func(es []benchEvent) []string {
		return tally(es, func(e benchEvent) string {
			if e.status != "404" {
				return ""
			}
			return "user=string:" + e.user
		})
	}},
	{"transpose", `* | json auto | count by status, user | transpose row user column status`, func(es []benchEvent) []string {
		counts := map[string]map[string]int{}
		for _, e := range es {
			if counts[e.user] == nil {
				counts[e.user] = map[string]int{}
			}
			counts[e.user][e.status]++
		}
		var out []string
		for u, by := range counts {
			vals := []string{"user=string:" + u}
			for s, n := range by {
				vals = append(vals, fmt.Sprintf("%s=long:%d", s, n))
			}
			slices.Sort(vals)
			out = append(out, strings.Join(vals, " "))
		}
		return out
	}},
}

func BenchmarkOperators(b *testing.B) {
	events, data := benchEvents(50_000)
	for _, m := range benchmarks {
		q, diags := Compile(diag.Text("query", m.query), Standard())
		want := m.want(events)
		slices.Sort(want)
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/j%d", m.operator, workers), func(b *testing.B) {
				if err := diags.Err(); err != nil {
					b.Fatal(err)
				}
				got, err := split{workers: workers}.run(q, data)
				if err != nil {
					b.Fatal(err)
				}
				slices.Sort(got)
				if !slices.Equal(got, want) {
					b.Fatalf("the answer is wrong, so its time is nobody's concern:\n got %q\nwant %q", got, want)
				}
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					if _, err := (split{workers: workers}).run(q, data); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// TestBenchmarkAnswers runs what the benchmarks run, once, on few events.
func TestBenchmarkAnswers(t *testing.T) {
	events, data := benchEvents(2000)
	for _, m := range benchmarks {
		t.Run(m.operator, func(t *testing.T) {
			q, diags := Compile(diag.Text("query", m.query), Standard())
			if err := diags.Err(); err != nil {
				t.Fatal(err)
			}
			got, err := split{workers: 2}.run(q, data)
			if err != nil {
				t.Fatal(err)
			}
			want := m.want(events)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got %q\nwant %q", got, want)
			}
		})
	}
}
