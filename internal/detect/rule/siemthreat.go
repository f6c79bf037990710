package rule

import (
	"cmp"
	"encoding/json"
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
func WithIndicators(a Attributes, feed *lookup.Feed) Attributes {
	return withIndicators{a, feed, map[*expr.Call]expr.Expr{}}
}

type withIndicators struct {
	Attributes
	feed *lookup.Feed
	ids  map[*expr.Call]expr.Expr // of each hasThreatMatch: the ids of what it meets, an event.List
}

// Indicators lists expressions for the ids of the threat indicators that a condition
// looks for, each of them an event.List or null.
func Indicators(a Attributes, cond expr.Expr) (ids []expr.Expr) {
	with, ok := a.(withIndicators)
	if !ok {
		return nil
	}
	seen := map[*expr.Call]bool{}
	expr.Walk(cond, func(x expr.Expr) bool {
		if c, ok := x.(*expr.Call); ok && with.ids[c] != nil && !seen[c] {
			seen[c] = true
			ids = append(ids, with.ids[c])
		}
		return true
	})
	return ids
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
	// each calls found for each indicator that the values meet, until it is false.
	each := func(args []event.Value, found func(*lookup.Indicator) bool) {
		for _, v := range args[1:] {
			if v.IsNull() {
				continue
			}
			for _, name := range indicatorsOf(v.Str()) {
				for _, i := range with.feed.Find(name) {
					if counts(i, args[0]) && filter(i) && !found(i) {
						return
					}
				}
			}
		}
	}
	call := siemCall("hasThreatMatch", func(args []event.Value) event.Value {
		any := false
		each(args, func(*lookup.Indicator) bool { any = true; return false })
		return event.Bool(any)
	}, args...)
	with.ids[call.(*expr.Call)] = siemCall("threat indicators", func(args []event.Value) event.Value {
		var ids []string
		each(args, func(i *lookup.Indicator) bool {
			if id := cmp.Or(i.ID.Str(), i.Indicator.Str()); !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
			return true
		})
		if ids == nil {
			return event.Value{}
		}
		text, err := json.Marshal(ids)
		if err != nil {
			panic("bug: rule: ids of indicators: " + err.Error())
		}
		return event.List(string(text))
	}, args...)
	return call
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
