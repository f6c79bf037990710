package process

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

// windowsEvents are the events of Sysmon, Sysmon for Linux and Security that say what processes did.
const windowsEvents = `* | json auto | where EventID in ("1", "3", "5", "11", "15", "22", "23", "26", "4688", "4689")`

// Around are the queries for the events of some hosts that trees are made of: one for each kind of
// log, run over one reading. Without hosts they are for all.
func Around(hosts ...string) (queries []*query.Query, err error) {
	for _, text := range []string{windowsEvents, jsonRecords, auditRecords} {
		q, ds := query.Compile(diag.Text("process tree", text+Of(hosts...)+" | fields "+strings.Join(Fields, ", ")), query.Standard())
		if err := ds.Err(); err != nil {
			return nil, err
		}
		queries = append(queries, q)
	}
	return queries, nil
}

// Of is the stage of a query that leaves the events of some hosts; without hosts there is
// none.
func Of(hosts ...string) string {
	var list []string
	for _, h := range hosts {
		list = append(list, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(strings.ToLower(h))+`"`)
	}
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprintf(` | where toLowerCase(Computer) in (%s)`, strings.Join(list, ", "))
}

// Read runs the queries of Around and builds the trees.
func Read(ctx context.Context, queries []*query.Query, r query.Run) (*Forest, error) {
	rows, err := query.CollectTogether(ctx, r, queries...)
	if err != nil {
		return nil, err
	}
	return Grow(rows...), nil
}

// Grow builds the trees of the rows of Around.
func Grow(all ...*query.Rows) *Forest {
	var events []Event
	for _, rows := range all {
		events = append(events, read(rows)...)
	}
	return Build(events)
}

// read is what the rows of one query of Around say.
func read(rows *query.Rows) (events []Event) {
	for i := range rows.Values {
		get := func(name string) string {
			v := rows.Get(i, name)
			if v.IsNull() {
				return ""
			}
			return v.String()
		}
		at, _ := rows.Get(i, "_messageTime").Int()
		e := Event{
			ID: get("EventID"), Time: at, Computer: get("Computer"), User: get("User"), GUID: get("ProcessGuid"), PID: get("ProcessId"),
			Image: get("Image"), CommandLine: get("CommandLine"), ParentGUID: get("ParentProcessGuid"), ParentPID: get("ParentProcessId"),
			ParentImage: get("ParentImage"), ParentCommandLine: get("ParentCommandLine"), Target: get("TargetFilename"),
			Address: get("DestinationIp"), Port: get("DestinationPort"), Hostname: get("DestinationHostname"), Contents: get("Contents"),
			Query: get("QueryName"), Results: get("QueryResults"),
		}
		if e.GUID == "{00000000-0000-0000-0000-000000000000}" {
			e.GUID = ""
		}
		if e.ParentGUID == "{00000000-0000-0000-0000-000000000000}" {
			e.ParentGUID = ""
		}
		e.Logon = get("LogonId")
		if e.ID == "4688" { // which knows the new process by another name, and who started it
			e.PID, e.ParentPID = get("NewProcessId"), get("ProcessId")
			if e.Logon = get("TargetLogonId"); e.Logon == "" || e.Logon == "0x0" {
				e.Logon = get("SubjectLogonId")
			}
		}
		e.PID, e.ParentPID = Number(e.PID), Number(e.ParentPID)
		events = append(events, e)
	}
	return events
}

// Number is a process id in decimal digits: Security logs write 0x1db0.
func Number(pid string) string {
	if hex, ok := strings.CutPrefix(strings.ToLower(pid), "0x"); ok {
		if n, err := strconv.ParseUint(hex, 16, 64); err == nil {
			return strconv.FormatUint(n, 10)
		}
	}
	return pid
}
