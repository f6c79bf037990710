package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is how wide help is: it fits a terminal that nobody has widened.
const helpWidth = 80

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
func help(c *cobra.Command, _ []string) {
	w := c.OutOrStdout()
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	paragraph := ""
	end := func() {
		if paragraph != "" {
			wrapped(w, "", 0, paragraph)
		}
		paragraph = ""
	}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, " "): // a list or an example keeps its lines
			end()
			wrapped(w, "", len(line)-len(strings.TrimLeft(line, " ")), strings.TrimLeft(line, " "))
		case paragraph == "":
			paragraph = line
		default:
			paragraph += " " + line
		}
	}
	end()
	fmt.Fprintln(w)
	_ = usage(c) // it always is nil
}

// usage prints how a command is written, its commands and its flags.
func usage(c *cobra.Command) error {
	w := c.OutOrStdout()
	fmt.Fprintln(w, "Usage:")
	line := c.UseLine()
	if c.HasAvailableSubCommands() {
		line = c.CommandPath() + " COMMAND"
	}
	wrapped(w, "  ", 6, line)
	if c.HasExample() {
		fmt.Fprintf(w, "\nExamples:\n%s\n", c.Example)
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
					wrapped(w, fmt.Sprintf("  %-12s ", s.Name()), 15, s.Short)
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
			flagHelp(w, f)
		}
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\n%s COMMAND --help says more of a command.\n", c.CommandPath())
	}
	return nil
}

// flagIndent is where the text of a flag begins.
const flagIndent = 26

// flagHelp prints one flag.
func flagHelp(w io.Writer, f *pflag.Flag) {
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
	if len(head) > flagIndent-2 {
		fmt.Fprintln(w, head)
		head = ""
	}
	wrapped(w, fmt.Sprintf("%-*s", flagIndent, head), flagIndent, text)
}

// wrapped prints a text as lines of at most helpWidth columns, cut between words. The
// first begins with head, the others with as many blanks as indent says.
func wrapped(w io.Writer, head string, indent int, text string) {
	if head == "" {
		head = strings.Repeat(" ", indent)
	}
	line, empty := head, true
	words := strings.Split(text, " ")
	for i, word := range words {
		sep := " "
		if empty {
			sep = ""
		}
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > helpWidth {
			fmt.Fprintln(w, strings.TrimRight(line, " "))
			line, sep = strings.Repeat(" ", indent), ""
		}
		line += sep + words[i]
		empty = false
	}
	fmt.Fprintln(w, strings.TrimRight(line, " "))
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
