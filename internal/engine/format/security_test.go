package format_test

import (
	"fmt"
	"path/filepath"
	"testing"
)

// TestSecurity4688InEveryShape: one event of the Security log has Sysmon's names
// beside its own, and its metadata, in every shape. The values are those of
// flat.json, which are those of the recording, and of the shape where it has others.
func TestSecurity4688InEveryShape(t *testing.T) {
	needShared(t)
	const q = "* | json auto | fields EventID, Channel, Computer, Image, NewProcessName, ParentImage, ParentProcessName, User, " +
		"ProcessId, ParentProcessId, NewProcessId, IntegrityLevel, LogonId, EventRecordID, _messageTime, _sourceHost, _sourceCategory, _sourceName, _collector"
	edge := `C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`
	const local = 1641482841000.0 // 15:27:21, the host's time, which NXLog gives no zone to
	for _, path := range samples(t, shared+"/formats/security-4688/*.*") {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			want := map[string]any{
				"EventID": "4688", "Channel": "Security", "Computer": "win10-02.offsec.lan", "EventRecordID": "5999468",
				"Image": edge, "NewProcessName": edge, "ParentImage": edge, "ParentProcessName": edge,
				"User": `OFFSEC\admmig`, "LogonId": "0x8e3563", "IntegrityLevel": "High",
				"ProcessId": "0x23a0", "ParentProcessId": "0x23a0", "NewProcessId": "0x1834",
				"_messageTime": 1641508041407.0, "_sourceHost": "win10-02.offsec.lan", "_sourceCategory": "windows/security",
				"_sourceName": path, "_collector": nil,
			}
			switch name {
			case "nxlog.json":
				want["_messageTime"] = local
			case "nxlog-2.json": // its ProcessId is the writer's
				want["_messageTime"], want["ProcessId"], want["ParentProcessId"] = local, "4", "4"
			case "splunk-wineventlog.txt":
				want["_messageTime"] = 1641508041000.0 // whole seconds
			case "velociraptor.json": // numbers as numbers
				want["ProcessId"], want["ParentProcessId"], want["NewProcessId"], want["LogonId"] = "9120", "9120", "6196", "9319779"
			case "mordor.json":
				want["_collector"] = "wec.internal.cloudapp.net"
			case "wazuh.json":
				want["_collector"] = "wazuh"
			case "winlogbeat.json":
				want["_collector"] = "win10-02.offsec.lan"
			}
			got := run(t, q, 1, 0, false, path)
			got.clean(t)
			if len(got.rows) != 1 {
				t.Fatalf("%d rows, want 1", len(got.rows))
			}
			compare(t, want, got.rows[0])
			plain := run(t, q, 1, 0, true, path)
			for _, f := range []string{"Image", "ParentImage", "ParentProcessId", "IntegrityLevel", "LogonId"} {
				if len(plain.rows) != 1 || plain.rows[0][f] != nil {
					t.Errorf("without mapping %s: %v", f, plain.rows)
				}
			}
		})
	}
}

// TestEventTimes: the fraction of a second and the offset count, in every format.
func TestEventTimes(t *testing.T) {
	const at, whole = 1772352000123.0, 1772352000000.0 // 2026-03-01 08:00:00.123 UTC
	for _, c := range []struct {
		name, text string
		want       float64
	}{
		{"Sysmon's clock", `{"UtcTime":"2026-03-01 08:00:00.123","SystemTime":"2026-03-01T09:00:00Z"}`, at},
		{"ISO with an offset", `{"@timestamp":"2026-03-01T10:00:00.123+02:00"}`, at},
		{"ISO with an offset to the west, without a colon", `{"@timestamp":"2026-03-01T00:30:00.123-0730"}`, at},
		{"nine digits, which are cut off", `{"TimeCreated":"2026-03-01T08:00:00.123999999Z"}`, at},
		{"seconds", `{"time":1772352000}`, whole},
		{"seconds with a fraction", `{"System":{"TimeCreated":{"SystemTime":1772352000.123},"EventID":{"Value":1}}}`, at},
		{"milliseconds", `{"_messageTime":1772352000123,"_raw":""}`, at},
		{"milliseconds as text", `{"_messageTime":"1772352000123","_raw":""}`, at},
		{"nanoseconds", `{"timestamp":1772352000123000000}`, at},
		{"event XML", `<Event><System><TimeCreated SystemTime="2026-03-01T08:00:00.1234567Z"/></System></Event>`, at},
		{"event XML of an odd zone", `<Event><System><TimeCreated SystemTime="2026-03-01T13:45:00.1234567+05:45"/></System></Event>`, at},
		{"CSV", "Timestamp,ActionType\n2026-03-01T09:00:00.1234567+01:00,x\n", at},
		{"logfmt", "time=2026-03-01T07:00:00.123-01:00 a=b\n", at},
		{"syslog RFC 5424", "<34>1 2026-03-01T10:00:00.123456+02:00 h a - - - m\n", at},
		{"syslog RFC 3164, in UTC", "<34>Mar  1 08:00:00 h a: m\n", whole},
		{"CEF", "CEF:0|a|b|c|d|e|1|rt=1772352000123\n", at},
		{"text", "[2026-03-01T10:00:00,123+02:00] m\n", at},
		{"a web server", "1.2.3.4 - - [01/Mar/2026:09:30:00 +0130] \"GET / HTTP/1.0\" 200 1\n", whole},
		{"Splunk, in UTC", "03/01/2026 08:00:00 AM\nLogName=Security\nEventCode=1\nMessage=m\n", whole},
		{"Sumo's legacy text", "instance of Win32_NTLogEvent\n{\n    EventCode = 1;\n    TimeGenerated = \"20260301000000.123000-480\";\n};\n", at},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, res := ask(t, c.text, "* | fields _messageTime")
			res.clean(t)
			if len(res.rows) != 1 || fmt.Sprint(res.rows[0]["_messageTime"]) != fmt.Sprint(c.want) {
				t.Errorf("got %v, want %.0f", res.rows, c.want)
			}
		})
	}
}
