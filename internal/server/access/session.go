package access

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	sessionsName = "sessions.json"
	// SessionTime is how long a browser stays signed in.
	SessionTime = 7 * 24 * time.Hour
	// sessionsMax is how many sessions there may be; the oldest ends for a new one.
	sessionsMax = 1000
	// failuresMax is how many wrong keys one address may try in failuresTime.
	failuresMax  = 10
	failuresTime = time.Minute
)

// Sessions are the browsers that are signed in, in the file sessions.json of a server's
// folder, so that a server that starts again signs nobody out. A session is as good as the
// key that made it: with the key it ends.
type Sessions struct {
	path string
	keys *Keys
	now  func() time.Time

	mu       sync.Mutex
	all      []session
	link     string // hash of the sign-in link's token; "" for none
	linkKey  string // access id that the link signs in
	failures map[string][]time.Time
}

type session struct {
	Hash string `json:"sha256"` // of the token, in hex
	Key  string `json:"key"`    // access id
	Ends int64  `json:"ends"`   // ms
}

// OpenSessions reads the sessions of a folder. There need be none.
func OpenSessions(dir string, keys *Keys) (*Sessions, error) {
	s := &Sessions{path: filepath.Join(dir, sessionsName), keys: keys, now: time.Now, failures: map[string][]time.Time{}}
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		if err = json.Unmarshal(text, &s.all); err != nil {
			err = fmt.Errorf("%s: %w; remove it, and browsers sign in again", s.path, err)
		}
	}
	return s, err
}

// Link makes the token of a link that signs in as the key of an access id, for as long as
// the server runs.
func (s *Sessions) Link(id string) (token string) {
	token = random(keyLength, len(alphabet))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link, s.linkKey = hash(token), id
	return token
}

// ErrSignIn is that nobody has such a key, or the link is of an earlier start.
var ErrSignIn = errors.New("the access id or key is wrong")

// ErrLink is that a sign-in link is not this server's.
var ErrLink = errors.New("this link is of an earlier start of the server, or was cut; credentials.json has the new one (signin_url)")

// Wait is how long an address has to wait after too many wrong keys; 0 for not at all.
func (s *Sessions) Wait(host string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.recent(host)
	if len(list) < failuresMax {
		return 0
	}
	return failuresTime - s.now().Sub(list[0])
}

// recent are the failures of an address that still count.
func (s *Sessions) recent(host string) []time.Time {
	list := s.failures[host]
	since := s.now().Add(-failuresTime)
	for len(list) > 0 && !list[0].After(since) {
		list = list[1:]
	}
	if len(list) == 0 {
		delete(s.failures, host)
	} else {
		s.failures[host] = list
	}
	return list
}

// failed counts a wrong key of an address.
func (s *Sessions) failed(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.failures) >= refusedMax {
		clear(s.failures)
	}
	s.failures[host] = append(s.recent(host), s.now())
}

// Begin signs a browser at an address in, by an access id and key.
func (s *Sessions) Begin(host, id, secret string) (token string, p Principal, err error) {
	p, ok := s.keys.Check(id, secret)
	if !ok {
		s.failed(host)
		return "", p, ErrSignIn
	}
	token, err = s.add(p.ID)
	return token, p, err
}

// BeginLink signs a browser in by the token of Link.
func (s *Sessions) BeginLink(host, link string) (token string, p Principal, err error) {
	s.mu.Lock()
	want, id := s.link, s.linkKey
	s.mu.Unlock()
	if want == "" {
		want = noHash
	}
	same := subtle.ConstantTimeCompare([]byte(hash(link)), []byte(want)) == 1
	key, ok := s.keys.Get(id)
	if !same || !ok {
		s.failed(host)
		return "", p, ErrLink
	}
	token, err = s.add(key.ID)
	return token, Principal{ID: key.ID, Label: key.Label, Role: key.Role}, err
}

func (s *Sessions) add(id string) (token string, err error) {
	token = random(keyLength, len(alphabet))
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.all = slices.DeleteFunc(s.all, func(x session) bool { return x.Ends <= now.UnixMilli() })
	if n := len(s.all) - sessionsMax + 1; n > 0 {
		s.all = slices.Delete(s.all, 0, n)
	}
	s.all = append(s.all, session{Hash: hash(token), Key: id, Ends: now.Add(SessionTime).UnixMilli()})
	return token, s.write()
}

// write keeps the sessions; the caller has the lock.
func (s *Sessions) write() error {
	text, err := json.MarshalIndent(s.all, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(s.path, append(text, '\n'))
}

// Check says whose a session's token is. The time it takes says nothing of the token: it
// is looked up by its hash.
func (s *Sessions) Check(token string) (Principal, bool) {
	if len(token) != keyLength {
		return Principal{}, false
	}
	h := hash(token)
	s.mu.Lock()
	now := s.now().UnixMilli()
	n := slices.IndexFunc(s.all, func(x session) bool { return x.Hash == h && x.Ends > now })
	id := ""
	if n >= 0 {
		id = s.all[n].Key
	}
	s.mu.Unlock()
	if n < 0 {
		return Principal{}, false
	}
	key, ok := s.keys.Get(id)
	return Principal{ID: key.ID, Label: key.Label, Role: key.Role}, ok
}

// End signs a browser out.
func (s *Sessions) End(token string) error {
	h := hash(token)
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.all)
	if s.all = slices.DeleteFunc(s.all, func(x session) bool { return x.Hash == h }); len(s.all) == n {
		return nil
	}
	return s.write()
}
