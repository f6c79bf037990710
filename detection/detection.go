// Package detection is a detection package on disk: a manifest, the queries it
// runs, and what belongs to them.
package detection

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
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

// UnmarshalYAML reads a severity's name.
func (s *Severity) UnmarshalYAML(n *yaml.Node) error {
	v, err := ParseSeverity(n.Value)
	if err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	*s = v
	return nil
}

// Package is a loaded detection package.
type Package struct {
	ID       string   `yaml:"id"`
	Name     string   `yaml:"name"`
	Version  string   `yaml:"version"`
	Severity Severity `yaml:"severity"`
	Summary  string   `yaml:"summary"`
	Attack   struct {
		Techniques []string `yaml:"techniques"`
		Tactics    []string `yaml:"tactics"`
	} `yaml:"attack"`
	Score struct {
		Field    string           `yaml:"field"`        // column that holds the score
		Severity map[int]Severity `yaml:"severity_map"` // score to severity
	} `yaml:"score"`
	Logic struct {
		Primary string `yaml:"primary"` // file of the query that hunt runs
	} `yaml:"logic"`

	Dir   string     `yaml:"-"` // as found; for messages
	Query *diag.File `yaml:"-"` // the primary query
}

// Technique is the first ATT&CK technique, "" when the package names none.
func (p *Package) Technique() string {
	if len(p.Attack.Techniques) == 0 {
		return ""
	}
	return p.Attack.Techniques[0]
}

// SeverityOf is the severity of a finding with a score.
func (p *Package) SeverityOf(score int) Severity {
	if s, ok := p.Score.Severity[score]; ok {
		return s
	}
	return p.Severity
}

// Load reads every detection package below a folder of a file system, in the
// order of their paths. name is what the file system is called in messages. One
// that cannot be used is an error in the list beside those that can.
func Load(fsys fs.FS, name string) ([]*Package, []error) {
	var dirs []string
	var errs []error
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path.Join(name, p), err))
			return fs.SkipDir
		}
		if !d.IsDir() && d.Name() == ManifestName {
			dirs = append(dirs, path.Dir(p))
		}
		return nil
	})
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

func read(fsys fs.FS, dir, name string) (*Package, error) {
	at := path.Join(name, dir, ManifestName)
	text, err := fs.ReadFile(fsys, path.Join(dir, ManifestName))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", at, err)
	}
	p := &Package{Dir: path.Join(name, dir)}
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(p); err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	var missing []string
	for _, f := range []struct{ name, value string }{{"id", p.ID}, {"name", p.Name}, {"logic.primary", p.Logic.Primary}} {
		if f.value == "" {
			missing = append(missing, f.name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%s: %s missing", at, strings.Join(missing, ", "))
	}
	query := path.Join(dir, p.Logic.Primary)
	text, err = fs.ReadFile(fsys, query)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: logic.primary names %s, which is not there", at, p.Logic.Primary)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path.Join(name, query), err)
	}
	p.Query = diag.Text(path.Join(name, query), string(text))
	return p, nil
}
