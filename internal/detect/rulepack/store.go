package rulepack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/adrg/xdg"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

// Store is a folder of packages. Each has a folder of its own with an archive for each
// version and a list of them; writing the list is what makes a version there.
type Store struct{ Dir string }

// Default is the store of the user: gyoji/rules in the folder for programs' data, which
// is XDG_DATA_HOME or ~/.local/share, ~/Library/Application Support or %LOCALAPPDATA%.
// Without a home folder there is none.
func Default() (*Store, error) {
	if !filepath.IsAbs(xdg.DataHome) {
		return nil, errors.New("gyoji finds no folder for its data: set HOME, or XDG_DATA_HOME to an absolute path")
	}
	return &Store{filepath.Join(xdg.DataHome, "gyoji", "rules")}, nil
}

// Package is what the store has of a package.
type Package struct {
	Schema   string    `json:"schema"`
	Name     string    `json:"name"`
	Current  string    `json:"current"` // the version that is used where none is named
	Versions []Version `json:"versions"`
}

// Version is one version of a package.
type Version struct {
	Version  string    `json:"version"`
	File     string    `json:"file"`
	SHA256   string    `json:"sha256"`
	Size     int64     `json:"size"`
	Rules    int       `json:"rules"`    // Sigma documents that can be read
	Unusable int       `json:"unusable"` // and files of which nothing can
	Source   string    `json:"source"`   // where it is from: an address, or a file's name
	Licence  string    `json:"licence"`
	Released time.Time `json:"released,omitzero"`
	Added    time.Time `json:"added"`
}

const (
	listName = "package.json"
	schema   = "gyoji/rules/v1"
)

// Packages lists what the store has, by name. A package whose list cannot be read is an
// error beside the others.
func (s *Store) Packages() (all []*Package, err error) {
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var wrong []error
	for _, e := range entries {
		if !e.IsDir() || CheckName(e.Name()) != nil {
			continue
		}
		p, err := s.read(e.Name())
		if err != nil {
			wrong = append(wrong, err)
		} else if len(p.Versions) > 0 {
			all = append(all, p)
		}
	}
	return all, errors.Join(wrong...)
}

// read reads the list of a package, which is empty where there is none.
func (s *Store) read(name string) (*Package, error) {
	at := filepath.Join(s.Dir, name, listName)
	text, err := os.ReadFile(at)
	if errors.Is(err, fs.ErrNotExist) {
		return &Package{Schema: schema, Name: name}, nil
	}
	if err != nil {
		return nil, err
	}
	p := &Package{}
	if err := json.Unmarshal(text, p); err != nil || p.Schema != schema {
		return nil, fmt.Errorf("%s is damaged, or of a newer gyoji; remove it with: gyoji rules remove %s", at, name)
	}
	p.Name = name
	for _, v := range p.Versions {
		if CheckVersion(v.Version) != nil || CheckVersion(v.File) != nil {
			return nil, fmt.Errorf("%s is damaged: %q, %q; remove it with: gyoji rules remove %s", at, v.Version, v.File, name)
		}
	}
	return p, nil
}

// version is one of the package's versions, or the current one for "".
func (p *Package) version(version string) (Version, bool) {
	if version == "" {
		version = p.Current
	}
	i := slices.IndexFunc(p.Versions, func(v Version) bool { return v.Version == version })
	if i < 0 {
		return Version{}, false
	}
	return p.Versions[i], true
}

// Find is a version of a package, or its current one for "", and its archive, whose
// digest is checked.
func (s *Store) Find(name, version string) (path string, v Version, err error) {
	if err := CheckName(name); err != nil {
		return "", v, err
	}
	p, err := s.read(name)
	if err != nil {
		return "", v, err
	}
	v, ok := p.version(version)
	switch {
	case len(p.Versions) == 0:
		return "", v, s.absent(name)
	case !ok:
		var have []string
		for _, v := range p.Versions {
			have = append(have, v.Version)
		}
		return "", v, fmt.Errorf("there is no version %s of %s here: there is %s", version, name, strings.Join(have, ", "))
	}
	path = filepath.Join(s.Dir, name, v.File)
	text, err := os.ReadFile(path)
	if err != nil {
		return "", v, err
	}
	if got := digest(text); got != v.SHA256 {
		return "", v, fmt.Errorf("%s is not as it was added: its SHA-256 is %s, and was %s; remove it with gyoji rules remove %s, then get it again", path, got, v.SHA256, name)
	}
	return path, v, nil
}

// absent says how to get a package.
func (s *Store) absent(name string) error {
	if o, err := OfficialNamed(name); err == nil {
		return fmt.Errorf("the rule package %s is not here: get it with gyoji rules update %s, or without a network download %s from %s and run gyoji rules add %s", name, name, o.Asset, Page, o.Asset)
	}
	var names []string
	all, _ := s.Packages() // what cannot be read is no help
	for _, p := range all {
		names = append(names, p.Name)
	}
	for _, o := range Officials {
		names = append(names, o.Name)
	}
	help := "gyoji rules list says what is here"
	if near := diag.Nearest(name, names); near != "" {
		help = fmt.Sprintf("did you mean %s?", near)
	}
	return fmt.Errorf("there is no rule package %s here; %s", name, help)
}

