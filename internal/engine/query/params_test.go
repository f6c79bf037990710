package query_test

import (
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

// TestFillAll puts * in the place of parameters where it can stand and where it
// cannot. What has to come out is what leaves the rest of the query as it was: a
// condition less among those beside it, an element less in a list.
func TestFillAll(t *testing.T) {
	for _, c := range []struct{ in, out, meaning string }{
		{`_sourceCategory={{s}} {{t}} | where a matches "{{x}}"`, `_sourceCategory=* * | where a matches "*"`, ""},
		{`* | count({{x}}) by a`, `* | count(*) by a`, ""},
		{`* | where {{x}}`, `* | where true`, "condition"},
		{`* | where a = {{x}} and b = 1`, `* | where true and b = 1`, "condition"},
		{`* | where a = 1 or b > {{x}}`, `* | where a = 1 or false`, "condition"},
		{`* | where a > {{x}} or b > {{y}}`, `* | where true`, "condition"},
		{`* | where !(a > {{x}}) and c = 1`, `* | where true and c = 1`, "condition"},
		{`* | where if("{{x}}" = "*", true, a > {{x}})`, `* | where if("*" = "*", true, true)`, "condition"},
		{`* | where if("{{x}}" = "*", true, a {{x}})`, `* | where true`, "stage"},
		{`* | timeslice {{x}} | count by _timeslice`, `* | timeslice  | count by _timeslice`, "it is left out"},
		{`* | count by {{x}}`, `* | count `, "it is left out"},
		{`* | count by {{x}}, a`, `* | count by  a`, "it is left out"},
		{`* | count by a, {{x}} | limit 3`, `* | count by a | limit 3`, "it is left out"},
		{"* | count by a\n{{x}} // more", "* | count by a\n // more", "it is left out"},
		{`* | sum({{x}}) as s`, `* | sum(%"*") as s`, "no event has"},
		{`* | a * {{x}} as y`, `* | a * %"*" as y`, "no event has"},
		{`* | fields - {{x}}_error`, `* | fields - %"*_error"`, "no event has"},
		{`* | parse {{x}} as y`, `* | where true`, "stage"},
		{`* | {{x}} | {{y}}`, `* | where true | where true`, "stage"},
		{`* | compare with timeshift {{x}}`, `* | where true`, "stage"},
		{`* | where [subquery: foo | where b = {{x}} | count by c | compose c]`, `* | where [subquery: foo | where true | count by c | compose c]`, "condition"},
	} {
		f, diags := query.FillAll(diag.Text("q", c.in), query.Standard(), "*")
		if f.Text != c.out {
			t.Errorf("%s\nis   %s\nwant %s", c.in, f.Text, c.out)
		}
		if bare := strings.Count(c.in, "{{") - strings.Count(c.in, `"{{`); c.meaning != "" && len(diags) != bare {
			t.Errorf("%s: %d warnings of %d parameters", c.in, len(diags), bare)
		}
		for _, d := range diags {
			if c.meaning == "" || !strings.Contains(d.Message, c.meaning) {
				t.Errorf("%s: %s", c.in, d.Message)
			}
		}
	}
}
