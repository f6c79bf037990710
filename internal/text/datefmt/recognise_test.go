package datefmt

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/sharedtest"
)

// Sumo Logic's documented forms, and everyday ones: the text of a line is enough
// to find its time.
func TestDocumentedForms(t *testing.T) {
	data, err := os.ReadFile(sharedtest.Path(t, "spec/timestamps.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var c struct {
			Format, Line, UTC, Now string
			Millis                 int64 `json:"utc_ms"`
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		now := time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)
		if c.Now != "" {
			now, _ = time.Parse(time.RFC3339, c.Now)
		}
		r := Recogniser{Now: now}
		if s, ok := r.Find([]byte(c.Line)); !ok || s.Millis != c.Millis {
			t.Errorf("%s: %s: got %s %v, want %s", c.Format, c.Line, time.UnixMilli(s.Millis).UTC().Format(time.RFC3339Nano), ok, c.UTC)
		}
	}
}

var testNow = time.Date(2024, 6, 1, 20, 0, 0, 0, time.UTC)

// findPlain is Find without what it remembers and without the table of what a
// form begins with.
func findPlain(r Recogniser, text []byte) (Stamp, bool) {
	r.day = memo{}
	text = text[:min(len(text), textBytesMax)]
	at := func(i int) (Stamp, bool) {
		n := 0
		for i+n < len(text) && isDigit(text[i+n]) {
			n++
		}
		if n > 0 && n <= 2 && !free(text, i) || n >= len(forms.byRun) {
			return Stamp{}, false
		}
		for k := range forms.all {
			f := &forms.all[k]
			if f.steps[0].op == 'k' && !isLevel(text[i]) {
				continue
			}
			r.day = memo{}
			if s, ok := r.fit(f, text, i); ok {
				return s, true
			}
		}
		if n >= 10 || n == 1 && text[i] == '0' {
			return r.epoch(text, i, n)
		}
		return Stamp{}, false
	}
	bare, found := Stamp{}, false
	words := 0
	for i := 0; i < len(text); {
		if !isAlnum(text[i]) {
			i++
			continue
		}
		start := wordStart(text, i)
		if s, ok := at(start); ok {
			if !s.Bare || words == 0 {
				return s, true
			}
			if !found {
				bare, found = s, true
			}
		}
		if _, n := weekdayAt(text, start); n == 0 {
			words++
		}
		for i = start; i < len(text) && isAlnum(text[i]); i++ {
		}
	}
	return bare, found
}

// print writes a time in a form.
func (f *form) print(t time.Time, rnd *rand.Rand) string {
	var b strings.Builder
	x := 0
	for _, s := range f.steps {
		number := func(n int) {
			if s.min < s.max && rnd.IntN(2) == 0 {
				fmt.Fprintf(&b, "%d", n)
				return
			}
			fmt.Fprintf(&b, "%0*d", s.max, n)
		}
		switch s.op {
		case 0:
			b.WriteByte(s.lit)
		case ' ':
			b.WriteString([]string{" ", "  "}[rnd.IntN(2)])
		case '*':
			b.WriteString([]string{" ", "T", "_", " ", ", ", " - ", `","`, " time="}[rnd.IntN(8)])
		case 'k':
			b.WriteByte("IWEF"[rnd.IntN(4)])
		case 'N':
			b.WriteString([]string{t.Month().String(), t.Month().String()[:3], strings.ToUpper(t.Month().String()[:3])}[rnd.IntN(3)])
		case 'D':
			number(t.YearDay())
		case 'w':
			_, week := t.ISOWeek()
			number(week)
		case 'e':
			number(int(t.Weekday()+6)%7 + 1)
		case 'y':
			if year, _ := t.ISOWeek(); strings.Contains(f.text, "w") {
				number(year)
			} else if s.max == 2 {
				number(t.Year() % 100)
			} else {
				number(t.Year())
			}
		case 'M':
			number(int(t.Month()))
		case 'd':
			number(t.Day())
		case 'x':
			x++
			if month := x == 1; month == (f.steps[1].lit != '.') {
				number(int(t.Month()))
			} else {
				number(t.Day())
			}
		case 'H':
			if f.bare {
				s.min = 2
			}
			number(t.Hour())
		case 'm':
			number(t.Minute())
		case 's':
			number(t.Second())
		case 'S':
			number(t.Nanosecond() / 1e6)
		}
	}
	return b.String()
}

