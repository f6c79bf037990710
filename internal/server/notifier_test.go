package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFilesOfChannels: what of a file would not be heeded is an error that names it.
func TestFilesOfChannels(t *testing.T) {
	t.Setenv("GYOJI_TEST_THERE", "secret")
	const one = "- name: a\n  kind: webhook\n  url: https://a.example\n"
	for name, c := range map[string]struct{ text, want string }{
		"good":                          {one + "  headers: {X-Token: $GYOJI_TEST_THERE}\n", ""},
		"a header that nobody has set":  {one + "  headers: {X-Token: $GYOJI_TEST_NOT_THERE}\n", "GYOJI_TEST_NOT_THERE"},
		"a key that nobody has set":     {"- name: a\n  kind: pagerduty\n  key: $GYOJI_TEST_NOT_THERE\n", "GYOJI_TEST_NOT_THERE"},
		"a second document":             {one + "---\n- name: b\n  kind: webhook\n  url: https://b.example\n", "more than one YAML document"},
		"what is broken after the list": {one + "...\n- {\n", "more than one YAML document"},
		"an empty channel":              {one + "- \n", "channel 2"},
		"a key that means nothing":      {one + "  filtr: {level: high}\n", "filtr"},
	} {
		file := filepath.Join(t.TempDir(), "channels.yaml")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := readChannels([]string{file})
		switch {
		case c.want == "" && (err != nil || len(all) != 1 || all[0].Headers["X-Token"] != "secret"):
			t.Errorf("%s: %v, %v", name, all, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want an error that says %q", name, err, c.want)
		}
	}
}
