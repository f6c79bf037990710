package store

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// disk is what the store asks of a file system, so that tests can have one that forgets
// what was not synced, or is full.
type disk interface {
	Create(name string) (file, error) // to be written; it must not exist
	Open(name string) (file, error)   // to be read, and written where the disk may be
	Rename(from, to string) error
	Remove(name string) error
	List(name string) ([]string, error)
	SyncDir(name string) error // makes the names in a folder durable
}

type file interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
	Truncate(size int64) error
	Size() (int64, error)
	Close() error
}

// folder is a disk on the system's files.
type folder struct {
	root     string
	readOnly bool
}

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// Sync makes what was written durable, which it is not in a file that somebody has removed.
func (f osFile) Sync() error {
	err := f.File.Sync()
	if err == nil && removed(f.File) {
		err = fmt.Errorf("%s was removed while it was written to", f.Name())
	}
	return err
}

func (d folder) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

func (d folder) Create(name string) (file, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d folder) Open(name string) (file, error) {
	how := os.O_RDWR
	if d.readOnly {
		how = os.O_RDONLY
	}
	f, err := os.OpenFile(d.path(name), how, 0)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d folder) Rename(from, to string) error { return os.Rename(d.path(from), d.path(to)) }
func (d folder) Remove(name string) error     { return os.Remove(d.path(name)) }

func (d folder) List(name string) (out []string, err error) {
	entries, err := os.ReadDir(d.path(name))
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out, err
}

func (d folder) SyncDir(name string) error {
	if runtime.GOOS == "windows" { // which has no such thing: names are durable with their files
		return nil
	}
	f, err := os.Open(d.path(name))
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
