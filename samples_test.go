package gyoji

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/evtx/evtxtest"
)

var update = flag.Bool("update", false, "write samples/ anew")

// TestSamplesAreTheSimulatedDay makes the logs in samples/ and compares. They
// are written by this file and nothing else: edit it, run
//
//	go test . -run Samples -update
//
// and read the difference. No process ran and no address answers: hosts are
// corp.example, addresses are of the documentation ranges (RFC 5737), hashes
// are of the program's name.
func TestSamplesAreTheSimulatedDay(t *testing.T) {
	day := workstationDay()
	for _, name := range day.names() {
		path, want := filepath.Join("samples", name), day.file(name)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what this file makes; go test . -run Samples -update", path)
		}
	}
	var found []string
	entries, err := os.ReadDir("samples")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		found = append(found, e.Name())
	}
	if got, want := fmt.Sprint(found), fmt.Sprint(day.names()); got != want {
		t.Errorf("samples holds %s, want %s", got, want)
	}
}

// day gathers the events of each log file.
type day struct {
	files map[string][]logged
	rand  *rand.Rand
}

// logged is one event: its time and its fields in order.
type logged struct {
	at     time.Time
	fields []any // name, value, name, value
}

func (d *day) names() (names []string) {
	for n := range d.files {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// file renders one log, in the order of time, with record numbers.
func (d *day) file(name string) []byte {
	events := d.files[name]
	sort.SliceStable(events, func(i, j int) bool { return events[i].at.Before(events[j].at) })
	if strings.HasSuffix(name, ".evtx") {
		return eventLog(events)
	}
	var b bytes.Buffer
	for i, e := range events {
		b.WriteString(`{"EventRecordID":`)
		fmt.Fprint(&b, 41000+i)
		for j := 0; j < len(e.fields); j += 2 {
			v := &strings.Builder{}
			enc := json.NewEncoder(v)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(e.fields[j+1]); err != nil {
				panic(err)
			}
			fmt.Fprintf(&b, ",%q:%s", e.fields[j], strings.TrimSuffix(v.String(), "\n"))
		}
		b.WriteString("}\n")
	}
	return b.Bytes()
}

// eventLog renders Sysmon's events as a Windows event log file.
func eventLog(events []logged) []byte {
	system := evtxtest.System("Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational")
	templates := map[int]*evtxtest.Template{}
	chunk := evtxtest.NewChunk()
	for i, e := range events {
		head := map[string]any{}
		var names []string
		var values []any
		for j := 0; j < len(e.fields); j += 2 {
			name, v := e.fields[j].(string), e.fields[j+1]
			switch name {
			case "EventID", "Channel", "Provider", "Computer":
				head[name] = v
				continue
			}
			names = append(names, name)
			if n, ok := v.(int); ok {
				values = append(values, evtxtest.Value{Type: 0x08, Data: binary.LittleEndian.AppendUint32(nil, uint32(n))})
			} else {
				values = append(values, evtxtest.Text(v.(string)))
			}
		}
		id := head["EventID"].(int)
		if templates[id] == nil {
			templates[id] = evtxtest.EventData(names...)
		}
		const epoch = 116444736000000000 // 1970 in 100 ns since 1601
		at, record := uint64(e.at.UnixMicro()*10+epoch), uint64(52000+i)
		data := evtxtest.Nested{Template: templates[id], Values: values}
		if !chunk.Record(record, at, system, evtxtest.Head(uint16(id), at, record, head["Computer"].(string), data)...) {
			panic("the log is longer than a chunk")
		}
	}
	return evtxtest.File(chunk)
}

// workstation is a host with a person at it, and the clock of what they do.
type workstation struct {
	*day
	name, ip, user, home string
	file                 string // of its Sysmon log
	now                  time.Time
	nextPID              int

	system, explorer *process
}

// process is a running program.
type process struct {
	image, cmdline, guid string
	pid                  int
	user, level          string
}

func (w *workstation) wait(least, most time.Duration) {
	w.now = w.now.Add(least + time.Duration(w.rand.Int64N(int64(most-least))))
}

func (w *workstation) at(hour, minute, second int) {
	w.now = time.Date(2026, 3, 10, hour, minute, second, w.rand.IntN(1000)*1e6, time.UTC)
}

func (w *workstation) sysmon(id int, fields ...any) {
	head := []any{
		"EventID", id, "Channel", "Microsoft-Windows-Sysmon/Operational", "Provider", "Microsoft-Windows-Sysmon",
		"Computer", w.name, "UtcTime", w.now.Format("2006-01-02 15:04:05.000"),
	}
	w.files[w.file] = append(w.files[w.file], logged{w.now, append(head, fields...)})
}

// product is what a program's version resource says.
var product = map[string][2]string{ // base name: OriginalFileName, Company
	"chrome.exe":             {"chrome.exe", "Google LLC"},
	"msedge.exe":             {"msedge.exe", "Microsoft Corporation"},
	"outlook.exe":            {"Outlook.exe", "Microsoft Corporation"},
	"excel.exe":              {"Excel.exe", "Microsoft Corporation"},
	"powershell.exe":         {"PowerShell.EXE", "Microsoft Corporation"},
	"cmd.exe":                {"Cmd.Exe", "Microsoft Corporation"},
	"wscript.exe":            {"wscript.exe", "Microsoft Corporation"},
	"mshta.exe":              {"MSHTA.EXE", "Microsoft Corporation"},
	"code.exe":               {"electron.exe", "Microsoft Corporation"},
	"git.exe":                {"git.exe", "The Git Development Community"},
	"node.exe":               {"node.exe", "Node.js"},
	"vault-host.exe":         {"vault-host.exe", "Vault Example AG"},
	"updater.exe":            {"updater.exe", "Google LLC"},
	"payload.exe":            {"HOSTNAME.EXE", "Microsoft Corporation"},
	"setup-viewer.exe":       {"setup-viewer.exe", "Viewer Example GmbH"},
	"msiexec.exe":            {"msiexec.exe", "Microsoft Corporation"},
	"svchost.exe":            {"svchost.exe", "Microsoft Corporation"},
	"taskhostw.exe":          {"taskhostw.exe", "Microsoft Corporation"},
	"conhost.exe":            {"CONHOST.EXE", "Microsoft Corporation"},
	"backgroundtaskhost.exe": {"backgroundTaskHost.exe", "Microsoft Corporation"},
	"searchprotocolhost.exe": {"SearchProtocolHost.exe", "Microsoft Corporation"},
	// A copy of a Windows program under another name keeps its original one.
	"invoice_march2026.exe": {"HOSTNAME.EXE", "Microsoft Corporation"},
}

func base(path string) string { return path[strings.LastIndexByte(path, '\\')+1:] }

// start lets parent run a program: Sysmon 1, and Security 4688.
func (w *workstation) start(parent *process, image, cmdline string) *process {
	w.wait(20*time.Millisecond, 400*time.Millisecond)
	w.nextPID += 4 * (1 + w.rand.IntN(60))
	p := &process{image: image, cmdline: cmdline, pid: w.nextPID, user: parent.user, level: parent.level}
	p.guid = w.guid(p.pid)
	orig, company := base(image), "-"
	if v, ok := product[strings.ToLower(base(image))]; ok {
		orig, company = v[0], v[1]
	}
	dir := w.home + `\`
	if p.level == "System" {
		dir = `C:\Windows\system32\`
	}
	w.sysmon(1,
		"RuleName", "-", "ProcessGuid", p.guid, "ProcessId", p.pid, "Image", p.image,
		"OriginalFileName", orig, "Company", company, "CommandLine", p.cmdline, "CurrentDirectory", dir,
		"User", p.user, "LogonId", w.logon(p), "IntegrityLevel", p.level,
		"Hashes", fmt.Sprintf("SHA256=%X", sha256.Sum256([]byte(orig))),
		"ParentProcessGuid", parent.guid, "ParentProcessId", parent.pid,
		"ParentImage", parent.image, "ParentCommandLine", parent.cmdline, "ParentUser", parent.user)
	domain, account, _ := strings.Cut(p.user, `\`)
	label := map[string]string{"Medium": "S-1-16-8192", "System": "S-1-16-16384"}[p.level]
	w.files["security.jsonl"] = append(w.files["security.jsonl"], logged{w.now, []any{
		"EventID", 4688, "Channel", "Security", "Provider", "Microsoft-Windows-Security-Auditing",
		"Computer", w.name, "TimeCreated", w.now.Add(2 * time.Millisecond).Format("2006-01-02T15:04:05.000Z"),
		"SubjectUserName", account, "SubjectDomainName", domain, "SubjectLogonId", w.logon(p),
		"NewProcessId", fmt.Sprintf("0x%x", p.pid), "NewProcessName", p.image, "CommandLine", p.cmdline,
		"TokenElevationType", "%%1938", "ProcessId", fmt.Sprintf("0x%x", parent.pid),
		"ParentProcessName", parent.image, "MandatoryLabel", label}})
	return p
}

func (w *workstation) logon(p *process) string {
	if p.level == "System" {
		return "0x3e7"
	}
	return fmt.Sprintf("0x%x", 0x5a000+len(w.user)*0x111)
}

func (w *workstation) guid(pid int) string {
	h := sha256.Sum256([]byte(w.name))
	return fmt.Sprintf("{%x-%04x-69af-%04x-%012x}", h[:4], pid&0xffff, w.rand.IntN(1<<16), pid)
}

// looks lets p resolve a name and connect to it: Sysmon 22 and 3.
func (w *workstation) looks(p *process, host string) {
	ip := address(host)
	w.wait(5*time.Millisecond, 90*time.Millisecond)
	w.sysmon(22, "RuleName", "-", "ProcessGuid", p.guid, "ProcessId", p.pid,
		"QueryName", host, "QueryStatus", "0", "QueryResults", "::ffff:"+ip+";", "Image", p.image, "User", p.user)
	w.connects(p, ip, host, 443)
}

func (w *workstation) connects(p *process, ip, host string, port int) {
	w.wait(5*time.Millisecond, 40*time.Millisecond)
	names := map[int]string{443: "https", 80: "http"}
	source := w.ip
	if strings.HasPrefix(ip, "127.") {
		source = ip
	}
	w.sysmon(3, "RuleName", "-", "ProcessGuid", p.guid, "ProcessId", p.pid, "Image", p.image, "User", p.user,
		"Protocol", "tcp", "Initiated", "true", "SourceIp", source, "SourceHostname", w.name,
		"SourcePort", 49152+w.rand.IntN(16000), "DestinationIp", ip, "DestinationHostname", host,
		"DestinationPort", port, "DestinationPortName", names[port])
}

// address gives a name one of the addresses that are reserved for documentation.
func address(host string) string {
	h := sha256.Sum256([]byte(host))
	nets := []string{"192.0.2", "198.51.100", "203.0.113"}
	return fmt.Sprintf("%s.%d", nets[int(h[0])%len(nets)], 1+int(h[1])%254)
}

// writes lets p create a file: Sysmon 11.
func (w *workstation) writes(p *process, path string) {
	w.wait(5*time.Millisecond, 200*time.Millisecond)
	w.sysmon(11, "RuleName", "-", "ProcessGuid", p.guid, "ProcessId", p.pid, "Image", p.image,
		"TargetFilename", path, "CreationUtcTime", w.now.Format("2006-01-02 15:04:05.000"), "User", p.user)
}

// downloads lets a browser fetch a file the way browsers do: a partial file,
// the file, and its mark of the web (Sysmon 11, 11, 15).
func (w *workstation) downloads(browser *process, host, name string) {
	w.looks(browser, host)
	to := w.home + `\Downloads\` + name
	w.writes(browser, fmt.Sprintf(`%s\Downloads\Unconfirmed %d.crdownload`, w.home, 100000+w.rand.IntN(800000)))
	w.wait(time.Second, 6*time.Second)
	w.writes(browser, to)
	w.wait(5*time.Millisecond, 30*time.Millisecond)
	w.sysmon(15, "RuleName", "-", "ProcessGuid", browser.guid, "ProcessId", browser.pid, "Image", browser.image,
		"TargetFilename", to+":Zone.Identifier", "CreationUtcTime", w.now.Format("2006-01-02 15:04:05.000"),
		"Hash", fmt.Sprintf("SHA256=%X", sha256.Sum256([]byte(name))),
		"Contents", fmt.Sprintf("[ZoneTransfer]  ZoneId=3  ReferrerUrl=https://%s/  HostUrl=https://%s/files/%s", host, host, name),
		"User", browser.user)
}

const (
	programs   = `C:\Program Files\`
	system32   = `C:\Windows\System32\`
	powershell = system32 + `WindowsPowerShell\v1.0\powershell.exe`
	chromeExe  = programs + `Google\Chrome\Application\chrome.exe`
	edgeExe    = `C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe`
)

var sites = []string{
	"www.news.example", "search.example", "maps.example", "wiki.corp.example", "portal.corp.example",
	"mail.corp.example", "static.news.example", "cdn.search.example", "ads.example", "fonts.example",
	"tickets.corp.example", "travel.example", "weather.example", "bank.example", "docs.sharing.example",
}

// logon starts what a person finds running in the morning.
func (w *workstation) signOn() {
	services := &process{image: system32 + "services.exe", cmdline: system32 + "services.exe", pid: 708, user: `NT AUTHORITY\SYSTEM`, level: "System"}
	services.guid = w.guid(services.pid)
	w.system = w.start(services, system32+"svchost.exe", system32+"svchost.exe -k netsvcs -p -s Schedule")
	userinit := &process{image: system32 + "userinit.exe", cmdline: system32 + "userinit.exe", pid: 5120, user: w.user, level: "Medium"}
	userinit.guid = w.guid(userinit.pid)
	w.explorer = w.start(userinit, `C:\Windows\explorer.exe`, `C:\Windows\Explorer.EXE`)
}

// browser opens a browser with its helper processes.
func (w *workstation) browser(parent *process, exe, args string) *process {
	b := w.start(parent, exe, `"`+exe+`"`+args)
	for _, kind := range []string{"crashpad-handler", "gpu-process", "utility --utility-sub-type=network.mojom.NetworkService"} {
		w.start(b, exe, fmt.Sprintf(`"%s" --type=%s --lang=en-US`, exe, kind))
	}
	return b
}

// browses visits some pages: a renderer each, names looked up, cache written.
func (w *workstation) browses(b *process, pages int) {
	for range pages {
		w.start(b, b.image, fmt.Sprintf(`"%s" --type=renderer --lang=en-US --renderer-client-id=%d`, b.image, 5+w.rand.IntN(400)))
		for range 1 + w.rand.IntN(3) {
			w.looks(b, sites[w.rand.IntN(len(sites))])
		}
		if w.rand.IntN(4) == 0 {
			w.writes(b, fmt.Sprintf(`%s\AppData\Local\Temp\scoped_dir%d\page.tmp`, w.home, 1000+w.rand.IntN(9000)))
		}
		w.wait(20*time.Second, 4*time.Minute)
	}
}

// housekeeping is what Windows does by itself.
func (w *workstation) housekeeping() {
	switch w.rand.IntN(4) {
	case 0:
		w.start(w.system, system32+"taskhostw.exe", "taskhostw.exe")
	case 1:
		w.start(w.system, system32+"backgroundTaskHost.exe", `"`+system32+`backgroundTaskHost.exe" -ServerName:CortanaUI.AppX`)
	case 2:
		w.start(w.system, system32+"SearchProtocolHost.exe", `"`+system32+`SearchProtocolHost.exe" Global\UsGthrFltPipeMssGthrPipe`)
	case 3:
		u := w.start(w.system, programs+`Google\GoogleUpdater\updater.exe`, `"`+programs+`Google\GoogleUpdater\updater.exe" --wake --system`)
		w.looks(u, "update.browser.example")
	}
}

// nativeMessaging lets a browser extension reach its program: the browser goes
// through cmd.exe, which the seed query cannot tell from an attack.
func (w *workstation) nativeMessaging(b *process) {
	id := w.rand.Uint64()
	c := w.start(b, system32+"cmd.exe", fmt.Sprintf(
		`%scmd.exe /d /c "%sVault Example\vault-host.exe" chrome-extension://abcdefghijklmnopabcdefghijklmnop/ --parent-window=0 < \\.\pipe\chrome.nativeMessaging.in.%x > \\.\pipe\chrome.nativeMessaging.out.%x`,
		system32, programs, id, id))
	w.start(c, system32+"conhost.exe", system32+`conhost.exe 0xffffffff -ForceV1`)
	w.start(c, programs+`Vault Example\vault-host.exe`, `"`+programs+`Vault Example\vault-host.exe" chrome-extension://abcdefghijklmnopabcdefghijklmnop/ --parent-window=0`)
}

