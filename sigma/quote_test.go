package sigma

import (
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Every character comes back from YAML as it was written, alone and beside others.
func TestQuoteIsReadBack(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if r > 0x3000 && r < 0xd000 || r > 0x2ffff && r < 0xe0000 || r > 0xe1000 || !utf8.ValidRune(r) {
			continue // one script is as good as another
		}
		want := `'\` + string(r) + ` x: #"`
		var got string
		if err := yaml.Unmarshal([]byte(Quote(want)), &got); err != nil || got != want {
			t.Fatalf("%U: %q became %q: %v", r, want, got, err)
		}
	}
}
