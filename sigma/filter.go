package sigma

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// filter reads a global filter.
func (p *parser) filter(m Meta, top []pair) Document {
	f := &Filter{Meta: m}
	var ok bool
	if f.LogSource, ok = p.logSource(top); !ok {
		return nil
	}
	n := value(top, "filter")
	if n.Kind != yaml.MappingNode {
		p.fail("bad-filter", n, "filter is a map with rules, search identifiers and a condition")
		return nil
	}
	rules := value(p.pairs(n), "rules")
	switch {
	case rules == nil:
		p.fail("bad-filter", n, "the filter does not say which rules it is for: write their ids or names, or any")
		return nil
	case rules.Kind == yaml.ScalarNode && strings.EqualFold(rules.Value, "any"),
		rules.Kind == yaml.SequenceNode && len(rules.Content) == 0:
		f.Any = true
	default:
		for _, r := range p.list(rules) {
			f.Rules = append(f.Rules, Ref(r))
		}
	}
	searches, conditions, _ := p.detection(n, "filter", "rules")
	f.Searches = searches
	switch len(conditions) {
	case 0:
		return nil
	case 1:
		f.Condition = conditions[0]
	default:
		p.fail("bad-filter", n, "a filter has one condition")
		return nil
	}
	return f
}