// workstationDay is Tuesday 10 March 2026 at two desks. The five simulations of
// the T1204.001 package are in it, each with a remark.
func workstationDay() *day {
	d := &day{files: map[string][]logged{}, rand: rand.New(rand.NewPCG(1204, 1))}
	fin := &workstation{day: d, name: "WS-FIN-014.corp.example", ip: "10.20.4.14", user: `CORP\m.keller`, home: `C:\Users\m.keller`, file: "ws-fin-014-sysmon.jsonl", nextPID: 6100}
	dev := &workstation{day: d, name: "WS-DEV-022.corp.example", ip: "10.20.7.22", user: `CORP\a.novak`, home: `C:\Users\a.novak`, file: "ws-dev-022-sysmon.jsonl", nextPID: 7200}
	fin.morningInFinance()
	dev.dayOfADeveloper()
	for _, w := range []*workstation{fin, dev} {
		for hour := 8; hour < 17; hour++ {
			w.at(hour, w.rand.IntN(60), w.rand.IntN(60))
			w.housekeeping()
		}
	}
	d.fileServer()
	return d
}

// fileServer adds the Sysmon log of a server where no one works, as an event log
// file. It has a clock of its own, so that the others' logs stay as they are.
func (d *day) fileServer() {
	const log = "srv-file-003-sysmon.evtx"
	srv := &workstation{
		day:  &day{files: map[string][]logged{}, rand: rand.New(rand.NewPCG(1204, 3))},
		name: "SRV-FILE-003.corp.example", ip: "10.20.1.3", user: `CORP\backup`, home: `C:\Users\backup`, file: log, nextPID: 2100,
	}
	srv.at(6, 30, 0)
	srv.signOn()
	for hour := 7; hour < 19; hour++ {
		srv.at(hour, srv.rand.IntN(60), srv.rand.IntN(60))
		srv.housekeeping()
	}
	d.files[log] = srv.files[log]
}

