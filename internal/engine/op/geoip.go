package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "geoip", Usage: "geoip <ip:field> [[,] <more:field,...>]",
		Summary: "Says where an IP address is.",
		Text: "Adds `latitude`, `longitude`, `country_code`, `country_name`, `city` and `state`; also `region`, `continent`, `postal_code`, `connection_type`, `metro_code`, `area_code`, `country_cf`, `state_cf` and `city_cf` where they are listed or a later stage names them. " +
			"IPv4 and IPv6; a private or unknown address has nulls. The data is a MaxMind-format file of yours, such as GeoLite2-City.mmdb: `--geo FILE`. Without one all fields are null, with a warning.",
		Differs: "`state` is the name of the first subdivision, `region` its code, by the data you give.",
		Examples: []lang.Example{
			{Query: `* | geoip ip`, In: []string{`{"_raw":"","ip":"10.0.0.1"}`}, Out: []string{`{"ip":"10.0.0.1","country_code":null,"city":null}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Keeps, Alone: true, Costly: true},
	New:   func() lang.Stage { return new(geoip) },
})

type geoip struct {
	IP   *syntax.Field   `usage:"ip"`
	More []*syntax.Field `usage:"more"`

	keys  []event.Slot
	names []string
	outs  []event.Slot
	lazy  int // so many of the first outs are made always, the others where a later stage names them
	after event.Fields
	db    *lookup.Geo
}

func (g *geoip) Check(sc *lang.Scope) {
	g.keys = []event.Slot{sc.Read(g.IP)}
	for _, name := range lookup.GeoColumns {
		g.names, g.outs = append(g.names, name), append(g.outs, sc.MakeName(name))
	}
	for _, f := range g.More {
		if !lookup.GeoField(f.Name) {
			sc.Error(f, "unknown-geo-field", "geoip has no field "+f.Name, "its further fields are "+sentence(lookup.GeoMore))
		}
		g.names, g.outs = append(g.names, f.Name), append(g.outs, sc.Make(f))
	}
	g.lazy = len(g.outs)
	for _, name := range lookup.GeoMore {
		g.names, g.outs = append(g.names, name), append(g.outs, sc.Slot(name))
	}
	g.db = geoDatabase(sc, sc.Stage())
}

func (g *geoip) Needs(f *event.Fields) {
	g.after = f.Clone()
	f.Remove(g.outs[:g.lazy]...)
	f.Add(g.keys...)
}

func (g *geoip) Open(_ *exec.Runtime, next exec.Sink) exec.Task {
	names, outs := g.names[:g.lazy:g.lazy], g.outs[:g.lazy:g.lazy]
	for i := g.lazy; i < len(g.outs); i++ {
		if g.after.Has(g.outs[i]) {
			names, outs = append(names, g.names[i]), append(outs, g.outs[i])
		}
	}
	cols, vals := make([]event.Column, len(outs)), make([]event.Value, len(outs))
	return &each{next: next, fn: func(b *event.Batch) error {
		perKey(b, g.keys, cols, func(key []event.Value) []event.Value {
			clear(vals)
			addresses(g.db, key[0], names, vals)
			return vals
		})
		for i, s := range outs {
			if i < g.lazy {
				b.Col(s).Alias(&cols[i])
				continue
			}
			for _, row := range b.Live { // a field that the data may have: only what is known overwrites it
				if v := cols[i].At(row); !v.IsNull() {
					b.Col(s).Set(row, v)
				}
			}
		}
		return nil
	}}
}
