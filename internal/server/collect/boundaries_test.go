package collect

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func plan(t testing.TB, set func(*Source)) *Plan {
	t.Helper()
	s := NewSource("test")
	if set != nil {
		set(&s)
	}
	p, err := s.Plan()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func lines(s *Source)      { s.MultilineProcessingEnabled = false }
func perRequest(s *Source) { s.MessagePerRequest = true }
func prefix(expr string) func(*Source) {
	return func(s *Source) { s.UseAutolineMatching, s.ManualPrefixRegexp = false, expr }
}

// TestBoundaries: expected by http-api.md 3, sentence by sentence.
func TestBoundaries(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*Source)
		body string
		want []string
	}{
		{"nothing", nil, "", nil},
		{"blank", nil, "\n \r\n\t\n", nil},
		{"lines end at LF, CRLF or CR", lines, "a\nb\r\nc\rd", []string{"a", "b", "c", "d"}},
		{"empty lines are dropped, a last line end adds nothing", lines, "\n\na\n\n\nb\n", []string{"a", "b"}},
		{"blanks of a line are its own", lines, "  a \nb", []string{"  a ", "b"}},
		{"request", perRequest, "a\nb\n\nc\n", []string{"a\nb\n\nc"}},
		{"request of nothing", perRequest, "\r\n\n", nil},
		{"infer: lines", nil, "a\n b\nc\n", []string{"a", " b", "c"}},
		{"infer: times", nil, "2026-01-02 03:04:05 a\n\tat b\n\tat c\n2026-01-02 03:04:06 d\n", []string{"2026-01-02 03:04:05 a\n\tat b\n\tat c", "2026-01-02 03:04:06 d"}},
		{"infer: times with CRLF", nil, "2026-01-02 03:04:05 a\r\n at b\r\n2026-01-02 03:04:06 d\r\n", []string{"2026-01-02 03:04:05 a\r\n at b", "2026-01-02 03:04:06 d"}},
		{"infer: an empty line inside a message", nil, "2026-01-02 03:04:05 a\n\n at b\n\n2026-01-02 03:04:06 d", []string{"2026-01-02 03:04:05 a\n\n at b", "2026-01-02 03:04:06 d"}},
		{"infer: the first line has no time", nil, "head\n2026-01-02 03:04:05 a\n at b", []string{"head", "2026-01-02 03:04:05 a", " at b"}},
		{"infer: brackets", nil, "[2026-01-02 03:04:05] a\n more\n[2026-01-02 03:04:06] b", []string{"[2026-01-02 03:04:05] a\n more", "[2026-01-02 03:04:06] b"}},
		{"infer: months", nil, "Jan  2 03:04:05 h p: a\nmore\nJan  2 03:04:06 h p: b", []string{"Jan  2 03:04:05 h p: a\nmore", "Jan  2 03:04:06 h p: b"}},
		{"infer: syslog's priority", nil, "<34>Oct 11 22:14:15 m su: a\nmore\n<34>1 2026-01-02T03:04:05Z m su - - - b", []string{"<34>Oct 11 22:14:15 m su: a\nmore", "<34>1 2026-01-02T03:04:05Z m su - - - b"}},
		{"infer: no priority", nil, "<a>\n <b/>\n</a>", []string{"<a>", " <b/>", "</a>"}},
		{"infer: JSON lines", nil, `{"a":1}` + "\n" + `{"b":{"c":[1,2]}}` + "\n", []string{`{"a":1}`, `{"b":{"c":[1,2]}}`}},
		{"infer: JSON lines without a last line end", nil, `{"a":1}` + "\r\n" + `{"a":2}`, []string{`{"a":1}`, `{"a":2}`}},
		{"infer: pretty", nil, "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n", []string{"{\n \"a\": 1\n}", "{\n \"a\": 2\n}"}},
		{"infer: side by side", nil, `{"a":1}{"a":2} {"a":3}`, []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}},
		{"infer: an array is one message", nil, `[{"a":1},` + "\n" + `{"a":2}]`, []string{`[{"a":1},` + "\n" + `{"a":2}]`}},
		{"infer: braces in strings", nil, `{"a":"}\n{"}` + "\n" + `{"b":"\\"}`, []string{`{"a":"}\n{"}`, `{"b":"\\"}`}},
		{"infer: JSON, then text", nil, `{"a":1}` + "\nplain\n" + `{"a":2}`, []string{`{"a":1}`, "plain", `{"a":2}`}},
		{"infer: JSON with text on its line", nil, `{"a":1} trailing` + "\n" + `{"a":2}`, []string{`{"a":1} trailing`, `{"a":2}`}},
		{"infer: JSON cut off", nil, `{"a":1}` + "\n" + `{"a":`, []string{`{"a":1}`, `{"a":`}},
		{"infer: JSON after a mark", nil, "\xef\xbb\xbf{\"a\":1}\n{\"a\":2}", []string{`{"a":1}`, `{"a":2}`}},
		{"infer: JSON after blank lines", nil, "\n\n  {\"a\":1}\n", []string{`{"a":1}`}},
		{"infer: bracket that is no JSON", nil, "[INFO] a\n[WARN] b", []string{"[INFO] a", "[WARN] b"}},
		{"prefix: the whole line", prefix(`\d+ .*`), "1 a\nmore 2\n2 b\n3", []string{"1 a\nmore 2", "2 b\n3"}},
		{"prefix: lines before the first", prefix(`#.*`), "x\ny\n# a\nz", []string{"x\ny", "# a\nz"}},
		{"prefix: part of a line does not count", prefix(`\d`), "1\n12\n2", []string{"1\n12", "2"}},
		{"no UTF-8", lines, "a\xff\xfeb\nc", []string{"a\ufffdb", "c"}},
		{"UTF-16", nil, "\xff\xfe{\x00}\x00", []string{"{}"}},
	} {
		p := plan(t, c.set)
		list, dropped := p.Messages([]byte(c.body), 0)
		var got []string
		for _, m := range list {
			got = append(got, string(m.Raw))
		}
		if !slices.Equal(got, c.want) || dropped != 0 {
			t.Errorf("%s: %q\n got %q (%d dropped)\nwant %q", c.name, c.body, got, dropped, c.want)
		}
	}
}

