package lint

import "github.com/gyoji-dev/gyoji/diag"

var _ = register(Check{
	ID: "siem-attribute", Severity: diag.Warning, siem: true,
	What:  "An attribute that records do not have, or that has another letter case.",
	Why:   "The schema has 588 attributes. A name in another letter case is null in the product, which does not report it: five of its own rules have one. Raw keys of the message are read as `fields['NAME']`.",
	Bad:   []string{`commandline LIKE '%a%'`, `user_usernam = 'a'`, `array_contains(fieldsTags['user_username'], 'a')`},
	Good:  []string{`commandLine LIKE '%a%'`, `fields['commandline'] LIKE '%a%'`},
	Codes: []string{"unknown-attribute", "attribute-letter-case"},
})

var _ = register(Check{
	ID: "siem-bare-word", Severity: diag.Warning, siem: true,
	What:  "A word without quotes in a list, where text is meant.",
	Why:   "It is read as an attribute, which no record has, and equals nothing. One of the product's own rules can never fire for it.",
	Bad:   []string{`lower(http_method) IN (post, patch, put)`},
	Good:  []string{`lower(http_method) IN ('post', 'patch', 'put')`, `srcDevice_ip IN (dstDevice_ip)`},
	Codes: []string{"bare-word"},
})
