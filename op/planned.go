package op

import "github.com/gyoji-dev/gyoji/lang"

// The words below parse, print and are documented, and are reported as planned
// where a query uses them. Each moves to a file of its own when it is built.
var (
	_ = planned("logcompare", "logcompare {timeshift <by:duration>|start_time [=] <start:literal>|end_time [=] <end:literal>|baseline <baseline:query>}")
	_ = planned("logexplain", "logexplain <test:expr> [against <control:expr>] on <of:field,...>")
)

// planned registers a word whose behaviour is yet to be built.
func planned(name, usage string, aliases ...string) struct{} {
	return register(lang.Operator{Doc: lang.Doc{
		Name: name, Aliases: aliases, Usage: usage,
		Summary: "Planned, not built yet.", Status: "planned",
	}})
}
