package detection

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// ListsDir is a folder of lists that packages share: NAME.txt holds one value a line, with
// # before a remark. It stands in the package or beside it. `pkg build` writes a list into
// queries and rules wherever a line says // list: NAME (# list: NAME in YAML), up to the
// line // list: end, so that a package runs without the folder.
const ListsDir = "lists"

// listBlock is a block of a query or rule: indent, mark, name, what is written before
// each value, and the lines that are there now.
var listBlock = match.Lazy(`(?m)^([ \t]*)(//|#) list: ([a-z0-9-]+)( before (\S+))?\n(?s:.*?)^[ \t]*(//|#) list: end$`)

// listed is a text with the shared lists written into it. A list that is not there leaves
// its block as it is.
func (p *Package) listed(text string) (string, error) {
	var wrong error
	out := listBlock().ReplaceAllStringFunc(text, func(block string) string {
		m := listBlock().FindStringSubmatch(block)
		indent, mark, name, before := m[1], m[2], m[3], m[5]
		values, err := p.list(name)
		if err != nil {
			wrong = err
		}
		if values == nil {
			return block
		}
		var b strings.Builder
		b.WriteString(block[:strings.IndexByte(block, '\n')+1])
		if mark == "#" {
			for _, v := range values {
				fmt.Fprintf(&b, "%s- '%s'\n", indent, before+v)
			}
		} else {
			line := indent
			for i, v := range values {
				item := `"` + v + `"`
				if i < len(values)-1 {
					item += ", "
				}
				if len(line)+len(item) > 110 && line != indent {
					b.WriteString(strings.TrimRight(line, " ") + "\n")
					line = indent
				}
				line += item
			}
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
		b.WriteString(indent + mark + " list: end")
		return b.String()
	})
	return out, wrong
}

// list reads a shared list; nil when there is no such folder.
func (p *Package) list(name string) ([]string, error) {
	if p.lists == nil {
		return nil, nil
	}
	text, err := fs.ReadFile(p.lists, name+".txt")
	if err != nil {
		return nil, fmt.Errorf("%s: there is no list %s: %w", p.File, name, err)
	}
	var out []string
	seen := map[string]bool{}
	for _, l := range strings.Split(string(text), "\n") {
		l, _, _ = strings.Cut(l, "#")
		for _, v := range strings.Fields(l) {
			if !seen[v] {
				seen[v] = true
				out = append(out, v)
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: the list %s is empty", p.File, name)
	}
	return out, nil
}

// findLists looks for the shared lists of a package in dir of a file system.
func findLists(fsys fs.FS, dir string) fs.FS {
	for _, at := range []string{path.Join(dir, ListsDir), path.Join(path.Dir(dir), ListsDir)} {
		if st, err := fs.Stat(fsys, at); err == nil && st.IsDir() {
			if sub, err := fs.Sub(fsys, at); err == nil {
				return sub
			}
		}
	}
	return nil
}
