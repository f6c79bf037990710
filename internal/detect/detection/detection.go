// Package detection is a detection package on disk: a manifest, the queries it
// runs, and what belongs to them.
package detection

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/folder"
)

// ManifestName is the file that makes a folder a detection package.
const ManifestName = "detection.yaml"

// Severity is how bad a finding is.
type Severity uint8

const (
	Informational Severity = iota
	Low
	Medium
	High
	Critical
)

var severities = []string{"informational", "low", "medium", "high", "critical"}

func (s Severity) String() string { return severities[min(int(s), len(severities)-1)] }

// ParseSeverity reads the name of a severity, in any letter case.
func ParseSeverity(s string) (Severity, error) {
	for i, n := range severities {
		if strings.EqualFold(s, n) {
			return Severity(i), nil
		}
	}
	return 0, fmt.Errorf("%q is no severity; write one of %s", s, strings.Join(severities, ", "))
}

// MarshalText writes the severity's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a severity's name.
func (s *Severity) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSeverity(string(text))
	return err
}

// Severities are the names of severities, lowest first.
func Severities() []string { return slices.Clone(severities[:]) }

// UnmarshalYAML reads a severity's name.
func (s *Severity) UnmarshalYAML(n *yaml.Node) error {
	v, err := ParseSeverity(n.Value)
	if err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	*s = v
	return nil
}

// Package is a loaded detection package: everything that belongs to catching
// one technique. docs/packages.md describes its files.
type Package struct {
	Schema      string   `yaml:"schema"`
	ID          string   `yaml:"id"`
	Name        string   `yaml:"name"`
	Version     string   `yaml:"version"`
	Status      string   `yaml:"status"`
	License     string   `yaml:"license"`
	Author      string   `yaml:"author"`
	Date        string   `yaml:"date"`
	Summary     string   `yaml:"summary"`
	Description string   `yaml:"description"`
	Severity    Severity `yaml:"severity"`
	Confidence  struct {
		Source string `yaml:"source"` // as its first author gave it
		Ours   string `yaml:"ours"`
		Reason string `yaml:"reason"`
	} `yaml:"confidence"`
	Attack struct {
		Techniques []string `yaml:"techniques"`
		Tactics    []string `yaml:"tactics"`
		Reference  string   `yaml:"reference"`
		Strategy   string   `yaml:"strategy"`
		Analytics  []string `yaml:"analytics"`
		Groups     []string `yaml:"groups"`
		Software   []string `yaml:"software"`
	} `yaml:"attack"`
	Data           []Data          `yaml:"data"`
	Entities       []Entity        `yaml:"entities"`
	Detections     []*Detection    `yaml:"detections"`
	Baselines      []*Detection    `yaml:"baselines"` // kept to compare with; hunt does not run them
	Platforms      Platforms       `yaml:"platforms"`
	BlindSpots     []string        `yaml:"blind_spots"`
	FalsePositives []FalsePositive `yaml:"false_positives"`
	Related        []Related       `yaml:"related"`
	Hunts          []string        `yaml:"hunts"`  // files of hunting queries
	Tests          string          `yaml:"tests"`  // file of the test cases
	Atomic         string          `yaml:"atomic"` // file of the lab tests, in the form of Atomic Red Team
	Guide          string          `yaml:"guide"`
	Playbook       string          `yaml:"playbook"`
	Measured       *Measured       `yaml:"measured"` // made by gyoji measure; nil where nothing was

	Dir    string `yaml:"-"` // as found; for messages
	Folder string `yaml:"-"` // what Dir is called, however it was spelled: begins the ids of detections
	FS     fs.FS  `yaml:"-"` // rooted at the package's folder
	File   string `yaml:"-"` // the manifest, as found

	lists fs.FS // the lists it shares with its neighbours; nil for none
}

// Data is a source of events that the package needs, or profits from.
type Data struct {
	Source   string   `yaml:"source"` // sysmon, windows-security, cloud-siem
	Collect  string   `yaml:"collect"`
	Category string   `yaml:"category"` // its _sourceCategory
	Events   []int    `yaml:"event_ids"`
	Extra    []int    `yaml:"wanted_event_ids"`
	Required []string `yaml:"required_fields"`
	Wanted   []string `yaml:"wanted_fields"`
}

// Entity says which field of a finding names whom it is about.
type Entity struct {
	Type  string `yaml:"type"` // as in Cloud SIEM: _hostname, _username, _ip, ...
	Field string `yaml:"field"`
}

// Detection is one query of a package.
type Detection struct {
	ID       string    `yaml:"id"`
	Name     string    `yaml:"name"`
	File     string    `yaml:"query"` // in the package
	Severity *Severity `yaml:"severity"`
	Sources  []string  `yaml:"data"` // names of the package's data
	Score    Score     `yaml:"score"`
	Entities []Entity  `yaml:"entities"`
	Tuning   []string  `yaml:"tuning"` // ids of ledger entries, in the order they are compiled
	// Fields renames fields of ledger entries to those of the detection's events:
	// Image to NewProcessName for Security 4688.
	Fields map[string]string `yaml:"fields"`
	Equal  string            `yaml:"equal"` // id of a detection with the same rows
	Note   string            `yaml:"note"`
	Next   string            `yaml:"next"` // what an analyst does first

	Package *Package   `yaml:"-"`
	Query   *diag.File `yaml:"-"`
}

// Score says how a column of a detection's rows becomes a severity.
type Score struct {
	Field    string           `yaml:"field"`
	Range    []int            `yaml:"range"` // lowest and highest value
	Severity map[int]Severity `yaml:"severity_map"`
}

