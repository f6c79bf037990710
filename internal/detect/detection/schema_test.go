package detection_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
)

var update = flag.Bool("update", false, "write docs/schema anew")

func TestPublishedSchemasAreCurrent(t *testing.T) {
	for name, want := range detection.Schemas() {
		path := filepath.Join("..", "..", "..", "docs", "schema", name+".json")
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is stale; go test ./detection -run Schemas -update", path)
		}
	}
}
