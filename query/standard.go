package query

import (
	"sync"

	"github.com/gyoji-dev/gyoji/agg"
	"github.com/gyoji-dev/gyoji/fn"
	"github.com/gyoji-dev/gyoji/lang"
	"github.com/gyoji-dev/gyoji/op"
)

// Standard is the vocabulary of the language as gyoji ships it.
var Standard = sync.OnceValue(func() *lang.Vocabulary {
	v, err := lang.NewVocabulary(op.Words(), fn.Words(), agg.Words())
	if err != nil {
		panic("bug: " + err.Error())
	}
	return v
})
