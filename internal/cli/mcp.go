package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/mcp"
)

var _ = command((*app).mcpCmd)

// tokenVariable is where the token of HTTP is taken from: an argument is seen by all who
// list processes.
const tokenVariable = "GYOJI_MCP_TOKEN"

func (a *app) mcpCmd() *cobra.Command {
	var h mcp.HTTP
	s := &mcp.Server{Vocab: query.Standard(), Command: Execute, Version: Version()}
	cmd := &cobra.Command{
		GroupID: groupQuery,
		Use:     "mcp",
		Short:   "Be the tools of an assistant (Model Context Protocol)",
		Long: `mcp gives an assistant gyoji's commands as tools: search, fields, explain, why_not,
lint, convert, prove, test, hunt, tree, records, coverage and doc, and as resources
the documentation of the query language and the packages that gyoji ships.

It reads only below the folders of --allow: no .., no symbolic links, no addresses.
It changes nothing unless --allow-write is given, which adds lint_fix and format.
Answers are bounded, and say so where they are cut; text of logs is marked as data
that is not to be obeyed.

It speaks on standard input and output, as the clients on a person's machine want
it, or with --http as streamable HTTP at /mcp. Over HTTP every call brings a token:
that of ` + tokenVariable + `, or one that is printed at the start. Web pages may not call
unless --origin names them, and the server answers only to its own name.`,
		Example: "  gyoji mcp --allow logs/ --allow detections/\n  gyoji mcp --allow logs/ --http 127.0.0.1:8765",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if h.Address == "" {
				if len(h.Origins)+len(h.Hosts) > 0 {
					return usageError("--origin and --host are for --http")
				}
				in, ok := a.stdin.(io.ReadCloser)
				if !ok {
					in = io.NopCloser(a.stdin)
				}
				return a.served(s.Serve(cmd.Context(), in, leftOpen{a.out.w}))
			}
			h.Token = os.Getenv(tokenVariable)
			near, err := mcp.Loopback(h.Address)
			switch {
			case err != nil:
				return usageError("--http %v", err)
			case !near && len(h.Token) < 32:
				return usageError("--http %s is reached from other machines: set %s to a token of 32 characters or more, and put TLS before it", h.Address, tokenVariable)
			}
			for _, o := range h.Origins {
				if !strings.HasPrefix(o, "https://") && !strings.HasPrefix(o, "http://") {
					return usageError("--origin %s: write the scheme too, such as https://app.example", o)
				}
			}
			given := h.Token != ""
			h.Tell = func(address, token string) {
				fmt.Fprintf(a.stderr, "gyoji mcp listens at %s\n", address)
				if !given {
					fmt.Fprintf(a.stderr, "calls bring the header  Authorization: Bearer %s\n", token)
				}
			}
			return a.served(s.ListenAndServe(cmd.Context(), h))
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&s.Allow, "allow", nil, "folder that may be read, with all below it; may be repeated (default: none)")
	f.BoolVar(&s.Write, "allow-write", false, "also give tools that change files below these folders: lint_fix, format")
	f.DurationVar(&s.Limit, "limit", time.Minute, "how long one call may take")
	f.StringVar(&h.Address, "http", "", "listen at HOST:PORT, such as 127.0.0.1:8765, instead of standard input and output")
	f.StringSliceVar(&h.Origins, "origin", nil, "with --http: origin of a web page that may call, such as https://app.example")
	f.StringSliceVar(&h.Hosts, "host", nil, "with --http: a further name that the server is called by, such as that of a proxy before it")
	return cmd
}

// served is how the command ends: what a client does is no failure.
func (a *app) served(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}

// leftOpen is standard output, which is not the transport's to close.
type leftOpen struct{ io.Writer }

func (leftOpen) Close() error { return nil }
