package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/query"
)

var _ = command((*app).explainCmd)

func (a *app) explainCmd() *cobra.Command {
	var file string
	var noMap bool
	cmd := &cobra.Command{
		GroupID: groupQuery,
		Use:     "explain 'QUERY'",
		Short:   "Show how a query would run",
		Long: `explain prints the plan of a query: its steps in the order they run, the fields
that are read from events, what is searched for in the raw bytes before an event
is decoded, and how field names are found. It exits with 2 when the query does
not compile.`,
		RunE: func(_ *cobra.Command, args []string) error {
			q, rest, err := a.compile(file, args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return usageError("explain reads no logs; leave %s out", rest[0])
			}
			q.Explain(a.stdout)
			fmt.Fprintln(a.stdout, "\nField names")
			fmt.Fprint(a.stdout, query.MappingText(noMap))
			return nil
		},
	}
	cmd.Flags().StringVarP(&file, "query", "q", "", "read the query from a file")
	cmd.Flags().BoolVar(&noMap, "no-map", false, "as for search")
	return cmd
}
