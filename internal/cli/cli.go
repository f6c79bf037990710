// Package cli is the command line: one file for each subcommand. It wires the
// other packages together and decides nothing that they should.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// Exit codes. They are stable: scripts depend on them.
const (
	exitRan         = 0   // it ran
	exitFindings    = 1   // findings at or above --fail-on
	exitDiagnostics = 2   // the query, rule or package is wrong
	exitUsage       = 3   // the command line is wrong
	exitInput       = 4   // input cannot be read, lost under --strict, or over budget
	exitBug         = 70  // a mistake in gyoji itself: EX_SOFTWARE of sysexits.h
	exitInterrupted = 130 // Ctrl-C
	exitClosed      = 141 // whoever read the output closed it: 128 + SIGPIPE, as shells have it
)

// app is what every subcommand works with.
type app struct {
	stdin  io.Reader
	stdout io.Writer // text for people, made safe to show
	stderr io.Writer // the same

	out, err *stream // stdout and stderr themselves: for data, and for what draws and colours

	outTTY, errTTY bool
	width          int // of the terminal that stdout is; 0 when it is none
	errWidth       int // and of stderr's

	written map[string]bool // files of this run in a folder of -o

	args    []string // the command line
	quiet   bool
	verbose bool
	color   string // auto, always, never
	config  string // the file of settings instead of those found; none for none
}

// exit is an error that carries an exit code. Its message, if any, is printed.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}
func (e *exit) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &exit{exitUsage, fmt.Errorf(format, args...)}
}

// Main runs the command line and returns the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	collectLate(collectFrom)
	// A closed pipe is an error of the write, not the end of the process: what
	// was put aside on disk is still to be cleaned up.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process where it stands
	return Execute(ctx, args, stdin, stdout, stderr)
}

// Execute runs one command line: the process's, or one that an editor or an assistant asks for.
func Execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	a := &app{stdin: stdin, out: &stream{w: stdout, ctx: ctx}, err: &stream{w: stderr, ctx: ctx}}
	wrap := &printable.Wrapper{W: a.err}
	people, messages := printable.NewWriter(a.out, printable.People, false), printable.NewWriter(wrap, printable.People, false)
	a.stdout, a.stderr = people, messages
	defer messages.Flush()
	if f, ok := stdout.(*os.File); ok {
		a.outTTY = term.IsTerminal(int(f.Fd()))
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			a.width = w
		}
	}
	if f, ok := stderr.(*os.File); ok {
		a.errTTY = term.IsTerminal(int(f.Fd()))
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			a.errWidth, wrap.Width = w, w
		}
	}
	defer func() {
		if p := recover(); p != nil {
			b := exec.Panicked(p, "")
			code = a.bug(b, b.Stack)
		}
	}()
	a.args = args
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	return a.code(firstOf(root.ExecuteContext(ctx), people.Flush(), a.out.lost()))
}

// code prints an error as it wants to be read and returns the exit code.
func (a *app) code(err error) int {
	if err == nil {
		return exitRan
	}
	var failure *diag.Failure
	var e *exit
	var over *exec.OverBudget
	var bug *exec.Bug
	switch {
	case errors.As(err, &bug):
		return a.bug(err, bug.Stack)
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(a.stderr, "gyoji: interrupted; what was printed is not all")
		return exitInterrupted
	case errors.Is(err, syscall.EPIPE):
		// Perhaps whoever reads has seen enough, as head has. That not all was taken is
		// said the way a shell says it of other programs.
		if !a.quiet {
			fmt.Fprintln(a.stderr, "gyoji: stopped, since the output was closed")
		}
		return exitClosed
	case errors.As(err, &failure):
		a.diagnose(failure.List)
		return exitDiagnostics
	case errors.As(err, &e):
		if e.Error() != "" {
			fmt.Fprintf(a.stderr, "gyoji: %s\n", plain(err))
		}
		return e.code
	case errors.As(err, &over):
		fmt.Fprintf(a.stderr, "gyoji: %s\n", over)
		return exitInput
	}
	fmt.Fprintf(a.stderr, "gyoji: %s\n", plain(err))
	return exitInput
}

// bug reports a panic and returns the exit code for it. The stack says where it was.
func (a *app) bug(err error, stack []byte) int {
	fmt.Fprintf(a.stderr, "\ngyoji: %v\n\nThis is a mistake in gyoji, not in your query. ", err)
	if a.verbose {
		fmt.Fprintf(a.stderr, "Please report it with the command you ran and this:\n\n%s\n", stack)
	} else {
		fmt.Fprintln(a.stderr, "Please report it with the command you ran and what it prints with --verbose.")
	}
	return exitBug
}

// diagnose prints findings about a text to stderr.
func (a *app) diagnose(l diag.List) {
	diag.WriteText(a.styled(a.err, a.errTTY), l, diag.Style{Color: a.colors(a.errTTY)})
}

// colors reports whether to colour what goes to a stream.
func (a *app) colors(tty bool) bool {
	switch a.color {
	case "always":
		return true
	case "never":
		return false
	}
	return tty && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "gyoji",
		Short: "Run detections written for Sumo Logic on your own logs",
		Long: `gyoji runs detections written in Sumo Logic's query language over Windows
event logs (EVTX), Sysmon as JSON, and other logs, on this machine.

  gyoji hunt evtx/                        run the built-in detections
  gyoji search 'QUERY' logs/*.jsonl.gz    run a query
  gyoji explain 'QUERY'                   show how it would run
  gyoji doc timeslice                     read about a word of the language

Results go to stdout: a table on a terminal, one JSON object a line in a pipe.
Everything else goes to stderr.

Exit codes: 0 ran, 1 findings at or above --fail-on, 2 the query or detection is
wrong, 3 the command line is wrong, 4 input cannot be read or output not be
written, 70 a bug in gyoji, 130 interrupted, 141 the output was closed before all
was written.`,
		Version:           versionLine(),
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	f := root.PersistentFlags()
	f.BoolVarP(&a.quiet, "quiet", "Q", false, "no progress and no closing summary")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "say more: every warning with its place")
	choiceFlag(f, &a.color, "color", "", "auto", []string{"auto", "always", "never"}, "colours: auto, always or never")
	f.StringVar(&a.config, "config", "", "file of defaults for flags, instead of gyoji.yaml here and in your folder of configurations; none runs without (gyoji config shows them)")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return a.configure(cmd) }
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddGroup(
		&cobra.Group{ID: groupDetect, Title: "Detections:"},
		&cobra.Group{ID: groupQuery, Title: "Queries:"},
		&cobra.Group{ID: groupLogs, Title: "Logs:"},
	)
	for _, make := range commands {
		root.AddCommand(make(a))
	}
	root.SetHelpCommand(helpCommand())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	arguments(root)
	root.SetHelpFunc(a.help)
	root.SetUsageFunc(a.usage)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flagError(cmd, err, a.args...) })
	root.SetGlobalNormalizationFunc(renamed)
	return root
}

// Groups of subcommands in the help; a command names its own with GroupID.
const (
	groupDetect = "detect"
	groupQuery  = "query"
	groupLogs   = "logs"
)

// commands are the subcommands; each file adds its own.
var commands []func(*app) *cobra.Command

func command(make func(*app) *cobra.Command) struct{} {
	commands = append(commands, make)
	return struct{}{}
}
