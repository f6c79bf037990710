package docs

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/lint"
)

// checks is the page of all checks of gyoji lint.
func checks() []byte {
	var b strings.Builder
	b.WriteString(`# Checks

` + "`gyoji lint FILE...`" + ` looks for what runs in a query or a rule and is
probably not meant. The checks of Sigma rules start with ` + "`sigma-`" + `, those of Cloud SIEM
rules with ` + "`siem-`" + `. It exits with 2 when there is an error, with ` + "`--strict`" + ` also when there is a warning;
notes never fail it. ` + "`--fix`" + ` makes the fixes that keep the meaning,
` + "`--unsafe-fixes`" + ` every fix; neither takes a comment away. ` + "`-f`" + ` chooses text, json,
sarif or github.

A comment takes findings back. After something it is for its line, on a line of
its own before a stage for that stage, and inside a stage for the next line:

` + "```" + `
| where image matches "*cmd.exe" // lint:ignore unanchored-executable bare names, too
// lint:ignore late-filter the lookup is small
| where user = "root"
// lint:ignore-file leading-wildcard, missing-scope
` + "```" + `

In YAML the comment starts with ` + "`#`" + `, and before a key or a list item it is for all of that.

This page is written by a test, from the checks themselves.

| check | severity | finds |
|---|---|---|
`)
	for _, c := range lint.Checks() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", c.ID, c.ID, c.Severity, c.What)
	}
	for _, c := range lint.Checks() {
		fmt.Fprintf(&b, "\n## %s\n\n%s %s\n", c.ID, c.What, c.Why)
		if len(c.Codes) > 0 {
			b.WriteString("\nFindings carry one of the codes")
			for i, code := range c.Codes {
				if i > 0 {
					b.WriteByte(',')
				}
				fmt.Fprintf(&b, " `%s`", code)
			}
			b.WriteString(".\n")
		}
		for i, list := range [][]string{c.Bad, c.Good} {
			if len(list) == 0 {
				continue
			}
			b.WriteString([]string{"\nFound in:\n", "\nNot found in:\n"}[i])
			for _, text := range list {
				block := ""
				switch {
				case c.Sigma != nil:
					block = "yaml"
				case c.SIEMRule != nil:
					block = "json"
				}
				fmt.Fprintf(&b, "\n```%s\n%s\n```\n", block, strings.TrimRight(text, "\n"))
			}
		}
	}
	return []byte(b.String())
}
