package collect

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

func ms(t testing.TB, s string) int64 {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixMilli()
}

// TestTimes: expected by http-api.md 4 and the table of Sumo's page on time.
func TestTimes(t *testing.T) {
	const received = "2026-06-15T12:00:00Z"
	zone := func(z string, force bool) func(*Source) {
		return func(s *Source) { s.TimeZone, s.ForceTimeZone = z, force }
	}
	custom := func(format, locator string) func(*Source) {
		return func(s *Source) { s.DefaultDateFormats = []DateFormat{{format, locator}} }
	}
	for _, c := range []struct {
		name string
		set  func(*Source)
		text string
		want string // "" is the time of receipt
	}{
		{"leftmost", nil, "a 2026-01-02 03:04:05 b 2025-01-01 00:00:00", "2026-01-02T03:04:05Z"},
		{"fraction and zone", nil, "2026-01-02T03:04:05.678+02:00 a", "2026-01-02T01:04:05.678Z"},
		{"comma", nil, "2026-01-02 03:04:05,678 a", "2026-01-02T03:04:05.678Z"},
		{"zone of the source", zone("Europe/Berlin", false), "2026-01-02 03:04:05 a", "2026-01-02T02:04:05Z"},
		{"a zone that is written wins", zone("Europe/Berlin", false), "2026-01-02T03:04:05Z a", "2026-01-02T03:04:05Z"},
		{"unless it is forced", zone("Europe/Berlin", true), "2026-01-02T03:04:05Z a", "2026-01-02T02:04:05Z"},
		{"forced over an offset", zone("America/New_York", true), "2026-01-02 03:04:05 +0900 a", "2026-01-02T08:04:05Z"},
		{"no year", nil, "Jan  2 03:04:05 host app: a", "2026-01-02T03:04:05Z"},
		{"no date", nil, "03:04:05 a", "2026-06-15T03:04:05Z"},
		{"epoch at the start", nil, "1767323045678 a", "2026-01-02T03:04:05.678Z"},
		{"epoch in brackets", nil, "[1767323045] a", "2026-01-02T03:04:05Z"},
		{"JSON: timestamp", nil, `{"a":"2001-01-01 00:00:00","timestamp":1767323045678}`, "2026-01-02T03:04:05.678Z"},
		{"JSON: @timestamp", nil, `{"msg":"x","@timestamp":"2026-01-02T03:04:05.678Z"}`, "2026-01-02T03:04:05.678Z"},
		{"JSON: none, the first in its text", nil, `{"when":"2026-01-02T03:04:05Z","a":"2001-01-01 00:00:00"}`, "2026-01-02T03:04:05Z"},
		{"JSON: Windows", nil, `{"Event":{"System":{"TimeCreated":{"#attributes":{"SystemTime":"2026-01-02T03:04:05.678Z"}}}}}`, "2026-01-02T03:04:05.678Z"},
		{"XML", nil, `<Event><System><TimeCreated SystemTime='2026-01-02T03:04:05.678Z'/></System></Event>`, "2026-01-02T03:04:05.678Z"},
		{"audit", nil, `type=SYSCALL msg=audit(1767323045.678:42): x`, "2026-01-02T03:04:05.678Z"},
		{"none", nil, "no time at all", ""},
		{"parsing off", func(s *Source) { s.AutomaticDateParsing = false }, "2026-01-02 03:04:05 a", ""},
		{"custom", custom("yyyy/MM/dd HH:mm:ss", `\[time=(.*?)\]`), "2001-01-01 00:00:00 [time=2026/01/02 03:04:05] a", "2026-01-02T03:04:05Z"},
		{"custom that does not fit: automatic", custom("yyyy/MM/dd HH:mm:ss", `\[time=(.*?)\]`), "2026-01-02 03:04:05 a", "2026-01-02T03:04:05Z"},
		{"custom epoch of 19 digits", custom("epoch", `t=(\d+)`), "t=1767323045678901234 a", "2026-01-02T03:04:05.678Z"},
		{"custom without a locator", custom("dd.MM.yyyy HH:mm", ""), "x 02.01.2026 03:04 a", "2026-01-02T03:04:00Z"},
		{"custom with a zone", custom("yyyy/MM/dd HH:mm:ss Z", `t=(.*)`), "t=2026/01/02 03:04:05 +0100", "2026-01-02T02:04:05Z"},
		{"custom with a zone, forced", func(s *Source) {
			custom("yyyy/MM/dd HH:mm:ss Z", `t=(.*)`)(s)
			zone("America/New_York", true)(s)
		}, "t=2026/01/02 03:04:05 +0100", "2026-01-02T08:04:05Z"},
		{"custom without a year", custom("dd/MM HH:mm:ss", `at (.*)`), "at 02/01 03:04:05", "2026-01-02T03:04:05Z"},
	} {
		want := c.want
		if want == "" {
			want = received
		}
		list, _ := plan(t, c.set).Message(nil, []byte(c.text), ms(t, received))
		if len(list) != 1 || list[0].Time != ms(t, want) || !list[0].Timed {
			t.Errorf("%s: %s: got %+v, want %d", c.name, c.text, list, ms(t, want))
		}
	}
}

