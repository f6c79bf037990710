// Package format holds the input formats, one file each.
package format

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

var all []*input.Format

// register adds a format to All, from a variable declaration beside it.
func register(f input.Format) *input.Format {
	all = append(all, &f)
	return &f
}

// All lists the formats that are recognised by content.
func All() []*input.Format { return all }

// Names lists the formats as --input-format takes them.
func Names() []string {
	var out []string
	for _, f := range all {
		out = append(out, f.Name)
	}
	return out
}

// Named finds a format by its name, ignoring case; nil if there is none.
func Named(name string) *input.Format {
	for _, f := range all {
		if strings.EqualFold(f.Name, name) {
			return f
		}
	}
	return nil
}
