package hunt

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// advice is what to do first about events of some kind: sentences with {Field}s of the
// event. A sentence of which a field is missing is left out.
type advice struct {
	channel string   // stands in the name of the channel, letter case aside; "" for any
	ids     []string // event ids; none for all
	says    []string
}

// advised are the kinds, the narrower first. {tree} is the command that shows the process,
// {image} its program, {who} whom the finding is about.
var advised = []advice{
	{"sysmon", []string{"1"}, []string{"Find out who started {image} and what it did next: {tree}."}},
	{"security", []string{"4688"}, []string{"Find out who started {image} and what it did next: {tree}."}},
	{"sysmon", []string{"3"}, []string{"Find out what {image} is and who started it: {tree}.", "Look for other hosts that connected to {DestinationIp}."}},
	{"security", []string{"5156", "5157"}, []string{"Find out which program connected, and who started it.", "Look for other hosts that connected to {DestAddress}."}},
	{"sysmon", []string{"6"}, []string{"Fetch the driver {ImageLoaded} and check its signature and hash."}},
	{"sysmon", []string{"7"}, []string{"Check where {ImageLoaded} came from and who signed it.", "Find out what loaded it: {tree}."}},
	{"sysmon", []string{"8"}, []string{"{SourceImage} started a thread in {TargetImage}: find out what {SourceImage} is and who started it: {tree}.", "Treat {TargetImage} as under its control."}},
	{"sysmon", []string{"10"}, []string{"{SourceImage} opened {TargetImage} with the rights {GrantedAccess}: find out what {SourceImage} is and who started it: {tree}.", "If it is no tool of yours, treat the passwords that were used on the host as known."}},
	{"sysmon", []string{"11", "15", "23", "26", "27", "28", "29"}, []string{"Get {TargetFilename} or its hash from the host.", "Find out what wrote it: {tree}."}},
	{"sysmon", []string{"12", "13", "14"}, []string{"Read {TargetObject} on the host and undo it if nobody of yours wrote it.", "Find out what wrote it: {tree}."}},
	{"sysmon", []string{"17", "18"}, []string{"Find out what made or opened the pipe {PipeName}: {tree}."}},
	{"sysmon", []string{"19", "20", "21"}, []string{"List the WMI subscriptions of the host (root\\subscription) and remove those that nobody of yours made.", "{User} made this one."}},
	{"sysmon", []string{"22"}, []string{"Find out what {image} is: {tree}.", "Look for other hosts that asked for {QueryName}."}},
	{"sysmon", []string{"4", "16", "255"}, []string{"Find out who stopped Sysmon or changed its configuration: from then on its events may be missing."}},
	{"sysmon", []string{"25"}, []string{"Find out who started {image}, whose memory was replaced: {tree}."}},

	{"security", []string{"4624", "4648", "4672", "4634", "4647", "4778", "4779"}, []string{"Ask {who} whether this logon was theirs.", "List what else came from {IpAddress} around the time."}},
	{"security", []string{"4625", "4771", "4776", "4740"}, []string{"See whether a logon of {who} succeeded after this.", "List which other accounts {IpAddress} tried."}},
	{"security", []string{"4768", "4769", "4770"}, []string{"Find out which process on {IpAddress} asked for the ticket, and for which other services ({ServiceName} here) {who} did.", "See what else {who} asked for around the time."}},
	{"security", []string{"4720", "4722", "4723", "4724", "4725", "4726", "4727", "4728", "4729", "4730", "4731", "4732", "4733", "4735", "4737", "4738", "4741", "4742", "4743", "4756", "4757", "4767", "4781", "4794"}, []string{"Ask {SubjectUserName} whether the change to {TargetUserName} was theirs, and undo it if not.", "List what else {SubjectUserName} changed that day."}},
	{"security", []string{"4697"}, []string{"Fetch {ServiceFileName} from the host and find out who installed the service {ServiceName}."}},
	{"security", []string{"4698", "4699", "4700", "4701", "4702"}, []string{"Read what the task {TaskName} starts, and find out who made it ({who})."}},
	{"security", []string{"1102", "1100"}, []string{"Ask {who} why the log was cleared, and get what it held from where logs are forwarded to.", "Look in other logs of the host at what came just before."}},
	{"security", []string{"4719", "4906", "4907", "4904", "4905", "4703", "4704", "4705", "4717", "4718", "4739"}, []string{"Ask {who} why this setting was changed, and check what is audited on the host now."}},
	{"security", []string{"5140", "5142", "5143", "5144", "5145"}, []string{"Find out what {IpAddress} did on the share {ShareName} as {who}.", "See what {who} did on this share around the time."}},
	{"security", []string{"4656", "4658", "4660", "4661", "4662", "4663", "4670", "4673", "4674", "4985"}, []string{"Find out which program of {who} touched {ObjectName}: {tree}.", "See what else {who} did around the time."}},
	{"security", []string{"5136", "5137", "5138", "5139", "5141"}, []string{"Ask {who} whether the change to {ObjectDN} was theirs, and undo it if not."}},
	{"security", []string{"4886", "4887", "4898", "4899", "4900"}, []string{"Find out who asked for the certificate and for whom it is valid; revoke it if nobody of yours did."}},

	{"system", []string{"7045"}, []string{"Fetch {ImagePath} from the host and find out who installed the service {ServiceName}."}},
	{"system", []string{"7036", "7040", "7023", "7024"}, []string{"Find out why the service changed, and whether somebody stopped it.", "It is {param1}."}},
	{"system", []string{"104", "6005", "6006"}, []string{"Ask {who} why the log was cleared, and get what it held from where logs are forwarded to.", "Look in other logs of the host at what came just before."}},
	{"powershell", []string{"4104"}, []string{"Read the whole script: gyoji search 'ScriptBlockId={ScriptBlockId}' LOGS.", "Find out which process ran it: {tree}."}},
	{"powershell", nil, []string{"Read the other events of this PowerShell session on the host around the time, 4104 among them.", "Find out which process it was: {tree}."}},
	{"defender", nil, []string{"See whether Defender removed {Path}, and how it got there.", "See whether Defender is still on, and what else it reported of the host."}},
	{"taskscheduler", nil, []string{"Read what the task {TaskName} starts, and find out who made it."}},
	{"bits", nil, []string{"Find out what was fetched from {url}, and who made the job."}},
	{"terminalservices", nil, []string{"Ask {who} whether this session from {Address} was theirs."}},
	{"wmi-activity", nil, []string{"Find out who sent the WMI query, and from which host."}},
	{"codeintegrity", nil, []string{"Fetch the file that failed the check, and find out who put it there."}},
	{"applocker", nil, []string{"Find out who started the program that the policy names, and where it came from."}},
	{"printservice", nil, []string{"Fetch the driver or library that the print service loaded, and find out who added it."}},
	{"firewall", nil, []string{"Read the rule that was changed, and undo it if nobody of yours changed it."}},
	{"dns", nil, []string{"Find out which program asked for {QueryName}, and which other hosts did."}},
}

