package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Check{
	ID: "sigma-wildcard", Severity: diag.Note,
	What: "A star that a modifier puts there anyway, or that a modifier says better.",
	Why:  "`contains` puts a star on both sides, `startswith` after and `endswith` before: a further one changes nothing and hides what is meant. `Image: '*\\cmd.exe'` is `Image|endswith: '\\cmd.exe'`.",
	Bad: []string{
		sigmaExample("contains: 'urlcache'", "contains: '*urlcache*'"),
		sigmaExample("endswith: '\\certutil.exe'", "endswith: '*\\certutil.exe'"),
		sigmaExample("Image|endswith: '\\certutil.exe'", "Image: '*\\certutil.exe'"),
	},
	Good: []string{sigmaExample("contains: 'urlcache'", "contains: 'url*cache'"), sigmaExample("Image|endswith: '\\certutil.exe'", "Image: '*\\cert*util.exe'")},
	Sigma: func(s *Sigma, report Report) {
		s.Tests(func(t *sigma.Test) {
			before, behind := t.Has("contains") || t.Has("endswith"), t.Has("contains") || t.Has("startswith")
			if t.Has("re") || t.Keyword() {
				return
			}
			if !before && !behind {
				for _, m := range t.Modifiers {
					if m.Name != "all" && m.Name != "cased" {
						return
					}
				}
				s.sayable(t, report)
				return
			}
			for _, g := range t.Given {
				bare := g.Text
				if before {
					bare = strings.TrimLeft(bare, "*")
				}
				if behind && strings.HasSuffix(bare, "*") {
					if cut := strings.TrimRight(bare, "*"); !strings.HasSuffix(cut, `\`) { // \* is a star
						bare = cut
					} else if strings.HasSuffix(cut, `\\`) && !strings.HasSuffix(cut, `\\\`) {
						bare = cut[:len(cut)-1] // \\* is a backslash and any text
					}
				}
				if bare == g.Text || bare == "" {
					continue
				}
				d := report(g.Span, fmt.Sprintf("the modifier puts the star of %s there anyway", g.Text), "write "+bare)
				d.Fix = s.rewrite("write "+bare, g.Span, g.Text, bare, true)
			}
		})
	},
})

// sayable finds tests without a modifier all of whose values have stars at the
// same ends and nowhere else.
func (s *Sigma) sayable(t *sigma.Test, report Report) {
	form := ""
	fix := &diag.Fix{Safe: true}
	for _, g := range t.Given {
		v, ok := g.Value.(sigma.String)
		if !ok || len(v.Parts) < 2 {
			return
		}
		n := len(v.Parts)
		before, behind := v.Parts[0].Kind == sigma.AnyRun, v.Parts[n-1].Kind == sigma.AnyRun
		inner := v.Parts
		if before {
			inner = inner[1:]
		}
		if behind {
			inner = inner[:len(inner)-1]
		}
		if len(inner) != 1 || inner[0].Kind != sigma.Literal {
			return
		}
		this := map[[2]bool]string{{true, true}: "contains", {true, false}: "endswith", {false, true}: "startswith"}[[2]bool{before, behind}]
		if this == "" || form != "" && this != form {
			return
		}
		form = this
		bare := sigma.String{Parts: inner}.String()
		if one := s.rewrite("", g.Span, g.Text, bare, true); one != nil && fix != nil {
			fix.Edits = append(fix.Edits, one.Edits...)
		} else {
			fix = nil
		}
	}
	if form == "" {
		return
	}
	d := report(t.FieldSpan, fmt.Sprintf("%s|%s says the same without stars", t.Field, form), "write "+t.Field+"|"+form)
	if fix != nil && s.File.Slice(t.FieldSpan) == t.Field {
		fix.Title = "write " + t.Field + "|" + form
		fix.Edits = append([]diag.Edit{{Span: t.FieldSpan, New: t.Field + "|" + form}}, fix.Edits...)
		d.Fix = fix
	}
}
