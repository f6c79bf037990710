package foreign_test

import (
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/foreign"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax/syntaxtest"
)

// The Sumo queries are written by hand, from each language's reference.
func TestRecognise(t *testing.T) {
	for _, c := range []struct{ text, language, sumo string }{
		{"index=windows EventCode=1 | count by Image", "SPL (Splunk)", `* | where EventID = 1 | count by Image`},
		{`index=win sourcetype="XmlWinEventLog" EventCode=4688 New_Process_Name="*\\cmd.exe" | stats count by user`, "SPL (Splunk)", `* | where EventID = 4688 and toLowerCase(New_Process_Name) matches "*\\cmd.exe" | count by user`},
		{`index=* failed (user=bob OR user=eve) | table user, src`, "SPL (Splunk)", `failed | where (toLowerCase(user) = "bob" or toLowerCase(user) = "eve") | fields user, src`},
		{"| tstats count from datamodel=Endpoint.Processes by Processes.dest", "SPL (Splunk)", ""},
		{"`sysmon` EventID=1 NOT user=\"SYSTEM\" | head 5", "SPL (Splunk)", `* | where EventID = 1 and !(toLowerCase(user) = "system") | limit 5`},
		{"index=a x=1 | stats dc(user) as users by host | sort - users", "SPL (Splunk)", `* | where x = 1 | count_distinct(user) as users by host | sort by users desc`},
		{"index=a | stats count by src_ip | where count > 10 | sort - count", "SPL (Splunk)", `* | count by src_ip | where _count > 10 | sort by _count desc`},
		{`DeviceProcessEvents | where FileName =~ "cmd.exe" and ProcessCommandLine has "whoami" | project DeviceName, ProcessCommandLine`, "KQL (Sentinel, Defender)",
			`* | where toLowerCase(Image) matches "*\\cmd.exe" and toLowerCase(CommandLine) matches "*whoami*" | fields Computer, CommandLine`},
		{"SecurityEvent\n| where EventID == 4625\n| summarize count() by Account", "KQL (Sentinel, Defender)", `* | where EventID = 4625 | count by Account`},
		{"SecurityEvent | where TimeGenerated > ago(1d) | where EventID in (4624, 4625) | take 10", "KQL (Sentinel, Defender)", `* | where (EventID = 4624 or EventID = 4625) | limit 10`},
		{`SigninLogs | where UserPrincipalName !contains "admin" | top 5 by TimeGenerated desc`, "KQL (Sentinel, Defender)", `* | where !(toLowerCase(UserPrincipalName) matches "*admin*") | sort by TimeGenerated | limit 5`},
		{"let x = 5; Event | where a == x", "KQL (Sentinel, Defender)", ""},
		{`process where process.name == "cmd.exe"`, "EQL (Elastic)", `* | where toLowerCase(Image) matches "*\\cmd.exe"`},
		{`process where process.name : ("cmd.exe", "power*.exe") and not user.name == "SYSTEM"`, "EQL (Elastic)",
			`* | where (toLowerCase(Image) matches "*\\cmd.exe" or toLowerCase(Image) matches "power*.exe") and !(User = "SYSTEM")`},
		{"sequence by host.id [process where true] [network where true]", "EQL (Elastic)", ""},
		{"SELECT * FROM logs WHERE EventID=1", "SQL", `* | where EventID = 1`},
		{"select Image, count(*) from logs where EventID = 1 and Image like '%cmd.exe' group by Image order by count(*) desc limit 10;", "SQL",
			`* | where EventID = 1 and Image matches "*cmd.exe" | count by Image | sort by _count | limit 10`},
		{"select a from t join u on t.x = u.x", "SQL", ""},
		{`process.name:cmd.exe AND user.name:(bob OR eve)`, "Lucene or Kibana", `* | where toLowerCase(Image) matches "*\\cmd.exe" and (toLowerCase(User) = "bob" or toLowerCase(User) = "eve")`},
		{`event.code: 1 and process.command_line: *whoami*`, "Lucene or Kibana", `* | where EventID = 1 and toLowerCase(CommandLine) matches "*whoami*"`},
		{`EventID: 1`, "Lucene or Kibana", `* | where EventID = 1`},
		{`Image : *cmd.exe`, "Lucene or Kibana", `* | where toLowerCase(Image) matches "*cmd.exe"`},
		{`EventID:4625`, "Lucene or Kibana", `* | where EventID = 4625`},
		{`Image:"*\\cmd.exe"`, "Lucene or Kibana", `* | where toLowerCase(Image) matches "*\\cmd.exe"`},
		{`#event_simpleName=ProcessRollup2 | FileName=/cmd\.exe/i | groupBy([ComputerName])`, "LogScale (CrowdStrike)", ""},
		{`#repo=a EventID=1 | groupBy([Image, User])`, "LogScale (CrowdStrike)", `* | where EventID = 1 | count by Image, User`},
		{"from logs-* | where event.code == \"1\" | limit 10", "ES|QL (Elastic)", `* | where EventID = 1 | limit 10`},
		{"title: x\nlogsource:\n  product: windows\ndetection:\n  s:\n    a: b\n  condition: s", "a Sigma rule", ""},
	} {
		l, sumo := foreign.Recognise(c.text)
		switch {
		case l == nil:
			t.Errorf("%s: not recognised", c.text)
		case l.Name != c.language || sumo != c.sumo:
			t.Errorf("%s\nis  %s: %s\nnot %s: %s", c.text, l.Name, sumo, c.language, c.sumo)
		case l.Help == "":
			t.Errorf("%s has no help", l.Name)
		}
	}
}

