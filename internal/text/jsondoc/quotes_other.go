//go:build !amd64 || purego

package jsondoc

const hasMarks = false

func markQuotes(*byte, int, *uint64) { panic("bug: markQuotes called where there is none") }
