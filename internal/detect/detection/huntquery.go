package detection

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

// HuntQuery is a hunting query: a question that somebody asks now and then, and
// no alert. What its head does not say is "".
type HuntQuery struct {
	Query      *diag.File
	Hypothesis string
	LookBack   string // 14d
	LooksGood  string // what of its rows is no reason for concern
	Next       string
}

// huntKeys are the keys of a hunting query's head, which stand behind //.
var huntKeys = []string{"hypothesis", "look-back", "looks good", "next"}

// ReadHunt reads one of the package's hunting queries.
func (p *Package) ReadHunt(file string) (*HuntQuery, error) {
	text, err := fs.ReadFile(p.FS, file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path.Join(p.Dir, file), err)
	}
	h := &HuntQuery{Query: diag.Text(path.Join(p.Dir, file), string(text))}
	for line := range strings.Lines(string(text)) {
		for i, to := range []*string{&h.Hypothesis, &h.LookBack, &h.LooksGood, &h.Next} {
			if said, ok := strings.CutPrefix(line, "// "+huntKeys[i]+":"); ok {
				*to = strings.TrimSpace(said)
			}
		}
	}
	return h, nil
}
