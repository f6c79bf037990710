package fn

import (
	"errors"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "now", Usage: "now()",
		Summary:  "The current time in ms since 1970.",
		Text:     "It is the time at which the query started, the same for every row.",
		Differs:  "Sumo Logic computes it for each row.",
		Examples: lang.Calls(`now() > 1600000000000`, `true`),
	},
	Alias: true,
	Call:  ofRun(func(env *expr.Env) int64 { return env.Now }),
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "queryStartTime", Usage: "queryStartTime()",
		Summary:  "The start of the query's time range in ms since 1970.",
		Text:     "An alias is required.",
		Examples: lang.Calls(`queryStartTime() <= queryEndTime()`, `true`),
	},
	Alias: true,
	Call:  ofRun(func(env *expr.Env) int64 { return env.From }),
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "queryEndTime", Usage: "queryEndTime()",
		Summary:  "The end of the query's time range in ms since 1970.",
		Text:     "The range ends before this time. An alias is required.",
		Examples: lang.Calls(`queryEndTime() >= queryStartTime()`, `true`),
	},
	Alias: true,
	Call:  ofRun(func(env *expr.Env) int64 { return env.To }),
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "queryTimeRange", Usage: "queryTimeRange()",
		Summary:  "The length of the query's time range in ms.",
		Text:     "An alias is required.",
		Examples: lang.Calls(`queryTimeRange() = queryEndTime() - queryStartTime()`, `true`),
	},
	Alias: true,
	Call:  ofRun(func(env *expr.Env) int64 { return env.To - env.From }),
})

// ofRun makes a function of what an expression knows besides the row.
func ofRun(fn func(*expr.Env) int64) call {
	return func(env *expr.Env, _ []event.Value) (event.Value, error) {
		if env == nil {
			return event.Value{}, errors.New("the time of the query is not known here")
		}
		return event.Int(fn(env)), nil
	}
}
