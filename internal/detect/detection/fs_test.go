package detection_test

import (
	"io/fs"
	"testing/fstest"
)

// mapFS is a file system of texts.
type mapFS map[string]string

func (m mapFS) Open(name string) (fs.File, error) {
	f := fstest.MapFS{}
	for n, text := range m {
		f[n] = &fstest.MapFile{Data: []byte(text)}
	}
	return f.Open(name)
}
