package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/report"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

var _ = command((*app).coverageCmd)

func (a *app) coverageCmd() *cobra.Command {
	var in inputs
	var detections []string
	var form, file string
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "coverage [PATH...]",
		Short:   "Say which techniques the packages cover, and which have data in the logs to fire on",
		Long: `coverage lists the techniques of detection packages. With logs it also looks for
what each package needs: events of the ids it names, with the fields it requires.
A detection whose data is not there cannot fire, however good it is.

-f navigator writes a layer of the ATT&CK Navigator, scored 1 for a technique that
is covered and 2 for one with data to fire on; -f html is a page.`,
		Example: `  gyoji coverage evtx/
  gyoji coverage -f navigator -o layer.json evtx/`,
		RunE: func(cmd *cobra.Command, args []string) (failed error) {
			if named := formOf(file, coverageForms); named != "" && !cmd.Flags().Changed("format") {
				form = named
			}
			pkgs, err := a.packages(detections)
			if err != nil {
				return err
			}
			var reading func() (query.Run, error)
			var s *session
			if len(args) > 0 {
				if s, err = a.open(&in, args); err != nil {
					return err
				}
				reading = s.reading
			}
			out := output{file: file}
			w, done, err := out.open(a, cmd, s)
			if err != nil {
				return err
			}
			defer func() { failed = done(failed) }()
			if form == "text" {
				w = printable.NewWriter(w, printable.People, false)
			}
			covers, err := detection.Coverage(cmd.Context(), pkgs, reading)
			if err != nil {
				return err
			}
			switch form {
			case "text":
				for _, p := range pkgs {
					fmt.Fprintf(w, "%s  %s (%d detections)\n", strings.Join(p.Attack.Techniques, ", "), p.Name, len(p.Detections))
					for _, c := range covers {
						if c.Package == p {
							fmt.Fprintf(w, "  %s\n", coverLine(c, s != nil))
						}
					}
				}
			default:
				c := report.NewCoverage("gyoji "+Version(), covers, s != nil)
				if form == "html" {
					err = c.HTML(w)
				} else {
					err = report.WriteLayer(printable.NewWriter(w, printable.JSON, false), c.Layer())
				}
			}
			if s != nil {
				err = firstOf(err, s.finish(""))
			}
			return err
		},
	}
	in.flags(cmd)
	f := cmd.Flags()
	f.StringArrayVarP(&detections, "detections", "d", nil, "packages (default: those that gyoji ships)")
	formatFlag(f, &form, "text", coverageForms, "text, navigator or html (default: what the name of -o ends in, else text)")
	fileFlag(f, &file, coverageForms)
	return cmd
}

// coverageForms are what -f takes.
var coverageForms = []string{"text", "navigator", "html"}

// coverLine says of one data source what the logs hold of it.
func coverLine(c *detection.Cover, looked bool) string {
	var ids []string
	for _, id := range c.Data.Events {
		t := fmt.Sprint(id)
		if looked {
			t += " × " + number(c.Events[id])
		}
		ids = append(ids, t)
	}
	line := c.Data.Source
	if len(ids) > 0 {
		line += ": events " + strings.Join(ids, ", ")
	}
	if looked && len(ids) == 0 {
		line += ": " + number(c.N) + " " + plural(c.N, "event", "events")
	}
	switch {
	case !looked:
	case c.Fires():
		line += "; has data to fire on"
	case len(c.Missing) > 0:
		line += "; no event has " + strings.Join(c.Missing, ", ")
	case len(ids) == 0:
		line += "; none of these events is here"
	default:
		line += "; some of these events are missing"
	}
	return line
}
