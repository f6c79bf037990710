package mapping

import (
	"slices"
	"strings"
	"sync"
)

// everyEvent are the names under which Sigma rules know what stands in the
// System part of every Windows event.
var everyEvent = sync.OnceValue(func() []string {
	return words("EventID Provider_Name Channel Computer ComputerName Level Keywords Task Opcode Version EventRecordID UserID ProcessID ThreadID")
})

// sysmonAlso are fields of categories beside those that Sysmon writes: what the
// Security log's twin has, and the parts of Hashes that Sigma's taxonomy names.
var sysmonAlso = sync.OnceValue(func() map[string][]string {
	return map[string][]string{
		"process_creation": words("NewProcessName NewProcessId ProcessCommandLine ParentProcessName CreatorProcessName SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId " +
			"TargetUserSid TargetUserName TargetDomainName TargetLogonId TokenElevationType MandatoryLabel md5 sha1 sha256 Imphash"),
		"process_termination": words("ProcessName SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId Status"),
		"driver_load":         words("md5 sha1 sha256 Imphash"),
		"image_load":          words("md5 sha1 sha256 Imphash"),
		"create_stream_hash":  words("md5 sha1 sha256 Imphash"),
		"process_access":      words("SourceProcessGuid TargetProcessGuid"),
	}
})

// otherFields are those of categories that Sysmon does not write.
// Source: the message templates of the PowerShell providers, events 4103 and 4104.
var otherFields = sync.OnceValue(func() map[string][]string {
	return map[string][]string{
		"ps_script": words("MessageNumber MessageTotal ScriptBlockText ScriptBlockId Path"),
		"ps_module": words("ContextInfo UserData Payload"),
	}
})

