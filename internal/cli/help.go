package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// helpWidth is how wide help is: it fits a terminal that nobody has widened. On a narrower
// one it is as wide as that.
const helpWidth = 80

// narrow is how wide a terminal is on which the text of a flag or command has no room
// beside its name, and stands below it.
const narrow = 60

// manual writes help.
type manual struct {
	io.Writer
	width int
}

func (a *app) manual(w io.Writer) manual {
	if a.width > 0 {
		return manual{w, max(min(a.width, helpWidth), 20)}
	}
	return manual{w, helpWidth}
}

// flagGroups are the headings of flags in help, in order, each with its flags. Those that
// none names are what a command is about and come first.
var flagGroups = []struct {
	title string
	names string
}{
	{"What to run", "query param params param-default detections level min-severity tag placeholders sysmon-only host user detection"},
	{"What to read", "record line offset category map no-map table geo threat carve input-format from to now timezone date-order follow kafka-tls kafka-ca kafka-user kafka-sasl"},
	{"Output", "format output safe-csv timeline sort no-fold color quiet verbose config help version"},
	{"Limits", "jobs memory temp-dir strict fail-on"},
}

// groupOf is the heading that a flag is under.
func groupOf(name string) int {
	for i, g := range flagGroups {
		for _, n := range strings.Fields(g.names) {
			if n == name {
				return i
			}
		}
	}
	return 0
}

// valueName is what help calls a flag's value; "" for a switch.
func valueName(f *pflag.Flag) string {
	name, _ := pflag.UnquoteUsage(f)
	switch name {
	case "string", "stringArray", "stringSlice", "strings":
		return "TEXT"
	case "int", "int64", "float", "float64":
		return "N"
	case "ints":
		return "N,N"
	case "duration":
		return "TIME"
	}
	return name
}

// help prints a command's help: what it does, then how it is written.
func (a *app) help(c *cobra.Command, _ []string) {
	w := a.manual(c.OutOrStdout())
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	paragraph := ""
	end := func() {
		if paragraph != "" {
			w.wrapped("", 0, paragraph)
		}
		paragraph = ""
	}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, " "): // a list or an example keeps its lines
			end()
			w.lines(line, strings.Repeat(" ", 2+len(line)-len(strings.TrimLeft(line, " "))))
		case paragraph == "":
			paragraph = line
		default:
			paragraph += " " + line
		}
	}
	end()
	fmt.Fprintln(w)
	_ = a.usage(c) // it always is nil
}

// usage prints how a command is written, its commands and its flags.
func (a *app) usage(c *cobra.Command) error {
	w := a.manual(c.OutOrStdout())
	fmt.Fprintln(w, "Usage:")
	line := c.UseLine()
	if c.HasAvailableSubCommands() {
		line = c.CommandPath() + " COMMAND"
	}
	w.wrapped("  ", 6, line)
	if c.HasExample() {
		fmt.Fprintf(w, "\nExamples:\n")
		for line := range strings.SplitSeq(c.Example, "\n") {
			w.lines(line, "      ")
		}
	}
	if c.HasAvailableSubCommands() {
		for _, g := range append(c.Groups(), &cobra.Group{Title: "Further commands:"}) {
			title := "\n" + g.Title + "\n"
			if len(c.Groups()) == 0 {
				title = "\nCommands:\n"
			}
			for _, s := range c.Commands() {
				if s.GroupID == g.ID && (s.IsAvailableCommand() || s.Name() == "help") {
					fmt.Fprint(w, title)
					title = ""
					w.entry("  "+s.Name(), 15, s.Short)
				}
			}
		}
	}
	groups := make([][]*pflag.Flag, len(flagGroups))
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			i := groupOf(f.Name)
			groups[i] = append(groups[i], f)
		}
	})
	for i, flags := range groups {
		if len(flags) > 0 {
			fmt.Fprintf(w, "\n%s:\n", flagGroups[i].title)
		}
		for _, f := range flags {
			w.flag(f)
		}
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintln(w)
		w.wrapped("", 0, c.CommandPath()+" COMMAND --help says more of a command.")
	}
	return nil
}

// flagIndent is where the text of a flag begins.
const flagIndent = 26

// flag prints one flag.
func (w manual) flag(f *pflag.Flag) {
	head := "      --" + f.Name
	if f.Shorthand != "" {
		head = "  -" + f.Shorthand + ", --" + f.Name
	}
	if v := valueName(f); v != "" {
		head += " " + v
	}
	_, text := pflag.UnquoteUsage(f)
	switch f.DefValue {
	case "", "false", "0", "[]":
	default:
		text += fmt.Sprintf(" (default: %s)", strings.Trim(f.DefValue, "[]"))
	}
	w.entry(head, flagIndent, text)
}

// entry prints a name and the text beside it, which is indented, or below where it has no
// room there.
func (w manual) entry(head string, indent int, text string) {
	if w.width < narrow {
		indent = 10
	}
	if w.width < narrow || len(head) > indent-2 {
		w.wrapped("", len(head)-len(strings.TrimLeft(head, " ")), strings.TrimLeft(head, " "))
		head = ""
	}
	w.wrapped(fmt.Sprintf("%-*s", indent, head), indent, text)
}

// wrapped prints a text as lines cut between words. The first begins with head, the others
// with as many blanks as indent says.
func (w manual) wrapped(head string, indent int, text string) {
	if head == "" {
		head = strings.Repeat(" ", indent)
	}
	for i, line := range printable.WrapAll(text, w.width-max(indent, utf8.RuneCountInString(head))) {
		if i > 0 {
			head = strings.Repeat(" ", indent)
		}
		fmt.Fprintln(w, strings.TrimRight(head+line, " "))
	}
}

// lines prints a line of a list or an example, as it is where it has room.
func (w manual) lines(line, indent string) {
	if utf8.RuneCountInString(line) <= w.width {
		fmt.Fprintln(w, line)
		return
	}
	lead := line[:len(line)-len(strings.TrimLeft(line, " "))]
	for _, l := range printable.WrapAll(strings.TrimLeft(line, " "), w.width-len(indent)) {
		fmt.Fprintln(w, lead+l)
		lead = indent
	}
}

// helpCommand is gyoji help COMMAND.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Say what a command does, and list its flags",
		RunE: func(c *cobra.Command, args []string) error {
			at, rest, err := c.Root().Find(args)
			if err != nil {
				return noCommand(c.Root(), args[0])
			}
			if len(rest) > 0 && at.HasSubCommands() {
				return noCommand(at, rest[0])
			}
			at.InitDefaultHelpFlag()
			return at.Help()
		},
	}
}
