package record_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/sharedtest"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// batches makes batches of events that are given as maps of text.
func batches(l *event.Layout, events []map[string]string) (out []*event.Batch) {
	for len(events) > 0 {
		n := min(len(events), event.MaxRows)
		b := &event.Batch{}
		for i, e := range events[:n] {
			row := b.AddRow(int64(i), uint64(i))
			for k, v := range e {
				b.Col(l.Slot(k)).Set(row, event.Text(v))
			}
		}
		out = append(out, b)
		events = events[n:]
	}
	return out
}

func sysmonFlat(t *testing.T) (events []map[string]string) {
	f, err := os.Open(sharedtest.Path(t, "data", "jsonl", "sysmon-flat.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	sc := bufio.NewScanner(z)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var m map[string]any
		if err := json.Unmarshal(sc.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		e := map[string]string{}
		for k, v := range m {
			if v != nil {
				e[k] = fmt.Sprint(v)
			}
		}
		events = append(events, e)
	}
	return events
}

// published is a mapping as the specification's table of facts has it.
type published struct {
	Name, Vendor, Product string
	LogFormat             string   `json:"log_format"`
	Pattern               string   `json:"event_id_pattern"`
	Type                  string   `json:"record_type"`
	Skipped               []string `json:"skipped_values"`
	Fields                map[string]struct {
		From    []string
		Const   *string
		Kind    string
		Lookup  map[string]string
		Default *string
		Split   *struct {
			Delimiter string
			Index     int
		}
	}
}

// The attributes of recorded events are those that section 3 of the specification
// gives them, computed event by event from the table of facts.
func TestRecordsOfWindowsAgainstTheFacts(t *testing.T) {
	var facts struct{ Mappings []*published }
	text, err := os.ReadFile(sharedtest.Path(t, "data", "cse", "windows-mappings.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &facts); err != nil {
		t.Fatal(err)
	}
	if len(facts.Mappings) != len(record.Builtin()) {
		t.Errorf("%d mappers are built in, %d are published", len(record.Builtin()), len(facts.Mappings))
	}
	events := sysmonFlat(t)
	// Made ones of the log that the recordings lack.
	for _, m := range facts.Mappings {
		if m.LogFormat != "Windows" || !strings.HasPrefix(m.Pattern, "Security-") {
			continue
		}
		e := map[string]string{"Channel": "Security", "EventID": strings.TrimPrefix(m.Pattern, "Security-")}
		for _, s := range m.Fields {
			for i, k := range s.From {
				v := fmt.Sprintf("v%d-%s", i, k)
				for code := range s.Lookup {
					v = strings.ToUpper(code) // letter case of codes does not count
					break
				}
				if k := k[strings.LastIndexByte(k, '.')+1:]; e[k] == "" && len(k)%3 != i%3 {
					e[k] = v
				}
			}
		}
		events = append(events, e)
	}
	attributes := map[string]bool{"objectType": true}
	for _, m := range facts.Mappings {
		for a, s := range m.Fields {
			if s.Kind != "time" && s.Kind != "text" && s.Kind != "lookup_text" {
				attributes[a] = true
			}
		}
	}
	ms, err := record.NewMappers(record.Builtin())
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(attributes))
	el, rl := event.NewLayout(), event.NewLayout(names...)
	plan := record.NewPlan(ms, nil, el, rl)
	run := plan.Open()
	filled, n := map[string]int{}, 0
	for _, b := range batches(el, events) {
		out := run.Map(b)
		for _, row := range out.Live {
			e := events[n]
			n++
			m := mapper(facts.Mappings, e)
			for _, a := range names {
				slot, _ := rl.Find(a)
				got, want := out.Value(slot, row), ""
				if a == "objectType" {
					want = m.Type
				} else {
					want = value(m, a, e)
				}
				if got.String() != want {
					t.Fatalf("event %d (%s %s), %s: %q, want %q", n, e["Channel"], e["EventID"], a, got, want)
				}
				if want != "" {
					filled[a]++
				}
			}
		}
	}
	if len(filled) < 40 || filled["baseImage"] < 5000 {
		t.Errorf("only %d attributes are ever filled: %v", len(filled), filled)
	}
}

func mapper(all []*published, e map[string]string) *published {
	id := e["Channel"] + "-" + e["EventID"]
	if m := chosen[id]; m != nil {
		return m
	}
	var best, fallback *published
	for _, m := range all {
		if m.LogFormat != "Windows" || m.Product != "Windows" {
			continue
		}
		if m.Pattern == "_default_" {
			fallback = m
		} else if regexp.MustCompile(`^(?:`+m.Pattern+`)$`).MatchString(id) && (best == nil || len(m.Pattern) > len(best.Pattern)) {
			best = m
		}
	}
	if best == nil {
		best = fallback
	}
	chosen[id] = best
	return best
}

var chosen = map[string]*published{}

func value(m *published, a string, e map[string]string) string {
	s, ok := m.Fields[a]
	if !ok || s.Kind == "text" || s.Kind == "lookup_text" {
		return ""
	}
	as := func(v string) string {
		attribute := record.Schema()[a]
		switch attribute.Type {
		case "int", "long":
			if strings.HasPrefix(v, "0x") {
				n, err := strconv.ParseInt(v[2:], 16, 64)
				if err != nil {
					return ""
				}
				return fmt.Sprint(n)
			}
			f, err := strconv.ParseFloat(v, 64)
			if err != nil || f != math.Trunc(f) {
				return ""
			}
			return fmt.Sprint(int64(f))
		}
		return v
	}
	if s.Const != nil {
		return as(*s.Const)
	}
	for _, k := range s.From {
		v := e[k[strings.LastIndexByte(k, '.')+1:]]
		switch k {
		case "Execution.ProcessID", "System.Execution.ProcessID":
			v = e["ExecutionProcessID"]
		case "Execution.ProcessId":
			v = "" // the attribute of the element is spelt ProcessID
		case "System.Security.UserId":
			v = e["UserID"]
		case "Provider.Name":
			v = e["Provider"]
		case "MD5", "SHA1", "SHA256", "IMPHASH":
			v = ""
			for _, h := range strings.Split(e["Hashes"], ",") {
				if n, d, ok := strings.Cut(h, "="); ok && n == k {
					v = d
				}
			}
		}
		if v == "" || slices.Contains(m.Skipped, v) {
			continue
		}
		if s.Split != nil {
			p := strings.Split(v, s.Split.Delimiter)
			v = p[s.Split.Index]
		}
		if s.Kind == "lookup" {
			for code, out := range s.Lookup {
				if strings.EqualFold(code, v) {
					return as(out)
				}
			}
			break
		}
		return as(v)
	}
	if s.Kind == "lookup" && s.Default != nil {
		return as(*s.Default)
	}
	return ""
}

// Section 3.1 and test idea 11.
func TestChoiceOfMappers(t *testing.T) {
	ms, err := record.NewMappers([]*record.Mapper{
		{Name: "default", LogFormat: "JSON", Vendor: "V", Product: "P", EventID: "_default_"},
		{Name: "any", LogFormat: "JSON", Vendor: "V", Product: "P", EventID: "event-.*"},
		{Name: "one", LogFormat: "JSON", Vendor: "V", Product: "P", EventID: "event-1"},
		{Name: "fold", LogFormat: "JSON", Vendor: "V", Product: "P", EventID: "(?i)login"},
		{Name: "mine", LogFormat: "JSON", Vendor: "V", Product: "P", EventID: "event-9", User: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"event-1": "any", "event-10": "any", "xevent-1": "default", "LOGIN": "fold", "event-9": "mine", "": "default"} {
		n := ms.Choose(record.Key{LogFormat: "JSON", Vendor: "V", Product: "P", EventID: id})
		if ms.All[n].Name != want {
			t.Errorf("%q: %s, want %s", id, ms.All[n].Name, want)
		}
	}
	if ms.Choose(record.Key{LogFormat: "JSON", Vendor: "v", Product: "P", EventID: "event-1"}) >= 0 {
		t.Error("a vendor compares exactly")
	}
	if _, err := record.NewMappers([]*record.Mapper{{Name: "bad", EventID: "("}}); err == nil {
		t.Error("a pattern that is none is taken")
	}
}

func one(t *testing.T, ms []*record.Mapper, parsers []*record.Parser, e map[string]string, names ...string) map[string]string {
	t.Helper()
	m, err := record.NewMappers(ms)
	if err != nil {
		t.Fatal(err)
	}
	el, rl := event.NewLayout(), event.NewLayout(names...)
	run := record.NewPlan(m, parsers, el, rl).Open()
	out := run.Map(batches(el, []map[string]string{e})[0])
	got := map[string]string{}
	for _, n := range names {
		s, _ := rl.Find(n)
		if v := out.Value(s, 0); !v.IsNull() {
			got[n] = v.String()
		}
	}
	return got
}

// Section 3.2: the kinds of sources.
func TestSources(t *testing.T) {
	str := func(s string) *string { return &s }
	m := &record.Mapper{
		Name: "m", LogFormat: "JSON", Vendor: "V", Product: "P", EventID: "login", RecordType: "Authentication", Skipped: []string{"-"},
		Fields: map[string]*record.Source{
			"user_username":     {From: []string{"u1", "u2"}},
			"application":       {Const: str("app")},
			"normalizedAction":  {Const: str("fly")}, // no value of the schema's
			"logonType":         {From: []string{"t"}, Lookup: map[string]string{"0xA": "Remote"}, Default: str("Unknown")},
			"action":            {From: []string{"mail"}, Split: &record.Split{Delimiter: "@", Index: 1}},
			"cause":             {Join: []string{"u2", "none", "t"}, With: "/"},
			"http_url":          {Format: "https://{0}:{1}/", Params: []string{"host", "port"}},
			"resource":          {Format: "{0}{1}", Params: []string{"host", "none"}},
			"srcPort":           {From: []string{"port"}},
			"dstPort":           {From: []string{"host"}},
			"success":           {From: []string{"ok"}},
			"device_ip":         {From: []string{"ip"}},
			"timestamp":         {From: []string{"at"}, Kind: "time"},
			"user_authDomain":   {From: []string{"u1", "t"}, Skipped: []string{"0xa"}},
			"dns_queryDomain":   {From: []string{"host"}},
			"targetUser_userId": {From: []string{"none"}},
		},
	}
	parsers := []*record.Parser{
		{LogFormat: "JSON", Vendor: "V", Product: "other", When: []string{"kind=logoff"}, EventID: []string{"{kind}"}},
		{LogFormat: "JSON", Vendor: "V", Product: "P", When: []string{"kind", "at"}, EventID: []string{"{absent}", "{kind}"}},
	}
	e := map[string]string{
		"kind": "login", "u1": "-", "u2": "Ana", "t": "0xa", "mail": "ana@lab.example", "host": "www.shop.co.uk", "port": "8443", "ok": "TRUE",
		"ip": "10.1.2.3", "at": "2026-03-01T08:00:00.250Z",
	}
	got := one(t, []*record.Mapper{m}, parsers, e, "user_username", "application", "normalizedAction", "logonType", "action", "cause", "http_url", "resource",
		"srcPort", "dstPort", "success", "device_ip_isInternal", "device_ip_ipv4IntValue", "device_ip_version", "timestamp", "user_authDomain", "objectType",
		"metadata_deviceEventId", "metadata_product", "http_url_rootDomain", "http_url_protocol", "http_url_path", "dns_queryDomain_tld", "dns_queryDomain_rootDomain",
		"dns_queryDomain_entropySubDomain", "dns_queryDomain_alexaRank", "fields.mail", "targetUser_userId", "no_such_attribute")
	want := map[string]string{
		"user_username": "Ana", "application": "app", "logonType": "Remote", "action": "lab.example", "cause": "Ana/0xa", "http_url": "https://www.shop.co.uk:8443/",
		"srcPort": "8443", "success": "true", "device_ip_isInternal": "true", "device_ip_ipv4IntValue": "167838211", "device_ip_version": "4",
		"timestamp": "1772352000250", "objectType": "Authentication", "metadata_deviceEventId": "login", "metadata_product": "P",
		"http_url_rootDomain": "shop.co.uk", "http_url_protocol": "https", "http_url_path": "/", "dns_queryDomain_tld": "co.uk",
		"dns_queryDomain_rootDomain": "shop.co.uk", "dns_queryDomain_entropySubDomain": "0", "fields.mail": "ana@lab.example",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	// Of a value that no table has the default counts, of one that is not there too.
	e["t"] = "0xb"
	if got := one(t, []*record.Mapper{m}, parsers, e, "logonType"); got["logonType"] != "Unknown" {
		t.Errorf("a value that is not in the table: %v", got)
	}
	delete(e, "at")
	if got := one(t, []*record.Mapper{m}, parsers, e, "objectType", "user_username"); got["objectType"] != "FailedRecord" || got["user_username"] != "" {
		t.Errorf("an event of nobody's: %v", got)
	}
}

// Section 3.3, row 10: the keys are ones that Sysmon 10 does not have.
func TestSysmon10StaysAsTheProductHasIt(t *testing.T) {
	e := map[string]string{"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": "10", "SourceImage": `C:\a.exe`, "TargetImage": `C:\b.exe`, "Computer": "h"}
	got := one(t, record.Builtin(), nil, e, "baseImage", "device_hostname", "fields.EventData.TargetImage", "metadata_deviceEventId")
	want := map[string]string{"device_hostname": "h", "fields.EventData.TargetImage": `C:\b.exe`, "metadata_deviceEventId": "Microsoft-Windows-Sysmon/Operational-10"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestEveryBuiltinMapperFillsKnownAttributes(t *testing.T) {
	for _, m := range record.Builtin() {
		if !slices.Contains(record.Types, m.RecordType) {
			t.Errorf("%s: there is no record type %s", m.Name, m.RecordType)
		}
		for a := range m.Fields {
			if record.Schema()[a] == nil {
				t.Errorf("%s fills %s, which the schema does not have", m.Name, a)
			}
		}
	}
}

// BenchmarkMap makes records of a batch that is decoded already: of every attribute that a
// mapper may fill, and of those that a thousand rules of the published catalogue read most.
func BenchmarkMap(b *testing.B) {
	var events []map[string]string
	for i := range event.MaxRows {
		events = append(events, map[string]string{
			"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": fmt.Sprint(1 + i%3*10), "Computer": fmt.Sprint("h", i%50), "Image": fmt.Sprint(`C:\p`, i%90, ".exe"),
			"CommandLine": fmt.Sprint("p -x ", i), "ParentImage": fmt.Sprint(`C:\q`, i%30, ".exe"), "User": fmt.Sprint("u", i%40), "ProcessId": fmt.Sprint(i),
			"Hashes": fmt.Sprintf("MD5=%032x,SHA256=%064x", i%90, i%90), "TargetFilename": fmt.Sprint(`C:\f`, i),
		})
	}
	ms, err := record.NewMappers(record.Builtin())
	if err != nil {
		b.Fatal(err)
	}
	var names []string
	for n, a := range record.Schema() {
		if a.Mappable {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	often := []string{
		"metadata_vendor", "metadata_product", "metadata_deviceEventId", "objectType", "device_hostname", "user_username", "targetUser_username", "baseImage", "parentBaseImage",
		"commandLine", "parentCommandLine", "file_path", "file_basename", "changeTarget", "changeType", "action", "resource", "normalizedAction", "success", "srcDevice_ip",
		"dstDevice_ip", "srcDevice_hostname", "dstPort", "dns_query", "http_url", "application", "description", "errorCode", "pid", "timestamp",
	}
	for _, c := range []struct {
		name  string
		names []string
	}{{"every attribute", names}, {"thirty attributes", often}} {
		b.Run(c.name, func(b *testing.B) {
			l := event.NewLayout()
			in := batches(l, events)[0]
			run := record.NewPlan(ms, nil, l, event.NewLayout(c.names...)).Open()
			for b.Loop() {
				run.Map(in)
			}
			b.ReportMetric(float64(b.N)*event.MaxRows/b.Elapsed().Seconds(), "events/s")
		})
	}
}
