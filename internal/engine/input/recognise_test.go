package input

import (
	"strings"
	"testing"
)

// TestFormatRefusedForTheName: a reason that is not true of the text is none.
func TestFormatRefusedForTheName(t *testing.T) {
	r := &Reader{formats: []*Format{
		{Name: "json", Extensions: []string{".json"}, Misfit: "has no object", Sniff: func(head []byte) int {
			if head[0] == '{' {
				return 90
			}
			return 0
		}},
		{Name: "text", Extensions: []string{".log"}, Misfit: "is no text", Sniff: func(head []byte) int {
			if head[0] == 0 {
				return 0
			}
			return Unsure
		}},
	}}
	for _, c := range []struct{ head, name, want string }{
		{"[[[[", "a.json", "json: has no object\n  text: would do, were it not that .json says otherwise"},
		{"\x00", "a.json", "json: has no object\n  text: is no text"},
	} {
		if f := r.recognise([]byte(c.head), c.name); f != nil {
			t.Fatalf("%q in %s is taken for %s", c.head, c.name, f.Name)
		}
		if err := r.unknown([]byte(c.head), c.name); !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%q in %s: %v", c.head, c.name, err)
		}
	}
}
