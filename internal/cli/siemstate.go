package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
)

// stateFlag is where a run over files keeps what rules remember for the next one.
func stateFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "state", "", "a file that keeps what Cloud SIEM rules, entities and insights remember: read at the start if it is there, replaced at the end; the next logs have to be later ones")
}

// keep has the run go on from the state file, if there is one.
func (g *siemHunt) keep(file string) {
	g.stateFile, g.Begin = file, g.loadState
}

func (g *siemHunt) loadState(run *tenant.Run) error {
	run.GoesOn = true
	f, err := os.Open(g.stateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &exit{exitInput, err}
	}
	defer f.Close()
	l, err := run.GoOn(f)
	if errors.Is(err, tenant.ErrState) {
		return &exit{exitInput, fmt.Errorf("--state %s: %w; nothing was run, and the file is as it was", g.stateFile, err)}
	}
	if err != nil {
		return err
	}
	if !g.app.quiet {
		fmt.Fprintf(g.app.stderr, "goes on from %s: %s groups of rules and %s entities, until %s\n",
			g.stateFile, number(int64(l.Groups)), number(int64(l.Desks)), time.UnixMilli(l.Until).In(g.session.run.Zone).Format(time.RFC3339))
	}
	if l.Changed != nil {
		g.session.note("nothing of the state of %s is used: what it asks has changed, and it starts from nothing", strings.Join(l.Changed, ", "))
	}
	if l.Gone != nil && !g.app.quiet {
		fmt.Fprintf(g.app.stderr, "the state of %s goes: it does not run any more\n", strings.Join(l.Gone, ", "))
	}
	return nil
}

// keepState replaces the state file, whole or not at all.
func (g *siemHunt) keepState() error {
	if g.stateFile == "" || g.Run == nil {
		return nil
	}
	t, err := g.app.create(g.stateFile)
	if err != nil {
		return err
	}
	if err := g.Run.Keep(t); err != nil {
		t.discard()
		return err
	}
	return t.commit()
}
