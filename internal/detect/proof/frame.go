package proof

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// frame is a kind of event: where it is written, and its number. Events are made
// within one: with the fields that such an event has, under the names that it
// has them by.
type frame struct {
	channel, provider, id string
	category              string         // of what has no channel; "" for none
	parser                *record.Parser // of another product than Windows, whose event id is id; nil of Windows
}

// base are the fields that all events of the frame have, and that say what they are.
func (f frame) base() map[string]string {
	if f.parser != nil {
		return f.recognised()
	}
	out := map[string]string{}
	for n, v := range map[string]string{"Channel": f.channel, "Provider": f.provider, "EventID": f.id, "_sourceCategory": f.category} {
		if v != "" {
			out[n] = v
		}
	}
	return out
}

// fields4688 and fields4689 are what the Security log writes of processes.
// Source: Microsoft, 4688(S) and 4689(S), version 2.
var (
	fields4688 = strings.Fields("SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId NewProcessId NewProcessName TokenElevationType ProcessId CommandLine TargetUserSid TargetUserName TargetDomainName TargetLogonId ParentProcessName MandatoryLabel")
	fields4689 = strings.Fields("SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId Status ProcessId ProcessName")
)

// always are fields without which an event of the frame is not what it is: the
// reader knows a 4688 by them (mapping.Shapes).
func (f frame) always() map[string]string {
	switch {
	case f.channel == "Security" && f.id == "4688":
		return map[string]string{"NewProcessName": "a"}
	case f.channel == "Security" && f.id == "4689":
		return map[string]string{"SubjectUserSid": "S-1-0-0", "ProcessName": "a"}
	}
	return nil
}

// longDigest is a digest that is longer than its kind, or has something else than
// a comma before its name.
var longDigest = match.Lazy(`(?i)[^,](?:MD5|SHA1|SHA256|IMPHASH)=|(?:MD5|IMPHASH)=[^,]{33}|SHA1=[^,]{41}|SHA256=[^,]{65}`)

