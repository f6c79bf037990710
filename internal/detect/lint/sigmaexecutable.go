package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Check{
	ID: "sigma-executable", Severity: diag.Warning,
	What: "endswith with the name of a program and no backslash before it, or a bare name where the field holds a path.",
	Why: "`Image|endswith: 'cmd.exe'` matches `notcmd.exe` as well, and who names a program so escapes a filter. " +
		"`Image: 'cmd.exe'` never holds: the field holds the whole path.",
	Bad: []string{
		sigmaExample("endswith: '\\certutil.exe'", "endswith: 'certutil.exe'"),
		sigmaExample("Image|endswith: '\\certutil.exe'", "Image: certutil.exe"),
	},
	Good: []string{sigmaText, sigmaExample("Image|endswith: '\\certutil.exe'", "OriginalFileName: 'CertUtil.exe'")},
	Sigma: func(s *Sigma, report Report) {
		s.Tests(func(t *sigma.Test) {
			if !imageFields[strings.ToLower(t.Field)] || len(t.Modifiers) > 1 || len(t.Modifiers) == 1 && t.Modifiers[0].Name != "endswith" {
				return
			}
			for _, g := range t.Given {
				if !programName().MatchString(g.Text) || systemImages[strings.ToLower(g.Text)] {
					continue
				}
				if t.Has("endswith") {
					d := report(g.Span, fmt.Sprintf("%s matches not%s as well", g.Text, g.Text), `write \`+g.Text)
					d.Fix = s.rewrite(`write \`+g.Text, g.Span, g.Text, `\`+g.Text, false)
				} else {
					report(g.Span, fmt.Sprintf("%s holds a whole path, so it is never %s", t.Field, g.Text), `write `+t.Field+`|endswith: '\`+g.Text+`'`)
				}
			}
		})
	},
})

var (
	programName = match.Lazy(`(?i)^[a-z0-9][\w.-]*\.(exe|dll|com|scr|sys)$`)
	// imageFields hold the path of a program.
	imageFields = map[string]bool{"image": true, "parentimage": true, "sourceimage": true, "targetimage": true, "imageloaded": true, "newprocessname": true, "parentprocessname": true}
	// systemImages are processes that Windows names without a path.
	systemImages = map[string]bool{"system.exe": true, "memcompression.exe": true, "registry.exe": true}
)
