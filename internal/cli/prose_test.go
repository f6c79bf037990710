package cli

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// What a log says stays text: neither as an entity nor behind a backslash does it become
// something that a terminal obeys. No line but a query's is wider than the terminal.
func TestProseIsTextAndFits(t *testing.T) {
	text := "# A heading of some words that is long enough\n\n| field | value |\n|---|---|\n| CommandLine | a &#27;[31m \\&#27;[2J \\| b https\\://x/" + strings.Repeat("abcdefghij", 12) + " |\n\n- one **two** three four five six seven eight nine ten eleven\n\n<pre>\n&lt;x&gt; &#155;\n</pre>\n| a | b | c |\n|---|---|---|\n| 1 | | 3 |\n"
	for _, width := range []int{40, 60, 80, 200} {
		var b strings.Builder
		prose(&b, text, width, false)
		if strings.ContainsAny(b.String(), "\x1b\u009b") {
			t.Errorf("%q", b.String())
		}
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("width %d: %d: %s", width, n, line)
			}
		}
		for _, want := range []string{"https://x/", "<x>", "two", "a ␛"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("width %d: no %q in\n%s", width, want, b.String())
			}
		}
	}
}
