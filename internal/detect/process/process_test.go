package process_test

import (
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/process"
)

func TestTreesFromEventsInAnyOrder(t *testing.T) {
	events := []process.Event{
		{ID: "22", Time: 4000, Computer: "A", GUID: "{2}", PID: "20", Image: `C:\p.exe`, Query: "x.example", Results: "203.0.113.1"},
		{ID: "1", Time: 3000, Computer: "A", GUID: "{2}", PID: "20", Image: `C:\p.exe`, CommandLine: "p -x", ParentGUID: "{1}", ParentPID: "10", ParentImage: `C:\b.exe`, User: "u"},
		{ID: "4688", Time: 3500, Computer: "a", PID: "20", Image: `C:\P.exe`, ParentPID: "10", ParentImage: `C:\b.exe`}, // the same process
		{ID: "1", Time: 5000, Computer: "A", GUID: "{3}", PID: "30", Image: `C:\q.exe`, ParentGUID: "{2}", ParentPID: "20", ParentImage: `C:\p.exe`},
		{ID: "11", Time: 5100, Computer: "A", GUID: "{3}", PID: "30", Image: `C:\q.exe`, Target: `C:\t.txt`},
		{ID: "1", Time: 9000, Computer: "B", PID: "20", Image: `C:\other.exe`},
	}
	f := process.Build(events)
	n := f.Find("{2}", "", "", 0)
	if n == nil || n.Root().Name() != "b.exe" || !n.Root().Inferred || len(n.Children) != 1 || n.Children[0].Name() != "q.exe" {
		t.Fatalf("the tree of p.exe is wrong: %+v", n)
	}
	var b strings.Builder
	if err := (process.Style{Marks: map[*process.Node]string{n: "found"}}).Write(&b, n.Root()); err != nil {
		t.Fatal(err)
	}
	want := `A  1970-01-01 UTC
b.exe (10) [its start is not in the logs]
└─ p.exe (20) 00:00:03.000 u  <- found
       p -x
       00:00:04.000 dns     x.example 203.0.113.1
   └─ q.exe (30) 00:00:05.000
          00:00:05.100 file    C:\t.txt
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
	if got := f.Find("", "b", "20", 10_000); got == nil || got.Name() != "other.exe" {
		t.Errorf("pid 20 of B is %+v", got)
	}
	if got := f.Find("", "A", "20", 2000); got != nil {
		t.Errorf("pid 20 of A before it started is %s", got.Name())
	}
}

func TestAReusedPidIsNoCircle(t *testing.T) {
	f := process.Build([]process.Event{
		{ID: "4688", Time: 1, Computer: "A", PID: "1", Image: "a.exe", ParentPID: "2", ParentImage: "b.exe"},
		{ID: "4688", Time: 2, Computer: "A", PID: "2", Image: "b.exe", ParentPID: "1", ParentImage: "a.exe"},
		{ID: "4688", Time: 3, Computer: "A", PID: "1", Image: "a.exe", ParentPID: "2", ParentImage: "b.exe"},
	})
	for _, r := range f.Roots {
		var b strings.Builder
		if err := (process.Style{}).Write(&b, r); err != nil || b.Len() == 0 {
			t.Error("a root prints nothing")
		}
	}
}

// What is the same but for numbers and times is one line, with how often.
func TestEqualLinesAreFolded(t *testing.T) {
	var events []process.Event
	add := func(e process.Event) {
		e.Computer = "A"
		events = append(events, e)
	}
	add(process.Event{ID: "1", Time: 1000, GUID: "{1}", PID: "1", Image: `C:\p.exe`})
	for i := range int64(3) {
		add(process.Event{ID: "3", Time: 2000 + i, GUID: "{1}", PID: "1", Image: `C:\p.exe`, Address: "10.0.0.1", Port: "80"})
		add(process.Event{ID: "1", Time: 3000 + i, GUID: "{c" + string('0'+rune(i)) + "}", PID: string('5' + rune(i)), Image: `C:\c.exe`, CommandLine: "c /x", ParentGUID: "{1}"})
	}
	add(process.Event{ID: "1", Time: 4000, GUID: "{d}", PID: "9", Image: `C:\c.exe`, CommandLine: "c /y", ParentGUID: "{1}"})
	f := process.Build(events)
	var b strings.Builder
	if err := (process.Style{}).Write(&b, f.Find("{1}", "", "", 0)); err != nil {
		t.Fatal(err)
	}
	want := `A  1970-01-01 UTC
p.exe (1) 00:00:01.000
    00:00:02.000 network 10.0.0.1 port 80  (3 times, last 00:00:02.002)
├─ c.exe (5) 00:00:03.000
│      c /x
│      (and 2 more such, the last 7 at 00:00:03.002)
└─ c.exe (9) 00:00:04.000
       c /y
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
	// At any width, no line is wider.
	for width := 40; width < 200; width += 7 {
		b.Reset()
		if err := (process.Style{Width: width}).Write(&b, f.Find("{1}", "", "", 0)); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > width && !strings.Contains(line, "such, the last") {
				t.Errorf("width %d: %d: %s", width, n, line)
			}
		}
	}
}
