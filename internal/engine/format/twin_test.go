package format_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
)

// twin is an event as an event log has it: what stands under System, and its
// data in order.
type twin struct {
	system map[string]string
	data   [][2]string
	time   string            // _messageTime
	told   map[string]string // what Sysmon's names give of another log's event
}

// toldNames are fields that events of several logs have under names of their own.
var toldNames = []string{"User", "Image", "CommandLine", "ParentImage"}

// ofSystem are the flat names of System that the twins are compared by, and those
// that are none of the data.
var ofSystem = []string{"Provider", "EventID", "EventRecordID", "Channel", "Computer"}

var otherSystem = []string{
	"ProviderGuid", "EventSourceName", "Qualifiers", "Version", "Level", "Task", "Opcode", "Keywords", "SystemTime", "ActivityID",
	"RelatedActivityID", "ExecutionProcessID", "ExecutionThreadID", "ProcessorID", "SessionID", "KernelTime", "UserTime", "ProcessorTime", "UserID",
}

// twins reads the events of a log that an exporter can give whole: data with
// names, one text each.
func twins(t *testing.T, path string) (out []twin) {
	t.Helper()
	for _, row := range run(t, "* | fields _raw, _messagetime, "+strings.Join(toldNames, ", "), 1, 0, false, path).rows {
		d := json.NewDecoder(strings.NewReader(row["_raw"].(string)))
		d.Token()
		e := twin{system: map[string]string{}, told: map[string]string{}, time: fmt.Sprint(row["_messagetime"])}
		whole := true
		for d.More() {
			k, _ := d.Token()
			var v any
			if err := d.Decode(&v); err != nil {
				t.Fatal(err)
			}
			name, text := k.(string), fmt.Sprint(v)
			switch {
			case slices.Contains(ofSystem, name), slices.Contains(otherSystem, name):
				e.system[name] = text
			case strings.ContainsAny(name, ".#") || name == "Data" || name == "Binary" || name == "" || strings.HasPrefix(text, "["):
				whole = false
			default:
				e.data = append(e.data, [2]string{name, text})
			}
		}
		for _, n := range toldNames {
			if v, ok := row[n].(string); ok {
				e.told[n] = v
			}
		}
		if whole && len(e.data) > 0 {
			out = append(out, e)
		}
	}
	return out
}

func (e twin) fields() map[string]string {
	m := map[string]string{}
	for _, d := range e.data {
		m[d[0]] = d[1]
	}
	return m
}

func (e twin) xmlData() string {
	var b strings.Builder
	for _, d := range e.data {
		fmt.Fprintf(&b, "<Data Name='%s'>", d[0])
		xml.EscapeText(&b, []byte(d[1]))
		b.WriteString("</Data>")
	}
	return b.String()
}

func (e twin) xml() string {
	s := e.system
	return fmt.Sprintf(`<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='%s'/><EventID>%s</EventID><TimeCreated SystemTime='%s'/><EventRecordID>%s</EventRecordID><Execution ProcessID='1' ThreadID='2'/><Channel>%s</Channel><Computer>%s</Computer></System><EventData>%s</EventData></Event>`,
		s["Provider"], s["EventID"], s["SystemTime"], s["EventRecordID"], s["Channel"], s["Computer"], e.xmlData())
}

// message is the text that Windows renders of Sysmon's events.
func (e twin) message() string {
	var b strings.Builder
	b.WriteString("Process Create:\r\n")
	for _, d := range e.data {
		fmt.Fprintf(&b, "%s: %s\r\n", d[0], d[1])
	}
	return strings.TrimSuffix(b.String(), "\r\n")
}

func (e twin) values() (out []any) {
	for _, d := range e.data {
		out = append(out, d[1])
	}
	return out
}

func (e twin) pairs() (out []any) {
	for _, d := range e.data {
		out = append(out, map[string]string{"@Name": d[0], "#text": d[1]})
	}
	return out
}

