package incident_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/detect/incident"
	"github.com/gyoji-dev/gyoji/internal/detect/process"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// at is a time of the made day.
func at(clock string) int64 {
	t, err := time.Parse("2006-01-02 15:04:05", "2026-03-10 "+clock)
	if err != nil {
		panic(err)
	}
	return t.UnixMilli()
}

// A made incident: Ana opens a document on PC-1, which starts PowerShell; later the account
// signs in to SRV-2 over the network, where a service starts a dumper. In between somebody
// else's tool is run twice on PC-1.
func made() ([]*incident.Finding, *incident.Around) {
	const pc, srv = "PC-1.corp.example", "SRV-2.corp.example"
	start := func(clock, host, guid, pid, image, line, parent, logon, user string) process.Event {
		return process.Event{ID: "1", Time: at(clock), Computer: host, GUID: guid, PID: pid, Image: image, CommandLine: line, ParentGUID: parent, Logon: logon, User: user}
	}
	ana := `CORP\ana`
	events := []process.Event{
		start("08:00:00", pc, "{e}", "100", `C:\Windows\explorer.exe`, "explorer", "", "0xa1", ana),
		start("09:00:00", pc, "{w}", "200", `C:\Office\WINWORD.EXE`, `winword "a.docm"`, "{e}", "0xa1", ana),
		start("09:00:05", pc, "{p}", "300", `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`, "powershell -enc AAAA", "{w}", "0xa1", ana),
		start("09:00:09", pc, "{c}", "310", `C:\Windows\System32\whoami.exe`, "whoami /all", "{p}", "0xa1", ana),
		start("09:00:01", pc, "{s}", "210", `C:\Windows\splwow64.exe`, "splwow64", "{w}", "0xa1", ana),
		{ID: "3", Time: at("09:00:07"), Computer: pc, GUID: "{p}", PID: "300", Address: "203.0.113.9", Hostname: "c2.example", Port: "443"},
		start("09:00:08", pc, "{p2}", "301", `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`, "powershell -child", "{p}", "0xa1", ana), // as browsers do
		{ID: "5", Time: at("09:10:00"), Computer: pc, GUID: "{p}", PID: "300"},
		start("09:30:00", pc, "{t}", "400", `C:\Tools\scan.exe`, "scan -q", "{e}", "0xa1", ana),
		start("09:40:00", pc, "{u}", "401", `C:\Tools\scan.exe`, "scan -q", "{e}", "0xa1", ana),
		start("11:59:58", srv, "{v}", "50", `C:\Windows\System32\services.exe`, "services", "", "0x3e7", "SYSTEM"),
		start("12:00:00", srv, "{d}", "60", `C:\Temp\dump.exe`, "dump lsass", "{v}", "0x3e7", "SYSTEM"),
	}
	n := int64(0)
	found := func(clock, host, user, guid, pid, name string, s detection.Severity, technique string, fields ...hunt.Field) *hunt.Finding {
		n++
		f := &hunt.Finding{
			ID: fmt.Sprintf("id%d", n), Severity: s, DetectionID: "d-" + name, Detection: name, Host: host, User: user, Records: 1,
			Techniques: hunt.TechniquesOf([]string{technique}), Subject: &hunt.Subject{Kind: "process", GUID: guid, PID: pid}, Fields: fields,
			Place: hunt.Place{File: "a.jsonl", Line: n},
		}
		f.Evidence = []hunt.Evidence{{Place: f.Place}}
		if clock != "" {
			f.SetTime(at(clock))
		} else {
			f.SetTime(event.NoTime)
		}
		return f
	}
	dump := found("12:00:00", srv, "SYSTEM", "{d}", "60", "Dumper", detection.Critical, "T1003.001")
	shell := found("09:00:05", pc, ana, "{p}", "300", "Encoded PowerShell", detection.High, "T1059.001", hunt.Field{Name: "CommandLine", Value: event.Text("powershell -enc AAAA")}, hunt.Field{Name: "score", Value: event.Int(4)})
	// Cloud SIEM's, of the same record: names in small letters, and another score.
	again := found("09:00:05", "pc-1.corp.example", `corp\ana`, "{p}", "300", "Word starts PowerShell", detection.Medium, "T1204.002", hunt.Field{Name: "CommandLine", Value: event.Text("powershell -enc AAAA")}, hunt.Field{Name: "score", Value: event.Int(7)})
	again.Place, again.Evidence = shell.Place, shell.Evidence
	opened := found("09:00:00", pc, "ana", "{w}", "200", "Document opened", detection.Low, "T1204.002")
	scan := found("09:30:00", pc, ana, "{t}", "400", "Scanner", detection.Medium, "T1046")
	scan2 := found("09:40:00", pc, ana, "{u}", "401", "Scanner", detection.Medium, "T1046")
	cleared := found("13:00:00", srv, "", "", "", "Log cleared", detection.High, "T1070.001")
	cleared.Subject = nil
	untimed := found("", pc, ana, "", "", "No time", detection.Low, "T1070.001")
	untimed.Subject = nil
	both := &hunt.Finding{ID: "both", Severity: detection.High, Detection: "Word, then PowerShell", Host: pc, Records: 2, Evidence: []hunt.Evidence{opened.Evidence[0], shell.Evidence[0]}, Place: opened.Place}
	both.SetTime(at("09:00:05"))
	var list []*incident.Finding
	for i, f := range []*hunt.Finding{dump, shell, cleared, both, again, scan, scan2, opened, untimed} {
		list = append(list, &incident.Finding{N: i + 1, Finding: f})
	}
	return list, &incident.Around{
		Forest: process.Build(events),
		SignIns: []incident.SignIn{
			{Time: at("11:59:00"), Last: at("11:59:00"), Host: srv, User: `CORP\ana`, Kind: "sign-in", Type: "3", From: "PC-1", Logon: "0xb7", Records: 1},
			{Time: at("07:59:00"), Last: at("07:59:00"), Host: pc, User: `CORP\ana`, Kind: "sign-in", Type: "2", Logon: "0xa1", Records: 1},
			{Time: at("11:58:00"), Last: at("11:58:00"), Host: srv, User: `CORP\ana`, Kind: "refused", Type: "3", From: "PC-1", Records: 1},
			{Time: at("11:58:10"), Last: at("11:58:10"), Host: srv, User: `CORP\ana`, Kind: "refused", Type: "3", From: "PC-1", Records: 1},
			{Time: at("11:30:00"), Last: at("11:30:00"), Host: srv, User: `CORP\SRV-2$`, Kind: "sign-in", Type: "3", Records: 1},
		},
		Changes: []incident.Change{{Time: at("13:00:00"), Host: srv, Text: "the Security log was cleared", User: `CORP\ana`}},
		Slices: []incident.Slice{
			{Host: pc, Log: "Microsoft-Windows-Sysmon/Operational", First: at("08:00:00"), Last: at("08:10:00"), Events: 10, Low: 1, High: 10},
			{Host: pc, Log: "Microsoft-Windows-Sysmon/Operational", First: at("09:00:00"), Last: at("09:50:00"), Events: 20, Low: 11, High: 35},
			{Host: srv, Log: "Security", First: at("11:58:00"), Last: at("13:00:00"), Events: 3},
		},
	}
}

