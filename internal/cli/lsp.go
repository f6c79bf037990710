package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/editor"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
	"github.com/gyoji-dev/gyoji/internal/lsp"
	"github.com/gyoji-dev/gyoji/internal/server/api"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = command((*app).lspCmd)

func (a *app) lspCmd() *cobra.Command {
	var samples []string
	var stdio bool
	var r remote
	cmd := &cobra.Command{
		GroupID: groupQuery,
		Use:     "lsp",
		Short:   "Be the language server of an editor, on standard input and output",
		Long: `lsp speaks the Language Server Protocol on standard input and output: an editor
starts it and shows what gyoji says of queries, Cloud SIEM expressions and rules, and
Sigma rules while they are written. It finds them in .sumo and .cse files, and in
YAML, JSON, Terraform and Markdown. docs/editors.md says how to set up VS Code,
Neovim, Helix, Emacs and Zed.

With --samples, or the setting samples of the editor, it completes the fields and
values of these logs, and runs queries over them when asked to. With --server it
takes those of the latest messages of a server that gyoji serve runs. Only the
command line can name a server: a file of a project cannot. It writes no file.`,
		Example: "  gyoji lsp\n  gyoji lsp --samples samples/ws-fin-014-sysmon.jsonl\n  gyoji lsp --server http://127.0.0.1:9000",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var logs sampleLogs
			if r.server != "" {
				if err := r.open(); err != nil {
					return err
				}
				logs.server = &r
			}
			for i, p := range samples {
				abs, err := filepath.Abs(p)
				if err != nil {
					return &exit{exitInput, err}
				}
				samples[i] = abs
			}
			s := &lsp.Server{Vocab: query.Standard(), Logs: logs, Always: logs.server != nil, Version: Version(), Samples: samples, Log: log.New(a.stderr, "gyoji lsp: ", 0)}
			err := s.Serve(cmd.Context(), a.stdin, a.out.w, func() error {
				if c, ok := a.stdin.(io.Closer); ok {
					return c.Close()
				}
				return nil
			})
			if errors.Is(err, lsp.ErrNoShutdown) {
				return &exit{code: exitFindings} // 1, as the protocol has it
			}
			return err
		},
	}
	cmd.Flags().StringSliceVar(&samples, "samples", nil, "files or folders of logs: their fields and values are completed, and queries run over them")
	r.flags(cmd)
	cmd.Flags().Lookup("server").Usage = "complete the fields and values of what a server keeps, where no samples are named, and run queries there: its address, or its data folder on this machine, which holds the key"
	cmd.Flags().BoolVar(&stdio, "stdio", true, "speak on standard input and output; there is no other way")
	_ = cmd.Flags().MarkHidden("stdio") // many clients give it unasked
	return cmd
}

// sampleLogs reads logs for the language server: files, or what a server keeps.
type sampleLogs struct{ server *remote }

const (
	sampleEvents   = 50000 // that are read of the samples
	sampleMessages = 2000  // that are asked of a server
	sampleValues   = 40    // that are kept of a field
)

// silent is an app that only reads: nothing is printed but what goes to said.
func silent(said io.Writer) *app {
	return &app{stdin: strings.NewReader(""), out: &stream{w: io.Discard}, err: &stream{w: said}, stdout: io.Discard, stderr: said, quiet: true}
}

// Sample reads the first events of some files, or without any the latest of the server.
func (l sampleLogs) Sample(ctx context.Context, paths []string) (*editor.Sample, error) {
	if len(paths) == 0 {
		return l.latest(ctx)
	}
	a := silent(io.Discard)
	in := inputs{names: mapSysmon, zone: "UTC", workers: 1, memory: memoryDefault}
	s, err := a.open(&in, paths)
	if err != nil {
		return nil, err
	}
	c, err := s.census(ctx, nil, sampling{keep: sampleValues, meta: true, most: sampleEvents})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	if c.events == 0 {
		return nil, fmt.Errorf("no event was found in %s", strings.Join(paths, ", "))
	}
	name := filepath.Base(paths[0])
	if len(paths) > 1 {
		name = fmt.Sprintf("%s and %d more", name, len(paths)-1)
	}
	return sampled(name, c), nil
}

// latest reads the newest messages that the server keeps.
func (l sampleLogs) latest(ctx context.Context) (*editor.Sample, error) {
	var c *census
	f := &diag.File{Text: fmt.Sprintf("* | limit %d", sampleMessages)}
	err := silent(io.Discard).remoteRows(ctx, l.server, f, times{zone: time.UTC}, false, func(_ *api.Rows, layout *event.Layout) (render.Sink, error) {
		c = &census{layout: layout, sampling: sampling{keep: sampleValues, meta: true}}
		return counting{c}, nil
	})
	switch {
	case err != nil:
		return nil, err
	case c.events == 0:
		return nil, fmt.Errorf("%s keeps no message yet", l.server.base)
	}
	return sampled(l.server.base, c), nil
}

// counting is a census as the end of a search.
type counting struct{ *census }

func (counting) Close() error { return nil }

func sampled(name string, c *census) *editor.Sample {
	var fields []editor.SampleField
	for _, n := range c.names() {
		f := c.count(n)
		x := editor.SampleField{Name: n, Events: f.n}
		for _, v := range f.samples {
			x.Values = append(x.Values, v.text)
		}
		fields = append(fields, x)
	}
	return editor.NewSample(name, c.events, fields)
}

// Run runs gyoji search or gyoji explain --why-not.
func (l sampleLogs) Run(ctx context.Context, text string, paths []string, why bool, out io.Writer) bool {
	if len(paths) == 0 {
		return l.runThere(ctx, text, why, out)
	}
	args := []string{"search", "-f", "table"}
	if why {
		args = []string{"explain", "--why-not"}
	}
	args = append(args, "--config", "none", "--color", "never", "-q", "-", "--")
	return Execute(ctx, append(args, paths...), strings.NewReader(text), out, out) == exitRan
}

// runThere runs a query on the server, over all it keeps; it ends when enough is shown.
func (l sampleLogs) runThere(ctx context.Context, text string, why bool, out io.Writer) bool {
	if why {
		fmt.Fprintln(out, "why not reads files: name some in the setting samples")
		return false
	}
	a := silent(out)
	f := &diag.File{Name: "query", Text: text}
	rows := &shown{w: out}
	err := a.remoteRows(ctx, l.server, f, times{zone: time.UTC}, false, func(page *api.Rows, layout *event.Layout) (render.Sink, error) {
		return render.New("table", rows, remoteLook(page, layout, time.UTC))
	})
	switch {
	case err != nil && rows.full:
		return true
	case err != nil:
		fmt.Fprintln(out, err)
	case !rows.any:
		fmt.Fprintln(out, "no row")
	}
	return err == nil
}

// shown is a writer that remembers whether anything came, and whether there was no more room.
type shown struct {
	w         io.Writer
	any, full bool
}

func (s *shown) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.any, s.full = s.any || n > 0, s.full || err != nil
	return n, err
}