// placeholder is a field of an event in a sentence.
var placeholder = match.Lazy(`\{([A-Za-z0-9_]+)\}`)

// Detailed are the fields of an event that a finding's head and its advice are made of.
var Detailed = sync.OnceValue(func() []string {
	all := slices.Clone(Carried)
	for _, a := range advised {
		for _, s := range a.says {
			for _, m := range placeholder().FindAllStringSubmatch(s, -1) {
				switch n := m[1]; n {
				case "image", "tree", "who":
				default:
					if !slices.ContainsFunc(all, func(x string) bool { return strings.EqualFold(x, n) }) {
						all = append(all, n)
					}
				}
			}
		}
	}
	return all
})

// adviceMax is how long a value is at most that stands in a sentence, in characters.
const adviceMax = 120

// Advice is what to do first about a finding, in sentences: by the kind of its event, of
// which said gives the fields, or by its kind where it is made of several. said may be nil.
func Advice(f *Finding, said Said) string {
	if f.Records > 1 || len(f.Evidence) == 0 {
		whose := ""
		if f.Host != "" {
			whose = " on " + f.Host
		}
		if f.Records == 1 || len(f.Evidence) == 0 {
			return "Read what the finding says, and see what else was found about whom it names."
		}
		return fmt.Sprintf("Go through the %d records%s in order of time, and see what the first one came after.", f.Records, whose)
	}
	value := func(name string) string {
		switch name {
		case "image":
			return base(f.subject().Image)
		case "tree":
			return f.treeCommand()
		case "who":
			return f.User
		}
		v, ok := "", false
		if said != nil {
			v = said(name)
		}
		if v == "" {
			if v, ok = f.Get(name); !ok {
				return ""
			}
		}
		return v
	}
	e := &f.Evidence[0]
	channel := strings.ToLower(e.Channel + " " + e.Category)
	for _, a := range advised {
		if !strings.Contains(channel, a.channel) || len(a.ids) > 0 && !slices.Contains(a.ids, e.EventID) {
			continue
		}
		if text := sentences(a.says, value); text != "" {
			return text
		}
	}
	return sentences([]string{"Read the whole record.", "See what else {who} did around the time."}, value)
}

// sentences are those of which every field is there.
func sentences(of []string, value func(string) string) string {
	var out []string
	for _, s := range of {
		whole := true
		if value("tree") == "" { // what is to be found out stays
			s = strings.Replace(s, ": {tree}", "", 1)
		}
		s = placeholder().ReplaceAllStringFunc(s, func(m string) string {
			v := strings.Join(strings.Fields(value(m[1:len(m)-1])), " ")
			if v == "" || v == "-" || v == "::1" && m == "{IpAddress}" || v == "127.0.0.1" && m == "{IpAddress}" {
				whole = false
			}
			if strings.Contains(s, m+"'") { // in a command: never more than a word
				whole = whole && !strings.ContainsAny(v, "'\"\\ ")
			}
			if r := []rune(v); len(r) > adviceMax && m != "{tree}" {
				v = string(r[:adviceMax-1]) + "…"
			}
			return v
		})
		if whole {
			out = append(out, s)
		}
	}
	return strings.Join(out, " ")
}

// shellWord is a text as a shell takes it for one word.
func shellWord(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return !strings.ContainsRune("-_./:=@%+,", c) && !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// base is the last part of a path of Windows or another system.
func base(path string) string { return path[strings.LastIndexAny(path, `\/`)+1:] }

// treeCommand shows the process of a finding, "" for one of none.
func (f *Finding) treeCommand() string {
	switch s := f.subject(); {
	case s.GUID != "":
		return "gyoji tree --guid " + shellWord(s.GUID) + " LOGS"
	case s.PID != "" && f.Host != "" && f.Timed():
		return fmt.Sprintf("gyoji tree --pid %s --computer %s --at %s LOGS", shellWord(s.PID), shellWord(f.Host), f.Time)
	}
	return ""
}