// The whole story, written down by hand from the events above.
func TestStory(t *testing.T) {
	i := incident.Tell(made())
	var b strings.Builder
	clock := func(ms int64) string { return incident.Clock(ms, at("00:00:00")) }
	fmt.Fprintf(&b, "%s to %s\nusers %s\n", clock(i.First), clock(i.Last), strings.Join(i.Users, ", "))
	for _, k := range i.Techniques {
		fmt.Fprintf(&b, "technique %s %s %s %d on %s\n", k.ID, clock(k.First), k.Worst, len(k.Findings), strings.Join(k.Hosts, ", "))
	}
	var step func(s *incident.Step, lead string)
	step = func(s *incident.Step, lead string) {
		fmt.Fprintf(&b, "%s%s %s", lead, clock(s.Start), s.Name())
		for _, f := range s.Findings {
			fmt.Fprintf(&b, " #%d", f.N)
		}
		for _, a := range s.Acts {
			fmt.Fprintf(&b, " [%s %s]", a.Kind, a.Text)
		}
		if s.Others > 0 {
			fmt.Fprintf(&b, " +%d", s.Others)
		}
		b.WriteString("\n")
		for _, k := range s.Steps {
			step(k, lead+"  ")
		}
	}
	for _, h := range i.Hosts {
		fmt.Fprintf(&b, "host %s, %d findings, users %s\n", h.Name, len(h.Findings), strings.Join(h.Users, ", "))
		for _, s := range h.SignIns {
			fmt.Fprintf(&b, "  %s %s %s from %q, %d to %s\n", clock(s.Time), s.User, s.Kind, s.From, s.Records, clock(s.Last))
		}
		for _, c := range h.Chains {
			fmt.Fprintf(&b, "  chain %d %s %s, gravest #%d and %d more", c.N, c.Worst, strings.Join(c.Program, " > "), c.Gravest().N, c.More())
			if c.Session != nil {
				fmt.Fprintf(&b, ", session of %s", clock(c.Session.Time))
			}
			for _, a := range c.Alike {
				fmt.Fprintf(&b, ", again %s", clock(a.First))
			}
			b.WriteString("\n")
			step(c.Top, "    ")
		}
		for _, f := range h.Loose {
			fmt.Fprintf(&b, "  loose #%d\n", f.N)
		}
	}
	for _, l := range i.Links {
		fmt.Fprintf(&b, "link %s %s -> %s: %s as %s, %d\n", clock(l.First), l.From, l.To, l.How, l.User, l.Records)
	}
	want := `09:00:00 to 13:00:00
users CORP\ana, SYSTEM
technique T1204.002 09:00:00 medium 2 on PC-1.corp.example
technique T1059.001 09:00:05 high 1 on PC-1.corp.example
technique T1046 09:30:00 medium 2 on PC-1.corp.example
technique T1003.001 12:00:00 critical 1 on SRV-2.corp.example
technique T1070.001 13:00:00 high 2 on SRV-2.corp.example, PC-1.corp.example
host PC-1.corp.example, 7 findings, users CORP\ana
  07:59:00 CORP\ana sign-in from "", 1 to 07:59:00
  chain 1 high WINWORD.EXE > powershell.exe, gravest #2 and 3 more, session of 07:59:00
    09:00:00 WINWORD.EXE #8
      09:00:01 splwow64.exe
      09:00:05 powershell.exe #2 #4 #5 [network c2.example (203.0.113.9) port 443] +1
        09:00:09 whoami.exe
  chain 2 medium scan.exe, gravest #6 and 1 more, session of 07:59:00, again 09:40:00
    09:30:00 scan.exe #6
  loose #9
host SRV-2.corp.example, 2 findings, users SYSTEM
  11:58:00 CORP\ana refused from "PC-1", 2 to 11:58:10
  11:59:00 CORP\ana sign-in from "PC-1", 1 to 11:59:00
  chain 3 critical dump.exe, gravest #1 and 0 more
    12:00:00 dump.exe #1
  loose #3
link 11:58:00 PC-1.corp.example -> SRV-2.corp.example: refused over the network as CORP\ana, 2
link 11:59:00 PC-1.corp.example -> SRV-2.corp.example: sign-in over the network as CORP\ana, 1
`
	if got := b.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestUnknown(t *testing.T) {
	got := incident.Tell(made()).Unknown
	want := []string{
		"1 finding has no time, and stands last.",
		"PC-1.corp.example: of the log Microsoft-Windows-Sysmon/Operational 5 record numbers between the first and the last that were read are not there: filtered out on export, overwritten or deleted.",
		"PC-1.corp.example: no events at all from 2026-03-10 09:50:00 UTC to 2026-03-10 13:00:00 UTC.",
		"SRV-2.corp.example: no connections and DNS queries of processes are in the logs (Sysmon 3 and 22); what its programs talked to is not known.",
		"SRV-2.corp.example: its logs begin 2026-03-10 11:58:00 UTC, less than ten minutes before its first finding; what came before is not known.",
		"SRV-2.corp.example: no events at all from 2026-03-10 09:00:00 UTC to 2026-03-10 11:58:00 UTC.",
		`SRV-2.corp.example: the Security log was cleared by CORP\ana, 2026-03-10 13:00:00 UTC.`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The findings of a record stand together, each field once, and none is lost.
func TestRecordsHoldEveryField(t *testing.T) {
	list, around := made()
	i := incident.Tell(list, around)
	seen := map[int]bool{}
	for _, r := range i.Records {
		for _, f := range r.Findings {
			seen[f.N] = true
			for _, x := range f.Values() {
				has := false
				for _, v := range r.Values {
					of := len(v.Of) == 0
					for _, n := range v.Of {
						of = of || n == f.N
					}
					has = has || of && v.Name == x.Name && v.Text == x.Value.String()
				}
				if !has {
					t.Errorf("finding %d: its %s is lost", f.N, x.Name)
				}
			}
		}
	}
	if len(seen) != len(list) {
		t.Errorf("%d of %d findings are in the evidence", len(seen), len(list))
	}
	// Of the two findings of PowerShell's record: the line once, the scores apart.
	for _, r := range i.Records {
		if len(r.Findings) == 2 {
			if got := fmt.Sprint(r.Values); got != "[{CommandLine powershell -enc AAAA []} {score 4 [2]} {score 7 [5]}]" {
				t.Errorf("got %s", got)
			}
		}
	}
}

// Without the logs the story is what the findings say; every finding is in it once.
func TestEveryFindingStandsOnce(t *testing.T) {
	list, around := made()
	for name, a := range map[string]*incident.Around{"with logs": around, "without": nil} {
		i := incident.Tell(list, a)
		times := map[int]int{}
		var step func(s *incident.Step)
		step = func(s *incident.Step) {
			for _, f := range s.Findings {
				times[f.N]++
			}
			for _, k := range s.Steps {
				step(k)
			}
		}
		for _, h := range i.Hosts {
			for _, c := range h.Chains {
				step(c.Top)
				for _, x := range c.Alike {
					step(x.Top)
				}
			}
			for _, f := range h.Loose {
				times[f.N]++
			}
		}
		for _, f := range i.Across {
			times[f.N]++
		}
		for _, f := range list {
			if times[f.N] != 1 {
				t.Errorf("%s: finding %d stands %d times", name, f.N, times[f.N])
			}
		}
	}
}

// Of a program that has run for hours what is near a finding is told, and the rest counted.
func TestWhatALongRunDidIsToldNearItsFindings(t *testing.T) {
	e := []process.Event{{ID: "1", Time: at("08:00:00"), Computer: "A", GUID: "{b}", PID: "7", Image: `C:\browser.exe`}}
	for _, clock := range []string{"08:30:00", "10:56:00", "11:00:00", "11:04:00", "11:06:00"} {
		e = append(e, process.Event{ID: "22", Time: at(clock), Computer: "A", GUID: "{b}", PID: "7", Query: "at-" + clock})
	}
	f := &hunt.Finding{Host: "A", Records: 1, Detection: "x", Subject: &hunt.Subject{GUID: "{b}"}}
	f.SetTime(at("11:00:00"))
	s := incident.Tell([]*incident.Finding{{N: 1, Finding: f}}, &incident.Around{Forest: process.Build(e)}).Chains[0].Top
	var got []string
	for _, a := range s.Acts {
		got = append(got, a.Text)
	}
	if strings.Join(got, " ") != "at-10:56:00 at-11:00:00 at-11:04:00" || s.MoreActs != 2 {
		t.Errorf("told %v, and %d more", got, s.MoreActs)
	}
}

// A process number is used again: what is found after the end of the first is not its.
func TestAReusedNumberIsAnotherChain(t *testing.T) {
	a := &incident.Around{Forest: process.Build([]process.Event{
		{ID: "4688", Time: at("09:00:00"), Computer: "A", PID: "7", Image: `C:\one.exe`},
		{ID: "4689", Time: at("09:01:00"), Computer: "A", PID: "7", Image: `C:\one.exe`},
	})}
	find := func(clock string, n int) *incident.Finding {
		f := &hunt.Finding{Host: "A", Records: 1, Detection: "x", Subject: &hunt.Subject{PID: "7"}}
		f.SetTime(at(clock))
		return &incident.Finding{N: n, Finding: f}
	}
	i := incident.Tell([]*incident.Finding{find("09:00:30", 1), find("10:00:00", 2)}, a)
	if len(i.Chains) != 2 || i.Chains[0].Top.Name() != "one.exe" || i.Chains[1].Top.Name() != "" {
		t.Errorf("%d chains", len(i.Chains))
	}
}

func TestNothingFound(t *testing.T) {
	if i := incident.Tell(nil, nil); len(i.Hosts)+len(i.Records)+len(i.Unknown) != 0 || i.Start() != nil || i.Lasts() != 0 {
		t.Errorf("a story of nothing: %+v", i)
	}
}
