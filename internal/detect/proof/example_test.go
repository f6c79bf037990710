package proof_test

import (
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/proof"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

// Of every query there is an event that it matches and one that it does not.
func TestExamples(t *testing.T) {
	for _, q := range []string{
		`_sourceCategory=*sysmon* | json auto | where EventID = "1" and Image matches "*\\\\powershell.exe" and CommandLine matches "*-enc*"`,
		`_sourceCategory=windows/security | json auto | where EventID = "4625" and LogonType = 3`,
		`_sourceCategory=*powershell* | where EventID = "4104" and ScriptBlockText matches "*Invoke-Mimikatz*"`,
		`_sourceCategory=aws/cloudtrail | json auto | where eventName = "ConsoleLogin" and %"responseElements.ConsoleLogin" = "Failure"`,
		`_sourceCategory=*o365* | where Operation = "New-InboxRule" and Parameters matches "*DeleteMessage*"`,
		`* | where %"Operation Name" = "Add member to role" and !(%"Initiated By" matches "svc-*")`,
		`EventID=22 QueryName=*.example`,
		`mimikatz`,
		`EventCode=4688 | json auto | where toLowerCase(NewProcessName) matches "*\\\\rundll32.exe"`,
		`_sourceCategory=*sysmon* | where EventID in ("12", "13") | where TargetObject matches "*\\\\Run\\\\*"`,
		`_sourceCategory=okta | where eventType = "user.session.start" and %"outcome.result" = "FAILURE" | count by %"actor.alternateId"`,
		`* | where severity > 7 and isNull(ack)`,
		`* | where contains(cmd, "base64") or length(cmd) > 20`,
		`EventID=1 | where length(CommandLine) > 50`,
		`EventID=8 | where SourceImage != TargetImage and StartModule = ""`,
		`_sourceCategory=gcp | where %"protoPayload.methodName" matches "*setIamPolicy"`,
		`EventID=7045 | where ImagePath matches "*\\\\Temp\\\\*"`,
		`_sourceCategory=windows/sysmon | where EventID=3 and !(isPrivateIP(DestinationIp)) and DestinationPort in ("4444","1337")`,
		`_sourceCategory=*sysmon* EventID=1 (certutil OR bitsadmin) | where CommandLine matches "*http*"`,
	} {
		s, ds := proof.Query(diag.Text("q", q))
		if ds.HasErrors() {
			t.Errorf("%s: %v", q, ds)
			continue
		}
		hit, miss, err := proof.Examples(t.Context(), s)
		if err != nil || hit == nil || miss == nil {
			t.Errorf("%s: hit %v, miss %v, %v", q, hit, miss, err)
			continue
		}
		for _, x := range []struct {
			of   proof.Event
			want bool
		}{{hit, true}, {miss, false}} {
			if got := finds(t, q, x.of.Line()); got != x.want {
				t.Errorf("%s: %s: %t, want %t", q, x.of.Line(), got, x.want)
			}
		}
	}
}

// finds reports whether a query gives a row for a line of a log.
func finds(t *testing.T, text, line string) bool {
	q, ds := query.Compile(diag.Text("q", text), query.Standard())
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	f := []*input.Format{format.Named("jsonl")}
	rows, err := q.Collect(t.Context(), query.Run{Input: input.NewReader(input.Memory("log", []byte(line+"\n")), f, input.Options{}), Workers: 1, Now: time.Now(), Warnings: &exec.Warnings{}})
	if err != nil {
		t.Fatal(err)
	}
	return len(rows.Values) > 0
}

// What a query takes out of text is not known to what makes events: then there is none.
func TestNoExampleOfWhatIsParsed(t *testing.T) {
	s, ds := proof.Query(diag.Text("q", `* | parse "user=*," as u | where u = "root"`))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	if hit, _, err := proof.Examples(t.Context(), s); err != nil || hit != nil {
		t.Errorf("%v, %v", hit, err)
	}
}
