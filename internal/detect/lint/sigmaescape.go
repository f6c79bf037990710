package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Check{
	ID: "sigma-escape", Severity: diag.Warning,
	What: "A backslash of a path right before a star, which takes the star's meaning away.",
	Why: "In `C:\\Users\\*\\Temp` the backslash escapes the star: the rule looks for a folder called `*`, which Windows does not allow. " +
		"A backslash and any text is `\\\\*`: `C:\\Users\\\\*\\Temp`.",
	Bad:  []string{sigmaExample("endswith: '\\certutil.exe'", "startswith: 'C:\\Users\\*\\AppData\\'"), sigmaExample("endswith: '\\certutil.exe'", "endswith: '\\Temp\\*'")},
	Good: []string{sigmaExample("endswith: '\\certutil.exe'", "startswith: 'C:\\Users\\\\*\\AppData\\'"), sigmaExample("contains: 'urlcache'", "contains: 'dir \\*.tmp'")},
	Sigma: func(s *Sigma, report Report) {
		s.Tests(func(t *sigma.Test) {
			if t.Has("re") || !sigmaPathFields[strings.ToLower(t.Field)] {
				return
			}
			for _, g := range t.Given {
				form, found := unescapeStars(g.Text)
				if !found {
					continue
				}
				d := report(g.Span, `\* is a plain star here, which no path has`, fmt.Sprintf("write %s", form))
				d.Fix = s.rewrite("write "+form, g.Span, g.Text, form, false)
			}
		})
	},
})

// sigmaPathFields hold paths, in which there are no stars.
var sigmaPathFields = map[string]bool{
	"image": true, "parentimage": true, "sourceimage": true, "targetimage": true, "imageloaded": true, "newprocessname": true, "parentprocessname": true,
	"targetfilename": true, "currentdirectory": true, "targetobject": true, "pipename": true, "relativetargetname": true, "servicefilename": true,
}

// unescapeStars doubles the backslash before each star that it escapes.
func unescapeStars(text string) (string, bool) {
	var b strings.Builder
	found := false
	for i := 0; i < len(text); i++ {
		b.WriteByte(text[i])
		if text[i] != '\\' || i+1 == len(text) {
			continue
		}
		switch text[i+1] {
		case '*':
			b.WriteByte('\\')
			found = true
		case '\\', '?':
			i++
			b.WriteByte(text[i])
		}
	}
	return b.String(), found
}
