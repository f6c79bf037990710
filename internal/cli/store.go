package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/server"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
)

var _ = command((*app).storeCmd)

func (a *app) storeCmd() *cobra.Command {
	var form string
	cmd := &cobra.Command{
		GroupID: groupLogs,
		Use:     "store DIR",
		Short:   "Say what is in a store, hold and release it, check it, back it up",
		Long: `store says what a store holds: messages that are in its log yet, and those that are
sealed, by category, with what they take on disk; what is damaged; and what is held.
docs/store.md describes stores.`,
		Example: `  gyoji store /var/lib/gyoji
  gyoji store hold /var/lib/gyoji --category 'windows/*' --reason 'case 12'
  gyoji store backup /var/lib/gyoji /backup/gyoji-2026-03-10`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.withStore(args[0], true, func(s *store.Store) error {
				about := aboutStore(s)
				if form == "json" {
					return a.encode(about)
				}
				return about.write(a.stdout)
			})
		},
	}
	formatFlag(cmd.Flags(), &form, "text", textOrJSON, "how to print: text or json")
	cmd.AddCommand(a.storeHold(), a.storeRelease(), a.storeSeal(), a.storeCompact(), a.storeExpire(), a.storeVerify(), a.storeBackup(), a.storeRestore())
	return cmd
}

func (a *app) encode(v any) error {
	e := json.NewEncoder(a.json())
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// withStore opens a store for a while.
func (a *app) withStore(dir string, readOnly bool, do func(*store.Store) error) error {
	s, err := a.openStore(dir, store.Options{ReadOnly: readOnly, Exists: true})
	if err != nil {
		return err
	}
	err = do(s)
	if e := s.Close(context.Background()); err == nil && e != nil {
		err = &exit{exitInput, e}
	}
	return err
}

// storeAbout is what gyoji store says of a store.
type storeAbout struct {
	Dir        string          `json:"dir"`
	Messages   int64           `json:"messages"`
	RawBytes   int64           `json:"raw_bytes"`
	DiskBytes  int64           `json:"disk_bytes"`
	Log        storeLog        `json:"log"`
	Categories []storeCategory `json:"categories"`
	Segments   []storeSegment  `json:"segments"`
	Holds      []storeHold     `json:"holds"`
	Damaged    []storeDamage   `json:"damaged"`
}

type storeLog struct {
	Messages  int64 `json:"messages"`
	RawBytes  int64 `json:"raw_bytes"`
	DiskBytes int64 `json:"disk_bytes"`
	MaxBytes  int64 `json:"max_bytes"`
	Files     int   `json:"files"`
}

type storeCategory struct {
	Category  string `json:"category"` // "" is of several, or none
	Messages  int64  `json:"messages"`
	RawBytes  int64  `json:"raw_bytes"`
	DiskBytes int64  `json:"disk_bytes"`
	Segments  int    `json:"segments"`
	Held      int    `json:"held"`
	From      string `json:"from,omitempty"`
	To        string `json:"to,omitempty"`
	from, to  int64
}

type storeSegment struct {
	Name       string   `json:"name"`
	Columns    bool     `json:"columns"`
	Categories []string `json:"categories"`
	Messages   int64    `json:"messages"`
	RawBytes   int64    `json:"raw_bytes"`
	DiskBytes  int64    `json:"disk_bytes"`
	From       string   `json:"from,omitempty"`
	To         string   `json:"to,omitempty"`
	PutIn      string   `json:"put_in"`
	Held       bool     `json:"held"`
}

type storeHold struct {
	ID       int64  `json:"id"`
	Category string `json:"category"`
	From     string `json:"from,omitempty"`
	To       string `json:"to,omitempty"`
	Reason   string `json:"reason"`
	Made     string `json:"made"`
}

type storeDamage struct {
	File    string `json:"file"`
	At      int64  `json:"at"` // -1 is all of it
	Bytes   int64  `json:"bytes"`
	Kept    string `json:"kept,omitempty"`
	Problem string `json:"problem"`
}

// stamp is a time in ms as the command prints it; "" for 0.
func stamp(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339)
}

