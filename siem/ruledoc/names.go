package ruledoc

import (
	"strings"
	"unicode"
)

// Format is how a document is written (12).
type Format uint8

const (
	API       Format = iota // {"fields":{...}}, camel case
	Flat                    // the same without fields around it
	Export                  // {"rules":[...]}, snake case: the catalogue, and Sumo Logic's Sigma converter
	Terraform               // HCL
	YAML                    // gyoji's own: snake case, kind says what it is
)

// snake is a key in snake case: nameExpression is name_expression.
func snake(key string) string {
	var b strings.Builder
	for i, r := range key {
		if unicode.IsUpper(r) {
			if i > 0 {
				b.WriteByte('_')
			}
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// camel is a key in camel case.
func camel(key string) string {
	first, rest, _ := strings.Cut(key, "_")
	if first == "" {
		return key
	}
	var b strings.Builder
	b.WriteString(first)
	for rest != "" {
		var w string
		w, rest, _ = strings.Cut(rest, "_")
		if w == "" {
			return key
		}
		b.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	return b.String()
}

// renamed are the keys of Terraform that are called otherwise everywhere else, by
// the kind of document: Terraform's name, ours.
var renamed = map[string][][2]string{
	"rule": {{"severity", "score"}, {"severity_mapping", "score_mapping"}, {"window_size_millis", "window_size_milliseconds"}, {"group_by_entity", "group_by_asset"}},
}

// ours is a key of a format as this package has it: in snake case, by the names of
// the exports.
func ours(key, what string, from Format) string {
	switch from {
	case API, Flat:
		return snake(key)
	case Terraform:
		for _, r := range renamed[what] {
			if r[0] == key {
				return r[1]
			}
		}
	}
	return key
}

// theirs is the other way round.
func theirs(key, what string, to Format) string {
	switch to {
	case API, Flat:
		return camel(key)
	case Terraform:
		for _, r := range renamed[what] {
			if r[1] == key {
				return r[0]
			}
		}
	}
	return key
}

// rename changes the keys of an object and of all objects in it.
func rename(v Value, as func(string) string) Value {
	switch v.Kind {
	case List:
		items := make([]Value, len(v.Items))
		for i := range v.Items {
			items[i] = rename(v.Items[i], as)
		}
		v.Items = items
	case Object:
		members := make([]Member, len(v.Members))
		for i, m := range v.Members {
			m.Key, m.Value = as(m.Key), rename(m.Value, as)
			members[i] = m
		}
		v.Members = members
	}
	return v
}
