package exec

import "github.com/gyoji-dev/gyoji/internal/text/event"

// Printer makes the bytes of rows, each the same whatever rows come before or
// behind it. It is one goroutine's.
type Printer interface {
	// Start readies the printer for rows of a batch.
	Start(*event.Batch)
	// Append appends a row of that batch as it is printed.
	Append(dst []byte, row uint16) []byte
}

// Printing is a sink that takes rows which a Printer has printed as well: batches
// with no columns, but Printed. A stage that keeps the rows last can then do with
// fewer bytes to take apart and put together again.
type Printing interface {
	Sink
	// Printer opens a printer; nil when only the values of rows will do.
	Printer() Printer
}
