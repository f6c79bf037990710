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
	want := `b.exe (10) [its start is not in the logs]
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