// TestTimesAreThoseOfFiles: a line that is sent has the time that it has in a file.
func TestTimesAreThoseOfFiles(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("..", "..", "..", "samples", "*.jsonl"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no samples", err)
	}
	p := plan(t, nil)
	now := time.Now()
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var rows []message.Row
		var texts [][]byte
		for s := bufio.NewScanner(f); s.Scan(); {
			line := bytes.Clone(s.Bytes())
			texts = append(texts, line)
			rows = append(rows, message.Row{Raw: line, Origin: &message.Origin{}})
		}
		if err := message.Times(rows, &input.Want{Layout: event.NewLayout(), Now: now, Warnings: &exec.Warnings{}}); err != nil {
			t.Fatal(err)
		}
		for i, text := range texts {
			list, _ := p.Message(nil, text, now.UnixMilli())
			if want := rows[i].Time; len(list) != 1 || list[0].Time != want {
				t.Fatalf("%s: %s\nsent: %+v\nin a file: %d", path, text, list, want)
			}
		}
	}
}

// TestFilters: http-api.md 3.
func TestFilters(t *testing.T) {
	sum := md5.Sum([]byte("bob"))
	for _, c := range []struct {
		name    string
		filters []Filter
		body    string
		want    string // lines
	}{
		{"exclude: all of the message", []Filter{{FilterType: "Exclude", Regexp: ".*debug.*"}, {FilterType: "Exclude", Regexp: "info"}}, "debug a\ninfo b\ninfo\nc", "info b\nc"},
		{"include", []Filter{{FilterType: "Include", Regexp: ".*error.*"}}, "error a\nb\nan error", "error a\nan error"},
		{"mask: groups", []Filter{{FilterType: "Mask", Regexp: `card=(\d+)-(\d+)`, Mask: "###"}}, "card=12-34 card=56-78 x", "card=###-### card=###-### x"},
		{"hash", []Filter{{FilterType: "Hash", Regexp: `user=(\w+)`}}, "user=bob x", "user=" + hex.EncodeToString(sum[:]) + " x"},
		{"in order", []Filter{{FilterType: "Mask", Regexp: `(secret)`, Mask: "debug"}, {FilterType: "exclude", Regexp: "debug"}}, "secret\na", "a"},
		{"forward is ignored", []Filter{{FilterType: "Forward", Regexp: ".*"}}, "a", "a"},
	} {
		p := plan(t, func(s *Source) { s.Filters = c.filters })
		list, dropped := p.Messages([]byte(c.body), 0)
		var got []string
		for _, m := range list {
			got = append(got, string(m.Raw))
		}
		if strings.Join(got, "\n") != c.want || dropped != strings.Count(c.body, "\n")-strings.Count(c.want, "\n") {
			t.Errorf("%s: %q, %d dropped, want %q", c.name, got, dropped, c.want)
		}
	}
	p := plan(t, func(s *Source) { s.CutoffTimestamp = ms(t, "2026-01-01T00:00:00Z") })
	list, dropped := p.Messages([]byte("2025-12-31 23:59:59 a\n2026-01-01 00:00:00 b"), 0)
	if len(list) != 1 || dropped != 1 {
		t.Errorf("the cut-off leaves %d and drops %d", len(list), dropped)
	}
}

func TestSourceChecks(t *testing.T) {
	for name, set := range map[string]func(*Source){
		"name": func(s *Source) { s.Name = " " }, "type": func(s *Source) { s.SourceType = "Polling" }, "encoding": func(s *Source) { s.Encoding = "EBCDIC" },
		"zone": func(s *Source) { s.TimeZone = "Mars/Olympus" }, "prefix": prefix(""), "prefix expression": prefix("("), "locator": func(s *Source) { s.DefaultDateFormats = []DateFormat{{"epoch", "x"}} },
		"two groups": func(s *Source) { s.DefaultDateFormats = []DateFormat{{"epoch", "(x)(y)"}} }, "named group": func(s *Source) { s.DefaultDateFormats = []DateFormat{{"epoch", "(?P<t>x)"}} },
		"filter": func(s *Source) { s.Filters = []Filter{{FilterType: "Shred", Regexp: "x"}} }, "mask without a group": func(s *Source) { s.Filters = []Filter{{FilterType: "Mask", Regexp: "x"}} },
		"filter that gets out of its bracket": func(s *Source) { s.Filters = []Filter{{FilterType: "Exclude", Regexp: "a)|(?:b"}} },
	} {
		s := NewSource("x")
		set(&s)
		if _, err := s.Plan(); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
}
