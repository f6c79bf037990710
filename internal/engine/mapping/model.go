package mapping

import (
	"slices"
	"strings"
	"sync"
)

// Model is how the data model of a target keeps the events of a log source,
// whatever product wrote them: CIM of Splunk, ASIM of Sentinel, ECS of Elastic.
type Model struct {
	Name  string // for people
	Table string // dataset, parser or class of events that a query asks
	Where [][2]string
	// Columns are the columns by the fields of Sigma's rules, in small letters.
	Columns map[string]Column
	// Not says of fields why the model does not hold what a rule means by them.
	Not map[string]string
	// Names are the columns that hold the last part of a path that another column holds.
	Names map[string]string
	// Made are columns that a query makes before it asks them: name and expression.
	Made [][2]string
	// Shown are the columns that an analyst needs, in order.
	Shown []string
}

// ModelOf is the data model of a target for a category of Windows' events; nil when
// it has none, or the log source is of another product.
func ModelOf(target, product, category, service string) *Model {
	if service != "" || !strings.EqualFold(product, "windows") && product != "" {
		return nil
	}
	return models()[target][strings.ToLower(category)]
}

const (
	cimUser      = "add-ons differ in whether the model's user has its domain"
	cimHash      = "add-ons write digests into the model's hash field in forms of their own"
	asimLabel    = "parsers write the model's integrity level in words of their own"
	asimEachHash = "the model keeps each digest in a column of its own, and this asks for no whole one"
)

// models are the data models by target and Sigma's category.
//
// Sources: Splunk, Common Information Model, Endpoint; Microsoft, ASIM schema reference
// of process, file and registry events, and the parsers of Azure-Sentinel for Sysmon,
// 4688 and Defender, which say what a column really holds (of the registry's values that
// for Sysmon has no data, so that registry events are not asked there); Elastic, ECS reference, and
// the pipelines of the Windows and System integrations for event.category and event.type;
// forwarded events have host.os.type since Winlogbeat 8.9 (elastic/beats#35435).
var models = sync.OnceValue(func() map[string]map[string]*Model {
	cim := func(set, kind, columns, shown string, pairs ...string) *Model {
		m := &Model{Name: "CIM, " + set, Table: set, Columns: columnsOf(columns), Shown: words(shown), Where: where(pairs...)}
		prefix := kind + "."
		m.Columns = prefixed(m.Columns, prefix)
		for i, s := range m.Shown {
			m.Shown[i] = prefix + s
		}
		for i := range m.Where {
			m.Where[i][0] = prefix + m.Where[i][0]
		}
		m.Not = map[string]string{"user": cimUser, "hashes": cimHash, "md5": cimHash, "sha1": cimHash, "sha256": cimHash, "imphash": cimHash}
		return m
	}
	processes := cim("Endpoint.Processes", "Processes",
		"Computer dest; Image process_path; CommandLine process; CurrentDirectory process_current_directory; ProcessId process_id#n; ProcessGuid process_guid; "+
			"ParentImage parent_process_path; ParentCommandLine parent_process; ParentProcessId parent_process_id#n; ParentProcessGuid parent_process_guid; "+
			"OriginalFileName original_file_name; IntegrityLevel process_integrity_level",
		"dest user parent_process_path parent_process parent_process_id process_path process process_id original_file_name process_hash vendor_product")
	processes.Names = map[string]string{"Processes.process_path": "Processes.process_name", "Processes.parent_process_path": "Processes.parent_process_name"}
	files := func(action string) *Model {
		return cim("Endpoint.Filesystem", "Filesystem", "Computer dest; TargetFilename file_path; ProcessId process_id#n; ProcessGuid process_guid",
			"dest user process_id process_guid file_path file_name file_hash vendor_product", "action", action)
	}
	registry := func(pairs ...string) *Model {
		return cim("Endpoint.Registry", "Registry", "Computer dest; TargetObject registry_path; Details registry_value_data; ProcessId process_id#n; ProcessGuid process_guid",
			"dest user process_id process_guid registry_path registry_value_name registry_value_data action vendor_product", pairs...)
	}

	asimCreated := &Model{
		Name: "ASIM, process events", Table: "imProcessCreate",
		Columns: columnsOf("Computer Dvc; Image TargetProcessName; CommandLine TargetProcessCommandLine; CurrentDirectory TargetProcessCurrentDirectory; ProcessId TargetProcessId; " +
			"ParentImage ActingProcessName; ParentCommandLine ActingProcessCommandLine; ParentProcessId ActingProcessId; " +
			"User StartedBy; OriginalFileName TargetOriginalName; Company TargetProcessFileCompany; Description TargetProcessFileDescription; " +
			"Product TargetProcessFileProduct; FileVersion TargetProcessFileVersion; md5 TargetProcessMD5; sha1 TargetProcessSHA1; sha256 TargetProcessSHA256; imphash TargetProcessIMPHASH"),
		Not:   map[string]string{"integritylevel": asimLabel, "hashes": asimEachHash},
		Names: map[string]string{"TargetProcessName": "TargetBaseName", "ActingProcessName": "ActingBaseName"},
		Made: [][2]string{
			{"TargetBaseName", `tostring(split(TargetProcessName, @"\")[-1])`},
			{"ActingBaseName", `tostring(split(ActingProcessName, @"\")[-1])`},
			// Sysmon's User is the target; of 4688 the target is - where nobody else is meant.
			{"StartedBy", `iff(TargetUsername in ("", "-", @"-\-"), ActorUsername, TargetUsername)`},
			// Sysmon's parser has the original name in a column that others keep the file's own name in.
			{"TargetOriginalName", `iff(EventProduct == "Sysmon", column_ifexists("TargetProcessFilename", ""), column_ifexists("TargetProcessFileOriginalName", ""))`},
		},
		Shown: words("TimeGenerated Dvc DvcId ActorUsername TargetUsername ActingProcessName ActingProcessCommandLine ActingProcessId TargetProcessName TargetProcessCommandLine TargetProcessId TargetProcessSHA256 EventProduct EventOriginalUid"),
	}
	asimFiles := func(kind string) *Model {
		return &Model{
			Name: "ASIM, file events", Table: "imFileEvent", Where: [][2]string{{"EventType", kind}},
			Columns: columnsOf("Computer Dvc; Image ActingProcessName; ProcessId ActingProcessId; User ActorUsername; TargetFilename TargetFilePath"),
			Shown:   words("TimeGenerated Dvc DvcId ActorUsername ActingProcessName ActingProcessCommandLine ActingProcessId TargetFilePath TargetFileName EventType EventProduct"),
		}
	}
	ecsOf := func(category, kind, shown string) *Model {
		return &Model{
			Name: "ECS, " + category + " events", Table: category, Where: [][2]string{{"host.os.type", "windows"}, {"event.category", category}, {"event.type", kind}},
			Names: map[string]string{"process.executable": "process.name", "process.parent.executable": "process.parent.name"},
			Shown: words("@timestamp host.name user.domain user.name " + shown + " event.dataset _id _index _version"),
		}
	}
	const process = "process.parent.executable process.parent.command_line process.executable process.command_line process.pid process.entity_id"

	return map[string]map[string]*Model{
		"splunk": {
			"process_creation": processes,
			"file_event":       files("created"), "file_delete": files("deleted"),
			"registry_set": registry("action", "modified"), "registry_add": registry("action", "created"), "registry_delete": registry("action", "deleted"), "registry_event": registry(),
		},
		"sentinel": {
			"process_creation": asimCreated,
			"file_event":       asimFiles("FileCreated"), "file_delete": asimFiles("FileDeleted"),
		},
		"ecs": {
			"process_creation": ecsOf("process", "start", process), "process_termination": ecsOf("process", "end", process),
			"file_event":  ecsOf("file", "creation", "process.executable process.pid process.entity_id file.path"),
			"file_delete": ecsOf("file", "deletion", "process.executable process.pid process.entity_id file.path"),
		},
	}
})

