package convert_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/convert"
)

// The names are those of Splunk's Endpoint data model, of ASIM's and ECS's references, of
// the advanced hunting schema and of UDM's field list; the columns of a custom detection are
// Microsoft's list.
func TestDataModels(t *testing.T) {
	const made = "product: windows, category: process_creation"
	for _, c := range []struct {
		source, selection string
		want              map[string][]string // by language; "!" is a refusal, and what its reason says stands after it
	}{
		{made, `Image|endswith: ['\cmd.exe', '\pwsh.exe']`, map[string][]string{
			"splunk":   {"from datamodel=Endpoint.Processes\n", `where Processes.process_name IN ("cmd.exe", "pwsh.exe")`, `fillnull_value="unknown"`, "Processes.parent_process ", "| rename Processes.* as *"},
			"sentinel": {"imProcessCreate\n", `| where TargetBaseName in~ ("cmd.exe", "pwsh.exe")`, `| extend TargetBaseName = tostring(split(TargetProcessName, @"\")[-1])`, "| project TimeGenerated, Dvc, "},
			"defender": {`FileName in~ ("cmd.exe", "pwsh.exe")`, "| project Timestamp, DeviceId, ReportId, DeviceName, "},
			"eql":      {"process where\n", `host.os.type == "windows" and`, `event.type == "start" and`, `process.name : ("cmd.exe", "pwsh.exe")`},
			"esql":     {"METADATA _id, _index, _version", `event.category == "process" AND event.type == "start"`, `TO_LOWER(process.name) IN ("cmd.exe", "pwsh.exe")`, "| KEEP @timestamp, host.name, "},
			"lucene":   {"host.os.type:windows AND event.category:process AND event.type:start AND process.name:(cmd.exe OR pwsh.exe)"},
			"secops":   {`"PROCESS_LAUNCH"`, `target.process.file.full_path = /\\(?:cmd\.exe|pwsh\.exe)$/ nocase`, "outcome:", "$risk_score = "},
			"logscale": {`Image=/\\(?:cmd\.exe|pwsh\.exe)$/i`, "| select([@timestamp, "},
		}},
		// a name with a folder, without an extension or with a sign is no name of a file
		{made, `Image|endswith: ['\a\cmd.exe', '\b\cmd.exe']`, map[string][]string{"splunk": {`process_path="*\\a\\cmd.exe"`}, "eql": {`process.executable : ("*\\a\\cmd.exe", "*\\b\\cmd.exe")`}}},
		{made, `Image|endswith: ['\System', '\Registry']`, map[string][]string{"splunk": {`process_path="*\\System"`}, "sentinel": {`TargetProcessName endswith @"\System"`}}},
		{made, `Image|endswith: ['cmd.exe', 'pwsh.exe']`, map[string][]string{"splunk": {`process_path="*cmd.exe"`}, "defender": {`FolderPath endswith "cmd.exe"`}}},
		{made, `Image|endswith|cased: ['\cmd.exe', '\pwsh.exe']`, map[string][]string{"splunk": {"| where match(process_path"}, "defender": {`FolderPath endswith_cs @"\cmd.exe"`}}},
		{made, `CommandLine|re: 'a\d'`, map[string][]string{"splunk": {`| where match(process, "a\\d")`, " Processes.process "}}},
		{made, `OriginalFileName: A.EXE`, map[string][]string{
			"sentinel": {`TargetOriginalName =~ @"A.EXE"`, `iff(EventProduct == "Sysmon"`}, "splunk": {`original_file_name="A.EXE"`}, "defender": {`ProcessVersionInfoOriginalFileName =~`},
		}},
		{made, `User: 'LAB\svc'`, map[string][]string{
			"splunk": {"!domain"}, "sentinel": {`StartedBy =~ @"LAB\svc"`, "ActorUsername, TargetUsername)"}, "eql": {`user.domain : "LAB"`},
		}},
		{made, `IntegrityLevel: High`, map[string][]string{
			"sentinel": {"!integrity"}, "splunk": {`process_integrity_level="High"`},
			"eql": {"any where", "winlog.event_data.IntegrityLevel"}, // of no ECS field: by channel, as before
		}},
		{made, `Company: X`, map[string][]string{"splunk": {"!no column of the data model"}}},
		{made, `CommandLine: null`, map[string][]string{"splunk": {"!unknown"}}},
		{made, `Hashes|contains: 'MD5=0123456789ABCDEF0123456789ABCDEF'`, map[string][]string{"splunk": {"!forms of their own"}, "sentinel": {"TargetProcessMD5 =~"}}},
		{made, `'|all': ['x']`, map[string][]string{"splunk": {"!keyword"}, "sentinel": {"!keyword"}}},
		{"product: windows, category: registry_set", `TargetObject|contains: '\Run\'`, map[string][]string{
			"splunk": {"datamodel=Endpoint.Registry", `Registry.action="modified"`, `Registry.registry_path="*\\Run\\*"`}, "sentinel": {"WindowsEvent\n", "TargetObject = tostring(EventData.TargetObject)"},
		}},
		{"product: windows, category: process_access", `TargetImage|endswith: '\lsass.exe'`, map[string][]string{
			"splunk": {"EventCode=10", "| table _time host source EventCode Computer SourceUser SourceImage", " CallTrace"}, "sentinel": {"EventID == 10", "CallTrace = tostring(EventData.CallTrace)"},
			"esql": {"winlog.event_data.GrantedAccess", "| KEEP @timestamp"}, "defender": {"!no table"},
		}},
		{"product: windows, category: ps_script", `ScriptBlockText|contains: x`, map[string][]string{"splunk": {"EventCode=4104", "ScriptBlockText"}, "sentinel": {"EventID == 4104", "ScriptBlockText = tostring("}, "esql": {"powershell.file.script_block_text"}}},
	} {
		r := ruleOf(t, c.source, c.selection)
		for name, wants := range c.want {
			got, err := convert.Rule(convert.Named(name), r, convert.Options{Model: true})
			if why, refused := strings.CutPrefix(wants[0], "!"); refused {
				if ref := (*convert.Refusal)(nil); !errors.As(err, &ref) || !strings.Contains(err.Error(), why) {
					t.Errorf("%s, %s in %s: want a refusal that says %q, got %v:\n%s", c.source, c.selection, name, why, err, got)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s, %s in %s: %v", c.source, c.selection, name, err)
				continue
			}
			for _, want := range wants {
				if !strings.Contains(strings.ReplaceAll(got, `@"cmd.exe"`, `"cmd.exe"`), want) {
					t.Errorf("%s, %s in %s lacks %s:\n%s", c.source, c.selection, name, want, got)
				}
			}
		}
	}
}

// TestModelsAreForTheirLogSources: a data model is asked where it is wished for, and not for a
// service, another product, or an index of the user's.
func TestModelsAreForTheirLogSources(t *testing.T) {
	for _, source := range []string{"product: windows, service: sysmon", "product: windows, category: process_creation, service: sysmon", "product: linux, category: process_creation", "product: aws, service: cloudtrail"} {
		r := ruleOf(t, source, `Image|endswith: '\a.exe'`)
		for _, b := range convert.Backends() {
			got, err := convert.Rule(b, r, convert.Options{Model: true})
			if err == nil && slices.ContainsFunc([]string{"datamodel=", "imProcessCreate"}, func(s string) bool { return strings.Contains(got, s) }) {
				t.Errorf("%s in %s:\n%s", source, b.Name, got)
			}
		}
	}
}
