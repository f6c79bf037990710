package convert

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/sigma"
)

// ipv6Pattern is a regular expression that finds the addresses of an IPv6
// network in all spellings of RFC 4291, section 2.2: leading zeros, a run of
// zeroes as "::", the last 32 bits as an IPv4 address. It takes for granted
// that the value is an address, but for what the pattern zone finds behind it:
// Windows writes fe80::1%12. Languages that compare IPv4 networks alone need it.
// False is for networks that hold IPv4 addresses in IPv6 clothes, which Sigma
// takes for IPv4, and for those between /96 and /128, which end within such a tail.
func ipv6Pattern(p netip.Prefix, zone string) (string, bool) {
	mapped := netip.MustParsePrefix("::ffff:0:0/96")
	if p.Overlaps(mapped) || p.Bits() > 96 && p.Bits() < 128 {
		return "", false
	}
	n := ipv6Groups(p)
	ways := n.written()
	if n.fixed() == 8 {
		ways = n.host()
	}
	all := strings.Join(ways, "|")
	if len(ways) > 1 {
		all = "(?:" + all + ")"
	}
	return ipv6Flags("i", zone) + "^" + all + zone + "$", true
}

const ipv6Refused = "a network that holds IPv4 addresses as IPv6, or ends between /96 and /128"

// hexGroup is any group of an address, hexRest all that may follow.
const (
	hexGroup = `[0-9a-f]{1,4}`
	hexRest  = `[0-9a-f:.]*`
)

// network is the groups of an address that a prefix decides, of 16 bits each.
type network struct {
	groups []string // a pattern each
	zero   []bool   // the group may be zero, and so be left out
	addr   netip.Addr
}

func (n *network) fixed() int { return len(n.groups) }

func ipv6Groups(p netip.Prefix) *network {
	n := &network{addr: p.Masked().Addr()}
	b := n.addr.As16()
	for at := 0; at < p.Bits(); at += 16 {
		v := uint(b[at/8])<<8 | uint(b[at/8+1])
		n.groups = append(n.groups, hexDigits(v, min(16, p.Bits()-at)))
		n.zero = append(n.zero, v == 0)
	}
	return n
}

// hexDigits is the group whose first bits are those of v.
func hexDigits(v uint, bits int) string {
	zeros, text := 0, fmt.Sprintf("%04x", v)[:bits/4]
	for zeros < len(text) && zeros < 3 && text[zeros] == '0' {
		zeros++
	}
	lead, free := fmt.Sprintf("0{0,%d}", zeros), 4-(bits+3)/4
	if zeros == 0 {
		lead = ""
	} else if zeros == 1 {
		lead = "0?"
	}
	text = text[zeros:]
	if bits%4 == 0 {
		switch {
		case text == "": // what is left may begin with zeros, too
			return fmt.Sprintf("%s[0-9a-f]{1,%d}", lead, free)
		case free == 0 && text == "0":
			return "0{1,4}"
		case free == 0:
			return lead + text
		}
		return fmt.Sprintf("%s%s[0-9a-f]{%d}", lead, text, free)
	}
	first := v >> (4 * free) & 15
	class := fmt.Sprintf("[%x-%x]", first, first|(1<<(4-bits%4)-1))
	if class = strings.NewReplacer("[8-b]", "[89ab]", "[8-f]", "[89a-f]", "[a-b]", "[ab]", "[c-d]", "[cd]", "[e-f]", "[ef]").Replace(class); free > 0 {
		class += fmt.Sprintf("[0-9a-f]{%d}", free)
	}
	class = strings.TrimSuffix(class, "{1}")
	switch {
	case text != "" || first != 0:
		return lead + text + class
	case free == 0:
		return lead + class
	}
	return fmt.Sprintf("%s(?:%s|[0-9a-f]{1,%d})", lead, class, free)
}

