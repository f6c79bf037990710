package detection

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/gyoji-dev/gyoji/internal/folder"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

const (
	// SumsName is the file in a packed package that lists the hashes of the others.
	SumsName = "SHA256SUMS"
	// baseDir keeps, in an installed package, its files as they were installed.
	baseDir = ".gyoji-base"

	// PackedMax is the most bytes that a packed package may have.
	PackedMax = 64 << 20

	packedBytesMax = 256 << 20 // of an archive unpacked
	packedFilesMax = 10_000
)

// Pack writes the package as a gzipped tar: the same bytes for the same files. left are
// the names that are not packed, since they begin with a dot.
func (p *Package) Pack(w io.Writer) (left []string, err error) {
	files, left, err := p.files()
	if err != nil {
		return nil, err
	}
	if err := checkNames(files); err != nil {
		return nil, err
	}
	files[SumsName] = sums(files)
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	for _, name := range sortedKeys(files) {
		h := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := t.Write(files[name]); err != nil {
			return nil, err
		}
	}
	return left, errors.Join(t.Close(), z.Close())
}

// files reads every file of the package but those whose names begin with a dot, which
// are of other programs, and of what installing left there.
func (p *Package) files() (out map[string][]byte, left []string, err error) {
	out = map[string][]byte{}
	err = fs.WalkDir(p.FS, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && folder.Hidden(d.Name()):
			if d.Name() != baseDir {
				left = append(left, name)
			}
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir() || name == SumsName:
			return nil
		case !d.Type().IsRegular():
			return fmt.Errorf("%q is no plain file: a package holds no links or devices", name)
		}
		out[name], err = fs.ReadFile(p.FS, name)
		return err
	})
	return out, left, err
}

func sums(files map[string][]byte) []byte {
	var b bytes.Buffer
	for _, name := range sortedKeys(files) {
		h := sha256.Sum256(files[name])
		fmt.Fprintf(&b, "%s  %s\n", hex.EncodeToString(h[:]), name)
	}
	return b.Bytes()
}

// Unpack reads a packed package and checks its hashes.
func Unpack(r io.Reader) (map[string][]byte, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("not a packed package: %w", err)
	}
	files := map[string][]byte{}
	var met Names
	left := int64(packedBytesMax)
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("not a packed package: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			return nil, fmt.Errorf("the archive holds %q, which is no plain file", h.Name)
		}
		if err := met.Add(h.Name); err != nil {
			return nil, err
		}
		if len(files) == packedFilesMax || h.Size > left {
			return nil, fmt.Errorf("the archive is larger than a package may be (%d files, %d MiB)", packedFilesMax, packedBytesMax>>20)
		}
		text, err := io.ReadAll(io.LimitReader(t, h.Size))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", h.Name, err)
		}
		left -= int64(len(text))
		files[h.Name] = text
	}
	if err := endsHere(z); err != nil {
		return nil, err
	}
	want, ok := files[SumsName]
	if !ok {
		return nil, fmt.Errorf("the archive has no %s, so nothing says what it should hold", SumsName)
	}
	delete(files, SumsName)
	if got := sums(files); !bytes.Equal(got, want) {
		return nil, fmt.Errorf("the files are not those of %s: %s", SumsName, firstDifference(want, got))
	}
	if files[ManifestName] == nil {
		return nil, fmt.Errorf("the archive has no %s", ManifestName)
	}
	return files, checkNames(files)
}

// endsHere reports whatever an archive holds after its end: another program would unpack
// what was not checked.
func endsHere(r io.Reader) error {
	buf := make([]byte, 32<<10)
	for left := int64(packedBytesMax); left > 0; {
		n, err := r.Read(buf)
		left -= int64(n)
		if len(bytes.Trim(buf[:n], "\x00")) > 0 {
			return errors.New("the archive goes on after its end")
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("not a packed package: %w", err)
		}
	}
	return errors.New("the archive goes on after its end")
}

// Change is what an update did, or would do, to a file.
type Change struct {
	Name string
	What string // added, updated, removed, kept, conflict
}

// newSuffix is added to the name of a file that an update brings and does not put in its
// place.
const newSuffix = ".new"

