package insight

import "strings"

// Entity is what a signal is on: a host, a user, an address.
// Source: Cloud SIEM's entities, ../shared/spec/cloud-siem.md 9.
type Entity struct {
	Type  string // with its underscore: _hostname
	Zone  string // the sensor zone, or ""
	Value string // normalised, see Names
}

// ID is the entity's id: its type, the zone if there is one, and its value,
// joined by dashes; a dash within zone or value is doubled (9.2).
func (e Entity) ID() string {
	var b strings.Builder
	b.WriteString(e.Type)
	if e.Zone != "" {
		b.WriteByte('-')
		b.WriteString(strings.ReplaceAll(e.Zone, "-", "--"))
	}
	b.WriteByte('-')
	b.WriteString(strings.ReplaceAll(e.Value, "-", "--"))
	return b.String()
}

// Types are the types of entities that Cloud SIEM has from the start (9.1).
var Types = []string{
	"_ip", "_mac", "_username", "_hostname", "_process", "_command", "_hash", "_domain",
	"_useragent", "_email", "_url", "_file", "_resource", "_pod", "_deployment", "_replicaset",
}

// folded are the types whose values are the same in any letter case (9.2; 18, R28).
var folded = map[string]bool{
	"_username": true, "_hostname": true, "_domain": true, "_hash": true, "_mac": true, "_email": true,
}

// Names says how the values of entities are normalised beyond letter case (9.3).
// The zero value is what files are read with: letter case alone.
type Names struct {
	AD   bool // DOMAIN\user and user@domain are cut
	FQDN bool // host.domain is cut
	AWS  bool // ARNs of users and roles are cut

	Users bool // names of users are normalised at all
	Hosts bool // names of hosts are

	DefaultDomain string            // the normalised domain whose names stand alone
	Domains       map[string]string // raw domain in small letters -> normalised domain
}

// Entity makes the entity of a type and a record's value.
func (n *Names) Entity(typ, zone, value string) Entity {
	if folded[typ] {
		value = strings.ToLower(value)
	}
	if n != nil {
		switch {
		case typ == "_username" && n.Users:
			value = n.name(value, n.cutUser)
		case typ == "_hostname" && n.Hosts && n.FQDN:
			value = n.name(value, cutHost)
		}
	}
	return Entity{Type: typ, Zone: zone, Value: value}
}

// name is a name in its normalised form; a name without a domain, or with one
// that is not known, stays as it is (9.3).
func (n *Names) name(value string, cut func(string) (name, domain string)) string {
	name, raw := cut(value)
	if name == "" || raw == "" {
		return value
	}
	domain, ok := n.Domains[raw]
	if !ok {
		if !strings.EqualFold(raw, n.DefaultDomain) {
			return value
		}
		domain = n.DefaultDomain
	}
	if strings.EqualFold(domain, n.DefaultDomain) {
		return name
	}
	return name + ":" + strings.ToLower(domain)
}

func (n *Names) cutUser(s string) (name, domain string) {
	if n.AWS && strings.HasPrefix(s, "arn:") {
		// arn:partition:service:region:account:type/path/name
		if p := strings.SplitN(s, ":", 6); len(p) == 6 {
			return p[5][strings.LastIndexByte(p[5], '/')+1:], p[4]
		}
		return "", ""
	}
	if !n.AD {
		return "", ""
	}
	if d, u, ok := strings.Cut(s, `\`); ok {
		return u, d
	}
	if i := strings.LastIndexByte(s, '@'); i > 0 {
		return s[:i], s[i+1:]
	}
	return "", ""
}

func cutHost(s string) (name, domain string) {
	name, domain, _ = strings.Cut(s, ".")
	return name, domain
}