func aboutStore(s *store.Store) *storeAbout {
	st := s.Stats()
	out := &storeAbout{
		Dir: s.Dir(), Messages: st.Messages + st.Sealed, RawBytes: st.RawBytes + st.SealedRaw, DiskBytes: st.LogBytes + st.SegmentBytes,
		Log:        storeLog{st.Messages, st.RawBytes, st.LogBytes, st.LogMax, st.LogFiles},
		Categories: []storeCategory{}, Segments: []storeSegment{}, Holds: []storeHold{}, Damaged: []storeDamage{},
	}
	byCategory := map[string]*storeCategory{}
	for _, g := range s.Segments() {
		disk := g.FileBytes + g.FilterBytes
		out.Segments = append(out.Segments, storeSegment{
			g.Name, g.Columns, g.Categories, g.Messages, g.RawBytes, disk, stamp(g.MinTime), stamp(g.MaxTime), stamp(g.PutIn), g.Held,
		})
		name := ""
		if len(g.Categories) == 1 {
			name = g.Categories[0]
		}
		c := byCategory[name]
		if c == nil {
			c = &storeCategory{Category: name}
			byCategory[name] = c
		}
		c.Messages += g.Messages
		c.RawBytes += g.RawBytes
		c.DiskBytes += disk
		c.Segments++
		if g.Held {
			c.Held++
		}
		if g.MinTime != 0 && (c.from == 0 || g.MinTime < c.from) {
			c.from = g.MinTime
		}
		c.to = max(c.to, g.MaxTime)
	}
	for _, name := range slices.Sorted(maps.Keys(byCategory)) {
		c := byCategory[name]
		c.From, c.To = stamp(c.from), stamp(c.to)
		out.Categories = append(out.Categories, *c)
	}
	for _, h := range s.Holds() {
		out.Holds = append(out.Holds, storeHold{h.ID, h.Category, stamp(h.From), stamp(h.To), h.Reason, stamp(h.Made)})
	}
	for _, d := range st.Damaged {
		out.Damaged = append(out.Damaged, storeDamage{d.File, d.From, d.Bytes, d.Kept, d.Problem})
	}
	return out
}

func (x *storeAbout) write(to io.Writer) error {
	fmt.Fprintf(to, "%s: %s %s, %s of text in %s on disk\n", x.Dir, number(x.Messages), plural(x.Messages, "message", "messages"), exec.Size(x.RawBytes), exec.Size(x.DiskBytes))
	limit := "no limit"
	if x.Log.MaxBytes > 0 {
		limit = "of " + exec.Size(x.Log.MaxBytes) + " at most"
	}
	fmt.Fprintf(to, "log: %s %s not sealed yet, %s on disk, %s\n", number(x.Log.Messages), plural(x.Log.Messages, "message", "messages"), exec.Size(x.Log.DiskBytes), limit)
	if len(x.Categories) > 0 {
		fmt.Fprintln(to)
		t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "category\tmessages\ttext\ton disk\tsegments\theld\tfrom\tto")
		for _, c := range x.Categories {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n", cmp.Or(c.Category, "(several or none)"), number(c.Messages), exec.Size(c.RawBytes), exec.Size(c.DiskBytes), c.Segments, c.Held, c.From, c.To)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	for _, h := range x.Holds {
		fmt.Fprintf(to, "\nhold %d: %s%s%s", h.ID, cmp.Or(h.Category, "*"), between(" from ", h.From), between(" to ", h.To))
		if h.Reason != "" {
			fmt.Fprintf(to, " (%s)", h.Reason)
		}
		fmt.Fprintln(to)
	}
	for _, d := range x.Damaged {
		fmt.Fprintf(to, "\ndamaged: %s\n", store.Damage{File: d.File, From: d.At, Bytes: d.Bytes, Kept: d.Kept, Problem: d.Problem})
	}
	return nil
}

// between is a word before a text, where there is one.
func between(word, text string) string {
	if text == "" {
		return ""
	}
	return word + text
}