// written is the spellings of a network that leaves the last 32 bits open.
func (n *network) written() []string {
	k := n.fixed()
	open := 8 - k // groups that the prefix leaves open
	last := k - 1
	lead := func(to int) string { return strings.Join(n.groups[:to], ":") }
	ways := []string{lead(k) + ":" + hexRest}
	if n.zero[last] && k > 1 { // "::" may stand for the last group and more
		ways[0] = fmt.Sprintf("%s:(?:%s)?:%s", lead(last), n.groups[last], hexRest)
	}
	for from := range last { // "::" stands for groups from here
		for to := from + 1; to <= k && n.zero[to-1]; to++ { // and up to here, or beyond the fixed ones
			if to == k {
				ways = append(ways, fmt.Sprintf("%s::(?:%s:){0,%d}(?:%s(?::%s)?|[0-9.]*)", lead(from), hexGroup, open-2, hexGroup, hexGroup))
				continue
			}
			ways = append(ways, fmt.Sprintf("%s::%s:(?:%s:){%d}(?:%s:%s|[0-9]+\\.[0-9.]+)", lead(from), strings.Join(n.groups[to:], ":"), hexGroup, open-2, hexGroup, hexGroup))
		}
	}
	return ways
}

// host is the spellings of one address. All groups but those of one run of
// zeroes are written out, so that run is as long as it has to be.
func (n *network) host() []string {
	b := n.addr.As16()
	quad := strings.ReplaceAll(netip.AddrFrom4([4]byte(b[12:])).String(), ".", `\.`)
	return append(oneRun(n.groups, n.zero), oneRun(append(n.groups[:6:6], quad), append(n.zero[:6:6], false))...)
}

func oneRun(groups []string, zero []bool) []string {
	var ways []string
	for from := 0; from < len(groups); from++ {
		to := from
		for to < len(groups) && zero[to] {
			to++
		}
		if to == from {
			continue
		}
		way := "[0:]*"
		if from > 0 {
			way = strings.Join(groups[:from], ":") + ":" + way
		}
		if to < len(groups) {
			way += ":" + strings.Join(groups[to:], ":")
		}
		ways, from = append(ways, way), to
	}
	if ways == nil {
		ways = []string{strings.Join(groups, ":")}
	}
	return ways
}

// ipv6Address is any IPv6 address in the spellings of RFC 4291, section 2.2:
// what stands before the last 32 bits and these, as two groups or an IPv4
// address, or "::" with less than that behind it.
const ipv6Address = `(?:(?:(?:H:){6}|:(?::|:(?:H:){1,5})|(?:H:):(?:H:){0,4}|(?:H:){2}:(?:H:){0,3}|(?:H:){3}:(?:H:){0,2}|(?:H:){4}:(?:H:)?|(?:H:){5}:)(?:H:H|Q)` +
	`|(?:(?:H:){1,6}|:):(?:H)?|(?:H:){7}:)`

// zoneOff is the pattern that takes a zone off an address.
const zoneOff = `/(?s)%.+$/`

// ipv6 reads isValidIPv6(f), and isValidIPv6(replace(f, /(?s)%.+$/, "")) as the
// conversion of networks writes it.
func (r *sumoReader) ipv6(x expr.Expr) (Cond, error) {
	zone := ""
	if c, ok := x.(*expr.Call); ok && strings.EqualFold(c.Name, "replace") {
		find, _ := c.Args[1].(*expr.Const)
		by, _ := c.Args[2].(*expr.Const)
		if find != nil && by != nil && find.Value.Str() == zoneOff && by.Value.Str() == "" {
			x, zone = c.Args[0], "(?:%.+)?"
		}
	}
	s, err := r.of(x)
	if err != nil {
		return nil, err
	}
	return &Match{Field: s.field, Value: sigma.Regexp{Pattern: ipv6Whole(zone)}}, nil
}

// ipv6Whole is a pattern for a value that is an IPv6 address, and what zone
// finds behind it.
func ipv6Whole(zone string) string {
	quad := strings.TrimSuffix(strings.TrimPrefix(ipv4, "^"), "$")
	return ipv6Flags("", zone) + "^" + strings.NewReplacer("H", "[0-9a-fA-F]{1,4}", "Q", quad).Replace(ipv6Address) + zone + "$"
}

// ipv6Flags are those of a pattern: a zone may hold any character.
func ipv6Flags(flags, zone string) string {
	if zone != "" {
		flags += "s"
	}
	if flags == "" {
		return ""
	}
	return "(?" + flags + ")"
}
