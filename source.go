package gyoji

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync/atomic"

	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Source is where the events of a run come from: [Files], a [Reader], [Events] or a
// [Channel].
type Source interface {
	open(*settings) (r *input.Reader, again func() (input.Feeder, error), w *exec.Warnings, err error)
	// locate tells the lines and record numbers of byte offsets, by the parts of the source.
	locate(context.Context, *settings, map[int][]int64) hunt.Located
}

// Files are log files: paths, folders with all that is below them, globs. The format of
// each is recognised by its content; compressed files and archives are read, too.
func Files(paths ...string) Source { return files{paths: append([]string{}, paths...)} }

// Reader is a log that is read to its end, in any format that [Files] are. It can be read
// once: for a query with subqueries or compare use Files.
func Reader(r io.Reader) Source {
	if r == nil {
		return files{}
	}
	return files{[]string{"-"}, r, new(atomic.Bool)}
}

var errNoSource = errors.New("there is no source of events: it is nil")

type files struct {
	paths []string
	stdin io.Reader
	read  *atomic.Bool // whether stdin was; nil for files
}

func (f files) open(o *settings) (*input.Reader, func() (input.Feeder, error), *exec.Warnings, error) {
	switch w := errors.New("standard input is no file: use Reader(os.Stdin)"); {
	case o.err != nil:
		return nil, nil, nil, o.err
	case f.paths == nil:
		return nil, nil, nil, errNoSource
	case f.stdin == nil && slices.Contains(f.paths, "-"):
		return nil, nil, nil, w
	case f.stdin != nil && f.read.Swap(true):
		return nil, nil, nil, errors.New("the Reader was read before: it can be read once")
	}
	w := &exec.Warnings{}
	open := func() (*input.Reader, error) {
		opt := input.Options{Stdin: f.stdin, Warnings: w, TempDir: o.temp}
		src, err := input.Paths(f.paths, opt)
		if err != nil {
			return nil, err
		}
		return input.NewReader(src, format.All(), opt), nil
	}
	r, err := open()
	again := func() (input.Feeder, error) { return open() }
	if f.stdin != nil {
		again = nil
	}
	return r, again, w, err
}

func (f files) locate(ctx context.Context, o *settings, offsets map[int][]int64) hunt.Located {
	if f.stdin != nil || len(offsets) == 0 {
		return nil
	}
	src, err := input.Paths(f.paths, input.Options{Warnings: &exec.Warnings{}, TempDir: o.temp})
	if err != nil {
		return nil
	}
	return input.Locate(ctx, src, offsets)
}

// values are Go values that come one after the other.
type values interface {
	values(context.Context) iter.Seq2[any, error]
}

// Events are Go values: maps or structs. Each is read as its JSON. A []byte or a
// json.RawMessage is JSON already; a string that is no JSON object is a line of text.
func Events[T any](events iter.Seq[T]) Source { return sequence[T]{events} }

type sequence[T any] struct{ events iter.Seq[T] }

func (s sequence[T]) values(ctx context.Context) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		if s.events == nil {
			yield(nil, errNoSource)
			return
		}
		for v := range s.events {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

// Channel is like [Events], of values that come on a channel until it is closed.
func Channel[T any](events <-chan T) Source { return channel[T]{events} }

type channel[T any] struct{ events <-chan T }

func (c channel[T]) values(ctx context.Context) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for {
			select {
			case v, ok := <-c.events:
				if !ok || !yield(v, nil) {
					return
				}
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			}
		}
	}
}

var errValues = errors.New("bug: gyoji: a source of values is opened as one of files")

func (sequence[T]) open(*settings) (*input.Reader, func() (input.Feeder, error), *exec.Warnings, error) {
	return nil, nil, nil, errValues
}

func (channel[T]) open(*settings) (*input.Reader, func() (input.Feeder, error), *exec.Warnings, error) {
	return nil, nil, nil, errValues
}

func (sequence[T]) locate(context.Context, *settings, map[int][]int64) hunt.Located { return nil }
func (channel[T]) locate(context.Context, *settings, map[int][]int64) hunt.Located  { return nil }

// encoder makes lines of JSON of events that are pushed.
type encoder struct {
	piece input.Piece
	lines bytes.Buffer
	json  *json.Encoder
	off   int64
}

// encode gives events as a piece of a log, nil for none. It is good until the next. The
// events are placed from a position on that no event before them has.
func (e *encoder) encode(events []any, from uint64) (*input.Piece, error) {
	if e.json == nil {
		e.piece.Format, e.piece.Part = format.Named("jsonl"), &input.Part{Name: ""}
		e.json = json.NewEncoder(&e.lines)
		e.json.SetEscapeHTML(false)
	}
	e.lines.Reset()
	for _, v := range events {
		if err := e.add(v); err != nil {
			return nil, err
		}
	}
	if e.lines.Len() == 0 {
		return nil, nil
	}
	start := max(e.off, event.Offset(from))
	e.piece.Data, e.piece.Offset = e.lines.Bytes(), start
	e.off = start + int64(e.lines.Len())
	return &e.piece, nil
}

func (e *encoder) add(v any) error {
	var text []byte
	switch v := v.(type) {
	case []byte:
		text = v
	case json.RawMessage:
		text = v
	case string:
		if text = []byte(v); !isObject(text) {
			return e.json.Encode(map[string]string{"_raw": v})
		}
	default:
		start := e.lines.Len()
		if err := e.json.Encode(v); err != nil {
			e.lines.Truncate(start)
			return fmt.Errorf("an event of type %T: %w", v, err)
		}
		if e.lines.Bytes()[start] != '{' {
			e.lines.Truncate(start)
			return fmt.Errorf("an event of type %T is no object of JSON: an event is a map or a struct", v)
		}
		return nil
	}
	if !isObject(text) {
		return fmt.Errorf("an event of bytes is no object of JSON: %.60q", text)
	}
	if err := json.Compact(&e.lines, text); err != nil { // a line end would end the event
		return err
	}
	return e.lines.WriteByte('\n')
}

func isObject(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return len(text) > 0 && text[0] == '{' && json.Valid(text)
}
