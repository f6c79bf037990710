package sigma

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// modifier is what a word after a | does. One of value and list is set.
type modifier struct {
	name    string
	summary string
	example string // a line of a rule that has it
	// value makes of one value another. A nil result without an error says that
	// the modifier is not for values of that kind.
	value func(Value) (Value, error)
	// list changes the test itself.
	list func(*Test)
	// first says that it must come before every other value modifier.
	first bool
}

// modifiers are those of the specification, and the longer names that pySigma
// takes for some.
var modifiers = func() map[string]*modifier {
	all := map[string]*modifier{}
	for _, m := range []*modifier{
		{name: "contains", summary: "the value holds the text", example: `CommandLine|contains: 'urlcache'`, value: around(true, true)},
		{name: "startswith", summary: "the value starts with the text", example: `Image|startswith: 'C:\Users\'`, value: around(false, true)},
		{name: "endswith", summary: "the value ends with the text", example: `Image|endswith: '\cmd.exe'`, value: around(true, false)},
		{name: "all", summary: "all values of the list must hold, not one", example: `CommandLine|contains|all: ['-split', '-f']`, list: func(t *Test) { t.All = true }},
		{name: "neq", summary: "the test must not hold", example: `User|neq: 'SYSTEM'`, list: func(t *Test) { t.Not = true }},
		{name: "re", summary: "the text is a regular expression", example: `CommandLine|re: '\s-e[nc]*\s'`, value: toRegexp, first: true},
		{name: "i", summary: "the regular expression ignores letter case", example: `CommandLine|re|i: 'frombase64string'`, value: flag(func(r *Regexp) { r.IgnoreCase = true })},
		{name: "m", summary: "^ and $ of the regular expression stand at every line", example: `ScriptBlockText|re|m: '^iex '`, value: flag(func(r *Regexp) { r.Multiline = true })},
		{name: "s", summary: ". of the regular expression is a line end too", example: `ScriptBlockText|re|s: 'iex.+http'`, value: flag(func(r *Regexp) { r.DotAll = true })},
		{name: "cased", summary: "letter case matters", example: `CommandLine|cased|contains: 'IEX'`, value: toCased},
		{name: "base64", summary: "the text is encoded as Base64", example: `CommandLine|base64|contains: 'http://'`, value: toBase64},
		{name: "base64offset", summary: "the text is encoded as Base64, wherever it starts in what is encoded", example: `CommandLine|base64offset|contains: 'http://'`, value: toBase64Offset},
		{name: "wide", summary: "the text is encoded as UTF-16, low byte first", example: `CommandLine|wide|base64offset|contains: 'http://'`, value: wide(utf16LE, "")},
		{name: "utf16le", summary: "the same as wide", example: `CommandLine|utf16le|base64offset|contains: 'http://'`, value: wide(utf16LE, "")},
		{name: "utf16be", summary: "the text is encoded as UTF-16, high byte first", example: `CommandLine|utf16be|base64|contains: 'http://'`, value: wide(utf16BE, "")},
		{name: "utf16", summary: "the text is encoded as UTF-16 with a byte order mark", example: `CommandLine|utf16|base64|contains: 'http://'`, value: wide(utf16LE, "\xff\xfe")},
		{name: "windash", summary: "- before a word may also be /, and the longer dashes", example: `CommandLine|windash|contains: ' -decode '`, value: windash},
		{name: "cidr", summary: "the value is an address inside the network", example: `DestinationIp|cidr: '10.0.0.0/8'`, value: toCIDR, first: true},
		{name: "exists", summary: "the event has the field, or has it not", example: `ParentImage|exists: false`, value: toExists, first: true},
		{name: "fieldref", summary: "the value is that of another field", example: `User|fieldref: 'ParentUser'`, value: toFieldRef},
		{name: "expand", summary: "%name% stands for values from outside the rule", example: `User|expand: '%admins%'`, value: toPlaceholders},
		{name: "lt", summary: "the value is less", example: `LogonType|lt: 4`, value: toCompare(Lt)},
		{name: "lte", summary: "the value is at most that", example: `LogonType|lte: 3`, value: toCompare(Le)},
		{name: "gt", summary: "the value is more", example: `DestinationPort|gt: 49151`, value: toCompare(Gt)},
		{name: "gte", summary: "the value is at least that", example: `DestinationPort|gte: 49152`, value: toCompare(Ge)},
		{name: "minute", summary: "the time's minute is that", example: `UtcTime|minute: 30`, value: toTimePart(Minute)},
		{name: "hour", summary: "the time's hour is that", example: `UtcTime|hour: 3`, value: toTimePart(Hour)},
		{name: "day", summary: "the time's day of the month is that", example: `UtcTime|day: 31`, value: toTimePart(Day)},
		{name: "week", summary: "the time's ISO week is that", example: `UtcTime|week: 1`, value: toTimePart(Week)},
		{name: "month", summary: "the time's month is that", example: `UtcTime|month: 12`, value: toTimePart(Month)},
		{name: "year", summary: "the time's year is that", example: `UtcTime|year: 2026`, value: toTimePart(Year)},
	} {
		all[m.name] = m
	}
	all["ignorecase"], all["multiline"], all["dotall"] = all["i"], all["m"], all["s"]
	return all
}()

