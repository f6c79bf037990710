package evtxtest

// System is the template of an event's head, as Sysmon's provider has it: ten
// values, of which the last is the event's data.
func System(provider, channel string) *Template {
	p := func(i uint16, t byte) []any { return []any{Place{i, t, true}} }
	return &Template{GUID: [16]byte{1, byte(len(provider)), byte(len(channel))}, Root: Element{
		Name:  "Event",
		Attrs: []Attr{{"xmlns", []any{"http://schemas.microsoft.com/win/2004/08/events/event"}}},
		Content: []any{
			Element{Name: "System", Content: []any{
				Element{Name: "Provider", Attrs: []Attr{{"Name", []any{provider}}, {"Guid", p(0, 0x0f)}}},
				Element{Name: "EventID", Content: p(1, 0x06)},
				Element{Name: "Version", Content: p(2, 0x04)},
				Element{Name: "TimeCreated", Attrs: []Attr{{"SystemTime", p(3, 0x11)}}},
				Element{Name: "EventRecordID", Content: p(4, 0x0a)},
				Element{Name: "Correlation", Attrs: []Attr{{"ActivityID", p(5, 0x0f)}}},
				Element{Name: "Execution", Attrs: []Attr{{"ProcessID", p(6, 0x08)}, {"ThreadID", p(7, 0x08)}}},
				Element{Name: "Channel", Content: []any{channel}},
				Element{Name: "Computer", Content: p(8, 0x01)},
				Element{Name: "Security", Attrs: []Attr{{"UserID", p(9, 0x13)}}},
			}},
			Place{10, 0x21, true},
		},
	}}
}

// EventData is the template of named Data elements, a value each.
func EventData(names ...string) *Template {
	t := &Template{GUID: [16]byte{2, byte(len(names))}, Root: Element{Name: "EventData"}}
	for i, n := range names {
		t.GUID[2+i%14] += byte(len(n))
		t.Root.Content = append(t.Root.Content, Element{
			Name: "Data", Attrs: []Attr{{"Name", []any{n}}}, Content: []any{Place{uint16(i), 0x01, false}},
		})
	}
	return t
}

// Head are the values of System's template for an event, with its data last.
func Head(id uint16, time, record uint64, computer string, data any) []any {
	return []any{
		Value{0x0f, []byte{0xff, 0xbd, 0xd9, 0xdb, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
		Uint16(id), Value{0x04, []byte{5}}, FileTime(time), Uint64(record), Value{},
		Value{0x08, []byte{0x7c, 5, 0, 0}}, Value{0x08, []byte{0xcc, 7, 0, 0}}, Text(computer),
		Value{0x13, []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}}, data,
	}
}

// processNames are fields of Sysmon's process creation.
var processNames = []string{"UtcTime", "ProcessId", "Image", "CommandLine", "User", "ParentImage", "ParentCommandLine"}

// Processes writes a log of n made-up Sysmon process creations, in as many
// chunks as it takes, a second apart from 2026-03-10 10:00:00. Every tenth is of
// a browser as parent.
func Processes(n int) []byte {
	const start = 134176104000000000 // 2026-03-10T10:00:00Z
	system := System("Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational")
	data := EventData(processNames...)
	c := NewChunk()
	chunks := []*Chunk{c}
	for i := range n {
		at := uint64(start + i*10_000_000)
		parent := `C:\Windows\explorer.exe`
		if i%10 == 0 {
			parent = `C:\Program Files\Google\Chrome\Application\chrome.exe`
		}
		values := []any{
			Text(clock(i)), Value{0x08, []byte{byte(i), byte(i >> 8), 0, 0}}, Text(`C:\Windows\System32\cmd.exe`),
			Text(`cmd.exe /c "echo ` + clock(i) + `"`), Text(`LAB\anna`), Text(parent), Text(`"` + parent + `"`),
		}
		head := Head(1, at, uint64(i+1), "LAB-1.lab.example", Nested{data, values})
		if !c.Record(uint64(i+1), at, system, head...) {
			c = NewChunk()
			chunks = append(chunks, c)
			c.Record(uint64(i+1), at, system, head...)
		}
	}
	return File(chunks...)
}

// clock is the time of the i-th event as Sysmon writes it.
func clock(i int) string {
	two := func(n int) string { return string([]byte{byte('0' + n/10%10), byte('0' + n%10)}) }
	return "2026-03-" + two(10+i/86400) + " " + two((10+i/3600)%24) + ":" + two(i/60%60) + ":" + two(i%60) + ".125"
}
