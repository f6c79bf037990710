package cli

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
)

// choice is the value of a flag that takes one of some words, in any letter case. It is
// checked while the command line is read; what is none of them is refused with the nearest.
type choice struct {
	at *string
	of []string
}

// choiceFlag adds a flag that takes one of some words.
func choiceFlag(f *pflag.FlagSet, at *string, name, short, value string, of []string, usage string) {
	*at = value
	f.VarP(&choice{at, of}, name, short, usage)
}

func (c *choice) String() string { return *c.at }
func (c *choice) Type() string   { return "WORD" }

func (c *choice) Set(v string) error {
	for _, w := range c.of {
		if strings.EqualFold(w, v) {
			*c.at = w
			return nil
		}
	}
	near := ""
	n := diag.Nearest(v, c.of)
	for _, w := range c.of { // sumologic is sumo, and crit critical
		low, v := strings.ToLower(w), strings.ToLower(v)
		if n == "" && min(len(v), len(low)) >= 3 && (strings.HasPrefix(v, low) || strings.HasPrefix(low, v)) {
			n = w
		}
	}
	if n != "" {
		near = "did you mean " + n + "? "
	}
	return fmt.Errorf("%schoose one of %s", near, strings.Join(c.of, ", "))
}

// formatChoice is the value of -f: a format of the output.
type formatChoice struct{ choice }

// formatFlag is -f of every command that has it: the format of the output.
func formatFlag(f *pflag.FlagSet, at *string, value string, of []string, usage string) {
	*at = value
	f.VarP(&formatChoice{choice{at, of}}, "format", "f", usage)
}

// outputFile is the value of -o: where the output goes.
type outputFile struct {
	at *string
	of []string // the formats that -f takes
}

func (o *outputFile) String() string { return *o.at }
func (o *outputFile) Type() string   { return "FILE" }

func (o *outputFile) Set(v string) error {
	switch {
	case v == "":
		return errors.New("name the file to write to")
	case slices.Contains(o.of, v):
		return fmt.Errorf("this is a format: write -f %s; for a file of that name write -o ./%s", v, v)
	}
	*o.at = v
	return nil
}

// fileFlag is -o of every command that writes one file. of are the formats that its -f takes.
func fileFlag(f *pflag.FlagSet, file *string, of []string) {
	f.VarP(&outputFile{file, of}, "output", "o", "write to a file instead of stdout; what is there is replaced once all is written")
}

// textOrJSON is what -f takes where the answer is for people or for programs.
var textOrJSON = []string{"text", "json"}

// formOf is the format that a file's name asks for, of some; "" when it asks for none.
// Of JSON there are several, so .json asks for none.
func formOf(file string, of []string) string {
	ending := strings.TrimPrefix(strings.ToLower(filepath.Ext(file)), ".")
	if ending == "htm" {
		ending = "html"
	}
	if ending != "json" && slices.Contains(of, ending) {
		return ending
	}
	return ""
}

// renamed are flags under their former names. They stay, and help does not list them.
func renamed(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	if name == "out" {
		name = "output"
	}
	return pflag.NormalizedName(name)
}

// elsewhere are flags of other tools of the trade (hayabusa, chainsaw, sigma-cli, journalctl,
// jq), and what is meant by them here.
var elsewhere = map[string]string{
	"last": "--from -7d", "since": "--from -7d", "start": "--from 2026-03-01", "timeline-start": "--from 2026-03-01", "start-date": "--from 2026-03-01",
	"until": "--to 2026-03-02", "end": "--to 2026-03-02", "timeline-end": "--to 2026-03-02", "end-date": "--to 2026-03-02",
	"tz": "--timezone Europe/Berlin", "utc": "--timezone UTC", "rules": "-d RULES", "rule": "-d RULE", "sigma": "-d RULES", "ruleset": "-d RULES", "packages": "-d FOLDER",
	"min-level": "--min-severity high", "severity": "--min-severity high", "output-format": "-f csv", "json": "-f json", "jsonl": "-f ndjson", "csv": "-f csv", "html": "-f html -o report.html",
	"threads": "-j 4", "jobs": "-j 4", "target": "--to splunk", "dir": "the folder alone", "directory": "the folder alone", "file": "the file alone", "input": "the path alone", "user-name": "--user NAME", "hostname": "--host NAME", "computer-name": "--host NAME",
	"fields": "fields in the query: '... | fields Image, User'", "limit": "limit in the query: '... | limit 10'",
}

// meant is what a flag that there is not may have been meant to be, as it is written; ""
// for nothing. word is without its dashes and its value.
func meant(cmd *cobra.Command, word string) string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if f := cmd.Flags().Lookup(word); f != nil {
		return "--" + f.Name
	}
	if len(word) == 1 {
		if f := cmd.Flags().ShorthandLookup(word); f != nil {
			return "-" + word
		}
	}
	if here := elsewhere[strings.ToLower(word)]; here != "" {
		name := strings.TrimLeft(strings.Fields(here)[0], "-")
		if !strings.HasPrefix(here, "-") || cmd.Flags().Lookup(name) != nil || len(name) == 1 && cmd.Flags().ShorthandLookup(name) != nil {
			return here
		}
	}
	if near := diag.Nearest(word, names); near != "" {
		return "--" + near
	}
	return ""
}

