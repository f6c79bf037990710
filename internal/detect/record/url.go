package record

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/event"
	"golang.org/x/net/publicsuffix"
)

// parts are those of a URL as the product names them.
type parts struct{ scheme, host, path, query string }

func urlPart(of func(*parts) string) func(event.Value) event.Value {
	return func(v event.Value) event.Value {
		u := split(v.Str())
		return text(of(&u))
	}
}

// split takes a URL apart. One without a scheme begins with its host; what no URL
// parser takes, as logs have it, is cut at its first signs.
func split(s string) (p parts) {
	rest := s
	if scheme, after, ok := strings.Cut(s, "://"); ok && !strings.ContainsAny(scheme, "/?# ") {
		p.scheme, rest = strings.ToLower(scheme), after
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, p.query, _ = strings.Cut(rest, "?")
	authority, path, ok := strings.Cut(rest, "/")
	if ok {
		p.path = "/" + path
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		authority = authority[i+1:]
	}
	u := url.URL{Host: authority}
	p.host = strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	return p
}

// host is the name that a domain or the domain of a URL is.
func host(s string) string { return split(s).host }

// rootDomain is the part of a name that somebody has registered: example.co.uk of
// www.example.co.uk; "" of an address and of a public suffix.
func rootDomain(name string) string {
	if _, err := netip.ParseAddr(name); err == nil {
		return ""
	}
	root, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return ""
	}
	return root
}

// tld is the public suffix of a name: co.uk of www.example.co.uk.
func tld(name string) string {
	if _, err := netip.ParseAddr(name); err == nil || !strings.Contains(name, ".") {
		return ""
	}
	suffix, _ := publicsuffix.PublicSuffix(name)
	return suffix
}
