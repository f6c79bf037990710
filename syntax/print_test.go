package syntax_test

import (
	"testing"

	"github.com/gyoji-dev/gyoji/syntax/syntaxtest"
)

func TestPrintingPublishedQueriesKeepsThem(t *testing.T) {
	bad, each := 0, 2 // many queries of one app differ in little
	if testing.Short() {
		each = 8
	}
	for i, q := range syntaxtest.Corpus(t) {
		if i%each != 0 {
			continue
		}
		if wrong := settled(q.Text()); wrong != "" {
			if bad++; bad <= 10 {
				t.Errorf("%s: %s", q.ID, wrong)
			}
		}
	}
	if bad > 0 {
		t.Errorf("%d queries", bad)
	}
}