type object = map[string]any

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// exporters write an event as products do; their shapes are those of the
// products' documentation, which the files of mapping name. only is what events
// an exporter can write, own which of its own fields win.
var exporters = []exporter{
	{"sentinel WindowsEvent", func(e twin) any {
		s := e.system
		return object{"TimeGenerated": s["SystemTime"], "Provider": s["Provider"], "Channel": s["Channel"], "Computer": s["Computer"], "EventID": json.Number(s["EventID"]),
			"EventLevelName": "Information", "EventLevel": 4, "EventRecordId": s["EventRecordID"], "EventData": text(e.fields()), "SystemProcessId": 7, "Type": "WindowsEvent"}
	}, nil, nil},
	{"sentinel WindowsEvent, an object", func(e twin) any {
		s := e.system
		return object{"TimeGenerated": s["SystemTime"], "Provider": s["Provider"], "Channel": s["Channel"], "Computer": s["Computer"], "EventID": json.Number(s["EventID"]), "EventRecordId": s["EventRecordID"], "EventData": e.fields()}
	}, nil, nil},
	{"sentinel Event", func(e twin) any {
		s := e.system
		return object{"TimeGenerated": s["SystemTime"], "Source": s["Provider"], "EventLog": s["Channel"], "Computer": s["Computer"], "EventID": json.Number(s["EventID"]), "EventLevelName": "Information",
			"EventData": `<DataItem type="System.XmlData" time="2026-03-01T08:00:00.0000000-00:00" sourceHealthServiceId="1"><EventData xmlns="http://schemas.microsoft.com/win/2004/08/events/event">` + e.xmlData() + `</EventData></DataItem>`, "RecordId": s["EventRecordID"], "EventRecordID": s["EventRecordID"]}
	}, nil, nil},
	{"EvtxECmd", func(e twin) any {
		s := e.system
		return object{"PayloadData1": "x", "MapDescription": "y", "ChunkNumber": 0, "Computer": s["Computer"], "Payload": text(object{"EventData": object{"Data": e.pairs()}}), "Channel": s["Channel"], "Provider": s["Provider"],
			"EventId": json.Number(s["EventID"]), "EventRecordId": s["EventRecordID"], "ProcessId": 7, "ThreadId": 8, "Level": "Info", "TimeCreated": strings.TrimSuffix(s["SystemTime"], "Z") + "+00:00", "RecordNumber": 1}
	}, nil, nil},
	{"Get-WinEvent, message", func(e twin) any {
		s := e.system
		return object{"Message": e.message(), "Id": json.Number(s["EventID"]), "LogName": s["Channel"], "ProviderName": s["Provider"], "RecordId": json.Number(s["EventRecordID"]), "ProcessId": 7, "ThreadId": 8, "MachineName": s["Computer"], "UserId": object{"Value": "S-1-5-18"},
			"TimeCreated": s["SystemTime"], "Properties": []string{"System.Diagnostics.Eventing.Reader.EventProperty", "System.Diagnostics.Eventing.Reader.EventProperty"}}
	}, sysmonOnly, nil},
	{"Get-WinEvent, properties", func(e twin) any {
		s := e.system
		var list []object
		for _, v := range e.values() {
			list = append(list, object{"Value": v})
		}
		return object{"Message": nil, "Id": json.Number(s["EventID"]), "LogName": s["Channel"], "ProviderName": s["Provider"], "RecordId": json.Number(s["EventRecordID"]), "ProcessId": 7, "ThreadId": 8, "MachineName": s["Computer"], "TimeCreated": s["SystemTime"], "Properties": list}
	}, known, []string{"Properties", "Message"}},
	{"Splunk's result", func(e twin) any {
		return object{"preview": false, "offset": 0, "result": object{"_raw": e.xml(), "_time": e.system["SystemTime"], "host": "h", "source": "XmlWinEventLog:x", "sourcetype": "XmlWinEventLog"}}
	}, nil, nil},
	{"container log of XML", func(e twin) any { return object{"log": e.xml() + "\n", "stream": "stdout"} }, nil, nil},
	{"Elasticsearch fields", func(e twin) any {
		s := e.system
		f := object{"winlog.provider_name": []string{s["Provider"]}, "winlog.event_id": []string{s["EventID"]}, "winlog.record_id": []string{s["EventRecordID"]}, "winlog.channel": []string{s["Channel"]}, "winlog.computer_name": []string{s["Computer"]}, "@timestamp": []string{s["SystemTime"]}}
		for _, d := range e.data {
			f["winlog.event_data."+d[0]] = []string{d[1]}
		}
		return object{"_index": "w", "_id": "1", "fields": f}
	}, nil, nil},
	{"OpenTelemetry, a list", func(e twin) any {
		s := e.system
		var list []object
		for _, d := range e.data {
			list = append(list, object{d[0]: d[1]})
		}
		return object{"channel": s["Channel"], "computer": s["Computer"], "event_id": object{"id": json.Number(s["EventID"]), "qualifiers": 0}, "provider": object{"name": s["Provider"]}, "record_id": json.Number(s["EventRecordID"]), "system_time": s["SystemTime"], "event_data": object{"data": list}}
	}, nil, nil},
	{"OpenTelemetry, OTLP", func(e twin) any {
		s := e.system
		body := object{"channel": s["Channel"], "computer": s["Computer"], "event_id": object{"id": json.Number(s["EventID"])}, "provider": object{"name": s["Provider"]}, "record_id": json.Number(s["EventRecordID"]), "system_time": s["SystemTime"], "event_data": e.fields()}
		return object{"resourceLogs": []object{{"resource": object{}, "scopeLogs": []object{{"scope": object{}, "logRecords": []object{{"observedTimeUnixNano": "1800000000000000000", "body": otlpOf(body)}}}}}}}
	}, nil, nil},
	{"OpenTelemetry, OTLP of XML", func(e twin) any {
		record := object{"observedTimeUnixNano": "1800000000000000000", "body": object{"stringValue": e.xml()}, "attributes": []object{{"key": "a", "value": object{"arrayValue": object{"values": []object{{"boolValue": true}, {"doubleValue": 1.5}}}}}}}
		return object{"resourceLogs": []object{{"resource": object{"attributes": []object{{"key": "host.name", "value": object{"stringValue": "gw"}}}}, "instrumentationLibraryLogs": []object{{"logRecords": []object{record}}}}}}
	}, nil, nil},
	{"Log Analytics tables", func(e twin) any {
		s := e.system
		row := object{"TimeGenerated": s["SystemTime"], "Provider": s["Provider"], "Channel": s["Channel"], "Computer": s["Computer"], "EventID": json.Number(s["EventID"]), "EventLevelName": "Information", "EventRecordId": s["EventRecordID"], "EventData": text(e.fields())}
		var columns []object
		var values []any
		for k, v := range row {
			columns, values = append(columns, object{"name": k, "type": "string"}), append(values, v)
		}
		return object{"tables": []object{{"name": "PrimaryResult", "columns": columns, "rows": []any{values}}}}
	}, nil, nil},
	{"Sentinel, ParameterXml", func(e twin) any {
		s := e.system
		var params strings.Builder
		for _, v := range e.values() {
			params.WriteString("<Param>")
			xml.EscapeText(&params, []byte(v.(string)))
			params.WriteString("</Param>")
		}
		return object{"TimeGenerated": s["SystemTime"], "Source": s["Provider"], "EventLog": s["Channel"], "Computer": s["Computer"], "EventID": json.Number(s["EventID"]), "EventLevelName": "Information", "EventRecordID": s["EventRecordID"], "ParameterXml": params.String()}
	}, known, nil},
	{"OpenTelemetry, user_data", func(e twin) any {
		s := e.system
		return object{"channel": s["Channel"], "computer": s["Computer"], "event_id": object{"id": json.Number(s["EventID"])}, "provider": object{"name": s["Provider"]}, "record_id": json.Number(s["EventRecordID"]), "system_time": s["SystemTime"], "user_data": object{"Any": e.fields()}}
	}, nil, nil},
	{"osquery", func(e twin) any {
		s := e.system
		return object{"name": "pack", "hostIdentifier": "h", "unixTime": 1772352000, "columns": object{"computer_name": s["Computer"], "data": text(object{"EventData": e.fields()}), "datetime": s["SystemTime"], "eventid": s["EventID"],
			"provider_guid": "{}", "provider_name": s["Provider"], "source": s["Channel"], "pid": "1", "tid": "2", "EventRecordID": s["EventRecordID"]}, "action": "added"}
	}, nil, []string{"Action"}},
	{"Promtail", func(e twin) any {
		s := e.system
		return object{"source": s["Provider"], "channel": s["Channel"], "computer": s["Computer"], "event_id": json.Number(s["EventID"]), "timeCreated": s["SystemTime"], "eventRecordID": json.Number(s["EventRecordID"]), "execution": object{"processId": 1}, "event_data": e.xmlData(), "message": "x"}
	}, nil, nil},
	{"Promtail out of Loki", func(e twin) any {
		s := e.system
		return object{"labels": object{"job": "w"}, "timestamp": s["SystemTime"], "line": text(object{"source": s["Provider"], "channel": s["Channel"], "computer": s["Computer"], "event_id": json.Number(s["EventID"]), "timeCreated": s["SystemTime"], "eventRecordID": json.Number(s["EventRecordID"]), "user_data": "<A xmlns='x'>" + strings.NewReplacer("<Data Name='", "<", "</Data>", "</x>").Replace("") + elements(e) + "</A>"})}
	}, simpleNames, nil},
	{"Fluent Bit, message", func(e twin) any {
		s := e.system
		return object{"ProviderName": s["Provider"], "ProviderGuid": "{}", "EventID": json.Number(s["EventID"]), "TimeCreated": s["SystemTime"], "EventRecordID": json.Number(s["EventRecordID"]), "ProcessID": 7, "ThreadID": 8, "Channel": s["Channel"], "Computer": s["Computer"], "Message": e.message(), "StringInserts": []string{}}
	}, sysmonOnly, nil},
	{"Fluent Bit, inserts", func(e twin) any {
		s := e.system
		return object{"ProviderName": s["Provider"], "EventID": json.Number(s["EventID"]), "TimeCreated": s["SystemTime"], "EventRecordID": json.Number(s["EventRecordID"]), "ProcessID": 7, "Channel": s["Channel"], "Computer": s["Computer"], "Message": "x", "StringInserts": e.values()}
	}, known, nil},
	{"GELF", func(e twin) any {
		s := e.system
		o := object{"version": "1.1", "host": s["Computer"], "short_message": "x", "timestamp": 1, "_EventID": json.Number(s["EventID"]), "_Channel": s["Channel"], "_SourceName": s["Provider"], "_Provider": s["Provider"], "_EventRecordID": s["EventRecordID"], "_SystemTime": s["SystemTime"]}
		for _, d := range e.data {
			o["_"+d[0]] = d[1]
		}
		return o
	}, nil, nil},
	{"Graylog of Winlogbeat", func(e twin) any {
		s := e.system
		o := object{"gl2_source_input": "x", "message": "x", "winlogbeat_winlog_event_id": json.Number(s["EventID"]), "winlogbeat_winlog_channel": s["Channel"], "winlogbeat_winlog_provider_name": s["Provider"], "winlogbeat_winlog_computer_name": s["Computer"], "winlogbeat_winlog_record_id": s["EventRecordID"], "timestamp": s["SystemTime"]}
		for _, d := range e.data {
			o["winlogbeat_winlog_event_data_"+d[0]] = d[1]
		}
		return o
	}, nil, nil},
	{"HEC, XML", func(e twin) any { return object{"time": 1800000000.5, "host": "h", "event": e.xml()} }, nil, nil},
	{"HEC, JSON as text", func(e twin) any { return object{"time": 1800000000.5, "event": text(e.flat())} }, nil, nil},
	{"CloudWatch subscription", func(e twin) any {
		return object{"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logEvents": []object{{"id": "3", "timestamp": 1800000000000, "message": e.xml()}}}
	}, nil, nil},
	{"CloudWatch get-log-events", func(e twin) any {
		return object{"events": []object{{"timestamp": 1800000000000, "message": text(e.flat()), "ingestionTime": 1800000000000}}, "nextForwardToken": "f/1"}
	}, nil, nil},
	{"CloudWatch Logs Insights", func(e twin) any {
		return object{"results": []any{[]object{{"field": "@timestamp", "value": "2027-01-15 08:00:00.000"}, {"field": "@message", "value": e.xml()}}}, "status": "Complete"}
	}, nil, nil},
	{"Loki", func(e twin) any {
		return object{"status": "success", "data": object{"resultType": "streams", "result": []object{{"stream": object{"job": "w"}, "values": [][]string{{"1800000000000000000", e.xml()}}}}}}
	}, nil, nil},
	{"Loki push", func(e twin) any {
		return object{"streams": []object{{"stream": object{"job": "w"}, "values": [][]string{{"1800000000000000000", text(e.flat())}}}}}
	}, nil, nil},
	{"Google Cloud jsonPayload", func(e twin) any {
		return object{"insertId": "a", "logName": "projects/x/logs/y", "timestamp": "2027-01-15T08:00:00Z", "jsonPayload": e.flat()}
	}, nil, nil},
	{"Google Cloud textPayload", func(e twin) any {
		return object{"insertId": "a", "logName": "projects/x/logs/y", "timestamp": "2027-01-15T08:00:00Z", "textPayload": e.xml()}
	}, nil, nil},
	{"NXLog EventXML", func(e twin) any {
		return object{"EventTime": "2027-01-15 08:00:00", "Hostname": "h", "EventXML": e.xml(), "SourceModuleType": "im_msvistalog"}
	}, nil, nil},
	{"Event Hub records", func(e twin) any {
		return object{"records": []object{{"time": "2027-01-15T08:00:00Z", "category": "WindowsEvent", "properties": e.flat()}}}
	}, nil, []string{"Properties"}},
	{"Azure diagnostics, RawXml", func(e twin) any {
		return object{"records": []object{{"time": "2027-01-15T08:00:00Z", "properties": object{"EventId": json.Number(e.system["EventID"]), "Channel": e.system["Channel"], "RawXml": e.xml()}}}}
	}, nil, []string{"Properties"}},
	{"Datadog", func(e twin) any {
		s := e.system
		system := object{"EventID": json.Number(s["EventID"]), "Channel": s["Channel"], "Computer": s["Computer"], "EventRecordID": s["EventRecordID"], "Provider": object{"#attributes": object{"Name": s["Provider"]}}, "TimeCreated": object{"#attributes": object{"SystemTime": s["SystemTime"]}}}
		return object{"_id": "x", "date": "2027-01-15T08:00:00Z", "attributes": object{"Event": object{"System": system, "EventData": object{"Data": e.fields()}}}}
	}, nil, nil},
	{"two in a list, under any name", func(e twin) any {
		other := object{"EventID": 9999, "EventRecordID": "0" + e.system["EventRecordID"]}
		return object{"exported": object{"by": "x", "items": []any{object{"i": 1, "e": e.flat()}, object{"i": 2, "e": other}}}}
	}, nil, nil},
	{"a time before JSON", func(e twin) any { return "2027-01-15T08:00:00.123Z stdout F " + text(e.flat()) }, nil, nil},
	{"a time before XML", func(e twin) any { return "2027-01-15 08:00:00 dump: " + e.xml() }, oneLine, nil},
	{"key=value", func(e twin) any {
		return "2027-01-15 08:00:00 INFO " + e.join(" ", func(k, v string) string {
			return k + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
		})
	}, plainNames, nil},
	{"LEEF", func(e twin) any {
		return "<13>Jan 15 08:00:00 h LEEF:2.0|Microsoft|Windows|10|" + e.system["EventID"] + "|x09|" + e.join("\t", func(k, v string) string { return k + "=" + v })
	}, plainNames, nil},
	{"WinCollect", func(e twin) any {
		s := e.system
		return "<13>Jan 15 08:00:00 h AgentDevice=WindowsLog\tAgentLogFile=" + s["Channel"] + "\tSource=" + s["Provider"] + "\tComputer=" + s["Computer"] + "\tEventID=" + s["EventID"] + "\tEventIDCode=" + s["EventID"] +
			"\tRecordNumber=" + s["EventRecordID"] + "\tMessage=" + strings.ReplaceAll(e.message(), "\r\n", " ")
	}, func(e twin) bool { return sysmonOnly(e) && plainNames(e) }, nil},
	{"forwarded, by the collector's name", func(e twin) any {
		return strings.Replace(e.xml(), "<Channel>"+e.system["Channel"]+"<", "<Channel>ForwardedEvents<", 1)
	}, func(e twin) bool {
		return e.system["Provider"] == "Microsoft-Windows-Sysmon" || e.system["Provider"] == "Microsoft-Windows-Security-Auditing"
	}, nil},
	{"Get-WinEvent, time, number and message", func(e twin) any {
		return object{"TimeCreated": e.system["SystemTime"], "Id": json.Number(e.system["EventID"]), "RecordId": e.system["EventRecordID"], "Message": e.message()}
	}, sysmonOnly, []string{"Computer"}},
	{"syslog with XML", func(e twin) any { return "<14>1 2026-03-01T08:00:00Z gw sysmon 12 - - " + e.xml() }, oneLine, nil},
	{"syslog with JSON", func(e twin) any {
		o := object{}
		for k, v := range e.system {
			o[k] = v
		}
		o["EventData"] = e.fields()
		return "Mar  1 08:00:00 gw nxlog: " + text(o)
	}, nil, nil},
}

