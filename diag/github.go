package diag

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// githubKinds are the commands that GitHub Actions shows findings by.
var githubKinds = [...]string{Error: "error", Warning: "warning", Note: "notice"}

// WriteGitHub prints findings as workflow commands, one a line, which GitHub
// shows at their place in a pull request.
func WriteGitHub(w io.Writer, l List) error {
	b := bufio.NewWriter(w)
	for _, d := range l {
		at := d.File.between(d.Span)
		name := ""
		if d.File != nil {
			name = d.File.Name
		}
		message := d.Message
		if d.Help != "" {
			message += "\n" + d.Help
		}
		fmt.Fprintf(b, "::%s file=%s,line=%d,endLine=%d,col=%d,endColumn=%d,title=%s::%s\n",
			githubKinds[min(d.Severity, Note)], githubProperty(name), at.Line, at.EndLine, at.Col, at.EndCol, githubProperty(d.Code), githubData(message))
	}
	return b.Flush()
}

// githubData and githubProperty escape as the runner undoes it.
func githubData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func githubProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
