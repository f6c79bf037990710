package detection

import (
	"fmt"
	"math/rand/v2"
	"path"
	"regexp"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// The rest of the evasions: what somebody else would have done in the attacker's place
// (another browser, another folder, another kind of file, another log), and the grammars
// of published obfuscators. They are drawn by a seed of the case, so that each run makes
// the same. Facts, own code:
//
//   - Invoke-DOSfuscation (Bohannon, 2018): substrings of variables, set and call, for /f,
//     delayed expansion, parentheses, commas and semicolons for blanks.
//   - Invoke-Obfuscation (Bohannon, 2016): concatenation, the format operator, characters by
//     number, reordering of a string that Invoke-Expression gets.
//   - ArgFuscator (Wietze Beukema, 2024): quotes inside words, : and = for the blank after a
//     switch, letters that Windows takes for others, blanks that are none.
//   - LOLBAS: programs of Windows under another name, with their version resource.
var drawn = []Mutator{
	{Name: "another-browser", What: "another browser is the parent", Vary: func(es []Event, r *rand.Rand) bool {
		return parents(es, isBrowser, pick(r, `C:\Program Files\BraveSoftware\Brave-Browser\Application\brave.exe`, `C:\Users\ana\AppData\Local\Programs\Opera\opera.exe`,
			`C:\Users\ana\AppData\Local\Vivaldi\Application\vivaldi.exe`, `C:\Program Files\Mozilla Firefox\firefox.exe`, `C:\Program Files\LibreWolf\librewolf.exe`, `C:\Program Files\Zen Browser\zen.exe`))
	}},
	{Name: "client-parent", What: "mail, chat or a reader is the parent in the browser's place", Vary: func(es []Event, r *rand.Rand) bool {
		return parents(es, isBrowser, pick(r, `C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE`, `C:\Program Files\WindowsApps\MSTeams_24124.2311_x64__8wekyb3d8bbwe\ms-teams.exe`,
			`C:\Users\ana\AppData\Local\slack\app-4.39.0\slack.exe`, `C:\Users\ana\AppData\Roaming\Telegram Desktop\Telegram.exe`, `C:\Program Files\Adobe\Acrobat DC\Acrobat\Acrobat.exe`))
	}},
	{Name: "another-name", What: "the program under a name that hides among Windows' own", Vary: func(es []Event, r *rand.Rand) bool {
		return each(es, func(e Event) bool {
			old := baseName(e.get("Image"))
			if e.get("OriginalFileName") == "" || old == "" || !isProgramOfWindows(e.get("Image")) {
				return false
			}
			name := pick(r, "svchost.exe", "update.exe", "msedge_proxy.exe", "teamsupdate.exe", "dllhost.exe")
			e.set("CommandLine", strings.Replace(e.get("CommandLine"), old, name, 1))
			return e.set("Image", pick(r, `C:\ProgramData\`, `C:\Users\ana\AppData\Local\Temp\`, `C:\Users\Public\Music\`)+name)
		})
	}},
	{Name: "another-bitness", What: "the 32-bit program of the same name", Vary: func(es []Event, _ *rand.Rand) bool {
		return each(es, func(e Event) bool {
			return e.set("Image", regexp.MustCompile(`(?i)\\system32\\`).ReplaceAllString(e.get("Image"), `\SysWOW64\`))
		})
	}},
	{Name: "another-folder", What: "the file in another folder where downloads land", Vary: func(es []Event, r *rand.Rand) bool {
		to := pick(r, `C:\Users\ana\AppData\Local\Temp\Temp1_files.zip\`, `C:\Users\ana\AppData\Local\Temp\7zO4A1B2C3D\`, `C:\Users\ana\AppData\Local\Temp\Rar$EXa4412.9911\`, `C:\Users\ana\Downloads\Telegram Desktop\`, `C:\Users\ana\Downloads\new (2)\`)
		return texts(es, landed(), to)
	}},
	{Name: "on-an-image", What: "the file on a mounted image", Vary: func(es []Event, r *rand.Rand) bool {
		return runs(es) && texts(es, landed(), pick(r, `E:\`, `F:\docs\`, `G:\`))
	}},
	{Name: "on-web-share", What: "the file on a share of the web", Vary: func(es []Event, r *rand.Rand) bool {
		return runs(es) && texts(es, landed(), pick(r, `\\203.0.113.9\files\`, `\\cdn.example@SSL\DavWWWRoot\x\`, `\\203.0.113.9@8080\d\`))
	}},
	{Name: "another-kind", What: "a file of a kind that does the same", Vary: func(es []Event, r *rand.Rand) bool {
		did := false
		for _, k := range []struct {
			from *regexp.Regexp
			to   []string
		}{
			{regexp.MustCompile(`(?i)\.js\b`), []string{".jse", ".wsf"}}, {regexp.MustCompile(`(?i)\.vbs\b`), []string{".vbe", ".wsf"}},
			{regexp.MustCompile(`(?i)\.(bat)\b`), []string{".cmd"}}, {regexp.MustCompile(`(?i)\.iso\b`), []string{".img", ".vhdx"}},
			{regexp.MustCompile(`(?i)\.docm\b`), []string{".xlsm"}},
		} {
			to := pick(r, k.to...)
			for _, e := range es {
				for _, f := range []string{"CommandLine", "TargetFilename"} {
					did = e.set(f, k.from.ReplaceAllString(e.get(f), to)) || did
				}
			}
		}
		return did
	}},
	{Name: "screensaver", What: "the program as .scr or .pif", Vary: func(es []Event, r *rand.Rand) bool {
		to, did := pick(r, ".scr", ".pif", ".com"), false
		for _, e := range es {
			if landed().MatchString(e.get("Image")) {
				name := baseName(e.get("Image"))
				other := strings.TrimSuffix(name, path.Ext(name)) + to
				for _, x := range es {
					for _, f := range []string{"Image", "CommandLine", "TargetFilename"} {
						did = x.set(f, strings.ReplaceAll(x.get(f), name, other)) || did
					}
				}
			}
		}
		return did
	}},
	{Name: "as-4688", What: "Security 4688 is logged and not Sysmon 1", Loses: true, Vary: func(es []Event, _ *rand.Rand) bool {
		return each(es, func(e Event) bool {
			if e["EventID"] != "1" {
				return false
			}
			for to, from := range map[string]string{"NewProcessName": "Image", "ParentProcessName": "ParentImage", "SubjectUserName": "User"} {
				e[to] = e[from]
			}
			for _, f := range []string{"Image", "ParentImage", "User", "OriginalFileName", "ParentCommandLine", "CurrentDirectory", "UtcTime", "ProcessGuid", "ParentProcessGuid", "Hashes", "IntegrityLevel", "ParentUser"} {
				if f == "UtcTime" && e[f] != nil {
					e["TimeCreated"] = strings.Replace(e.get(f), " ", "T", 1) + "Z"
				}
				delete(e, f)
			}
			e["ProcessId"], e["NewProcessId"] = e["ParentProcessId"], e["ProcessId"]
			delete(e, "ParentProcessId")
			e["EventID"], e["Channel"], e["Provider"] = "4688", "Security", "Microsoft-Windows-Security-Auditing"
			return e["NewProcessName"] != nil
		})
	}},
	{Name: "number-id", What: "a forwarder that writes EventID as a number", Vary: func(es []Event, _ *rand.Rand) bool {
		return each(es, func(e Event) bool {
			var n int
			if _, err := fmt.Sscan(e.get("EventID"), &n); err != nil || len(e) < 3 {
				return false
			}
			e["EventID"] = n
			return true
		})
	}},
	{Name: "old-sysmon", What: "a Sysmon without OriginalFileName and ParentUser", Loses: true, Vary: func(es []Event, _ *rand.Rand) bool {
		return each(es, func(e Event) bool {
			had := e["OriginalFileName"] != nil
			delete(e, "OriginalFileName")
			delete(e, "ParentUser")
			return had
		})
	}},
	{Name: "substring", What: "DOSfuscation: letters out of variables", Vary: func(es []Event, r *rand.Rand) bool {
		return commandWords(es, isShell, r, func(w string) string {
			i := r.IntN(len(w) - 1)
			return w[:i] + pick(r, "%ProgramFiles:~14,1%", "%PUBLIC:~5,1%", "%COMSPEC:~-13,1%") + w[i+1:]
		})
	}},
	{Name: "set-and-call", What: "DOSfuscation: the command in variables that call puts together", Vary: func(es []Event, r *rand.Rand) bool {
		return tails(es, isShell, func(tail string) string {
			i := len(tail)/2 + 1
			return fmt.Sprintf(`"set ab=%s&&set bc=%s&&call %%ab%%%%bc%%"`, tail[:i], tail[i:])
		})
	}},
	{Name: "delayed", What: "DOSfuscation: delayed expansion", Vary: func(es []Event, r *rand.Rand) bool {
		return tails(es, isShell, func(tail string) string { return fmt.Sprintf(`"set x=%s&&cmd /v:on /c !x!"`, tail) })
	}},
	{Name: "for-f", What: "DOSfuscation: for /f runs what echo writes", Vary: func(es []Event, r *rand.Rand) bool {
		return tails(es, isShell, func(tail string) string { return fmt.Sprintf(`"for /f "delims=" %%a in ('echo %s') do %%a"`, tail) })
	}},
	{Name: "parentheses", What: "DOSfuscation: parentheses and commas", Vary: func(es []Event, r *rand.Rand) bool {
		return tails(es, isShell, func(tail string) string { return ",;((" + strings.Replace(tail, " ", ",;  ", 1) + "))" })
	}},
	{Name: "concatenated", What: "Invoke-Obfuscation: words put together with +", Vary: func(es []Event, r *rand.Rand) bool {
		return commandWords(es, isPowerShell, r, func(w string) string {
			i := 1 + r.IntN(len(w)-1)
			return "&('" + w[:i] + "'+'" + w[i:] + "')"
		})
	}},
	{Name: "format-operator", What: "Invoke-Obfuscation: words put together by -f", Vary: func(es []Event, r *rand.Rand) bool {
		return commandWords(es, isPowerShell, r, func(w string) string {
			i := 1 + r.IntN(len(w)-1)
			return "&('{1}{0}'-f'" + w[i:] + "','" + w[:i] + "')"
		})
	}},
	{Name: "by-number", What: "Invoke-Obfuscation: characters by their number", Vary: func(es []Event, r *rand.Rand) bool {
		return commandWords(es, isPowerShell, r, func(w string) string {
			var b strings.Builder
			for i, c := range []byte(w) {
				if i > 0 {
					b.WriteByte('+')
				}
				fmt.Fprintf(&b, "[char]%d", c)
			}
			return "&(" + b.String() + ")"
		})
	}},
	{Name: "backwards", What: "Invoke-Obfuscation: the command backwards, and turned round", Vary: func(es []Event, r *rand.Rand) bool {
		return tails(es, isPowerShell, func(tail string) string {
			b := []rune(strings.ReplaceAll(tail, "'", "''"))
			for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
				b[i], b[j] = b[j], b[i]
			}
			return `"$x='` + string(b) + `';iex(-join$x[-1..-($x.Length)])"`
		})
	}},
	{Name: "quoted-words", What: "ArgFuscator: quotes inside all words of an argument", Vary: func(es []Event, r *rand.Rand) bool {
		return each(es, func(e Event) bool {
			head, tail := program(e.get("CommandLine"))
			return e.set("CommandLine", head+outsideBase64(tail, func(s string) string {
				return regexp.MustCompile(`\b([A-Za-z])([A-Za-z])([A-Za-z]+)\b`).ReplaceAllString(s, `$1"$2"$3`)
			}))
		})
	}},
	{Name: "odd-blanks", What: "ArgFuscator: blanks that are none", Vary: func(es []Event, r *rand.Rand) bool {
		return each(es, func(e Event) bool {
			head, tail := program(e.get("CommandLine"))
			return e.set("CommandLine", head+strings.ReplaceAll(tail, " ", "\u00a0"))
		})
	}},
	{Name: "colon-value", What: "ArgFuscator: a colon between a switch and its value", Vary: func(es []Event, r *rand.Rand) bool {
		return each(es, func(e Event) bool {
			return isPowerShell(e) && e.set("CommandLine", regexp.MustCompile(`(?i)([-/](?:w|ec?|ep|enc|windowstyle|encodedcommand|executionpolicy)) `).ReplaceAllString(e.get("CommandLine"), "$1:"))
		})
	}},
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func each(es []Event, change func(Event) bool) (did bool) {
	for _, e := range es {
		did = change(e) || did
	}
	return did
}

// parents sets the parent of processes whose parent is of a kind.
func parents(es []Event, is func(string) bool, to string) bool {
	return each(es, func(e Event) bool { return is(e.get("ParentImage")) && e.set("ParentImage", to) })
}

// texts replaces a folder in all that names a file.
func texts(es []Event, from *regexp.Regexp, to string) bool {
	to = strings.ReplaceAll(to, "$", "$$")
	return each(es, func(e Event) (did bool) {
		for _, f := range []string{"Image", "CommandLine", "TargetFilename"} {
			did = e.set(f, from.ReplaceAllString(e.get(f), to)) || did
		}
		return did
	})
}

// runs reports whether the case is of processes alone: a file that a browser writes is
// on no image.
func runs(es []Event) bool {
	for _, e := range es {
		if e.get("TargetFilename") != "" {
			return false
		}
	}
	return true
}

// landed finds the folders where downloads land, up to the file's name.
var landed = match.Lazy(`(?i)[a-z]:\\Users\\[^\\"]+\\(?:Downloads|AppData\\Local\\Temp)\\(?:[^\\"<>|:]+\\)*`)

func isBrowser(image string) bool {
	switch strings.ToLower(baseName(image)) {
	case "chrome.exe", "msedge.exe", "firefox.exe", "iexplore.exe", "opera.exe", "brave.exe", "vivaldi.exe":
		return true
	}
	return false
}

func isProgramOfWindows(image string) bool {
	return strings.HasPrefix(strings.ToLower(image), `c:\windows\`)
}

func isShell(e Event) bool { return isNamed(e.get("Image"), "cmd.exe") }

// program cuts a command line after the program's name.
func program(line string) (head, tail string) {
	if strings.HasPrefix(line, `"`) {
		if i := strings.IndexByte(line[1:], '"'); i >= 0 {
			return line[:i+2], line[i+2:]
		}
	}
	if i := strings.IndexByte(line, ' '); i >= 0 {
		return line[:i], line[i:]
	}
	return line, ""
}

// commandWords changes one word that names a command, by a grammar, in lines of a kind.
func commandWords(es []Event, is func(Event) bool, r *rand.Rand, change func(string) string) bool {
	return each(es, func(e Event) bool {
		if !is(e) {
			return false
		}
		head, tail := program(e.get("CommandLine"))
		at := commands().FindAllStringIndex(tail, -1)
		if len(at) == 0 {
			return false
		}
		i := at[r.IntN(len(at))]
		return e.set("CommandLine", head+tail[:i[0]]+change(tail[i[0]:i[1]])+tail[i[1]:])
	})
}

var commands = match.Lazy(`(?i)\b(iex|iwr|irm|invoke-expression|invoke-webrequest|invoke-restmethod|downloadstring|powershell|mshta|curl|certutil|start|whoami|finger|rundll32)\b`)

// tails changes what a shell is to run: what comes after /c or -c.
func tails(es []Event, is func(Event) bool, change func(string) string) bool {
	return each(es, func(e Event) bool {
		m := runSwitch().FindStringSubmatch(e.get("CommandLine"))
		if m == nil || !is(e) || len(m[2]) < 4 {
			return false
		}
		return e.set("CommandLine", m[1]+change(strings.Trim(m[2], `"`)))
	})
}

var runSwitch = match.Lazy(`(?i)^(.*? [-/](?:c|k|command) )(.+)$`)
