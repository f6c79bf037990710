package mapping

import "strings"

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
func MessageField(eventID, heading, label string) string {
	k := heading + "/" + label
	if f, ok := labels[eventID][k]; ok {
		return f
	}
	if f, ok := everyLabel[k]; ok {
		return f
	}
	return labels[eventID]["/"+label]
}

// everyLabel are the labels that mean the same in the messages of all events of
// the Security log, by heading.
// Source: as for labels.
var everyLabel = map[string]string{
	"Subject/Security ID": "SubjectUserSid", "Subject/Account Name": "SubjectUserName", "Subject/Account Domain": "SubjectDomainName", "Subject/Logon ID": "SubjectLogonId",
	"Process Information/Process ID": "ProcessId", "Process Information/Process Name": "ProcessName", "Process/Process ID": "ProcessId", "Process/Process Name": "ProcessName",
	"Object/Object Server": "ObjectServer", "Object/Object Type": "ObjectType", "Object/Object Name": "ObjectName", "Object/Object Value Name": "ObjectValueName", "Object/Handle ID": "HandleId", "Object/Operation Type": "OperationType",
	"Change Information/Old Value Type": "OldValueType", "Change Information/Old Value": "OldValue", "Change Information/New Value Type": "NewValueType", "Change Information/New Value": "NewValue",
	"Application Information/Process ID": "ProcessID", "Application Information/Application Name": "Application",
	"Network Information/Direction": "Direction", "Network Information/Source Address": "SourceAddress", "Network Information/Source Port": "SourcePort",
	"Network Information/Destination Address": "DestAddress", "Network Information/Destination Port": "DestPort", "Network Information/Protocol": "Protocol",
	"Network Information/Workstation Name": "WorkstationName", "Network Information/Source Network Address": "IpAddress", "Network Information/Client Address": "IpAddress", "Network Information/Client Port": "IpPort",
	"Filter Information/Filter Run-Time ID": "FilterRTID", "Filter Information/Layer Name": "LayerName", "Filter Information/Layer Run-Time ID": "LayerRTID",
	"Service Information/Service Name": "ServiceName", "Service Information/Service ID": "ServiceSid", "Account Information/Account Name": "TargetUserName", "Account Information/Account Domain": "TargetDomainName",
	"Additional Information/Ticket Options": "TicketOptions", "Additional Information/Ticket Encryption Type": "TicketEncryptionType", "Additional Information/Failure Code": "Status",
	"Target Account/Security ID": "TargetSid", "Target Account/Account Name": "TargetUserName", "Target Account/Account Domain": "TargetDomainName",
	"New Account/Security ID": "TargetSid", "New Account/Account Name": "TargetUserName", "New Account/Account Domain": "TargetDomainName",
	"Member/Security ID": "MemberSid", "Member/Account Name": "MemberName", "Group/Security ID": "TargetSid", "Group/Group Name": "TargetUserName", "Group/Group Domain": "TargetDomainName",
	"Task Information/Task Name": "TaskName", "Task Information/Task Content": "TaskContent",
	"Share Information/Share Name": "ShareName", "Share Information/Share Path": "ShareLocalPath", "Share Information/Relative Target Name": "RelativeTargetName",
	"Access Request Information/Access Mask": "AccessMask", "Account Whose Credentials Were Used/Account Name": "TargetUserName", "Account Whose Credentials Were Used/Account Domain": "TargetDomainName",
	"Target Server/Target Server Name": "TargetServerName", "/Service Name": "ServiceName", "/Service File Name": "ImagePath", "/Service Type": "ServiceType", "/Service Start Type": "StartType", "/Service Account": "AccountName",
}

// MessageNames are the headings and labels of an event's message, for messages
// whose lines were joined.
func MessageNames(eventID string) (headings, names map[string]bool) {
	headings, names = map[string]bool{}, map[string]bool{}
	for _, of := range []map[string]string{labels[eventID], everyLabel} {
		for k := range of {
			heading, label, _ := strings.Cut(k, "/")
			names[label] = true
			if heading != "" {
				headings[heading] = true
			}
		}
	}
	return headings, names
}

// MessageEnds are how the explanations begin that stand behind the fields of a
// message.
var MessageEnds = []string{"Token Elevation Type indicates", "This event is generated", "The subject fields indicate", "The logon type field"}
