package clients

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestOTLPExporter is OpenTelemetry's Go SDK with its OTLP/HTTP exporter; it is a module of its
// own, so that gyoji does not depend on it.
func TestOTLPExporter(t *testing.T) {
	if testing.Short() {
		t.Skip("OpenTelemetry's SDK is built")
	}
	program := filepath.Join(t.TempDir(), "otlp")
	ctx, done := context.WithTimeout(t.Context(), 4*time.Minute)
	defer done()
	tool := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = filepath.Join("testdata", "otlp")
		return cmd.CombinedOutput()
	}
	if out, err := tool("mod", "download"); err != nil {
		t.Skipf("OpenTelemetry's SDK cannot be had: %v\n%s", err, out)
	}
	if out, err := tool("build", "-o", program, "."); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := serve(t, nil)
	// The exporter takes the address as it is; the SDK adds nothing to it.
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(cmd.Environ(), "SOURCE_URL="+s.given.SourceURL)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.same(s.await("_sourceCategory=otel/go", 2), []string{"_raw", "service.name", "_sourcehost", "_messagetime", "severity_text"},
		"plain text|svc|box|1767323045678|INFO",
		`{"log":"with attributes","n":7,"user":"ann","severity_text":"INFO"}|svc|box|1767323045678|INFO`)
}
