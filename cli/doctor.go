package cli

import (
	"fmt"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/mapping"
)

var _ = command((*app).doctorCmd)

func (a *app) doctorCmd() *cobra.Command {
	var in inputs
	cmd := &cobra.Command{
		GroupID: groupLogs,
		Use:     "doctor PATH...",
		Short:   "Say which fields of detections these logs have, and under which names",
		Long: `doctor compares the fields that the built-in detections read with those that
the events have. gyoji finds a field under the names that shippers give it; json
auto in Sumo Logic does not, and doctor says what to write there.`,
		Example: `  gyoji doctor logs/`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("doctor wants the logs to look at: gyoji doctor FOLDER")
			}
			pkgs, err := a.packages(nil)
			if err != nil {
				return err
			}
			readers, err := fieldsRead(pkgs)
			if err != nil {
				return err
			}
			in.noMap = true
			s, err := a.open(&in, args)
			if err != nil {
				return err
			}
			c, err := s.census(cmd.Context(), nil)
			a.diagnoseFields(c, readers)
			s.rows = int64(len(readers))
			return firstOf(err, s.finish(plural(s.rows, "field of detections", "fields of detections")))
		},
	}
	in.flags(cmd)
	return cmd
}

// diagnoseFields prints where each field that a detection reads is.
func (a *app) diagnoseFields(c *census, readers map[string][]string) {
	names := make([]string, 0, len(readers))
	for n := range readers {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		own := c.find(n)
		if own != "" {
			fmt.Fprintf(a.stdout, "%s: in %s events\n", n, number(c.fields[own].n))
			continue
		}
		at, same := c.elsewhere(n)
		if at == "" {
			fmt.Fprintf(a.stdout, "%s: in no event, nor under another name\n", n)
			continue
		}
		if !same {
			fmt.Fprintf(a.stdout, "%s: gyoji makes it of %s and the like, in %s events; Sumo Logic does not\n", n, at, number(c.fields[at].n))
			continue
		}
		fmt.Fprintf(a.stdout, "%s: json auto gives %s here, in %s events; gyoji reads it as %s, in Sumo Logic write: | %%\"%s\" as %s\n", n, at, number(c.fields[at].n), n, at, n)
	}
}

// find is a field's spelling in the events; "" when they do not have it.
func (c *census) find(name string) string {
	if c.fields[name] != nil {
		return name
	}
	for n := range c.fields {
		if strings.EqualFold(n, name) {
			return n
		}
	}
	return ""
}

// elsewhere is the name under which events have a field that they do not have
// under its own, "" for none, and whether its text is the same there.
func (c *census) elsewhere(name string) (at string, same bool) {
	for _, r := range mapping.Roots {
		if at := c.find(r + "." + name); at != "" {
			return at, true
		}
	}
	for _, s := range mapping.Sources(name) {
		for _, from := range s.From {
			if at := c.find(from); at != "" {
				return at, s.Form == mapping.Same
			}
			for _, e := range append(mapping.Envelopes(), mapping.Roots...) {
				if at := c.find(e + "." + from); at != "" {
					return at, s.Form == mapping.Same
				}
			}
		}
	}
	return "", false
}
