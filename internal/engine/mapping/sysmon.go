package mapping

import "strings"

// sysmonFields are the fields of Sysmon's events in the order in which every
// version writes them; no version has them all. In the text of an event a line
// starts a field only if it begins with a name that may still come: command
// lines have line breaks, and what follows one may look like a field.
// Source: Sysmon's manifest (sysmon -s), schemas 1.0 to 4.90.
var sysmonFields = map[string][]string{
	"1":   words("RuleName UtcTime ProcessGuid ProcessId Image FileVersion Description Product Company OriginalFileName CommandLine CurrentDirectory User LogonGuid LogonId TerminalSessionId IntegrityLevel Hashes ParentProcessGuid ParentProcessId ParentImage ParentCommandLine ParentUser"),
	"2":   words("RuleName UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime PreviousCreationUtcTime User"),
	"3":   words("RuleName UtcTime ProcessGuid ProcessId Image User Protocol Initiated SourceIsIpv6 SourceIp SourceHostname SourcePort SourcePortName DestinationIsIpv6 DestinationIp DestinationHostname DestinationPort DestinationPortName"),
	"4":   words("UtcTime State Version SchemaVersion"),
	"5":   words("RuleName UtcTime ProcessGuid ProcessId Image User"),
	"6":   words("RuleName UtcTime ImageLoaded Hashes Signed Signature SignatureStatus"),
	"7":   words("RuleName UtcTime ProcessGuid ProcessId Image ImageLoaded FileVersion Description Product Company OriginalFileName Hashes Signed Signature SignatureStatus User"),
	"8":   words("RuleName UtcTime SourceProcessGuid SourceProcessId SourceImage TargetProcessGuid TargetProcessId TargetImage NewThreadId StartAddress StartModule StartFunction SourceUser TargetUser"),
	"9":   words("RuleName UtcTime ProcessGuid ProcessId Image Device User"),
	"10":  words("RuleName UtcTime SourceProcessGUID SourceProcessId SourceThreadId SourceImage TargetProcessGUID TargetProcessId TargetImage GrantedAccess CallTrace SourceUser TargetUser"),
	"11":  words("RuleName UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime User"),
	"12":  words("RuleName EventType UtcTime ProcessGuid ProcessId Image TargetObject User"),
	"13":  words("RuleName EventType UtcTime ProcessGuid ProcessId Image TargetObject Details User"),
	"14":  words("RuleName EventType UtcTime ProcessGuid ProcessId Image TargetObject NewName User"),
	"15":  words("RuleName UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime Hash Contents User"),
	"16":  words("UtcTime Configuration ConfigurationFileHash"),
	"17":  words("RuleName EventType UtcTime ProcessGuid ProcessId PipeName Image User"),
	"18":  words("RuleName EventType UtcTime ProcessGuid ProcessId PipeName Image User"),
	"19":  words("RuleName EventType UtcTime Operation User EventNamespace Name Query"),
	"20":  words("RuleName EventType UtcTime Operation User Name Type Destination"),
	"21":  words("RuleName EventType UtcTime Operation User Consumer Filter"),
	"22":  words("RuleName UtcTime ProcessGuid ProcessId QueryName QueryStatus QueryResults Image User"),
	"23":  words("RuleName UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes IsExecutable Archived"),
	"24":  words("RuleName UtcTime ProcessGuid ProcessId Image Session ClientInfo Hashes Archived User"),
	"25":  words("RuleName UtcTime ProcessGuid ProcessId Image Type User"),
	"26":  words("RuleName UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes IsExecutable"),
	"27":  words("RuleName UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes"),
	"28":  words("RuleName UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes IsExecutable"),
	"29":  words("RuleName UtcTime ProcessGuid ProcessId User Image TargetFilename Hashes"),
	"255": words("UtcTime ID Description"),
}

func words(s string) []string { return strings.Fields(s) }

// SysmonFields lists the fields of a Sysmon event by its number, in the order
// in which they are written; nil for an unknown number.
func SysmonFields(eventID string) []string { return sysmonFields[eventID] }
