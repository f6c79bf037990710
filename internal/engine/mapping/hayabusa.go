package mapping

// hayabusa is the timeline of Hayabusa as JSON: alerts that carry fields of
// their event. AllFieldInfo, which the verbose profiles have, holds them under
// their own names, Details under Hayabusa's short ones: in an object, or in one
// text as in its CSV.
// Source: Yamato-Security/hayabusa, config/profiles.yaml and default_details.txt.
var hayabusa = Shape{
	Name:    "hayabusa",
	Summary: "Hayabusa json-timeline",
	Mark:    "RuleTitle",
	Roots:   []string{"AllFieldInfo"},
	Fields: append([]Source{
		{Name: "EventRecordID", From: []string{"RecordID"}, When: "RuleTitle"},
	}, hayabusaDetails()...),
}

func hayabusaDetails() (out []Source) {
	for _, f := range [][2]string{
		{"Image", "Proc"}, {"CommandLine", "Cmdline"}, {"User", "User"}, {"ParentImage", "ParentProc"}, {"ParentCommandLine", "ParentCmdline"},
		{"ProcessId", "PID"}, {"ProcessGuid", "PGUID"}, {"ParentProcessId", "ParentPID"}, {"ParentProcessGuid", "ParentPGUID"},
		{"LogonId", "LID"}, {"LogonGuid", "LGUID"}, {"Hashes", "Hashes"}, {"TargetFilename", "Path"},
	} {
		out = append(out,
			Source{Name: f[0], From: []string{"Details." + f[1]}},
			Source{Name: f[0], From: []string{"Details"}, Form: Labelled, Part: f[1], When: "RuleTitle"})
	}
	return out
}
