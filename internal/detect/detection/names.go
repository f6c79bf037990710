package detection

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// What names in a package may be. They are a subset of what every file system holds: a
// package is packed on one system and unpacked on another, and what is written is what was
// checked. Sources: POSIX.1-2017, 3.282 portable filename character set; Microsoft, Naming
// files, paths and namespaces.
const (
	nameDepthMax   = 8   // elements of a path
	nameBytesMax   = 180 // of a path: Windows has 260 with the folder and the drive
	nameElementMax = 100 // of one element
	// namePlus are the characters besides letters and digits of ASCII. A path in
	// another script has several spellings (normal forms), so one name could be two.
	namePlus = "._-+@=,() "
)

// reservedNames are devices on Windows, with any ending and in any letter case.
var reservedNames = map[string]bool{"con": true, "prn": true, "aux": true, "nul": true, "clock$": true}

func init() {
	for _, device := range []string{"com", "lpt"} {
		for n := range 10 {
			reservedNames[fmt.Sprint(device, n)] = true
		}
	}
}

// CheckName reports why a package may not hold a file of a name.
func CheckName(name string) error {
	bad := func(why string, args ...any) error {
		return fmt.Errorf("%q is no name for a file of a package: %s", name, fmt.Sprintf(why, args...))
	}
	switch elements := strings.Split(name, "/"); {
	case name == "." || !fs.ValidPath(name):
		return bad("it is no path below the package")
	case len(name) > nameBytesMax:
		return bad("it is longer than %d bytes", nameBytesMax)
	case len(elements) > nameDepthMax:
		return bad("it is more than %d folders deep", nameDepthMax-1)
	default:
		for _, e := range elements {
			base, _, _ := strings.Cut(strings.ToLower(e), ".")
			switch {
			case len(e) > nameElementMax:
				return bad("a part is longer than %d bytes", nameElementMax)
			case e[0] == '.':
				return bad("it begins with a dot, as the settings of other programs do")
			case e[0] == '-' || e[0] == ' ':
				return bad("a part begins with %q", e[:1])
			case strings.HasSuffix(e, ".") || strings.HasSuffix(e, " "):
				return bad("a part ends in a dot or blank, which Windows drops")
			case reservedNames[strings.TrimRight(base, " ")]:
				return bad("Windows keeps %s for a device", strings.ToUpper(base))
			}
			for _, c := range e {
				if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(namePlus, c) {
					return bad("%q is not a letter or digit of ASCII or one of %s", c, namePlus)
				}
			}
		}
	}
	return nil
}

// Names are those of a package's files as they are met.
type Names struct {
	spelled map[string]string // of files and folders, by the name in lower case
	file    map[string]bool
}

// Add takes one more file, and reports why the package may not hold it beside the others.
func (n *Names) Add(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if n.spelled == nil {
		n.spelled, n.file = map[string]string{}, map[string]bool{}
	}
	for p := name; p != "."; p = path.Dir(p) {
		low := strings.ToLower(p)
		old, met := n.spelled[low]
		switch {
		case met && old != p:
			return fmt.Errorf("the package holds %q and %q, which are one name on some systems", old, p)
		case met && p == name && n.file[p]:
			return fmt.Errorf("the package holds %q twice", name)
		case met && (p == name || n.file[p]):
			return fmt.Errorf("%q is both a file and a folder", p)
		}
		n.spelled[low] = p
	}
	n.file[name] = true
	return nil
}

// checkNames checks all names of a package.
func checkNames(files map[string][]byte) error {
	var n Names
	for _, name := range sortedKeys(files) {
		if err := n.Add(name); err != nil {
			return err
		}
	}
	for name := range files {
		if n.file[name+newSuffix] {
			return fmt.Errorf("%q is where an update would put the new %q", name+newSuffix, name)
		}
	}
	return nil
}
