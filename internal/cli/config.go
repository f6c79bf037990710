package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var _ = command((*app).configCmd)

func (a *app) configCmd() *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use:   "config [COMMAND...]",
		Short: "Show the defaults of flags that files set, and where each comes from",
		Long: `config shows what the files called ` + settingsName + ` set: that of the folder where gyoji runs, and
that of your folder of configurations. With a command it shows all flags of it, with
the defaults that no file changes.

A file names commands, and the flags of each by their long names; under logs are the
flags of every command that reads logs:

  logs:
    timezone: Europe/Berlin
  hunt:
    detections: [sigma:core+, detections]
    min-severity: medium

A flag on the command line comes first, then the folder's file, then yours. The
folder's file may set only what is harmless whoever wrote it, and gyoji says what it
set. --config FILE takes another file instead of both, --config none no file.`,
		Example: `  gyoji config
  gyoji config hunt
  gyoji config -f json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			fresh := a.root() // whose flags are as they are without files
			fresh.SetArgs(nil)
			only, rest, err := fresh.Find(args)
			if err != nil || len(rest) > 0 {
				return usageError("there is no command %s; gyoji --help lists them", strings.Join(args, " "))
			}
			files, all, errs := a.settings(fresh)
			out := configuration{Schema: "gyoji/config/v1", Settings: []configured{}, Errors: []string{}}
			for _, f := range files {
				at, err := filepath.Abs(f.path)
				if err != nil {
					return err
				}
				out.Files = append(out.Files, configFile{From: f.from, Path: at, There: f.there})
			}
			each(fresh, func(c *cobra.Command) {
				if len(args) > 0 && c != only {
					return
				}
				settings, wrong := a.configured(c, all, len(args) > 0)
				out.Settings = append(out.Settings, settings...)
				errs = append(errs, wrong...)
			})
			met := map[string]bool{}
			for _, err := range errs {
				if text := plain(err); !met[text] {
					met[text] = true
					out.Errors = append(out.Errors, text)
				}
			}
			if form == "json" {
				e := json.NewEncoder(a.json())
				e.SetIndent("", "  ")
				e.SetEscapeHTML(false)
				err = e.Encode(out)
			} else {
				out.write(a)
			}
			if err == nil && len(out.Errors) > 0 {
				err = &exit{exitUsage, errors.New(strings.Join(out.Errors, "\n"))}
			}
			return err
		},
	}
	formatFlag(cmd.Flags(), &form, "text", textOrJSON, "how to print: text or json")
	return cmd
}

// configuration is all that files set.
type configuration struct {
	Schema   string       `json:"schema"`
	Files    []configFile `json:"files"`
	Settings []configured `json:"settings"`
	Errors   []string     `json:"errors"`
}

type configFile struct {
	From  string `json:"from"`
	Path  string `json:"path"`
	There bool   `json:"there"`
}

// configured is the default of one flag of a command.
type configured struct {
	Command string   `json:"command"`
	Flag    string   `json:"flag"`
	Values  []string `json:"values"`
	From    string   `json:"from"` // user, folder, named, or default
	File    string   `json:"file,omitempty"`
	Line    int      `json:"line,omitempty"`
	Over    []string `json:"over,omitempty"` // the places of those that it wins over
}

// each calls a function with each command that runs, in order.
func each(c *cobra.Command, f func(*cobra.Command)) {
	for _, sub := range c.Commands() {
		if commandNamed(c, sub.Name()) == nil {
			continue
		}
		if !sub.HasSubCommands() {
			f(sub)
		}
		each(sub, f)
	}
}

// configured are the defaults of a command's flags that files set, and with whole also
// those that none sets.
func (a *app) configured(c *cobra.Command, all []*setting, whole bool) (list []configured, errs []error) {
	name := strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")
	_ = c.InheritedFlags() // brings the flags of all commands into its own
	win, over := chosen(c, all)
	_, errs = apply(c, all)
	by := map[string]*setting{}
	for _, s := range win {
		by[s.flag] = s
	}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		s := by[f.Name]
		switch {
		case s != nil:
			row := configured{Command: name, Flag: f.Name, Values: s.values, From: s.from, File: s.file, Line: s.line}
			for _, o := range over[s] {
				row.Over = append(row.Over, fmt.Sprintf("%s (--%s %s)", o.place(), o.flag, strings.Join(o.values, ", ")))
			}
			list = append(list, row)
		case whole && !f.Hidden && !unsettable(f.Name):
			values := []string{f.DefValue}
			if v, ok := f.Value.(pflag.SliceValue); ok {
				values = v.GetSlice()
			}
			list = append(list, configured{Command: name, Flag: f.Name, Values: values, From: "default"})
		}
	})
	return list, errs
}

// write prints the files and the settings.
func (o *configuration) write(a *app) {
	for _, f := range o.Files {
		note := "not there"
		if f.There {
			note = "read"
		}
		fmt.Fprintf(a.stdout, "%-7s %s (%s)\n", f.From, f.Path, note)
	}
	if len(o.Settings) == 0 {
		fmt.Fprintln(a.stdout, "\nNo file sets a flag. gyoji config --help shows how one is written.")
		return
	}
	var blocks []string // of commands with the same settings
	commands := map[string][]string{}
	for i := 0; i < len(o.Settings); {
		name, block := o.Settings[i].Command, ""
		for ; i < len(o.Settings) && o.Settings[i].Command == name; i++ {
			block += o.Settings[i].line()
		}
		if commands[block] == nil {
			blocks = append(blocks, block)
		}
		commands[block] = append(commands[block], name)
	}
	for _, b := range blocks {
		fmt.Fprintln(a.stdout)
		a.manual(a.stdout).wrapped("gyoji ", 6, strings.Join(commands[b], ", "))
		fmt.Fprint(a.stdout, b)
	}
}

// line is a setting for people.
func (s *configured) line() string {
	from := s.From
	if s.File != "" {
		from = fmt.Sprintf("%s:%d", s.File, s.Line)
	}
	if len(s.Over) > 0 {
		from += ", over " + strings.Join(s.Over, ", ")
	}
	return fmt.Sprintf("  --%-16s %-24s %s\n", s.Flag, cmp.Or(strings.Join(s.Values, ", "), "-"), from)
}
