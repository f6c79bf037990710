package mapping

// defender is the advanced hunting tables DeviceProcessEvents and
// DeviceFileEvents of Microsoft Defender, from the streaming API (fields under
// properties) or exported by the portal (CSV). They are no Windows events:
// EventID is the Sysmon event that tells the same. Host, account and parent
// path are in lower case there, and stay so.
// Source: Microsoft, advanced hunting schema reference.
var defender = Shape{
	Name:     "defender",
	Summary:  "Microsoft Defender DeviceProcessEvents, DeviceFileEvents (streaming API, CSV export)",
	Mark:     "ActionType",
	Envelope: "properties",
	Fields: []Source{
		{Name: "EventID", From: []string{"ActionType"}, Form: Translated, When: "InitiatingProcessFileName", Is: actionIDs},
		{Name: "EventID", From: []string{"ActionType"}, Form: Translated, When: "DeviceName", Is: actionIDs},
		{Name: "Channel", From: []string{"ActionType"}, Form: Translated, When: "InitiatingProcessFileName", Is: ofSysmon(actionIDs)},
		{Name: "Channel", From: []string{"ActionType"}, Form: Translated, When: "DeviceName", Is: ofSysmon(actionIDs)},
		{Name: "Computer", From: []string{"DeviceName"}, When: "ActionType"},
		{Name: "EventRecordID", From: []string{"ReportId"}, When: "ActionType"},
		{Name: "SystemTime", From: []string{"Timestamp"}, When: "ActionType"},
		{Name: "Image", From: []string{"FolderPath"}, When: "ProcessCommandLine"},
		{Name: "Image", From: []string{"InitiatingProcessFolderPath"}},
		{Name: "TargetFilename", From: []string{"FolderPath"}, When: "ActionType"},
		{Name: "CommandLine", From: []string{"ProcessCommandLine"}},
		{Name: "CommandLine", From: []string{"InitiatingProcessCommandLine"}},
		{Name: "ParentImage", From: []string{"InitiatingProcessFolderPath"}, When: "ProcessCommandLine"},
		{Name: "ParentCommandLine", From: []string{"InitiatingProcessCommandLine"}, When: "ProcessCommandLine"},
		{Name: "ParentProcessId", From: []string{"InitiatingProcessId"}, When: "ProcessCommandLine"},
		{Name: "ProcessId", From: []string{"InitiatingProcessId"}},
		{Name: "User", From: []string{"AccountDomain", "AccountName"}, Form: Account, When: "ActionType"},
		{Name: "User", From: []string{"InitiatingProcessAccountDomain", "InitiatingProcessAccountName"}, Form: Account},
		{Name: "OriginalFileName", From: []string{"ProcessVersionInfoOriginalFileName"}},
		{Name: "Company", From: []string{"ProcessVersionInfoCompanyName"}},
		{Name: "Product", From: []string{"ProcessVersionInfoProductName"}},
		{Name: "Description", From: []string{"ProcessVersionInfoFileDescription"}},
		{Name: "FileVersion", From: []string{"ProcessVersionInfoProductVersion"}},
		{Name: "IntegrityLevel", From: []string{"ProcessIntegrityLevel"}},
		{Name: "Hashes", From: []string{"SHA1", "MD5", "SHA256"}, Form: Hashes, When: "ActionType"},
	},
}

// actionIDs are the numbers of Sysmon's events that tell the same.
var actionIDs = map[string]string{
	"ProcessCreated": "1", "ConnectionSuccess": "3", "ImageLoaded": "7", "FileCreated": "11", "FileModified": "11", "FileRenamed": "11",
	"FileDeleted": "23", "RegistryKeyCreated": "12", "RegistryKeyDeleted": "12", "RegistryValueSet": "13",
}

// ofSysmon gives what stands for numbers of Sysmon's events its channel.
func ofSysmon(ids map[string]string) map[string]string {
	m := map[string]string{}
	for k := range ids {
		m[k] = sysmonChannel
	}
	return m
}

const sysmonChannel = "Microsoft-Windows-Sysmon/Operational"
