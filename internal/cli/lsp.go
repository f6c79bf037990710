package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/editor"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/lsp"
)

var _ = command((*app).lspCmd)

func (a *app) lspCmd() *cobra.Command {
	var samples []string
	var stdio bool
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
values of these logs, and runs queries over them when asked to. It writes no file.`,
		Example: "  gyoji lsp\n  gyoji lsp --samples samples/ws-fin-014-sysmon.jsonl",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for i, p := range samples {
				abs, err := filepath.Abs(p)
				if err != nil {
					return &exit{exitInput, err}
				}
				samples[i] = abs
			}
			s := &lsp.Server{Vocab: query.Standard(), Logs: sampleLogs{}, Version: Version(), Samples: samples, Log: log.New(a.stderr, "gyoji lsp: ", 0)}
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
	cmd.Flags().BoolVar(&stdio, "stdio", true, "speak on standard input and output; there is no other way")
	_ = cmd.Flags().MarkHidden("stdio") // many clients give it unasked
	return cmd
}

// sampleLogs reads logs for the language server.
type sampleLogs struct{}

const (
	sampleEvents = 50000 // that are read of the samples
	sampleValues = 40    // that are kept of a field
)

// Sample reads the first events of some files.
func (sampleLogs) Sample(ctx context.Context, paths []string) (*editor.Sample, error) {
	var said bytes.Buffer
	a := &app{stdin: strings.NewReader(""), out: &stream{w: io.Discard}, err: &stream{w: &said}, stdout: io.Discard, stderr: &said, quiet: true}
	in := inputs{names: mapSysmon, zone: "UTC", workers: 1, memory: memoryDefault}
	s, err := a.open(&in, paths)
	if err != nil {
		return nil, err
	}
	c, err := s.census(ctx, nil, sampling{keep: sampleValues, meta: true, most: sampleEvents})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	var fields []editor.SampleField
	for _, n := range c.names() {
		f := c.count(n)
		x := editor.SampleField{Name: n, Events: f.n}
		for _, v := range f.samples {
			x.Values = append(x.Values, v.text)
		}
		fields = append(fields, x)
	}
	if c.events == 0 {
		return nil, fmt.Errorf("no event was found in %s", strings.Join(paths, ", "))
	}
	name := filepath.Base(paths[0])
	if len(paths) > 1 {
		name = fmt.Sprintf("%s and %d more", name, len(paths)-1)
	}
	return editor.NewSample(name, c.events, fields), nil
}

// Run runs gyoji search or gyoji explain --why-not.
func (sampleLogs) Run(ctx context.Context, text string, paths []string, why bool, out io.Writer) bool {
	args := []string{"search", "-f", "table"}
	if why {
		args = []string{"explain", "--why-not"}
	}
	args = append(args, "--config", "none", "--color", "never", "-q", "-", "--")
	return Execute(ctx, append(args, paths...), strings.NewReader(text), out, out) == exitRan
}
