package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = command((*app).dumpCmd)

func (a *app) dumpCmd() *cobra.Command {
	var in inputs
	var form, file string
	var record, line, offset int64
	cmd := &cobra.Command{
		GroupID: groupQuery,
		Use:     "dump [PATH...]",
		Short:   "Print whole events as NDJSON, XML or Sumo Logic messages",
		Long: `dump prints every event of files, folders, globs or standard input, in the
order of the input, one on a line:

  ndjson  one flat JSON object: System and EventData of a Windows event
          under their usual names
  xml     the event's XML, of EVTX and of event XML
  sumo    a message as Sumo Logic exports it: _raw and its metadata`,
		Example: `  gyoji dump Security.evtx > security.ndjson
  gyoji dump -f xml --carve damaged.evtx
  gyoji dump --record 77 'logs.zip#Security.evtx'
  gyoji dump -f sumo evtx/ | gzip > messages.jsonl.gz`,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.open(&in, args)
			if err != nil {
				return err
			}
			for name, n := range map[string]int64{"line": line, "record": record} {
				if cmd.Flags().Changed(name) && n < 1 {
					return usageError("--%s %d: they are numbered from 1", name, n)
				}
			}
			pick := picked{record: record, offset: -1}
			if cmd.Flags().Changed("offset") {
				pick.offset = offset
			}
			err = s.dump(cmd, form, file, pick, line)
			return firstOf(err, s.finish(""))
		},
	}
	in.flags(cmd)
	cmd.Flags().Int64Var(&record, "record", 0, "only events with this EventRecordID, as a finding's record_id names it")
	cmd.Flags().Int64Var(&line, "line", 0, "only the event that begins in this line of one file, as a finding's line names it")
	cmd.Flags().Int64Var(&offset, "offset", 0, "only the event that begins at this byte of one file, as a finding's offset names it")
	formatFlag(cmd.Flags(), &form, "ndjson", dumpForms, "form of the events: ndjson, xml, sumo")
	fileFlag(cmd.Flags(), &file, dumpForms)
	return cmd
}

// dumpForms are what -f takes.
var dumpForms = []string{"ndjson", "xml", "sumo"}

// dump prints the events of all paths.
func (s *session) dump(cmd *cobra.Command, form, file string, pick picked, line int64) error {
	if _, ok := render.NewDump(form, format.XMLField, event.NewLayout(), &event.Fields{}); !ok {
		return usageError("-f %s: there is no such form of events; choose one of ndjson, xml, sumo", form)
	}
	if pick.offset >= 0 && len(s.paths) != 1 {
		return usageError("--offset is of one file; name it alone")
	}
	if line != 0 {
		if len(s.paths) != 1 {
			return usageError("--line is of one file; name it alone")
		}
		src, err := input.Paths(s.paths, s.opt)
		if err != nil {
			return &exit{exitInput, err}
		}
		off, ok := input.LineStart(cmd.Context(), src, line)
		if !ok {
			return &exit{exitInput, fmt.Errorf("%s has no line %d", s.paths[0], line)}
		}
		pick.offset = off
	}
	all, diags := query.Compile(diag.Text("query", "*"), query.Standard())
	if err := diags.Err(); err != nil {
		return err
	}
	out := output{file: file}
	w, done, err := out.open(s.app, cmd, s)
	if err != nil {
		return err
	}
	if file == "" {
		w = s.app.data()
	}
	err = s.pass(cmd.Context(), all, func(run query.Run) error { return dumpEvents(cmd, run, form, w, pick) })
	return done(err)
}

// dumpEvents reads a run's input and writes its events in their order.
func dumpEvents(cmd *cobra.Command, run query.Run, form string, w io.Writer, pick picked) error {
	ctx := cmd.Context()
	want := &input.Want{
		Layout: run.Layout, NoMap: run.NoMap, Category: run.Category, Carve: run.Carve, JSON: true,
		From: run.From, To: run.To, Bounded: run.Bounded, Now: run.Now, Zone: run.Zone, Warnings: run.Warnings,
	}
	var workers []*dumpWorker
	front := func(exec.Sink) exec.Task {
		d, _ := render.NewDump(form, format.XMLField, run.Layout, &want.Fields)
		wk := &dumpWorker{dump: d, want: want, picked: pick}
		if pick.record != 0 {
			wk.slot = run.Layout.Slot("EventRecordID")
			want.Fields.Add(wk.slot)
		}
		workers = append(workers, wk)
		if form == "ndjson" && pick.all() {
			return lineWorker{wk}
		}
		return wk
	}
	ordered := exec.NewOrdered(w)
	blocks := run.Input.(*input.Reader).Blocks(ctx, want, func(worker, block int) error {
		wk := workers[worker]
		err := ordered.Write(block, wk.buf)
		wk.buf = wk.buf[:0]
		return err
	})
	feed := func(worker int, next exec.Sink) error {
		err := blocks(worker, next)
		if err != nil {
			ordered.Stop(err)
		}
		return err
	}
	err := exec.Run(&exec.Runtime{Ctx: ctx}, exec.Pipeline{Front: front, Back: &dumpWorker{}}, run.Workers, feed)
	lost := int64(0)
	for _, wk := range workers {
		lost += wk.dump.Lost
	}
	if lost > 0 {
		run.Warnings.Add("input without a form in XML", true, exec.Sample{
			Detail: fmt.Sprintf("%s: only EVTX and event XML hold events that are XML; -f ndjson and -f sumo print any",
				number(lost)+" "+plural(lost, "event", "events")),
		})
	}
	if err == nil && !pick.all() {
		found := false
		for _, wk := range workers {
			found = found || wk.found
		}
		if !found {
			what := fmt.Sprintf("event that begins at byte %d", pick.offset)
			if pick.record != 0 {
				what = fmt.Sprintf("record %d", pick.record)
			}
			return &exit{exitInput, fmt.Errorf("there is no %s in what was read", what)}
		}
	}
	return err
}

// dumpWorker gathers the text of a block's events.
type dumpWorker struct {
	dump *render.Dump
	want *input.Want
	buf  []byte
	picked
	slot  event.Slot // of the record's number
	found bool
}

// picked is which events are printed: all where record is 0 and offset negative.
type picked struct {
	record, offset int64
}

func (p picked) all() bool { return p.record == 0 && p.offset < 0 }

func (w *dumpWorker) Push(b *event.Batch) error {
	w.dump.Batch(b)
	for _, row := range b.Live {
		if at := b.Time[row]; w.want.Bounded && (at < w.want.From || at >= w.want.To || at == event.NoTime) {
			continue
		}
		if w.offset >= 0 && event.Offset(b.Pos[row]) != w.offset {
			continue
		}
		if w.record != 0 {
			if n, ok := b.Value(w.slot, row).Int(); !ok || n != w.record {
				continue
			}
		}
		w.found = true
		w.buf = w.dump.Append(w.buf, b, row)
	}
	return nil
}

func (w *dumpWorker) Flush() error { return nil }

// lineWorker is a dumpWorker that takes the lines of readers which write them.
type lineWorker struct{ *dumpWorker }

func (w lineWorker) Lines() *[]byte { return &w.buf }
