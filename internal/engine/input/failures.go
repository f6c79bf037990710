package input

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// failuresMax is how many members of one archive are named that cannot be read: whoever
// makes an archive chooses how many it has.
const failuresMax = 5

// failures are the parts that could not be read.
type failures struct {
	list     []error
	archives map[string]int // failed members, by the name of their archive
	order    []string
	isFile   map[string]bool
}

// add takes one more. Of those of an archive the first are kept and the others counted.
func (f *failures) add(err error) {
	if archive := f.archiveOf(err); archive != "" {
		if f.archives == nil {
			f.archives = map[string]int{}
		}
		n := f.archives[archive] + 1
		f.archives[archive] = n
		if n == failuresMax+1 {
			f.order = append(f.order, archive)
		}
		if n > failuresMax {
			return
		}
	}
	f.list = append(f.list, err)
}

// all is every failure that is named, and how many more each archive has.
func (f *failures) all() []error {
	out := f.list[:len(f.list):len(f.list)]
	for _, archive := range f.order {
		more, members := f.archives[archive]-failuresMax, "members"
		if more == 1 {
			members = "member"
		}
		out = append(out, &PathError{archive, fmt.Errorf("%d more %s cannot be read", more, members)})
	}
	return out
}

// archiveOf is the archive on disk, or - for that on standard input, that a failed part
// is a member of; "" for one that is none.
func (f *failures) archiveOf(err error) string {
	var p *PathError
	if !errors.As(err, &p) {
		return ""
	}
	for i := range len(p.Path) {
		if p.Path[i] != '#' {
			continue
		}
		name := strings.Clone(p.Path[:i])
		is, ok := f.isFile[name]
		if !ok {
			st, err := os.Stat(name)
			is = name == "-" || err == nil && !st.IsDir()
			if f.isFile == nil || len(f.isFile) > failuresMax*1000 {
				f.isFile = map[string]bool{}
			}
			f.isFile[name] = is
		}
		if is {
			return name
		}
	}
	return ""
}