// FalsePositive is a benign thing that looks like the technique.
type FalsePositive struct {
	ID     string `yaml:"id"`
	Text   string `yaml:"text"`
	Test   string `yaml:"test"`   // the case that holds its events
	Tuning string `yaml:"tuning"` // the ledger entry that handles it
}

// Related is something a reader may want next.
type Related struct {
	Kind string `yaml:"kind"` // attack, sigma, cse
	ID   string `yaml:"id"`
	Note string `yaml:"note"`
}

// Platforms names the portable rule and where other languages come from.
type Platforms struct {
	Sigma []string `yaml:"sigma"`
	From  string   `yaml:"generated_from"`
	// Detection is the id of the detection that the portable rule says; the
	// first when it is not given.
	Detection string `yaml:"detection"`
	// Also are portable rules of further detections, written in the same languages with the
	// ledger of theirs. Their queries are not compared with them.
	Also []Portable `yaml:"also"`
	// Rule is a Cloud SIEM match rule in rules/, of whose text the expression is built from
	// the portable rule and its ledger.
	Rule string `yaml:"cse_rule"`
	// Differences are those between the languages that are meant to be.
	Differences []Intended `yaml:"differences"`
}

// Portable is a Sigma rule of the package and the detection that it says.
type Portable struct {
	Sigma     string `yaml:"sigma"`
	Detection string `yaml:"detection"`
}

// Technique is the first ATT&CK technique, "" when the package names none.
func (p *Package) Technique() string {
	if len(p.Attack.Techniques) == 0 {
		return ""
	}
	return p.Attack.Techniques[0]
}

// Detection finds a detection or baseline by its id; nil if there is none.
func (p *Package) Detection(id string) *Detection {
	for _, list := range [][]*Detection{p.Detections, p.Baselines} {
		for _, d := range list {
			if d.ID == id {
				return d
			}
		}
	}
	return nil
}

// SeverityOf is the severity of a finding with a score: that of the highest score in the
// map that is not above it.
func (d *Detection) SeverityOf(score int) Severity {
	best, found := 0, false
	for at := range d.Score.Severity {
		if at <= score && (!found || at > best) {
			best, found = at, true
		}
	}
	if found {
		return d.Score.Severity[best]
	}
	return d.Base()
}

// Base is the severity of a finding without a score.
func (d *Detection) Base() Severity {
	if d.Severity != nil {
		return *d.Severity
	}
	return d.Package.Severity
}

// Whom lists the entities of the detection's findings.
func (d *Detection) Whom() []Entity {
	if len(d.Entities) > 0 {
		return d.Entities
	}
	return d.Package.Entities
}

// Load reads every detection package below a folder of a file system, in the
// order of their paths, but those below a hidden folder. name is what the file system is called in messages. One
// that cannot be used is an error in the list beside those that can.
func Load(fsys fs.FS, name string) ([]*Package, []error) {
	var dirs []string
	var errs []error
	err := fs.WalkDir(fsys, ".", folder.Visible(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path.Join(name, p), err))
			return fs.SkipDir
		}
		if !d.IsDir() && d.Name() == ManifestName {
			dirs = append(dirs, path.Dir(p))
		}
		return nil
	}))
	if err != nil {
		errs = append(errs, err)
	}
	sort.Strings(dirs)
	var out []*Package
	for _, dir := range dirs {
		p, err := read(fsys, dir, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, p)
	}
	return out, errs
}

// LoadDir reads every detection package below a folder of this machine, as Load does.
// Lists that packages share may also stand beside the folder.
func LoadDir(dir string) ([]*Package, []error) {
	out, errs := Load(os.DirFS(dir), filepath.ToSlash(dir))
	beside := os.DirFS(filepath.Join(dir, ".."))
	for _, p := range out {
		if p.lists == nil {
			p.lists = findLists(beside, ".")
		}
		if p.Folder == "." || p.Folder == ".." {
			if abs, err := filepath.Abs(filepath.FromSlash(p.Dir)); err == nil {
				p.Folder = filepath.Base(abs)
			}
		}
	}
	return out, errs
}

func read(fsys fs.FS, dir, name string) (*Package, error) {
	at := path.Join(name, dir, ManifestName)
	text, err := fs.ReadFile(fsys, path.Join(dir, ManifestName))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", at, err)
	}
	p := &Package{Dir: path.Join(name, dir), File: at}
	p.Folder = path.Base(p.Dir)
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(p); err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	if p.FS, err = fs.Sub(fsys, dir); err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	p.lists = findLists(fsys, dir)
	var missing []string
	for _, f := range []struct{ name, value string }{{"id", p.ID}, {"name", p.Name}} {
		if f.value == "" {
			missing = append(missing, f.name)
		}
	}
	if len(p.Detections) == 0 {
		missing = append(missing, "detections")
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%s: %s missing", at, strings.Join(missing, ", "))
	}
	seen := map[string]bool{}
	for _, d := range append(append([]*Detection{}, p.Detections...), p.Baselines...) {
		if d == nil { // a dash with nothing after it
			return nil, fmt.Errorf("%s: a detection wants an id and a query", at)
		}
		d.Package = p
		switch {
		case d.ID == "" || d.File == "":
			return nil, fmt.Errorf("%s: a detection wants an id and a query", at)
		case seen[d.ID]:
			return nil, fmt.Errorf("%s: two detections are called %s", at, d.ID)
		}
		seen[d.ID] = true
		text, err := fs.ReadFile(p.FS, d.File)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: detection %s names %s, which is not there", at, d.ID, d.File)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path.Join(p.Dir, d.File), err)
		}
		d.Query = diag.Text(path.Join(p.Dir, d.File), string(text))
	}
	return p, nil
}
