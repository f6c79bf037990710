package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = command((*app).recordsCmd)

func (a *app) recordsCmd() *cobra.Command {
	var in inputs
	var out output
	var explain bool
	var documents []string
	var profile string
	cmd := &cobra.Command{
		GroupID: groupLogs,
		Use:     "records PATH...",
		Short:   "Show the Cloud SIEM records that logs become",
		Long: `records shows events as the records that Cloud SIEM's mappers make of them: the
attributes that rules read. Attributes that are null are left out. Events without a
mapper become no record; how many there are is said at the end.

Mappers are there for Windows, Sysmon (for Linux, too), AWS CloudTrail, Google Cloud,
Kubernetes, Okta, Office 365, Azure sign-ins, auditd, sshd, Zeek, Palo Alto firewalls
and web proxies; -d adds log mappings and log parsers of yours. --profile sumo+ fills what the service's
mappings of Windows leave empty. With --geo DATABASE addresses have country, city,
coordinates and network (srcDevice_ip_countryCode, srcDevice_ip_asnNumber, ...).

--explain shows instead, for each mapper that was used, which attribute comes from
which field of the event. Of several fields the first that has a value counts.`,
		Example: `  gyoji records -f ndjson sysmon.jsonl
  gyoji records --explain evtx/`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("records wants the logs to look at: gyoji records FOLDER")
			}
			if profile != "" && !slices.Contains(record.Profiles, profile) {
				return usageError("--profile is %s, and must be one of %s", profile, strings.Join(record.Profiles, ", "))
			}
			lib, err := in.library()
			if err != nil {
				return err
			}
			made, err := a.catalogue(documents, record.Profile(profile), in.strict)
			if err != nil {
				return err
			}
			made.Geo = lib.Geo()
			s, err := a.open(&in, args)
			if err != nil {
				return err
			}
			w, done, err := out.open(a, cmd, s)
			if err != nil {
				return err
			}
			v := newRecordView(made)
			err = s.read(func(run query.Run) error { return query.RunTogether(cmd.Context(), run, nil, v.beside()) })
			if err == nil && explain {
				s.rows = int64(len(v.used))
				err = v.explain(a, func(columns []string, each func(add func(...event.Value) error) error) error {
					return a.table(w, &out, s, columns, each)
				})
			} else if err == nil {
				s.rows = v.n
				err = v.print(cmd.Context(), out.kind(a), func(o render.Options) (render.Sink, error) {
					o.Zone = s.run.Zone
					return render.New(out.kind(a), w, out.look(a, o))
				})
			}
			err = done(err)
			if v.unmapped > 0 {
				what := fmt.Sprintf("%s %s no Cloud SIEM mapper: most are %s", number(v.unmapped), plural(v.unmapped, "event has", "events have"), mostOf(v.keys))
				if v.n == 0 {
					s.note("%s", what)
				} else if !a.quiet {
					fmt.Fprintln(a.stderr, what)
				}
			}
			what := [2]string{"record", "records"}
			if explain {
				what = [2]string{"mapper", "mappers"}
			}
			return firstOf(err, s.finish(plural(s.rows, what[0], what[1])))
		},
	}
	in.flags(cmd)
	out.flags(cmd)
	cmd.Flags().StringArrayVarP(&documents, "detections", "d", nil, "log mappings and log parsers of yours: a folder or a file; may be repeated")
	cmd.Flags().StringVar(&profile, "profile", "", "mappings of Windows: sumo, as the service has them, or sumo+, which adds what they leave empty (default sumo)")
	cmd.Flags().BoolVar(&explain, "explain", false, "show for each mapper which field each attribute comes from")
	return cmd
}

// catalogue is what records are made by: what is built in, and the documents that
// names lead to.
func (a *app) catalogue(names []string, p record.Profile, strict bool) (*record.Catalogue, error) {
	if names == nil {
		made, _ := record.NewCatalogue(p, nil)
		return made, nil
	}
	t, err := a.tenant(names, strict)
	if err != nil {
		return nil, err
	}
	return t.Catalogue(p), nil
}

// recordView gathers records, all attributes of them, in the order of the input.
type recordView struct {
	events, records *event.Layout
	plan            *record.Plan
	sorter          *exec.Sorter

	mu       sync.Mutex
	used     map[*record.Mapper]int64
	keys     map[string]int64
	n        int64
	unmapped int64
	filled   []bool // by slot: some record has it
}

