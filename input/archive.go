package input

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
)

// archive lists the members of a zip file as parts, named a.zip#member. ok is
// false when the file is none.
func archive(path string) (parts []*Part, ok bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	head := make([]byte, 4)
	if n, _ := io.ReadFull(f, head); n < 4 || !bytes.Equal(head, []byte("PK\x03\x04")) {
		return nil, false, nil
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, false, fmt.Errorf("a zip archive that cannot be read: %w", err)
	}
	defer z.Close()
	for _, m := range z.File {
		if m.FileInfo().IsDir() || strings.HasPrefix(m.FileInfo().Name(), ".") {
			continue
		}
		name := m.Name
		parts = append(parts, &Part{
			Name: path + "#" + name, Size: int64(m.CompressedSize64),
			Open: func(context.Context) (io.ReadCloser, error) { return openMember(path, name) },
		})
	}
	sort.Slice(parts, func(i, j int) bool { return parts[i].Name < parts[j].Name })
	return parts, true, nil
}

// member closes the archive with its member.
type member struct {
	io.ReadCloser
	z *zip.ReadCloser
}

func (m member) Close() error {
	m.ReadCloser.Close()
	return m.z.Close()
}

func openMember(path, name string) (io.ReadCloser, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, err
	}
	for _, m := range z.File {
		if m.Name == name {
			r, err := m.Open()
			if err != nil {
				z.Close()
				return nil, err
			}
			return member{r, z}, nil
		}
	}
	z.Close()
	return nil, os.ErrNotExist
}
