package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/kafka"
	"github.com/gyoji-dev/gyoji/internal/store"
)

var _ = command((*app).ingestCmd)

func (a *app) ingestCmd() *cobra.Command {
	in := inputs{zone: "UTC", workers: 1, memory: memoryDefault}
	var dir, host, name, source, collector, limit string
	var fields []string
	var follow, again bool
	var access kafkaAccess
	cmd := &cobra.Command{
		GroupID: groupLogs,
		Use:     "ingest PATH... --store DIR",
		Short:   "Put logs into a store",
		Long: `ingest keeps the events of files, folders, globs, archives, standard input or a Kafka
topic in a store, a folder that gyoji search --store and gyoji serve read. It takes
what gyoji search takes, and a query over the store gives what it gives over the files.

What has been read is on disk, safe from a crash, when ingest says so. A file that was
put in before and is as it was is left out, and named; --again puts it in once more. With
--follow ingest goes on where it was ended, also in a file that was rotated meanwhile.`,
		Example: `  gyoji ingest evtx/ --store /var/lib/gyoji
  gyoji ingest --store /var/lib/gyoji --category linux/auth /var/log/auth.log
  journalctl -o json | gyoji ingest --store /var/lib/gyoji -
  gyoji ingest --follow --store /var/lib/gyoji /var/log/app/`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir == "" {
				return usageError("ingest wants the store to put the logs into: --store DIR")
			}
			s, err := a.open(&in, args)
			if err != nil {
				return err
			}
			o := store.Options{SealAfter: 24 * time.Hour} // what fills a file of the log: the rest is soon more
			following := follow || slices.ContainsFunc(args, kafka.IsAddress)
			if following {
				o.SealAfter = 5 * time.Minute
			}
			if limit != "" {
				if o.LogMax, err = parseSize(limit); err != nil {
					return usageError("--log-max %s: %v", limit, err)
				}
			}
			given, err := fieldsGiven(fields)
			if err != nil {
				return err
			}
			st, err := a.openStore(dir, o)
			if err != nil {
				return err
			}
			into := st.Files()
			into.Source = store.Source{Collector: collector, Source: source, Category: in.category, Host: host, Name: name}
			into.Fields, into.Zone, into.Now = given, in.zone, s.run.Now
			s.opt.Warnings = &exec.Warnings{}
			into.Warnings = s.opt.Warnings
			s.passes = append(s.passes, s.opt.Warnings)
			if following && !again {
				s.opt.Places, err = st.Places()
			}
			switch {
			case err != nil:
			case following:
				err = s.ingestFollowing(cmd.Context(), into, &access)
			default:
				err = s.ingest(cmd.Context(), into, st, again)
			}
			err = ingestError(err)
			if e := st.Close(cmd.Context()); err == nil && e != nil {
				err = &exit{exitInput, e}
			}
			return firstOf(err, s.finish(""))
		},
	}
	cmd.Annotations = map[string]string{logsSection: "read"}
	f := cmd.Flags()
	f.StringVar(&dir, "store", "", "folder of the store, which is made where there is none")
	f.StringVar(&in.category, "category", "", "_sourceCategory of every event (default: inferred, windows/sysmon for the Sysmon channel)")
	f.StringVar(&host, "host", "", "_sourceHost of events (default: what the event says)")
	f.StringVar(&name, "name", "", "_sourceName of events (default: the file's)")
	f.StringVar(&source, "source", "", "_source of events")
	f.StringVar(&collector, "collector", "", "_collector of events")
	f.StringArrayVar(&fields, "field", nil, "a field that every event has, as NAME=VALUE (repeatable)")
	choiceFlag(f, &in.format, "input-format", "", "", format.Names(), "what the input is: "+strings.Join(format.Names(), ", ")+" (default: recognised by content)")
	f.StringVar(&in.zone, "timezone", "UTC", "zone of times that name none: Europe/Berlin, +02:00")
	choiceFlag(f, &in.dates, "date-order", "", "", []string{"mdy", "dmy"}, "order of day and month in dates like 03/04/2026, mdy or dmy (default: as the dates of the file say that have a day above 12, else mdy)")
	f.StringVar(&in.now, "now", "", "the latest that an event may be of whose time has no year (default: the clock)")
	f.StringVar(&in.tempDir, "temp-dir", "", "where archives from standard input go (default: the system's)")
	f.BoolVar(&in.strict, "strict", false, "exit with 4 when anything of the input was lost, or nothing could be found in it")
	f.StringVar(&limit, "log-max", "", "bytes that the store's log may have on disk before nothing more is taken (default: 10g)")
	f.BoolVar(&follow, "follow", false, "go on with what is added to the files, or comes on standard input, until Ctrl-C; always so for kafka://BROKER:PORT/TOPIC")
	f.BoolVar(&again, "again", false, "put in files that were put in before; with --follow: begin at the start of files that were followed before")
	access.flags(cmd)
	return cmd
}

