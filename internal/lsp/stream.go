package lsp

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

// stream is the base protocol: a header that says how long a message is, and the
// message. Source: Language Server Protocol 3.17, "Base Protocol". Unlike
// jsonrpc2.VSCodeObjectCodec it has bounds, and a message that is no JSON is answered
// and does not end the conversation.
type stream struct {
	r     *bufio.Reader
	close func() error

	mu sync.Mutex
	w  *bufio.Writer
}

const (
	headerMax  = 8 << 10  // bytes of a message's header
	messageMax = 64 << 20 // bytes of a message: a document of 4 MiB, escaped, has room
)

var errTooLong = errors.New("lsp: a message is longer than 64 MiB")

func newStream(in io.Reader, out io.Writer, close func() error) *stream {
	return &stream{r: bufio.NewReader(in), w: bufio.NewWriter(out), close: close}
}

func (s *stream) Close() error { return s.close() }

// WriteObject writes a message.
func (s *stream) WriteObject(obj any) error {
	b, err := json.Marshal(obj)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.w, "Content-Length: %d\r\n\r\n", len(b))
	s.w.Write(b)
	return s.w.Flush()
}

// ReadObject reads the next message.
func (s *stream) ReadObject(v any) error {
	for {
		n, err := s.header()
		if err != nil {
			return err
		}
		body := make([]byte, 0, min(n, 1<<20)) // a header may say more than there is
		body, err = readAll(body, io.LimitReader(s.r, int64(n)))
		if err != nil {
			return err
		}
		if len(body) < n {
			return io.ErrUnexpectedEOF
		}
		if err := json.Unmarshal(body, v); err != nil {
			why := "the message is no request, notification or response"
			code := -32600
			if !json.Valid(body) {
				why, code = "the message is no JSON", -32700
			}
			if err := s.WriteObject(map[string]any{"jsonrpc": "2.0", "id": nil, "error": map[string]any{"code": code, "message": why}}); err != nil {
				return err
			}
			continue
		}
		return nil
	}
}

func readAll(b []byte, r io.Reader) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

// header reads a header and returns the length that it says.
func (s *stream) header() (int, error) {
	length, size := -1, 0
	for {
		line, err := s.r.ReadSlice('\n')
		if size += len(line); err == bufio.ErrBufferFull || size > headerMax {
			return 0, errors.New("lsp: a header is longer than 8 KiB")
		}
		if err != nil {
			if err == io.EOF && size > 0 {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			if length < 0 {
				if size <= 2 {
					size = 0 // an empty line between messages
					continue
				}
				return 0, errors.New("lsp: a header has no Content-Length")
			}
			return length, nil
		}
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			return 0, fmt.Errorf("lsp: %q is no header", text)
		}
		if strings.EqualFold(strings.TrimSpace(name), "Content-Length") {
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil || n < 0 {
				return 0, fmt.Errorf("lsp: %q is no length", value)
			}
			if n > messageMax {
				return 0, errTooLong
			}
			length = n
		}
	}
}
