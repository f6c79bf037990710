package tenant

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// What an archive of documents may hold; the service's whole catalogue has 10 MB.
const (
	archiveBytesMax = 256 << 20
	archiveFilesMax = 20_000
)

// Archive opens an archive of documents, .zip, .tar or .tar.gz, as a folder. Nothing in it
// is written anywhere.
func Archive(name string) (fs.FS, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	wrong := func(err error) (fs.FS, error) {
		return nil, fmt.Errorf("%s: the archive cannot be read: %w", name, err)
	}
	if !strings.HasSuffix(strings.ToLower(name), ".zip") {
		if text, err = repacked(name, text); err != nil {
			return wrong(err)
		}
	}
	z, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return wrong(err)
	}
	if len(z.File) > archiveFilesMax {
		return wrong(fmt.Errorf("it has %d files, and %d are the most", len(z.File), archiveFilesMax))
	}
	// A name outside the archive's folder is not read.
	z.File = slices.DeleteFunc(z.File, func(f *zip.File) bool { return !fs.ValidPath(strings.TrimSuffix(f.Name, "/")) })
	left := uint64(archiveBytesMax)
	for _, f := range z.File { // a file that holds more than it says is an error when it is read
		if f.UncompressedSize64 > left {
			return wrong(fmt.Errorf("it holds more than %d MB", archiveBytesMax>>20))
		}
		left -= f.UncompressedSize64
	}
	return z, nil
}

// repacked makes a zip, which can be read file by file, of a tar.
func repacked(name string, text []byte) ([]byte, error) {
	var r io.Reader = bytes.NewReader(text)
	if lower := strings.ToLower(name); strings.HasSuffix(lower, ".gz") || strings.HasSuffix(lower, ".tgz") {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		r = z
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	left := int64(archiveBytesMax)
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			err := w.Close()
			return out.Bytes(), err
		}
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(h.Name, "./")
		if h.Typeflag != tar.TypeReg || !isDocument(name) || !fs.ValidPath(name) { // outside the archive's folder
			continue
		}
		if left -= h.Size; left < 0 {
			return nil, fmt.Errorf("it holds more than %d MB", archiveBytesMax>>20)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			return nil, err
		}
		if isSigma(string(text)) {
			continue
		}
		to, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if _, err := to.Write(text); err != nil {
			return nil, err
		}
	}
}
