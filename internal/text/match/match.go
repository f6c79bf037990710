// Package match finds text in text: wildcards, regular expressions, many
// literals at once, and what an event must hold to match at all.
//
// Everything here is safe for several goroutines once compiled.
package match
