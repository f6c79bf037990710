package detection

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"regexp"
	"strings"
	"unicode"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Mutator changes a case as an attacker might to pass a detection, without changing what
// is done: Change one event, or Vary all of them alike. It returns false where it does not
// apply.
type Mutator struct {
	Name   string
	What   string
	Change func(Event) bool
	Vary   func([]Event, *rand.Rand) bool
	Loses  bool // the log says less, so that a lower score of medium or more is no miss
}

func (m *Mutator) apply(events []Event, seed string) bool {
	if m.Vary != nil {
		h := fnv.New64a()
		h.Write([]byte(seed + " " + m.Name)) // a hash takes all
		return m.Vary(events, rand.New(rand.NewPCG(h.Sum64(), 0)))
	}
	return each(events, m.Change)
}

// Event is an event in the names of Sysmon 1; of other events they stand for their own. A Mutator
// writes to it.
type Event map[string]any

// otherNames are the names that other events have, by number, for what Sysmon 1 says: of
// accesses it is who asks.
var otherNames = map[any]map[string]string{
	"4688": {"Image": "NewProcessName", "ParentImage": "ParentProcessName"},
	"10":   {"Image": "SourceImage"},
	"4656": {"Image": "ProcessName"},
	"4663": {"Image": "ProcessName"},
}

func (e Event) name(field string) string {
	if n := otherNames[e["EventID"]][field]; n != "" {
		return n
	}
	return field
}

func (e Event) get(field string) string {
	s, _ := e[e.name(field)].(string)
	return s
}

// set changes a field and reports whether that changed anything.
func (e Event) set(field, value string) bool {
	if old := e.get(field); old == "" || old == value {
		return false
	}
	e[e.name(field)] = value
	return true
}

