package fn

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "getCIDRPrefix", Usage: "getCIDRPrefix(<ip:expr>, <bits:expr>)",
		Summary:  "The network of an IPv4 address.",
		Text:     "The prefix length is 0 to 32, as text or a number. White space at the ends is trimmed. Anything else gives null and a warning.",
		Examples: lang.Calls(`getCIDRPrefix("10.10.1.35", "24")`, `"10.10.1.0"`, `getCIDRPrefix("10.10.1.35", "27")`, `"10.10.1.32"`, `getCIDRPrefix("192.168.77.200", "20")`, `"192.168.64.0"`),
	},
	Call: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		ip, err := number4(args[0])
		if err != nil {
			return event.Value{}, err
		}
		mask, err := maskOf(args[1])
		if err != nil {
			return event.Value{}, err
		}
		return event.Text(quad(ip & mask)), nil
	},
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "compareCIDRPrefix", Usage: "compareCIDRPrefix(<a:expr>, <b:expr>, <bits:expr>)",
		Summary: "True when two IPv4 addresses are of one network.",
		Text: "The prefix length is 0 to 32, as text or a number. White space at the ends is trimmed. " +
			"False when one is no IPv4 address (IPv6 included) or null.",
		Examples: lang.Calls(
			`compareCIDRPrefix("10.10.1.32", "10.10.1.35", "27")`, `true`,
			`compareCIDRPrefix("10.10.1.32", "10.10.1.64", toInt(27))`, `false`,
			`compareCIDRPrefix("10.10.1.32", nosuchfield, "27")`, `false`),
	},
	Nulls: true,
	Make: func(s *lang.Site) call {
		ok := noRegex(s, -1)
		for i := range s.Args {
			c, known := s.Const(i)
			if !known || c.IsNull() {
				continue
			}
			var err error
			if i == 2 {
				_, err = maskOf(c)
			} else {
				_, err = number4(c)
			}
			if err != nil {
				s.Warn(i, "bad-network", err.Error(), `the form is compareCIDRPrefix("10.10.1.32", ip, "27")`)
			}
		}
		if !ok {
			return nil
		}
		return compareCIDRPrefix
	},
})

func compareCIDRPrefix(_ *expr.Env, args []event.Value) (event.Value, error) {
	a, err := number4(args[0])
	b, err2 := number4(args[1])
	mask, err3 := maskOf(args[2])
	return event.Bool(err == nil && err2 == nil && err3 == nil && a&mask == b&mask), nil
}

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "maskFromCIDR", Usage: "maskFromCIDR(<bits:expr>)",
		Summary:  "The subnet mask of a prefix length.",
		Text:     "The prefix length is 0 to 32, as text or a number; anything else gives null and a warning.",
		Examples: lang.Calls(`maskFromCIDR("30")`, `"255.255.255.252"`, `maskFromCIDR(24)`, `"255.255.255.0"`, `maskFromCIDR("0")`, `"0.0.0.0"`),
	},
	Call: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		mask, err := maskOf(args[0])
		if err != nil {
			return event.Value{}, err
		}
		return event.Text(quad(mask)), nil
	},
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "ipv4ToNumber", Usage: "ipv4ToNumber(<ip:expr>)",
		Summary:  "An IPv4 address as a whole number.",
		Text:     "What is no IPv4 address gives null and a warning.",
		Examples: lang.Calls(`ipv4ToNumber("127.0.0.1")`, `2130706433`),
	},
	Call: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		ip, err := number4(args[0])
		if err != nil {
			return event.Value{}, err
		}
		return event.Int(int64(ip)), nil
	},
})

// number4 is an IPv4 address as a number.
func number4(v event.Value) (uint32, error) {
	a, ok := ipv4(trimSpace(v.Str()))
	if !ok {
		return 0, fmt.Errorf("%q is no IPv4 address", clip(v.Str()))
	}
	b := a.As4()
	return binary.BigEndian.Uint32(b[:]), nil
}

// maskOf is the mask of a prefix length.
func maskOf(v event.Value) (uint32, error) {
	n, ok := wholeOf(v)
	if !ok || n < 0 || n > 32 {
		return 0, fmt.Errorf("%q is no prefix length from 0 to 32", clip(v.Str()))
	}
	return uint32(uint64(1)<<32 - uint64(1)<<(32-n)), nil
}

func quad(ip uint32) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], ip)
	return netip.AddrFrom4(b).String()
}
