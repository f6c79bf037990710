package collect

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
)

const (
	sourcesName = "sources.json"
	// tokenBytes are the random bytes of a token, of which 88 characters are made that end
	// in ==, as the product's do.
	tokenBytes = 64
	// firstCollector and FirstSource are the first ids: of what is there from the start.
	firstCollector, FirstSource = 100000001, 101
	// collectorsMax and sourcesMax (of one collector) bound the file.
	collectorsMax, sourcesMax = 10_000, 1000
	// OwnCollector is the name of the collector that is always there, and OwnSource that
	// of its first source.
	OwnCollector, OwnSource = "gyoji", "http"
)

// Collector is a collector, as Sumo's API shows it: a group of sources.
type Collector struct {
	ID               int64             `json:"id"`
	Name             string            `json:"name"`
	Description      string            `json:"description,omitempty"`
	CollectorType    string            `json:"collectorType"` // Hosted; Installable of those that registered
	Alive            bool              `json:"alive"`
	Category         string            `json:"category"`
	TimeZone         string            `json:"timeZone"`
	Fields           map[string]string `json:"fields"`
	HostName         string            `json:"hostName"`
	Ephemeral        bool              `json:"ephemeral"`
	LastSeenAlive    int64             `json:"lastSeenAlive"` // ms
	CollectorVersion string            `json:"collectorVersion"`
}

// Vault keeps the tokens of sources in clear, for who asks for a source's address. It may
// forget them: they go on working.
type Vault interface {
	Keep(source int64, token string) error // "" forgets it
	Token(source int64) string             // "" where it is not known
}

// ErrNotFound says that there is no collector or source of an id.
var ErrNotFound = errors.New("there is no such collector or source")

// Way is a collector and one of its sources: where messages come in by.
type Way struct {
	Collector Collector
	Source    Source
	plan      *Plan
}

// Sources are the collectors and sources of a server, in the file sources.json.
type Sources struct {
	path  string
	vault Vault

	mu    sync.Mutex
	state sourcesFile
	ways  map[string]*Way // by hash of the token
	seen  map[int64]int64 // last sign of life of a collector, ms
}

type sourcesFile struct {
	Next       int64             `json:"next_collector"`
	NextSource int64             `json:"next_source"`
	Collectors []collectorRecord `json:"collectors"`
}

type collectorRecord struct {
	Collector
	Revision int64          `json:"revision"`
	Key      string         `json:"key,omitempty"` // access id that it registered with
	Sources  []sourceRecord `json:"sources"`
}

// sourceRecord is a source in the file. It does not embed it: its UnmarshalJSON would be
// the record's.
type sourceRecord struct {
	Source   Source `json:"source"`
	Revision int64  `json:"revision"`
	Token    string `json:"token_sha256,omitempty"`
}

// OpenSources reads the collectors and sources of a folder; where there are none, those
// that are always there are made.
func OpenSources(dir string, vault Vault) (*Sources, error) {
	s := &Sources{path: filepath.Join(dir, sourcesName), vault: vault, seen: map[int64]int64{}}
	text, err := os.ReadFile(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.state = sourcesFile{Next: firstCollector, NextSource: FirstSource}
		s.index()
		if _, err := s.AddCollector(Collector{Name: OwnCollector}); err != nil {
			return nil, err
		}
		if _, _, err := s.AddSource(firstCollector, NewSource(OwnSource)); err != nil {
			return nil, err
		}
		return s, nil
	case err != nil:
		return nil, err
	}
	if err := json.Unmarshal(text, &s.state); err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	return s, s.index()
}

// index makes what requests are looked up by.
func (s *Sources) index() error {
	ways := map[string]*Way{}
	for i := range s.state.Collectors {
		c := &s.state.Collectors[i]
		for j := range c.Sources {
			r := &c.Sources[j]
			plan, err := r.Source.Plan()
			if err != nil {
				return fmt.Errorf("%s: source %d: %w", s.path, r.Source.ID, err)
			}
			key := r.Token
			if key == "" {
				key = ownKey(c.Name, r.Source.Name)
			}
			ways[key] = &Way{Collector: c.Collector, Source: r.Source, plan: plan}
		}
	}
	s.ways = ways
	return nil
}

func ownKey(collector, source string) string { return "=" + collector + "\x00" + source }

// change changes the state, in the file first.
func (s *Sources) change(f func(*sourcesFile) error) error {
	next := sourcesFile{Next: s.state.Next, NextSource: s.state.NextSource, Collectors: slices.Clone(s.state.Collectors)}
	for i := range next.Collectors {
		next.Collectors[i].Sources = slices.Clone(next.Collectors[i].Sources)
	}
	if err := f(&next); err != nil {
		return err
	}
	text, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return err
	}
	if err := access.WriteFile(s.path, append(text, '\n')); err != nil {
		return err
	}
	s.state = next
	return s.index()
}

// collector is the place of a collector in a state.
func (f *sourcesFile) collector(id int64) (*collectorRecord, error) {
	i := slices.IndexFunc(f.Collectors, func(c collectorRecord) bool { return c.ID == id })
	if i < 0 {
		return nil, ErrNotFound
	}
	return &f.Collectors[i], nil
}

