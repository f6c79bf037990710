package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	keysName = "keys.json"
	// idLength and keyLength are how many characters an access id and a key have.
	idLength, keyLength = 14, 64
	// labelMax is how many bytes a key's label may have.
	labelMax = 200
	// keysMax is how many keys there may be.
	keysMax = 10_000
	// lookAgain is how old what is known of the file may be: a key that is ended by
	// another process is good for so long.
	lookAgain = time.Second
	// lockStale is how old a lock may be before it is taken for one whose process died.
	lockStale = 10 * time.Second
)

// ErrNoKey says that there is no key of an id.
var ErrNoKey = errors.New("there is no such key")

// Key is one key, of which only a hash is kept.
type Key struct {
	ID      string `json:"id"`
	Label   string `json:"label"`
	Role    Role   `json:"role"`
	Hash    string `json:"sha256"`  // of the secret, in hex
	Created int64  `json:"created"` // ms
}

// Keys are the keys of a server, in the file keys.json of its folder. Several processes
// may use it at once: a change is seen by the others within a second.
type Keys struct {
	path string

	mu     sync.Mutex
	all    map[string]Key
	looked time.Time
	is     os.FileInfo // of the file that all is from; nil for none
}

// OpenKeys reads the keys of a folder. There need be none.
func OpenKeys(dir string) (*Keys, error) {
	k := &Keys{path: filepath.Join(dir, keysName)}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k, k.read()
}

type keysFile struct {
	Keys []Key `json:"keys"`
}

// read reads the file where it has changed.
func (k *Keys) read() error {
	k.looked = time.Now()
	st, err := os.Stat(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		k.all, k.is = map[string]Key{}, nil
		return nil
	}
	if err != nil {
		return err
	}
	if k.is != nil && os.SameFile(k.is, st) && k.is.ModTime().Equal(st.ModTime()) && k.is.Size() == st.Size() {
		return nil
	}
	text, err := os.ReadFile(k.path)
	if err != nil {
		return err
	}
	var f keysFile
	if err := json.Unmarshal(text, &f); err != nil {
		return fmt.Errorf("%s: %w", k.path, err)
	}
	all := make(map[string]Key, len(f.Keys))
	for _, key := range f.Keys {
		if _, err := ParseRole(string(key.Role)); err != nil || len(key.Hash) != 2*sha256.Size {
			return fmt.Errorf("%s: the key %s has no hash or no known role", k.path, key.ID)
		}
		all[key.ID] = key
	}
	k.all, k.is = all, st
	return nil
}

// List returns the keys, oldest first.
func (k *Keys) List() ([]Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	err := k.read()
	return k.sorted(), err
}

func (k *Keys) sorted() []Key {
	list := make([]Key, 0, len(k.all))
	for _, key := range k.all {
		list = append(list, key)
	}
	slices.SortFunc(list, func(a, b Key) int {
		if a.Created != b.Created {
			return int(min(max(a.Created-b.Created, -1), 1))
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

// NewSecret returns an access id and a key for it, of 14 and 64 characters.
func NewSecret() (id, secret string) {
	return "su" + random(idLength-2, len(alphabet)), random(keyLength, len(alphabet))
}

// Add makes a key. The secret is told this once.
func (k *Keys) Add(label string, role Role) (key Key, secret string, err error) {
	id, secret := NewSecret()
	key, err = k.Put(id, secret, label, role)
	return key, secret, err
}

// Put adds a key that was made before.
func (k *Keys) Put(id, secret, label string, role Role) (Key, error) {
	key := Key{ID: id, Label: label, Role: role, Hash: hash(secret), Created: time.Now().UnixMilli()}
	if len(label) > labelMax {
		return key, fmt.Errorf("a label has at most %d bytes", labelMax)
	}
	return key, k.change(func() error {
		if len(k.all) >= keysMax {
			return fmt.Errorf("there are %d keys, and there may be no more; end some", keysMax)
		}
		k.all[key.ID] = key
		return nil
	})
}

// End ends a key: it is good for nothing any more.
func (k *Keys) End(id string) error {
	return k.change(func() error {
		if _, ok := k.all[id]; !ok {
			return fmt.Errorf("%w: %s", ErrNoKey, id)
		}
		delete(k.all, id)
		return nil
	})
}

// Get returns a key by its id.
func (k *Keys) Get(id string) (Key, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fresh()
	key, ok := k.all[id]
	return key, ok
}

// change changes the file, with no other process in between.
func (k *Keys) change(f func() error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	unlock, err := lock(k.path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if err := k.read(); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(keysFile{k.sorted()}, "", "  ")
	if err == nil {
		err = WriteFile(k.path, append(text, '\n'))
	}
	k.is = nil // what is in memory counts only once it is in the file
	return errors.Join(err, k.read())
}

// fresh looks whether another process has changed the file. One that cannot be read
// leaves what is known: nobody is shut out by a disk that fails.
func (k *Keys) fresh() {
	if time.Since(k.looked) > lookAgain {
		_ = k.read()
	}
}

// Check says whose an access id and secret are. It takes as long for a wrong secret as for
// an id that there is not.
func (k *Keys) Check(id, secret string) (Principal, bool) {
	k.mu.Lock()
	k.fresh()
	key, ok := k.all[id]
	k.mu.Unlock()
	want := key.Hash
	if !ok {
		want = noHash
	}
	same := subtle.ConstantTimeCompare([]byte(hash(secret)), []byte(want)) == 1
	if !ok || !same {
		return Principal{}, false
	}
	return Principal{ID: key.ID, Label: key.Label, Role: key.Role}, true
}

var noHash = strings.Repeat("-", 2*sha256.Size)

// hash is the SHA-256 of a secret in hex. A slow hash is for secrets that people choose;
// these are random, of more than 256 bits.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Of returns the access id and secret of a request: Basic id:key, Bearer with the same
// in base64 or plain, or Elastic's ApiKey.
func Of(r *http.Request) (id, secret string, ok bool) {
	if id, secret, ok = r.BasicAuth(); ok {
		return id, secret, true
	}
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "ApiKey") {
		return "", "", false
	}
	rest = strings.TrimSpace(rest)
	if plain, err := base64.StdEncoding.DecodeString(rest); err == nil {
		if id, secret, ok = strings.Cut(string(plain), ":"); ok {
			return id, secret, true
		}
	}
	return strings.Cut(rest, ":")
}

// lock takes a lock that other processes see, and returns what gives it back.
func lock(path string) (unlock func(), err error) {
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			f.Close()
			return func() { os.Remove(path) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		if st, err := os.Stat(path); err == nil && time.Since(st.ModTime()) > lockStale {
			os.Remove(path)
			continue
		}
		if time.Since(start) > lockStale {
			return nil, fmt.Errorf("%s has been there for %v: another process changes the keys, or died; remove it if there is none", path, lockStale)
		}
	}
}

// WriteFile writes a file that only its owner may read, whole or not at all.
func WriteFile(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	if d, openErr := os.Open(filepath.Dir(path)); openErr == nil { // Windows opens no folders
		_ = d.Sync()
		d.Close()
	}
	return nil
}
