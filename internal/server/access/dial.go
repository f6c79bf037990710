package access

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Outward is what addresses that users have set may be opened.
type Outward struct {
	// Plain allows http besides https.
	Plain bool
	// Hosts are names and addresses that may be reached though they are private.
	Hosts []string
	// Resolve looks a name up; nil is the system's.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// TLS are settings of https; nil is the usual.
	TLS *tls.Config
}

// outwardTime is how long a whole request may take.
const outwardTime = 30 * time.Second

// ErrForbidden says that an address may not be opened.
var ErrForbidden = errors.New("it may not be opened")

// Client returns a client for addresses that users have set, such as those of webhooks.
// It opens https only, unless Plain; it resolves a name once and reaches that address, if
// it is a public one; it follows no redirects and uses no proxy and no cookies.
func (o Outward) Client() *http.Client {
	transport := &http.Transport{
		Proxy:                  nil,
		TLSClientConfig:        o.TLS,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  outwardTime,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConns:           16,
		IdleConnTimeout:        30 * time.Second,
		DialContext:            func(ctx context.Context, _, address string) (net.Conn, error) { return o.Dial(ctx, "tcp", address) },
	}
	return &http.Client{
		Timeout:       outwardTime,
		Transport:     outward{o, transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// dialTime is how long a connection may take to come about.
const dialTime = 10 * time.Second

// Dial opens HOST:PORT over tcp or udp: the name is resolved once, and the address is reached
// if it is a public one, or that of a host that is allowed.
func (o Outward) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addr, err := o.address(ctx, host)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: dialTime}
	return dialer.DialContext(ctx, network, net.JoinHostPort(addr.String(), port))
}

// outward checks the scheme of a request before it goes out.
type outward struct {
	o    Outward
	next http.RoundTripper
}

func (t outward) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !(t.o.Plain && r.URL.Scheme == "http") {
		return nil, fmt.Errorf("%s: %w: only https is", r.URL.Redacted(), ErrForbidden)
	}
	return t.next.RoundTrip(r)
}

// address resolves a host, once, to an address that may be reached.
func (o Outward) address(ctx context.Context, host string) (netip.Addr, error) {
	var all []netip.Addr
	if a, err := netip.ParseAddr(host); err == nil {
		all = []netip.Addr{a}
	} else {
		look := o.Resolve
		if look == nil {
			look = func(ctx context.Context, host string) ([]netip.Addr, error) {
				return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
			}
		}
		if all, err = look(ctx, host); err != nil {
			return netip.Addr{}, err
		}
	}
	allowed := false
	for _, h := range o.Hosts {
		allowed = allowed || h == host
	}
	for _, a := range all {
		a = a.Unmap()
		if allowed || a.Zone() == "" && public(a) {
			return a, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("%s: %w: it is no public address; allow the host by name if it is meant", host, ErrForbidden)
}

// private are networks that no address of the public internet is in, besides those that
// netip tells.
// Source: IANA IPv4 and IPv6 Special-Purpose Address Registries.
var private = sync.OnceValue(func() (list []netip.Prefix) {
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
})

func public(a netip.Addr) bool {
	if !a.IsValid() || a.IsUnspecified() || a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast() {
		return false
	}
	for _, p := range private() {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