// fieldsGiven reads NAME=VALUE.
func fieldsGiven(given []string) (out []store.Field, err error) {
	for _, g := range given {
		name, value, ok := strings.Cut(g, "=")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.HasPrefix(name, "_") {
			return nil, usageError("--field %s: write NAME=VALUE, with a name that does not begin with _", g)
		}
		out = append(out, store.Field{Name: name, Value: value})
	}
	return out, nil
}

// ingestError is an error of a store as a command ends with it.
func ingestError(err error) error {
	var full *store.FullError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &full):
		return &exit{exitInput, fmt.Errorf("%s; what was read before is kept. Make room, or raise --log-max", full.Reason)}
	}
	return &exit{exitInput, err}
}

// ingest puts all of the input into a store, but for the files that were put in before; again
// puts in those, too.
func (s *session) ingest(ctx context.Context, into *store.Files, st *store.Store, again bool) error {
	taken, err := st.Taken()
	if err != nil {
		return &exit{exitInput, err}
	}
	failed := error(nil)
	var notes []string // said once progress is no longer shown
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	s.opt.Pass = func(path string) bool {
		before, err := taken.Look(path)
		if err == nil && before != nil && !again {
			at := before.At.Format(time.RFC3339)
			switch {
			case !before.Whole:
				note("%s: it was being put in at %s, and that was ended: what had been put in by then is now there twice", path, at)
			case !before.Same:
				note("%s: it was put in at %s and has grown since: what it had then is now there twice (--follow goes on where it ended)", path, at)
			default:
				if s.left++; s.left <= leftNamed || s.app.verbose {
					note("%s: it was put in at %s and is as it was: left out", path, at)
				}
				return true
			}
		}
		if err == nil {
			err = taken.Begin(path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) && failed == nil { // who reads it says that
			failed = err
		}
		return false
	}
	src, err := input.Paths(s.paths, s.opt)
	if err != nil {
		return &exit{exitInput, err}
	}
	r := input.NewReader(src, s.formats, s.opt)
	s.readers = append(s.readers, r)
	s.watch(r)
	if err = into.Add(ctx, r); err == nil {
		err = taken.End(ctx)
	}
	s.progress.stop()
	if s.left > 0 {
		note("left out %s that %s in the store already; --again puts %s in once more",
			number(int64(s.left))+" "+plural(int64(s.left), "file", "files"), plural(int64(s.left), "is", "are"), plural(int64(s.left), "it", "them"))
	}
	for _, text := range notes {
		fmt.Fprintf(s.app.stderr, "gyoji: %s\n", text)
	}
	return cmp.Or(err, failed)
}

// leftNamed is how many files that are left out are named each.
const leftNamed = 5

// ingestFollowing puts what is there and what comes into a store.
func (s *session) ingestFollowing(ctx context.Context, into *store.Files, access *kafkaAccess) (err error) {
	f, err := s.follower(access)
	if err != nil {
		return err
	}
	defer func() { err = firstOf(err, f.Close()) }()
	names := map[string]bool{}
	// What has come is put in whole before the end, also after Ctrl-C.
	work := context.WithoutCancel(ctx)
	return pump(ctx, f, time.Hour, func(parts []*input.Part) (bool, error) {
		if len(parts) == 0 {
			return false, nil
		}
		for _, p := range parts {
			names[p.Name] = true
		}
		r := input.NewReader(input.List(parts), s.formats, s.opt)
		err := into.Add(work, r)
		s.counted(r, len(names))
		return false, err
	}, func() (time.Duration, error) { return 0, nil })
}
