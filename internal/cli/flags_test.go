package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gyoji-dev/gyoji/internal/engine/format"
)

// everyCommand calls fn with each command and the words that name it.
func everyCommand(fn func(words []string, c *cobra.Command)) {
	a := &app{out: &stream{}, err: &stream{}}
	var walk func([]string, *cobra.Command)
	walk = func(words []string, c *cobra.Command) {
		fn(words, c)
		for _, s := range c.Commands() {
			walk(append(words[:len(words):len(words)], s.Name()), s)
		}
	}
	walk(nil, a.root())
}

// run runs a command line and returns its exit code and what it prints.
func run(args ...string) (code int, out, messages string) {
	var o, e bytes.Buffer
	code = Main(args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

// TestFormatAndOutput holds every command to one meaning of -f, -o and --input-format.
func TestFormatAndOutput(t *testing.T) {
	seen := 0
	everyCommand(func(words []string, c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			name := strings.Join(words, " ") + " --" + f.Name
			if _, ok := f.Value.(*formatChoice); ok != (f.Name == "format") || (f.Shorthand == "f") != ok {
				t.Errorf("%s: -f is --format and the format of the output, and nothing else is", name)
			}
			if (f.Name == "output") != (f.Shorthand == "o") {
				t.Errorf("%s: -o is --output and the file", name)
			}
			if f.Name == "format" {
				seen++
				of := f.Value.(*formatChoice).of
				for _, in := range format.Names() {
					if f.Value.(*formatChoice).Set(in) == nil || c.Flags().Lookup("input-format") == nil {
						continue // it is a format of the output, too
					}
					if code, _, msg := run(append(words[:len(words):len(words)], "--format", in)...); code != exitUsage || !strings.Contains(msg, "--input-format "+in) {
						t.Errorf("%s %s: exit code %d, %s", name, in, code, msg)
					}
				}
				if c.Flags().Lookup("output") == nil {
					return
				}
				if code, _, msg := run(append(words[:len(words):len(words)], "-f", "out.html")...); code != exitUsage || !strings.Contains(msg, "-o out.html") {
					t.Errorf("%s out.html: exit code %d, %s", name, code, msg)
				}
				if o, ok := c.Flags().Lookup("output"), false; o != nil {
					if _, ok = o.Value.(*outputFile); ok {
						if code, _, msg := run(append(words[:len(words):len(words)], "--out", of[0])...); code != exitUsage || !strings.Contains(msg, "-f "+of[0]) {
							t.Errorf("%s --out %s: exit code %d, %s", name, of[0], code, msg)
						}
					}
				}
			}
			if f.Name == "category" && c.Flags().Lookup("jobs") != nil && c.Flags().Lookup("input-format") == nil {
				t.Errorf("%s reads logs and has no --input-format", name)
			}
		})
	})
	if seen < 10 {
		t.Errorf("only %d commands have -f", seen)
	}
}

// TestWordsWithATypo gives each flag that takes one of some words each of them with a slip.
func TestWordsWithATypo(t *testing.T) {
	seen := map[string]bool{}
	everyCommand(func(words []string, c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			var of []string
			switch v := f.Value.(type) {
			case *choice:
				of = v.of
			case *formatChoice:
				of = v.of
			default:
				return
			}
			seen[f.Name] = true
			for _, w := range of {
				if len(w) < 5 {
					continue // short words are near each other
				}
				typo := w[:1] + w[2:3] + w[1:2] + w[3:]
				if typo == w {
					typo = w + "z"
				}
				code, _, msg := run(append(words[:len(words):len(words)], "--"+f.Name, typo)...)
				if code != exitUsage || !strings.Contains(msg, "did you mean "+w) {
					t.Errorf("%s --%s %s: exit code %d, %s", strings.Join(words, " "), f.Name, typo, code, msg)
				}
			}
		})
	})
	for _, n := range []string{"color", "format", "input-format", "map", "date-order", "level", "fail-on", "to", "kafka-sasl"} {
		if !seen[n] {
			t.Errorf("no command checks the words of --%s", n)
		}
	}
}

// TestFlagMistakes makes the mistakes of every flag's kind that its type can have.
func TestFlagMistakes(t *testing.T) {
	raw := []string{"strconv", "invalid argument", "invalid syntax", "ParseInt", "ParseFloat", "arg(s)", "unknown flag", "needs an argument"}
	everyCommand(func(words []string, c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			wrong := "no!thing"
			switch t := f.Value.Type(); {
			case f.Name == "help" || f.Name == "version":
				return
			case strings.HasPrefix(t, "int"), strings.HasPrefix(t, "float"), t == "bool", t == "duration", t == "WORD":
			default:
				return
			}
			code, _, msg := run(append(words[:len(words):len(words)], "--"+f.Name+"="+wrong)...)
			if code != exitUsage || !strings.Contains(msg, "--"+f.Name+" "+wrong+": ") {
				t.Errorf("%s --%s %s: exit code %d, %s", strings.Join(words, " "), f.Name, wrong, code, msg)
			}
			for _, r := range raw {
				if strings.Contains(msg, r) {
					t.Errorf("%s --%s %s: %s", strings.Join(words, " "), f.Name, wrong, msg)
				}
			}
		})
		for _, args := range [][]string{{"--nosuchflag"}, {"--no-such-flag=1"}, {"-="}, {"--hlep"}} {
			code, _, msg := run(append(words[:len(words):len(words)], args...)...)
			if code != exitUsage || len(strings.Split(strings.TrimSpace(msg), "\n")) > 2 {
				t.Errorf("%s %s: exit code %d, %s", strings.Join(words, " "), args[0], code, msg)
			}
			for _, r := range raw {
				if strings.Contains(msg, r) {
					t.Errorf("%s %s: %s", strings.Join(words, " "), args[0], msg)
				}
			}
		}
	})
}

// TestHelpFits measures the help of every command.
func TestHelpFits(t *testing.T) {
	everyCommand(func(words []string, c *cobra.Command) {
		code, out, msg := run(append(words[:len(words):len(words)], "--help")...)
		if code != exitRan || msg != "" {
			t.Errorf("%s --help: exit code %d, %s", strings.Join(words, " "), code, msg)
		}
		for _, line := range strings.Split(out, "\n") {
			if n := utf8.RuneCountInString(line); n > helpWidth {
				t.Errorf("%s --help: %d columns: %s", strings.Join(words, " "), n, line)
			}
		}
		c.InitDefaultHelpFlag()
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && !strings.Contains(out, "--"+f.Name) {
				t.Errorf("%s --help does not list --%s", strings.Join(words, " "), f.Name)
			}
		})
	})
}