func (a *app) storeHold() *cobra.Command {
	var h store.Hold
	var from, to string
	cmd := &cobra.Command{
		Use:   "hold DIR",
		Short: "Keep messages from being removed, whatever retention says",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, x := range []struct {
				name, text string
				to         *int64
			}{{"from", from, &h.From}, {"to", to, &h.To}} {
				if x.text == "" {
					continue
				}
				t, err := datefmt.ParseTime(x.text, time.Now(), time.UTC)
				if err != nil {
					return usageError("--%s %s: %v", x.name, x.text, err)
				}
				*x.to = t.UnixMilli()
			}
			if h.To != 0 && h.To <= h.From {
				return usageError("the time range is empty: --to is not after --from")
			}
			return a.withStore(args[0], false, func(s *store.Store) error {
				made, err := s.Hold(cmd.Context(), h)
				if err != nil {
					return &exit{exitInput, err}
				}
				held := 0
				for _, g := range s.Segments() {
					if g.Held {
						held++
					}
				}
				fmt.Fprintf(a.stdout, "hold %d; %d %s held\n", made.ID, held, plural(int64(held), "segment is", "segments are"))
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&h.Category, "category", "*", "_sourceCategory of what is held, a pattern with * and ?")
	f.StringVar(&from, "from", "", "start of the time of what is held")
	f.StringVar(&to, "to", "", "end of it, not included")
	f.StringVar(&h.Reason, "reason", "", "why, for those who come later")
	return cmd
}

func (a *app) storeRelease() *cobra.Command {
	return &cobra.Command{
		Use:   "release DIR HOLD",
		Short: "End a hold, by its number",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil {
				return usageError("%s is no number of a hold; gyoji store %s lists them", args[1], args[0])
			}
			return a.withStore(args[0], false, func(s *store.Store) error {
				if err := s.Release(cmd.Context(), id); errors.Is(err, store.ErrNoHold) {
					return usageError("there is no hold %d; gyoji store %s lists them", id, args[0])
				} else if err != nil {
					return &exit{exitInput, err}
				}
				return nil
			})
		},
	}
}

// storeWork is a command that changes how a store keeps what it has.
func (a *app) storeWork(use, short, long string, do func(context.Context, *store.Store) (string, error)) *cobra.Command {
	return &cobra.Command{
		Use: use + " DIR", Short: short, Long: long, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(args[0], false, func(s *store.Store) error {
				said, err := do(cmd.Context(), s)
				if err != nil {
					return ingestError(err)
				}
				if !a.quiet {
					fmt.Fprintln(a.stderr, said)
				}
				return nil
			})
		},
	}
}

func (a *app) storeSeal() *cobra.Command {
	return a.storeWork("seal", "Make segments of all that is in the log",
		"seal makes segments of the log now, which gyoji serve does by itself. Segments take less\nroom, are quicker to search, and are what other programs read.",
		func(ctx context.Context, s *store.Store) (string, error) {
			before := s.Stats()
			n, err := s.Seal(ctx, true)
			after := s.Stats()
			return fmt.Sprintf("%d %s of the log, %s: %s of text in %s on disk", n, plural(int64(n), "file", "files"),
				number(before.Messages)+" "+plural(before.Messages, "message", "messages"), exec.Size(after.SealedRaw-before.SealedRaw), exec.Size(after.SegmentBytes-before.SegmentBytes)), err
		})
}

func (a *app) storeCompact() *cobra.Command {
	return a.storeWork("compact", "Write small segments of one category together", "",
		func(ctx context.Context, s *store.Store) (string, error) {
			n, err := s.Compact(ctx)
			return fmt.Sprintf("%d %s made part of larger ones", n, plural(int64(n), "segment was", "segments were")), err
		})
}

func (a *app) storeExpire() *cobra.Command {
	var r store.Retention
	var keep []string
	var size string
	cmd := a.storeWork("expire", "Remove what has been kept long enough",
		"expire removes segments that were put in more than so many days ago, and the oldest where\nthe store has more than so much on disk. What is held stays.",
		func(ctx context.Context, s *store.Store) (string, error) {
			gone, err := s.Expire(ctx, r, time.Now())
			n := int64(0)
			for _, d := range gone {
				n += d.Messages
			}
			return fmt.Sprintf("%d %s with %s %s removed", len(gone), plural(int64(len(gone)), "segment", "segments"), number(n), plural(n, "message", "messages")), err
		})
	f := cmd.Flags()
	f.IntVar(&r.Days, "keep-days", 0, "days that what is put in is kept; 0 keeps it without end")
	f.StringArrayVar(&keep, "keep", nil, "days for some categories, as PATTERN=DAYS (repeatable; the first that fits counts)")
	f.StringVar(&size, "max-size", "", "what the store may have on disk: 100g")
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if r.Categories, err = keepsGiven(keep); err != nil {
			return err
		}
		if size != "" {
			if r.MaxBytes, err = parseSize(size); err != nil {
				return usageError("--max-size %s: %v", size, err)
			}
		}
		if r.Days < 0 {
			return usageError("--keep-days %d: write how many days", r.Days)
		}
		if r.Days == 0 && len(r.Categories) == 0 && r.MaxBytes == 0 {
			return usageError("expire removes nothing unless it is told what: --keep-days, --keep or --max-size")
		}
		return run(cmd, args)
	}
	return cmd
}

