package diag_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
)

func finding() *diag.Diagnostic {
	f := diag.Text("a,b.sumo", "é x\ny")
	return &diag.Diagnostic{
		Severity: diag.Warning, Code: "some-code", File: f, Span: diag.Span{Start: 3, End: 4},
		Message: "100% wrong", Help: "do: it", Labels: []diag.Label{{Span: diag.Span{Start: 5, End: 6}, Text: "other"}},
		Fix: &diag.Fix{Title: "write z", Edits: []diag.Edit{{Span: diag.Span{Start: 3, End: 4}, New: "z"}}},
	}
}

// The escapes are those that GitHub documents for workflow commands.
func TestGitHubCommandsAreEscaped(t *testing.T) {
	var b strings.Builder
	if err := diag.WriteGitHub(&b, diag.List{finding()}); err != nil {
		t.Fatal(err)
	}
	want := "::warning file=a%2Cb.sumo,line=1,endLine=1,col=3,endColumn=4,title=some-code::100%25 wrong%0Ado: it\n"
	if b.String() != want {
		t.Errorf("got  %swant %s", b.String(), want)
	}
}

func TestSARIFHasPlacesRulesAndFixes(t *testing.T) {
	var b strings.Builder
	if err := diag.WriteSARIF(&b, diag.List{finding()}, "gyoji", "1", "", []diag.Rule{{Code: "first"}, {Code: "some-code", What: "what", Severity: diag.Note}}); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Rules []struct {
						ID      string
						Default struct{ Level string } `json:"defaultConfiguration"`
					}
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Locations []struct {
					Physical struct {
						Artifact struct{ URI string } `json:"artifactLocation"`
						Region   struct{ StartLine, StartColumn, EndLine, EndColumn int }
					} `json:"physicalLocation"`
				}
				RelatedLocations []struct{ Message struct{ Text string } }
				Fixes            []struct {
					ArtifactChanges []struct {
						Replacements []struct {
							InsertedContent struct{ Text string }
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(b.String()), &log); err != nil {
		t.Fatal(err)
	}
	r := log.Runs[0].Results[0]
	at := r.Locations[0].Physical
	switch {
	case log.Version != "2.1.0", log.Runs[0].Tool.Driver.Rules[1].Default.Level != "note",
		r.RuleID != "some-code", r.RuleIndex != 1, r.Level != "warning",
		at.Artifact.URI != "a,b.sumo", at.Region.StartLine != 1, at.Region.StartColumn != 3, at.Region.EndColumn != 4,
		r.RelatedLocations[0].Message.Text != "other", r.Fixes[0].ArtifactChanges[0].Replacements[0].InsertedContent.Text != "z":
		t.Errorf("got %s", b.String())
	}
}
