package record

import (
	"math"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// derivation fills an attribute from another one of the record, once for each
// distinct value (2.5).
type derivation struct {
	from, to event.Slot
	of       func(v event.Value) event.Value
}

// derived are the endings of derived attributes and what they are made of. Ranks,
// DGA scores and frequencies need data that gyoji does not have; they stay null, as
// does what a geo database says where none is given.
var derived = map[string]func(v event.Value) event.Value{
	"_isInternal":   address(func(ip netip.Addr) event.Value { return event.Bool(internal(ip)) }),
	"_version":      address(func(ip netip.Addr) event.Value { return event.Int(int64(4 + 2*btoi(ip.Is6()))) }),
	"_ipv4IntValue": address(ipv4Int),

	"_fqdn":              domain(func(d string) string { return d }),
	"_rootDomain":        domain(rootDomain),
	"_tld":               domain(tld),
	"_entropyFqdn":       entropy(func(d string) string { return d }),
	"_entropyRootDomain": entropy(rootDomain),
	"_entropySubDomain": entropy(func(d string) string {
		return strings.TrimSuffix(strings.TrimSuffix(d, rootDomain(d)), ".")
	}),

	"_protocol":        urlPart(func(u *parts) string { return u.scheme }),
	"_path":            urlPart(func(u *parts) string { return u.path }),
	"_queryParameters": urlPart(func(u *parts) string { return u.query }),
}

// located are the endings of attributes that a geo database fills, and its fields (2.5).
var located = map[string]string{
	"_countryCode": "country_code", "_countryName": "country_name", "_region": "region", "_city": "city", "_latitude": "latitude", "_longitude": "longitude",
	"_asnNumber": "asn", "_asnOrg": "organization", "_isp": "registering_organization",
}

// derive is how an attribute is derived, nil if it is not.
func (p *Plan) derive(a *Attribute, slot event.Slot) *derivation {
	if !a.Enriched {
		return nil
	}
	i := strings.LastIndexByte(a.Name, '_')
	if i < 0 {
		return nil
	}
	of, base := derived[a.Name[i:]], Schema()[a.Name[:i]]
	if field := located[a.Name[i:]]; field != "" && p.Mappers.Geo != nil {
		of = address(func(ip netip.Addr) event.Value { return p.Mappers.Geo.Field(ip, field) })
	}
	if of == nil || base == nil {
		return nil
	}
	return &derivation{from: p.Records.Exact(base.Name), to: slot, of: of}
}

func (d *derivation) fill(b *event.Batch) {
	b.Col(max(d.from, d.to))
	from, to := &b.Cols[d.from], &b.Cols[d.to]
	to.Follow(from, 0)
	for i, v := range from.Dict {
		if !v.IsNull() {
			to.Dict[i] = d.of(v)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func address(of func(netip.Addr) event.Value) func(event.Value) event.Value {
	return func(v event.Value) event.Value {
		ip, err := netip.ParseAddr(v.Str())
		if err != nil {
			return event.Value{}
		}
		return of(ip.Unmap())
	}
}

// internal says whether an address needs no configuration to be an organisation's
// own: RFC 1918 in the product (2.5), and what is as private in IPv6 (RFC 4193).
func internal(ip netip.Addr) bool { return ip.IsPrivate() }

func ipv4Int(ip netip.Addr) event.Value {
	if !ip.Is4() {
		return event.Value{}
	}
	b := ip.As4()
	return event.Int(int64(b[0])<<24 | int64(b[1])<<16 | int64(b[2])<<8 | int64(b[3]))
}

func domain(of func(string) string) func(event.Value) event.Value {
	return func(v event.Value) event.Value { return text(of(host(v.Str()))) }
}

func entropy(of func(string) string) func(event.Value) event.Value {
	return func(v event.Value) event.Value {
		s := of(host(v.Str()))
		if s == "" {
			return event.Value{}
		}
		return event.Float(shannon(s))
	}
}

// shannon is the entropy of the characters of a text in bits per character.
func shannon(s string) (bits float64) {
	count := map[rune]int{}
	var order []rune // sums of floats depend on their order
	for _, r := range s {
		if count[r]++; count[r] == 1 {
			order = append(order, r)
		}
	}
	n := float64(utf8.RuneCountInString(s))
	for _, r := range order {
		p := float64(count[r]) / n
		bits -= p * math.Log2(p)
	}
	return bits
}
