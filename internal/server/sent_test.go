package server

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/job"
)

// TestSentAgain: what is sent again with the same Idempotency-Key is there once, and nothing
// else is passed over for it.
func TestSentAgain(t *testing.T) {
	v := serve(t, Config{}, usual)
	send := func(key, encoding, body string) int {
		t.Helper()
		r, err := http.NewRequest("POST", v.told.Given.SourceURL, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
		r.Header.Set("Content-Encoding", encoding)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for i, c := range []struct {
		key, encoding, body string
		want                int
	}{
		{"", "", "none", 200}, {"", "", "none", 200},
		{"k1", "", "once", 200}, {"k1", "", "once", 200}, {"k1", "", "once", 200},
		{"k2", "gzip", "fail", 400}, {"k2", "", "fail", 200}, {"k2", "", "fail", 200},
		{"k1", "", "another", 422}, {"k3", "", "another", 200},
	} {
		if got := send(c.key, c.encoding, c.body); got != c.want {
			t.Errorf("%d: %d, want %d", i, got, c.want)
		}
	}
	if status, _, _ := v.call("", "", "POST", "/receiver/v1/http/wrong", "x"); status != 401 {
		t.Error(status)
	}
	got := v.messages()
	slices.Sort(got)
	if want := []string{"another", "fail", "none", "none", "once"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestSyslogListeners: what comes by a listener has the category of that listener.
func TestSyslogListeners(t *testing.T) {
	v := serve(t, Config{Syslog: []string{"tcp://127.0.0.1:0?category=net/one", "udp://127.0.0.1:0?category=net/two", "tcp://127.0.0.1:0"}}, usual)
	for i, at := range v.told.Listeners {
		network, host, _ := strings.Cut(at, "://")
		conn, err := net.Dial(network, host)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "<34>1 2026-03-02T08:00:0%dZ box su - - - hello\n", i)
		conn.Close()
	}
	for start := time.Now(); v.count() < 3 && time.Since(start) < time.Minute; time.Sleep(10 * time.Millisecond) {
	}
	j, err := v.s.calls.Jobs().Start(job.Request{Query: "* | count by _sourceCategory, _sourceName | sort by _sourceCategory", All: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Wait(t.Context()), j.Err()); err != nil {
		t.Fatal(err)
	}
	p, err := j.Records(0, 10)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, r := range p.Rows {
		got += string(p.AppendMap(nil, r)) + "\n"
	}
	for _, want := range []string{`"net/one"`, `"net/two"`} {
		if strings.Count(got, want) != 1 || len(p.Rows) != 3 {
			t.Errorf("%s", got)
		}
	}
}
