package collect

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// Limits of a body.
const (
	// bodyMax is how many bytes a body has unpacked.
	bodyMax = 64 << 20
	// ratioMax is how many times larger than it came a body may become, beyond
	// ratioFrom bytes: a bomb is found before it has grown.
	ratioMax  = 100
	ratioFrom = 8 << 20
	// bodyTime is how long a body may take to come.
	bodyTime = 30 * time.Second
	// drainMax is how much of a body that is too large is read all the same: most
	// clients look for the answer only after they have sent all.
	drainMax = 4 * bodyMax
	// startBytes is what is taken for a body before it is known how large it is.
	startBytes = 16 << 10
	// keepBytes is how large memory for bodies may be to be kept for the next.
	keepBytes = 4 << 20
)

// memory bounds what bodies take while they are read and stored.
type memory struct {
	mu   sync.Mutex
	free int64
}

func (m *memory) take(n int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.free < n {
		return false
	}
	m.free -= n
	return true
}

func (m *memory) give(n int64) {
	m.mu.Lock()
	m.free += n
	m.mu.Unlock()
}

// body is the unpacked body of a request, and its memory.
type body struct {
	data   []byte
	packed int64 // bytes as it came
	taken  int64
	memory *memory
}

var spare sync.Pool // of *[]byte

// free gives the memory back; data is not to be used any more.
func (b *body) free() {
	if b == nil {
		return
	}
	b.memory.give(b.taken)
	if c := cap(b.data); c >= startBytes && c <= keepBytes {
		data := b.data[:0]
		spare.Put(&data)
	}
	b.data, b.taken = nil, 0
}

// counted counts what is read through it.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// readBody reads the body of a request and unpacks it. On a failure nothing is held.
func (d *Doors) readBody(w http.ResponseWriter, r *http.Request) (*body, *Failure) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(d.bodyTime)) // a test's recorder has none
	b := &body{memory: &d.memory}
	from := &counted{r: r.Body}
	f := b.read(from, r)
	if f == nil {
		_ = control.SetReadDeadline(time.Time{})
		return b, nil
	}
	b.free()
	if f.Status == http.StatusRequestEntityTooLarge && r.Header.Get("Expect") == "" && r.ContentLength <= drainMax {
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, drainMax))
	}
	w.Header().Set("Connection", "close")
	return nil, f
}

func (b *body) read(from *counted, r *http.Request) *Failure {
	packing := strings.ToLower(strings.TrimSpace(strings.Join(r.Header.Values("Content-Encoding"), ",")))
	if packing == "identity" {
		packing = ""
	}
	want := r.ContentLength
	if packing == "" && want > bodyMax {
		return tooLarge()
	}
	var src io.Reader = from
	switch packing {
	case "":
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(bufio.NewReaderSize(from, 4<<10))
		if err != nil {
			return broken(err, packing, from)
		}
		defer z.Close()
		src = z
	case "deflate":
		buffer := bufio.NewReaderSize(from, 4<<10)
		head, err := buffer.Peek(2)
		if len(head) == 2 && head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 { // RFC 1950
			z, err := zlib.NewReader(buffer)
			if err != nil {
				return broken(err, packing, from)
			}
			defer z.Close()
			src = z
		} else if len(head) == 0 {
			return broken(err, packing, from)
		} else {
			z := flate.NewReader(buffer)
			defer z.Close()
			src = z
		}
	case "zstd":
		z, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(32<<20), zstd.WithDecoderMaxMemory(2*bodyMax))
		if err != nil {
			return broken(err, packing, from)
		}
		defer z.Close()
		src = z
	default:
		return &Failure{Status: http.StatusUnsupportedMediaType, Code: "contentencoding.invalid", Message: fmt.Sprintf("the Content-Encoding %q is not known; send gzip, deflate or zstd, or none", clip(packing))}
	}
	size := int64(startBytes)
	if packing == "" && want >= 0 {
		size = min(want+1, 1<<20)
	}
	if f := b.grow(size); f != nil {
		return f
	}
	for {
		if len(b.data) == cap(b.data) {
			next := int64(cap(b.data)) * 2
			if packing == "" && want > int64(cap(b.data)) {
				next = min(next, want+1)
			}
			if f := b.grow(min(next, bodyMax+1)); f != nil {
				return f
			}
		}
		n, err := src.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		b.packed = from.n
		if len(b.data) > bodyMax {
			return tooLarge()
		}
		if packing != "" && len(b.data) > ratioFrom && int64(len(b.data)) > ratioMax*from.n {
			return &Failure{Status: http.StatusRequestEntityTooLarge, Code: "request.too.large", Message: fmt.Sprintf("the body unpacks to more than %d times its size; send it in smaller parts", ratioMax)}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return broken(err, packing, from)
		}
	}
}

// grow makes room for n bytes altogether.
func (b *body) grow(n int64) *Failure {
	n = max(n, int64(len(b.data))+1, startBytes)
	if !b.memory.take(n) {
		return &Failure{Status: http.StatusServiceUnavailable, Code: "service.unavailable", Message: "too many requests are being read at once; try again", After: time.Second}
	}
	var data []byte
	if kept, ok := spare.Get().(*[]byte); ok && int64(cap(*kept)) >= n {
		data = (*kept)[:0]
		extra := int64(cap(data)) - n
		if !b.memory.take(extra) {
			data = data[:0:n]
		} else {
			n += extra
		}
	} else {
		data = make([]byte, 0, n)
	}
	data = append(data, b.data...)
	b.memory.give(b.taken)
	b.data, b.taken = data, n
	return nil
}

func tooLarge() *Failure {
	return &Failure{Status: http.StatusRequestEntityTooLarge, Code: "request.too.large", Message: fmt.Sprintf("the body has more than %d MiB; send it in smaller parts", bodyMax>>20)}
}

// errMessages says that a request holds too many messages.
var errMessages = errors.New("too many messages")

func tooMany() *Failure {
	return &Failure{Status: http.StatusRequestEntityTooLarge, Code: "request.too.large", Message: fmt.Sprintf("the body holds more than %d messages; send it in smaller parts", messagesMax)}
}

// broken says why a body could not be read.
func broken(err error, packing string, from *counted) *Failure {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &Failure{Status: http.StatusRequestTimeout, Code: "request.timeout", Message: fmt.Sprintf("the body was not complete within %v", bodyTime)}
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return tooLarge()
	case packing != "":
		return &Failure{Status: http.StatusBadRequest, Code: "body.invalid", Message: fmt.Sprintf("the body is not the %s that its Content-Encoding says: %v", packing, err)}
	}
	return &Failure{Status: http.StatusBadRequest, Code: "body.invalid", Message: fmt.Sprintf("the body ends early after %d bytes", from.n)}
}

// clip is a text of a request, short enough for a message.
func clip(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:80], "") + "..."
	}
	return s
}