// ModifierDoc is what a modifier does, for documentation.
type ModifierDoc struct {
	Name, Also string // Also is its longer name, if it has one
	Summary    string
	Example    string // a line of a rule
}

// Modifiers lists the modifiers by name.
func Modifiers() (list []ModifierDoc) {
	for name, m := range modifiers {
		if name != m.name {
			continue
		}
		d := ModifierDoc{Name: name, Summary: m.summary, Example: m.example}
		for also, o := range modifiers {
			if o == m && also != name {
				d.Also = also
			}
		}
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b ModifierDoc) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// apply runs a modifier over a value, and within AnyOf over each. room is how
// many values may yet be made of what was one.
func (m *modifier) apply(v Value, room *int) (Value, error) {
	if any, ok := v.(AnyOf); ok {
		out := make(AnyOf, len(any))
		for i, a := range any {
			b, err := m.apply(a, room)
			if err != nil {
				return nil, err
			}
			out[i] = b
		}
		return out, nil
	}
	out, err := m.value(v)
	if any, ok := out.(AnyOf); ok {
		if *room -= len(any); *room < 0 {
			return nil, fmt.Errorf("the modifiers make more than %d values of one", valuesMax)
		}
	}
	if err == nil && out == nil {
		return nil, fmt.Errorf("%s is not for %s", m.name, kindOf(v))
	}
	return out, err
}

// kindOf names the kind of a value in messages.
func kindOf(v Value) string {
	switch v.(type) {
	case String:
		return "text"
	case Number:
		return "a number"
	case Bool:
		return "true and false"
	case Null:
		return "null"
	case Regexp:
		return "a regular expression"
	case CIDR:
		return "a network"
	case FieldRef:
		return "a field reference"
	}
	return "what another modifier made of the value"
}

func around(before, behind bool) func(Value) (Value, error) {
	return func(v Value) (Value, error) {
		switch v := v.(type) {
		case String:
			return v.around(before, behind), nil
		case Number: // text that YAML reads as a number
			return plain(v.Text).around(before, behind), nil
		case Regexp:
			v.Start, v.End = v.Start || behind, v.End || before
			return v, nil
		case FieldRef:
			v.Start, v.End = v.Start || behind, v.End || before
			return v, nil
		}
		return nil, nil
	}
}

func toRegexp(v Value) (Value, error) {
	s, ok := v.(String)
	if !ok {
		return nil, nil
	}
	text, _ := s.Plain() // text for re is not read for wildcards
	if _, err := match.CompileRegexp(text); err != nil {
		return nil, fmt.Errorf("the regular expression cannot be used: %w", err)
	}
	return Regexp{Pattern: text}, nil
}

func flag(set func(*Regexp)) func(Value) (Value, error) {
	return func(v Value) (Value, error) {
		r, ok := v.(Regexp)
		if !ok {
			return nil, nil
		}
		set(&r)
		return r, nil
	}
}

func toCased(v Value) (Value, error) {
	s, ok := v.(String)
	if !ok {
		return nil, nil
	}
	s.Cased = true
	return s, nil
}

// bytesOf is the text that an encoding is made of.
func bytesOf(s String) (string, error) {
	if s.wild() {
		return "", fmt.Errorf("Base64 of text with wildcards is not possible: escape them as \\* and \\?")
	}
	if s.has(Placeholder) {
		return "", fmt.Errorf("Base64 of a placeholder is not possible: put the encoded values in its list")
	}
	text, _ := s.Plain()
	return text, nil
}

func toBase64(v Value) (Value, error) {
	s, ok := v.(String)
	if !ok {
		return nil, nil
	}
	text, err := bytesOf(s)
	if err != nil {
		return nil, err
	}
	out := plain(base64.StdEncoding.EncodeToString([]byte(text)))
	out.Cased = s.Cased
	return out, nil
}

// toBase64Offset encodes the text after 0, 1 and 2 other bytes, and leaves the
// characters out that depend on what stands before and after.
func toBase64Offset(v Value) (Value, error) {
	s, ok := v.(String)
	if !ok {
		return nil, nil
	}
	text, err := bytesOf(s)
	if err != nil {
		return nil, err
	}
	var out AnyOf
	for before := range 3 {
		enc := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", before) + text))
		start := [3]int{0, 2, 3}[before]
		end := len(enc) - [3]int{0, 3, 2}[(len(text)+before)%3]
		p := plain(enc[min(start, end):end])
		p.Cased = s.Cased
		out = append(out, p)
	}
	return out, nil
}

func utf16LE(dst []byte, c uint16) []byte { return append(dst, byte(c), byte(c>>8)) }
func utf16BE(dst []byte, c uint16) []byte { return append(dst, byte(c>>8), byte(c)) }

func wide(put func([]byte, uint16) []byte, mark string) func(Value) (Value, error) {
	return func(v Value) (Value, error) {
		s, ok := v.(String)
		if !ok {
			return nil, nil
		}
		s = s.mapText(func(text string) string {
			var out []byte
			for _, c := range utf16.Encode([]rune(text)) {
				out = put(out, c)
			}
			return string(out)
		})
		if mark != "" {
			s.Parts = join([]Part{{Literal, mark}}, s.Parts...)
		}
		return s, nil
	}
}

// dashes are what windash puts for a dash: hyphen, slash, en dash, em dash and
// horizontal bar. Windows programs take most of them.
var dashes = []string{"-", "/", "\u2013", "\u2014", "\u2015"}

// dashName is the placeholder that windash makes of a dash; a name in a rule
// cannot hold a backslash.
const dashName = `\windash`

// windash turns - and / at the start of a word, as in " -param".
func windash(v Value) (Value, error) {
	s, ok := v.(String)
	if !ok {
		return nil, nil
	}
	word := func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	var parts []Part
	n := 0
	for _, p := range s.Parts {
		if p.Kind != Literal {
			parts = append(parts, p)
			continue
		}
		from := 0
		for i := 0; i < len(p.Text); i++ {
			if c := p.Text[i]; c != '-' && c != '/' {
				continue
			}
			before, _ := utf8.DecodeLastRuneInString(p.Text[:i])
			after, _ := utf8.DecodeRuneInString(p.Text[i+1:])
			if i > 0 && word(before) || i+1 == len(p.Text) || !word(after) {
				continue
			}
			if i > from {
				parts = append(parts, Part{Literal, p.Text[from:i]})
			}
			parts = append(parts, Part{Placeholder, dashName})
			from = i + 1
			n++
		}
		if from < len(p.Text) {
			parts = append(parts, Part{Literal, p.Text[from:]})
		}
	}
	if n > dashesMax {
		return nil, fmt.Errorf("windash turns at most %d dashes of a value, and here are %d: split it into several tests", dashesMax, n)
	}
	var turned []String
	for _, d := range dashes {
		turned = append(turned, plain(d))
	}
	all, _ := String{parts, s.Cased}.replace(map[string][]String{dashName: turned})
	out := make(AnyOf, len(all))
	for i, a := range all {
		out[i] = a
	}
	return out, nil
}

func toCIDR(v Value) (Value, error) {
	s, ok := v.(String)
	if !ok {
		return nil, nil
	}
	text, _ := s.Plain()
	if addr, err := netip.ParseAddr(text); err == nil {
		return CIDR{netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, fmt.Errorf("%q is no network in CIDR notation, such as 10.0.0.0/8 or fe80::/10", text)
	}
	if p != p.Masked() {
		return nil, fmt.Errorf("%q has bits set after the prefix; write %s", text, p.Masked())
	}
	return CIDR{p}, nil
}

func toExists(v Value) (Value, error) {
	b, ok := v.(Bool)
	if !ok {
		return nil, nil
	}
	return Exists(b), nil
}

func toFieldRef(v Value) (Value, error) {
	s, ok := v.(String)
	if !ok {
		return nil, nil
	}
	name, ok := s.Plain()
	if !ok || name == "" {
		return nil, fmt.Errorf("fieldref wants the name of a field, without wildcards")
	}
	return FieldRef{Field: name}, nil
}

func toPlaceholders(v Value) (Value, error) {
	if s, ok := v.(String); ok {
		return s.withPlaceholders(), nil
	}
	if r, ok := v.(Regexp); ok {
		return r, nil // Rule.Expand finds them in the pattern
	}
	return nil, nil
}

func toCompare(op Op) func(Value) (Value, error) {
	return func(v Value) (Value, error) {
		switch v := v.(type) {
		case Number:
			return Compare{op, v}, nil
		case String:
			return nil, fmt.Errorf("%s wants a number, and %q is text: write it without quotes", opNames[op], v.String())
		}
		return nil, nil
	}
}

func toTimePart(u TimeUnit) func(Value) (Value, error) {
	return func(v Value) (Value, error) {
		n, ok := v.(Number)
		if !ok {
			return nil, nil
		}
		return TimePart{u, int(n.Float)}, nil
	}
}
