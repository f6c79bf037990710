//go:build !amd64 || purego

package jsondoc

const hasText = false

func escapeText(_, _ *byte, _ int) (read, wrote int) {
	panic("bug: escapeText called where there is none")
}
func unescapeText(_, _ *byte, _ int) (read, wrote int) {
	panic("bug: unescapeText called where there is none")
}
