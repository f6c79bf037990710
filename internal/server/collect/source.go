package collect

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
)

// Types of sources. The first two may be made over the API; of the others there is one
// each, made when first used.
const (
	TypeHTTP   = "HTTP"
	TypeSyslog = "Cloudsyslog"
	typeOther  = "Gyoji" // Elastic's bulk, Kafka, listeners of syslog, OpenTelemetry collectors
)

// Source is where messages come in by, and how they are read: Sumo's source object.
// Source: Sumo Logic, "Use JSON to Configure Sources".
type Source struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Category    string `json:"category"`
	HostName    string `json:"hostName"`
	SourceType  string `json:"sourceType"`

	AutomaticDateParsing       bool              `json:"automaticDateParsing"`
	MultilineProcessingEnabled bool              `json:"multilineProcessingEnabled"`
	UseAutolineMatching        bool              `json:"useAutolineMatching"`
	ManualPrefixRegexp         string            `json:"manualPrefixRegexp,omitempty"`
	ForceTimeZone              bool              `json:"forceTimeZone"`
	TimeZone                   string            `json:"timeZone,omitempty"`
	DefaultDateFormats         []DateFormat      `json:"defaultDateFormats,omitempty"`
	Filters                    []Filter          `json:"filters"`
	CutoffTimestamp            int64             `json:"cutoffTimestamp"` // ms; messages before it are dropped
	Encoding                   string            `json:"encoding"`
	Fields                     map[string]string `json:"fields"`
	MessagePerRequest          bool              `json:"messagePerRequest"`
	// MaxMessage is how many bytes a message may have before it is cut into several;
	// 0 is MessageMax, less than 0 no limit. It is gyoji's own.
	MaxMessage int `json:"maxMessage,omitempty"`
}

// DateFormat is a form of the times of a source: a Java date pattern, or epoch, and a
// regular expression of one group that says where it stands.
type DateFormat struct {
	Format  string `json:"format"`
	Locator string `json:"locator,omitempty"`
}

// Filter is a processing rule.
type Filter struct {
	Name       string `json:"name"`
	FilterType string `json:"filterType"` // Exclude, Include, Mask, Hash, Forward
	Regexp     string `json:"regexp"`
	Mask       string `json:"mask,omitempty"`
}

// NewSource is a source of a name with Sumo's defaults.
func NewSource(name string) Source {
	return Source{
		Name: name, SourceType: TypeHTTP, AutomaticDateParsing: true, MultilineProcessingEnabled: true, UseAutolineMatching: true,
		TimeZone: "UTC", Encoding: "UTF-8", Filters: []Filter{}, Fields: map[string]string{},
	}
}

// UnmarshalJSON gives what is not there Sumo's defaults, unless the source has values
// already: an update changes what it names.
func (s *Source) UnmarshalJSON(text []byte) error {
	type plain Source
	p := plain(*s)
	if s.SourceType == "" {
		p = plain(NewSource(""))
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return err
	}
	*s = Source(p)
	if s.Filters == nil {
		s.Filters = []Filter{}
	}
	if s.Fields == nil {
		s.Fields = map[string]string{}
	}
	return nil
}

// InvalidError says what of a source or collector cannot be.
type InvalidError struct{ Code, Message string }

func (e *InvalidError) Error() string { return e.Message }

func invalid(format string, args ...any) error {
	return &InvalidError{"invalid_source", fmt.Sprintf(format, args...)}
}

// Plan is a source made ready to read messages by. It is safe for many goroutines.
type Plan struct {
	source  Source
	zone    *time.Location
	prefix  *regexp.Regexp
	dates   []dateFormat
	filters []filter
	max     int
	clocks  sync.Pool // of *clock
}

type dateFormat struct {
	pattern *datefmt.Pattern // nil for epochs
	locator *regexp.Regexp   // nil for anywhere
}

type filter struct {
	Filter
	re *regexp.Regexp
}

