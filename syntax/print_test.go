package syntax_test

import (
	"testing"

	"github.com/gyoji-dev/gyoji/syntax/syntaxtest"
)

func TestPrintingPublishedQueriesKeepsThem(t *testing.T) {
	bad := 0
	for _, q := range syntaxtest.Corpus(t) {
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
