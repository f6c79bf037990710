package tenant

import (
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
)

// Keep leaves the rules that have one of some tags.
func (t *Tenant) Keep(tags []string) {
	t.Rules = slices.DeleteFunc(t.Rules, func(r *Rule) bool { return !slices.ContainsFunc(tags, r.Tagged) })
}

// Tagged says whether the rule has a tag, or one below it: T1059 and attack.t1059 are
// also _mitreAttackTechnique:T1059.001, and a schema's key is any of its values.
func (r *Rule) Tagged(want string) bool {
	want = strings.ToLower(strings.TrimPrefix(strings.ToLower(want), "attack."))
	for _, tactic := range insight.Tactics(r.Tags) { // as Sigma calls them: attack.credential-access
		if strings.EqualFold(strings.ReplaceAll(tactic, " ", "-"), strings.ReplaceAll(want, "_", "-")) {
			return true
		}
	}
	return slices.ContainsFunc(r.Tags, func(tag string) bool {
		tag = strings.ToLower(tag)
		key, value, schema := strings.Cut(tag, ":")
		if tag == want || schema && key == want {
			return true
		}
		if schema {
			value, _, _ = strings.Cut(value, " ") // "TA0002 - Execution"
			return value == want || strings.HasPrefix(value, want+".") || tag == want || strings.HasPrefix(tag, want+".")
		}
		return false
	})
}