// Labels of multilog and svlogd, and dates that there are none.
func TestOrdinalWeekAndTAI(t *testing.T) {
	r := Recogniser{Now: testNow}
	for text, want := range map[string]string{
		"@4000000037c219bf2ef02e94 x": "1999-08-24T04:04:05.787Z", // 0x37c219bf is 935467455, ten seconds less by hand
		"2009-W01-1T00:00:00Z":        "2008-12-29T00:00:00Z",     // ISO 8601's own example
		"2020-W53-7T10:00:00Z":        "2021-01-03T10:00:00Z",
		"2024-366T01:02:03Z":          "2024-12-31T01:02:03Z",
		"01 Mar 26 08:00 UTC":         "2026-03-01T08:00:00Z",
		"Mar-01-2026 08:00:00":        "2026-03-01T08:00:00Z",
		"2023-366T01:02:03Z":          "",
		"2021-W53-1T10:00:00Z":        "",
		"2024-000T01:02:03Z":          "",
		"@4000000037c219bf":           "",
	} {
		s, ok := r.Find([]byte(text))
		got := ""
		if ok {
			got = time.UnixMilli(s.Millis).UTC().Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// What is printed in any form, with a fraction and a zone, in any clothes, is read
// back.
func TestPrintedTimesAreRead(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[rnd.IntN(len(of))] }
	r := Recogniser{Now: testNow, Order: MonthFirst}
	for k := range forms.all {
		f := &forms.all[k]
		yearly, short := false, false
		for _, s := range f.steps {
			yearly = yearly || s.op == 'y'
			short = short || s.op == 'y' && s.max == 2
		}
		last := f.steps[len(f.steps)-1].op
		for range 300 {
			at := time.Date(1981+rnd.IntN(119), time.Month(1+rnd.IntN(12)), 1+rnd.IntN(28), rnd.IntN(24), rnd.IntN(60), rnd.IntN(60), 0, time.UTC)
			switch {
			case f.bare:
				at = time.Date(2024, 6, 1, rnd.IntN(24), rnd.IntN(60), rnd.IntN(60), 0, time.UTC)
			case !yearly:
				at = testNow.Add(-time.Duration(1+rnd.IntN(300*86400)) * time.Second)
			case short:
				at = time.Date(2013+rnd.IntN(11), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
			}
			switch last {
			case 'm':
				at = at.Truncate(time.Minute)
			case 'S':
				at = at.Add(time.Duration(rnd.IntN(1000)) * time.Millisecond)
			}
			text := f.print(at, rnd)
			want := at.UnixMilli()
			if last == 's' && rnd.IntN(2) == 0 {
				ms := rnd.IntN(1000)
				text += fmt.Sprintf("%s%03d%s", pick(".", ","), ms, pick("", "456", "4567"))
				want += int64(ms)
			}
			if last == 's' && !f.bare {
				zone := pick("", "", "Z", "+0200", " +05:30", "-08", " CEST", " PDT", " UTC", " GMT+0200", "[Europe/Berlin]")
				text += zone
				minutes := map[string]int{"+0200": 120, " +05:30": 330, "-08": -480, " CEST": 120, " PDT": -420, " GMT+0200": 120}[zone]
				if zone == "[Europe/Berlin]" {
					berlin, _ := time.LoadLocation("Europe/Berlin")
					local := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, berlin)
					want += local.UnixMilli() - at.UnixMilli()
				}
				want -= int64(minutes) * 60_000
			}
			if !yearly && !f.bare && want > testNow.UnixMilli() {
				continue
			}
			clothes := pick("%s", "%s job started", "[%s] x", "<13>%s x", `{"level":"info","whatever":"%s"}`, "k=%s x=2", `<e a="%s"/>`, "(%s)", `a b\n%s c`,
				"v1.2.3 10.1.2.3 id-123456 deadbeef0123 %s x", `{"n":1650000001,"t":"%s","end":"2001-02-03T04:05:06Z"}`, "\x1b[32m%s\x1b[0m x")
			if f.bare && strings.Contains(clothes, "2001") {
				continue
			}
			line := fmt.Sprintf(clothes, text)
			if s, ok := r.Find([]byte(line)); !ok || s.Millis != want {
				t.Errorf("%s: %q: got %s %v, want %s", f.text, line, time.UnixMilli(s.Millis).UTC().Format(time.RFC3339Nano), ok, time.UnixMilli(want).UTC().Format(time.RFC3339Nano))
				break
			}
		}
	}
}

// What a recogniser remembers, and what it looks up by the first characters, does
// not change what it finds; the cost of a text is that of its length.
func FuzzFind(f *testing.F) {
	for _, s := range []string{
		"2024-03-01 08:00:00,123 x\n2024-03-01 08:00:01 y", "[Tue May 17 08:09:10.111222 2022] x", "01/02/03 04:05:06\n13/02/03 04:05:06",
		"type=X msg=audit(1650000002.007:12): x", `{"ts":1650000001.25}`, `"\/Date(1650000001234)\/"`, "I0517 08:09:10.111222 1 a.go:1] x",
		"17. Mai 2022 15:09:10 MESZ", "May 17, 2022 @ 08:09:10.111", "12:13:14:15:16:17 10.1.2.3", "0x01D8506C9A4B2C00", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := Recogniser{Now: testNow}
		for line := range strings.SplitSeq(text+"\n"+text, "\n") {
			got, ok := r.Find([]byte(line))
			want, wantOK := findPlain(r, []byte(line))
			if got != want || ok != wantOK {
				t.Fatalf("%q: %+v %v, without what is remembered %+v %v", line, got, ok, want, wantOK)
			}
			if ok && !Plausible(got.Millis) {
				t.Fatalf("%q: %d", line, got.Millis)
			}
			r.Whole([]byte(line))
			r.Begins([]byte(line))
		}
	})
}

// Times and what only looks like one.
func TestFind(t *testing.T) {
	for line, want := range map[string]string{
		"id=1650000001 user 4155551234 called":              "",
		"order 1650000001234 shipped":                       "",
		"sha256=1650000001650000001650000001deadbeef":       "",
		"release 2022.5.17 of 10.12.2022.1":                 "",
		"mac aa:bb:cc:18:19:20 ok":                          "",
		"fe80::18:19:20:21 ok":                              "",
		`{"uptime":1650000001,"processingTime":1650000001}`: "",
		"1601-01-01 00:00:00.000 never":                     "",
		"2022-13-17 08:09:10 no month":                      "",
		"2022-02-30 08:09:10 no day":                        "",
		"2022-05-17 08:09:10 - 1234 bytes":                  "2022-05-17T08:09:10Z",
		"2022-05-17 08:09:10, Info  CBS  x":                 "2022-05-17T08:09:10Z",
		"2022-05-17\t08:09:10:111\t1200\t3b8\tAgent":        "2022-05-17T08:09:10.111Z",
		"date=2022-05-17 time=08:09:10 devname=fw":          "2022-05-17T08:09:10Z",
		`{"date":"2022-05-17","time":"08:09:10","x":1}`:     "2022-05-17T08:09:10Z",
		"10,05/17/22,08:09:10,Assign,10.0.0.5,h,0123":       "2022-05-17T08:09:10Z",
		"1,2022/05/17 08:09:10,0123456789,TRAFFIC,end":      "2022-05-17T08:09:10Z",
		"2 123456789010 eni-1235b8ca123456789 10.0.0.1 10.0.0.2 2 22 6 20 4249 1650000001 1650000061 ACCEPT OK": "2022-04-15T05:20:01Z",
		"1650000001.234    200 10.0.0.7 TCP_MISS/200 412 GET":                                                   "2022-04-15T05:20:01.234Z",
		"1650000001.234567\tC1abc\t10.0.0.7":                                                                    "2022-04-15T05:20:01.234Z",
		`{"name":"p","calendarTime":"Tue May 17 08:09:10 2022 UTC","unixTime":"1"}`:                             "2022-05-17T08:09:10Z",
		"05/17/2022-08:09:10.111222  [**] [1:2:3] x":                                                            "2022-05-17T08:09:10.111Z",
		"12345:M 17 May 2022 08:09:10.111 * Ready":                                                              "2022-05-17T08:09:10.111Z",
		"220517  8:09:10 [Note] x":                                                                              "2022-05-17T08:09:10Z",
		"I0517 08:09:10.111222       1 a.go:12] x":                                                              "2024-05-17T08:09:10.111Z",
		"May 17, 2022 @ 08:09:10.111":                                                                           "2022-05-17T08:09:10.111Z",
		"Tue May 17 2022 08:09:10 GMT+0200 (Central European Summer Time) x":                                    "2022-05-17T06:09:10Z",
		"2022-05-17T08:09:10+02:00[Europe/Berlin] x":                                                            "2022-05-17T06:09:10Z",
		"5/17/2022 3:09:10\u202fPM x":                                                                           "2022-05-17T15:09:10Z",
		"17. Mai 2022 15:09:10 x":                                                                               "2022-05-17T15:09:10Z",
		"17-MAY-22 08.09.10.111000 AM +00:00":                                                                   "2022-05-17T08:09:10.111Z",
		"2022-05-17-08.09.10.111222+120 E1 LEVEL":                                                               "2022-05-17T06:09:10.111Z",
		"20220517T080910Z x":                                                                                    "2022-05-17T08:09:10Z",
		`__REALTIME_TIMESTAMP=1650000001234567`:                                                                 "2022-04-15T05:20:01.234Z",
		`{"timeUnixNano":"1650000001234567890"}`:                                                                "2022-04-15T05:20:01.234Z",
		"2022-05-17 08:09:10 EST5 x":                                                                            "2022-05-17T08:09:10Z",
		`<![LOG[x]LOG]!><time="08:09:10.111+420" date="05-17-2022" component="c">`:                              "2022-05-17T15:09:10.111Z", // UTC-7
		`<![LOG[x]LOG]!><time="08:09:10.111-060" date="5-17-2022" component="c">`:                               "2022-05-17T07:09:10.111Z",
		`<![LOG[x]LOG]!><time="08:09:10.111" date="13-17-2022" component="c">`:                                  "",
		`{"m":"x","when":{"n":1},"createTime":{"seconds":"1650000001","nanos":5}}`:                              "2022-04-15T05:20:01Z",
		`{"seconds":1650000001,"nanos":5}`:                                                                      "",
		`{"elapsedTime":{"seconds":1650000001}}`:                                                                "",
		"INFO 18:19:20 took 2s":                                                                                 "2024-06-01T18:19:20Z",
		"took 00:01:02 at 2022-05-17 08:09:10":                                                                  "2022-05-17T08:09:10Z",
		"25/05/22 10:00:00 x":                                                                                   "2022-05-25T10:00:00Z", // 2025 is to come
	} {
		r := Recogniser{Now: testNow}
		s, ok := r.Find([]byte(line))
		got := ""
		if ok {
			got = time.UnixMilli(s.Millis).UTC().Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

// The order of day and month is that of the whole source, whatever the cuts.
func TestEvidence(t *testing.T) {
	for _, c := range []struct {
		text  string
		want  Order
		asked bool
	}{
		{"01/02/2024 08:00:00 a\n13/02/2024 08:00:00 b\n", DayFirst, true},
		{"01/02/2024 08:00:00 a\n02/13/2024 08:00:00 b\n", MonthFirst, true},
		{"01/02/2024 08:00:00 a\n03/04/2024 08:00:00 b\n", OrderUnknown, true},
		{"01/01/2024 08:00:00 a\n", OrderUnknown, false},
		{"see 13/02/2024 for more\n", OrderUnknown, false},
		{"22/07/14 03:02:01 x\n06/01/23 03:02:01 y\n", YearFirst, true},
		{"31/12/22 03:02:01 x\n", DayFirst, false},
		{"a,13-02-2024,08:00:00\n", DayFirst, false},
	} {
		for cut := 1; cut <= len(c.text); cut++ {
			e := Evidence{Now: testNow}
			for at := 0; at < len(c.text); at += cut {
				e.Add([]byte(c.text[at:min(at+cut, len(c.text))]))
			}
			if e.Order() != c.want || c.want == OrderUnknown && e.Asked != c.asked {
				t.Errorf("%q in pieces of %d: order %d, asked %v; want %d, %v", c.text, cut, e.Order(), e.Asked, c.want, c.asked)
			}
		}
	}
}

// Starts answers as Begins does, whatever it has found before.
func TestStarts(t *testing.T) {
	lines := []string{
		"2022-05-17 08:09:10 x", "2022-05-17 08:09:10,123 INFO x", "2022-05-17 08:09:61 x", "2022-05-17 24:09:10 x", "2022-05-17 08:60:10 x",
		"2022-05-17 08:09:101 x", "2022-05-17 08:09:10:11 x", "2022-05-17 08:09:60 x", "2022-05-17 08:09:10", "2022-05-17 08:09:10 utcfoo x", "2022-05-17 08:09:10 ut",
		"[2022-05-17T08:09:10Z] x", "17/05/2022 08:09:10 x", "12/05/2022 08:09:10 x", "12/05/22 08:09:10 x", "2022-05-17-08.09.10.111222 x",
		"20220517 08:09:10 x", "20220517080910 x", "May 17 08:09:10 h x", "17/May/2022:08:09:10 +0200 x", "2022-05-17 x", "x", "1650000001 x",
	}
	r := Recogniser{Now: testNow}
	for i := range len(lines) * len(lines) {
		for _, line := range []string{lines[i/len(lines)], lines[i%len(lines)]} {
			fresh := Recogniser{Now: testNow}
			_, want := fresh.Begins([]byte(line))
			if got := r.Starts([]byte(line)); got != want {
				t.Fatalf("%q: Starts says %v, Begins %v", line, got, want)
			}
			r.Begins([]byte(line))
		}
	}
}

// TestOddForms: forms that few products write are read, or are no time: never another
// one. The right times are those that a reader of the text sees.
func TestOddForms(t *testing.T) {
	for line, want := range map[string]string{
		"2026-03-01 08:09:10 (UTC+01:00) x":                "2026-03-01T07:09:10Z",
		"2026-03-01 08:09:10 +01 x":                        "2026-03-01T07:09:10Z",
		"2026-03-01 08:09:10 +15 x":                        "2026-03-01T08:09:10Z",
		"W20260301 08:09:10.123456 1 a.cc:1] x":            "2026-03-01T08:09:10.123Z",
		"2026.03.01-08.09.10 x":                            "2026-03-01T08:09:10Z",
		"2026:03:01-08:09:10 utm x":                        "2026-03-01T08:09:10Z",
		"08:09:10 2026-03-01 x":                            "2026-03-01T08:09:10Z",
		"08:09:10 01.03.2026 x":                            "2026-03-01T08:09:10Z",
		"08:09:10 PM, 03/13/2026 x":                        "2026-03-13T20:09:10Z",
		"08:09:10 99.99.2026 x":                            "",
		"type=X msg=audit(03/13/2026 08:09:10.123:45) : x": "2026-03-13T08:09:10.123Z",
		"1 mars 2026 08:09:10 x":                           "",
		"1 de marzo de 2026 08:09:10 x":                    "",
		"99/99/9999 08:09:10 x":                            "",
		"32.13.2026 08:09:10 x":                            "",
		"03/2026 08:09:10 x":                               "",
		"2026-III-01 08:09:10 x":                           "",
		"2026年3月1日 08:09:10 x":                             "",
		"١/٣/٢٠٢٦ 08:09:10 x":                              "",
		"2026-W09-7T08:09:10Z x":                           "2026-03-01T08:09:10Z",
		"2026-060T08:09:10Z x":                             "2026-03-01T08:09:10Z",
		"Feb 31 2026 08:09:10 x":                           "",
	} {
		r := Recogniser{Now: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)}
		got := ""
		if s, ok := r.Find([]byte(line)); ok {
			got = time.UnixMilli(s.Millis).UTC().Format("2006-01-02T15:04:05.999Z07:00")
		}
		if got != want {
			t.Errorf("%q is %q, want %q", line, got, want)
		}
	}
}