func newRecordView(made *record.Catalogue) *recordView {
	v := &recordView{events: event.NewLayout(), records: event.NewLayout(recordsFirst...), used: map[*record.Mapper]int64{}, keys: map[string]int64{}}
	for _, name := range slices.Sorted(maps.Keys(record.Schema())) {
		v.records.Exact(name)
	}
	v.plan = record.NewPlan(made.Mappers, made.Parsers, v.events, v.records)
	v.filled = make([]bool, v.records.Len())
	return v
}

// recordsFirst are the attributes that are shown first.
var recordsFirst = []string{"timestamp", "objectType", "metadata_deviceEventId"}

func (v *recordView) beside() query.Consumer {
	return query.Consumer{Name: "the records", Layout: v.events, Fields: v.plan.Fields, Open: func(rt *exec.Runtime) exec.Pipeline {
		v.sorter = exec.NewSorter(rt, "the records", exec.Order{}, exec.NewCodec(&event.Fields{All: true}), 0)
		return exec.Pipeline{Front: func(exec.Sink) exec.Task { return &recordTask{v, v.plan.Open()} }, Back: exec.Chain(v)}
	}}
}

// Push ends the pipeline: records go their own way.
func (v *recordView) Push(*event.Batch) error { return nil }

type recordTask struct {
	view *recordView
	run  *record.Run
}

func (t *recordTask) Push(in *event.Batch) error {
	b := t.run.Map(in)
	v := t.view
	v.mu.Lock()
	defer v.mu.Unlock()
	kept := b.Live[:0]
	for _, row := range b.Live {
		key, m := t.run.Kind(row)
		if m == nil {
			v.unmapped++
			if name := strings.TrimSpace(key.Vendor + " " + key.Product + " " + key.EventID); v.keys[name] > 0 || len(v.keys) < 1000 {
				v.keys[cmp.Or(name, "not of a product that gyoji has mappers of")]++
			}
			continue
		}
		v.used[m]++
		v.n++
		kept = append(kept, row)
	}
	b.Live = kept
	for i := range b.Cols {
		v.filled[i] = v.filled[i] || len(b.Cols[i].Dict) > 1
	}
	return v.sorter.Add(b)
}

func (*recordTask) Flush() error { return nil }

// print gives the records to a renderer; only attributes that some record has are
// columns of a table.
func (v *recordView) print(ctx context.Context, kind string, open func(render.Options) (render.Sink, error)) error {
	o := render.Options{Layout: v.records}
	if kind != "ndjson" && kind != "json" {
		o.Columns = []lang.Column{}
		for i, yes := range v.filled {
			if yes {
				o.Columns = append(o.Columns, lang.Column{Slot: event.Slot(i), Name: v.records.Name(event.Slot(i))})
			}
		}
	}
	sink, err := open(o)
	if err != nil {
		return usageError("%v", err)
	}
	if err = ctx.Err(); err == nil {
		err = v.sorter.Flush(sink)
	}
	return firstOf(err, sink.Close())
}

// explain lists what fills the attributes of each mapper that was used.
func (v *recordView) explain(a *app, table func([]string, func(add func(...event.Value) error) error) error) error {
	ms := slices.SortedFunc(maps.Keys(v.used), func(x, y *record.Mapper) int { return strings.Compare(x.Name, y.Name) })
	return table([]string{"mapper", "events", "records", "attribute", "from"}, func(add func(...event.Value) error) error {
		for _, m := range ms {
			for _, name := range slices.Sorted(maps.Keys(m.Fields)) {
				if err := add(event.Text(m.Name), event.Text(m.EventID), event.Int(v.used[m]), event.Text(name), event.Text(fromOf(m.Fields[name]))); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// fromOf says in a line where an attribute comes from.
func fromOf(s *record.Source) string {
	var text string
	switch {
	case s.Const != nil:
		return fmt.Sprintf("always %q", *s.Const)
	case s.Join != nil:
		text = strings.Join(s.Join, " + ")
	case s.Params != nil:
		text = s.Format + " of " + strings.Join(s.Params, ", ")
	default:
		text = strings.Join(s.From, ", else ")
	}
	if s.Lookup != nil {
		text += fmt.Sprintf(", by a table of %d values", len(s.Lookup))
	}
	if s.Split != nil {
		text += fmt.Sprintf(", part %d between %q", s.Split.Index, s.Split.Delimiter)
	}
	return text
}
