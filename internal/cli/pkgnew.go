package cli

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/proof"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

func (a *app) pkgNew() *cobra.Command {
	var name, technique, file string
	cmd := &cobra.Command{
		Use:   "new FOLDER [QUERY]",
		Short: "Make a package that passes its tests, of a query of yours or to change into yours",
		Long: `new writes a package: the manifest, the query, and tests with two recordings, one on
which the detection fires and one on which it is silent. With a query the
recordings are made for it, by what its conditions ask for; replace them by real
ones. Without one it is an example to change.`,
		Example: `  gyoji pkg new mine --technique T1059.001
  gyoji pkg new mine -q hunt.sumo --technique T1059.001
  gyoji pkg new mine 'EventID=1 | where CommandLine matches "*-enc*"'`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if name == "" {
				at, err := filepath.Abs(args[0]) // "." has a name, too
				if err != nil {
					return &exit{exitInput, err}
				}
				name = filepath.Base(at)
			}
			if strings.TrimSpace(name) == "" || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
				return usageError("--name: %q is no name: write a line of printable text", name)
			}
			if !detection.Technique().MatchString(technique) {
				return usageError("--technique: %q is no technique of ATT&CK; write such as T1059 or T1059.001", technique)
			}
			s, note := detection.Example(), ""
			if file != "" || len(args) > 1 {
				f, left, err := a.queryText(file, args[1:])
				if err != nil {
					return err
				}
				if len(left) > 0 {
					return usageError("the query is given twice: with -q and as %s", left[0])
				}
				if s, note, err = sketch(cmd.Context(), f); err != nil {
					return err
				}
			}
			var id [16]byte
			rand.Read(id[:]) // never fails
			id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
			s.ID = fmt.Sprintf("%x-%x-%x-%x-%x", id[0:4], id[4:6], id[6:8], id[8:10], id[10:])
			s.Name, s.Technique = name, technique
			files, err := detection.Skeleton(s)
			if err != nil {
				return err
			}
			if err := detection.Create(files, args[0]); err != nil {
				return &exit{exitUsage, err}
			}
			if note != "" {
				fmt.Fprintf(a.stderr, "gyoji: %s\n", note)
			}
			fmt.Fprintf(a.stderr, "made %s; next: gyoji test %s\n", args[0], shellWord(args[0]))
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "the package's name (default: the folder's)")
	cmd.Flags().StringVar(&technique, "technique", "T1059", "the ATT&CK technique")
	cmd.Flags().StringVarP(&file, "query", "q", "", "the file of the query that the package is to run")
	return cmd
}

// recordedAt is when the recordings of a new package begin.
var recordedAt = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// repeats are how often an event is recorded, for queries that count.
var repeats = []int{1, 2, 3, 5, 6, 10, 11, 20, 21, 50, 51, 100, 101}

