// Package hunt holds what detections of every kind find, as one list: packages, Sigma
// rules, correlations, rules of Cloud SIEM. A Finding has the same shape whatever found
// it and whatever else ran, and names the records that it was made of.
package hunt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// Kind is what sort of detection a finding is of.
type Kind string

const (
	Package     Kind = "package"
	Sigma       Kind = "sigma"
	Correlation Kind = "correlation"
	CloudSIEM   Kind = "cloud-siem"
)

// Kinds are all of them, in the order of the documentation.
var Kinds = []Kind{Package, Sigma, Correlation, CloudSIEM}

// Schema is the version of the shape of a finding, as docs/schema/finding.json has it.
const Schema = "gyoji/finding/v1"

// Finding is one thing that a detection found. What it does not have is left out of its
// JSON, but for the time, which is null.
type Finding struct {
	ID     string `json:"id" doc:"the same finding of the same record has the same id in every run"`
	Time   Moment `json:"time" doc:"ISO 8601, UTC, milliseconds; null where the event says no time"`
	TimeMS Millis `json:"time_ms" doc:"milliseconds since 1970; null where the event says no time"`

	Severity detection.Severity `json:"severity"`
	Score    *float64           `json:"score,omitempty" doc:"as the detection reckons it; left out where it has none"`

	DetectionID string      `json:"detection_id" doc:"the rule's id, or PACKAGE/DETECTION"`
	Detection   string      `json:"detection" doc:"the detection's title"`
	Kind        Kind        `json:"kind"`
	Package     string      `json:"package,omitempty" doc:"the detection package's name"`
	Techniques  []Technique `json:"techniques,omitempty" doc:"of MITRE ATT&CK"`
	Tactics     []Tactic    `json:"tactics,omitempty" doc:"of MITRE ATT&CK"`

	Host     string   `json:"host,omitempty"`
	User     string   `json:"user,omitempty"`
	Entities []Entity `json:"entities,omitempty" doc:"whom it is about, in the types of Cloud SIEM"`
	Next     string   `json:"next,omitempty" doc:"what to do first"`

	// Place is that of the first record of Evidence: a reader of lines finds it in the
	// head, and CSV has it.
	Place

	Subject  *Subject   `json:"subject,omitempty" doc:"the process or record that findings have in common"`
	Evidence []Evidence `json:"evidence" doc:"the records it was made of"`
	Records  int        `json:"records" doc:"how many records it was made of; evidence lists the first of them"`
	Fields   Fields     `json:"fields" doc:"what this detection has, with typed values"`

	marks []string // of Fields, those that say yes or no

	finder int // index of its detection in the list

	signal string // id of the signal of a Cloud SIEM rule
}

// Numbered is a finding with its number in the list, from 1.
type Numbered struct {
	N int
	*Finding
}

// At is the finding's time in milliseconds, event.NoTime for none.
func (f *Finding) At() int64 { return int64(f.Time) }

// Points is the score as people read it, "" when the detection has none.
func (f *Finding) Points() string {
	if f.Score == nil {
		return ""
	}
	return event.Float(*f.Score).String()
}

// TechniqueIDs are the ids of the techniques.
func (f *Finding) TechniqueIDs() (ids []string) {
	for _, t := range f.Techniques {
		ids = append(ids, t.ID)
	}
	return ids
}

// Values are the fields that people are shown by name: not those that its head has already, and
// not marks.
func (f *Finding) Values() (out Fields) {
	for _, x := range f.Fields {
		v := x.Value.String()
		if f.mark(x) || v == "" || strings.EqualFold(x.Name, "Computer") && v == f.Host || strings.EqualFold(x.Name, "User") && v == f.User {
			continue
		}
		out = append(out, x)
	}
	return out
}

// Flags are the marks that are set, as words: is_user_path is "user path".
func (f *Finding) Flags() (out []string) {
	for _, x := range f.Fields {
		if f.mark(x) && x.Value.String() != "0" && x.Value.String() != "false" {
			out = append(out, strings.ReplaceAll(strings.TrimPrefix(x.Name, "is_"), "_", " "))
		}
	}
	return out
}

// mark reports whether a field is a mark: is_quick, 0 or 1.
func (f *Finding) mark(x Field) bool {
	switch x.Value.String() {
	case "0", "1", "true", "false":
		return strings.HasPrefix(x.Name, "is_") || x.Value.Kind() == event.Boolean || slices.Contains(f.marks, x.Name)
	}
	return false
}

// Technique is a technique of ATT&CK.
type Technique struct {
	ID   string `json:"id" doc:"T1059.001"`
	Name string `json:"name,omitempty" doc:"left out where ATT&CK does not list it"`
}

// Tactic is a tactic of ATT&CK.
type Tactic struct {
	ID   string `json:"id" doc:"TA0002"`
	Name string `json:"name"`
}

