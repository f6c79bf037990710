package fn

import (
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "luhn", Usage: "luhn(<s:expr>)",
		Summary:  "True when the digits of s pass the check of card numbers.",
		Text:     "What is no digit is passed over. Text without digits does not pass.",
		Examples: lang.Calls(`luhn("6666-7777-6666-8888")`, `true`, `luhn("0000000000000131")`, `false`, `luhn("4111 1111 1111 1111")`, `true`),
	},
	Map: func(v event.Value) event.Value { return event.Bool(luhn(v.Str())) },
})

// luhn doubles every second digit from the right and adds up all digits.
func luhn(s string) bool {
	sum, n := 0, 0
	for i := len(s) - 1; i >= 0; i-- {
		if !isDigit(s[i]) {
			continue
		}
		d := int(s[i] - '0')
		if n%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum, n = sum+d, n+1
	}
	return n > 0 && sum%10 == 0
}
