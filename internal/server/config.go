package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/kafka"
	"github.com/gyoji-dev/gyoji/internal/server/collect"
	"github.com/gyoji-dev/gyoji/internal/store"
)

// Config is what a server is told: each is a flag of gyoji serve, a key of its file of
// settings, and an environment variable.
type Config struct {
	Data      string          // folder
	Listen    string          // HOST:PORT; port 0 takes a free one
	PublicURL string          // how others reach it, where that is not Listen
	Insecure  bool            // HTTP without TLS beyond this machine
	TLSCert   string          // PEM files
	TLSKey    string          //
	LogMax    int64           // bytes of the store's log; 0 is the store's default
	SealAfter time.Duration   // how old what is in the log gets before it is made into segments; 0 is 5 minutes
	Retention store.Retention // how long it is kept then
	RateLimit float64         // API requests a second and key; 0 is no limit
	Conns     int             // connections at once
	Memory    int64           // bytes of bodies that are being read at once; 0 is 256 MiB, or an eighth of a small machine's
	Syslog    []string        // addresses to listen at
	Kafka     []string        // addresses of topics
	KafkaBy   kafka.Access
	Install   []string // tokens that OpenTelemetry collectors may register with
	Version   string   // of gyoji
	Detect    []string // folders of detection packages and Sigma rules that hunt in what comes; none is the shipped packages
	Demo      bool     // samples and packages are put in once: (*Server).Demo

	Searches      int           // search jobs at once; 0 is 200
	SearchMemory  int64         // bytes that all of them hold; 0 is 1 GiB, or a quarter of a small machine's
	SearchIdle    time.Duration // after which one that nobody asks about is gone; 0 is 5 minutes
	ForcePause    bool          // one with too many messages is FORCE PAUSED, as in the product
	RelativeTimes bool          // -15m and now are times of a search job, which the product refuses

	// WebhookHosts may be reached by webhooks though they are private; WebhookPlain lets
	// webhooks use http.
	WebhookHosts []string
	WebhookPlain bool

	// Notify are files of notification channels: YAML, a list of notify.Channel.
	Notify []string
}

// Defaults of a Config.
const (
	DataDefault   = "gyoji-data"
	ListenDefault = "127.0.0.1:9000"
	ConnsDefault  = 4096
)

// sealAfterDefault is short enough for a search of the last hours to find columns, and
// long enough for segments not to be tiny.
const sealAfterDefault = 5 * time.Minute

// checked is a Config made ready.
type checked struct {
	syslog []collect.SyslogAddress
	kafka  []collect.KafkaTopics
	secure bool // TLS
}

// check says what of a configuration cannot be, all of it.
func (c *Config) check() (out checked, err error) {
	var errs []error
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		errs = append(errs, fmt.Errorf("listen %s: write HOST:PORT, as in %s", c.Listen, ListenDefault))
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		errs = append(errs, errors.New("tls-cert and tls-key go together: give both files, or neither"))
	}
	if c.Insecure && c.TLSCert != "" {
		errs = append(errs, errors.New("insecure is without TLS, and tls-cert is for it: give one of them"))
	}
	out.secure = c.TLSCert != "" || !c.Insecure && !loopback(host)
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			errs = append(errs, fmt.Errorf("public-url %s: write https://HOST[:PORT]", c.PublicURL))
		}
		c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	}
	if c.Searches < 0 || c.SearchMemory < 0 || c.SearchIdle < 0 || c.RateLimit < 0 || c.Conns < 0 || c.LogMax < 0 || c.Memory < 0 || c.SealAfter < 0 || c.Retention.Days < 0 {
		errs = append(errs, errors.New("limits are not less than 0"))
	}
	for _, s := range c.Syslog {
		a, err := collect.ParseSyslogAddress(s)
		if err == nil && a.Network != "tls" && !a.Loopback() && !c.Insecure {
			err = fmt.Errorf("%s: syslog in the clear beyond this machine: use tls://, or --insecure where the network is trusted", s)
		}
		if err != nil {
			errs = append(errs, err)
		}
		out.syslog = append(out.syslog, a)
	}
	for _, s := range c.Kafka {
		t, err := collect.ParseKafkaTopics(s)
		if err != nil {
			errs = append(errs, err)
		}
		out.kafka = append(out.kafka, t)
	}
	return out, errors.Join(errs...)
}

// loopback reports whether only this machine reaches a host.
func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}

// base is how a server at an address is reached: http://HOST:PORT.
func (c *Config) base(at net.Addr, certificate *tls.Config) string {
	if c.PublicURL != "" {
		return c.PublicURL
	}
	scheme := "http"
	if certificate != nil {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return scheme + "://" + at.String()
	}
	if a, err := netip.ParseAddr(host); err == nil && a.IsUnspecified() {
		host = ownAddress()
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// ownAddress is an address of this machine that others may reach.
func ownAddress() string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && p.Addr().IsGlobalUnicast() {
			return p.Addr().String()
		}
	}
	return "127.0.0.1"
}
