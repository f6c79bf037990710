package cli

import (
	"io"
	"os"
	"slices"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/content"
)

// readAs reads a file, or standard input for "-", that a command takes when it is
// of one of some kinds. Any other is refused by name, with what to do with it.
func (a *app) readAs(name, command string, takes ...content.Kind) (*diag.File, content.Kind, error) {
	text, err := a.readText(name)
	if err != nil {
		return nil, 0, err
	}
	k, err := asked(name, text, command, takes...)
	return diag.Text(name, text), k, err
}

// asked tells what a text is, and refuses what a command does not take.
func asked(name, text, command string, takes ...content.Kind) (content.Kind, error) {
	k := content.Of(name, text)
	if slices.Contains(takes, k) {
		return k, nil
	}
	if name == "-" {
		name = "standard input"
	}
	return k, usageError("%s is %s, and %s does not take that: %s", name, k, command, k.Use())
}

// headOf is the start of a file, enough to tell what it is; "" when it cannot be read.
func headOf(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // it is only read
	b, err := io.ReadAll(io.LimitReader(f, headMax))
	if err != nil {
		return ""
	}
	return string(b)
}

// headMax is how much of a file is read to tell what it is.
const headMax = 4 << 20
