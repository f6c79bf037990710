package mapping

import (
	"slices"
	"strings"
	"sync"
)

// Record is what Cloud SIEM's mappers make of some events of a channel: the
// attributes of a record, and the fields of the event that fill them.
type Record struct {
	Channel string
	IDs     []string // nil for every event of Windows that no other Record is for
	// From are the fields that an attribute is filled from; the first one that
	// is present, not empty and not skipped wins. Fields are named as Sysmon and
	// Windows name them, MD5, SHA1, SHA256 and IMPHASH are cut out of Hashes.
	From  map[string][]string
	Const map[string]string // attributes with one value for all
	Skip  []string          // values that count as none
}

// Records lists the mappings, profile "sumo": they are wrong where the
// product's are. The specification, section 3.3, is their source.
func Records() []Record { return records() }

// RecordOf is the mapping of an event; the last of Records when it has none of
// its own.
func RecordOf(channel, id string) *Record {
	for i := range records() {
		r := &records()[i]
		if r.IDs == nil || strings.EqualFold(r.Channel, channel) && slices.Contains(r.IDs, id) {
			return r
		}
	}
	return nil
}

// ChannelOf is the channel that a provider writes to, of those that Records
// have; "" when none.
func ChannelOf(provider string) string {
	switch {
	case strings.EqualFold(provider, sysmonProvider):
		return channelSysmon
	case strings.EqualFold(provider, securityProvider):
		return channelSecurity
	}
	return ""
}

// ProviderOf is the other way round.
func ProviderOf(channel string) string {
	switch channel {
	case channelSysmon:
		return sysmonProvider
	case channelSecurity:
		return securityProvider
	}
	return ""
}

// Integer reports whether an attribute is a whole number; the others here are text.
func Integer(attribute string) bool {
	return slices.Contains([]string{"pid", "parentPid", "srcPort", "dstPort"}, attribute)
}

var (
	skipped     = []string{",", "-"}
	skippedNull = []string{",", "-", "null"}
)

// Skipped reports whether a value counts as none in some record: Windows writes -
// for what it does not know.
func Skipped(text string) bool { return slices.Contains(skippedNull, text) }

const (
	hashes  = "; file_hash_md5 MD5; file_hash_sha1 SHA1; file_hash_sha256 SHA256; file_hash_imphash IMPHASH"
	host    = "device_hostname Computer"
	onHost  = host + "; user_userId UserID"
	subject = host + "; user_username SubjectUserName; user_authDomain SubjectDomainName; user_userId SubjectUserSid"
)

