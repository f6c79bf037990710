package clients

import (
	"context"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server"
)

// What each client is told to send is in testdata/send; what it makes of it is in its own
// documentation, and in http-api.md 13 as it was captured.

func TestSumoLoggerJS(t *testing.T) {
	dir := installed(t, "node", "node_modules/sumo-logger")
	s := serve(t, nil)
	s.run(dir, "node", "send/sumo-logger.cjs")
	s.same(s.await("_sourceCategory=c/d", 3), []string{"msg", "eventid", "_sourcename", "_sourcehost", "_messagetime"},
		"one||n|h|1767323045678", "two|1|n|h|1767323045678", "three\nof two lines||n|h|1767323045678")
}

func TestWinston(t *testing.T) {
	dir := installed(t, "node", "node_modules/winston-sumologic-transport")
	s := serve(t, nil)
	s.run(dir, "node", "send/winston.cjs")
	s.same(s.await("*", 2), []string{"level", "message", "meta.k"}, "info|wmsg|v", "error|second|")
}

func TestLogLayer(t *testing.T) {
	dir := installed(t, "node", "node_modules/@loglayer/transport-sumo-logic", "node_modules/loglayer")
	s := serve(t, nil)
	s.run(dir, "node", "send/loglayer.mjs")
	s.same(s.await("_sourceCategory=cat env=prod", 1), []string{"message", "x", "severity", "env", "_sourcename", "_sourcehost"}, "layer|1|info|prod|nm|hst")
}

func TestSplunkLogging(t *testing.T) {
	dir := installed(t, "node", "node_modules/splunk-logging")
	s := serve(t, nil)
	s.run(dir, "node", "send/splunk.cjs")
	s.same(s.await("_sourceCategory=st", 2), []string{"_raw", "index", "_sourcename", "_sourcehost", "_messagetime"},
		`{"message":{"temperature":"70F"},"severity":"info"}|main|src|hst|1767323045678`, `{"message":"a line","severity":"error"}|main|src|hst|1767323045678`)
}

func TestElastic(t *testing.T) {
	dir := installed(t, "node", "node_modules/@elastic/elasticsearch")
	s := serve(t, nil)
	s.run(dir, "node", "send/elastic.cjs")
	s.same(s.await("_sourceCategory=logs-app", 3), []string{"message", "n", "_messagetime"}, "document 1|1|1767323041000", "document 2|2|1767323042000", "document 3|3|1767323043000")
	s.same(s.await("_sourceCategory=logs-one", 1), []string{"message", "_messagetime"}, "alone|1767323045000")
}

func TestSumoLoggerPython(t *testing.T) {
	dir := installed(t, "python3", "venv/bin/python")
	s := serve(t, nil)
	s.run(dir, dir+"/venv/bin/python", "send/sumologger.py")
	rows := s.await("*", 2)
	s.same(rows, []string{"message"}, "from python", "second, with an argument")
}

// TestLogger is logger(1) of util-linux, in both of its protocols and framings.
func TestLogger(t *testing.T) {
	path, err := exec.LookPath("logger")
	if err != nil {
		t.Skip("logger(1) is not installed")
	}
	port := freePort(t)
	s := serve(t, func(c *server.Config) {
		c.Syslog = []string{"tcp://127.0.0.1:" + port + "?category=unix", "udp://127.0.0.1:" + port + "?category=unix"}
	})
	for _, args := range [][]string{
		{"--tcp", "--rfc5424", "--octet-count", "one"}, {"--tcp", "--rfc5424", "two"}, {"--tcp", "--rfc3164", "three"}, {"--udp", "--rfc5424", "four"}, {"--udp", "--rfc3164", "five"},
	} {
		ctx, done := context.WithTimeout(t.Context(), 10*time.Second)
		out, err := exec.CommandContext(ctx, path, append([]string{"--server", "127.0.0.1", "--port", port, "--tag", "gyoji", "--priority", "auth.notice"}, args...)...).CombinedOutput()
		done()
		if err != nil {
			t.Fatalf("logger %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	rows := s.await("_sourceCategory=unix", 5)
	var got []string
	for _, r := range rows {
		text := r["_raw"]
		got = append(got, text[strings.LastIndexByte(text, ' ')+1:])
		at, err := strconv.ParseInt(r["_messagetime"], 10, 64)
		if err != nil || time.Since(time.UnixMilli(at)).Abs() > 26*time.Hour { // RFC 3164 has no zone
			t.Errorf("%s is of %s", text, r["_messagetime"])
		}
		if !strings.HasPrefix(text, "<37>") { // auth is 4, notice is 5
			t.Errorf("%s does not begin with the priority", text)
		}
	}
	for _, want := range []string{"one", "two", "three", "four", "five"} {
		if !strings.Contains(" "+strings.Join(got, " ")+" ", " "+want+" ") {
			t.Errorf("%s is missing in %q", want, got)
		}
	}
}

// freePort is a port that was free for TCP a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
