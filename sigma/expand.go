package sigma

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

// Placeholders are the values that %name% of the expand modifier stands for,
// each written as in a rule, wildcards included.
type Placeholders map[string][]string

// Expand replaces the placeholders of searches in place. Names without values
// are errors in the list.
func Expand(f *diag.File, searches []*Search, values Placeholders) diag.List {
	var diags diag.List
	for _, s := range searches {
		WalkTests(s.Item, func(t *Test) {
			if !t.Has("expand") {
				return
			}
			for i, v := range t.Values {
				out, err := expand(v, values)
				if err != nil {
					diags.Add(&diag.Diagnostic{
						Severity: diag.Error, Code: "placeholder", File: f, Span: t.Given[min(i, len(t.Given)-1)].Span,
						Message: err.Error(), Help: "give its values in a file of placeholders",
					})
					continue
				}
				t.Values[i] = out
			}
		})
	}
	return diags
}

// WalkTests calls visit for every test of an item.
func WalkTests(i Item, visit func(*Test)) {
	switch i := i.(type) {
	case *Test:
		visit(i)
	case *Group:
		for _, j := range i.Items {
			WalkTests(j, visit)
		}
	}
}

func expand(v Value, values Placeholders) (Value, error) {
	switch v := v.(type) {
	case String:
		names := placeholders(v)
		if len(names) == 0 {
			return v, nil
		}
		parsed := map[string][]String{}
		for _, name := range names {
			list, ok := values[name]
			if !ok || len(list) == 0 {
				return nil, fmt.Errorf("the placeholder %%%s%% has no values", name)
			}
			for _, text := range list {
				parsed[name] = append(parsed[name], ParseString(text))
			}
		}
		all, ok := v.replace(parsed)
		if !ok {
			return nil, fmt.Errorf("the placeholders stand for more than %d values", expandMax)
		}
		out := make(AnyOf, len(all))
		for i, s := range all {
			out[i] = s
		}
		return out, nil
	case Regexp:
		return expandRegexp(v, values)
	case AnyOf:
		out := make(AnyOf, len(v))
		for i, a := range v {
			b, err := expand(a, values)
			if err != nil {
				return nil, err
			}
			out[i] = b
		}
		return out, nil
	}
	return v, nil
}

func placeholders(s String) (names []string) {
	for _, p := range s.Parts {
		if p.Kind == Placeholder && !slices.Contains(names, p.Text) {
			names = append(names, p.Text)
		}
	}
	return names
}

// expandRegexp puts alternatives for the placeholders of a pattern.
func expandRegexp(r Regexp, values Placeholders) (Value, error) {
	var b strings.Builder
	for _, p := range plain(r.Pattern).withPlaceholders().Parts {
		if p.Kind != Placeholder {
			b.WriteString(p.Text)
			continue
		}
		list, ok := values[p.Text]
		if !ok || len(list) == 0 {
			return nil, fmt.Errorf("the placeholder %%%s%% has no values", p.Text)
		}
		quoted := make([]string, len(list))
		for i, text := range list {
			quoted[i] = regexp.QuoteMeta(text)
		}
		b.WriteString("(?:" + strings.Join(quoted, "|") + ")")
	}
	r.Pattern = b.String()
	return r, nil
}
