package convert_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/sigma"
)

func ruleOf(t *testing.T, source, selection string) *sigma.Rule {
	t.Helper()
	docs, ds := sigma.Parse(diag.Text("t.yml", fmt.Sprintf("title: T\nlogsource: {%s}\ndetection:\n  s:\n    %s\n  condition: s\n", source, selection)))
	if err := ds.Err(); err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return docs[0].(*sigma.Rule)
}

// The fields of 4688 are Microsoft's page of the event; of ECS, Defender and
// Sentinel their references.
func TestSourcesAreAskedForTheirOwnNames(t *testing.T) {
	for _, c := range []struct {
		source, selection string
		want              map[string][]string // by language; with ! in front what must not stand there
	}{
		{"product: windows, category: process_creation", `ParentImage|endswith: '\b.exe'`, map[string][]string{
			"sumo":     {`toLowerCase(ParentImage) matches "*\\b.exe"`, `toLowerCase(ParentProcessName) matches "*\\b.exe"`},
			"sentinel": {"EventData.ParentImage", "EventData.ParentProcessName"}, "splunk": {"ParentImage=", "ParentProcessName="},
			"lucene": {"process.parent.executable:", "!winlog.event_data.ParentProcessName"},
		}},
		{"product: windows, category: process_creation", `User: 'LAB\svc'`, map[string][]string{
			"sumo":     {`toLowerCase(User) = "lab\\svc"`, `toLowerCase(SubjectDomainName) = "lab" AND toLowerCase(SubjectUserName) = "svc"`},
			"defender": {`AccountDomain =~ @"LAB" and AccountName =~ @"svc"`}, "eql": {`user.domain : "LAB" and user.name : "svc"`},
			"secops": {`principal.administrative_domain = "LAB" nocase and $e.principal.user.userid = "svc"`},
		}},
		{"product: windows, category: process_creation", `OriginalFileName: A.EXE`, map[string][]string{ // 4688 has no such field
			"sumo": {"Not asked of Security 4688", "!\"4688\""}, "sentinel": {"!EventID == 4688"}, "esql": {"process.pe.original_file_name"},
		}},
		{"product: windows, category: process_creation", `IntegrityLevel: High`, map[string][]string{"sumo": {`MandatoryLabel = "S-1-16-12288"`}}},
		{"product: windows, category: process_creation", `md5: 0123456789ABCDEF0123456789ABCDEF`, map[string][]string{
			"splunk": {`Hashes="*MD5=0123456789ABCDEF0123456789ABCDEF*"`}, "lucene": {"process.hash.md5:0123456789abcdef0123456789abcdef"}, "defender": {`MD5 =~`},
		}},
		{"product: windows, category: registry_set", `Details: 'DWORD (0x0000000a)'`, map[string][]string{"eql": {`registry.data.strings : "10"`}, "sumo": {"dword (0x0000000a)"}}},
		{"product: windows, category: network_connection", `DestinationIp|startswith: '10.'`, map[string][]string{
			"eql": {`cidrMatch(destination.ip, "10.0.0.0/8")`}, "lucene": {`destination.ip:"10.0.0.0/8"`}, "esql": {`CIDR_MATCH(destination.ip, "10.0.0.0/8")`},
		}},
		{"product: windows, service: system", `Level: 2`, map[string][]string{"sentinel": {"EventLevel == 2"}, "lucene": {"log.level:error"}}},
		{"product: windows, service: security", `'|all': ['a\b']`, map[string][]string{"sentinel": {`contains @"a\\b"`}, "lucene": {`*a\\b*`}, "splunk": {`"*a\\b*"`}}},
		{"product: aws, service: cloudtrail", `eventName: CreateUser`, map[string][]string{
			"lucene": {"event.dataset:aws.cloudtrail", "event.action:CreateUser"}, "splunk": {`sourcetype="aws:cloudtrail"`}, "sumo": {"_sourceCategory=*cloudtrail*"},
		}},
		{"category: proxy", `c-uri|contains: '/x'`, map[string][]string{"eql": {`url.original : "*/x*"`}, "sentinel": {"_Im_WebSession()", `Url contains @"/x"`}}},
		{"product: linux, category: process_creation", `Image|endswith: /sh`, map[string][]string{
			"defender": {"DeviceProcessEvents", `OSPlatform =~ "Linux"`}, "esql": {"host.os.type", "process.executable"}, "sentinel": {"!"},
		}},
	} {
		r := ruleOf(t, c.source, c.selection)
		for name, wants := range c.want {
			got, err := convert.Rule(convert.Named(name), r, convert.Options{})
			for _, want := range wants {
				not, banned := strings.CutPrefix(want, "!")
				switch {
				case want == "!":
					if err == nil {
						t.Errorf("%s, %s in %s is not refused:\n%s", c.source, c.selection, name, got)
					}
				case err != nil:
					t.Errorf("%s, %s in %s: %v", c.source, c.selection, name, err)
				case banned == (strings.Contains(got, not)):
					t.Errorf("%s, %s in %s: %s:\n%s", c.source, c.selection, name, want, got)
				}
			}
		}
	}
}

// TestOtherProductsAreNoWindows: what is about another product is written without
// a name of Windows' event logs, or refused by the name of its log source or field.
func TestOtherProductsAreNoWindows(t *testing.T) {
	windows := []string{"WinEventLog", "WindowsEvent", "winlog.", "Windows Security Event Log", "EventData", "windows/"}
	for _, source := range []string{
		"product: aws, service: cloudtrail", "product: azure, service: signinlogs", "product: azure, service: activitylogs", "product: azure, service: pim",
		"product: gcp, service: gcp.audit", "product: okta, service: okta", "product: m365, service: threat_management", "product: github, service: audit",
		"product: bitbucket, service: audit", "product: kubernetes, category: application, service: audit", "category: proxy", "category: webserver",
		"category: firewall", "category: dns", "category: antivirus", "product: windows, category: antivirus", "product: zeek, service: http", "product: zeek, service: smb_files",
		"product: linux, service: auditd", "product: linux, service: sshd", "product: linux, category: process_creation", "product: macos, category: process_creation",
		"product: macos, category: file_event", "product: cisco, service: aaa", "product: apache, service: error", "product: jvm, category: application",
	} {
		for _, selection := range []string{"eventName: x", "Image|endswith: x", "c-uri: x", "query: x", "'|all': [x]", "User: 'a\\b'"} {
			r := ruleOf(t, source, selection)
			for _, b := range convert.Backends() {
				got, err := convert.Rule(b, r, convert.Options{})
				var ref *convert.Refusal
				switch {
				case err != nil && (!errors.As(err, &ref) || ref.What == "" || !strings.HasPrefix(err.Error(), "t.yml:")):
					t.Errorf("%s, %s in %s: refused without place and reason: %v", source, selection, b.Name, err)
				case err == nil:
					for _, w := range windows {
						if strings.Contains(got, w) {
							t.Errorf("%s, %s in %s is written as Windows:\n%s", source, selection, b.Name, got)
						}
					}
				}
			}
		}
	}
}