// Plan checks a source. The error is an *InvalidError.
func (s Source) Plan() (*Plan, error) {
	p := &Plan{source: s, zone: time.UTC, max: s.MaxMessage}
	if strings.TrimSpace(s.Name) == "" {
		return nil, invalid("a source needs a name")
	}
	if s.SourceType != TypeHTTP && s.SourceType != TypeSyslog && s.SourceType != typeOther {
		return nil, invalid("sources of type %q are not offered; there are HTTP and Cloudsyslog", s.SourceType)
	}
	if s.Encoding != "" && !strings.EqualFold(s.Encoding, "UTF-8") && !strings.EqualFold(s.Encoding, "UTF8") {
		return nil, invalid("the encoding %q is not offered: send UTF-8", s.Encoding)
	}
	switch {
	case p.max == 0:
		p.max = MessageMax
	case p.max < 0:
		p.max = bodyMax
	case p.max < 64:
		return nil, invalid("maxMessage is %d bytes, and has to be 64 at least", p.max)
	}
	if s.TimeZone != "" {
		z, err := datefmt.Zone(s.TimeZone)
		if err != nil {
			return nil, invalid("timeZone: %v", err)
		}
		p.zone = z
	}
	if s.MultilineProcessingEnabled && !s.UseAutolineMatching && !s.MessagePerRequest {
		if s.ManualPrefixRegexp == "" {
			return nil, invalid("useAutolineMatching is false, so manualPrefixRegexp has to say which lines begin a message")
		}
		re, err := whole(s.ManualPrefixRegexp)
		if err != nil {
			return nil, invalid("manualPrefixRegexp: %v", err)
		}
		p.prefix = re
	}
	for _, d := range s.DefaultDateFormats {
		var f dateFormat
		var err error
		if !strings.EqualFold(d.Format, "epoch") {
			pattern := d.Format
			if s.ForceTimeZone { // what follows a time is not read
				pattern = strings.TrimRight(pattern, "zZX ")
			}
			if f.pattern, err = datefmt.Compile(pattern); err != nil {
				return nil, invalid("defaultDateFormats: %s: %v", d.Format, err)
			}
		}
		if d.Locator != "" {
			if f.locator, err = regexp.Compile(d.Locator); err != nil {
				return nil, invalid("defaultDateFormats: the locator %s: %v", d.Locator, err)
			}
			if f.locator.NumSubexp() != 1 || f.locator.SubexpNames()[1] != "" {
				return nil, invalid("defaultDateFormats: the locator %s must have exactly one group, without a name", d.Locator)
			}
		}
		p.dates = append(p.dates, f)
	}
	for _, f := range s.Filters {
		kinds := []string{"Exclude", "Include", "Mask", "Hash", "Forward"}
		at := slices.IndexFunc(kinds, func(k string) bool { return strings.EqualFold(k, f.FilterType) })
		if at < 0 {
			return nil, invalid("filter %s: there is no filterType %q; there are %s", f.Name, f.FilterType, strings.Join(kinds, ", "))
		}
		f.FilterType = kinds[at]
		compile := whole
		if f.FilterType == "Mask" || f.FilterType == "Hash" {
			compile = regexp.Compile
		}
		re, err := compile(f.Regexp)
		if err != nil {
			return nil, invalid("filter %s: %v", f.Name, err)
		}
		if (f.FilterType == "Mask" || f.FilterType == "Hash") && re.NumSubexp() == 0 {
			return nil, invalid("filter %s: a regular expression of a %s filter needs a group around what is replaced", f.Name, f.FilterType)
		}
		if f.FilterType != "Forward" {
			p.filters = append(p.filters, filter{f, re})
		}
	}
	return p, nil
}

// whole compiles an expression that has to match all of a text.
func whole(expr string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(expr); err != nil {
		return nil, err // of the expression as it was given
	}
	return regexp.Compile(`\A(?:` + expr + `)\z`)
}

// filtered applies the source's filters to a message. keep is false for one that is
// dropped; a message that is changed is a copy.
func (p *Plan) filtered(msg []byte) (_ []byte, keep bool) {
	for i := range p.filters {
		f := &p.filters[i]
		switch f.FilterType {
		case "Exclude":
			if f.re.Match(msg) {
				return nil, false
			}
		case "Include":
			if !f.re.Match(msg) {
				return nil, false
			}
		case "Mask":
			msg = replaceGroups(f.re, msg, func([]byte) string { return f.Mask })
		case "Hash":
			msg = replaceGroups(f.re, msg, func(b []byte) string {
				sum := md5.Sum(b)
				return hex.EncodeToString(sum[:])
			})
		}
	}
	return msg, true
}

// replaceGroups replaces what the groups of an expression match, inner groups as part of
// the outer.
func replaceGroups(re *regexp.Regexp, msg []byte, with func([]byte) string) []byte {
	all := re.FindAllSubmatchIndex(msg, -1)
	if len(all) == 0 {
		return msg
	}
	out := make([]byte, 0, len(msg)+64)
	at := 0
	for _, m := range all {
		for g := 2; g+1 < len(m); g += 2 {
			if m[g] < at || m[g] < 0 {
				continue
			}
			out = append(append(out, msg[at:m[g]]...), with(msg[m[g]:m[g+1]])...)
			at = m[g+1]
		}
	}
	return append(out, msg[at:]...)
}
