package mapping

// security gives the process events of the Security log the names that Sysmon
// has for the same things, in whatever shape they come. An event's own fields
// win, so ProcessId of a 4688 stays what Windows means by it, the parent's
// number; NewProcessId is the started process's.
// Source: Microsoft, 4688(S): A new process has been created; 4689(S).
var security = Shape{
	Name:    "security",
	Summary: "Windows Security 4688 and 4689 under Sysmon's names",
	Mark:    "NewProcessName",
	Fields: []Source{
		{Name: "Image", From: []string{"NewProcessName"}},
		{Name: "Image", From: []string{"ProcessName"}, When: "SubjectUserSid"},
		{Name: "ParentImage", From: []string{"ParentProcessName"}, When: "NewProcessName"},
		{Name: "ParentProcessId", From: []string{"ProcessId"}, When: "NewProcessName"},
		{Name: "User", From: []string{"SubjectDomainName", "SubjectUserName"}, Form: Account, When: "NewProcessName"},
		{Name: "User", From: []string{"SubjectDomainName", "SubjectUserName"}, Form: Account, When: "ProcessName"},
		{Name: "LogonId", From: []string{"SubjectLogonId"}, When: "NewProcessName"},
		{Name: "IntegrityLevel", From: []string{"MandatoryLabel"}, Form: Translated, When: "NewProcessName", Is: map[string]string{
			"S-1-16-0": "Untrusted", "S-1-16-4096": "Low", "S-1-16-8192": "Medium", "S-1-16-8448": "Medium",
			"S-1-16-12288": "High", "S-1-16-16384": "System",
		}},
	},
}