// writes reports whether an event of the frame can have a value: Windows and
// Sysmon write no process without its program, no port that is no number, no
// account with a backslash and no digest that is too long.
// Source: Microsoft, 4688(S) and 4689(S); Sysmon's manifest (sysmon -s).
func (f frame) writes(name, value string) bool {
	sysmon := f.provider == "Microsoft-Windows-Sysmon"
	switch name {
	case "NewProcessName", "ProcessName", "SubjectUserSid":
		_, always := f.always()[name]
		return !always || value != ""
	case "Image":
		return !sysmon || value != ""
	case "SubjectUserName", "SubjectDomainName":
		return !strings.Contains(value, `\`)
	case "Hashes", "Hash":
		return !sysmon || !longDigest().MatchString(value)
	case "SourcePort", "DestinationPort":
		return !sysmon || value != "" && strings.Trim(value, "0123456789") == ""
	}
	return true
}

// ofSystem are the fields that every event of Windows has.
var ofSystem = strings.Fields("Computer Level Task Opcode Keywords Version EventRecordID UserID ExecutionProcessID ThreadID")

// fields are those that an event of the frame has; nil when that is not known.
func (f frame) fields() []string {
	switch {
	case f.provider == "Microsoft-Windows-Sysmon":
		return mapping.SysmonFields(f.id)
	case f.channel == "Security" && f.id == "4688":
		return fields4688
	case f.channel == "Security" && f.id == "4689":
		return fields4689
	}
	return nil
}

// has finds a field's name as the frame spells it; ok is false for one that no
// event of it has.
func (f frame) has(name string) (spelt string, ok bool) {
	known := f.fields()
	if known == nil {
		return name, true
	}
	for _, list := range [2][]string{known, ofSystem} {
		for _, n := range list {
			if strings.EqualFold(n, name) {
				return n, true
			}
		}
	}
	return name, false
}

// text is the field that stands for the text of the whole event, where keywords
// are looked for.
func (f frame) text() string {
	switch {
	case f.channel == "Security" && f.id == "4688":
		return "CommandLine"
	case f.fields() != nil:
		return "RuleName"
	}
	return "Message"
}

// world is the fields of a frame, each with a slot of one layout.
type world struct {
	frame
	layout *event.Layout
}

// within is a side's condition in a frame: what the frame decides is decided,
// fields have the names that such events have.
func (w *world) within(s *Side) expr.Expr {
	if s.of != nil {
		return w.lowered(s.of)
	}
	text := func(v string) expr.Expr {
		if v == "" {
			return &expr.Const{}
		}
		return &expr.Const{Value: event.Text(v)}
	}
	field := func(name string) expr.Expr {
		spelt, ok := w.has(name)
		if !ok {
			return &expr.Const{}
		}
		return &expr.Field{Slot: w.layout.Slot(spelt), Name: spelt}
	}
	return expr.Fold(expr.Replace(s.cond, func(f *expr.Field) expr.Expr {
		name := strings.ToLower(f.Name)
		if w.parser != nil {
			if v, ok := w.base()[f.Name]; ok {
				return text(v)
			}
			name = ""
		}
		switch name {
		case "channel":
			return text(w.channel)
		case "provider":
			return text(w.provider)
		case "eventid":
			return text(w.id)
		case "_sourcecategory":
			return text(cmp.Or(w.category, mapping.Category(w.channel, w.provider)))
		case "_raw", "keywords":
			if name == "_raw" || s.layout.Name(f.Slot) != f.Name {
				return field(w.text())
			}
		}
		if _, ok := w.has(f.Name); ok || s.native {
			return field(f.Name)
		}
		return w.mapped(f.Name, field)
	}))
}

// mapped is a field that the events of the frame have under another name, as
// the reader finds it (mapping.Shapes).
func (w *world) mapped(name string, field func(string) expr.Expr) expr.Expr {
	for _, s := range mapping.Shapes() {
		if s.Name != "security" || w.channel != "Security" {
			continue
		}
		for _, src := range s.Fields {
			if !strings.EqualFold(src.Name, name) {
				continue
			}
			if _, ok := w.has(src.From[0]); !ok || src.Name == "Image" && (src.From[0] == "ProcessName") != (w.id == "4689") {
				continue
			}
			from := field(src.From[0])
			switch src.Form {
			case mapping.Same:
				return from
			case mapping.Account:
				return account(from, field(src.From[1]))
			case mapping.Translated:
				of := []expr.Expr{from}
				var keys []string
				for k := range src.Is {
					keys = append(keys, k)
				}
				slices.Sort(keys)
				for _, k := range keys {
					of = append(of, &expr.Const{Value: event.Text(k)})
				}
				return &expr.Call{Name: name, Args: of, Fn: func(_ *expr.Env, args []event.Value) (event.Value, error) {
					if is, ok := src.Is[args[0].Str()]; ok {
						return event.Text(is), nil
					}
					return event.Value{}, nil
				}}
			}
		}
	}
	return &expr.Const{}
}

// account is DOMAIN\name, or the name alone.
func account(domain, name expr.Expr) expr.Expr {
	return &expr.Call{Name: "account", Args: []expr.Expr{domain, name}, Nulls: true, Fn: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		if args[1].IsNull() || args[0].IsNull() || args[0].Str() == "" || args[0].Str() == "-" {
			return args[1], nil
		}
		return event.Text(args[0].Str() + `\` + args[1].Str()), nil
	}}
}

// usual are channels that a query may mean by its _sourceCategory.
var usual = []frame{
	{channel: "Microsoft-Windows-Sysmon/Operational", provider: "Microsoft-Windows-Sysmon", id: "1"},
	{channel: "Security", provider: "Microsoft-Windows-Security-Auditing", id: "4688"},
	{channel: "System", id: "7045"},
	{channel: "Microsoft-Windows-PowerShell/Operational", id: "4104"},
}

// frames are the kinds of event that two sides tell apart.
func frames(a, b *Side) (out []frame) {
	add := func(f frame) {
		if f.provider == "" && f.parser == nil {
			f.provider = mapping.ProviderOf(f.channel)
		}
		if !slices.Contains(out, f) && len(out) < framesMax {
			out = append(out, f)
		}
	}
	var channels, ids []string
	for _, s := range [2]*Side{a, b} {
		c, n, events := s.mentions()
		channels, ids = append(channels, c...), append(ids, n...)
		products := ofProducts(events, s.names)
		for _, f := range products {
			add(f)
		}
		for _, t := range events {
			i := strings.LastIndexByte(t, '-')
			if i <= 0 || slices.ContainsFunc(products, func(f frame) bool { return f.id == t }) {
				continue
			}
			if i < len(t)-1 {
				add(frame{channel: t[:i], id: t[i+1:]})
			} else if !slices.Contains(channels, t[:i]) {
				channels = append(channels, t[:i])
			}
		}
	}
	for _, s := range [2]*Side{a, b} {
		for _, p := range s.places {
			numbers := p.EventIDs
			if numbers == nil {
				numbers = ids
			}
			if len(numbers) == 0 {
				numbers = []string{"1"}
			}
			for _, id := range numbers {
				add(frame{channel: p.Channel, provider: p.Provider, id: id})
			}
		}
		if s.other {
			add(frame{})
		}
	}
	if len(out) == 1 && out[0] == (frame{}) {
		return out // another product's: its events have neither channel nor number
	}
	for _, c := range channels {
		for _, id := range ids {
			add(frame{channel: c, provider: "", id: id})
		}
		if len(ids) == 0 {
			add(frame{channel: c, provider: "", id: "1"})
		}
	}
	for _, u := range usual {
		if len(channels) == 0 {
			for _, id := range ids {
				add(frame{channel: u.channel, provider: u.provider, id: id})
			}
		}
		add(u)
	}
	// Events of another number, which no side should be about.
	for _, f := range slices.Clone(out) {
		if f.parser == nil {
			add(frame{channel: f.channel, provider: f.provider, id: "9999"})
		}
	}
	return out
}

// names reports whether a side's condition has a text among its constants.
func (s *Side) names(text string) (found bool) {
	expr.Walk(s.cond, func(x expr.Expr) bool {
		c, ok := x.(*expr.Const)
		found = found || ok && c.Value.Str() == text
		return !found
	})
	return found
}

// mentions are the channels and event ids that a side's condition names, and what it
// names as metadata_deviceEventId.
func (s *Side) mentions() (channels, ids, events []string) {
	add := func(to *[]string, v string) {
		if v != "" && !slices.Contains(*to, v) {
			*to = append(*to, v)
		}
	}
	expr.Walk(s.cond, func(x expr.Expr) bool {
		names := map[string]bool{}
		var texts []string
		x.Parts(func(p expr.Expr) {
			expr.Walk(p, func(y expr.Expr) bool {
				switch y := y.(type) {
				case *expr.Field:
					names[strings.ToLower(y.Name)] = true
				case *expr.Const:
					texts = append(texts, y.Value.Str())
				}
				return true
			})
		})
		if g, ok := x.(*expr.Glob); ok {
			texts = append(texts, g.Glob.Literals()...)
		}
		switch x.(type) {
		case *expr.And, *expr.Or, *expr.Not, *expr.If:
			return true
		}
		for _, t := range texts {
			switch {
			case names["metadata_deviceeventid"]:
				add(&events, t)
			case len(names) == 1 && names["eventid"]:
				add(&ids, t)
			case len(names) == 1 && names["channel"] && s.Kind == "Sumo query": // of the others the places are known
				add(&channels, t)
			}
		}
		if len(names) == 1 && names["_sourcecategory"] {
			for _, u := range usual {
				y := expr.Fold(expr.Replace(x, func(*expr.Field) expr.Expr {
					return &expr.Const{Value: event.Text(mapping.Category(u.channel, u.provider))}
				}))
				if c, ok := y.(*expr.Const); ok && c.Value.True() {
					add(&channels, u.channel)
				}
			}
		}
		return true
	})
	return channels, ids, events
}
