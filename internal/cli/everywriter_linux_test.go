package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// hostile are texts that a terminal obeys or that turn what is read around, as they may
// stand in an event, a file's name, a package or a rule: a title, colours, C1, bidi, what
// rubs out the line before.
var hostile = []string{"\x1b]0;pwned\x07", "\x1b[31mpwned", "\u009b31mpwned", "\u202epwned", "\u2066pwned", "\x08\x08pwned", "\x1b[2Apwned", "\u009d0;pwned"}

// The runs of each command that reads events, rules, queries or packages, with what to
// expect of each: + where the hostile text must be seen, made harmless. {} is the log, -
// the same on standard input.
var hostileRuns = map[string][]string{
	"ingest":         {"ingest --store st\x1b]0;pwned\x07ore {} broken\x1b]0;pwned\x07.gz", "ingest no\x1b]0;pwned\x07such --store store"},
	"store backup":   {"store backup no\x1b]0;pwned\x07such to\x1b]0;pwned\x07"},
	"store compact":  {"store compact no\x1b]0;pwned\x07such"},
	"store expire":   {"store expire no\x1b]0;pwned\x07such"},
	"store hold":     {"store hold no\x1b]0;pwned\x07such --reason \x1b]0;pwned\x07 --category \u202epwned"},
	"store release":  {"store release no\x1b]0;pwned\x07such 1"},
	"store restore":  {"store restore no\x1b]0;pwned\x07such to\x1b]0;pwned\x07"},
	"store seal":     {"store seal no\x1b]0;pwned\x07such"},
	"store verify":   {"store verify no\x1b]0;pwned\x07such"},
	"serve key add":  {"serve key add --data no\x1b]0;pwned\x07such --role \x1b]0;pwned\x07"},
	"serve key end":  {"serve key end --data no\x1b]0;pwned\x07such \x1b]0;pwned\x07"},
	"serve key list": {"serve key list --data no\x1b]0;pwned\x07such"},
	"content apply":  {"content apply no\x1b]0;pwned\x07such --server http://127.0.0.1:1 --access-id a --access-key b"},
	"content diff":   {"content diff no\x1b]0;pwned\x07such --server http://127.0.0.1:1 --access-id a --access-key b"},
	"content export": {"content export to\x1b]0;pwned\x07 --server no\x1b]0;pwned\x07such"},
	"search": {
		"+search -f table * {}", "+search -f list * {}", "+search -f ndjson * {}", "+search -f json * {}", "+search -f csv * {}", "+search *|json_auto|count_by_CommandLine {}",
		"search -q bad.sumo {}", "search _index=\x1b]0;pwned\x07 {}", "search * no\x1b]0;pwned\x07such", "+search --follow *|json_auto|count_by_CommandLine -", "+search --follow -f ndjson * -", "search -v * {} broken\x1b]0;pwned\x07.gz",
	},
	"hunt": {
		"+hunt -d mine -",
		"+hunt -d mine {}", "+hunt -d mine -f table {}", "+hunt -d mine -f list {}", "+hunt -d mine -f ndjson {}", "+hunt -d mine -f csv {}", "+hunt -d mine --timeline {}", "+hunt -d mine -f md {}", "hunt -d mine -f html {}",
		"+hunt -d mine -f sarif {}", "+hunt -d mine -f junit {}", "+hunt -d mine -f ocsf {}", "hunt -d mine -f navigator {}", "+hunt -d rule.yml {}", "hunt -d bad.yml {}",
	},
	"signals":      {"+signals -d rule.json {}", "+signals -d rule.json -f ndjson {}", "signals -d bad.json {}"},
	"records":      {"+records {}", "+records -f ndjson {}", "records --explain {}"},
	"backtest":     {"+backtest rule.json {}", "+backtest rule.json -f ndjson {}", "backtest bad.json {}"},
	"insights":     {"+insights -d rule.json {}", "+insights -d rule.json -f ndjson {}", "+insights -d rule.json -f html {}", "insights -d bad.json {}"},
	"dump":         {"+dump {}", "dump -f xml {}", "+dump -f sumo {}", "+dump -f ndjson {}"},
	"explain":      {"explain --why-not CommandLine=\"nothing\" {}", "+explain --why-not *|json_auto|where_CommandLine=\"no\" {}", "explain -q bad.sumo", "explain -q bad.sumo {}"},
	"doctor":       {"doctor {}", "doctor -d mine {}", "doctor -d rule.yml {}"},
	"fields":       {"+fields {}", "fields -d mine {}", "+fields -f csv {}", "+fields -f ndjson {}"},
	"tree":         {"tree {}", "+tree --finding 1 -d mine {}", "tree --pid 7 {}"},
	"investigate":  {"investigate mine --finding 1 {}", "investigate mine --finding 1 -f md {}", "investigate no\x1b]0;pwned\x07such --finding 1 {}"},
	"coverage":     {"coverage -d mine {}", "coverage {}", "coverage -d mine -f json {}"},
	"draft":        {"+draft --from {}", "draft --from {} --baseline {}"},
	"tune":         {"tune mine --fp {} --tp {}"},
	"drift":        {"drift -v mine"},
	"measure":      {"measure -d mine {}", "measure --labels q.sumo {}"},
	"config":       {"config", "config -f json", "config --config bad.yml"},
	"rules add":    {"rules add broken\x1b]0;pwned\x07.gz", "rules add no\x1b]0;pwned\x07such"},
	"rules path":   {"rules path no\x1b]0;pwned\x07such"},
	"rules remove": {"rules remove no\x1b]0;pwned\x07such"},
	"score":        {"score mine", "score -f json mine"},
	"test":         {"test mine", "test -f junit mine", "test no\x1b]0;pwned\x07such"},
	"diff":         {"diff q.sumo bad.sumo {}", "diff q.sumo q2.sumo {}", "diff mine mine {}"},
	"prove":        {"prove q.sumo q2.sumo {}", "prove q.sumo bad.sumo", "prove rule.yml q.sumo {}"},
	"lint":         {"lint q.sumo bad.sumo", "lint rule.yml", "lint bad.yml", "lint -f json bad.sumo", "lint no\x1b]0;pwned\x07such"},
	"fmt":          {"fmt bad.sumo", "fmt q.sumo"},
	"convert":      {"convert -t splunk rule.yml", "convert -t sumo rule.yml", "convert -t sigma q.sumo", "convert -t sumo bad.yml", "convert -t kusto rule.yml"},
	"conformance":  {"conformance bad.yml", "conformance q.sumo"},
	"doc":          {"doc no\x1b]0;pwned\x07such"},
	"pkg show":     {"+pkg show mine", "pkg show -f json mine"},
	"pkg lint":     {"pkg lint mine"},
	"pkg build":    {"pkg build --check mine"},
	"pkg pack":     {"pkg pack mine -o m\x1b]0;pwned\x07.tgz"},
	"pkg verify":   {"pkg verify broken\x1b]0;pwned\x07.gz", "pkg verify no\x1b]0;pwned\x07such"},
	"pkg install":  {"pkg install broken\x1b]0;pwned\x07.gz x", "pkg install no\x1b]0;pwned\x07such x"},
	"pkg update":   {"pkg update broken\x1b]0;pwned\x07.gz x"},
	"pkg sign":     {"pkg sign broken\x1b]0;pwned\x07.gz", "pkg sign --key no\x1b]0;pwned\x07such m.tgz"},
	"pkg new":      {"pkg new --name \x1b]0;pwned\x07 x", "pkg new --technique \x1b]0;pwned\x07 x", "pkg new mine"},
}

