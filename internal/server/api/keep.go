package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// keep is what calls have set up and the next process is to have, too: documents of
// kinds, each kind in a file of its own, written whole and put in place at once.
type keep struct {
	dir string

	writing sync.Mutex // of a change as a whole
	mu      sync.Mutex
	kinds   map[string][]document
}

// document is one thing that was set up.
type document struct {
	ID       string          `json:"id"`
	Revision int64           `json:"revision"`
	Body     json.RawMessage `json:"body"`
}

func openKeep(dir string) (*keep, error) {
	k := &keep{dir: dir, kinds: map[string][]document{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		kind, ok := strings.CutSuffix(f.Name(), ".json")
		if !ok || strings.HasPrefix(kind, ".") {
			continue
		}
		path := filepath.Join(dir, f.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var docs []document
		if err := json.Unmarshal(text, &docs); err != nil {
			return nil, fmt.Errorf("%s is damaged: %w; put a copy in its place, or move it away to begin without", path, err)
		}
		k.kinds[kind] = docs
	}
	return k, nil
}

// list are the documents of a kind in the order in which they were made.
func (k *keep) list(kind string) []document {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.kinds[kind])
}

// get finds a document.
func (k *keep) get(kind, id string) (document, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if i := indexOf(k.kinds[kind], id); i >= 0 {
		return k.kinds[kind][i], true
	}
	return document{}, false
}

func indexOf(docs []document, id string) int {
	return slices.IndexFunc(docs, func(d document) bool { return strings.EqualFold(d.ID, id) })
}

var errNone = errors.New("there is none of this id")

// change makes, changes or takes away a document. do gets the one there is (Revision 0
// where there is none) and gives what stands in its place; a nil Body takes it away. do
// may look at others, and changes none.
func (k *keep) change(kind, id string, do func(document) (json.RawMessage, error)) (document, error) {
	k.writing.Lock()
	defer k.writing.Unlock()
	docs := k.list(kind)
	i := indexOf(docs, id)
	old := document{ID: id}
	if i >= 0 {
		old = docs[i]
	}
	body, err := do(old)
	if err != nil {
		return document{}, err
	}
	next := document{ID: old.ID, Revision: old.Revision + 1, Body: body}
	switch {
	case body == nil && i < 0:
		return document{}, errNone
	case body == nil:
		docs = slices.Delete(docs, i, i+1)
	case i < 0:
		docs = append(docs, next)
	default:
		docs[i] = next
	}
	text, err := json.MarshalIndent(docs, "", "\t")
	if err != nil {
		return document{}, err
	}
	if err := replace(filepath.Join(k.dir, kind+".json"), text); err != nil {
		return document{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kinds[kind] = docs
	return next, nil
}

// replace writes a file whole and durably, or leaves it as it was.
func replace(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, fs.ErrInvalid) {
		return nil // not every system can, and the file is whole
	}
	return nil
}
