package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/incident"
)

//go:embed incident.html
var incidentPage string

var storyPage = sync.OnceValue(func() *template.Template {
	funcs := maps.Clone(pageFuncs)
	funcs["at"] = func(ms int64) string { return incident.Clock(ms, 0) }
	funcs["after"] = incident.Clock
	funcs["span"] = spanText
	funcs["many"] = many
	funcs["step"] = func(c *incident.Chain, s *incident.Step) stepOf { return stepOf{c, s} }
	funcs["short"] = func(h string) string { first, _, _ := strings.Cut(h, "."); return first }
	funcs["process"] = processName
	return template.Must(template.New("incident").Funcs(funcs).Parse(incidentPage))
})

// stepOf is a step with the chain whose day its times are beside.
type stepOf struct {
	Chain *incident.Chain
	*incident.Step
}

// Worst is the severity of the worst finding of the step, "" for none.
func (s stepOf) Worst() string {
	if len(s.Findings) == 0 {
		return ""
	}
	return s.Findings[0].Severity.String()
}

// Found are the step's findings, those of one detection and severity together.
func (s stepOf) Found() (out []repeated) {
	for _, f := range s.Findings {
		i := slices.IndexFunc(out, func(r repeated) bool {
			return r.Detection == f.Detection && r.Severity == f.Severity && r.Kind == f.Kind
		})
		if i < 0 {
			i, out = len(out), append(out, repeated{Finding: f})
		}
		out[i].All = append(out[i].All, f)
	}
	return out
}

// repeated is a finding with those of the same detection and severity.
type repeated struct {
	*Finding
	All []*Finding
}

// processName is the name of a process, and its number where no name is known.
func processName(s *incident.Step) string { return cmp.Or(s.Name(), "process "+s.PID, "process") }

// many is a count with its noun.
func many(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + more
}

// spanText is a length of time in words, in its two largest units.
func spanText(d time.Duration) string {
	units := []struct {
		one time.Duration
		of  string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}}
	for i, u := range units {
		n := int(d / u.one)
		if n == 0 {
			continue
		}
		s := many(n, u.of, u.of+"s")
		if i+1 < len(units) {
			if rest := int(d % u.one / units[i+1].one); rest > 0 {
				s += " " + many(rest, units[i+1].of, units[i+1].of+"s")
			}
		}
		return s
	}
	return fmt.Sprintf("%d milliseconds", d.Milliseconds())
}

// incident writes the findings as a story on one page, which is whole without any script.
func (r *Report) incident(w io.Writer) error {
	if r.Story == nil {
		r.Story = incident.Tell(r.Findings, nil)
	}
	return storyPage().Execute(w, r)
}

// Grave is how many chains of a story are of medium or more.
func (r *Report) Grave() (n int) {
	for _, c := range r.Story.Chains {
		if c.Worst >= detection.Medium {
			n += 1 + len(c.Alike)
		}
	}
	return n
}
