package detection

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"go.yaml.in/yaml/v3"
)

// Suite is a package's file of test cases.
type Suite struct {
	Schema    string    `yaml:"schema"`
	Mutations Mutations `yaml:"mutations"`
	Cases     []*Case   `yaml:"cases"`
	// Collections are files of cases that want one verdict alike.
	Collections []Collection `yaml:"collections"`

	File string `yaml:"-"`
}

// Collection is a file of cases, one JSON object a line: id, title, reference (where such a
// thing is described), events (objects, or the lines of a log as strings), and in missed why the package does not do as the collection
// wants. A case that is said to be missed fails when it is not, so that the words stay true.
type Collection struct {
	File   string    `yaml:"file"` // beside the suite
	Origin string    `yaml:"origin"`
	Alert  *Severity `yaml:"alert"`
	Below  *Severity `yaml:"below"`
}

// Mutations says which cases are put through the evasions of Mutators, and how
// many of those each detection must still catch.
type Mutations struct {
	Detections []string           `yaml:"detections"`
	Of         []string           `yaml:"of"`       // ids of cases
	MinKill    map[string]float64 `yaml:"min_kill"` // by detection, 0 to 1
}

// Case is one recording with two verdicts: what it must show, and what must fire.
// A detection that it does not name must stay silent.
type Case struct {
	ID         string            `yaml:"id"`
	GUID       string            `yaml:"guid"`
	Title      string            `yaml:"title"`
	Test       int               `yaml:"test"`   // number of the lab test it records
	Atomic     string            `yaml:"atomic"` // file#number of its commands
	Events     string            `yaml:"events"` // file of JSON Lines in the package
	Origin     string            `yaml:"origin"` // recorded on a real host, or written by hand
	Source     string            `yaml:"source"` // of a recording: where it is from, and its licence
	Telemetry  []Telemetry       `yaml:"telemetry"`
	Detections map[string]Expect `yaml:"detections"` // by id
	Signals    *[]ExpectSignal   `yaml:"signals"`    // of the package's Cloud SIEM rules; nil where they are not judged
	Insights   *[]ExpectInsight  `yaml:"insights"`
	Alert      *Severity         `yaml:"alert"` // something of the package finds it with this or more, instead of detections
	Below      *Severity         `yaml:"below"` // nothing does
	Benign     bool              `yaml:"benign"`
	Tuning     string            `yaml:"tuning"` // the ledger entry that handles a benign case
	Reason     string            `yaml:"reason"` // or why nothing is needed

	Line   int    `yaml:"-"`
	Missed string `yaml:"-"` // why Alert or Below is known not to hold
	data   []byte // the events
}

// Telemetry is an event that must, or must not, be in the recording.
type Telemetry struct {
	Source  string `yaml:"source"` // sysmon, security
	Event   int    `yaml:"event_id"`
	Where   string `yaml:"where"` // a Sumo condition
	AtLeast int    `yaml:"at_least"`
	Exactly *int   `yaml:"exactly"`
	Note    string `yaml:"note"`
}

// Expect is what a detection must find in a recording.
type Expect struct {
	Count  int               `yaml:"count"`
	Score  *int              `yaml:"score"`  // of every row
	Entity map[string]string `yaml:"entity"` // column and value, of every row
	Fields map[string]string `yaml:"fields"` // likewise
}