var records = sync.OnceValue(func() []Record {
	return []Record{
		sysmonRecord("1", onHost+"; baseImage Image SourceImage; commandLine CommandLine; parentBaseImage ParentImage; parentCommandLine ParentCommandLine; pid ProcessId; parentPid ParentProcessId; user_username User SourceUser; targetUser_username TargetUser; action=ProcessCreate; normalizedAction=create; normalizedResource=process"+hashes),
		sysmonRecord("2", onHost+"; baseImage Image; file_path TargetFilename; user_username User"),
		sysmonRecord("3", "user_userId UserID; baseImage Image; file_path Image; pid ProcessId; srcDevice_ip SourceIp; srcDevice_hostname SourceHostname; srcPort SourcePort; dstDevice_ip DestinationIp; dstDevice_hostname DestinationHostname; dstPort DestinationPort; user_username User"),
		sysmonRecord("5", onHost+"; baseImage Image; pid ProcessId; user_username User"),
		sysmonRecord("6", onHost+"; file_path ImageLoaded; user_username User"+hashes),
		sysmonRecord("7", onHost+"; baseImage ImageLoaded; parentBaseImage Image"+hashes),
		sysmonRecord("8", onHost+"; baseImage SourceImage; file_path TargetImage; pid SourceProcessId; user_username User"),
		sysmonRecord("9", onHost+"; file_path Image; pid ProcessId; user_username User"),
		// The keys of 10 are the product's: Sysmon's 10 has SourceImage and TargetImage.
		sysmonRecord("10", onHost+"; baseImage Image; file_path TargetFilename; user_username User"),
		sysmonRecord("11", onHost+"; baseImage Image; file_path TargetFilename; changeTarget TargetFilename; user_username User"),
		sysmonRecord("12 13 14", onHost+"; baseImage Image; action EventType; changeType EventType; changeTarget TargetObject; file_path TargetObject; resource Details; user_username User"),
		sysmonRecord("15", onHost+"; baseImage Image; file_path TargetFilename; user_username User"+hashes),
		sysmonRecord("17", onHost+"; baseImage Image; changeTarget PipeName; resource PipeName; pid ProcessId"),
		sysmonRecord("18", onHost+"; baseImage Image; resource PipeName; pid ProcessId"),
		sysmonRecord("19 20", onHost+"; baseImage Image; pid ProcessId; resource PipeName; action=WmiEvent"),
		sysmonRecord("21", host+"; user_username User"),
		sysmonRecord("22", onHost+"; baseImage Image; dns_query QueryName; dns_queryDomain QueryName; dns_replyIp QueryResults; pid ProcessId; user_username User"),
		sysmonRecord("23 26", onHost+"; baseImage Image; file_path TargetFilename; changeTarget TargetFilename; pid ProcessId; user_username User"+hashes),
		sysmonRecord("25", onHost+"; baseImage Image; changeType Type; pid ProcessId; user_username User"),
		sysmonRecord("29", onHost+"; baseImage Image; file_basename TargetFilename; processUid ProcessGuid; pid ProcessId; user_username User; file_hash_md5 MD5; file_hash_sha1 SHA1; file_hash_sha256 SHA256"),

		record(channelSecurity, "4624", skipped, host+"; user_username TargetUserName; user_authDomain SubjectDomainName; user_userId SubjectUserSid; srcDevice_ip IpAddress; srcDevice_hostname WorkstationName; dstDevice_hostname Computer; application LogonProcessName"),
		record(channelSecurity, "4625", skipped, host+"; user_username TargetUserName; user_authDomain TargetDomainName; errorCode SubStatus Status; srcDevice_ip IpAddress; srcDevice_hostname WorkstationName; dstDevice_hostname Computer; application LogonProcessName"),
		record(channelSecurity, "4688", skippedNull, subject+"; baseImage NewProcessName ProcessName; commandLine CommandLine ProcessCommandLine; parentBaseImage ParentProcessName CreatorProcessName; targetUser_username TargetUserName"),
		record(channelSecurity, "4689", skipped, subject+"; file_basename ProcessName"),

		record("System", "7045", skipped, subject+"; application ServiceName; baseImage ImagePath; commandLine ImagePath; file_path ImagePath; changeType ServiceType; moduleType StartType"),
		record(channelPowerShell, "4104", nil, onHost+"; baseImage=powershell.exe; commandLine ScriptBlockText; file_path Path"),
		record("", "", nil, subject+"; targetUser_username TargetUserName; targetUser_authDomain TargetDomainName; targetUser_userId TargetUserSid"),
	}
})

func sysmonRecord(ids, attributes string) Record {
	return record(channelSysmon, ids, skipped, attributes)
}

// record reads a row of the table: "attribute Field Field" or "attribute=value",
// separated by semicolons.
func record(channel, ids string, skip []string, attributes string) Record {
	r := Record{Channel: channel, From: map[string][]string{}, Const: map[string]string{}, Skip: skip}
	if ids != "" {
		r.IDs = words(ids)
	}
	for a := range strings.SplitSeq(attributes, "; ") {
		if name, value, ok := strings.Cut(a, "="); ok {
			r.Const[name] = value
			continue
		}
		w := words(a)
		r.From[w[0]] = w[1:]
	}
	return r
}