// sketch is what a package of a query is made of. note says what its author has to do.
func sketch(ctx context.Context, f *diag.File) (s detection.Sketch, note string, err error) {
	s.Query = f.Text
	q, ds := query.Compile(f, query.Standard())
	if err := ds.Err(); err != nil {
		return s, "", err
	}
	side, ds := proof.Query(f)
	if err := ds.Err(); err != nil {
		return s, "", err
	}
	hit, miss, err := proof.Examples(ctx, side)
	if err != nil {
		return s, "", err
	}
	rows := func(lines []string) int {
		r := input.NewReader(input.Memory("made", []byte(strings.Join(lines, "\n")+"\n")), []*input.Format{format.Named("jsonl")}, input.Options{})
		got, e := q.Collect(ctx, query.Run{Input: r, Layout: q.Layout.Clone(), Workers: 1, Now: recordedAt.AddDate(0, 0, 1), Zone: time.UTC, Warnings: &exec.Warnings{}})
		if e != nil {
			err = e
			return 0
		}
		return len(got.Values)
	}
	for _, dress := range dresses {
		for _, n := range repeats {
			if hit == nil || err != nil || len(s.Attack) > 0 {
				break
			}
			var attack, benign []string
			for i := range n {
				attack = append(attack, dress(hit, i).Line())
				if miss != nil {
					benign = append(benign, dress(miss, i).Line())
				}
			}
			if found := rows(attack); found > 0 && (benign == nil || rows(benign) == 0) {
				s.Attack, s.Benign, s.Rows = attack, benign, found
				hit = dress(hit, 0)
			}
		}
	}
	if err != nil {
		return s, "", err
	}
	var notes []string
	switch {
	case len(s.Attack) == 0:
		why := "its conditions are not met by any that was tried"
		if side.Opaque != "" {
			why = "what " + side.Opaque + " takes out of an event is not known"
		}
		notes = append(notes, "no event could be made that the query finds: "+why+". Put recordings into tests/events and name them in tests/tests.yaml; docs/packages.md says how")
	case len(s.Benign) == 0:
		notes = append(notes, "the query finds every event, so there is none that it is silent on")
	}
	for _, name := range slices.Sorted(maps.Keys(hit)) {
		switch name {
		case "", "Channel", "Provider", "_sourceCategory", "message":
		case "Computer", "User", "UtcTime", "SystemTime", "EventRecordID", "@timestamp":
			if side.Reads(name) {
				s.Required = append(s.Required, name)
			}
		default:
			s.Required = append(s.Required, name)
		}
	}
	s.Channel = hit["Channel"]
	if s.Category = hit["_sourceCategory"]; s.Category == "" {
		s.Category = mapping.Category(hit["Channel"], hit["Provider"])
	}
	s.EventID, _ = strconv.Atoi(hit["EventID"])
	for _, e := range []detection.Entity{{Type: "_hostname", Field: "Computer"}, {Type: "_username", Field: "User"}} {
		for _, c := range q.Columns {
			if strings.EqualFold(c.Name, e.Field) {
				s.Entities = append(s.Entities, detection.Entity{Type: e.Type, Field: c.Name})
			}
		}
		if q.Columns == nil && hit[e.Field] != "" {
			s.Entities = append(s.Entities, e)
		}
	}
	return s, strings.Join(notes, "; "), nil
}

// dresses give an event what else an event of its kind has: all of it, or a time alone, or
// nothing, where the query finds the event only so. i counts the events of a recording.
var dresses = []func(e proof.Event, i int) proof.Event{
	func(e proof.Event, i int) proof.Event {
		more := timed(e, i)
		if e["Channel"] != "" {
			more["Computer"], more["EventRecordID"] = "WKS-01.corp.example", strconv.Itoa(1000+i)
			if strings.Contains(e["Channel"], "Sysmon") {
				more["User"] = `CORP\ana`
			}
		}
		return with(e, more)
	},
	func(e proof.Event, i int) proof.Event { return with(e, timed(e, i)) },
	func(e proof.Event, _ int) proof.Event { return e },
}

// timed is the time of the nth event.
func timed(e proof.Event, i int) proof.Event {
	at := recordedAt.Add(time.Duration(i) * time.Second)
	switch {
	case strings.Contains(e["Channel"], "Sysmon"):
		return proof.Event{"UtcTime": at.Format("2006-01-02 15:04:05.000")}
	case e["Channel"] != "":
		return proof.Event{"SystemTime": at.Format("2006-01-02T15:04:05.000Z")}
	case len(e) == 1 && e[""] != "": // a line of text
		return proof.Event{"": at.Format("2006-01-02T15:04:05Z ") + e[""]}
	}
	return proof.Event{"@timestamp": at.Format("2006-01-02T15:04:05.000Z")}
}

// with is an event with further fields, where it has none of that name.
func with(e, more proof.Event) proof.Event {
	out := maps.Clone(e)
	for n, v := range more {
		if _, ok := out[n]; !ok || n == "" {
			out[n] = v
		}
	}
	return out
}