type exporter struct {
	name  string
	write func(twin) any // an object, or a text
	only  func(twin) bool
	own   []string // fields of its own that have names of some event's data, and win
}

// documents are exporters whose files have more than the events, and those that leave
// out some of System's fields (lacks); the events are told by their order then.
var documents = []struct {
	exporter
	before, after string
	lacks         []string
}{
	{exporter{"Format-List", func(e twin) any { return e.formatList(0) }, printable, nil}, "\r\n", "", nil},
	{exporter{"Format-List, 100 columns", func(e twin) any { return e.formatList(100) }, func(e twin) bool { return printable(e) && narrow(e, 72) }, nil}, "\r\n", "", nil},
	{exporter{"Format-List of what is shown without *", func(e twin) any {
		s := e.system
		return "TimeCreated  : " + s["SystemTime"] + "\r\nProviderName : " + s["Provider"] + "\r\nId           : " + s["EventID"] + "\r\nMessage      : " + strings.ReplaceAll(e.message(), "\r\n", "\r\n               ") + "\r\n\r\n"
	}, printable, nil}, "\r\n\r\n", "\r\n", []string{"EventRecordID", "Computer"}},
	{exporter{"wevtutil, text", func(e twin) any {
		s := e.system
		return "Event[0]:\r\n  Log Name: " + s["Channel"] + "\r\n  Source: " + s["Provider"] + "\r\n  Date: " + s["SystemTime"] + "\r\n  Event ID: " + s["EventID"] + "\r\n  Task: x\r\n  Level: Information\r\n  Opcode: Info\r\n  Keyword: N/A\r\n  User: S-1-5-18\r\n  User Name: NT AUTHORITY\\SYSTEM\r\n  Computer: " + s["Computer"] + "\r\n  Description: \r\n" + e.message() + "\r\n\r\n"
	}, printable, nil}, "", "", []string{"EventRecordID"}},
	{exporter{"Event Viewer, copied", func(e twin) any {
		s := e.system
		return "Log Name:      " + s["Channel"] + "\r\nSource:        " + s["Provider"] + "\r\nDate:          " + s["SystemTime"] + "\r\nEvent ID:      " + s["EventID"] + "\r\nTask Category: x\r\nLevel:         Information\r\nKeywords:      \r\nUser:          SYSTEM\r\nComputer:      " + s["Computer"] + "\r\nDescription:\r\n" + e.message() + "\r\nEvent Xml:\r\n" + e.xml() + "\r\n"
	}, printable, nil}, "", "", nil},
	{exporter{"Event Viewer's CSV", func(e twin) any { return e.eventViewer(",") }, printable, nil}, "Level,Date and Time,Source,Event ID,Task Category\r\n", "", []string{"EventRecordID", "Computer"}},
	{exporter{"Event Viewer's CSV, without its first line", func(e twin) any { return e.eventViewer(",") }, printable, nil}, "", "", []string{"EventRecordID", "Computer"}},
	{exporter{"Event Viewer's text between tabs", func(e twin) any { return e.eventViewer("\t") }, printable, nil}, "Level\tDate and Time\tSource\tEvent ID\tTask Category\r\n", "", []string{"EventRecordID", "Computer"}},
	{exporter{"CLIXML", func(e twin) any { return e.clixml() }, func(e twin) bool { return known(e) || sysmonOnly(e) }, []string{"Properties", "Message"}},
		`<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">` + "\r\n", "</Objs>", nil},
	{exporter{"Splunk's XML, _raw", func(e twin) any {
		var b strings.Builder
		xml.EscapeText(&b, []byte(e.xml()))
		return `<result offset='0'><field k='_raw'><v xml:space='preserve' trim='0'>` + strings.Replace(b.String(), "Sysmon", `<sg h="1">Sysmon</sg>`, 1) + "</v></field>\n<field k='_time'><value><text>2027-01-15T08:00:00.000+00:00</text></value></field></result>"
	}, nil, nil}, "<?xml version='1.0' encoding='UTF-8'?>\n<results preview='0'>\n<meta>\n<fieldOrder>\n<field>_raw</field>\n</fieldOrder>\n</meta>\n", "</results>\n", nil},
	{exporter{"awslogs.data", func(e twin) any {
		return object{"awslogs": object{"data": packed(text(object{"messageType": "DATA_MESSAGE", "logEvents": []object{{"id": "3", "timestamp": 1800000000000, "message": e.xml()}}}), true)}}
	}, nil, nil}, "", "", nil},
	{exporter{"Kinesis", func(e twin) any {
		return object{"Records": []object{{"kinesis": object{"partitionKey": "1", "data": packed(text(object{"messageType": "DATA_MESSAGE", "logEvents": []object{{"id": "3", "timestamp": 1800000000000, "message": text(e.flat())}}}), true)}, "eventSource": "aws:kinesis"}}}
	}, nil, nil}, "", "", nil},
	{exporter{"Firehose", func(e twin) any {
		return object{"requestId": "x", "timestamp": 1800000000000, "records": []object{{"data": packed(text(e.flat())+"\n", false)}}}
	}, nil, nil}, "", "", nil},
	{exporter{"Pub/Sub", func(e twin) any {
		return object{"message": object{"data": packed(e.xml(), false), "messageId": "1", "publishTime": "2027-01-15T08:00:00Z"}, "subscription": "projects/x/subscriptions/y"}
	}, nil, nil}, "", "", nil},
	{exporter{"Pub/Sub, pulled", func(e twin) any {
		return object{"ackId": "a", "message": object{"data": packed(text(e.flat()), false), "publishTime": "2027-01-15T08:00:00Z"}}
	}, nil, nil}, "", "", nil},
	{exporter{"NXLog, message alone", func(e twin) any {
		s := e.system
		return object{"EventTime": s["SystemTime"], "Hostname": s["Computer"], "EventID": json.Number(s["EventID"]), "SourceName": s["Provider"], "RecordNumber": s["EventRecordID"], "Channel": s["Channel"], "Message": e.message(), "SourceModuleType": "im_msvistalog"}
	}, sysmonOnly, nil}, "", "", nil},
	{exporter{"Winlogbeat 6", func(e twin) any {
		s := e.system
		return object{"@timestamp": s["SystemTime"], "beat": object{"hostname": "h"}, "computer_name": s["Computer"], "event_data": e.fields(), "event_id": json.Number(s["EventID"]), "log_name": s["Channel"], "message": "x", "record_number": s["EventRecordID"], "source_name": s["Provider"], "user": object{"identifier": "S-1-5-18", "name": "SYSTEM"}}
	}, nil, nil}, "", "", nil},
	{exporter{"Winlogbeat, message alone", func(e twin) any {
		s := e.system
		return object{"@timestamp": s["SystemTime"], "event": object{"code": s["EventID"]}, "winlog": object{"channel": s["Channel"], "event_id": s["EventID"], "computer_name": s["Computer"], "provider_name": s["Provider"], "record_id": s["EventRecordID"]}, "message": e.message()}
	}, sysmonOnly, nil}, "", "", nil},
	{exporter{"ECS without winlog", func(e twin) any {
		s, d := e.system, e.fields()
		domain, name, _ := strings.Cut(d["User"], `\`)
		return object{"@timestamp": strings.Replace(d["UtcTime"], " ", "T", 1) + "Z", "event": object{"code": s["EventID"], "provider": s["Provider"], "module": "sysmon", "kind": "event"}, "host": object{"name": s["Computer"]}, "user": object{"domain": domain, "name": name},
			"process": object{"executable": d["Image"], "command_line": d["CommandLine"], "working_directory": d["CurrentDirectory"], "pid": json.Number(d["ProcessId"]), "entity_id": d["ProcessGuid"], "pe": object{"original_file_name": d["OriginalFileName"]},
				"parent": object{"executable": d["ParentImage"], "command_line": d["ParentCommandLine"], "pid": json.Number(d["ParentProcessId"]), "entity_id": d["ParentProcessGuid"]}}}
	}, func(e twin) bool {
		return sysmonOnly(e) && e.system["EventID"] == "1" && e.fields()["OriginalFileName"] != ""
	}, nil},
		"", "", []string{"EventRecordID", "RuleName", "FileVersion", "Description", "Product", "Company", "LogonGuid", "LogonId", "TerminalSessionId", "IntegrityLevel", "Hashes", "ParentUser"}},
	{exporter{"Wazuh's archives.log", func(e twin) any {
		s := e.system
		data := object{}
		for k, v := range e.fields() {
			data[strings.ToLower(k[:1])+k[1:]] = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v)
		}
		return "2027 Jan 15 08:00:00 (h) any->EventChannel " + text(object{"win": object{"system": object{"providerName": s["Provider"], "eventID": s["EventID"], "systemTime": s["SystemTime"], "eventRecordID": s["EventRecordID"], "channel": s["Channel"], "computer": s["Computer"]}, "eventdata": data}})
	}, nil, nil}, "", "", nil},
}

// printable reports whether the text of an event can stand in a listing.
func printable(e twin) bool {
	return sysmonOnly(e) && !slices.ContainsFunc(e.data, func(d [2]string) bool {
		return strings.ContainsAny(d[1], "\r\n") || strings.Trim(d[1], " ") != d[1] || d[1] == ""
	})
}

// narrow reports whether no word of an event's message is broken by so many columns.
func narrow(e twin, columns int) bool {
	return !slices.ContainsFunc(strings.Fields(e.message()), func(w string) bool { return len(w) >= columns })
}

// formatList is an event as Get-WinEvent | Format-List * shows it, in so many columns;
// 0 for as many as it takes.
func (e twin) formatList(columns int) string {
	s := e.system
	var b strings.Builder
	for _, f := range [][2]string{{"Message", e.message()}, {"Id", s["EventID"]}, {"Version", "5"}, {"Qualifiers", ""}, {"Level", "4"}, {"Keywords", "-9223372036854775808"}, {"RecordId", s["EventRecordID"]},
		{"ProviderName", s["Provider"]}, {"LogName", s["Channel"]}, {"ProcessId", "1"}, {"ThreadId", "2"}, {"MachineName", s["Computer"]}, {"UserId", "S-1-5-18"}, {"TimeCreated", s["SystemTime"]}, {"LevelDisplayName", "Information"},
		{"Properties", "{System.Diagnostics.Eventing.Reader.EventProperty...}"}} {
		head := fmt.Sprintf("%-20s : ", f[0])
		for _, line := range strings.Split(f[1], "\r\n") {
			for columns > 0 && len(line) > columns-23 { // at a blank, which is left out
				at := strings.LastIndexByte(line[:columns-22], ' ')
				b.WriteString(head + line[:at] + "\r\n")
				line, head = line[at+1:], strings.Repeat(" ", 23)
			}
			b.WriteString(head + line + "\r\n")
			head = strings.Repeat(" ", 23)
		}
	}
	return b.String()
}

func (e twin) eventViewer(sep string) string {
	s := e.system
	return strings.Join([]string{"Information", s["SystemTime"], s["Provider"], s["EventID"], "x", `"` + strings.ReplaceAll(e.message(), `"`, `""`) + `"`}, sep)
}

// clixml is an event as Get-WinEvent | Export-Clixml writes it.
func (e twin) clixml() string {
	s := e.system
	escape := func(v string) string {
		var b strings.Builder
		xml.EscapeText(&b, []byte(v))
		return strings.NewReplacer("&#xD;", "_x000D_", "&#xA;", "_x000A_", "&#x9;", "_x0009_").Replace(b.String())
	}
	var b strings.Builder
	fmt.Fprintf(&b, `  <Obj RefId="0"><TN RefId="0"><T>System.Diagnostics.Eventing.Reader.EventLogRecord</T></TN><ToString>System.Diagnostics.Eventing.Reader.EventLogRecord</ToString><Props><I32 N="Id">%s</I32><Nil N="Qualifiers" /><I64 N="RecordId">%s</I64><S N="ProviderName">%s</S><S N="LogName">%s</S><I32 N="ProcessId">1</I32><S N="MachineName">%s</S><DT N="TimeCreated">%s</DT><Obj N="Properties" RefId="3"><TN RefId="2"><T>x</T></TN><LST>`,
		s["EventID"], s["EventRecordID"], escape(s["Provider"]), escape(s["Channel"]), s["Computer"], s["SystemTime"])
	for _, d := range e.data {
		fmt.Fprintf(&b, `<Obj RefId="9"><ToString>System.Diagnostics.Eventing.Reader.EventProperty</ToString><Props><S N="Value">%s</S></Props></Obj>`, escape(d[1]))
	}
	b.WriteString("</LST></Obj></Props><MS>")
	if sysmonOnly(e) {
		fmt.Fprintf(&b, `<S N="Message">%s</S>`, escape(e.message()))
	}
	return b.String() + "</MS></Obj>"
}

// packed is a text in base64, gzipped or not.
func packed(s string, zipped bool) string {
	if zipped {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(s))
		z.Close()
		s = b.String()
	}
	return base64.StdEncoding.EncodeToString([]byte(s))
}

// otlpOf writes a value as OTLP's AnyValue.
func otlpOf(v any) object {
	switch v := v.(type) {
	case object:
		var list []object
		for k, x := range v {
			list = append(list, object{"key": k, "value": otlpOf(x)})
		}
		return object{"kvlistValue": object{"values": list}}
	case map[string]string:
		var list []object
		for k, x := range v {
			list = append(list, object{"key": k, "value": otlpOf(x)})
		}
		return object{"kvlistValue": object{"values": list}}
	case json.Number:
		return object{"intValue": v.String()}
	}
	return object{"stringValue": v}
}

// flat is the event as one object of fields.
func (e twin) flat() object {
	o := object{}
	for _, k := range append(slices.Clone(ofSystem), "SystemTime") {
		o[k] = e.system[k]
	}
	for _, d := range e.data {
		o[d[0]] = d[1]
	}
	return o
}

// join writes the fields that have a value behind each other.
func (e twin) join(sep string, pair func(k, v string) string) string {
	var out []string
	for k, v := range e.flat() {
		if v != "" {
			out = append(out, pair(k, v.(string)))
		}
	}
	slices.Sort(out)
	return strings.Join(out, sep)
}

// plainNames reports whether an event can stand on a line of names and values.
func plainNames(e twin) bool {
	for k, v := range e.flat() {
		if strings.ContainsAny(k, " =()/") || strings.ContainsAny(v.(string), "\r\n\t") || strings.Trim(v.(string), " ") != v && v != "" {
			return false
		}
	}
	return true
}

func elements(e twin) string {
	var b strings.Builder
	for _, d := range e.data {
		fmt.Fprintf(&b, "<%s>", d[0])
		xml.EscapeText(&b, []byte(d[1]))
		fmt.Fprintf(&b, "</%s>", d[0])
	}
	return b.String()
}

func sysmonOnly(e twin) bool {
	names := mapping.SysmonFields(e.system["EventID"])
	return e.system["Provider"] == "Microsoft-Windows-Sysmon" && !slices.ContainsFunc(e.data, func(d [2]string) bool { return !slices.Contains(names, d[0]) })
}

func known(e twin) bool {
	names := mapping.Template(e.system["Provider"], e.system["EventID"], len(e.data))
	return names != nil && slices.EqualFunc(names, e.data, func(n string, d [2]string) bool { return n == d[0] })
}

func simpleNames(e twin) bool {
	return !slices.ContainsFunc(e.data, func(d [2]string) bool { return strings.ContainsAny(d[0], " /()<>&'") || d[0] == "" })
}

func oneLine(e twin) bool { return !strings.ContainsAny(e.xml(), "\r\n") }

// TestTwins: what an event log gives, every export of it gives.
func TestTwins(t *testing.T) {
	needShared(t)
	var events []twin
	n := 0
	err := filepath.WalkDir(shared+"/evtx/to-mitre-attack", func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".evtx") && n < 40 {
			n++
			events = append(events, twins(t, path)[:]...)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// A few of each kind of event, numbered anew.
	kinds := map[string]int{}
	var some []twin
	names := slices.Concat(ofSystem, toldNames)
	for _, e := range events {
		k := e.system["Provider"] + e.system["EventID"]
		if kinds[k]++; kinds[k] > 3 {
			continue
		}
		e.system["EventRecordID"] = fmt.Sprint(1000 + len(some))
		some = append(some, e)
		for _, d := range e.data {
			if !slices.Contains(names, d[0]) && !strings.Contains(d[0], `"`) {
				names = append(names, d[0])
			}
		}
	}
	if len(some) < 50 {
		t.Fatalf("%d events", len(some))
	}
	var quoted []string
	for _, n := range names {
		quoted = append(quoted, `%"`+n+`"`)
	}
	q := "* | fields _messagetime, " + strings.Join(quoted, ", ")
	all := documents
	for _, x := range exporters {
		all = append(all, struct {
			exporter
			before, after string
			lacks         []string
		}{exporter: x})
	}
	for _, x := range all {
		t.Run(x.name, func(t *testing.T) {
			var b bytes.Buffer
			var sheet bytes.Buffer
			table, columns := csv.NewWriter(&sheet), []string(nil)
			count := 0
			byNumber, inOrder := map[string]twin{}, []twin(nil)
			b.WriteString(x.before)
			for _, e := range some {
				if x.only != nil && !x.only(e) {
					continue
				}
				count++
				byNumber[e.system["EventRecordID"]], inOrder = e, append(inOrder, e)
				v := x.write(e)
				if s, ok := v.(string); ok {
					b.WriteString(s + "\n")
				} else {
					b.WriteString(text(v) + "\n")
				}
				if o, ok := v.(object); ok && x.name == "EvtxECmd" {
					if columns == nil {
						for k := range o {
							columns = append(columns, k)
						}
						slices.Sort(columns)
						table.Write(columns)
					}
					var row []string
					for _, k := range columns {
						row = append(row, fmt.Sprint(o[k]))
					}
					table.Write(row)
				}
			}
			if count == 0 {
				t.Fatal("no event is of the kind")
			}
			b.WriteString(x.after)
			files := map[string][]byte{"log": b.Bytes()}
			if columns != nil {
				table.Flush()
				files["log.csv"] = sheet.Bytes()
			}
			for name, body := range files {
				path := filepath.Join(t.TempDir(), name)
				if err := os.WriteFile(path, body, 0o600); err != nil {
					t.Fatal(err)
				}
				res := run(t, q, 1, 0, false, path)
				res.clean(t)
				rows := slices.DeleteFunc(res.rows, func(row map[string]any) bool {
					return strings.HasPrefix(fmt.Sprint(row["EventRecordID"]), "0")
				})
				if len(rows) != count {
					t.Errorf("%s: %d rows, want %d", name, len(rows), count)
				}
				slices.SortFunc(rows, func(a, b map[string]any) int { return cmp.Compare(a["at"].(uint64), b["at"].(uint64)) })
				for i, row := range rows {
					e, ok := byNumber[fmt.Sprint(row["EventRecordID"])]
					if slices.Contains(x.lacks, "EventRecordID") && i < len(inOrder) {
						e, ok = inOrder[i], true
					}
					if !ok {
						t.Errorf("%s: no event has the number %v", name, row["EventRecordID"])
						continue
					}
					want := map[string]string{}
					for _, n := range ofSystem {
						want[n] = e.system[n]
					}
					for _, d := range e.data {
						want[d[0]] = d[1]
					}
					for n, w := range e.told { // what findings say of an event: who, what, of whom
						if _, ok := want[n]; !ok {
							want[n] = w
						}
					}
					for n, w := range want {
						if slices.Contains(x.own, n) || slices.Contains(x.lacks, n) {
							continue // the exporter has a field of its own of the name
						}
						if g := row[n]; g == nil && w != "" || g != nil && fmt.Sprint(g) != w && !(strings.TrimRight(fmt.Sprint(g), " \r\n") == strings.TrimRight(w, " \r\n")) {
							t.Errorf("%s: event %s %s, %s: got %q, want %q", name, e.system["Provider"], e.system["EventID"], n, fmt.Sprint(g), w)
						}
					}
					if g := fmt.Sprint(row["_messagetime"]); g != e.time {
						t.Errorf("%s: event %s %s has the time %s, want %s", name, e.system["Provider"], e.system["EventID"], g, e.time)
					}
				}
			}
		})
	}
}
