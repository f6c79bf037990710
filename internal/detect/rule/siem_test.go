package rule_test

import (
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem"
)

const sysmonChannel = "Microsoft-Windows-Sysmon/Operational"

// siemHolds computes a Cloud SIEM expression for an event.
func siemHolds(t *testing.T, text string, fields map[string]string) bool {
	t.Helper()
	x, ds := siem.Parse(diag.Text("expression", text))
	if ds.HasErrors() {
		t.Fatalf("%s: %v", text, ds)
	}
	records, events := event.NewLayout(), event.NewLayout()
	cond, ds := rule.LowerSIEM(x, rule.RecordAttributes(records))
	if ds.HasErrors() {
		t.Fatalf("%s: %v", text, ds)
	}
	made, _ := record.NewCatalogue(record.Sumo, nil)
	plan := record.NewPlan(made.Mappers, made.Parsers, events, records)
	var b event.Batch
	row := b.AddRow(0, 0)
	for name, v := range fields {
		b.Col(events.Slot(name)).Set(row, event.Text(v))
	}
	return expr.Compile(cond).Open(&expr.Env{}).Value(plan.Open().Map(&b), row).True()
}

// TestSIEMNull is the table of section 4.3 of the specification; commandLine is
// null, baseImage C:\a\b.exe.
func TestSIEMNull(t *testing.T) {
	ev := map[string]string{"Channel": sysmonChannel, "EventID": "1", "Image": `C:\a\b.exe`, "ProcessId": "12"}
	for text, want := range map[string]bool{
		`commandLine = 'a'`: false, `commandLine != 'a'`: false, `commandLine < 1`: false, `commandLine LIKE '%'`: false,
		`commandLine IN ('a')`: false, `commandLine matches /./`: false, `commandLine BETWEEN 1 AND 10`: false,
		`NOT commandLine = 'a'`: true, `NOT commandLine LIKE '%a%'`: true, `commandLine NOT IN ('a')`: true, `commandLine !matches /a/`: true,
		`commandLine <=> null`: true, `commandLine IS NULL`: true, `isNull(commandLine)`: true, `isBlank(commandLine)`: true, `isEmpty(commandLine)`: true,
		`length(commandLine) = 0`: true, `size(commandLine) = -1`: true, `isNull(lower(commandLine))`: true, `array_contains(commandLine, 'a')`: false,
		`null = null`: false, `null < 10`: false, `!(null)`: true,
		`baseImage = 'C:\a\b.exe'`: true, `baseImage = 'c:\a\b.exe'`: false, `lower(baseImage) = 'c:\a\b.exe'`: true,
		`baseImage != 'x'`: true, `baseImage LIKE '%\b.exe'`: true, `baseImage LIKE '%\B.exe'`: false, `baseImage LIKE 'C:%.ex_'`: true,
		`baseImage IS NOT NULL`: true, `pid = 12`: true, `pid = '12'`: true, `pid == '12'`: false, `pid == 12`: true, `pid > '9'`: true, `pid BETWEEN 12 AND 13`: true,
		`fields['EventData.Image'] RLIKE 'a.b'`: true, `fields['EventData.ProcessId'] > '9'`: true,
		`baseImage matches 'C:*.exe'`: true, `baseImage matches '*.ex?'`: true, `baseImage matches 'b.exe'`: false, `baseImage matches /b.exe/`: true,
		`metadata_deviceEventId = 'Microsoft-Windows-Sysmon/Operational-1'`: true, `metadata_vendor = 'Microsoft'`: true,
		`1 / 0 IS NULL`: true, `1 + 2 * 3 = 7`: true, `if(commandLine IS NULL, 1, 2) = 1`: true,
		`action = 'ProcessCreate'`: true, `file_path IS NULL`: true,
		`'20' BETWEEN '3' AND '100'`: true,
	} {
		if got := siemHolds(t, text, ev); got != want {
			t.Errorf("%s is %v", text, got)
		}
	}
}

