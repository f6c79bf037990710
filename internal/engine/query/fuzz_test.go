package query_test

import (
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax/syntaxtest"
)

// FuzzCompile compiles any text, as it is and with parameters that need no value.
// Whatever comes of it, it comes back: with a query, or with errors that say why
// there is none.
func FuzzCompile(f *testing.F) {
	for _, text := range []string{
		"*", "|{{", "* | {{", "{{a}} | {{b}} {{c}} | count by {{d}}", "a=b [subquery: x | count by y | compose y] | where z > 1",
		"* | count by a | compare timeshift 1h", "* | parse regex \"(?<x>a)\" multi, regex \"(?<y>b)\"", "* | join (a | count by x) as t1, (b) as t2 on t1.x = t2.x",
		"* | timeslice 5m | count by _timeslice | outlier _count window=5,threshold=3 | transpose row _timeslice column x", "!//h://", "* | if(a, b, c) as d | a ? b : c as e",
		"* | transaction on a with \"*x*\" as b results by flow | logreduce by a limit=5", "cat path://\"/x\" | lookup a from path://\"/y\" on b=c", "* | json auto | kv auto | sessionize \"a*\" as b, \"$b c\"",
	} {
		f.Add(text)
	}
	for i, q := range syntaxtest.Corpus(f) { // published queries, cut at some byte
		if text := q.Query; i%50 == 0 && len(text) > 1 {
			f.Add(text[:1+i*7919%(len(text)-1)])
			f.Add(text[i*104729%len(text):])
		}
	}
	v := query.Standard()
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			return
		}
		for _, with := range [][]query.Option{nil, {query.Unfilled}} {
			q, diags := query.Compile(diag.Text("query", text), v, with...)
			if (q == nil) != diags.HasErrors() {
				t.Errorf("a query %v, and %v", q != nil, diags)
			}
		}
	})
}