// oneDash is the argument whose letters pflag has read one by one up to rest: -level is
// meant as --level. "" for none.
func oneDash(args []string, rest string) string {
	for _, a := range args {
		if word, ok := strings.CutPrefix(a, "-"); ok && !strings.HasPrefix(word, "-") && len(word) > 2 && strings.HasSuffix(word, rest) {
			word, _, _ = strings.Cut(word, "=")
			return word
		}
	}
	return ""
}

// flagError says in words what is wrong with a flag of the command line; args is all of it.
func flagError(cmd *cobra.Command, err error, args ...string) error {
	help := fmt.Sprintf("; %s --help lists the flags", cmd.CommandPath())
	var unknown *pflag.NotExistError
	var value *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		if s := unknown.GetSpecifiedShortnames(); s != "" {
			word := oneDash(args, s)
			if m := meant(cmd, word); word != "" && m != "" {
				return usageError("-%s: a flag of several letters has two dashes; did you mean %s?", word, m)
			}
			return usageError("-%s: %s has no flag -%s%s", cmp.Or(word, s), cmd.CommandPath(), name, help)
		}
		if m := meant(cmd, name); m != "" {
			help = fmt.Sprintf("; did you mean %s?", m)
		}
		return usageError("--%s: %s has no such flag%s", name, cmd.CommandPath(), help)
	case errors.As(err, &missing):
		f := missing.GetFlag()
		return usageError("--%s wants a value: --%s %s", f.Name, f.Name, valueName(f))
	case errors.As(err, &value):
		f, given := value.GetFlag(), value.GetValue()
		switch _, ok := f.Value.(*formatChoice); {
		case ok && format.Named(given) != nil && cmd.Flags().Lookup("input-format") != nil:
			return usageError("--format %s: -f is the format of the output; to say what the input is, write --input-format %s; else %s", given, strings.ToLower(given), reason(value))
		case ok && strings.ContainsAny(given, `./\`) && cmd.Flags().Lookup("output") != nil:
			return usageError("--format %s: there is no such format; to write to a file of that name write -o %s; else %s", given, given, reason(value))
		case ok:
			return usageError("--format %s: there is no such output format; %s", given, reason(value))
		}
		return usageError("--%s %s: %s", f.Name, given, reason(value))
	}
	return usageError("%v%s", err, help)
}

// reason says why a flag does not take a value.
func reason(e *pflag.InvalidValueError) string {
	why := errors.Unwrap(e)
	t := e.GetFlag().Value.Type()
	var number *strconv.NumError
	switch {
	case errors.As(why, &number) && errors.Is(number.Err, strconv.ErrRange):
		return "the number is too large"
	case strings.HasPrefix(t, "int"), strings.HasPrefix(t, "uint"), t == "count":
		return "write a whole number, such as 4"
	case strings.HasPrefix(t, "float"):
		return "write a number, such as 0.9"
	case t == "duration":
		return "write a duration, such as 30s, 5m or 1h"
	case t == "bool":
		return "write true or false, or the flag alone"
	}
	return why.Error()
}

// arguments checks how many arguments a command was given, in words. A command of
// commands takes one of theirs.
func arguments(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		arguments(c)
	}
	if cmd.HasSubCommands() && cmd.RunE == nil && cmd.Run == nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return noCommand(c, args[0])
		}
		cmd.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		return
	}
	check := cmd.Args
	if check == nil {
		return
	}
	cmd.Args = func(c *cobra.Command, args []string) error {
		if check(c, args) == nil {
			return nil
		}
		form := strings.TrimSuffix(c.UseLine(), " [flags]")
		wants := strings.TrimPrefix(form, c.CommandPath())
		if wants = strings.TrimSpace(wants); wants == "" {
			return usageError("%s takes no arguments, and %q is one", c.CommandPath(), args[0])
		}
		got := "was given none"
		if len(args) > 0 {
			got = "was given " + strings.Join(args, " ")
		}
		return usageError("%s wants %s and %s: %s", c.CommandPath(), wants, got, form)
	}
}

// noCommand says that there is no command of that name, and which are near.
func noCommand(c *cobra.Command, name string) error {
	var names []string
	for _, s := range c.Commands() {
		if s.IsAvailableCommand() || s.Name() == "help" {
			names = append(names, s.Name())
		}
	}
	if near := diag.Nearest(name, names); near != "" {
		return usageError("there is no command %s %s; did you mean %s?", c.CommandPath(), name, near)
	}
	if c.HasParent() {
		return usageError("there is no command %s %s; choose one of %s", c.CommandPath(), name, strings.Join(names, ", "))
	}
	return usageError("there is no command %s %s; gyoji --help lists them", c.CommandPath(), name)
}