// TestLongMessages: http-api.md 3: 64 KB at character boundaries, same time; 2000 lines, 512 KB.
func TestLongMessages(t *testing.T) {
	p := plan(t, nil)
	long := "2026-01-02T03:04:05Z " + strings.Repeat("é", 100_000)
	list, _ := p.Messages([]byte(long+"\n2026-01-02T03:04:06Z b"), 0)
	joined := ""
	for i, m := range list[:len(list)-1] {
		if len(m.Raw) > 64<<10 || !utf8.Valid(m.Raw) || i < len(list)-2 && len(m.Raw) < 64<<10-3 {
			t.Errorf("piece %d has %d bytes, UTF-8 %v", i, len(m.Raw), utf8.Valid(m.Raw))
		}
		if m.Time != time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMilli() {
			t.Errorf("piece %d is of %d", i, m.Time)
		}
		joined += string(m.Raw)
	}
	if joined != long || string(list[len(list)-1].Raw) != "2026-01-02T03:04:06Z b" {
		t.Errorf("%d pieces of %d bytes are not the message", len(list), len(joined))
	}

	var b strings.Builder
	b.WriteString("2026-01-02T03:04:05Z begin\n")
	for i := range 4500 {
		fmt.Fprintf(&b, " at %d\n", i)
	}
	list, _ = p.Messages([]byte(b.String()), 0)
	total := 0
	for _, m := range list {
		n := strings.Count(string(m.Raw), "\n") + 1
		if n > 2000 {
			t.Errorf("a message has %d lines", n)
		}
		total += n
	}
	if total != 4501 || len(list) != 3 {
		t.Errorf("%d messages of %d lines, want 3 of 4501", len(list), total)
	}

	if list, _ := plan(t, func(s *Source) { s.MaxMessage = -1 }).Messages([]byte(long), 0); len(list) != 1 {
		t.Errorf("without a limit there are %d pieces", len(list))
	}
}

// TestCutNeverLoses: whatever a body is, what can be seen of it is in its messages, in order.
func TestCutNeverLoses(t *testing.T) {
	for _, set := range []func(*Source){nil, lines, perRequest, prefix(`x.*`)} {
		p := plan(t, set)
		for _, body := range odd {
			checkCut(t, p, []byte(body))
		}
	}
}

var odd = []string{
	"", "{", "[", "}", "{}", "[]", "{}x", "{\n", "[[[[", "\"", "{\"", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1}\r{\"b\":2}\r", "\r\r\n\n\r", "<34>", "<>", "<1234>x", "1", "1700000000", "1700000000,x\n1700000001,y",
	"{\"a\":1}\n[1]\nnull\n\"x\"\n", "\x00\x00", "\xff\xfe", "\xfe\xff\x00{\x00}", "\xef\xbb\xbf", "{\"a\":\"\n\"}\nx", "x\n{\"a\":1}\n", "[{\"a\":1}]\n[{\"b\":1}]\n", "2026-01-02T03:04:05Z\n2026-01-02T03:04:06Z",
	"12:00:00 a\nb\n12:00:01 c", "{\"a\":1},\n{\"b\":2},\n", strings.Repeat("{", 100), strings.Repeat("{\"\n", 1000), strings.Repeat("[\n", 5000), "\xef\xbb\xbfx",
}

func checkCut(t testing.TB, p *Plan, body []byte) {
	t.Helper()
	list, _ := p.Messages(body, 1)
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
	var got strings.Builder
	for _, m := range list {
		if strings.TrimSpace(string(m.Raw)) == "" {
			t.Errorf("%q gives a message of nothing", body)
		}
		if !utf8.Valid(m.Raw) {
			t.Errorf("%q gives a message that is no UTF-8: %q", body, m.Raw)
		}
		got.Write(m.Raw)
	}
	if want := squeeze(string(cleanText(body))); squeeze(got.String()) != want {
		t.Errorf("%q: what is in the messages is %q", body, got.String())
	}
}

func FuzzMessages(f *testing.F) {
	for _, b := range odd {
		f.Add([]byte(b), uint8(0))
		f.Add([]byte(b), uint8(3))
	}
	plans := []*Plan{plan(f, nil), plan(f, lines), plan(f, perRequest), plan(f, prefix(`x.*`)), plan(f, func(s *Source) {
		s.MaxMessage = 64
		s.ForceTimeZone, s.TimeZone = true, "Europe/Berlin"
		s.DefaultDateFormats = []DateFormat{{Format: "yyyy/MM/dd HH:mm", Locator: `t=(\S+ \S+)`}, {Format: "epoch", Locator: `e=(\d+)`}, {Format: "dd MMM"}}
		s.Filters = []Filter{{FilterType: "Mask", Regexp: `p(a+)`, Mask: "#"}, {FilterType: "Hash", Regexp: `(u\w)`}}
	})}
	f.Fuzz(func(t *testing.T, body []byte, n uint8) {
		p := plans[int(n)%len(plans)]
		if len(p.filters) > 0 {
			p.Messages(body, 1)
			return
		}
		checkCut(t, p, body)
	})
}
