package syntax_test

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
	"github.com/gyoji-dev/gyoji/syntax/syntaxtest"
)

func TestPublishedQueriesParse(t *testing.T) {
	g := query.Standard()
	reasons := map[string][]string{}
	good, all := 0, 0
	for _, q := range syntaxtest.Corpus(t) {
		if q.Rewritten {
			continue
		}
		all++
		_, l := syntax.Parse(diag.Text(q.ID, q.Text()), g)
		if !l.HasErrors() {
			good++
			continue
		}
		for _, d := range l {
			if d.Severity == diag.Error {
				line := d.File.Line(d.File.Place(d.Span.Start).Line)
				reasons[d.Code] = append(reasons[d.Code], fmt.Sprintf("%s: %s\n      %s", d.Error(), d.Help, strings.TrimSpace(line)))
				break
			}
		}
	}
	var codes []string
	for c := range reasons {
		codes = append(codes, c)
	}
	sort.Strings(codes)
	for _, c := range codes {
		t.Logf("%s: %d\n    %s", c, len(reasons[c]), strings.Join(reasons[c], "\n    "))
	}
	t.Logf("%d of %d", good, all)
	if float64(good) < 0.98*float64(all) {
		t.Errorf("only %d of %d published queries parse", good, all)
	}
}
