package record

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

// indexes are the partitions that log search finds records in, by record type (2.10).
var indexes = map[string]string{
	"Audit": "audit", "AuditChange": "audit", "AuditFile": "audit", "AuditResourceAccess": "audit",
	"Authentication": "authentication", "AuthenticationPrivilegeEscalation": "authentication",
	"Email":    "email",
	"Endpoint": "endpoint", "EndpointModuleLoad": "endpoint", "EndpointProcess": "endpoint",
	"Network": "network", "NetworkDHCP": "network", "NetworkDNS": "network", "NetworkFlow": "network", "NetworkHTTP": "network", "NetworkProxy": "network",
	"Notification": "notification", "NotificationVulnerability": "notification",
	"FailedRecord": "failure",
}

const indexPrefix = "sec_record_"

// Asked says whether a query is about records: its search expression asks for an
// _index or _view that holds them, such as sec_record_endpoint or sec_record*.
func Asked(q *syntax.Query) bool {
	var names []string
	for _, name := range indexes {
		names = append(names, indexPrefix+name)
	}
	return asks(q, names)
}

// SignalIndex is the partition of signals (2.10).
const SignalIndex = "sec_signal"

// AskedSignals says whether a query is about signals: _index=sec_signal.
func AskedSignals(q *syntax.Query) bool { return asks(q, []string{SignalIndex}) }

// asks says whether a query's search expression asks for an _index or _view of names.
func asks(q *syntax.Query, names []string) (asked bool) {
	if q.Search == nil {
		return false
	}
	syntax.Walk(q.Search, func(n syntax.Node) bool {
		if _, ok := n.(*syntax.Subquery); ok {
			return false
		}
		t, ok := n.(*syntax.FieldTerm)
		if !ok || !strings.EqualFold(t.Field.Name, "_index") && !strings.EqualFold(t.Field.Name, "_view") {
			return true
		}
		for _, v := range t.Values {
			if len(v.Text) < len("sec_") || !strings.EqualFold(v.Text[:len("sec_")], "sec_") { // * alone asks for logs
				continue
			}
			glob := match.CompileGlob(v.Text, true)
			for _, name := range names {
				asked = asked || glob.Match(name)
			}
		}
		return true
	})
	return asked
}

// Feeder gives a query records in the place of events: their attributes by name,
// letter case aside, raw keys as fields.KEY, _index and _view, and of the event its
// time, _raw and metadata. Events without a mapper are of sec_record_failure.
type Feeder struct {
	Of input.Feeder
	By *Catalogue
}

var folded = sync.OnceValue(func() map[string]string {
	m := make(map[string]string, len(schema()))
	for name := range schema() {
		m[strings.ToLower(name)] = name
	}
	return m
})

// Feed is input.Feeder's.
func (f Feeder) Feed(ctx context.Context, want *input.Want) exec.Feed {
	x := &feeding{events: event.NewLayout(), records: event.NewLayout("objectType")}
	inner := *want
	inner.Layout, inner.Need, inner.Only, inner.JSON, inner.Readers = x.events, nil, nil, false, nil
	attribute := func(name string, out event.Slot) {
		x.attrs = append(x.attrs, moved{x.records.Exact(name), out})
	}
	if want.Fields.All {
		for _, name := range slices.Sorted(maps.Keys(schema())) {
			if a := schema()[name]; a.Mappable || a.Enriched || metadata[name] != nil {
				want.Layout.Met(name)
			}
		}
	}
	var pass event.Fields
	for i := range want.Layout.Len() {
		out := event.Slot(i)
		name := want.Layout.Name(out)
		if !want.Fields.Wants(out) {
			continue
		}
		key, isRaw := strings.CutPrefix(name, RawPrefix)
		switch attr := folded()[strings.ToLower(name)]; {
		case strings.EqualFold(name, "_index"), strings.EqualFold(name, "_view"):
			x.index = append(x.index, out)
		case attr != "":
			attribute(attr, out)
		case isRaw && key != "":
			attribute(name, out)
		case strings.HasPrefix(name, "_"):
			in := x.events.Exact(name)
			pass.Add(in)
			x.pass = append(x.pass, moved{in, out})
		}
	}
	plan := NewPlan(f.By.Mappers, f.By.Parsers, x.events, x.records)
	inner.Fields = plan.Fields.Clone()
	inner.Fields.Union(&pass)
	feed := f.Of.Feed(ctx, &inner)
	return func(worker int, front exec.Sink) error {
		return feed(worker, &mapped{feeding: x, run: plan.Open(), front: front})
	}
}

// feeding says what goes where.
type feeding struct {
	events, records *event.Layout
	attrs, pass     []moved      // of records, of events
	index           []event.Slot // where _index and _view go
}

type moved struct{ from, to event.Slot }

// mapped makes records of a worker's batches.
type mapped struct {
	*feeding
	run   *Run
	front exec.Sink
	out   event.Batch
}

func (m *mapped) Push(in *event.Batch) error {
	b := m.run.Map(in)
	out := &m.out
	out.Reset()
	out.N, out.Receipt = b.N, in.Receipt
	out.Live = append(out.Live, b.Live...)
	out.Time = append(out.Time, b.Time...)
	out.Pos = append(out.Pos, b.Pos...)
	for _, c := range m.attrs {
		out.Col(c.to).Alias(&b.Cols[c.from])
	}
	for _, c := range m.pass {
		if int(c.from) < len(in.Cols) {
			out.Col(c.to).Alias(&in.Cols[c.from])
		}
	}
	types, _ := m.records.Find("objectType")
	for _, s := range m.index {
		col := out.Col(s)
		for _, row := range out.Live {
			col.Set(row, event.Text(indexPrefix+indexes[b.Value(types, row).Str()]))
		}
	}
	return m.front.Push(out)
}
