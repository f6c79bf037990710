package convert

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

// spellings writes an address in ways of RFC 4291, section 2.2: each run of
// zeroes left out in each way, groups with zeros before them, capitals, the
// end as an IPv4 address, a zone.
func spellings(a netip.Addr, r *rand.Rand) []string {
	b := a.As16()
	var out []string
	for _, quad := range []bool{false, true} {
		var items []string
		var zero []bool
		for i := 0; i < 8 && !(quad && i == 6); i++ {
			v := uint(b[2*i])<<8 | uint(b[2*i+1])
			text := fmt.Sprintf("%x", v)
			if n := r.IntN(5); n > len(text) {
				text = strings.Repeat("0", n-len(text)) + text
			}
			if r.IntN(4) == 0 {
				text = strings.ToUpper(text)
			}
			items, zero = append(items, text), append(zero, v == 0)
		}
		if quad {
			items, zero = append(items, netip.AddrFrom4([4]byte(b[12:])).String()), append(zero, false)
		}
		out = append(out, strings.Join(items, ":"))
		for from := range items {
			for to := from + 1; to <= len(items) && zero[to-1]; to++ {
				out = append(out, strings.Join(items[:from], ":")+"::"+strings.Join(items[to:], ":"))
			}
		}
	}
	return append(out, a.String()+"%eth0", a.String()+"%\n")
}

func TestPatternsOfNetworksFindWhatPrefixesContain(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	networks := []string{
		"::1/128", "::/128", "fc00::/7", "fe80::/10", "ff00::/8", "2000::/3", "2001:db8::/32", "100::/8", "100::/64", "64:ff9b::/96",
		"2603:1006:1400::/40", "2603:1006::/40", "2603:1016::/36", "2603:1063:2000::/38", "2620:1ec:8f0::/46", "2603:1007:200::/48",
		"2620:1ec:4::152/128", "2a01:111:f100:2000::a83e:3019/128", "2001:0:0:4::8:0/128", "2001:0:0:4:5:6:7:8/128", "2001:0:4::/64",
		"2001:db8:0:0:1::/80", "2001:0:0:1::/64", "2001:0:0:100::/56", "fe80:0:0:0:0:5efe::/96", "1:2:3:4:5:6:7:8/128", "a:b:c:d::/60", "0:1::/32",
	}
	for range 300 {
		var b [16]byte
		for i := range b {
			if r.IntN(2) == 0 {
				b[i] = byte(r.IntN(256)) >> r.IntN(8)
			}
		}
		bits := 1 + r.IntN(96)
		if r.IntN(4) == 0 {
			bits = 128
		}
		networks = append(networks, netip.PrefixFrom(netip.AddrFrom16(b), bits).Masked().String())
	}
	tried, skipped, in := 0, 0, 0
	for _, n := range networks {
		p := netip.MustParsePrefix(n)
		pattern, ok := ipv6Pattern(p, "(?:%.+)?")
		if !ok {
			skipped++
			continue
		}
		re := regexp.MustCompile(pattern)
		for range 100 {
			b := p.Addr().As16()
			for i := range 128 { // an address in the network or one bit beside it, with many zeroes
				if i >= p.Bits() && r.IntN(8) == 0 {
					b[i/8] ^= 128 >> (i % 8)
				}
			}
			if r.IntN(2) == 0 {
				i := r.IntN(128)
				b[i/8] ^= 128 >> (i % 8)
			}
			if r.IntN(4) == 0 { // a group moved
				i := r.IntN(7)
				b[2*i], b[2*i+1], b[2*i+2], b[2*i+3] = b[2*i+2], b[2*i+3], b[2*i], b[2*i+1]
			}
			for _, text := range spellings(netip.AddrFrom16(b), r) {
				a, err := netip.ParseAddr(text)
				if err != nil {
					t.Fatal(err) // the test's own fault
				}
				want := p.Contains(a.Unmap().WithZone(""))
				if got := re.MatchString(text); got != want {
					t.Fatalf("%s: %s of %s: %v, want %v", n, pattern, text, got, want)
				}
				tried++
				if want {
					in++
				}
			}
		}
	}
	t.Logf("%d networks, %d left out, %d spellings, %d of them inside", len(networks), skipped, tried, in)
	if skipped > len(networks)/5 || in < tried/10 {
		t.Error("too little was tried")
	}
}

func TestPatternsOfNetworksAreShort(t *testing.T) {
	for network, want := range map[string]string{
		"fe80::/10":           `(?i)^fe[89ab][0-9a-f]:[0-9a-f:.]*$`,
		"fc00::/7":            `(?i)^f[cd][0-9a-f]{2}:[0-9a-f:.]*$`,
		"::1/128":             `(?i)^(?:[0:]*:0{0,3}1|[0:]*:0\.0\.0\.1)$`,
		"2603:1006::/40":      `(?i)^2603:1006:(?:0{0,2}[0-9a-f]{1,2})?:[0-9a-f:.]*$`,
		"2620:1ec:4::152/128": `(?i)^(?:2620:0?1ec:0{0,3}4:[0:]*:0?152|2620:0?1ec:0{0,3}4:[0:]*:0\.0\.1\.82)$`,
	} {
		if got, _ := ipv6Pattern(netip.MustParsePrefix(network), ""); got != want {
			t.Errorf("%s: %s, want %s", network, got, want)
		}
	}
	for _, none := range []string{"::/0", "::/8", "::ffff:0:0/96", "::ffff:a00:0/104", "2001:db8::/112"} {
		if got, ok := ipv6Pattern(netip.MustParsePrefix(none), ""); ok {
			t.Errorf("%s: %s", none, got)
		}
	}
}

// TestAnyAddressOfIPv6 compares the pattern with netip over addresses and over
// what is nearly one.
func TestAnyAddressOfIPv6(t *testing.T) {
	re, zoned := regexp.MustCompile(ipv6Whole("")), regexp.MustCompile(ipv6Whole("(?:%.+)?"))
	r := rand.New(rand.NewPCG(4, 2))
	tried, good := 0, 0
	for range 5000 {
		var b [16]byte
		for i := range b {
			if r.IntN(3) == 0 {
				b[i] = byte(r.IntN(256))
			}
		}
		for _, text := range spellings(netip.AddrFrom16(b), r) {
			for i := r.IntN(4); i > 0; i-- { // something put in, taken out or moved
				at := r.IntN(len(text))
				switch r.IntN(3) {
				case 0:
					text = text[:at] + string(":.0fg%1 "[r.IntN(8)]) + text[at:]
				case 1:
					text = text[:at] + text[at+1:]
				case 2:
					text = text[at:] + text[:at]
				}
				if text == "" {
					text = ":"
				}
			}
			a, err := netip.ParseAddr(text)
			is := err == nil && a.Is6()
			if got, want := re.MatchString(text), is && a.Zone() == ""; got != want {
				t.Fatalf("%q: %v, want %v", text, got, want)
			}
			if got := zoned.MatchString(text); got != is {
				t.Fatalf("%q with a zone: %v, want %v", text, got, is)
			}
			if tried++; is {
				good++
			}
		}
	}
	t.Logf("%d texts, %d of them addresses", tried, good)
	if good < tried/10 || good > tried/10*9 {
		t.Error("too few of one kind")
	}
}
