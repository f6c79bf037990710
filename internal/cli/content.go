package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/folder"
	"github.com/gyoji-dev/gyoji/internal/server/sec"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

var _ = command((*app).contentCmd)

func (a *app) contentCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "content",
		GroupID: groupDetect,
		Short:   "Cloud SIEM content of a server: apply a folder, export it, show the difference",
		Long: `content keeps the Cloud SIEM content of a server, its rules, tuning expressions, lists,
custom insights and settings, as files in a folder: the files that gyoji signals, gyoji
insights and gyoji test read. So it can be reviewed, tested and put under version control.

A document of a file is that of the server with the same id, or, where the file gives no
id, with the same kind and name.`,
	}
	cmd.AddCommand(a.contentApplyCmd(false), a.contentApplyCmd(true), a.contentExportCmd())
	return cmd
}

// contentApplyCmd is content apply, or content diff, which changes nothing.
func (a *app) contentApplyCmd(dry bool) *cobra.Command {
	var r remote
	var prune, data bool
	cmd := &cobra.Command{
		Use:   "apply DIR...",
		Short: "Make the server's content like that of files",
		Long: `apply creates what the server does not have and changes what differs. A document that
cannot be used is named with its reason, and does not stop the others; the exit code is 2
then. What the server has beyond the files stays, unless --prune is given.

A change takes effect at one place: logs that are sent after it are judged by the new
content.`,
		Example: `  gyoji content apply rules/ --server gyoji-data
  gyoji content apply rules/ --prune --server https://gyoji.example:9000`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := r.need(); err != nil {
				return err
			}
			asked := sec.Asked{Prune: prune, Dry: dry}
			var err error
			if asked.Files, err = a.contentFiles(args); err != nil {
				return err
			}
			var out struct{ Data []sec.Outcome }
			if err := r.call(cmd.Context(), "POST", sec.ContentPath, asked, &out); err != nil {
				return a.remoteError(&r, nil, err)
			}
			return a.contentOutcomes(out.Data, dry, data)
		},
	}
	if dry {
		cmd.Use, cmd.Short = "diff DIR...", "Show what apply would do"
		cmd.Long = `diff says which documents apply would create and change, in which fields, and with --prune
which it would delete. It changes nothing. The exit code is 1 where there is a difference,
and 2 where a document cannot be used.`
		cmd.Example = `  gyoji content diff rules/ --server gyoji-data`
	}
	r.flags(cmd)
	cmd.Flags().BoolVar(&prune, "prune", false, "delete what no file has")
	cmd.Flags().BoolVar(&data, "json", false, "print NDJSON, an object for each document")
	return cmd
}

// need opens the server, which the command cannot do without.
func (r *remote) need() error {
	if r.server == "" {
		return usageError("--server is missing: the address of a server that gyoji serve runs, or its data folder on this machine")
	}
	return r.open()
}

// leftShown is how many files without documents are named.
const leftShown = 5

// contentFiles reads the files of folders that hold Cloud SIEM documents, and says which YAML and
// JSON files hold none: one of them may be a rule with a mistake in its first line.
func (a *app) contentFiles(args []string) (files []sec.File, err error) {
	var left []string
	defer func() {
		if len(left) == 0 || err != nil {
			return
		}
		more := ""
		if n := len(left) - leftShown; n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		fmt.Fprintf(printable.NewWriter(a.stderr, printable.People, false), "no Cloud SIEM documents are in %s%s\n", strings.Join(left[:min(len(left), leftShown)], ", "), more)
	}()
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, &exit{exitInput, err}
		}
		add := func(path string, named bool) error {
			text, err := os.ReadFile(path)
			if err != nil {
				return &exit{exitInput, err}
			}
			if tenant.IsFile(path, string(text)) {
				files = append(files, sec.File{Name: filepath.ToSlash(path), Text: string(text)})
			} else if named {
				return &exit{exitInput, fmt.Errorf("%s holds no Cloud SIEM documents", path)}
			} else if slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(path))) {
				left = append(left, path)
			}
			return nil
		}
		if !info.IsDir() {
			if err := add(arg, true); err != nil {
				return nil, err
			}
			continue
		}
		err = filepath.WalkDir(arg, folder.Visible(arg, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return &exit{exitInput, err}
			}
			if d.IsDir() || !d.Type().IsRegular() {
				return nil
			}
			return add(path, false)
		}))
		if err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, &exit{exitInput, fmt.Errorf("there are no files with Cloud SIEM documents in %s", strings.Join(args, ", "))}
	}
	return files, nil
}

