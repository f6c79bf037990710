package detection

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// ListsDir is a folder of what packages share. It stands in the package or beside it.
// NAME.txt is a list: values, with # before a remark. NAME.sumo is a part of a query: whole
// stages, which may hold lists. `pkg build` writes a list into queries and rules wherever a
// line says // list: NAME (# list: NAME in YAML), up to the line // list: end, and a part into
// queries between // part: NAME and // part: end, so that a package runs without the folder. In a
// query // list: NAME as pattern writes one regular expression for the whole value, which is shorter.
const ListsDir = "lists"

// partBlock is a block of a query that is written from a part: indent and name.
var partBlock = match.Lazy(`(?m)^([ \t]*)// part: ([a-z0-9-]+)\n(?s:.*?)^[ \t]*// part: end$`)

// listBlock is a block of a query or rule: indent, mark, name, what is written before
// each value or that all are one pattern, and the lines that are there now.
var listBlock = match.Lazy(`(?m)^([ \t]*)(//|#) list: ([a-z0-9-]+)(?: before (\S+)|( as pattern))?\n(?s:.*?)^[ \t]*(//|#) list: end$`)

// shared is a text with the shared parts and lists written into it. Without the folder its
// blocks stay as they are.
func (p *Package) shared(text string) (string, error) {
	if p.lists == nil {
		return text, nil
	}
	var wrong error
	text = partBlock().ReplaceAllStringFunc(text, func(block string) string {
		m := partBlock().FindStringSubmatch(block)
		part, err := fs.ReadFile(p.lists, m[2]+".sumo")
		if err != nil {
			wrong = fmt.Errorf("%s: there is no part %s: %w", p.File, m[2], err)
			return block
		}
		lines := strings.Split(strings.TrimRight(string(part), "\n"), "\n")
		return m[1] + "// part: " + m[2] + "\n" + m[1] + strings.Join(lines, "\n"+m[1]) + "\n" + m[1] + "// part: end"
	})
	if wrong != nil {
		return "", wrong
	}
	out := listBlock().ReplaceAllStringFunc(text, func(block string) string {
		m := listBlock().FindStringSubmatch(block)
		indent, mark, name, before, pattern := m[1], m[2], m[3], m[4], m[5] != ""
		values, err := p.list(name)
		if err != nil {
			wrong = err
		}
		if err != nil {
			return block
		}
		var b strings.Builder
		b.WriteString(block[:strings.IndexByte(block, '\n')+1])
		if mark == "#" {
			for _, v := range values {
				fmt.Fprintf(&b, "%s- '%s'\n", indent, before+v)
			}
		} else if pattern {
			fmt.Fprintf(&b, "%s/%s/\n", indent, oneOf(values))
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

// oneOf is a regular expression that matches each of values as a whole, and nothing else. The
// ending that most programs have is written once.
func oneOf(values []string) string {
	var programs, others []string
	for _, v := range values {
		v = strings.ReplaceAll(regexp.QuoteMeta(v), "/", `\/`)
		if name, ok := strings.CutSuffix(v, `\.exe`); ok {
			programs = append(programs, name)
		} else {
			others = append(others, v)
		}
	}
	if len(programs) > 0 {
		others = append([]string{"(" + strings.Join(programs, "|") + `)\.exe`}, others...)
	}
	return "^(" + strings.Join(others, "|") + ")$"
}

// list reads a shared list.
func (p *Package) list(name string) ([]string, error) {
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
