package match

import (
	"regexp"
	"sync"
)

// Lazy is a regular expression of the program's own, compiled when it is first asked for:
// a program that is started a thousand times a day uses few of all that it knows. A
// pattern that does not compile is a bug, and a panic then; a test compiles them all.
func Lazy(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
