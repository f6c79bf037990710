package input

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
)

// aheadBytes is how far a stream is read ahead to learn the order of day and month
// in its dates. Of files there is no limit.
const aheadBytes = 64 << 20

// dateOrder says whether day or month comes first in the dates of a part, by all
// of it: one date that can be read only one way decides for the others. So the
// answer does not depend on who reads which block. Parts whose head has no dates
// that raise the question, or has the answer, are not looked through.
//
// What can be opened once is read ahead: it is returned as far as it was.
func dateOrder(ctx context.Context, part *Part, head []byte, r *bufio.Reader) (datefmt.Order, []byte, error) {
	var e datefmt.Evidence
	e.Add(head)
	if !e.Asked || e.Decided() {
		return e.Order(), nil, nil
	}
	var from io.Reader = r
	if !part.once {
		f, err := part.Open(ctx)
		if err != nil {
			return 0, nil, err
		}
		defer f.Close()
		if from, err = decompress(f); err != nil {
			return 0, nil, err
		}
	}
	e = datefmt.Evidence{}
	var ahead []byte
	buf := make([]byte, blockBytes)
	for !e.Decided() && len(ahead) < aheadBytes && ctx.Err() == nil {
		n, err := io.ReadFull(from, buf)
		e.Add(buf[:n])
		if part.once {
			ahead = append(ahead, buf[:n]...)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil { // it is met again, and told of, where the part is read
			break
		}
	}
	return e.Order(), ahead, nil
}
