package lint

import "github.com/gyoji-dev/gyoji/diag"

// The checks below are made while a query is read and analysed; they stand here
// for their documentation and for suppressions.

var _ = register(Check{
	ID: "nonportable", Severity: diag.Warning,
	What: "A form of another query language, or of nobody's, that gyoji reads and Sumo Logic does not.",
	Why: "The query runs here and fails in the service. Each finding says the portable form, and the fix writes it: " +
		"`eval x = e` is `e as x`, `stats` goes, `dcount` is `count_distinct`, `=~` is `matches /.../`, `is null` is `isNull(...)`, single quotes are double ones.",
	Codes: []string{"nonportable-*", "single-quotes", "typographic-quotes", "regex-flags", "hyphen-in-name", "by-missing", "compare-with-null", "sort-key-missing"},
	Bad:   []string{"_sourceCategory=a\n| eval b = toLowerCase(c)", "_sourceCategory=a | where x = 'y'", "_sourceCategory=a | where x =~ \"y\""},
	Good:  []string{"_sourceCategory=a\n| toLowerCase(c) as b", "_sourceCategory=a | where x = \"y\""},
})

var _ = register(Check{
	ID: "unknown-word", Severity: diag.Error,
	What:  "A word that is no operator, function or group function, often a misspelt one.",
	Why:   "The query does not run. The finding names the nearest known word, or what the word of another language is called here.",
	Codes: []string{"unknown-operator", "unknown-function", "expected-aggregate"},
	Bad:   []string{"_sourceCategory=a | wher x = 1", "_sourceCategory=a | toLowrCase(x) as y"},
	Good:  []string{"_sourceCategory=a | where x = 1"},
})