// digest is a SHA-256 in hexadecimal.
func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Add checks an archive and makes it the current version of a package. Without a version
// it gets the date of its newest rule, or today's. already says that it was there.
// Whatever happens before the end leaves the package as it was.
func (s *Store) Add(name string, v Version, text []byte) (added Version, already bool, err error) {
	if err := CheckName(name); err != nil {
		return v, false, err
	}
	if len(text) > Max {
		return v, false, fmt.Errorf("it is larger than %d MiB, and no archive of rules is", Max>>20)
	}
	newest, err := checkArchive(text)
	if err != nil {
		return v, false, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	if v.Released.IsZero() {
		v.Released = newest.UTC().Truncate(24 * time.Hour)
	}
	if v.Version == "" {
		v.Version = now.Format(time.DateOnly)
		if !newest.IsZero() {
			v.Version = newest.UTC().Format(time.DateOnly)
		}
	}
	if err := CheckVersion(v.Version); err != nil {
		return v, false, err
	}
	v.SHA256, v.Size, v.Added = digest(text), int64(len(text)), now
	v.File = fmt.Sprintf("%s-%s.zip", v.Version, v.SHA256[:12])
	p, err := s.read(name)
	if err != nil {
		return v, false, err
	}
	old, met := p.version(v.Version)
	if met && old.SHA256 == v.SHA256 {
		if _, _, err := s.Find(name, v.Version); err == nil {
			if p.Current == v.Version {
				return old, true, nil
			}
			p.Current = v.Version // it is used again
			return old, true, s.write(p)
		}
	}
	dir := filepath.Join(s.Dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return v, false, err
	}
	s.tidy(dir, now)
	err = replace(dir, v.File, text, func(temp string) error {
		docs, diags, err := sigma.Load([]string{temp}, "")
		if err != nil {
			return err
		}
		broken := map[string]bool{}
		for _, d := range diags {
			if d.Severity == diag.Error {
				broken[d.File.Name] = true
			}
		}
		if v.Rules, v.Unusable = len(docs), len(broken); v.Rules == 0 {
			return errors.New("none of its files is a Sigma rule")
		}
		return nil
	})
	if err != nil {
		return v, false, err
	}
	p.Versions = slices.DeleteFunc(p.Versions, func(o Version) bool { return o.Version == v.Version })
	p.Versions = append(p.Versions, v)
	slices.SortStableFunc(p.Versions, func(a, b Version) int { return strings.Compare(a.Version, b.Version) })
	p.Current = v.Version
	if err := s.write(p); err != nil {
		return v, false, err
	}
	if met && old.File != v.File {
		err = os.Remove(filepath.Join(dir, old.File))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	return v, false, err
}

// write writes a package's list.
func (s *Store) write(p *Package) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return replace(filepath.Join(s.Dir, p.Name), listName, append(text, '\n'), nil)
}

// tempMark begins the names of files that are being written.
const tempMark = ".new-"

// replace writes a file whole, or leaves it as it was. check looks at it before it takes
// its place.
func replace(dir, name string, text []byte, check func(temp string) error) error {
	f, err := os.CreateTemp(dir, tempMark+"*"+filepath.Ext(name))
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // there is none once it is in its place
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil && check != nil {
		err = check(f.Name())
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, name))
}

// tidy takes away what a run that was ended by force left a day ago or longer.
func (s *Store) tidy(dir string, now time.Time) {
	entries, _ := os.ReadDir(dir) // tidying is no reason to fail
	for _, e := range entries {
		if st, err := e.Info(); err == nil && strings.HasPrefix(e.Name(), tempMark) && now.Sub(st.ModTime()) > 24*time.Hour {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// Remove takes a version of a package away, or all of it for "". Of the others the one
// that was added last becomes the current one. It says what was taken away.
func (s *Store) Remove(name, version string) (gone []string, err error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	dir := filepath.Join(s.Dir, name)
	p, err := s.read(name)
	if version == "" {
		if st, statErr := os.Lstat(dir); statErr != nil || !st.IsDir() {
			return nil, s.absent(name)
		}
		if err == nil {
			for _, v := range p.Versions {
				gone = append(gone, v.Version)
			}
		}
		return gone, os.RemoveAll(dir) // a damaged one too
	}
	if err != nil {
		return nil, err
	}
	v, ok := p.version(version)
	if !ok {
		_, _, err := s.Find(name, version)
		return nil, err
	}
	p.Versions = slices.DeleteFunc(p.Versions, func(o Version) bool { return o.Version == version })
	if len(p.Versions) == 0 {
		return []string{version}, os.RemoveAll(dir)
	}
	if p.Current == version {
		p.Current = slices.MaxFunc(p.Versions, func(a, b Version) int { return a.Added.Compare(b.Added) }).Version
	}
	if err := s.write(p); err != nil {
		return nil, err
	}
	return []string{version}, os.Remove(filepath.Join(dir, v.File))
}

// Usual are the packages that "sigma" stands for: the widest of SigmaHQ's that is here,
// and emerging-threats beside one that does not hold it.
func (s *Store) Usual() ([]string, error) {
	all, err := s.Packages()
	if err != nil {
		return nil, err
	}
	have := map[string]bool{}
	for _, p := range all {
		have[p.Name] = true
	}
	widest := ""
	for _, o := range Officials {
		if have[o.Name] && o.Name != Addon {
			widest = o.Name
		}
	}
	var names []string
	if widest != "" {
		names = append(names, widest)
	}
	if have[Addon] && widest != All {
		names = append(names, Addon)
	}
	return names, nil
}