// keepsGiven reads PATTERN=DAYS.
func keepsGiven(given []string) (out []store.Keep, err error) {
	for _, g := range given {
		i := strings.LastIndexByte(g, '=')
		days, err := strconv.Atoi(g[i+1:])
		if i <= 0 || err != nil || days < 0 {
			return nil, usageError("--keep %s: write PATTERN=DAYS, such as 'windows/*=365'", g)
		}
		out = append(out, store.Keep{Category: g[:i], Days: days})
	}
	return out, nil
}

func (a *app) storeVerify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify DIR",
		Short: "Read all that a store has, and say what is damaged",
		Long:  "verify reads the whole store. It exits with 4 when something is damaged.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(args[0], true, func(s *store.Store) error {
				bad, err := s.Verify(cmd.Context())
				if err != nil {
					return err
				}
				st := s.Stats()
				n := st.Messages + st.Sealed
				fmt.Fprintf(a.stdout, "%s %s, %d %s damaged\n", number(n), plural(n, "message", "messages"), len(bad), plural(int64(len(bad)), "place", "places"))
				if len(bad) > 0 {
					return &exit{code: exitInput}
				}
				return nil
			})
		},
	}
}

func (a *app) storeBackup() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "backup DIR TO | backup --server URL TO",
		Short: "Write what a store has into a new folder, which is a store itself",
		Long: `backup writes a copy that gyoji can open, or restore. Segments never change, so they
are linked where both folders are on one file system, and take no room there.

The folder of a running server is backed up with --server, which needs a key of the
role admin: the server goes on, and what it had acknowledged before is in the copy.`,
		Example: `  gyoji store backup /var/lib/gyoji /backup/gyoji-2026-03-10
  gyoji store backup --server /var/lib/gyoji /backup/gyoji-2026-03-10`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case r.server == "" && len(args) == 2, r.server != "" && len(args) == 1:
				return nil
			case r.server != "":
				return usageError("backup --server wants one folder, the one to write: gyoji store backup --server %s TO", r.server)
			}
			return usageError("backup wants the store and the folder to write: gyoji store backup DIR TO; of a running server: gyoji store backup --server DIR TO")
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if r.server != "" {
				return a.backupServer(cmd.Context(), &r, args[0])
			}
			return a.withStore(args[0], true, func(s *store.Store) error {
				if err := s.Backup(cmd.Context(), args[1]); err != nil {
					return &exit{exitInput, err}
				}
				return nil
			})
		},
	}
	r.flags(cmd)
	cmd.Flags().Lookup("server").Usage = "back up a running server: its address, or its data folder on this machine, which holds the key"
	return cmd
}

// backupServer has a running server send a backup.
func (a *app) backupServer(ctx context.Context, r *remote, to string) error {
	if err := r.open(); err != nil {
		return err
	}
	resp, err := r.send(ctx, http.MethodPost, server.BackupPath, nil)
	if err != nil {
		return a.remoteError(r, nil, err)
	}
	defer resp.Body.Close()
	if err := store.Unpack(ctx, resp.Body, to); err != nil {
		return &exit{exitInput, err}
	}
	return nil
}

func (a *app) storeRestore() *cobra.Command {
	return &cobra.Command{
		Use:   "restore FROM DIR",
		Short: "Make a store of a backup, in a new folder",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			told := func(text string) { fmt.Fprintf(a.stderr, "gyoji: %s\n", text) }
			if err := store.Restore(cmd.Context(), args[0], args[1], store.Options{Told: told}); err != nil {
				return &exit{exitInput, err}
			}
			return nil
		},
	}
}
