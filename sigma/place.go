package sigma

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/diag"
)

func place(f *diag.File, s diag.Span) string {
	if f == nil {
		return ""
	}
	return fmt.Sprintf("%s:%d", f.Name, f.Place(s.Start).Line)
}
