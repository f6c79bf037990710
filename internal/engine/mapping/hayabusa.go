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
		{Name: "Channel", From: []string{"Channel"}, Form: Translated, Is: hayabusaChannels, When: "RuleTitle"},
	}, hayabusaDetails()...),
}

// hayabusaChannels are the channels that have a short name there.
// Source: Yamato-Security/hayabusa-rules, config/channel_abbreviations.txt.
var hayabusaChannels = map[string]string{
	"Sysmon": channelSysmon, "Sec": channelSecurity, "Sys": "System", "App": "Application",
	"PwSh": channelPowerShell, "PwShClassic": powershellClassic,
	"Defender": "Microsoft-Windows-Windows Defender/Operational", "TaskSch": "Microsoft-Windows-TaskScheduler/Operational",
	"WMI": "Microsoft-Windows-WMI-Activity/Operational", "NTLM": "Microsoft-Windows-NTLM/Operational", "BitsCli": "Microsoft-Windows-Bits-Client/Operational",
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