func (w *workstation) morningInFinance() {
	temp := w.home + `\AppData\Local\Temp`
	w.at(8, 2, 11)
	w.signOn()
	w.wait(20*time.Second, time.Minute)
	outlook := w.start(w.explorer, programs+`Microsoft Office\root\Office16\OUTLOOK.EXE`, `"`+programs+`Microsoft Office\root\Office16\OUTLOOK.EXE"`)
	w.looks(outlook, "mail.corp.example")
	w.at(8, 9, 40)
	chrome := w.browser(w.explorer, chromeExe, "")
	w.nativeMessaging(chrome)
	w.browses(chrome, 9)
	w.at(9, 5, 3)
	w.start(w.explorer, programs+`Microsoft Office\root\Office16\EXCEL.EXE`, `"`+programs+`Microsoft Office\root\Office16\EXCEL.EXE" "`+w.home+`\Documents\Budget 2026.xlsx"`)

	// Simulation 1: a link in a mail opens the browser, whose URI handler starts
	// PowerShell. It writes a marker file and ends.
	w.at(9, 31, 27)
	w.start(outlook, chromeExe, `"`+chromeExe+`" --single-argument https://docs.sharing.example/d/remittance`)
	w.looks(chrome, "docs.sharing.example")
	w.wait(2*time.Second, 5*time.Second)
	p := w.start(chrome, powershell, `powershell.exe -ExecutionPolicy Bypass -WindowStyle Hidden -Command "Set-Content -Path $env:TEMP\malicious-link-test.txt -Value 'T1204.001 simulation'"`)
	w.start(p, system32+"conhost.exe", system32+`conhost.exe 0xffffffff -ForceV1`)
	w.writes(p, temp+`\malicious-link-test.txt`)

	w.at(9, 40, 2)
	w.browses(chrome, 12)

	// Simulation 2: an executable appears in Downloads without a mark of the
	// web (it is a copy of hostname.exe), and is opened from the folder.
	w.at(10, 47, 9)
	p = w.start(w.explorer, powershell, `powershell.exe -NoProfile -Command "Copy-Item $env:windir\System32\hostname.exe $env:USERPROFILE\Downloads\Invoice_March2026.exe"`)
	w.writes(p, w.home+`\Downloads\Invoice_March2026.exe`)
	w.at(10, 48, 1)
	w.start(w.explorer, w.home+`\Downloads\Invoice_March2026.exe`, `"`+w.home+`\Downloads\Invoice_March2026.exe"`)

	w.at(11, 2, 0)
	w.browses(chrome, 8)
	w.downloads(chrome, "travel.example", "itinerary.pdf")
	w.at(12, 58, 30)
	w.nativeMessaging(chrome)
	w.browses(chrome, 6)

	// Simulation 4: the browser hands a small HTML application to mshta.exe. It
	// shows a box and asks an address on this machine.
	w.at(14, 16, 44)
	w.looks(chrome, "docs.sharing.example")
	w.writes(chrome, temp+`\link_test.hta`)
	p = w.start(chrome, system32+"mshta.exe", `"`+system32+`mshta.exe" "`+temp+`\link_test.hta"`)
	w.connects(p, "127.0.0.1", "localhost", 8080)

	w.at(14, 30, 0)
	w.browses(chrome, 10)
	w.at(16, 41, 12)
	w.browses(chrome, 3)
}