// Commands that read nothing that others wrote.
var harmless = map[string]string{
	"man":     "writes pages about gyoji into a folder",
	"version": "says the version",
	"lsp":     "writes JSON for a program, which shows it",
	"mcp":     "writes JSON for a program, which shows it",
	"help":    "names its arguments as every message does",

	"rules list":   "lists packages that were fetched, whose names are gyoji's own",
	"rules update": "reads a release of SigmaHQ's, which rulepack's tests make hostile",

	"completion bash":       "prints a script of gyoji's own",
	"completion fish":       "prints a script of gyoji's own",
	"completion powershell": "prints a script of gyoji's own",
	"completion zsh":        "prints a script of gyoji's own",
}

// TestEveryCommandWritesHostileTextHarmless: each command, on a terminal, reads events,
// names, rules and packages with text that a terminal obeys, and none of it gets there. A
// command that is in neither list fails the test: say here how it meets hostile text.
func TestEveryCommandWritesHostileTextHarmless(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("TERM", "xterm")
	event := `{"EventID":"1","Channel":"Microsoft-Windows-Sysmon/Operational","Provider":"Microsoft-Windows-Sysmon","Computer":%[1]q,"User":%[1]q,"Image":"C:\\Tools\\example.exe","CommandLine":%[1]q,"ParentImage":%[1]q,"ProcessGuid":"{1-%[2]d}","ParentProcessGuid":"{0}","ProcessId":"7","UtcTime":"2026-03-02 09:00:00.000","f%[3]s":%[1]q}` + "\n"
	var log bytes.Buffer
	for i, h := range hostile {
		quoted := strings.NewReplacer("\x1b", `\u001b`, "\x07", `\u0007`, "\x08", `\b`).Replace(h)
		line := strings.ReplaceAll(fmt.Sprintf(event, "VALUE", i, quoted), "VALUE", "C:\\\\a "+quoted+" b")
		log.WriteString(line)
	}
	name := "log\x1b]0;pwned\x07.jsonl"
	rule := "title: \"t \\e]0;pwned\\a\"\nid: 8cd49308-5625-4eb1-a93c-efe644715841\ndescription: \"\\e[31mpwned\"\nlogsource: {product: windows, category: process_creation}\ndetection:\n  s:\n    Image|endswith: \\example.exe\n    CommandLine|contains: \"\\u202epwned\"\n  k: {CommandLine|contains: pwned}\n  condition: s or k\nfalsepositives: [\"\\e]0;pwned\\a\"]\nlevel: high\n"
	siem := `{"name":"t \u001b]0;pwned\u0007","expression":"commandLine LIKE '%pwned%'","entitySelectors":[{"entityType":"_process","expression":"baseImage"}],"nameExpression":"{{commandLine}} \u202epwned","summaryExpression":"{{user_username}}","descriptionExpression":"d","scoreMapping":{"type":"constant","default":10}}` + "\n"
	for n, text := range map[string]string{
		name: log.String(), "rule.yml": rule, "bad.yml": strings.Replace(rule, "condition: s or k", "condition: \"\\e]0;pwned\\a (\"", 1),
		"rule.json": siem, "bad.json": strings.Replace(siem, "commandLine LIKE", "\x1b[31mpwned \u202epwned", 1),
		"q.sumo": "* | json auto | where CommandLine = \"\x1b]0;pwned\x07\" // \u202epwned\n", "q2.sumo": "* | json auto | where CommandLine = \"\x1b[31mpwned\"\n",
		"bad.sumo": "* | where \x1b]0;pwned\x07 = \"\u202epwned\" | nosuch \x1b[31mpwned", "broken\x1b]0;pwned\x07.gz": "\x1f\x8b\x1b]0;pwned\x07",
	} {
		if err := os.WriteFile(n, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if code := Main([]string{"pkg", "new", "mine"}, nil, io.Discard, io.Discard); code != 0 {
		t.Fatal(code)
	}
	manifest, err := os.ReadFile("mine/detection.yaml")
	if err != nil {
		t.Fatal(err)
	}
	said := strings.NewReplacer("summary: What it finds, in one sentence.", `summary: "\e]0;pwned\a"`, "name: mine", `name: "mine \e[31mpwned"`,
		"next: What an analyst does first.", `next: "\u202epwned"`, "What it cannot see.", `"\e]0;pwned\a"`).Replace(string(manifest))
	if err := os.WriteFile("mine/detection.yaml", []byte(said), 0o600); err != nil {
		t.Fatal(err)
	}

	var missing []string
	met := map[string]bool{}
	var walk func(*cobra.Command, string)
	walk = func(c *cobra.Command, path string) {
		for _, sub := range c.Commands() {
			at := strings.TrimSpace(path + " " + sub.Name())
			if sub.HasSubCommands() {
				walk(sub, at)
				continue
			}
			met[at] = true
			if len(hostileRuns[at]) == 0 && harmless[at] == "" {
				missing = append(missing, at)
			}
		}
	}
	walk((&app{out: &stream{}, err: &stream{}, stdout: io.Discard, stderr: io.Discard}).root(), "")
	for _, at := range missing {
		t.Errorf("%s: say in hostileRuns how it meets hostile text, or in harmless why it does not", at)
	}
	commands := []string{}
	for at := range hostileRuns {
		if commands = append(commands, at); !met[at] {
			t.Errorf("there is no command %s", at)
		}
	}
	slices.Sort(commands)
	for _, at := range commands {
		for _, run := range hostileRuns[at] {
			line, shows := strings.CutPrefix(run, "+")
			args := strings.Split(line, " ")
			for i, a := range args {
				args[i] = strings.ReplaceAll(strings.ReplaceAll(a, "{}", name), "*|json_auto|", "* | json auto | ")
				args[i] = strings.ReplaceAll(strings.ReplaceAll(args[i], "count_by_", "count by "), "where_", "where ")
			}
			t.Run(strings.ReplaceAll(line, "\x1b]0;pwned\x07", "!"), func(t *testing.T) {
				shown, code := onTerminal(t, args, log.String())
				if code == exitBug {
					t.Errorf("a bug: %s", shown)
				}
				for _, h := range hostile {
					if strings.Contains(shown, h) {
						t.Errorf("%q reaches the terminal: %q", h, around(shown, h))
					}
				}
				if shows && !strings.Contains(shown, "pwned") {
					t.Errorf("nothing of the event is shown (exit %d): %s", code, shown)
				}
			})
		}
	}
}

func around(s, at string) string {
	i := strings.Index(s, at)
	return s[max(0, i-60):min(len(s), i+60)]
}

// onTerminal runs a command whose output is a terminal, and returns what it wrote there.
func onTerminal(t *testing.T, args []string, stdin string) (string, int) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminal here: ", err)
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 200}); err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	go func() {
		text, _ := io.ReadAll(master) // it ends in EIO once the other side is closed
		got <- string(text)
	}()
	code := Main(args, strings.NewReader(stdin), slave, slave)
	slave.Close()
	select {
	case text := <-got:
		return text, code
	case <-time.After(time.Minute):
		t.Fatal("the terminal does not end")
	}
	return "", code
}
