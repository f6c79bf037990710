package mapping

import "strings"

// ecsColumns is where Winlogbeat and its modules for Sysmon, the Security log and
// PowerShell keep the fields of Windows events. By category where it differs
// ("category/field"); what is not named here stays under winlog.event_data, where
// all is keyword. Names are in small letters.
// Source: elastic/beats, x-pack/winlogbeat/module; Winlogbeat's exported fields.
var ecsColumns = map[string]Column{
	"eventid": one("winlog.event_id"), "channel": one("winlog.channel"), "provider": one("winlog.provider_name"), "computer": one("winlog.computer_name"),
	"eventrecordid": one("winlog.record_id"), "userid": one("winlog.user.identifier"), "version": {Names: []string{"winlog.version"}, Type: Number},
	"executionprocessid": {Names: []string{"winlog.process.pid"}, Type: Number}, "executionthreadid": {Names: []string{"winlog.process.thread.id"}, Type: Number},
	"providerguid": one("winlog.provider_guid"), "activityid": one("winlog.activity_id"), "relatedactivityid": one("winlog.related_activity_id"),

	"image": one("process.executable"), "commandline": one("process.command_line"), "currentdirectory": one("process.working_directory"),
	"processid": {Names: []string{"process.pid"}, Type: Number}, "processguid": one("process.entity_id"),
	"parentimage": one("process.parent.executable"), "parentcommandline": one("process.parent.command_line"),
	"parentprocessid": {Names: []string{"process.parent.pid"}, Type: Number}, "parentprocessguid": one("process.parent.entity_id"),
	"originalfilename": one("process.pe.original_file_name"), "company": one("process.pe.company"), "product": one("process.pe.product"), "description": one("process.pe.description"), "fileversion": one("process.pe.file_version"),
	"image_load/originalfilename": one("file.pe.original_file_name"), "image_load/company": one("file.pe.company"), "image_load/product": one("file.pe.product"), "image_load/description": one("file.pe.description"), "image_load/fileversion": one("file.pe.file_version"),
	"user":        {Names: []string{"user.domain", "user.name"}, Form: Account},
	"sourceimage": one("process.executable"), "sourceprocessid": {Names: []string{"process.pid"}, Type: Number}, "sourceprocessguid": one("process.entity_id"),

	"targetfilename": one("file.path"), "imageloaded": one("file.path"), "device": one("file.path"), "pipename": one("file.name"), "targetobject": one("registry.path"), "details": one("registry.data.strings"),
	"sourceip": {Names: []string{"source.ip"}, Type: Address}, "sourceport": {Names: []string{"source.port"}, Type: Number}, "sourcehostname": one("source.domain"),
	"destinationip": {Names: []string{"destination.ip"}, Type: Address}, "destinationport": {Names: []string{"destination.port"}, Type: Number}, "destinationhostname": one("destination.domain"),
	"protocol": {Names: []string{"network.transport"}, Type: Small}, "destinationportname": one("network.protocol"), "queryname": one("dns.question.name"),

	"md5": small("process.hash.md5"), "sha1": small("process.hash.sha1"), "sha256": small("process.hash.sha256"), "imphash": small("process.pe.imphash"),
	"file/md5": small("file.hash.md5"), "file/sha1": small("file.hash.sha1"), "file/sha256": small("file.hash.sha256"), "file/imphash": small("file.pe.imphash"),

	"scriptblocktext": {Names: []string{"powershell.file.script_block_text"}, Type: Words}, "scriptblockid": one("powershell.file.script_block_id"),
	"initiated":      {Names: []string{"network.direction"}, Form: Translated, Is: map[string]string{"egress": "true", "ingress": "false"}},
	"querystatus":    {Names: []string{"sysmon.dns.status"}, Form: Translated, Open: true, Is: map[string]string{"SUCCESS": "0", "ERROR_ACCESS_DENIED": "5", "DNS_ERROR_RCODE_SERVER_FAILURE": "9002", "DNS_ERROR_RCODE_NAME_ERROR": "9003", "DNS_INFO_NO_RECORDS": "9501"}},
	"archived":       {Names: []string{"sysmon.file.archived"}, Type: Boolean},
	"isexecutable":   {Names: []string{"sysmon.file.is_executable"}, Type: Boolean},
	"sourcethreadid": {Names: []string{"process.thread.id"}, Type: Number},
	"rulename":       one("rule.name"),
	"message":        {Names: []string{"message"}, Type: Words},
}

// ecsFiles are the categories whose digests are those of a file, and not of the
// process.
var ecsFiles = map[string]bool{"driver_load": true, "image_load": true, "create_stream_hash": true, "file_delete_detected": true, "file_executable_detected": true}

func one(name string) Column   { return Column{Names: []string{name}} }
func small(name string) Column { return Column{Names: []string{name}, Type: Small} }

// ecsLevels are the words that Winlogbeat has in log.level for the levels of
// Windows; information stands for two of them, 0 and 4, and so for neither.
var ecsLevels = map[string]string{"critical": "1", "error": "2", "warning": "3", "verbose": "5"}

// ECS is where Winlogbeat keeps a field of a Windows event, by the category of
// the rule. why says why the rule cannot be written where it keeps something else.
func ECS(category, field string) (c Column, ok bool, why string) {
	f := strings.ToLower(field)
	switch f {
	case "level":
		return Column{Names: []string{"log.level"}, Form: Translated, Open: true, Is: ecsLevels}, true, ""
	case "keywords":
		return Column{Names: []string{"winlog.keywords"}, Form: Translated, Open: true, Is: map[string]string{"Audit Success": "0x8020000000000000", "Audit Failure": "0x8010000000000000"}}, true, ""
	case "queryresults":
		return Column{}, false, "Winlogbeat takes the answers of a DNS query apart (dns.answers, dns.resolved_ip)"
	case "utctime":
		return Column{}, false, "Winlogbeat keeps it as a time (@timestamp)"
	case "hash", "hashes":
		return Column{}, false, "Winlogbeat keeps each digest in a field of its own, and this asks for no whole one"
	case "task", "opcode":
		return Column{}, false, "Winlogbeat keeps the text that Windows shows for it (winlog." + f + "), not its number"
	}
	category = strings.ToLower(category)
	if ecsFiles[category] {
		if c, ok = ecsColumns["file/"+f]; ok {
			return c, true, ""
		}
	}
	if c, ok = ecsColumns[category+"/"+f]; ok {
		return c, true, ""
	}
	c, ok = ecsColumns[f]
	return c, ok, ""
}