func (c *collectorRecord) source(id int64) (*sourceRecord, error) {
	i := slices.IndexFunc(c.Sources, func(r sourceRecord) bool { return r.Source.ID == id })
	if i < 0 {
		return nil, ErrNotFound
	}
	return &c.Sources[i], nil
}

func (s *Sources) shown(c *collectorRecord) Collector {
	out := c.Collector
	now := time.Now().UnixMilli()
	switch seen, met := s.seen[c.ID]; {
	case c.CollectorType == "Hosted":
		out.Alive, out.LastSeenAlive = true, now
	case met:
		out.Alive, out.LastSeenAlive = now-seen < aliveFor.Milliseconds(), seen
	}
	return out
}

// aliveFor is how long a collector that sent a heartbeat is taken to be alive; it sends
// one every 15 s.
const aliveFor = 2 * time.Minute

// Collectors are all collectors, by id.
func (s *Sources) Collectors() []Collector {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Collector, 0, len(s.state.Collectors))
	for i := range s.state.Collectors {
		list = append(list, s.shown(&s.state.Collectors[i]))
	}
	return list
}

// Collector is a collector and its revision, which rises with each change.
func (s *Sources) Collector(id int64) (c Collector, revision int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.state.collector(id)
	if err != nil {
		return c, 0, err
	}
	return s.shown(r), r.Revision, nil
}

// CollectorNamed is the collector of a name.
func (s *Sources) CollectorNamed(name string) (c Collector, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.state.Collectors {
		if r := &s.state.Collectors[i]; r.Name == name {
			return s.shown(r), nil
		}
	}
	return c, ErrNotFound
}

func checkCollector(f *sourcesFile, c *Collector) error {
	c.Name = strings.TrimSpace(c.Name)
	if c.Name == "" || len(c.Name) > metadataMax {
		return &InvalidError{"invalid_collector", "a collector needs a name, of at most 1024 bytes"}
	}
	if slices.ContainsFunc(f.Collectors, func(o collectorRecord) bool { return o.Name == c.Name && o.ID != c.ID }) {
		return &InvalidError{"collectors.validation.name.duplicate", fmt.Sprintf("there is a collector %q already", c.Name)}
	}
	if c.TimeZone == "" {
		c.TimeZone = "UTC"
	}
	if _, err := datefmt.Zone(c.TimeZone); err != nil {
		return &InvalidError{"invalid_collector", err.Error()}
	}
	if c.CollectorType == "" {
		c.CollectorType = "Hosted"
	}
	if c.Fields == nil {
		c.Fields = map[string]string{}
	}
	return nil
}

// AddCollector makes a collector. The error may be an *InvalidError.
func (s *Sources) AddCollector(c Collector) (Collector, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.change(func(f *sourcesFile) error {
		c.ID = 0
		if err := checkCollector(f, &c); err != nil {
			return err
		}
		if len(f.Collectors) >= collectorsMax {
			return &InvalidError{"collectors.limit", fmt.Sprintf("there may be %d collectors at most", collectorsMax)}
		}
		c.ID = f.Next
		f.Next++
		f.Collectors = append(f.Collectors, collectorRecord{Collector: c, Revision: 1, Sources: []sourceRecord{}})
		return nil
	})
	if err != nil {
		return Collector{}, err
	}
	r, err := s.state.collector(c.ID)
	if err != nil {
		return Collector{}, err
	}
	return s.shown(r), nil
}

// SetCollector changes a collector and returns its new revision.
func (s *Sources) SetCollector(c Collector) (revision int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return revision, s.change(func(f *sourcesFile) error {
		r, err := f.collector(c.ID)
		if err != nil {
			return err
		}
		c.CollectorType = r.CollectorType
		if err := checkCollector(f, &c); err != nil {
			return err
		}
		if r.ID == firstCollector {
			c.Name = r.Name // the server's own sources are found by it
		}
		r.Collector = c
		r.Revision++
		revision = r.Revision
		return nil
	})
}

// DropCollector ends a collector and its sources. The server's own stays.
func (s *Sources) DropCollector(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var gone []int64
	err := s.change(func(f *sourcesFile) error {
		r, err := f.collector(id)
		if err != nil {
			return err
		}
		if id == firstCollector {
			return &InvalidError{"invalid_collector", "the collector " + OwnCollector + " is the server's own and stays; end its sources instead"}
		}
		for _, o := range r.Sources {
			gone = append(gone, o.Source.ID)
		}
		f.Collectors = slices.DeleteFunc(f.Collectors, func(c collectorRecord) bool { return c.ID == id })
		return nil
	})
	for _, id := range gone {
		err = errors.Join(err, s.vault.Keep(id, ""))
	}
	return err
}

// Of are the sources of a collector.
func (s *Sources) Of(collector int64) ([]Source, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.state.collector(collector)
	if err != nil {
		return nil, err
	}
	list := make([]Source, 0, len(c.Sources))
	for _, r := range c.Sources {
		list = append(list, r.Source)
	}
	return list, nil
}

