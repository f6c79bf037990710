package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var _ = command((*app).manCmd)

func (a *app) manCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write the man pages into a folder",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			return manPages(cmd.Root(), args[0])
		},
	}
}

// manPages writes a page for a command and each one under it.
func manPages(cmd *cobra.Command, folder string) error {
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() && !c.IsAdditionalHelpTopicCommand() {
			if err := manPages(c, folder); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(filepath.Join(folder, manName(cmd)+".1"), manPage(cmd), 0o644)
}

// manName is gyoji-pkg-new of the command gyoji pkg new.
func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage is a command's page in roff with the macros of man(7). Cobra's own writer goes
// by way of Markdown, whose library takes longer to start than all of gyoji.
func manPage(cmd *cobra.Command) []byte {
	var b bytes.Buffer
	section := func(name string) { fmt.Fprintf(&b, ".SH %s\n", name) }
	fmt.Fprintf(&b, ".TH %q 1 \"\" %q\n", strings.ToUpper(manName(cmd)), "gyoji "+Version())
	section("NAME")
	fmt.Fprintf(&b, "%s \\- %s\n", roff(manName(cmd)), roff(cmd.Short))
	section("SYNOPSIS")
	fmt.Fprintf(&b, "\\fB%s\\fP\n", roff(cmd.UseLine()))
	section("DESCRIPTION")
	about := cmd.Long
	if about == "" {
		about = cmd.Short
	}
	b.WriteString(roffText(about))
	for _, part := range []struct {
		name  string
		flags *pflag.FlagSet
	}{{"OPTIONS", cmd.NonInheritedFlags()}, {"OPTIONS OF EVERY COMMAND", cmd.InheritedFlags()}} {
		if !part.flags.HasAvailableFlags() {
			continue
		}
		section(part.name)
		part.flags.VisitAll(func(f *pflag.Flag) {
			if f.Hidden || f.Deprecated != "" {
				return
			}
			name, usage := pflag.UnquoteUsage(f)
			b.WriteString(".TP\n")
			if f.Shorthand != "" {
				fmt.Fprintf(&b, "\\fB%s\\fP, ", roff("-"+f.Shorthand))
			}
			fmt.Fprintf(&b, "\\fB%s\\fP", roff("--"+f.Name))
			if name != "" {
				fmt.Fprintf(&b, " \\fI%s\\fP", roff(name))
			}
			b.WriteString("\n" + roffText(usage))
		})
	}
	if cmd.Example != "" {
		section("EXAMPLES")
		b.WriteString(".nf\n" + roffLines(cmd.Example) + ".fi\n")
	}
	var also []string
	if cmd.HasParent() {
		also = append(also, "\\fB"+roff(manName(cmd.Parent()))+"\\fP(1)")
	}
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() && !c.IsAdditionalHelpTopicCommand() {
			also = append(also, "\\fB"+roff(manName(c))+"\\fP(1)")
		}
	}
	if len(also) > 0 {
		section("SEE ALSO")
		b.WriteString(strings.Join(also, ",\n") + "\n")
	}
	return b.Bytes()
}

// roff writes text in a line.
func roff(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
}

// roffText writes paragraphs; indented lines stay lines.
func roffText(text string) string {
	var b strings.Builder
	for i, part := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		if strings.HasPrefix(part, " ") || strings.Contains(part, "\n ") {
			b.WriteString(".nf\n" + roffLines(part) + ".fi\n")
		} else {
			b.WriteString(roffLines(part))
		}
	}
	return b.String()
}

// roffLines writes lines, none of which is taken for a macro.
func roffLines(text string) string {
	var b strings.Builder
	for _, line := range strings.Split(strings.Trim(text, "\n"), "\n") {
		line = roff(line)
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}