// Suite reads the package's tests. It is nil when the package has none.
func (p *Package) Suite() (*Suite, error) {
	if p.Tests == "" {
		return nil, nil
	}
	at := path.Join(p.Dir, p.Tests)
	text, err := fs.ReadFile(p.FS, p.Tests)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", at, err)
	}
	s := &Suite{File: at}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(s); err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	byID := map[string]*Case{}
	var wrong []error
	for _, c := range s.Cases {
		if c.ID == "" || c.Events == "" {
			wrong = append(wrong, fmt.Errorf("%s: line %d: a case wants an id and events", at, c.Line))
			continue
		}
		if byID[c.ID] != nil {
			wrong = append(wrong, fmt.Errorf("%s: line %d: there is another case %s", at, c.Line, c.ID))
		}
		byID[c.ID] = c
		for id := range c.Detections {
			if p.Detection(id) == nil {
				wrong = append(wrong, fmt.Errorf("%s: line %d: case %s expects of %s, which the package does not have", at, c.Line, c.ID, id))
			}
		}
		file := path.Join(path.Dir(p.Tests), c.Events)
		if c.data, err = fs.ReadFile(p.FS, file); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: line %d: case %s: %w", at, c.Line, c.ID, err))
		}
	}
	for _, c := range s.Collections {
		cases, err := p.collection(c)
		if err != nil {
			wrong = append(wrong, err)
		}
		for _, c := range cases {
			if byID[c.ID] != nil {
				wrong = append(wrong, fmt.Errorf("%s: line %d: there is another case %s", c.Events, c.Line, c.ID))
			}
			byID[c.ID] = c
			s.Cases = append(s.Cases, c)
		}
	}
	for _, id := range s.Mutations.Of {
		if byID[id] == nil {
			wrong = append(wrong, fmt.Errorf("%s: mutations name case %s, which is not there", at, id))
		}
	}
	for _, id := range s.Mutations.Detections {
		if p.Detection(id) == nil {
			wrong = append(wrong, fmt.Errorf("%s: mutations name detection %s, which the package does not have", at, id))
		}
	}
	return s, errors.Join(wrong...)
}

// collection reads the cases of one file.
func (p *Package) collection(c Collection) (out []*Case, err error) {
	name := path.Join(path.Dir(p.Tests), c.File)
	if (c.Alert == nil) == (c.Below == nil) {
		return nil, fmt.Errorf("%s: a collection wants either alert or below", path.Join(p.Dir, name))
	}
	text, err := fs.ReadFile(p.FS, name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path.Join(p.Dir, name), err)
	}
	for i, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		var l struct {
			ID, Title, Reference, Missed string
			Events                       []json.RawMessage
		}
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&l); err != nil {
			return out, fmt.Errorf("%s: line %d: %w", path.Join(p.Dir, name), i+1, err)
		}
		if l.ID == "" || len(l.Events) == 0 {
			return out, fmt.Errorf("%s: line %d: a case wants an id and events", path.Join(p.Dir, name), i+1)
		}
		x := &Case{ID: l.ID, Title: l.Title, Events: c.File, Origin: c.Origin, Alert: c.Alert, Below: c.Below, Benign: c.Below != nil, Reason: l.Reference, Missed: l.Missed, Line: i + 1}
		for _, e := range l.Events {
			var record string // of a log of lines
			if json.Unmarshal(e, &record) == nil {
				e = json.RawMessage(record)
			}
			x.data = append(append(x.data, e...), '\n')
		}
		out = append(out, x)
	}
	return out, nil
}

// UnmarshalYAML keeps the line of a case for messages.
func (c *Case) UnmarshalYAML(n *yaml.Node) error {
	type plain Case
	if err := n.Decode((*plain)(c)); err != nil {
		return err
	}
	c.Line = n.Line
	return nil
}

// isJSON reports whether the events of a case are JSON Lines, as all but some logs of lines are.
func isJSON(data []byte) bool {
	data = bytes.TrimSpace(data)
	return len(data) == 0 || data[0] == '{'
}

// Recorded returns the case's events, one map each. Of a line that is no JSON the map has the
// text alone.
func (c *Case) Recorded() ([]map[string]any, error) {
	var out []map[string]any
	if !isJSON(c.data) {
		for line := range bytes.Lines(c.data) {
			out = append(out, map[string]any{"_raw": string(bytes.TrimSpace(line))})
		}
		return out, nil
	}
	dec := json.NewDecoder(bytes.NewReader(c.data))
	for {
		var e map[string]any
		err := dec.Decode(&e)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: event %d: %w", c.Events, len(out)+1, err)
		}
		out = append(out, e)
	}
}
