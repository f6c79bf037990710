package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// settingsIn reads a file of settings in a folder that holds nothing else.
func settingsIn(t *testing.T, from, text string) (root *cobra.Command, all []*setting, errs []error) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	path := settingsName
	if from != fromFolder {
		path = filepath.Join(dir, settingsName)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	a := &app{}
	root = a.root()
	file := &settingsFile{from: from, path: path}
	read, err := readSettings(file)
	if err != nil {
		t.Fatal(err)
	}
	all, errs = parseSettings(root, file, read)
	return root, all, errs
}

// Every flag of hunt and search can be a default, with any value that it takes.
func TestEveryFlagIsASetting(t *testing.T) {
	values := map[string]string{ // of flags that do not take any word
		"bool": "true", "int": "3", "int64": "3", "float64": "0.5", "duration": "5m",
	}
	for _, name := range []string{"hunt", "search"} {
		command := commandNamed((&app{}).root(), name)
		command.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if unsettable(f.Name) {
				return
			}
			t.Run(name+" "+f.Name, func(t *testing.T) {
				value := "x"
				if v, ok := values[f.Value.Type()]; ok {
					value = v
				}
				switch c := f.Value.(type) {
				case *choice:
					value = c.of[0]
				case *formatChoice:
					value = c.of[0]
				}
				if _, ok := f.Value.(pflag.SliceValue); ok {
					value = "[" + value + ", b]"
				}
				text := fmt.Sprintf("%s:\n  %s: %s\n", name, f.Name, value)
				root, all, errs := settingsIn(t, fromUser, text)
				if len(errs) > 0 || len(all) != 1 {
					t.Fatalf("%s%v", text, errs)
				}
				c := commandNamed(root, name)
				if used, errs := apply(c, all); len(errs) > 0 || len(used) != 1 {
					t.Errorf("%s%v", text, errs)
				}
				if !c.Flags().Changed(f.Name) {
					t.Errorf("%sdoes not set the flag", text)
				}
			})
		})
	}
}

// What a folder's file may set and what names files are flags that there are; flags that
// write, or reach other machines, are not among the first.
func TestFlagsOfFolders(t *testing.T) {
	flags := map[string]*pflag.Flag{}
	root := (&app{}).root()
	each(root, func(c *cobra.Command) {
		_ = c.InheritedFlags()
		c.Flags().VisitAll(func(f *pflag.Flag) { flags[f.Name] = f })
	})
	for _, name := range folderFlags {
		if flags[name] == nil {
			t.Errorf("%s is no flag", name)
		}
	}
	for name := range flagPaths {
		if flags[name] == nil {
			t.Errorf("%s is no flag", name)
		}
	}
	for name, f := range flags {
		if !slices.Contains(folderFlags, name) {
			continue
		}
		for _, word := range []string{"write", "key", "kafka", "output", "temp", "quiet", "fix", "update", "query", "api", "config"} {
			if strings.Contains(name, word) {
				t.Errorf("a folder's file may set --%s", name)
			}
		}
		// A file that a flag names must be looked for in the folder.
		if strings.Contains(strings.ToLower(f.Usage), "file") && flagPaths[name] == noPath && !slices.Contains([]string{"date-order", "temp-dir", "safe-csv", "param-default"}, name) {
			t.Errorf("a folder's file may set --%s, which names a file: %s", name, f.Usage)
		}
	}
	for _, c := range root.Commands() {
		if c.Name() == logsSection || root.PersistentFlags().Lookup(c.Name()) != nil && !unsettable(c.Name()) {
			t.Errorf("%s is a command and another key of %s", c.Name(), settingsName)
		}
	}
}

