package sigma

import (
	"archive/tar"
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"github.com/klauspost/compress/gzip"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/folder"
)

// Files reads the rule files (.yml, .yaml) that a path names: the file, those
// below a folder, or the members of a .zip, .tar, .tar.gz or .tgz, which are
// called archive#member. Hidden files and folders are left out, and folders
// that hold a file called skip, unless that is "". What cannot be read is an
// error beside the files that can.
func Files(name, skip string) (files []*diag.File, errs []error) {
	visit(name, skip, func(at, text string, err error) {
		if err != nil {
			errs = append(errs, err)
			return
		}
		files = append(files, diag.Text(at, text))
	})
	return files, errs
}

// Load reads and parses the files that paths name, as Files and Parse do. What
// has come out of an archive is parsed by all cores while the rest is unpacked.
// Documents and diagnostics are in the order of the files; an error is that of
// the first file that cannot be read.
func Load(names []string, skip string) (docs []Document, diags diag.List, err error) {
	type file struct {
		at, text string
		docs     []Document
		diags    diag.List
	}
	var files []*file
	read := make(chan *file, filesAhead)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			var slab nodes
			for f := range read {
				f.docs, f.diags = parseGuarded(diag.Text(f.at, f.text), &slab)
			}
		})
	}
	for _, name := range names {
		visit(name, skip, func(at, text string, failed error) {
			if failed != nil {
				if err == nil {
					err = failed
				}
				return
			}
			f := &file{at: at, text: text}
			files = append(files, f)
			read <- f
		})
	}
	close(read)
	wg.Wait()
	for _, f := range files {
		docs, diags = append(docs, f.docs...), append(diags, f.diags...)
	}
	return docs, diags, err
}

// parseGuarded is parse, of which a panic is a diagnostic: of many files the
// others are still read.
func parseGuarded(f *diag.File, slab *nodes) (docs []Document, diags diag.List) {
	defer func() {
		if p := recover(); p != nil {
			docs, *slab = nil, nodes{}
			diags = diag.List{{Severity: diag.Error, Code: "bug", File: f,
				Message: fmt.Sprintf("a bug in gyoji: reading this panics: %v", p), Help: "please report it with the file"}}
		}
	}()
	return parse(f, slab)
}

// visit gives the text of each file that a path names to a function, or why it
// cannot be read.
func visit(name, skip string, visit func(at, text string, err error)) {
	add := func(at string, r io.Reader, size int64) {
		text, err := readText(r, size)
		if err != nil {
			err = fmt.Errorf("read %s: %w", at, err)
		}
		visit(at, text, err)
	}
	fail := func(err error) { visit("", "", err) }
	open := func(at string) {
		f, err := os.Open(at)
		if err != nil {
			fail(err)
			return
		}
		defer f.Close()
		size := int64(0)
		if st, err := f.Stat(); err == nil {
			size = st.Size()
		}
		add(at, f, size)
	}
	st, err := os.Stat(name)
	if err != nil {
		fail(err)
		return
	}
	if !st.IsDir() {
		if err := archive(name, add); err == errNoArchive {
			open(name)
		} else if err != nil {
			fail(fmt.Errorf("read %s: %w", name, err))
		}
		return
	}
	err = filepath.WalkDir(name, folder.Visible(name, func(at string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			fail(err)
			return nil
		case d.IsDir():
			if skip != "" {
				if _, err := os.Stat(filepath.Join(at, skip)); err == nil {
					return fs.SkipDir
				}
			}
		case isRuleFile(at):
			open(at)
		}
		return nil
	}))
	if err != nil {
		fail(err)
	}
}

// readText reads a file of some size, as far as that can be believed: all of it
// but a byte order mark, or one byte more than a rule file may have.
func readText(r io.Reader, size int64) (string, error) {
	b := make([]byte, 0, min(max(size, 0), FileBytesMax)+1) // the end is found by reading on
	for len(b) <= FileBytesMax {
		if len(b) == cap(b) {
			b = slices.Grow(b, len(b))
		}
		n, err := r.Read(b[len(b):min(cap(b), FileBytesMax+1)])
		b = b[:len(b)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
	}
	return strings.TrimPrefix(unsafe.String(unsafe.SliceData(b), len(b)), "\ufeff"), nil
}

func isRuleFile(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".yml" || ext == ".yaml"
}

var errNoArchive = fmt.Errorf("no archive")

// archive gives the rule files of an archive to add.
func archive(name string, add func(at string, r io.Reader, size int64)) error {
	low := strings.ToLower(name)
	member := func(m string) bool { return isRuleFile(m) && !folder.Hidden(path.Base(m)) }
	if strings.HasSuffix(low, ".zip") {
		z, err := zip.OpenReader(name)
		if err != nil {
			return err
		}
		defer z.Close()
		for _, m := range z.File {
			if m.FileInfo().IsDir() || !member(m.Name) {
				continue
			}
			r, err := m.Open()
			if err != nil {
				return err
			}
			add(name+"#"+m.Name, r, int64(m.UncompressedSize64))
			r.Close()
		}
		return nil
	}
	packed := strings.HasSuffix(low, ".tar.gz") || strings.HasSuffix(low, ".tgz")
	if !packed && !strings.HasSuffix(low, ".tar") {
		return errNoArchive
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	var r io.Reader = f
	if packed {
		if r, err = gzip.NewReader(f); err != nil {
			return err
		}
	}
	// What is unpacked is bounded: a small archive may stand for a disk full.
	t := tar.NewReader(&bounded{r, archiveBytesMax})
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeReg && member(h.Name) {
			add(name+"#"+h.Name, t, h.Size)
		}
	}
}

// bounded ends with an error where io.LimitReader would end in silence.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("it unpacks to more than %d bytes", int64(archiveBytesMax))
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
