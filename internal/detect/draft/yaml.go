package draft

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/sigma"
)

// YAML writes the rule as Sigma, with what each test was worth as comments. Equal
// rules are equal texts: the id is made of the tests.
func (r *Rule) YAML() string {
	var tests strings.Builder
	if ids := r.Source.EventIDs; len(ids) > 0 {
		fmt.Fprintf(&tests, "        EventID: [%s]\n", strings.Join(ids, ", "))
	}
	// One field may have several words, which are then a list that must all hold.
	for i := 0; i < len(r.Tests); {
		t := r.Tests[i]
		n := i + 1
		for n < len(r.Tests) && r.Tests[n].Field == t.Field && r.Tests[n].Modifier == t.Modifier {
			n++
		}
		key := t.Field
		if t.Modifier != "" {
			key += "|" + t.Modifier
		}
		same := r.Tests[i:n]
		i = n
		if len(same) > 1 {
			fmt.Fprintf(&tests, "        %s|all:\n", key)
			for _, t := range same {
				fmt.Fprintf(&tests, "            - %s  # %s\n", quote(t.Values[0]), r.worth(t))
			}
			continue
		}
		if len(t.Values) == 1 {
			fmt.Fprintf(&tests, "        %s: %s  # %s\n", key, quote(t.Values[0]), r.worth(t))
			continue
		}
		fmt.Fprintf(&tests, "        %s:  # %s\n", key, r.worth(t))
		for _, v := range t.Values {
			fmt.Fprintf(&tests, "            - %s\n", quote(v))
		}
	}
	if len(r.Also) > 0 {
		tests.WriteString("        # All examples meet these as well:\n")
	}
	for _, t := range r.Also {
		key := t.Field
		if t.Modifier != "" {
			key += "|" + t.Modifier
		}
		var values []string
		for _, v := range t.Values {
			values = append(values, quote(v))
		}
		fmt.Fprintf(&tests, "        # %s: [%s]  # %d of %d baseline events\n", key, strings.Join(values, ", "), t.Baseline, r.Baseline)
	}
	source := "    category: " + r.Source.Category + "\n"
	if r.Source.Service != "" {
		source = "    service: " + r.Source.Service + "\n"
	}
	sum := sha256.Sum256([]byte(source + tests.String()))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // a UUID of version 8, RFC 9562
	return fmt.Sprintf(`# Drafted from examples: matches %d of %d of them, and %d of %d events of the
# baseline's log source (%d more of the baseline are of others). Read it before use.
title: %s
id: %x-%x-%x-%x-%x
status: experimental
description: Drafted from example events. Say here what they are and why they matter.
logsource:
%s    product: windows
detection:
    selection:
%s    condition: selection
falsepositives:
    - Unknown
level: medium
`, r.Examples, r.Examples, r.Matched, r.Baseline, r.Outside, r.title(), sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16], source, tests.String())
}

func (r *Rule) worth(t *Test) string {
	return fmt.Sprintf("%d of %d examples, %d of %d baseline events", r.Examples, r.Examples, t.Baseline, r.Baseline)
}

// title names the first test.
func (r *Rule) title() string {
	name := strings.NewReplacer("_", " ", "-", " ").Replace(r.Source.Category + r.Source.Service)
	words := strings.Fields(name)
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return "Draft Of A Rule For " + strings.Join(words, " ")
}

// quote writes text as Sigma and YAML have it.
func quote(text string) string {
	return sigma.String{Parts: []sigma.Part{{Kind: sigma.Literal, Text: text}}}.YAML()
}