// Files that are wrong in any way are refused with the place, never with a panic.
func TestBadSettings(t *testing.T) {
	for text, want := range map[string]string{
		"hunt:\n  min-severty: high\n":    "gyoji.yaml:2: min-severty: there is no flag of gyoji hunt; did you mean min-severity?",
		"hnt:\n  min-severity: high\n":    "gyoji.yaml:1: hnt: there is no command of gyoji and no flag of all of them; did you mean hunt?",
		"timezone: UTC\n":                 "write it under logs:",
		"min-severity: high\n":            "write it under hunt:",
		"hunt:\n  color: never\n":         "write it at the left margin",
		"logs:\n  min-severity: high\n":   "min-severity: there is no flag of all commands that read logs",
		"hunt: high\n":                    "gyoji.yaml:1: hunt: name flags under it",
		"hunt: [a]\n":                     "name flags under it",
		"- hunt\n":                        "settings are names of commands and flags",
		"hunt\n":                          "settings are names of commands and flags",
		"hunt:\n  min-severity: {a: b}\n": "no map and no alias",
		"hunt:\n  tag: [[a]]\n":           "no map and no alias",
		"hunt:\n  min-severity:\n":        "there is no value",
		"hunt:\n  min-severity: high\n  min-severity: low\n": "gyoji.yaml:3: min-severity stands here twice",
		"hunt: {strict: true}\nhunt: {strict: false}\n":      "hunt stands here twice",
		"a: &a [x]\nhunt:\n  tag: *a\n":                      "no map and no alias",
		"x: &x {strict: true}\nhunt:\n  <<: *x\n":            "<<: there is no flag of gyoji hunt",
		"hunt: {strict: true}\n---\nhunt: {}\n":              "more than one document",
		"hunt: {strict: true\n":                              "gyoji.yaml: yaml:",
		"\tx: 1\n":                                           "gyoji.yaml: yaml:",
		"hunt:\n  help: true\n":                              "help: there is no flag of gyoji hunt",
		"config: none\n":                                     "name flags under it",
		"hunt:\n  config: none\n":                            "config: there is no flag",
		"? [a]\n: b\n":                                       "a key is the name of a command or a flag",
		"completion: {bash: {no-descriptions: true}}\n":      "completion: there is no command",
		"\x00": "gyoji.yaml: yaml:",
	} {
		_, _, errs := settingsIn(t, fromFolder, text)
		said := ""
		for _, err := range errs {
			said += err.Error() + "\n"
		}
		if !strings.Contains(said, want) {
			t.Errorf("%q says\n%s, not %q", text, said, want)
		}
	}
	for _, text := range []string{"", "\n", "# nothing\n", "{}\n", "---\n", "~\n", "hunt: {}\n", "\ufeffhunt: {strict: true}\n"} {
		if _, _, errs := settingsIn(t, fromFolder, text); len(errs) > 0 {
			t.Errorf("%q: %v", text, errs)
		}
	}
}

// A folder's file cannot name what is not in the folder, nor set what writes or reaches out.
func TestHostileSettings(t *testing.T) {
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret.csv"), []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{
		"output: /etc/cron.d/x", "output: x.html", "temp-dir: /tmp", "temp-dir: x",
		"table: p=/etc/passwd", "table: 'p=a=/etc/passwd'", "table: /etc/passwd", "table: p=../x.csv", `table: 'p=\\host\share\x.csv'`, `geo: '\\host\share\x.mmdb'`,
		"geo: a/../../x.mmdb", "geo: /dev/zero", "threat: /etc/passwd", "threat: s=/etc/passwd", "threat: s=../../x",
		"placeholders: ../x.yml", "detections: /etc", "detections: ..", "detections: [sigma, ../rules]", "table: p=link/secret.csv",
		"detections: link", "placeholders: link/secret.csv",
	} {
		t.Run(c, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			if err := os.Symlink(outside, "link"); err != nil {
				t.Skip("links cannot be made here")
			}
			root := (&app{}).root()
			_, errs := parseSettings(root, &settingsFile{from: fromFolder, path: settingsName}, []byte("hunt:\n  "+c+"\n"))
			if len(errs) == 0 {
				t.Error("it was taken")
			}
		})
	}
	for _, c := range []string{
		"search: {query: '*'}", "search: {kafka-ca: x}", "search: {kafka-user: x}", "search: {kafka-tls: true}", "search: {follow: true}",
		"lint: {fix: true}", "lint: {unsafe-fixes: true}", "fmt: {write: true}", "test: {update: true}", "quiet: true",
		"pkg: {install: {key: x}}", "pkg: {verify: {key: x}}", "pkg: {sign: {new-key: x}}", "pkg: {pack: {output: x}}", "convert: {output: x}",
		"rules: {update: {api: 'https://example.com'}}", "rules: {add: {name: core}}", "test: {base: x}",
	} {
		if _, _, errs := settingsIn(t, fromFolder, c+"\n"); len(errs) == 0 {
			t.Errorf("%s was taken from a folder's file", c)
		}
		if _, _, errs := settingsIn(t, fromUser, c+"\n"); len(errs) > 0 {
			t.Errorf("%s was not taken from the user's file: %v", c, errs)
		}
	}
}

