package query

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// evtxFilterQueries need literals of fields of events.
var evtxFilterQueries = []string{
	`* | json auto | where Image matches "*cmd.exe" | fields EventRecordID, Image`,
	`* | toLowerCase(ParentImage) as p | where p matches "*msedge.exe" or p matches "*explorer.exe" | fields EventRecordID, p`,
	`* | where Image matches "*powershell.exe" | fields EventRecordID, Image`, // NewProcessName of 4688
	`* | where User matches "*IEWIN7*" | fields EventRecordID, User`,
	`* | where Provider = "Microsoft-Windows-Security-Auditing" | count by EventID`,
	`* | where Channel = "Microsoft-Windows-Sysmon/Operational" | count by EventID`,
	`* | where Data matches "*e*" | fields EventRecordID, Data`,
	`* | where contains(CommandLine, "http") | fields EventRecordID, CommandLine`,
	`* | where Keywords = "0x8000000000000000" | count by EventID`,
	`mimikatz | count by Channel`,
}

// TestEVTXFilterTwin holds the search for literals in the bytes of records
// against reading every event.
func TestEVTXFilterTwin(t *testing.T) {
	const root = "../../../../shared/data/evtx"
	if _, err := os.Stat(root); err != nil {
		t.Skip("the recorded logs are not beside this checkout: ../shared/data is not there")
	}
	paths := []string{filepath.Join(root, "edge-cases"), filepath.Join(root, "derived"), filepath.Join(root, "deepbluecli")}
	run := func(q *Query) (rows []string) {
		o := input.Options{Warnings: &exec.Warnings{}}
		src, err := input.Paths(paths, o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := q.Collect(context.Background(), Run{Input: input.NewReader(src, format.All(), o), Workers: 2, Warnings: o.Warnings})
		if err != nil {
			t.Fatal(err)
		}
		for _, vals := range got.Values {
			row := ""
			for _, v := range vals {
				row += v.String() + "\t"
			}
			rows = append(rows, row)
		}
		slices.Sort(rows)
		return rows
	}
	for _, text := range evtxFilterQueries {
		q, diags := Compile(diag.Text("query", text), Standard())
		if err := diags.Err(); err != nil {
			t.Fatal(err)
		}
		plain := *q
		plain.need = nil
		got, want := run(q), run(&plain)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d rows with the filter, %d without", text, len(got), len(want))
		}
		if len(want) == 0 {
			t.Errorf("%s: no rows prove nothing", text)
		}
	}
}
