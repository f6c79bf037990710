package query

import (
	"sync"

	"github.com/gyoji-dev/gyoji/internal/engine/agg"
	"github.com/gyoji-dev/gyoji/internal/engine/fn"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/op"
)

// Standard is the vocabulary of the language as gyoji ships it.
var Standard = sync.OnceValue(func() *lang.Vocabulary {
	v, err := lang.NewVocabulary(op.Words(), fn.Words(), agg.Words())
	if err != nil {
		panic("bug: " + err.Error())
	}
	return v
})