// Entity is whom or what a finding is about.
type Entity struct {
	Type  string `json:"type" doc:"as Cloud SIEM has it: _hostname, _username, _ip"`
	Value string `json:"value"`
}

// Place is where a record stands.
type Place struct {
	File     string `json:"file,omitempty" doc:"as it was named; a file in an archive is logs.zip#a.evtx, standard input is -"`
	Line     int64  `json:"line,omitempty" doc:"in a file of text, from 1"`
	RecordID int64  `json:"record_id,omitempty" doc:"EventRecordID of a Windows event"`
	Offset   *int64 `json:"offset,omitempty" doc:"byte offset, where neither line nor record id is known"`
	Channel  string `json:"channel,omitempty"`
	EventID  string `json:"event_id,omitempty"`
	Category string `json:"source_category,omitempty" doc:"_sourceCategory"`
}

// Evidence is a record behind a finding, and where else the same record was read.
type Evidence struct {
	Place
	Copies []Place `json:"copies,omitempty" doc:"further places of the same record"`

	pos    uint64   // as the reader has it; see event.Position
	copied []uint64 // of Copies
}

// Record makes the evidence of a record that a reader gave, by its position.
func Record(p Place, pos uint64) Evidence { return Evidence{Place: p, pos: pos} }

// Subject is what findings that are shown together have in common.
type Subject struct {
	Kind  string `json:"kind" doc:"process or record"`
	Key   string `json:"key" doc:"equal for equal subjects of one run"`
	GUID  string `json:"process_guid,omitempty"`
	PID   string `json:"process_id,omitempty"`
	Image string `json:"image,omitempty"`
}

// Moment is a time in milliseconds since 1970 that is written as ISO 8601.
type Moment int64

// momentForm is how a finding's time is written.
const momentForm = "2006-01-02T15:04:05.000Z"

func (m Moment) String() string {
	if int64(m) == event.NoTime {
		return ""
	}
	return time.UnixMilli(int64(m)).UTC().Format(momentForm)
}

// MarshalJSON writes a time that is not known as null.
func (m Moment) MarshalJSON() ([]byte, error) {
	if int64(m) == event.NoTime {
		return []byte("null"), nil
	}
	return []byte(`"` + m.String() + `"`), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Moment) UnmarshalJSON(text []byte) error {
	*m = Moment(event.NoTime)
	if string(text) == "null" {
		return nil
	}
	t, err := time.Parse(`"`+momentForm+`"`, string(text))
	if err == nil {
		*m = Moment(t.UnixMilli())
	}
	return err
}

// Millis is a time in milliseconds since 1970 that is written as a number.
type Millis int64

// MarshalJSON writes a time that is not known as null.
func (m Millis) MarshalJSON() ([]byte, error) {
	if int64(m) == event.NoTime {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(m), 10), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Millis) UnmarshalJSON(text []byte) error {
	*m = Millis(event.NoTime)
	if string(text) == "null" {
		return nil
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	*m = Millis(n)
	return err
}

// SetTime gives the finding its time, in milliseconds; event.NoTime for none.
func (f *Finding) SetTime(ms int64) { f.Time, f.TimeMS = Moment(ms), Millis(ms) }

// Timed reports whether the time of the finding is known.
func (f *Finding) Timed() bool { return int64(f.Time) != event.NoTime }

// When is the finding's time in UTC, in a form of package time, and "no time" for none.
func (f *Finding) When(form string) string {
	if !f.Timed() {
		return "no time"
	}
	return time.UnixMilli(int64(f.Time)).UTC().Format(form)
}

// Field is a value of a finding.
type Field struct {
	Name  string
	Value event.Value
}

// Fields are values in the order in which the detection has them.
type Fields []Field

// Get finds a value by its name, letter case aside.
func (f Fields) Get(name string) (event.Value, bool) {
	for _, x := range f {
		if strings.EqualFold(x.Name, name) {
			return x.Value, true
		}
	}
	return event.Value{}, false
}

// MarshalJSON writes an object in the order of the fields.
func (f Fields) MarshalJSON() ([]byte, error) { return f.append(nil), nil }

func (f Fields) append(dst []byte) []byte {
	dst = append(dst, '{')
	for i, x := range f {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, x.Name), ':')
		dst = appendValue(dst, x.Value)
	}
	return append(dst, '}')
}

// UnmarshalJSON reads what MarshalJSON writes.
func (f *Fields) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("the fields of a finding are an object: %w", err)
	}
	*f = Fields{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		t, err := d.Token()
		if err != nil {
			return err
		}
		var v event.Value
		switch t := t.(type) {
		case string:
			v = event.Text(t)
		case bool:
			v = event.Bool(t)
		case json.Number:
			if n, err := t.Int64(); err == nil {
				v = event.Int(n)
			} else if x, err := t.Float64(); err == nil {
				v = event.Float(x)
			}
		default:
			return fmt.Errorf("field %v is neither text, a number nor true or false", name)
		}
		*f = append(*f, Field{name.(string), v})
	}
	return nil
}

