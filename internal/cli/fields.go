package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = command((*app).fieldsCmd)

// sampleBytes is how much of a value is shown.
const sampleBytes = 60

func (a *app) fieldsCmd() *cobra.Command {
	var in inputs
	var out output
	var detections []string
	var rules sigmaRules
	cmd := &cobra.Command{
		GroupID: groupLogs,
		Use:     "fields PATH...",
		Short:   "List the fields that events have, with values, and the detections that want them",
		Long: `fields reads all events and lists their fields: in how many events each one is,
values of it, and the detections that want it. Those are the packages that gyoji
ships, or with -d others and Sigma rules. A field that a detection wants is found
under any name that a shipper gives it (EventData.Image is Image); with --no-map
under its own alone. What detections want and no event has stands at the end.`,
		Example: `  gyoji fields winlogbeat.ndjson
  gyoji fields -d sigma/rules/windows evtx/
  gyoji fields -f csv -o fields.csv export.jsonl`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("fields wants the logs to look at: gyoji fields FOLDER")
			}
			if out.format == "" {
				out.format = "table"
			}
			pkgs, err := a.detections(detections, &rules, in.strict)
			if err != nil {
				return err
			}
			want, err := wantingOf(pkgs, &rules)
			if err != nil {
				return err
			}
			s, err := a.open(&in, args)
			if err != nil {
				return err
			}
			w, done, err := out.open(a, cmd, s)
			if err != nil {
				return err
			}
			c, err := s.census(cmd.Context(), want, sampling{})
			s.rows = int64(len(c.names()))
			return firstOf(done(firstOf(err, a.printFields(c, want, &out, w))), s.finish(plural(s.rows, "field", "fields")))
		},
	}
	in.flags(cmd)
	out.flags(cmd)
	rules.flags(cmd)
	cmd.Flags().Lookup("format").Usage = strings.Join(out.formats(), ", ") + " (default: table)"
	cmd.Flags().StringArrayVarP(&detections, "detections", "d", nil, "whose fields to look for: a folder of detection packages or Sigma rules, a rule, an archive of rules (default: the packages that gyoji ships)")
	return cmd
}

// fieldColumns are the columns of the list of fields.
var fieldColumns = []string{"field", "events", "values", "detections", "wanted_by"}

// printFields lists the fields that events have, and those that are wanted of them.
func (a *app) printFields(c *census, want wanting, out *output, w io.Writer) error {
	layout := event.NewLayout(fieldColumns...)
	var cols []lang.Column
	for i, n := range fieldColumns {
		cols = append(cols, lang.Column{Slot: event.Slot(i), Name: n})
	}
	sink, err := render.New(out.format, w, out.look(a, render.Options{Columns: cols, Layout: layout}))
	if err != nil {
		return usageError("%v", err)
	}
	names := c.names()
	for _, n := range want.names() {
		if c.count(n).n == 0 {
			names = append(names, n)
		}
	}
	var b event.Batch
	for part := range slices.Chunk(names, event.MaxRows) {
		b.Reset()
		for _, n := range part {
			row := b.AddRow(0, 0)
			f := c.count(n)
			for i, v := range []event.Value{
				event.Text(n), event.Int(f.n), event.Text(f.shown()),
				event.Int(int64(len(want[n]))), event.Text(want.by(n, a.verbose || out.format != "table")),
			} {
				b.Col(event.Slot(i)).Set(row, v)
			}
		}
		if err := sink.Push(&b); err != nil {
			return err
		}
	}
	return sink.Close()
}

// shown are a field's values for people.
func (f *fieldCount) shown() string {
	var texts []string
	for _, s := range f.samples {
		if t := strings.ToValidUTF8(s.text, "\ufffd"); len(t) > sampleBytes {
			texts = append(texts, fmt.Sprintf("%s...", strings.ToValidUTF8(t[:sampleBytes], "")))
		} else if t != "" {
			texts = append(texts, t)
		}
	}
	return strings.Join(texts, " | ")
}
