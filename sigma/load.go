package sigma

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/gyoji-dev/gyoji/diag"
)

// Files reads the rule files (.yml, .yaml) that a path names: the file, those
// below a folder, or the members of a .zip, .tar, .tar.gz or .tgz, which are
// called archive#member. Hidden files and folders are left out, and folders
// that hold a file called skip, unless that is "". What cannot be read is an
// error beside the files that can.
func Files(name, skip string) (files []*diag.File, errs []error) {
	add := func(at string, r io.Reader) {
		text, err := io.ReadAll(io.LimitReader(r, FileBytesMax+1))
		if err != nil {
			errs = append(errs, fmt.Errorf("read %s: %w", at, err))
			return
		}
		files = append(files, diag.Text(at, string(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))))
	}
	open := func(at string) {
		f, err := os.Open(at)
		if err != nil {
			errs = append(errs, err)
			return
		}
		defer f.Close()
		add(at, f)
	}
	st, err := os.Stat(name)
	if err != nil {
		return nil, []error{err}
	}
	if !st.IsDir() {
		if err := archive(name, add); err == errNoArchive {
			open(name)
		} else if err != nil {
			errs = append(errs, fmt.Errorf("read %s: %w", name, err))
		}
		return files, errs
	}
	err = filepath.WalkDir(name, func(at string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			errs = append(errs, err)
			return nil
		case at != name && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
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
	})
	if err != nil {
		errs = append(errs, err)
	}
	return files, errs
}

func isRuleFile(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".yml" || ext == ".yaml"
}

var errNoArchive = fmt.Errorf("no archive")

// archive gives the rule files of an archive to add.
func archive(name string, add func(string, io.Reader)) error {
	low := strings.ToLower(name)
	member := func(m string) bool { return isRuleFile(m) && !strings.HasPrefix(path.Base(m), ".") }
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
			add(name+"#"+m.Name, r)
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
			add(name+"#"+h.Name, t)
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

// ParseAll reads many files at once, with a goroutine for each core: reading the
// YAML of 2,900 rules takes longer than all else before the first event. The
// result is in the order of the files.
func ParseAll(files []*diag.File) (docs []Document, diags diag.List) {
	type result struct {
		docs  []Document
		diags diag.List
	}
	results := make([]result, len(files))
	var wg sync.WaitGroup
	n := runtime.GOMAXPROCS(0)
	for w := range n {
		wg.Go(func() {
			for i := w; i < len(files); i += n {
				results[i].docs, results[i].diags = Parse(files[i])
			}
		})
	}
	wg.Wait()
	for _, r := range results {
		docs, diags = append(docs, r.docs...), append(diags, r.diags...)
	}
	return docs, diags
}