// appendText appends a JSON string.
func appendText(dst []byte, s string) []byte { return jsondoc.AppendString(dst, s) }

// appendValue appends a value as JSON: text, number or boolean. What is no number of
// JSON is text.
func appendValue(dst []byte, v event.Value) []byte {
	switch v.Kind() {
	case event.Boolean:
		return strconv.AppendBool(dst, v.True())
	case event.Date:
		ms, _ := v.Int()
		return append(append(append(dst, '"'), Moment(ms).String()...), '"')
	case event.Long, event.Double:
		if text := v.String(); json.Valid([]byte(text)) {
			return append(dst, text...)
		}
	}
	return appendText(dst, v.Str())
}

// Get finds a value by name: of the fields, or of the head (Computer and host, User and
// user, EventID and so on), letter case aside.
func (f *Finding) Get(name string) (string, bool) {
	if v, ok := f.Fields.Get(name); ok {
		return v.String(), true
	}
	var s string
	switch strings.ToLower(name) {
	case "computer", "host", "_sourcehost":
		s = f.Host
	case "user":
		s = f.User
	case "processguid":
		s = f.subject().GUID
	case "processid":
		s = f.subject().PID
	case "image":
		s = f.subject().Image
	case "channel":
		s = f.Channel
	case "eventid":
		s = f.EventID
	case "eventrecordid":
		if f.RecordID != 0 {
			s = strconv.FormatInt(f.RecordID, 10)
		}
	case "_sourcename":
		s = f.File
	case "_sourcecategory":
		s = f.Category
	case "_messagetime":
		if f.Timed() {
			s = strconv.FormatInt(int64(f.Time), 10)
		}
	}
	return s, s != ""
}

func (f *Finding) subject() Subject {
	if f.Subject == nil {
		return Subject{}
	}
	return *f.Subject
}

// Summary is the value that says most of what happened.
func (f *Finding) Summary() string {
	for _, n := range []string{"CommandLine", "link", "TargetFilename", "TargetObject", "QueryName", "DestinationIp", "path", "ScriptBlockText", "summary", "ServiceName", "ImageLoaded", "Image", "NewProcessName"} {
		if v, ok := f.Fields.Get(n); ok && v.String() != "" {
			return v.String()
		}
	}
	var all []string
	for _, x := range f.Values() {
		all = append(all, x.Name+"="+x.Value.String())
	}
	all = append(all, f.Flags()...)
	return strings.Join(all, ", ")
}

// Where is the place of a record in a few words: in.evtx record 77, in.jsonl line 3.
func (p *Place) Where() string {
	switch {
	case p.RecordID != 0:
		return p.File + " record " + strconv.FormatInt(p.RecordID, 10)
	case p.Line != 0:
		return p.File + " line " + strconv.FormatInt(p.Line, 10)
	case p.Offset != nil:
		return p.File + " byte " + strconv.FormatInt(*p.Offset, 10)
	}
	return p.File
}

// Command is the command that shows a record, "" for one whose place is not known.
func (p *Place) Command() string {
	file := "'" + strings.ReplaceAll(p.File, "'", `'\''`) + "'"
	switch {
	case p.File == "" || p.File == "-":
		return ""
	case p.RecordID != 0:
		return "gyoji dump --record " + strconv.FormatInt(p.RecordID, 10) + " " + file
	case p.Line != 0:
		return "gyoji dump --line " + strconv.FormatInt(p.Line, 10) + " " + file
	case p.Offset != nil:
		return "gyoji dump --offset " + strconv.FormatInt(*p.Offset, 10) + " " + file
	}
	return ""
}

// TechniquesOf names techniques by their ids.
func TechniquesOf(ids []string) (out []Technique) {
	for _, id := range ids {
		out = append(out, Technique{id, mapping.TechniqueName(id)})
	}
	return out
}

// TacticsOf names tactics by id, name or short name, and where there are none those of
// the techniques.
func TacticsOf(given, techniques []string) (out []Tactic) {
	add := func(name string) {
		t, ok := mapping.TacticNamed(name)
		if !ok {
			return
		}
		for _, x := range out {
			if x.ID == t.ID {
				return
			}
		}
		out = append(out, Tactic{t.ID, t.Name})
	}
	for _, g := range given {
		add(g)
	}
	if out == nil {
		for _, t := range techniques {
			for _, id := range mapping.TacticsOf(t) {
				add(id)
			}
		}
	}
	return out
}