// Mutators lists the evasions; those that are drawn by a seed are in grammar.go. They follow what Windows' own programs accept:
// PowerShell takes any unambiguous beginning of a parameter's name and four
// kinds of dash, cmd.exe drops carets, the C runtime drops quotes.
var Mutators = append([]Mutator{
	{Name: "upper-case", What: "all paths and the command line in upper case", Change: func(e Event) bool {
		a := e.set("CommandLine", upperOutsideBase64(e.get("CommandLine")))
		b := e.set("Image", strings.ToUpper(e.get("Image")))
		c := e.set("ParentImage", strings.ToUpper(e.get("ParentImage")))
		return a || b || c
	}},
	{Name: "mixed-case", What: "letters in turn upper and lower case", Change: func(e Event) bool {
		a := e.set("CommandLine", alternate(e.get("CommandLine")))
		return e.set("Image", alternate(e.get("Image"))) || a
	}},
	{Name: "carets", What: "a caret in each word, where cmd.exe reads the line", Change: func(e Event) bool {
		if !isNamed(e.get("Image"), "cmd.exe") {
			return false
		}
		return e.set("CommandLine", insert(e.get("CommandLine"), "^"))
	}},
	{Name: "quotes", What: "a pair of quotes inside each switch", Change: func(e Event) bool {
		return e.set("CommandLine", switches().ReplaceAllStringFunc(e.get("CommandLine"), func(s string) string {
			m := switches().FindStringSubmatch(s)
			if name := m[3]; len(name) > 3 {
				return m[1] + m[2] + name[:2] + `"` + name[2:len(name)-1] + `"` + name[len(name)-1:]
			}
			return s
		}))
	}},
	{Name: "backticks", What: "a backtick inside PowerShell's own words", Change: func(e Event) bool {
		if !isPowerShell(e) {
			return false
		}
		return e.set("CommandLine", cmdlets().ReplaceAllStringFunc(e.get("CommandLine"), func(s string) string { return s[:1] + "`" + s[1:] }))
	}},
	{Name: "slash", What: "/ for - before a switch", Change: func(e Event) bool { return dashes(e, "/") }},
	{Name: "en-dash", What: "an en dash before a switch", Change: func(e Event) bool { return isPowerShell(e) && dashes(e, "\u2013") }},
	{Name: "em-dash", What: "an em dash before a switch", Change: func(e Event) bool { return isPowerShell(e) && dashes(e, "\u2014") }},
	{Name: "horizontal-bar", What: "a horizontal bar before a switch", Change: func(e Event) bool { return isPowerShell(e) && dashes(e, "\u2015") }},
	{Name: "abbreviation", What: "PowerShell's switches in their shortest form", Change: func(e Event) bool { return abbreviate(e, "e", "w", "ep") }},
	{Name: "half-abbreviation", What: "PowerShell's switches cut in the middle", Change: func(e Event) bool { return abbreviate(e, "encodedc", "windowst", "executionp") }},
	{Name: "forward-slashes", What: "/ for \\ in paths", Change: func(e Event) bool {
		a := e.set("Image", strings.ReplaceAll(e.get("Image"), `\`, "/"))
		return e.set("ParentImage", strings.ReplaceAll(e.get("ParentImage"), `\`, "/")) || a
	}},
	{Name: "device-path", What: `\\?\ before the paths`, Change: func(e Event) bool {
		a := e.set("Image", `\\?\`+e.get("Image"))
		return e.set("ParentImage", `\\?\`+e.get("ParentImage")) || a
	}},
	{Name: "moved", What: "the program copied to a folder that users can write", Change: func(e Event) bool {
		return e.set("Image", `C:\Users\Public\`+baseName(e.get("Image")))
	}},
	{Name: "portable-browser", What: "the browser run from another folder", Change: func(e Event) bool {
		return e.set("ParentImage", `D:\Tools\Portable\`+baseName(e.get("ParentImage")))
	}},
	{Name: "renamed", What: "the program under another name, its OriginalFileName unchanged", Change: func(e Event) bool {
		old := baseName(e.get("Image"))
		if e.get("OriginalFileName") == "" || old == "" {
			return false
		}
		e.set("CommandLine", strings.Replace(e.get("CommandLine"), old, "viewer.exe", 1))
		return e.set("Image", `C:\Users\Public\viewer.exe`)
	}},
	{Name: "padding", What: "spaces and tabs between arguments", Change: func(e Event) bool {
		return e.set("CommandLine", strings.ReplaceAll(e.get("CommandLine"), " ", "  \t ")+"   ")
	}},
	{Name: "environment", What: "paths by environment variables", Change: func(e Event) bool {
		return e.set("CommandLine", environment.Replace(e.get("CommandLine")))
	}},
	{Name: "quoted-program", What: "the program's name in quotes", Change: func(e Event) bool {
		line := e.get("CommandLine")
		if strings.HasPrefix(line, `"`) {
			return false
		}
		name, rest, _ := strings.Cut(line, " ")
		return e.set("CommandLine", `"`+name+`" `+rest)
	}},
	{Name: "no-extension", What: "the program's name without .exe", Change: func(e Event) bool {
		return e.set("CommandLine", regexp.MustCompile(`(?i)^("?[^" ]+)\.exe`).ReplaceAllString(e.get("CommandLine"), "$1"))
	}},
}, drawn...)

var (
	switches    = match.Lazy(`(^|\s)([-/])([A-Za-z]+)`)
	dashSwitch  = match.Lazy(`(^|\s)-([A-Za-z])`)
	cmdlets     = match.Lazy(`(?i)\b(iex|iwr|irm|invoke-expression|invoke-webrequest|downloadstring|new-object)\b`)
	base64Text  = match.Lazy(`[A-Za-z0-9+/]{16,}={0,2}`)
	encodedName = match.Lazy(`(?i)([-/\x{2013}])(encodedcommand|enc|e)(\s)`)
	windowName  = match.Lazy(`(?i)([-/])(windowstyle|w)(\s)`)
	policyName  = match.Lazy(`(?i)([-/])(executionpolicy)(\s)`)
	environment = strings.NewReplacer(
		`C:\Windows\System32\`, `%SystemRoot%\System32\`, `C:\WINDOWS\system32\`, `%SystemRoot%\system32\`,
		`C:\Users\ana\AppData\Local\Temp\`, `%TEMP%\`, `C:\Users\ana\`, `%USERPROFILE%\`)
)

// firstProcess is the process event that a survivor is shown by; the first event without any.
func firstProcess(events []Event) Event {
	for _, e := range events {
		if e.get("CommandLine") != "" {
			return e
		}
	}
	return events[0]
}

func baseName(path string) string {
	return path[strings.LastIndexAny(path, `\/`)+1:]
}

func isNamed(path, name string) bool { return strings.EqualFold(baseName(path), name) }

func isPowerShell(e Event) bool {
	return isNamed(e.get("Image"), "powershell.exe") || isNamed(e.get("Image"), "pwsh.exe")
}

// upperOutsideBase64 leaves encoded text alone: its letter case carries meaning.
func upperOutsideBase64(s string) string { return outsideBase64(s, strings.ToUpper) }

func alternate(s string) string {
	return outsideBase64(s, func(s string) string {
		r := []rune(s)
		for i := range r {
			if i%2 == 0 {
				r[i] = unicode.ToUpper(r[i])
			} else {
				r[i] = unicode.ToLower(r[i])
			}
		}
		return string(r)
	})
}

func outsideBase64(s string, change func(string) string) string {
	var b strings.Builder
	at := 0
	for _, m := range base64Text().FindAllStringIndex(s, -1) {
		b.WriteString(change(s[at:m[0]]))
		b.WriteString(s[m[0]:m[1]])
		at = m[1]
	}
	b.WriteString(change(s[at:]))
	return b.String()
}

// insert puts a mark behind the first letter of each word of three or more.
func insert(s, mark string) string {
	return outsideBase64(s, func(s string) string {
		return regexp.MustCompile(`\b([A-Za-z])([A-Za-z]{2,})`).ReplaceAllString(s, "${1}"+mark+"${2}")
	})
}

func dashes(e Event, dash string) bool {
	return e.set("CommandLine", dashSwitch().ReplaceAllString(e.get("CommandLine"), "${1}"+dash+"${2}"))
}

func abbreviate(e Event, encoded, window, policy string) bool {
	if !isPowerShell(e) && !strings.Contains(strings.ToLower(e.get("CommandLine")), "powershell") {
		return false
	}
	line := encodedName().ReplaceAllString(e.get("CommandLine"), "${1}"+encoded+"${3}")
	line = windowName().ReplaceAllString(line, "${1}"+window+"${3}")
	return e.set("CommandLine", policyName().ReplaceAllString(line, "${1}"+policy+"${3}"))
}

// Kills is how a detection did against the mutations of the suite's cases.
type Kills struct {
	Detection *Detection
	Total     int // mutations tried
	Killed    int // that still fired, with no lower a score
	Min       float64
	Survivors []Survivor
}

// Survivor is an evasion that works.
type Survivor struct {
	Case, Mutator string
	CommandLine   string // of the first process event changed
	Image         string
	Why           string
}

// Score is the share of mutations that the detection still catches.
func (k *Kills) Score() float64 {
	if k.Total == 0 {
		return 1
	}
	return float64(k.Killed) / float64(k.Total)
}

// mutations puts the suite's positive cases through every Mutator.
func (r *runner) mutations(ctx context.Context, v *Verification, only *regexp.Regexp) error {
	m := v.Suite.Mutations
	named := map[string]bool{}
	for _, id := range m.Of {
		named[id] = only == nil || only.MatchString(id)
	}
	for _, id := range m.Detections {
		d := r.pkg.Detection(id)
		k := &Kills{Detection: d, Min: m.MinKill[id]}
		for _, c := range v.Suite.Cases {
			if !named[c.ID] || c.Detections[id].Count == 0 {
				continue
			}
			if err := r.mutate(ctx, d, c, k); err != nil {
				return fmt.Errorf("case %s: %w", c.ID, err)
			}
		}
		if k.Total > 0 {
			v.Kills = append(v.Kills, k)
		}
	}
	return nil
}

func (r *runner) mutate(ctx context.Context, d *Detection, c *Case, k *Kills) error {
	before, err := r.rows(ctx, d, c.data)
	if err != nil {
		return err
	}
	base, fired := lowestScore(d, before), len(before.Values)
	for _, m := range Mutators {
		recorded, err := c.Recorded()
		if err != nil {
			return err
		}
		events := make([]Event, len(recorded))
		for i, e := range recorded {
			events[i] = e
		}
		if !m.apply(events, c.ID) {
			continue
		}
		var text bytes.Buffer
		for _, e := range events {
			line, err := json.Marshal(e)
			if err != nil {
				return err
			}
			text.Write(append(line, '\n'))
		}
		changed := firstProcess(events)
		rows, err := r.rows(ctx, d, text.Bytes())
		if err != nil {
			return err
		}
		k.Total++
		why := ""
		switch n := len(rows.Values); {
		case n < fired:
			why = fmt.Sprintf("fired %s, before %s", times(n), times(fired))
		case lowestScore(d, rows) < base && !(m.Loses && d.SeverityOf(int(lowestScore(d, rows))) >= Medium):
			why = fmt.Sprintf("scored %d, before %d", lowestScore(d, rows), base)
		default:
			k.Killed++
			continue
		}
		k.Survivors = append(k.Survivors, Survivor{Case: c.ID, Mutator: m.Name, CommandLine: changed.get("CommandLine"), Image: changed.get("Image"), Why: why})
	}
	return nil
}
