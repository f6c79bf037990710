package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/store"
)

// storeFlag adds --store to a command that can read a store in place of files.
func (in *inputs) storeFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&in.store, "store", "", "folder of a store to read instead of files: what gyoji ingest and gyoji serve have put in")
}

// openStore opens the store that a session reads, and pins what is there.
func (s *session) openStore(dir string) error {
	st, err := s.app.openStore(dir, store.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	s.store = st
	// The time range is each run's: compare and subqueries have others.
	s.snapshot = st.Snapshot(store.View{})
	return nil
}

// openStore opens a store, and says what it has to say of it.
func (a *app) openStore(dir string, o store.Options) (*store.Store, error) {
	o.Told = func(text string) { fmt.Fprintf(a.stderr, "gyoji: %s\n", text) }
	st, err := store.Open(dir, o)
	var locked *store.LockedError
	switch {
	case err == nil:
		return st, nil
	case errors.As(err, &locked):
		return nil, &exit{exitInput, fmt.Errorf("%w; ask that process (--server %s, if it is gyoji serve), or end it first", err, dir)}
	default:
		return nil, &exit{exitInput, err}
	}
}

func (s *session) closeStore() {
	if s.store == nil {
		return
	}
	s.snapshot.Close()
	_ = s.store.Close(context.Background()) // nothing was written
}

// storeReading is a reading of a store.
type storeReading struct {
	feeder
	dir string
}

type feeder interface {
	input.Twice
	Progress() store.Progress
}

// Stats is as that of files.
func (r *storeReading) Stats() input.Stats {
	p := r.Progress()
	return input.Stats{Bytes: p.Bytes, Total: p.Total, Events: p.Events, Untimed: p.Untimed, Given: p.Given, Parts: 1}
}

// PartName is the store's folder: its events are in no file of their own.
func (r *storeReading) PartName(int) string { return r.dir }
