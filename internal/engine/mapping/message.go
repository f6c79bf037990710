package mapping

// labels are the lines of the message that Windows renders for an event of the
// Security log, by event, heading and label, and the fields they show.
// Source: Microsoft, Advanced security audit policy reference.
var labels = map[string]map[string]string{
	"4688": {
		"Creator Subject/Security ID": "SubjectUserSid", "Creator Subject/Account Name": "SubjectUserName",
		"Creator Subject/Account Domain": "SubjectDomainName", "Creator Subject/Logon ID": "SubjectLogonId",
		"Subject/Security ID": "SubjectUserSid", "Subject/Account Name": "SubjectUserName",
		"Subject/Account Domain": "SubjectDomainName", "Subject/Logon ID": "SubjectLogonId",
		"Target Subject/Security ID": "TargetUserSid", "Target Subject/Account Name": "TargetUserName",
		"Target Subject/Account Domain": "TargetDomainName", "Target Subject/Logon ID": "TargetLogonId",
		"Process Information/New Process ID": "NewProcessId", "Process Information/New Process Name": "NewProcessName",
		"Process Information/Token Elevation Type": "TokenElevationType", "Process Information/Mandatory Label": "MandatoryLabel",
		"Process Information/Creator Process ID": "ProcessId", "Process Information/Creator Process Name": "ParentProcessName",
		"Process Information/Process Command Line": "CommandLine",
	},
	"4689": {
		"Subject/Security ID": "SubjectUserSid", "Subject/Account Name": "SubjectUserName",
		"Subject/Account Domain": "SubjectDomainName", "Subject/Logon ID": "SubjectLogonId",
		"Process Information/Process ID": "ProcessId", "Process Information/Process Name": "ProcessName",
		"Process Information/Exit Status": "Status",
	},
	"4624": {
		"Subject/Security ID": "SubjectUserSid", "Subject/Account Name": "SubjectUserName",
		"Subject/Account Domain": "SubjectDomainName", "Subject/Logon ID": "SubjectLogonId",
		"Logon Information/Logon Type": "LogonType", "/Logon Type": "LogonType",
		"New Logon/Security ID": "TargetUserSid", "New Logon/Account Name": "TargetUserName",
		"New Logon/Account Domain": "TargetDomainName", "New Logon/Logon ID": "TargetLogonId", "New Logon/Logon GUID": "LogonGuid",
		"Process Information/Process ID": "ProcessId", "Process Information/Process Name": "ProcessName",
		"Network Information/Workstation Name": "WorkstationName", "Network Information/Source Network Address": "IpAddress",
		"Network Information/Source Port":                   "IpPort",
		"Detailed Authentication Information/Logon Process": "LogonProcessName", "Detailed Authentication Information/Authentication Package": "AuthenticationPackageName",
	},
	"4625": {
		"Subject/Security ID": "SubjectUserSid", "Subject/Account Name": "SubjectUserName",
		"Subject/Account Domain": "SubjectDomainName", "Subject/Logon ID": "SubjectLogonId", "/Logon Type": "LogonType",
		"Account For Which Logon Failed/Security ID": "TargetUserSid", "Account For Which Logon Failed/Account Name": "TargetUserName",
		"Account For Which Logon Failed/Account Domain": "TargetDomainName",
		"Failure Information/Failure Reason":            "FailureReason", "Failure Information/Status": "Status", "Failure Information/Sub Status": "SubStatus",
		"Process Information/Caller Process ID": "ProcessId", "Process Information/Caller Process Name": "ProcessName",
		"Network Information/Workstation Name": "WorkstationName", "Network Information/Source Network Address": "IpAddress",
		"Network Information/Source Port": "IpPort",
	},
}

// MessageField is the field that a labelled line of a rendered message shows;
// "" when that is not known.
func MessageField(eventID, heading, label string) string { return labels[eventID][heading+"/"+label] }
