package mapping

// hayabusa is the timeline of Hayabusa as JSON: alerts that carry fields of
// their event. AllFieldInfo, which the verbose profiles have, holds them under
// their own names, Details under Hayabusa's short ones.
// Source: Yamato-Security/hayabusa, config/profiles.yaml and default_details.txt.
var hayabusa = Shape{
	Name:    "hayabusa",
	Summary: "Hayabusa json-timeline",
	Mark:    "RuleTitle",
	Roots:   []string{"AllFieldInfo"},
	Fields: []Source{
		{Name: "EventRecordID", From: []string{"RecordID"}, When: "RuleTitle"},
		{Name: "Image", From: []string{"Details.Proc"}},
		{Name: "CommandLine", From: []string{"Details.Cmdline"}},
		{Name: "User", From: []string{"Details.User"}},
		{Name: "ParentImage", From: []string{"Details.ParentProc"}},
		{Name: "ParentCommandLine", From: []string{"Details.ParentCmdline"}},
		{Name: "ProcessId", From: []string{"Details.PID"}},
		{Name: "ProcessGuid", From: []string{"Details.PGUID"}},
		{Name: "ParentProcessId", From: []string{"Details.ParentPID"}},
		{Name: "ParentProcessGuid", From: []string{"Details.ParentPGUID"}},
		{Name: "LogonId", From: []string{"Details.LID"}},
		{Name: "LogonGuid", From: []string{"Details.LGUID"}},
		{Name: "Hashes", From: []string{"Details.Hashes"}},
		{Name: "TargetFilename", From: []string{"Details.Path"}},
	},
}
