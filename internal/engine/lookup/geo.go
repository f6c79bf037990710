package lookup

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Geo is one or more MaxMind-format databases: city, country, ASN, connection
// type. A field comes from the first of them that has it. Safe for several
// goroutines.
type Geo struct{ dbs []*maxminddb.Reader }

// geoPaths says where the fields of geoip and of the geo and ASN lookups stand
// in a database (the field names of MaxMind's City, ASN and ISP databases).
var geoPaths = map[string][]any{
	"latitude":                 {"location", "latitude"},
	"longitude":                {"location", "longitude"},
	"country_code":             {"country", "iso_code"},
	"country_name":             {"country", "names", "en"},
	"city":                     {"city", "names", "en"},
	"state":                    {"subdivisions", 0, "names", "en"},
	"region":                   {"subdivisions", 0, "iso_code"},
	"continent":                {"continent", "code"},
	"postal_code":              {"postal", "code"},
	"connection_type":          {"connection_type"},
	"metro_code":               {"location", "metro_code"},
	"area_code":                {"area_code"}, // queries from the days of GeoIP Legacy ask for it; databases have it no more
	"country_cf":               {"country", "confidence"},
	"state_cf":                 {"subdivisions", 0, "confidence"},
	"city_cf":                  {"city", "confidence"},
	"asn":                      {"autonomous_system_number"},
	"organization":             {"autonomous_system_organization"},
	"carrier_organization":     {"autonomous_system_organization"},
	"registering_organization": {"isp"},
}

// Columns of the sources that geo databases stand for.
var (
	GeoColumns = []string{"latitude", "longitude", "country_code", "country_name", "city", "state"}
	GeoMore    = []string{"region", "continent", "postal_code", "connection_type", "country_cf", "state_cf", "city_cf", "metro_code", "area_code"}
	ASNColumns = []string{"asn", "organization", "registering_organization", "carrier_organization"}
)

// OpenGeo opens a database and adds it to the library.
func (l *Library) OpenGeo(file string) error {
	db, err := maxminddb.Open(file)
	if err != nil {
		var bad maxminddb.InvalidDatabaseError
		if errors.As(err, &bad) {
			return fmt.Errorf("%s is no MaxMind-format database (.mmdb): %w", file, err)
		}
		return fmt.Errorf("open geo database: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.geo == nil {
		l.geo = &Geo{}
	}
	l.geo.dbs = append(l.geo.dbs, db)
	return nil
}

// Geo returns the databases, nil when there is none.
func (l *Library) Geo() *Geo {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.geo
}

// Field returns a field of an address, null where it is not known. Private
// and other special addresses are in no database.
func (g *Geo) Field(ip netip.Addr, name string) Value {
	path := geoPaths[strings.ToLower(name)]
	if g == nil || path == nil || !ip.IsValid() {
		return Value{}
	}
	for _, db := range g.dbs {
		if ip.Is6() && db.Metadata.IPVersion == 4 {
			continue
		}
		r := db.Lookup(ip)
		if !r.Found() {
			continue
		}
		var v any
		if err := r.DecodePath(&v, path...); err != nil || v == nil {
			continue
		}
		switch v := v.(type) {
		case string:
			return event.Text(v)
		case float64:
			return event.Float(math.Round(v*1e5) / 1e5) // five decimals, as the service gives
		case uint64:
			return event.Int(int64(v))
		case uint32:
			return event.Int(int64(v))
		case uint16:
			return event.Int(int64(v))
		case int:
			return event.Int(int64(v))
		case bool:
			return event.Bool(v)
		}
	}
	return Value{}
}

// GeoField reports whether geoip and the geo lookup know a field.
func GeoField(name string) bool {
	return column(GeoColumns, name) >= 0 || column(GeoMore, name) >= 0
}