// contentOutcomes prints what became of each document.
func (a *app) contentOutcomes(all []sec.Outcome, dry, data bool) error {
	counts := map[string]int{}
	kind := printable.People
	if data {
		kind = printable.JSON
	}
	w := printable.NewWriter(a.stdout, kind, false)
	for _, o := range all {
		counts[o.Did]++
		switch {
		case data:
			text, err := json.Marshal(o)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s\n", text)
		case o.Did == "same":
		case o.Did == "refused":
			fmt.Fprintf(w, "refused   %s %s: %s\n", o.File, strings.TrimSpace(o.Kind+" "+o.Name), o.Reason)
		default:
			fmt.Fprintf(w, "%-9s %s %s", o.Did, o.Kind, o.Name)
			if o.ID != "" {
				fmt.Fprintf(w, " (%s)", o.ID)
			}
			if len(o.Fields) > 0 {
				fmt.Fprintf(w, ": %s", strings.Join(o.Fields, ", "))
			}
			fmt.Fprintln(w)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	what := "%d created, %d changed, %d deleted, %d the same, %d refused\n"
	if dry {
		what = "to be done: " + what
	}
	fmt.Fprintf(a.stderr, what, counts["created"], counts["changed"], counts["deleted"], counts["same"], counts["refused"])
	switch {
	case counts["refused"] > 0:
		return &exit{exitDiagnostics, errors.New("some documents cannot be used")}
	case dry && counts["created"]+counts["changed"]+counts["deleted"] > 0:
		return &exit{exitFindings, nil}
	}
	return nil
}

func (a *app) contentExportCmd() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "export DIR",
		Short: "Write the server's content into a folder, a file for each document",
		Long: `export writes a YAML file for each document, KIND/NAME.yaml. Files that are there already
are replaced; others stay.`,
		Example: `  gyoji content export rules/ --server gyoji-data`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := r.need(); err != nil {
				return err
			}
			return a.contentExport(cmd.Context(), &r, args[0])
		},
	}
	r.flags(cmd)
	return cmd
}

func (a *app) contentExport(ctx context.Context, r *remote, dir string) error {
	var out struct{ Data struct{ YAML string } }
	if err := r.call(ctx, "GET", sec.ContentPath, nil, &out); err != nil {
		return a.remoteError(r, nil, err)
	}
	docs, found := ruledoc.Read(diag.Text("content.yaml", out.Data.YAML))
	if err := found.Err(); err != nil {
		return err
	}
	used := map[string]bool{}
	for _, d := range docs {
		text, err := ruledoc.Write([]*ruledoc.Document{d}, ruledoc.YAML)
		if err != nil {
			return err
		}
		name := filepath.Join(d.What, fileNameOf(d.Name()))
		for n, stem := 2, name; used[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%s-%d", stem, n)
		}
		used[strings.ToLower(name)] = true
		path := filepath.Join(dir, name+".yaml")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return &exit{exitInput, err}
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return &exit{exitInput, err}
		}
	}
	_, err := io.WriteString(a.stderr, fmt.Sprintf("%d documents written to %s\n", len(docs), dir))
	return err
}

// fileNameOf makes a file name that is good everywhere of a document's name.
func fileNameOf(name string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			b.WriteRune(c)
		default:
			if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
				b.WriteByte('-')
			}
		}
		if b.Len() >= 60 {
			break
		}
	}
	if text := strings.Trim(b.String(), "-"); text != "" {
		return text
	}
	return "unnamed"
}
