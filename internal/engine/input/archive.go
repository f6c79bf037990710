package input

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strings"
)

const (
	// nestingMax is how deep archives may lie in archives: one in another.
	nestingMax = 2
	// nestedZipBytes is the largest zip inside another archive. Its directory
	// stands at its end, so it is put on disk.
	nestedZipBytes = 256 << 20
	// spooledZipBytes is the largest zip from a pipe, which is put there for the
	// same reason.
	spooledZipBytes = 64 << 30
	// markBytes is how much of the start of an archive tells what it is.
	markBytes = 512
)

// opener opens a file or a member of an archive.
type opener func(context.Context) (io.ReadCloser, error)

// expand yields the part that a file is, or those of its members when it is a
// zip or a tar archive, plain or compressed: a.zip#member, a.tar.gz#b.zip#member.
// The members of a tar are read as they pass by: each has to be read, or left,
// before the next is asked for. stream says that open works only once. temp is
// where what has to be on disk goes.
func expand(ctx context.Context, name string, size int64, open opener, stream bool, depth int, temp string, yield func(*Part, error) bool) bool {
	f, err := open(ctx)
	if err != nil {
		return yield(nil, &PathError{name, err})
	}
	if !stream {
		defer f.Close()
	}
	b := bufio.NewReaderSize(f, markBytes)
	head, _ := b.Peek(markBytes)
	if packing(head) >= 0 {
		b = bufio.NewReaderSize(b, headBytes)
		head, _ = b.Peek(headBytes)
	}
	if stream {
		open = func(context.Context) (io.ReadCloser, error) {
			return struct {
				io.Reader
				io.Closer
			}{b, f}, nil
		}
	}
	kind := archiveKind(head)
	if stream && kind != notArchive {
		defer f.Close()
	}
	switch {
	case kind == notArchive:
		return yield(&Part{Name: name, Size: size, Open: open, once: stream, passing: stream || depth > 0}, nil)
	case depth == nestingMax:
		return yield(nil, &PathError{name, errors.New("an archive in an archive in an archive; unpack the outer one first")})
	case kind == tarArchive:
		return expandTar(ctx, name, b, depth, temp, yield)
	}
	if file, ok := f.(*os.File); ok && !stream {
		return expandZip(ctx, name, file, size, depth, temp, yield)
	}
	limit, over := int64(spooledZipBytes), "a zip from a pipe that is larger than %d MiB; save it to a file and name that"
	if depth > 0 {
		limit, over = nestedZipBytes, "a zip in an archive that is larger than %d MiB; unpack the outer one first"
	}
	file, n, err := spool(b, temp, limit+1)
	if file != nil {
		defer os.Remove(file.Name()) // where it could not be removed while open
		defer file.Close()
	}
	if err == nil && n > limit {
		err = fmt.Errorf(over, limit>>20)
	}
	if err != nil {
		return yield(nil, &PathError{name, err})
	}
	return expandZip(ctx, name, file, n, depth, temp, yield)
}

// spool puts at most max bytes of a stream into a file that is gone once it is
// closed.
func spool(r io.Reader, dir string, max int64) (*os.File, int64, error) {
	f, err := os.CreateTemp(dir, "gyoji-*.zip")
	if err != nil {
		return nil, 0, err
	}
	_ = os.Remove(f.Name()) // Windows does not allow it yet
	n, err := io.Copy(f, io.LimitReader(r, max))
	return f, n, err
}

type archiveForm int

const (
	notArchive archiveForm = iota
	zipArchive
	tarArchive
)

// archiveKind tells an archive by its start; a tar may be compressed.
func archiveKind(head []byte) archiveForm {
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06")) {
		return zipArchive
	}
	if packing(head) >= 0 {
		if r, err := decompress(bytes.NewReader(head)); err == nil {
			// What has been cut off of the head does not matter: tar's mark is near
			// the start.
			head, _ = r.Peek(markBytes)
		}
	}
	if len(head) >= 262 && string(head[257:262]) == "ustar" {
		return tarArchive
	}
	return notArchive
}

// hidden reports whether a member is left out as hidden files in folders are.
func hidden(name string) bool {
	return strings.HasPrefix(name[strings.LastIndexByte(name, '/')+1:], ".") || strings.HasPrefix(name, "__MACOSX/")
}

func expandZip(ctx context.Context, name string, r io.ReaderAt, size int64, depth int, temp string, yield func(*Part, error) bool) bool {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return yield(nil, &PathError{name, fmt.Errorf("a zip archive that cannot be read: %w", err)})
	}
	files := append([]*zip.File(nil), z.File...)
	if slices.ContainsFunc(files, func(f *zip.File) bool { return f.Name == office }) {
		return yield(nil, &PathError{name, errors.New("an Office document, which is not read: save a workbook as CSV")})
	}
	sort.SliceStable(files, func(i, j int) bool { return files[i].Name < files[j].Name })
	for _, m := range files {
		if m.FileInfo().IsDir() || hidden(m.Name) {
			continue
		}
		member := name + "#" + m.Name
		if m.Flags&1 != 0 {
			if !yield(nil, &PathError{member, errors.New("encrypted; unpack it with its password first")}) {
				return false
			}
			continue
		}
		open := func(context.Context) (io.ReadCloser, error) { return m.Open() }
		if !expand(ctx, member, int64(m.CompressedSize64), open, false, depth+1, temp, yield) {
			return false
		}
	}
	return true
}

func expandTar(ctx context.Context, name string, b io.Reader, depth int, temp string, yield func(*Part, error) bool) bool {
	plain, err := decompress(b)
	if err != nil {
		return yield(nil, &PathError{name, err})
	}
	t := tar.NewReader(plain)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			return yield(nil, &PathError{name, fmt.Errorf("a tar archive that cannot be read on: %w", err)})
		}
		if h.Typeflag != tar.TypeReg || hidden(h.Name) {
			continue
		}
		open := func(context.Context) (io.ReadCloser, error) { return io.NopCloser(t), nil }
		if !expand(ctx, name+"#"+h.Name, h.Size, open, true, depth+1, temp, yield) {
			return false
		}
	}
}