// Source is a source and its revision.
func (s *Sources) Source(collector, id int64) (src Source, revision int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.state.collector(collector)
	if err != nil {
		return src, 0, err
	}
	r, err := c.source(id)
	if err != nil {
		return src, 0, err
	}
	return r.Source, r.Revision, nil
}

func checkSource(c *collectorRecord, s *Source) error {
	if s.Filters == nil {
		s.Filters = []Filter{}
	}
	if s.Fields == nil {
		s.Fields = map[string]string{}
	}
	if slices.ContainsFunc(c.Sources, func(o sourceRecord) bool { return o.Source.Name == s.Name && o.Source.ID != s.ID }) {
		return &InvalidError{"collectors.validation.name.duplicate", fmt.Sprintf("the collector %s has a source %q already", c.Name, s.Name)}
	}
	_, err := s.Plan()
	return err
}

// AddSource makes a source and its token. The error may be an *InvalidError.
func (s *Sources) AddSource(collector int64, src Source) (_ Source, token string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token = newToken()
	if src.SourceType == typeOther {
		token = ""
	}
	err = s.change(func(f *sourcesFile) error {
		c, err := f.collector(collector)
		if err != nil {
			return err
		}
		src.ID = 0
		if err := checkSource(c, &src); err != nil {
			return err
		}
		if len(c.Sources) >= sourcesMax {
			return invalid("a collector may have %d sources at most", sourcesMax)
		}
		src.ID = f.NextSource
		f.NextSource++
		r := sourceRecord{Source: src, Revision: 1}
		if token != "" {
			r.Token = tokenHash(token)
		}
		c.Sources = append(c.Sources, r)
		return nil
	})
	if err == nil && token != "" {
		err = s.vault.Keep(src.ID, token)
	}
	return src, token, err
}

// SetSource changes a source and returns its new revision. Its token stays.
func (s *Sources) SetSource(collector int64, src Source) (revision int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return revision, s.change(func(f *sourcesFile) error {
		c, err := f.collector(collector)
		if err != nil {
			return err
		}
		r, err := c.source(src.ID)
		if err != nil {
			return err
		}
		src.SourceType = r.Source.SourceType
		if r.Token == "" {
			src.Name = r.Source.Name // it is found by it
		}
		if err := checkSource(c, &src); err != nil {
			return err
		}
		r.Source = src
		r.Revision++
		revision = r.Revision
		return nil
	})
}

// Renew gives a source another token; the old one is good for nothing any more.
func (s *Sources) Renew(collector, id int64) (token string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token = newToken()
	err = s.change(func(f *sourcesFile) error {
		c, err := f.collector(collector)
		if err != nil {
			return err
		}
		r, err := c.source(id)
		if err != nil {
			return err
		}
		if r.Token == "" {
			return invalid("the source %s has no token", r.Source.Name)
		}
		r.Token = tokenHash(token)
		r.Revision++
		return nil
	})
	if err == nil {
		err = s.vault.Keep(id, token)
	}
	return token, err
}

// newToken is a token of 88 characters that ends in ==, as the product's do.
func newToken() string {
	var b [tokenBytes]byte
	rand.Read(b[:])
	return base64.URLEncoding.EncodeToString(b[:])
}

// First is the source that is there from the start.
func (s *Sources) First() (collector, source int64) { return firstCollector, FirstSource }

// DropSource ends a source: its token is good for nothing any more.
func (s *Sources) DropSource(collector, id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.change(func(f *sourcesFile) error {
		c, err := f.collector(collector)
		if err != nil {
			return err
		}
		if _, err := c.source(id); err != nil {
			return err
		}
		c.Sources = slices.DeleteFunc(c.Sources, func(r sourceRecord) bool { return r.Source.ID == id })
		return nil
	})
	if err != nil {
		return err
	}
	return s.vault.Keep(id, "")
}

// Token is a source's token, "" where it is not known any more.
func (s *Sources) Token(source int64) string { return s.vault.Token(source) }

func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// way is the source of a token. Looking a hash up tells nothing of the token by the time
// that it takes.
func (s *Sources) way(token string) (*Way, bool) {
	if token == "" {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w, ok := s.ways[tokenHash(token)]
	return w, ok
}

// own is the server's own source of a name, made when it is first asked for.
func (s *Sources) own(name string, set func(*Source)) (*Way, error) {
	return s.ofCollector(firstCollector, OwnCollector, name, set)
}

// ofCollector is a source without a token of a collector.
func (s *Sources) ofCollector(id int64, collector, name string, set func(*Source)) (*Way, error) {
	key := ownKey(collector, name)
	s.mu.Lock()
	w, ok := s.ways[key]
	s.mu.Unlock()
	if ok {
		return w, nil
	}
	src := NewSource(name)
	src.SourceType = typeOther
	if set != nil {
		set(&src)
	}
	_, _, err := s.AddSource(id, src)
	s.mu.Lock()
	defer s.mu.Unlock()
	if w, ok := s.ways[key]; ok { // made here or by another goroutine
		return w, nil
	}
	return nil, errors.Join(err, ErrNotFound)
}