func (w *workstation) dayOfADeveloper() {
	temp := w.home + `\AppData\Local\Temp`
	w.at(8, 31, 55)
	w.signOn()
	w.wait(10*time.Second, time.Minute)
	code := w.start(w.explorer, w.home+`\AppData\Local\Programs\Microsoft VS Code\Code.exe`, `"`+w.home+`\AppData\Local\Programs\Microsoft VS Code\Code.exe"`)
	edge := w.browser(w.explorer, edgeExe, " --profile-directory=Default")
	for hour := 9; hour < 17; hour++ {
		w.at(hour, w.rand.IntN(20), 5)
		shell := w.start(code, powershell, `"`+powershell+`" -noexit -command "try { . \"`+w.home+`\AppData\Local\Programs\Microsoft VS Code\shellIntegration.ps1\" } catch {}"`)
		for range 2 + w.rand.IntN(3) {
			w.wait(30*time.Second, 3*time.Minute)
			w.start(shell, programs+`Git\cmd\git.exe`, "git.exe "+[]string{"status --short", "pull --rebase", "commit -m wip", "log --oneline -5"}[w.rand.IntN(4)])
		}
		n := w.start(shell, programs+`nodejs\node.exe`, `"`+programs+`nodejs\node.exe" server.js`)
		w.connects(n, "127.0.0.1", "localhost", 5173)
		w.browses(edge, 3+w.rand.IntN(3))
	}

	// An ordinary download and installation: marked by the browser, started by
	// the person, from Downloads.
	w.at(10, 12, 8)
	w.downloads(edge, "viewer.example", "setup-viewer.exe")
	w.at(10, 12, 40)
	setup := w.start(w.explorer, w.home+`\Downloads\setup-viewer.exe`, `"`+w.home+`\Downloads\setup-viewer.exe"`)
	w.start(setup, system32+"msiexec.exe", `msiexec.exe /i "`+temp+`\viewer.msi" /qn`)

	// Simulation 3: a clicked link ends in a script host with a script in %TEMP%.
	w.at(11, 23, 36)
	w.looks(edge, "docs.sharing.example")
	w.writes(edge, temp+`\link_payload.vbs`)
	w.start(edge, system32+"wscript.exe", `"`+system32+`wscript.exe" //B //NoLogo "`+temp+`\link_payload.vbs"`)

	// Simulation 5: a disk image from a link is mounted through Shell.Application
	// and a program on the new drive runs. Neither has a browser as its parent.
	w.at(15, 4, 19)
	w.downloads(edge, "docs.sharing.example", "statement.iso")
	w.at(15, 5, 2)
	p := w.start(w.explorer, powershell, `powershell.exe -NoProfile -Command "$s = New-Object -ComObject Shell.Application; $s.NameSpace(0).ParseName((Join-Path $env:USERPROFILE 'Downloads\statement.iso')).InvokeVerb('Mount')"`)
	w.writes(p, temp+`\iso-mount-test.txt`)
	w.at(15, 5, 31)
	w.start(w.explorer, `E:\payload.exe`, `"E:\payload.exe"`)

	// Simulation 1 once more, as it is more often seen: hidden, encoded, and
	// asking an address (this machine's own) for more. The encoded text is a
	// comment.
	w.at(16, 20, 58)
	w.looks(edge, "docs.sharing.example")
	p = w.start(edge, powershell, `powershell.exe -NoP -W Hidden -EncodedCommand IwAgAHMAaQBtAHUAbABhAHQAaQBvAG4A ; Invoke-WebRequest http://127.0.0.1:8080/ping`)
	w.connects(p, "127.0.0.1", "localhost", 8080)
}
