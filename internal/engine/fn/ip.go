package fn

import (
	"fmt"
	"net/netip"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// private are the networks of RFC 1918; reserved are those of RFC 5735 that
// are not private.
var (
	private  = networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
	reserved = networks("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24",
		"192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4")
)

func networks(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, t := range texts {
		all = append(all, netip.MustParsePrefix(t))
	}
	return all
}

func within(a netip.Addr, all []netip.Prefix) bool {
	for _, p := range all {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// ipv4 reads a dotted quad. Leading zeros are refused: some read them as octal.
func ipv4(s string) (netip.Addr, bool) {
	if len(s) < len("0.0.0.0") || len(s) > len("255.255.255.255") {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	return a, err == nil && a.Is4()
}

// judge makes a function that sorts IPv4 addresses. Other text removes the row
// and is counted as a warning.
func judge(name, summary string, fn func(netip.Addr) bool, examples ...string) struct{} {
	return register(lang.Function{
		Doc: lang.Doc{
			Name: name, Usage: name + "(<ip:expr>)", Summary: summary,
			Text: "A row whose value is no IPv4 address, an IPv6 address included, leaves the stream, also under `!`, and is counted as a warning. " +
				"Ask `isValidIPv4` first to keep it. Null gives null.",
			Differs:  "A null does not remove the row.",
			Examples: lang.Calls(examples...),
		},
		Call: func(env *expr.Env, args []event.Value) (event.Value, error) {
			a, ok := ipv4(args[0].Str())
			if !ok {
				if env != nil && env.Warn != nil {
					env.Warn(name, fmt.Sprintf("%q is no IPv4 address; its row is dropped", clip(args[0].Str())))
				}
				return event.Drop, nil
			}
			return event.Bool(fn(a)), nil
		},
	})
}

var (
	_ = judge("isPrivateIP", "True for an IPv4 address of a private network (RFC 1918).",
		func(a netip.Addr) bool { return within(a, private) },
		`isPrivateIP("10.255.255.255")`, `true`, `isPrivateIP("192.168.0.1")`, `true`, `isPrivateIP("127.0.0.1")`, `false`)
	_ = judge("isReservedIP", "True for an IPv4 address set aside by RFC 5735: loopback, link-local, documentation, multicast and others.",
		func(a netip.Addr) bool { return within(a, reserved) },
		`isReservedIP("127.0.0.0")`, `true`, `isReservedIP("169.254.0.0")`, `true`, `isReservedIP("192.0.0.0")`, `true`, `isReservedIP("8.8.8.8")`, `false`)
	_ = judge("isPublicIP", "True for an IPv4 address that is neither private nor reserved.",
		func(a netip.Addr) bool { return !within(a, private) && !within(a, reserved) },
		`isPublicIP("8.8.8.8")`, `true`, `isPublicIP("10.255.255.255")`, `false`)
)

// valid makes a function that tells addresses from other text.
func valid(name, summary string, fn func(netip.Addr) bool, examples ...string) struct{} {
	return register(lang.Function{
		Doc: lang.Doc{
			Name: name, Usage: name + "(<ip:expr>)", Summary: summary,
			Text:     "False for other text and for null. White space, a zone (`%eth0`), leading zeros and a prefix length are not allowed.",
			Examples: lang.Calls(examples...),
		},
		Nulls: true,
		Map: func(v event.Value) event.Value {
			a, err := netip.ParseAddr(v.Str())
			return event.Bool(err == nil && a.Zone() == "" && fn(a))
		},
	})
}

var (
	_ = valid("isValidIP", "True for an IPv4 or IPv6 address.", netip.Addr.IsValid,
		`isValidIP("10.255.255.255")`, `true`, `isValidIP("2001:db8::1")`, `true`, `isValidIP("127.0.500.1")`, `false`, `isValidIP(nosuchfield)`, `false`)
	_ = valid("isValidIPv4", "True for an IPv4 address.", netip.Addr.Is4,
		`isValidIPv4("10.10.10.10")`, `true`, `isValidIPv4("2001:db8::1")`, `false`)
	_ = valid("isValidIPv6", "True for an IPv6 address.", netip.Addr.Is6,
		`isValidIPv6("2001:db8::1")`, `true`, `isValidIPv6("10.10.10.10")`, `false`)
)