// TestSIEMLike is the table of section 4.5: a backslash has two readings.
func TestSIEMLike(t *testing.T) {
	for _, c := range []struct {
		pattern, value string
		want           bool
	}{
		{`'%\temp\%'`, `c:\temp\x`, true}, {`'%\temp\%'`, `c:\temp%`, true}, {`'%\temp\%'`, `c:\temp`, false},
		{`'a\\b'`, `a\b`, true}, {`'a\\b'`, `a\\b`, true}, {`'a\\b'`, `ab`, false},
		{`'5!%' ESCAPE '!'`, `5%`, true}, {`'5!%' ESCAPE '!'`, `50`, false},
		{`'a\_b'`, `a_b`, true}, {`'a\_b'`, `a\xb`, true}, {`'a*b'`, `axb`, false}, {`'é_'`, `éé`, true},
	} {
		ev := map[string]string{"Channel": sysmonChannel, "EventID": "1", "CommandLine": c.value}
		if got := siemHolds(t, "commandLine LIKE "+c.pattern, ev); got != c.want {
			t.Errorf("%s LIKE %s is %v", c.value, c.pattern, got)
		}
	}
}

// Attributes are what the mapper of the event's channel and id fills them from
// (section 3.3).
func TestSIEMMapping(t *testing.T) {
	for _, c := range []struct {
		text, channel, id, field, value string
		want                            bool
	}{
		{`baseImage = 'x'`, sysmonChannel, "7", "ImageLoaded", "x", true},
		{`baseImage = 'x'`, sysmonChannel, "7", "Image", "x", false},
		{`parentBaseImage = 'x'`, sysmonChannel, "7", "Image", "x", true},
		{`baseImage IS NULL`, sysmonChannel, "10", "SourceImage", "x", true},
		{`device_hostname IS NULL`, sysmonChannel, "3", "Computer", "x", true},
		{`device_hostname = 'x'`, sysmonChannel, "1", "Computer", "x", true},
		{`baseImage = 'x'`, "Security", "4688", "NewProcessName", "x", true},
		{`user_username = 'x'`, "Security", "4688", "SubjectUserName", "x", true},
		{`parentCommandLine IS NULL`, "Security", "4688", "ParentCommandLine", "x", true},
		{`commandLine IS NULL`, "Security", "4688", "CommandLine", "-", true},
		{`user_username = 'x'`, "Security", "4799", "SubjectUserName", "x", true},
		{`file_hash_sha256 = 'AB'`, sysmonChannel, "1", "Hashes", "MD5=CD,SHA256=AB", true},
		{`file_hash_md5 = 'CD'`, sysmonChannel, "1", "Hashes", "MD5=CD,SHA256=AB", true},
		{`dns_query = 'x'`, sysmonChannel, "22", "QueryName", "x", true},
		{`dstPort = 443`, sysmonChannel, "3", "DestinationPort", "443", true},
		{`dstPort IS NULL`, sysmonChannel, "3", "DestinationPort", "https", true},
		{`changeTarget = 'x'`, sysmonChannel, "11", "TargetFilename", "x", true},
		{`file_path = 'x'`, sysmonChannel, "15", "TargetFilename", "x", true},
		{`baseImage = 'powershell.exe'`, "Microsoft-Windows-PowerShell/Operational", "4104", "Path", "x", true},
	} {
		if got := siemHolds(t, c.text, map[string]string{"Channel": c.channel, "EventID": c.id, c.field: c.value}); got != c.want {
			t.Errorf("%s-%s with %s=%s: %s is %v", c.channel, c.id, c.field, c.value, c.text, got)
		}
	}
}

func TestSIEMRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`toLwer(baseImage) = 'a'`: "no function toLwer", `lower(pid, pid) = 'a'`: "1 argument,",
		`baseImage matches /(/`: "cannot be used", `json field=_raw "a", "b" as b | where b = 1`: "2 paths",
	} {
		x, ds := siem.Parse(diag.Text("expression", text))
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		if cond, ds := rule.LowerSIEM(x, rule.RecordAttributes(event.NewLayout())); cond != nil || !ds.HasErrors() || !strings.Contains(ds[len(ds)-1].Message+ds[0].Message, want) {
			t.Errorf("%s: %v, want %q", text, ds, want)
		}
	}
}
