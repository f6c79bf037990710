package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gyoji-dev/gyoji/exec"
	"github.com/gyoji-dev/gyoji/input"
	"github.com/gyoji-dev/gyoji/kafka"
	"github.com/gyoji-dev/gyoji/query"
	"github.com/gyoji-dev/gyoji/render"
)

// followMemory bounds what is kept of streams, in bytes, for a result that is
// made anew with every event.
const followMemory = 1 << 30

// followable are the outputs that rows may be added to for ever.
var followable = []string{"ndjson", "raw"}

// follower opens what paths name.
func (s *session) follower() (input.Follower, error) {
	if i := slices.IndexFunc(s.paths, kafka.IsAddress); i >= 0 {
		if len(s.paths) > 1 {
			return nil, usageError("a Kafka topic is followed alone: kafka://BROKER:PORT/TOPIC[,TOPIC...]")
		}
		a, err := kafka.ParseAddress(s.paths[i])
		if err != nil {
			return nil, usageError("%v", err)
		}
		return kafka.Open(a)
	}
	f, err := input.Follow(s.paths, s.formats, s.opt)
	if err != nil {
		return nil, usageError("%v", err)
	}
	return f, nil
}

// follow runs a query over what is there and what comes. On a terminal the
// table is drawn anew. Elsewhere rows come as their events do, if the query and
// the output allow it, and otherwise once, when the input ends or Ctrl-C is
// pressed.
func (a *app) follow(cmd *cobra.Command, s *session, q *query.Query, out *output) (err error) {
	s.opt.Warnings = &exec.Warnings{}
	s.passes = append(s.passes, s.opt.Warnings)
	s.run.Warnings, s.run.Again = s.opt.Warnings, nil
	f, err := s.follower()
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, f.Close()) }()
	w, closeFile, err := out.open(a)
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, closeFile()) }()

	kind := out.kind(a)
	live := kind == "table" && out.file == "" && a.outTTY
	adding := !live && q.Streams() && slices.Contains(followable, kind)
	layout := q.Layout.Clone()
	// once runs the query over parts and prints its rows.
	once := func(ctx context.Context, parts []*input.Part, w io.Writer) error {
		run := s.run
		run.Layout, run.Arrival = layout, adding
		if adding {
			run.Workers = 1 // the order of arrival is one worker's
		}
		run.Reader = input.NewReader(input.List(parts), s.formats, s.opt)
		s.readers = append(s.readers[:0], run.Reader)
		sink, err := render.New(kind, w, render.Options{
			Columns: q.Columns, Layout: layout, Messages: q.Messages, Zone: s.run.Zone,
			Color: out.file == "" && a.colors(a.outTTY), Width: out.width(a),
		})
		if err != nil {
			return usageError("%v", err)
		}
		s.rows = 0
		return firstOf(q.Run(ctx, run, countRows{sink, &s.rows}), sink.Close())
	}

	var all []*input.Part
	var size int64
	for ended := false; !ended; {
		parts, err := f.Next(cmd.Context())
		switch ended = err != nil; {
		case err == nil, errors.Is(err, io.EOF):
		case errors.Is(err, context.Canceled):
			parts = nil
		default:
			return &exit{exitInput, err}
		}
		switch {
		case adding:
			if len(parts) > 0 {
				if err := once(context.WithoutCancel(cmd.Context()), parts, w); err != nil {
					return err
				}
			}
		case live && len(parts) == 0:
		default:
			all = append(all, parts...)
			for _, p := range parts {
				size += p.Size
			}
			if size > followMemory && (s.paths[0] == "-" || kafka.IsAddress(s.paths[0])) {
				return &exit{exitInput, fmt.Errorf("--follow keeps what it reads of a stream for this query, and that is more than %s; write the stream to files and follow them", exec.Size(followMemory))}
			}
			switch {
			case live:
				var screen bytes.Buffer
				if err := once(context.WithoutCancel(cmd.Context()), all, &screen); err != nil {
					return err
				}
				if err := a.draw(w, screen.Bytes()); err != nil {
					return err
				}
			case ended:
				if err := once(context.WithoutCancel(cmd.Context()), all, w); err != nil {
					return err
				}
			}
		}
		if err := f.Done(context.WithoutCancel(cmd.Context())); err != nil {
			return &exit{exitInput, err}
		}
	}
	return nil
}

// draw fills the terminal with as much of a table as fits.
func (a *app) draw(w io.Writer, screen []byte) error {
	height := 24
	if f, ok := a.stdout.(*os.File); ok {
		if _, h, err := term.GetSize(int(f.Fd())); err == nil {
			height = h
		}
	}
	at := 0
	for line := 0; line < height-1 && at < len(screen); line++ {
		end := bytes.IndexByte(screen[at:], '\n')
		if end < 0 {
			at = len(screen)
			break
		}
		at += end + 1
	}
	_, err := fmt.Fprintf(w, "\x1b[H\x1b[2J%s", screen[:at])
	return err
}
