package incident

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/process"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Around is what the logs hold beside the findings.
type Around struct {
	Forest  *process.Forest
	SignIns []SignIn // in no order
	Changes []Change // in no order
	Slices  []Slice  // in no order
}

// SignIn is a sign-in to a host, or one that was refused.
type SignIn struct {
	Time    int64 // ms
	Host    string
	User    string
	Kind    string // "sign-in", "refused", "with other credentials", "remote desktop"
	Type    string // of logon, as Windows numbers them: 3, 10
	From    string // address or workstation, "" for the host itself
	To      string // the server of one with other credentials
	Logon   string // its id: 0x5addd
	Records int    // 1; more where alike ones were folded
	Last    int64  // of those folded
}

// Change is an event that says that a log or what is logged was changed.
type Change struct {
	Time       int64
	Host, Text string
	User       string
}

// Slice is what a log of a host holds of a quarter of an hour.
type Slice struct {
	Host, Log   string
	First, Last int64
	Events      int64
	Low, High   int64 // record numbers, 0 where there are none
}

// The queries, in the language of all others. Sources of the event ids: Microsoft,
// Appendix L: Events to Monitor; Sysmon's documentation.
const (
	signInQuery = `* | json auto | where EventID in ("4624", "4625", "4648", "21", "25", "1102", "1100", "104", "4719", "4616", "4", "16", "255")%s
| fields EventID, _messageTime, Computer, Channel, _sourceCategory, LogonType, TargetUserName, TargetDomainName, TargetLogonId, TargetServerName, IpAddress, WorkstationName, SubjectUserName, SubjectDomainName, User, Address, State`
	sliceQuery = `* | json auto%s | if(isBlank(Channel), _sourceCategory, Channel) as log | timeslice 15m
| count as n, min(_messageTime) as first, max(_messageTime) as last, min(EventRecordID) as low, max(EventRecordID) as high by Computer, log, _timeslice`
)

// Read reads what the logs of some hosts hold beside the findings, in one reading. The run
// says between which times.
func Read(ctx context.Context, r query.Run, hosts []string) (*Around, error) {
	tree, err := process.Around(hosts...)
	if err != nil {
		return nil, err
	}
	queries := slices.Clone(tree)
	for _, text := range []string{signInQuery, sliceQuery} {
		q, ds := query.Compile(diag.Text("incident", fmt.Sprintf(text, process.Of(hosts...))), query.Standard())
		if err := ds.Err(); err != nil {
			return nil, err
		}
		queries = append(queries, q)
	}
	rows, err := query.CollectTogether(ctx, r, queries...)
	if err != nil {
		return nil, err
	}
	a := &Around{Forest: process.Grow(rows[:len(tree)]...)}
	rows = rows[len(tree):]
	for i := range rows[0].Values {
		a.beside(func(name string) string { return said(rows[0], i, name) }, number(rows[0], i, "_messageTime"))
	}
	for i := range rows[1].Values {
		a.Slices = append(a.Slices, Slice{
			Host: said(rows[1], i, "Computer"), Log: said(rows[1], i, "log"),
			First: number(rows[1], i, "first"), Last: number(rows[1], i, "last"), Events: number(rows[1], i, "n"),
			Low: number(rows[1], i, "low"), High: number(rows[1], i, "high"),
		})
	}
	return a, nil
}

// said is a value of a row, "" for none: Windows writes - where it has none.
func said(rows *query.Rows, i int, name string) string {
	v := rows.Get(i, name)
	if v.IsNull() || v.String() == "-" {
		return ""
	}
	return v.String()
}

func number(rows *query.Rows, i int, name string) int64 {
	v := rows.Get(i, name)
	if n, ok := v.Int(); ok {
		return n
	}
	if x, ok := v.Float(); ok {
		return int64(x)
	}
	return 0
}

// logonTypes are the ways to sign in. Source: Microsoft, 4624(S), table Logon types.
var logonTypes = map[string]string{
	"2": "at the keyboard", "3": "over the network", "4": "batch", "5": "service", "7": "unlocked",
	"8": "over the network, password in clear", "9": "with other credentials for the network", "10": "remote desktop", "11": "at the keyboard, cached credentials",
	"12": "remote desktop, cached credentials", "13": "unlocked, cached credentials",
}

// How is how somebody signed in, in words.
func (s *SignIn) How() string {
	if s.Type == "" {
		return ""
	}
	if t := logonTypes[s.Type]; t != "" {
		return t
	}
	return "logon type " + s.Type
}

// beside takes an event of the second query.
func (a *Around) beside(get func(string) string, at int64) {
	id, log := get("EventID"), strings.ToLower(get("Channel")+" "+get("_sourceCategory"))
	account := func(domain, name string) string {
		if n := get(name); n == "" || get(domain) == "" || strings.ContainsAny(n, `\@`) {
			return n
		}
		return get(domain) + `\` + get(name)
	}
	host := get("Computer")
	s := SignIn{Time: at, Last: at, Host: host, Records: 1}
	change := func(text string) {
		a.Changes = append(a.Changes, Change{at, host, text, account("SubjectDomainName", "SubjectUserName")})
	}
	sysmon := strings.Contains(log, "sysmon")
	switch {
	case id == "4624", id == "4625":
		s.Kind, s.Type, s.User = "sign-in", get("LogonType"), account("TargetDomainName", "TargetUserName")
		if s.From = local(get("IpAddress")); s.From == "" {
			s.From = strings.TrimLeft(get("WorkstationName"), `\`)
		}
		if id == "4625" {
			s.Kind = "refused"
		} else {
			s.Logon = get("TargetLogonId")
		}
		a.SignIns = append(a.SignIns, s)
	case id == "4648":
		s.Kind, s.User, s.From, s.To = "with other credentials", account("TargetDomainName", "TargetUserName"), local(get("IpAddress")), get("TargetServerName")
		a.SignIns = append(a.SignIns, s)
	case (id == "21" || id == "25") && strings.Contains(log, "terminalservices"):
		s.Kind, s.Type, s.User, s.From = "remote desktop", "10", get("User"), local(get("Address"))
		a.SignIns = append(a.SignIns, s)
	case id == "1102":
		change("the Security log was cleared")
	case id == "1100" && strings.Contains(log, "security"):
		change("the service that writes the event logs was shut down")
	case id == "104" && strings.Contains(log, "system"):
		change("an event log was cleared")
	case id == "4719":
		change("what the host audits was changed")
	case id == "4616":
		change("the host's clock was changed")
	case id == "4" && sysmon && strings.EqualFold(get("State"), "stopped"):
		change("Sysmon was stopped")
	case id == "16" && sysmon:
		change("Sysmon's configuration was changed")
	case id == "255" && sysmon:
		change("Sysmon reported an error: events may be missing")
	}
}

// local is an address, "" for the host itself.
func local(address string) string {
	switch address {
	case "127.0.0.1", "::1", "LOCAL", "0.0.0.0":
		return ""
	}
	return strings.TrimPrefix(address, "::ffff:")
}

// none is a time that is not known.
const none = event.NoTime
