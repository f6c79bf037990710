package rule

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem"
)

// WithIndicators has hasThreatMatch look values up in a feed. Without one it is
// false, and a warning says so.
func WithIndicators(a Attributes, feed *lookup.Feed) Attributes { return withIndicators{a, feed} }

type withIndicators struct {
	Attributes
	feed *lookup.Feed
}

// validity says which indicators count.
type validity func(i *lookup.Indicator, now event.Value) bool

func active(i *lookup.Indicator, now event.Value) bool {
	return now.IsNull() || !siemHolds(">", seconds(i.ValidFrom), now) && !siemHolds("<=", seconds(i.ValidUntil), now)
}

// seconds is a time of a feed, in Unix seconds, in ms.
func seconds(v event.Value) event.Value {
	f, ok := v.Float()
	if !ok {
		return event.Value{}
	}
	return event.Int(int64(f * 1000))
}

var validities = map[string]validity{
	"active_indicators": active,
	"expired_indicators": func(i *lookup.Indicator, now event.Value) bool {
		return siemHolds("<=", seconds(i.ValidUntil), now)
	},
	"all_indicators": func(*lookup.Indicator, event.Value) bool { return true },
}

// indicatorFields are what a filter can ask of an indicator (4.9).
var indicatorFields = map[string]func(*lookup.Indicator) event.Value{
	"actors":     func(i *lookup.Indicator) event.Value { return i.Actors },
	"confidence": func(i *lookup.Indicator) event.Value { return i.Confidence },
	"id":         func(i *lookup.Indicator) event.Value { return i.ID },
	"indicator":  func(i *lookup.Indicator) event.Value { return i.Indicator },
	"killChain":  func(i *lookup.Indicator) event.Value { return i.KillChain },
	"source":     func(i *lookup.Indicator) event.Value { return i.Source },
	"threatType": func(i *lookup.Indicator) event.Value { return i.ThreatType },
	"type":       func(i *lookup.Indicator) event.Value { return i.Type },
	"validFrom":  func(i *lookup.Indicator) event.Value { return i.ValidFrom },
	"validUntil": func(i *lookup.Indicator) event.Value { return i.ValidUntil },
}

// threat lowers hasThreatMatch([attribute, ...] [, filter] [, option]).
func (l *siemLowering) threat(x *siem.Call) expr.Expr {
	if len(x.Args) < 1 || len(x.Args) > 3 {
		return l.arity(x, 1, 3)
	}
	list, ok := x.Args[0].(*siem.List)
	if !ok || len(list.Items) == 0 {
		return l.fail(x.Args[0].At(), "threat-attributes", "%s wants a list of attributes first: %s([srcDevice_ip])", x.Name, x.Name)
	}
	var args []expr.Expr
	for _, a := range list.Items {
		args = append(args, l.lower(a))
	}
	counts, filter := validity(active), func(*lookup.Indicator) bool { return true }
	for i, a := range x.Args[1:] {
		if n, ok := a.(*siem.Name); ok && validities[strings.ToLower(n.Name)] != nil {
			counts = validities[strings.ToLower(n.Name)]
			if i < len(x.Args)-2 {
				return l.fail(a.At(), "threat-filter", "%s stands last", n.Name)
			}
			continue
		}
		if i > 0 {
			return l.fail(a.At(), "threat-filter", "the last argument is active_indicators, expired_indicators or all_indicators")
		}
		if t, ok := a.(*siem.Literal); ok && t.Kind == siem.Text { // a filter in quotes
			y, ds := siem.Parse(diag.Text(l.file.Name, t.Text))
			if ds.HasErrors() {
				return l.fail(a.At(), "threat-filter", "the filter cannot be read: %s", ds[0].Message)
			}
			a = y.Cond
		}
		filter = l.threatFilter(a)
	}
	with, ok := l.attr.(withIndicators)
	if !ok || with.feed == nil {
		l.diags.Add(&diag.Diagnostic{Severity: diag.Warning, Code: "no-indicators", File: l.file, Span: x.Span, Message: "there is no store of threat indicators here: hasThreatMatch is false"})
		return &expr.Const{Value: event.Bool(false)}
	}
	args = append([]expr.Expr{l.attribute(&siem.Name{Name: "timestamp", Span: x.Span})}, args...)
	return siemCall("hasThreatMatch", func(args []event.Value) event.Value {
		for _, v := range args[1:] {
			if v.IsNull() {
				continue
			}
			for _, name := range indicatorsOf(v.Str()) {
				if slices.ContainsFunc(with.feed.Find(name), func(i *lookup.Indicator) bool { return counts(i, args[0]) && filter(i) }) {
					return event.Bool(true)
				}
			}
		}
		return event.Bool(false)
	}, args...)
}

// threatFilter lowers a condition on indicators.
func (l *siemLowering) threatFilter(x siem.Node) func(*lookup.Indicator) bool {
	bad := func(*lookup.Indicator) bool { return false }
	switch x := x.(type) {
	case *siem.And:
		a, b := l.threatFilter(x.X), l.threatFilter(x.Y)
		return func(i *lookup.Indicator) bool { return a(i) && b(i) }
	case *siem.Or:
		a, b := l.threatFilter(x.X), l.threatFilter(x.Y)
		return func(i *lookup.Indicator) bool { return a(i) || b(i) }
	case *siem.Compare:
		name, ok := x.X.(*siem.Name)
		lit, ok2 := x.Y.(*siem.Literal)
		if !ok || !ok2 {
			break
		}
		field := indicatorFields[name.Name]
		if field == nil {
			l.fail(name.Span, "threat-filter", "indicators have no %s; a filter asks for actors, confidence, id, indicator, killChain, source, threatType, type, validFrom or validUntil", name.Name)
			return bad
		}
		want := l.lower(lit).(*expr.Const).Value
		return func(i *lookup.Indicator) bool {
			v := field(i)
			if x.Op == "=" && name.Name == "type" && strings.HasPrefix(v.Str(), want.Str()+".") {
				return true // file:hashes is of any algorithm: file:hashes.MD5
			}
			return siemHolds(x.Op, v, want)
		}
	}
	l.fail(x.At(), "threat-filter", "a filter compares fields of indicators with values, joined by AND and OR: confidence > 50 AND type = 'ipv4-addr'")
	return bad
}

// indicatorsOf are the indicators that a value meets: its own, for an address the
// networks that it is in, for a domain those that it is of.
func indicatorsOf(value string) []string {
	all := []string{value}
	if ip, err := netip.ParseAddr(value); err == nil {
		for bits := ip.BitLen(); bits > 0; bits-- {
			if p, err := ip.Prefix(bits); err == nil {
				all = append(all, p.String())
			}
		}
		return all
	}
	if strings.ContainsAny(value, "/:@ ") {
		return all
	}
	for rest := value; ; {
		_, after, ok := strings.Cut(rest, ".")
		if !ok || !strings.Contains(after, ".") {
			return all
		}
		all, rest = append(all, after), after
	}
}