// securityFields are the fields of events of the Security log.
// Source: Microsoft, Advanced security audit policy settings, the pages of the
// events; the subject of an event is left out here and added below.
var securityFields = sync.OnceValue(func() map[string][]string {
	return map[string][]string{
		"1102": words("SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId ClientProcessId ClientProcessStartKey"),
		"4624": words("TargetUserSid TargetUserName TargetDomainName TargetLogonId LogonType LogonProcessName AuthenticationPackageName WorkstationName LogonGuid TransmittedServices LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort ImpersonationLevel RestrictedAdminMode RemoteCredentialGuard TargetOutboundUserName TargetOutboundDomainName VirtualAccount TargetLinkedLogonId ElevatedToken"),
		"4625": words("TargetUserSid TargetUserName TargetDomainName Status FailureReason SubStatus LogonType LogonProcessName AuthenticationPackageName WorkstationName TransmittedServices LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort"),
		"4634": words("TargetUserSid TargetUserName TargetDomainName TargetLogonId LogonType"),
		"4647": words("TargetUserSid TargetUserName TargetDomainName TargetLogonId"),
		"4648": words("LogonGuid TargetUserName TargetDomainName TargetLogonGuid TargetServerName TargetInfo ProcessId ProcessName IpAddress IpPort"),
		"4656": words("ObjectServer ObjectType ObjectName HandleId TransactionId AccessList AccessReason AccessMask PrivilegeList RestrictedSidCount ProcessId ProcessName ResourceAttributes"),
		"4657": words("ObjectName ObjectValueName HandleId OperationType OldValueType OldValue NewValueType NewValue ProcessId ProcessName"),
		"4658": words("ObjectServer HandleId ProcessId ProcessName"),
		"4660": words("ObjectServer HandleId ProcessId ProcessName TransactionId"),
		"4662": words("ObjectServer ObjectType ObjectName OperationType HandleId AccessList AccessMask Properties AdditionalInfo AdditionalInfo2"),
		"4663": words("ObjectServer ObjectType ObjectName HandleId AccessList AccessMask ProcessId ProcessName ResourceAttributes"),
		"4670": words("ObjectServer ObjectType ObjectName HandleId OldSd NewSd ProcessId ProcessName"),
		"4672": words("PrivilegeList"),
		"4673": words("ObjectServer Service PrivilegeList ProcessId ProcessName"),
		"4674": words("ObjectServer ObjectType ObjectName HandleId AccessMask PrivilegeList ProcessId ProcessName"),
		"4688": words("NewProcessId NewProcessName TokenElevationType ProcessId CommandLine TargetUserSid TargetUserName TargetDomainName TargetLogonId ParentProcessName MandatoryLabel"),
		"4689": words("Status ProcessId ProcessName"),
		"4697": words("ServiceName ServiceFileName ServiceType ServiceStartType ServiceAccount ClientProcessStartKey ClientProcessId ParentProcessId"),
		"4698": words("TaskName TaskContent ClientProcessStartKey ClientProcessId ParentProcessId RpcCallClientLocality FQDN"),
		"4699": words("TaskName TaskContent ClientProcessStartKey ClientProcessId ParentProcessId RpcCallClientLocality FQDN"),
		"4700": words("TaskName TaskContent ClientProcessStartKey ClientProcessId ParentProcessId RpcCallClientLocality FQDN"),
		"4701": words("TaskName TaskContent ClientProcessStartKey ClientProcessId ParentProcessId RpcCallClientLocality FQDN"),
		"4702": words("TaskName TaskContentNew ClientProcessStartKey ClientProcessId ParentProcessId RpcCallClientLocality FQDN"),
		"4719": words("CategoryId SubcategoryId SubcategoryGuid AuditPolicyChanges ClientProcessId ClientProcessStartKey"),
		"4720": words("TargetUserName TargetDomainName TargetSid PrivilegeList SamAccountName DisplayName UserPrincipalName HomeDirectory HomePath ScriptPath ProfilePath UserWorkstations PasswordLastSet AccountExpires PrimaryGroupId AllowedToDelegateTo OldUacValue NewUacValue UserAccountControl UserParameters SidHistory LogonHours"),
		"4722": words("TargetUserName TargetDomainName TargetSid"),
		"4724": words("TargetUserName TargetDomainName TargetSid"),
		"4725": words("TargetUserName TargetDomainName TargetSid"),
		"4726": words("TargetUserName TargetDomainName TargetSid PrivilegeList"),
		"4728": words("MemberName MemberSid TargetUserName TargetDomainName TargetSid PrivilegeList"),
		"4732": words("MemberName MemberSid TargetUserName TargetDomainName TargetSid PrivilegeList"),
		"4756": words("MemberName MemberSid TargetUserName TargetDomainName TargetSid PrivilegeList"),
		"4738": words("Dummy TargetUserName TargetDomainName TargetSid PrivilegeList SamAccountName DisplayName UserPrincipalName HomeDirectory HomePath ScriptPath ProfilePath UserWorkstations PasswordLastSet AccountExpires PrimaryGroupId AllowedToDelegateTo OldUacValue NewUacValue UserAccountControl UserParameters SidHistory LogonHours"),
		"4768": words("TargetUserName TargetDomainName TargetSid ServiceName ServiceSid TicketOptions Status TicketEncryptionType PreAuthType IpAddress IpPort CertIssuerName CertSerialNumber CertThumbprint ResponseTicket AccountSupportedEncryptionTypes AccountAvailableKeys ServiceSupportedEncryptionTypes ServiceAvailableKeys DCSupportedEncryptionTypes DCAvailableKeys ClientAdvertizedEncryptionTypes SessionKeyEncryptionType PreAuthEncryptionType"),
		"4769": words("TargetUserName TargetDomainName ServiceName ServiceSid TicketOptions TicketEncryptionType IpAddress IpPort Status LogonGuid TransmittedServices RequestTicketHash ResponseTicketHash AccountSupportedEncryptionTypes AccountAvailableKeys ServiceSupportedEncryptionTypes ServiceAvailableKeys DCSupportedEncryptionTypes DCAvailableKeys ClientAdvertizedEncryptionTypes SessionKeyEncryptionType"),
		"4771": words("TargetUserName TargetSid ServiceName TicketOptions Status PreAuthType IpAddress IpPort CertIssuerName CertSerialNumber CertThumbprint"),
		"4776": words("PackageName TargetUserName Workstation Status"),
		"4798": words("TargetUserName TargetDomainName TargetSid CallerProcessId CallerProcessName"),
		"4799": words("TargetUserName TargetDomainName TargetSid CallerProcessId CallerProcessName"),
		"5136": words("OpCorrelationID AppCorrelationID DSName DSType ObjectDN ObjectGUID ObjectClass AttributeLDAPDisplayName AttributeSyntaxOID AttributeValue OperationType"),
		"5140": words("ObjectType IpAddress IpPort ShareName ShareLocalPath AccessMask AccessList"),
		"5145": words("ObjectType IpAddress IpPort ShareName ShareLocalPath RelativeTargetName AccessMask AccessList AccessReason"),
		"5156": words("ProcessID Application Direction SourceAddress SourcePort DestAddress DestPort Protocol InterfaceIndex FilterOrigin FilterRTID LayerName LayerRTID RemoteUserID RemoteMachineID OriginalProfile CurrentProfile IsLoopback HasRemoteDynamicKeywordAddress"),
	}
})

var securitySubject = sync.OnceValue(func() []string { return words("SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId") })

// SigmaFields lists the fields that a Sigma rule for a log source of Windows can
// name: of a category, or with service security of the events whose ids are
// given. It is nil where that is not known, for one of the ids even.
func SigmaFields(category, service string, eventIDs []string) []string {
	category, service = strings.ToLower(category), strings.ToLower(service)
	var out []string
	switch {
	case category != "" && otherFields()[category] != nil:
		out = slices.Clone(otherFields()[category])
	case category != "":
		for _, l := range logCategories[category] {
			if l.Channel != channelSysmon {
				continue
			}
			for _, id := range l.EventIDs {
				out = append(out, SysmonFields(id)...)
			}
		}
		if out == nil {
			return nil
		}
		out = append(out, sysmonAlso()[category]...)
	case service == "security" && len(eventIDs) > 0:
		for _, id := range eventIDs {
			if securityFields()[id] == nil {
				return nil
			}
			out = append(out, securityFields()[id]...)
		}
		out = append(out, securitySubject()...)
	default:
		return nil
	}
	out = append(out, everyEvent()...)
	slices.Sort(out)
	return slices.Compact(out)
}
