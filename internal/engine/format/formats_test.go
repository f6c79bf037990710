package format_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// ask runs a query over a text in a file and returns each row as the named
// columns, joined by blanks, - for null.
func ask(t *testing.T, text, q string) (rows []string, res result) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	res = run(t, q, 2, 0, false, path)
	c, _ := query.Compile(diag.Text("test", q), query.Standard())
	for _, r := range res.rows {
		var row []string
		for _, col := range c.Columns {
			v := "-"
			if r[col.Name] != nil {
				v = fmt.Sprint(r[col.Name])
			}
			if f, ok := r[col.Name].(float64); ok {
				v = fmt.Sprintf("%.0f", f)
			}
			row = append(row, v)
		}
		rows = append(rows, strings.Join(row, " | "))
	}
	return rows, res
}

// TestFormats: texts written for this test, and what a reader of the format's
// specification finds in them.
func TestFormats(t *testing.T) {
	for _, c := range []struct{ name, text, query, want string }{
		{
			"csv with quotes, a line break, an empty value and CRLF", "Image,CommandLine,User\r\n" +
				`C:\a.exe,"say ""hi"", now` + "\n" + `twice",` + "\r\nb,c,d\r\n",
			"* | fields Image, CommandLine, User | sort by Image asc", "C:\\a.exe | say \"hi\", now\ntwice | -; b | c | d",
		},
		{"tsv", "a\tb\n1\tx y\n2\t\n", "* | fields a, b | sort by a asc", "1 | x y; 2 | -"},
		{"semicolons", "a;b\n1;x,y\n", "* | fields a, b", "1 | x,y"},
		{
			"logfmt", `time=2026-03-01T08:00:00.250+02:00 level=warn msg="a \"quoted\" word" path=C:\x` + "\n",
			"* | fields _messagetime, level, msg, path", `1772344800250 | warn | a "quoted" word | C:\x`,
		},
		{
			"syslog RFC 5424", `<165>1 2003-10-11T22:14:15.003Z host.example evntslog 77 ID47 [a@1 x="1" y="q\]\"z"][b@1] An event` + "\n",
			"* | fields _messagetime, Hostname, AppName, ProcID, MsgID, %\"a@1.x\", %\"a@1.y\", Severity, Facility, Message, _sourceHost",
			`1065910455003 | host.example | evntslog | 77 | ID47 | 1 | q\]"z | 5 | 20 | An event | host.example`,
		},
		{
			"syslog RFC 3164", "<34>Oct 11 22:14:15 mymachine su[12]: 'su root' failed\n",
			"* | fields _messagetime, Hostname, AppName, ProcID, Message", "1760220855000 | mymachine | su | 12 | 'su root' failed",
		},
		{
			"syslog with the year of last year", "Dec 30 00:00:01 h p: m\n",
			"* | fields _messagetime, Message", "1767052801000 | m",
		},
		{
			"CEF in syslog", `Oct 11 22:14:15 gw CEF:0|Ac\|me|fw|1.0|100|worm stopped|10|src=10.0.0.1 msg=a \= b c dst=2.1.2.2 rt=1700000000123` + "\n",
			"* | fields _messagetime, DeviceVendor, Name, Severity, src, msg, dst, _sourceHost", "1700000000123 | Ac|me | worm stopped | 10 | 10.0.0.1 | a = b c | 2.1.2.2 | gw",
		},
		{"text with a web server's time", `1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326` + "\n", "GET | fields _messagetime", "971211336000"},
		{
			"text: a stack trace is part of its message", "started\nbye\n2026-03-01 08:00:00,250 ERROR a\n\tat b(C.java:1)\n\nCaused by: d\r\n[2026-03-01T08:00:01Z] ok\nMar  1 08:00:02 more\n  of it",
			"* | fields _messagetime, _raw | sort by _raw asc", "1772352000250 | 2026-03-01 08:00:00,250 ERROR a\n\tat b(C.java:1)\n\nCaused by: d; 1772352002000 | Mar  1 08:00:02 more\n  of it; 1772352001000 | [2026-03-01T08:00:01Z] ok; - | bye; - | started",
		},
		{
			"text: one line of the trace is searched for", "2026-03-01 08:00:00 ERROR a\n\tat needle(C.java:1)\n2026-03-01 08:00:01 ERROR b\n",
			`needle | parse "ERROR *\n" as e | fields e`, "a",
		},
		{
			"Zeek's own columns", "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n#open\t2026-03-01-00-00-00\n" +
				"#fields\tts\tid.orig_h\tquery\tanswers\n#types\ttime\taddr\tstring\tvector[string]\n" +
				"1772352001.500000\t10.0.0.5\ta.lab.example\t203.0.113.9,203.0.113.10\n#close\t2026-03-01-01-00-00\n",
			`* | fields _messagetime, %"id.orig_h", query, answers`, "1772352001500 | 10.0.0.5 | a.lab.example | 203.0.113.9,203.0.113.10",
		},
		{
			"Palo Alto's syslog without a program", "Mar  1 12:00:00 fw1 1,2026/03/01 12:00:00,0018,TRAFFIC,end,2304\nMar  1 12:00:01 px1 squid[99]: x\n",
			"* | fields _messagetime, Hostname, AppName, Message | sort by Hostname asc", "1772366400000 | fw1 | - | 1,2026/03/01 12:00:00,0018,TRAFFIC,end,2304; 1772366401000 | px1 | squid | x",
		},
		{
			"a CloudTrail file", `{"Records":[{"eventName":"ConsoleLogin","eventTime":"2026-03-01T08:00:00Z","userIdentity":{"userName":"ana"}},{"eventName":"CreateUser","eventTime":"2026-03-01T08:00:01Z"}]}`,
			`* | fields _messagetime, eventName, %"userIdentity.userName" | sort by eventName asc`, "1772352000000 | ConsoleLogin | ana; 1772352001000 | CreateUser | -",
		},
		{"CSV with a column for the date and one for the time", "date,time,host\n2022-05-17,08:09:10,h\n", "* | fields _messagetime", "1652774950000"},
		{"JSON with a date and a time apart", `{"date":"2022-05-17","level":"x","time":"08:09:10"}` + "\n", "* | fields _messagetime", "1652774950000"},
		{"JSON with a date alone", `{"date":"2022-05-17","m":1}` + "\n", "* | fields _messagetime", "1652745600000"},
		{"text with JSON in it", `2026-03-01 08:00:00 INFO {"Image":"a.exe"}` + "\n", "* | json auto | fields _messagetime, Image", "1772352000000 | a.exe"},
		{
			"XML: entities, CDATA, comments, unnamed Data, UserData", `<?xml version="1.0"?><Events><!-- x --><Event xmlns='u'><System><Provider Name="P"/><EventID Qualifiers="3">7</EventID>` +
				`<TimeCreated SystemTime='2026-03-01T08:00:00.1234567Z'/></System><EventData><Data>one</Data><Data>two &lt;&#x41;&#10;&amp;amp;</Data><Data Name='A'><![CDATA[<b>&amp;]]></Data></EventData></Event>` +
				`<Event><System><EventID>8</EventID></System><UserData><Ev xmlns="v"><Who>me</Who></Ev></UserData></Event></Events>`,
			"* | fields EventID, Provider, Qualifiers, Data, A, Who, _messagetime | sort by EventID asc",
			`7 | P | 3 | ["one","two <A\n&amp;"] | <b>&amp; | - | 1772352000123; 8 | - | - | - | - | me | -`,
		},
		{
			"legacy text without escapes", "instance of Win32_NTLogEvent\n{\n    EventCode = 1;\n    Message = \"Process Create:\nImage: C:\\Windows\\x.exe\nCommandLine: a\nUser: not a field \\\\srv\nUser: D\\u\";\n    SourceName = \"S\";\n};\n",
			"* | json auto | fields EventID, Image, CommandLine, User, Provider", "1 | C:\\Windows\\x.exe | a | not a field \\\\srv\nUser: D\\u | S",
		},
		{"an index dump", `{"_index":"w","_source":{"winlog":{"event_id":1,"channel":"c","event_data":{"Image":"a"}},"host":{"name":"h"}}}` + "\n", "* | fields EventID, Image, Computer", "1 | a | h"},
		{"a plain event after one of an index dump", `{"_source":{"winlog":{"event_id":1}},"Computer":"h","User":"u"}` + "\n" + `{"EventID":2}` + "\n", "* | fields EventID, Computer, User | sort by EventID asc", "1 | h | u; 2 | - | -"},
		{
			"a plain event after one with XML in it", `{"body":"<Event><System><EventID>1</EventID><Computer>h</Computer></System><EventData><Data Name='User'>u</Data></EventData></Event>"}` + "\n" + `{"EventID":2}` + "\n",
			"* | fields EventID, Computer, User | sort by EventID asc", "1 | h | u; 2 | - | -",
		},
		{"an API's answer", `{"@odata.context":"x","value":[{"EventID":1,"Image":"a"},{"EventID":2}]}`, "* | fields EventID, Image | sort by EventID asc", "1 | a; 2 | -"},
		{"concatenated objects", `{"a":"1"}{"a":"}{\""}` + "\n" + `{"a":"3"}`, "* | fields a | sort by a asc", `1; 3; }{"`},
		{"the fields of a root by their full name in a flat event", `<Event><System><EventID>1</EventID></System><EventData><Data Name="Image">a</Data></EventData></Event>`, "* | fields %\"EventData.Image\"", "a"},
		{
			"Defender's file events", `{"Timestamp":"2026-03-01T08:00:00Z","DeviceName":"d","ActionType":"FileCreated","FolderPath":"C:\\x\\y.zip","InitiatingProcessFileName":"a.exe","InitiatingProcessFolderPath":"c:\\a.exe"}` + "\n",
			"* | fields EventID, Image, TargetFilename, Computer, ParentImage", `11 | c:\a.exe | C:\x\y.zip | d | -`,
		},
		{
			"Hayabusa's details in one text", `{"Timestamp":"2026-03-01 08:00:00.000 +00:00","RuleTitle":"Proc Exec","Computer":"h","Channel":"Sysmon","EventID":1,"RecordID":7,` +
				`"Details":"Cmdline: cmd /c \"echo: a\" ¦ Proc: C:\Windows\cmd.exe \u00a6 User: D\u ¦ ParentCmdline: x ¦ LID: 0x3e7 ¦ PID: 12"}` + "\n",
			"* | fields Image, CommandLine, User, ProcessId, ParentImage, EventRecordID", `C:\Windows\cmd.exe | cmd /c "echo: a" | D\u | 12 | - | 7`,
		},
		{
			"Hayabusa's CSV", "Timestamp,Computer,Channel,EventID,Level,RecordID,RuleTitle,Details\n2026-03-01 08:00:00.000 +00:00,h,Sysmon,1,info,7,Proc Exec,Cmdline: a ¦ Proc: b.exe\n",
			"* | fields Image, CommandLine, _messagetime, _sourceHost", `b.exe | a | 1772352000000 | h`,
		},
		{
			"OpenTelemetry with objects as text", `{"record_id":"6316","channel":"Application","event_data":"","provider":"{\"name\":\"Microsoft-Windows-Security-SPP\",\"guid\":\"{E2}\"}","system_time":"2023-01-20T15:22:02+0000816Z","computer":"c","event_id":"{\"id\":\"16394\",\"qualifiers\":\"49152\"}"}` + "\n",
			"EventID=16394 | fields EventID, EventRecordID, _sourceHost", `16394 | 6316 | c`,
		},
		{"hashes of ECS", `{"winlog":{"event_id":"1"},"process":{"hash":{"md5":"ab","sha256":"cd"}},"@timestamp":"2026-03-01T08:00:00.5Z"}` + "\n", "* | fields Hashes, UtcTime", "MD5=AB,SHA256=CD | 2026-03-01 08:00:00.500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, res := ask(t, c.text, c.query)
			res.clean(t)
			if got := strings.Join(rows, "; "); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestNoMapLeavesNamesAlone: what --no-map switches off.
func TestNoMapLeavesNamesAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	text := `{"EventID":4688,"NewProcessName":"a.exe","SubjectDomainName":"D","SubjectUserName":"u"}` + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	q := "* | fields Image, User, NewProcessName"
	for noMap, want := range map[bool]string{false: "a.exe D\\u a.exe", true: "<nil> <nil> a.exe"} {
		r := run(t, q, 1, 0, noMap, path).rows[0]
		if got := fmt.Sprint(r["Image"], " ", r["User"], " ", r["NewProcessName"]); got != want {
			t.Errorf("NoMap %v: got %s, want %s", noMap, got, want)
		}
	}
}

// TestUnknownContentNamesEachFormat: binary data is refused with every format's reason.
func TestUnknownContentNamesEachFormat(t *testing.T) {
	_, res := ask(t, "\xf7\x01\x9c\x00\x01\x02\x00\x00", "*")
	if len(res.failed) != 1 {
		t.Fatalf("failed: %v", res.failed)
	}
	for _, f := range format.All() {
		if f.Name == "lines" { // never recognised: it has to be asked for
			continue
		}
		if !strings.Contains(res.failed[0], f.Name+": ") || f.Misfit == "" {
			t.Errorf("no reason for %s in: %s", f.Name, res.failed[0])
		}
	}
}

// TestDamageIsReported: what cannot be read is counted, the rest is read.
func TestDamageIsReported(t *testing.T) {
	for _, c := range []struct{ name, text, kind, want string }{
		{"xml", "<Event><System><EventID>1</EventID></System></Event>junk<Event><System><EventID>2</EventID></System>", "event XML without an end", "1"},
		{"json", `[{"EventID":1},{"EventID":2},{"EventID":`, "JSON object without an end", "1; 2"},
		{"legacy", "instance of Win32_NTLogEvent\n{\n    EventCode = 1;\n", "instance of Win32_NTLogEvent without an end", "1"},
		{"csv", "EventID,a\n1,2\n3,4,5\n", "CSV line with more than 2 values", "1; 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, res := ask(t, c.text, "* | json auto | fields EventID | sort by EventID asc")
			if got := strings.Join(rows, "; "); got != c.want {
				t.Errorf("rows %s, want %s", got, c.want)
			}
			found := false
			for _, w := range res.warnings {
				found = found || w.Kind == c.kind && w.Lost && w.Count == 1
			}
			if !found {
				t.Errorf("%q is not reported: %v", c.kind, res.warnings)
			}
		})
	}
}

// chunks gives a reader its blocks: the text cut by the format, step bytes
// being read at a time.
func chunks(f *input.Format, text []byte, step int) (out []input.Block) {
	part := &input.Part{Name: "fuzz", Head: text}
	for off, end := 0, 0; off < len(text); {
		end = min(max(end, off)+step, len(text))
		n := f.Cut(text[off:end], int64(off), end == len(text))
		if end == len(text) && n == 0 {
			n = end - off
		}
		if n > 0 {
			out = append(out, input.Block{Data: bytes.Clone(text[off : off+n]), Offset: int64(off), Part: part})
			off += n
		}
	}
	return out
}

type texts struct {
	layout *event.Layout
	out    []string
}

func (s *texts) Push(b *event.Batch) error {
	for _, row := range b.Live {
		var line []string
		for i := range s.layout.Len() {
			line = append(line, b.Value(event.Slot(i), row).Str())
		}
		s.out = append(s.out, fmt.Sprint(b.Time[row], b.Pos[row], strings.Join(line, "|")))
	}
	return nil
}

func readAll(t *testing.T, f *input.Format, text []byte, step int, need bool) []string {
	layout := event.NewLayout("_raw", "EventID", "Image", "CommandLine", "User", "a", "_sourceHost", "_sourceCategory")
	w := &input.Want{Layout: layout, Warnings: &exec.Warnings{}, Now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	for i := range layout.Len() {
		w.Fields.Add(event.Slot(i))
	}
	if need {
		w.Need = []input.Need{{Slot: 2, Any: []string{"cmd.exe"}}}
	}
	r, s := f.New(w), &texts{layout: layout}
	for _, b := range chunks(f, text, step) {
		if err := r.Read(b, s); err != nil {
			t.Fatal(err)
		}
	}
	return s.out
}

// fuzz reads a text in one piece, in pieces, and with a literal needed: none may
// panic, pieces may not matter where the format can cut, and no event whose
// Image holds the literal may be passed over.
func fuzz(f *testing.F, name string, cuts bool, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	ft := format.Named(name)
	f.Fuzz(func(t *testing.T, text []byte) {
		ft.Sniff(text)
		whole := readAll(t, ft, text, len(text)+1, false)
		pieces := readAll(t, ft, text, 7, false)
		if cuts && fmt.Sprint(whole) != fmt.Sprint(pieces) {
			t.Errorf("pieces matter:\n%q\n%q", whole, pieces)
		}
		rest := strings.Join(readAll(t, ft, text, len(text)+1, true), "\n")
		for _, row := range whole {
			if f := strings.Split(row, "|"); len(f) == 8 && strings.Contains(strings.ToLower(f[2]), "cmd.exe") && !strings.Contains(rest, row) {
				t.Errorf("passed over: %q", row)
			}
		}
	})
}

func FuzzXML(f *testing.F) {
	fuzz(f, "xml", false, `<Event><System><EventID>1</EventID></System><EventData><Data Name="Image">C:\cmd.exe</Data></EventData></Event>`,
		`<Events><Event a='b'><System/><EventData><Data>&#65;<![CDATA[x]]></Data></EventData></Event>`, "<Event><a b=c><", "<Event><a/></b></Event>")
}

func FuzzSplunk(f *testing.F) {
	fuzz(f, "splunk", false, "01/02/2026 03:04:05 PM\nLogName=S\nEventCode=1\nMessage=Process Create:\nImage: cmd.exe\nCommandLine: a\n\nUser: x\n", "01/02/2026 03:04:05 PM\nLogName=\nMessage=\n\tA B:\tc\nX:\n")
}

func FuzzSumoLegacy(f *testing.F) {
	fuzz(f, "sumo-legacy", true, "instance of Win32_NTLogEvent\n{\n    EventCode = 1;\n    Message = \"Image: C:\\\\cmd.exe\nUser: u\";\n};\n", "instance of Win32_NTLogEvent\n{ A = \"\\")
}

func FuzzJSON(f *testing.F) {
	fuzz(f, "json", true, `[{"EventID":1,"Image":"cmd.exe"},{"a":"\""}]`, `{"value":[{"a":"b"}]}`, `{"a":{"b":[1,{}]}}{"body":"<Event><System/></Event>"}`, `x{"a":`)
}

func FuzzJSONL(f *testing.F) {
	fuzz(f, "jsonl", true, `{"winlog":{"event_id":1},"process":{"executable":"cmd.exe"},"user":{"name":"u"}}`+"\n", `{"data":{"win":{"system":{"eventID":"1"},"eventdata":{"image":"C:\\\\cmd.exe"}}}}`, `{"body":"<Event><EventData><Data Name='Image'>cmd.exe</Data></EventData></Event>"}`)
}

func FuzzCSV(f *testing.F) {
	fuzz(f, "csv", false, "Image,a\ncmd.exe,\"x\"\"y\nz\"\n", "Image\ta\n\"\n", "a;b\n;\n")
}

func FuzzLines(f *testing.F) {
	fuzz(f, "text", true, "a\n2026-03-01 08:00:00 x\n cmd.exe\n\n[Mar  1 08:00:00 y\nz\n2026-03-01", "2026-03-01 08:00:00 cmd.exe\n", "Oct 11 22:14:15 h p: m\n[10/Oct/2000:13:55:36 -0700]")
}

// TestTextLimits: a message that gets too long ends, and the lines behind it are
// messages of their own up to the next time.
func TestTextLimits(t *testing.T) {
	long := strings.Repeat("x", 100<<10) + "\n"
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"lines": {"2026-03-01 08:00:00 a\n" + strings.Repeat("b\n", 2003) + "2026-03-01 08:00:01 c\nd\n", 1 + 4 + 1},
		"bytes": {"2026-03-01 08:00:00 a\n" + strings.Repeat(long, 7) + "2026-03-01 08:00:01 c\nd\n", 1 + 2 + 1},
	} {
		for _, block := range []int{0, 4 << 10} {
			path := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			res := run(t, "* | fields _raw", 2, block, false, path)
			res.clean(t)
			if len(res.rows) != c.want {
				t.Errorf("%s in blocks of %d: %d messages, want %d", name, block, len(res.rows), c.want)
			}
		}
	}
}

func FuzzLogfmt(f *testing.F) {
	fuzz(f, "logfmt", true, `Image="C:\\cmd.exe" a=b c`+"\n", `a="x`, `ts=1700000000 a=\`)
}

func FuzzSyslog(f *testing.F) {
	fuzz(f, "syslog", true, `<165>1 2003-10-11T22:14:15.003Z h a 1 - [a b="c\"]"] cmd.exe`+"\n", "<34>Oct 11 22:14:15 h su[1]: x", "<1>", "<13>1 - - - - - [")
}

func FuzzCEF(f *testing.F) {
	fuzz(f, "cef", true, `CEF:0|a|b|c|d|e|f|Image=cmd.exe a=b\=c rt=1700000000000`+"\n", `x CEF:0|\|`, `CEF:|||||||=`)
}

func FuzzListing(f *testing.F) {
	fuzz(f, "listing", false, "\r\n\r\nTimeCreated  : 3/1/2026 8:00:00 AM\r\nProviderName : p\r\nId           : 1\r\nMessage      : Process Create:\r\n               UtcTime: x\r\n               Image: cmd.exe\r\n\r\n",
		"Event[0]:\n  Log Name: Security\n  Event ID: 1\n  Description: \nImage: cmd.exe\n", "Log Name: a\nSource: b\nEvent ID: 1\nDescription:\nx\nEvent Xml:\n<Event><EventData><Data Name='Image'>cmd.exe</Data></EventData></Event>", "Event[", "A : b\n")
}

func FuzzCLIXML(f *testing.F) {
	fuzz(f, "clixml", true, `<Objs><Obj RefId="0"><Props><I32 N="Id">1</I32><S N="Image">cmd.exe</S><Obj N="a"><LST><S>x_x000A_y</S></LST></Obj></Props></Obj><Obj><MS><DCT><En><S N="Key">k</S></En></DCT></MS></Obj></Objs>`, "<Obj ><Obj></Obj>", "<Obj></Obj></Obj><Obj>_x_x00")
}

func FuzzSplunkXML(f *testing.F) {
	fuzz(f, "splunk-xml", true, `<results><result offset='0'><field k='Image'><value><text>cmd.exe</text></value></field><field k='_raw'><v>a <sg h="1">b</sg></v></field></result></results>`, "<result <result></result>")
}

func FuzzJournal(f *testing.F) {
	fuzz(f, "journal", false, "__CURSOR=s=1\n__REALTIME_TIMESTAMP=1772352000123456\nImage=cmd.exe\nMESSAGE\n\x03\x00\x00\x00\x00\x00\x00\x00a\nb\n\n__CURSOR=x\n", "__CURSOR=\nMESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xff", "A\n")
}

func FuzzBase64(f *testing.F) {
	fuzz(f, "base64", true, `{"message":{"data":"eyJFdmVudElEIjoxLCJJbWFnZSI6ImNtZC5leGUifQ=="}}`+"\n", `{"awslogs":{"data":"H4sIAAAAAAAAA6tWSi1LzStRsqpWSlSyUqqtBQBNDx0cEgAAAA=="}}`, `{"body":"PEV2ZW50PjwvRXZlbnQ+"}{"data":"`)
}

// TestAnswers: what an API answers with is read as its events, whatever its list is
// called, and an event that has a list of parts is one event.
func TestAnswers(t *testing.T) {
	activity := `{"id":{"time":"2026-03-01T08:00:00Z"},"actor":{"email":"bob@x"},"events":[{"name":"login"},{"name":"logout"}]}`
	event := func(n string) string { return `{"id":"` + n + `","published":"2026-03-01T08:00:00Z"}` }
	for _, c := range []struct {
		name, text string
		want       int
	}{
		{"Google Workspace, an activity a line", activity + "\n" + activity + "\n", 2},
		{"Google Workspace, one activity", activity, 1},
		{"Google Workspace, the answer", `{"kind":"x","items":[` + activity + "," + activity + "]}", 2},
		{"Slack", `{"entries":[{"id":"x","date_create":1772352000},{"id":"y","date_create":1772352001}],"response_metadata":{"next_cursor":""}}`, 2},
		{"Duo", `{"stat":"OK","response":{"authlogs":[{"isotimestamp":"2026-03-01T08:00:00Z"},{"isotimestamp":"2026-03-01T08:00:01Z"}],"metadata":{}}}`, 2},
		{"a page a line", `{"items":[` + event("1") + "," + event("2") + `],"next":1}` + "\n" + `{"items":[` + event("3") + `],"next":2}` + "\n", 3},
		{"indented", "{\n  \"next\": null,\n  \"audit_events\": [\n    " + event("1") + ",\n    " + event("2") + "\n  ]\n}\n", 2},
		{"an array of incidents", `[{"incident":"a","alerts":[` + event("1") + "," + event("2") + `]},{"incident":"b","alerts":[` + event("3") + "]}]", 2},
		{"an event with parts", `{"time":"2026-03-01T08:00:00Z","records":[{"x":1},{"x":2}]}` + "\n", 1},
		{"an event with timed parts", `{"createdDateTime":"2026-03-01T08:00:00Z","evidence":[` + event("1") + "," + event("2") + "]}\n", 1},
		{"a Windows event with timed parts", `{"EventID":1,"files":[` + event("1") + "," + event("2") + "]}\n", 1},
		{"no times at all", `{"records":[{"x":1},{"x":2}]}`, 2},
	} {
		rows, res := ask(t, c.text, "* | fields _raw")
		res.clean(t)
		if len(rows) != c.want {
			t.Errorf("%s: %d events, want %d: %q", c.name, len(rows), c.want, rows)
		}
	}
}

// TestXMLDocuments: a line before a document, and a piece of one, lose what is cut and
// no more, and say so.
func TestXMLDocuments(t *testing.T) {
	result := "<result offset='0'>\n<field k='EventCode'><value><text>1</text></value></field>\n</result>\n"
	object := `<Obj RefId="0"><Props><I32 N="EventID">1</I32></Props></Obj>` + "\n"
	for _, c := range []struct {
		name, text string
		want, lost int
	}{
		{"Splunk", "<?xml version='1.0'?>\n<results preview='0'>\n<meta><fieldOrder><field>EventCode</field></fieldOrder></meta>\n" + result + result + "</results>\n", 2, 0},
		{"Splunk after a line", "hello\n<results preview='0'>\n" + result + "</results>\n", 1, 1},
		{"a piece of Splunk's", "<value><text>1</text></value></field>\n</result>\n" + result + result[:30], 1, 2},
		{"CLIXML", `<Objs Version="1.1.0.1">` + "\n" + object + object + "</Objs>", 2, 0},
		{"CLIXML after a line", "# exported\n\n<Objs Version=\"1.1.0.1\">\n" + object + "</Objs>", 1, 0},
		{"CLIXML cut short", "<Objs>\n" + object + object[:30], 1, 1},
	} {
		rows, res := ask(t, c.text, "* | where EventID = 1 or EventCode = 1 | fields EventID")
		n := 0
		for _, w := range res.warnings {
			n += int(w.Count)
		}
		if len(rows) != c.want || n != c.lost {
			t.Errorf("%s: %d rows and %d lost, want %d and %d: %v", c.name, len(rows), n, c.want, c.lost, res.warnings)
		}
	}
}

// TestCloudExports: what an export keeps as JSON in a field has its own names.
func TestCloudExports(t *testing.T) {
	for _, c := range []struct{ name, text, query, want string }{
		{"CloudTrail's lookup-events", `{"Events":[{"EventId":"a","EventTime":"2026-03-01T08:00:00+00:00","CloudTrailEvent":"{\"eventName\":\"CreateUser\",\"userIdentity\":{\"userName\":\"bob\"}}"}]}`,
			`* | fields eventName, %"userIdentity.userName"`, "CreateUser | bob"},
		{"Microsoft 365's CSV", "CreationDate,UserIds,AuditData\n2026-03-01T08:00:00Z,b,\"{\"\"Operation\"\":\"\"New-InboxRule\"\",\"\"ClientIP\"\":\"\"1.2.3.4\"\"}\"\n",
			`* | fields Operation, ClientIP`, "New-InboxRule | 1.2.3.4"},
		{"Google Cloud, under Sigma's name", `{"timestamp":"2026-03-01T08:00:00Z","protoPayload":{"methodName":"SetIamPolicy"}}` + "\n", `* | fields %"gcp.audit.method_name"`, "SetIamPolicy"},
	} {
		rows, res := ask(t, c.text, c.query)
		res.clean(t)
		if len(rows) != 1 || rows[0] != c.want {
			t.Errorf("%s: %q, want %q", c.name, rows, c.want)
		}
	}
}

// TestExchange: W3C's directives may name columns between commas.
func TestExchange(t *testing.T) {
	rows, res := ask(t, "#Software: Microsoft Exchange Server\r\n#Log-type: Message Tracking Log\r\n#Date: 2026-03-01T08:00:00.123Z\r\n#Fields: date-time,client-ip,event-id,message-subject\r\n2026-03-01T08:00:00.123Z,1.2.3.4,RECEIVE,\"a, b\"\r\n", "* | fields _messagetime, %\"client-ip\", %\"message-subject\"")
	res.clean(t)
	if len(rows) != 1 || !strings.Contains(rows[0], "1.2.3.4") || !strings.Contains(rows[0], "a, b") || !strings.HasPrefix(rows[0], "1772352000123") {
		t.Errorf("%q", rows)
	}
}

// TestCompressed: layers around a file make no difference.
func TestCompressed(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, `{"a":"1"}`+"\n")
	z.Close()
	rows, res := ask(t, b.String(), "* | fields a")
	res.clean(t)
	if strings.Join(rows, ";") != "1" {
		t.Errorf("rows %v", rows)
	}
}