// Of several values of a flag the nearest counts: the command line, the folder, the user;
// in a file the command's own section before that of logs. Flags that answer one question
// count as one.
func TestPrecedence(t *testing.T) {
	set := func(section, flag, from string, line int, values ...string) *setting {
		return &setting{section: section, flag: flag, from: from, file: from, line: line, values: values}
	}
	for _, c := range []struct {
		args []string
		all  []*setting
		flag string
		want string
	}{
		{nil, []*setting{set("hunt", "timezone", fromUser, 1, "A"), set("logs", "timezone", fromFolder, 1, "B")}, "timezone", "B"},
		{nil, []*setting{set("logs", "timezone", fromFolder, 1, "B"), set("hunt", "timezone", fromFolder, 2, "A")}, "timezone", "A"},
		{nil, []*setting{set("search", "timezone", fromFolder, 1, "B")}, "timezone", "UTC"},
		{[]string{"--timezone", "C"}, []*setting{set("hunt", "timezone", fromFolder, 1, "B")}, "timezone", "C"},
		{nil, []*setting{set("hunt", "level", fromUser, 1, "high"), set("hunt", "min-severity", fromFolder, 1, "low")}, "level", ""},
		{[]string{"--level", "low"}, []*setting{set("hunt", "min-severity", fromFolder, 1, "high")}, "min-severity", ""},
		{[]string{"--sort", "time"}, []*setting{set("hunt", "timeline", fromUser, 1, "true")}, "timeline", "false"},
		{[]string{"-o", "x.html"}, []*setting{set("hunt", "format", fromUser, 1, "ndjson")}, "format", ""},
		{[]string{"-o", "x.txt"}, []*setting{set("hunt", "format", fromUser, 1, "ndjson")}, "format", "ndjson"},
		{nil, []*setting{set("hunt", "tag", fromUser, 1, "a", "b"), set("hunt", "tag", fromFolder, 1, "c")}, "tag", "[c]"},
		{[]string{"--tag", "d"}, []*setting{set("hunt", "tag", fromUser, 1, "a", "b")}, "tag", "[d]"},
		{nil, []*setting{set("", "color", fromUser, 1, "never")}, "color", "never"},
	} {
		hunt := commandNamed((&app{}).root(), "hunt")
		if err := hunt.ParseFlags(c.args); err != nil {
			t.Fatal(err)
		}
		if _, errs := apply(hunt, c.all); len(errs) > 0 {
			t.Error(errs)
		}
		if got := hunt.Flags().Lookup(c.flag).Value.String(); got != c.want {
			t.Errorf("%q with %v: --%s is %q, want %q", c.args, c.all[0], c.flag, got, c.want)
		}
	}
}

// FuzzSettings looks for a file that ends gyoji instead of being refused.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{"hunt:\n  min-severity: high\n", "logs: {jobs: 2}\n", "a: &a [*a]\n", "? {}\n: {}\n", "hunt: !!binary x\n", "%YAML 1.2\n---\n"} {
		f.Add(s)
	}
	root := (&app{}).root()
	f.Fuzz(func(t *testing.T, text string) {
		all, errs := parseSettings(root, &settingsFile{from: fromFolder, path: settingsName}, []byte(text))
		for _, s := range all {
			if !slices.Contains(folderFlags, s.flag) {
				t.Errorf("%q sets --%s", text, s.flag)
			}
		}
		for _, err := range errs {
			if !strings.HasPrefix(err.Error(), settingsName+":") {
				t.Errorf("%q: %v has no place", text, err)
			}
		}
	})
}