// Create writes the files of a new package into a folder that is not there, or
// is empty.
func Create(files map[string][]byte, dir string) error {
	if old, err := os.ReadDir(dir); err == nil && len(old) > 0 {
		return fmt.Errorf("%s is not empty", dir)
	}
	return within(dir, func(root *os.Root) error {
		for _, name := range sortedKeys(files) {
			if err := writeFile(root, name, files[name]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Install writes a package's files into a folder that does not hold it yet. Nothing that
// is there is written over.
func Install(files map[string][]byte, dir string) error {
	if err := checkNames(files); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, ManifestName)); err == nil {
		return fmt.Errorf("%s already holds a package; update it instead", dir)
	}
	return within(dir, func(root *os.Root) error {
		for _, name := range sortedKeys(files) {
			for _, at := range []string{name, path.Join(baseDir, name)} {
				if _, err := root.Lstat(filepath.FromSlash(at)); !errors.Is(err, fs.ErrNotExist) {
					return firstError(err, fmt.Errorf("%s is there already; install into a folder of its own", filepath.Join(dir, filepath.FromSlash(at))))
				}
			}
		}
		for _, name := range sortedKeys(files) {
			for _, at := range []string{name, path.Join(baseDir, name)} {
				if err := writeFile(root, at, files[name]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// within makes a folder and opens it: nothing is written outside it, whatever links are
// in it.
func within(dir string, do func(*os.Root) error) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return do(root)
}

// Update brings an installed package to new files, keeping what was changed
// here: a file changed on one side alone is taken from that side; one changed on
// both keeps the local text, and the new one is put beside it as NAME.new.
func Update(files map[string][]byte, dir string) (changes []Change, err error) {
	if err := checkNames(files); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, baseDir, ManifestName)); err != nil {
		return nil, fmt.Errorf("%s was not installed by gyoji pkg install: it has no record of what was installed", dir)
	}
	err = within(dir, func(root *os.Root) error {
		changes, err = update(files, root)
		return err
	})
	return changes, err
}

func update(files map[string][]byte, root *os.Root) (changes []Change, err error) {
	names := map[string]bool{}
	for n := range files {
		names[n] = true
	}
	base, err := fs.Sub(root.FS(), baseDir)
	if err != nil {
		return nil, err
	}
	if err := fs.WalkDir(base, ".", func(n string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names[n] = true
		}
		return err
	}); err != nil {
		return nil, err
	}
	for _, n := range sortedKeys(names) {
		fresh, inNew := files[n]
		old, inBase, err := readIf(root, path.Join(baseDir, n))
		if err != nil {
			return changes, err
		}
		local, here, err := readIf(root, n)
		if err != nil {
			return changes, err
		}
		changedHere := here != inBase || !bytes.Equal(local, old)
		changedThere := inNew != inBase || !bytes.Equal(fresh, old)
		what := ""
		switch {
		case !changedThere && changedHere:
			what = "kept"
		case !changedThere:
		case changedHere && here && inNew && bytes.Equal(local, fresh):
		case changedHere && inNew:
			what = "conflict"
			err = writeFile(root, n+newSuffix, fresh)
		case changedHere:
			what = "kept" // removed there, changed here
		case !inNew:
			what = "removed"
			err = root.Remove(filepath.FromSlash(n))
		default:
			what = "updated"
			if !inBase {
				what = "added"
			}
			err = writeFile(root, n, fresh)
		}
		if err != nil {
			return changes, err
		}
		if what != "" {
			changes = append(changes, Change{n, what})
		}
		if inNew {
			err = writeFile(root, path.Join(baseDir, n), fresh)
		} else if inBase {
			err = root.Remove(filepath.FromSlash(path.Join(baseDir, n)))
		}
		if err != nil {
			return changes, err
		}
	}
	return changes, nil
}

func readIf(root *os.Root, name string) (text []byte, ok bool, err error) {
	text, err = root.ReadFile(filepath.FromSlash(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return text, err == nil, err
}

// writeFile writes a file below a folder. A link in its place is taken away, not followed.
func writeFile(root *os.Root, name string, text []byte) error {
	at := filepath.FromSlash(name)
	if err := root.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	if st, err := root.Lstat(at); err == nil && !st.Mode().IsRegular() {
		if err := root.Remove(at); err != nil {
			return err
		}
	}
	return root.WriteFile(at, text, 0o644)
}

// Technique is what ATT&CK's ids of techniques and sub-techniques look like.
var Technique = match.Lazy(`^T[0-9]{4}(\.[0-9]{3})?$`)