func prefixed(columns map[string]Column, prefix string) map[string]Column {
	for f, c := range columns {
		c.Names = slices.Clone(c.Names)
		for i := range c.Names {
			c.Names[i] = prefix + c.Names[i]
		}
		columns[f] = c
	}
	return columns
}

// shown are the fields of a category that an analyst needs first, by Sigma's names.
var shown = map[string][]string{
	"process_creation":     words("Computer User ParentImage ParentCommandLine ParentProcessId Image CommandLine ProcessId OriginalFileName"),
	"process_access":       words("Computer SourceUser SourceImage SourceProcessId TargetImage GrantedAccess CallTrace"),
	"create_remote_thread": words("Computer SourceImage SourceProcessId TargetImage StartModule StartFunction"),
	"ps_script":            words("Computer ScriptBlockId Path ScriptBlockText"),
	"file_event":           words("Computer User Image ProcessId TargetFilename"),
	"file_delete":          words("Computer User Image ProcessId TargetFilename"),
	"create_stream_hash":   words("Computer Image TargetFilename Contents Hash"),
	"image_load":           words("Computer User Image ProcessId ImageLoaded Signed Signature"),
	"registry_set":         words("Computer User Image ProcessId TargetObject Details"),
	"registry_add":         words("Computer User Image ProcessId TargetObject EventType"),
	"registry_delete":      words("Computer User Image ProcessId TargetObject EventType"),
	"registry_event":       words("Computer User Image ProcessId TargetObject Details EventType"),
	"network_connection":   words("Computer User Image ProcessId SourceIp DestinationIp DestinationPort DestinationHostname"),
	"dns_query":            words("Computer User Image ProcessId QueryName QueryResults"),
	"pipe_created":         words("Computer User Image ProcessId PipeName"),
}

// Shown are the fields of a category of Windows' events that an analyst needs first.
func Shown(category string) []string { return shown[strings.ToLower(category)] }