// Forms of each language's own documentation that no simple sign gives away.
func TestOtherLanguagesAreRecognised(t *testing.T) {
	for language, list := range map[string][]string{
		"SPL (Splunk)": {
			`| metadata type=hosts index=*`, `| mstats avg(cpu) where index=metrics by host`, `| union [search index=a | stats count] [search index=b]`,
			`| from datamodel:"Authentication" | search action=failure`, `| makeresults | eval a=1`, `host=www* status>=400 | chart avg(kb) over host by status`,
		},
		"KQL (Sentinel, Defender)": {
			`StormEvents | take 5`, `StormEvents | where State == "FLORIDA" | count`, `union A, B | where x == 1`, `union withsource=T Device* | count`, `search in (SecurityEvent) "x"`,
			`print strcat("a", "b")`, `range x from 1 to 10 step 1`, `.show tables`, `My_CL | where Level_s == "Error"`, `Table | where Message matches regex "(?i)fail"`,
			"// what it is for\n// and whose\nSecurityEvent\n| where EventID == 4688", `_Im_Dns(starttime=ago(1d)) | where DnsQuery has "x"`,
		},
		"EQL (Elastic)": {
			`"my category" where true`, "/* made by us: both */\nsequence by process.entity_id\n [process where true]", `info where event.action == "x"`,
			`file where file.path like~ "*\\temp\\*"`, `sample by host [any where uptime > 0] by os`,
		},
		"ES|QL (Elastic)":        {`ROW a = 1`, `SHOW INFO`, "FROM .alerts-security.* METADATA _id\n// which\n| STATS c = COUNT(*) BY host.name"},
		"SQL":                    {`WITH t AS (SELECT a FROM b) SELECT * FROM t`, "-- all of them\nSELECT a FROM b", `INSERT INTO t VALUES (1)`, `(SELECT a FROM b) UNION (SELECT c FROM d)`},
		"Lucene or Kibana":       {`quick brown +fox -news`, `"fox quick"~5`, `"john smith"^2 foo^4`, `a.b > 0.98`, `http.response.status_code >= 400 and host.name: "w"`, `book.\*:(quick OR brown)`},
		"LogScale (CrowdStrike)": {`loglevel=ERROR | timechart(span=1h)`, `src_ip=* | worldMap(ip=src_ip)`},
	} {
		for _, text := range list {
			if l, _ := foreign.Recognise(text); l == nil || l.Name != language {
				t.Errorf("%s\nis taken for %+v, not for %s", text, l, language)
			}
		}
	}
}

func TestSumoQueriesAreNotTakenForOthers(t *testing.T) {
	for _, text := range []string{
		`_sourceCategory=a | where EventID = "1" | count by Image`, `"select * from users" | count`, `error: timeout`, `_source=x _index=y fail`, `http://a/b 10:20:30`,
		`* | parse "user: *" as user`, `EventID=1 OR EventID=3 | limit 10`, `event | where x = 1`, `process where`, `_sourceHost=a | json "a.b" as c`, `(a or b) !c | top 10 user`,
		`_sourceCategory=a | where x matches /a|table b/`, `C:\Windows\cmd.exe`, `time: 10`,
		`TESTClientImpl | where x = "y"`, `C:\Users\ADMIN~1\x`, `error -0700 +0100`, `2^10 | count`, `search failed | count`, `union workers | count`, "// a: b\nerror | count", `range finder`,
	} {
		if l, _ := foreign.Recognise(text); l != nil {
			t.Errorf("%s is taken for %s", text, l.Name)
		}
	}
	n := 0
	for i, q := range syntaxtest.Corpus(t) {
		if q.Rewritten || i%4 != 0 {
			continue
		}
		if l, _ := foreign.Recognise(q.Text()); l != nil {
			if n++; n < 15 {
				t.Logf("%s is taken for %s: %.300s", q.ID, l.Name, q.Text())
			}
		}
	}
	if n > 5 {
		t.Errorf("%d published queries are taken for others", n)
	}
}

func FuzzRecognise(f *testing.F) {
	f.Add("index=windows EventCode=1 | count by Image")
	f.Add("process where process.name : (\"a\", \"b\")")
	f.Add("SELECT a FROM b WHERE c = 'd' OR (e > 1)")
	f.Add("X | where a in (1, 'b') and c !has \"d\"")
	f.Fuzz(func(t *testing.T, text string) {
		if _, sumo := foreign.Recognise(text); sumo != "" {
			if _, found := query.Compile(diag.Text("query", sumo), query.Standard()); found.HasErrors() {
				t.Errorf("%q gives %q, which does not compile", text, sumo)
			}
			if strings.Contains(sumo, "\n") {
				t.Errorf("%q gives more than a line: %q", text, sumo)
			}
		}
	})
}
