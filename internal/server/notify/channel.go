package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/gyoji-dev/gyoji/internal/engine/kafka"
	"github.com/gyoji-dev/gyoji/internal/server/access"
)

// Channel is where something is told, how, and what.
type Channel struct {
	ID       string `json:"id" yaml:"-"`
	Revision int64  `json:"revision" yaml:"-"`
	Name     string `json:"name" yaml:"name"`
	Enabled  bool   `json:"enabled" yaml:"-"`
	Kind     string `json:"kind" yaml:"kind"` // webhook, slack, teams, pagerduty, syslog, kafka, email

	URL     string            `json:"url,omitempty" yaml:"url"`         // https://..., tcp://HOST:PORT, kafka://BROKER:PORT/TOPIC, smtp://HOST:PORT
	Headers map[string]string `json:"headers,omitempty" yaml:"headers"` // of webhooks
	Key     string            `json:"key,omitempty" yaml:"key"`         // PagerDuty's routing key
	From    string            `json:"from,omitempty" yaml:"from"`       // of email
	To      []string          `json:"to,omitempty" yaml:"to"`
	User    string            `json:"user,omitempty" yaml:"user"` // of email and Kafka
	Pass    string            `json:"password,omitempty" yaml:"password"`
	TLS     bool              `json:"tls,omitempty" yaml:"tls"` // of Kafka

	Filter Filter `json:"filter" yaml:"filter"`

	fixed bool
}

// Filter says what a channel wants.
type Filter struct {
	Level    string   `json:"level" yaml:"level"`       // this or more; "" for all
	What     string   `json:"what" yaml:"what"`         // insights (also ""), signals, all
	Changes  bool     `json:"changes" yaml:"changes"`   // also what becomes of insights
	Packages []string `json:"packages" yaml:"packages"` // of rules of one of these; none for all
}

// Kinds are those that there are.
var Kinds = []string{"webhook", "slack", "teams", "pagerduty", "syslog", "kafka", "email"}

// pagerDuty is where PagerDuty takes events.
// Source: PagerDuty, "Events API v2".
const pagerDuty = "https://events.pagerduty.com/v2/enqueue"

// wants says whether a channel is told of an event.
func (c *Channel) wants(e *Event) bool {
	f := &c.Filter
	switch e.Type {
	case "insight.changed":
		// Who was told that something began is told that it is over.
		over := c.Kind == "pagerduty" && e.Status == "closed"
		if f.What == "signals" || !f.Changes && !over {
			return false
		}
	case "insight.created":
		if f.What == "signals" {
			return false
		}
	case "signal.created":
		if f.What != "signals" && f.What != "all" || e.Suppressed {
			return false
		}
	}
	if f.Level != "" && slices.Index(levels, e.Level) < slices.Index(levels, f.Level) {
		return false
	}
	return len(f.Packages) == 0 || slices.ContainsFunc(e.Packages, func(p string) bool { return slices.Contains(f.Packages, p) })
}

// check says what of a channel cannot be.
func (c *Channel) check() error {
	if strings.TrimSpace(c.Name) == "" || len(c.Name) > 200 {
		return errors.New("a channel needs a name of at most 200 bytes")
	}
	f := &c.Filter
	if f.Level != "" && !slices.Contains(levels, f.Level) {
		return fmt.Errorf("filter.level is one of %s, and this is %q", strings.Join(levels, ", "), f.Level)
	}
	if !slices.Contains([]string{"", "insights", "signals", "all"}, f.What) {
		return fmt.Errorf("filter.what is insights, signals or all, and this is %q", f.What)
	}
	web := func() error {
		u, err := url.Parse(c.URL)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
			return errors.New("url is the address of the webhook: https://, a host and a path; keys go into headers")
		}
		for name, value := range c.Headers {
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
				return fmt.Errorf("%q is no header", name)
			}
			if slices.Contains([]string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Te", "Trailer", "Upgrade", "Idempotency-Key", "Content-Type"}, textproto.CanonicalMIMEHeaderKey(name)) {
				return fmt.Errorf("the header %s is not one's own to set", name)
			}
		}
		return nil
	}
	switch c.Kind {
	case "webhook", "slack", "teams":
		return web()
	case "pagerduty":
		if c.Key == "" {
			return errors.New("key is the routing key of PagerDuty's integration, and is needed")
		}
		if c.URL == "" {
			c.URL = pagerDuty
		}
		return web()
	case "syslog":
		_, _, err := hostPort(c.URL, "tcp", "tls", "udp")
		return err
	case "kafka":
		a, err := kafka.ParseAddress(c.URL)
		if err == nil && len(a.Topics) != 1 {
			err = errors.New("url names one topic: kafka://BROKER:PORT/TOPIC")
		}
		return err
	case "email":
		if _, _, err := hostPort(c.URL, "smtp", "smtps"); err != nil {
			return err
		}
		if _, err := mail.ParseAddress(c.From); err != nil {
			return errors.New("from is the address that the mail is of")
		}
		if len(c.To) == 0 {
			return errors.New("to lists the addresses that the mail goes to")
		}
		for _, to := range c.To {
			if _, err := mail.ParseAddress(to); err != nil {
				return fmt.Errorf("to: %q is no address", to)
			}
		}
		return nil
	}
	return fmt.Errorf("kind is one of %s, and this is %q", strings.Join(Kinds, ", "), c.Kind)
}

// hostPort reads SCHEME://HOST:PORT.
func hostPort(s string, schemes ...string) (scheme, address string, err error) {
	u, err := url.Parse(s)
	if err == nil && slices.Contains(schemes, u.Scheme) && u.Port() != "" && u.Hostname() != "" && u.User == nil && strings.Trim(u.Path, "/") == "" {
		return u.Scheme, u.Host, nil
	}
	return "", "", fmt.Errorf("url is %s://HOST:PORT, and this is %q", strings.Join(schemes, ":// or "), s)
}

// hosts are the hosts that the channel opens.
func (c *Channel) hosts() (all []string) {
	if a, err := kafka.ParseAddress(c.URL); err == nil {
		for _, b := range a.Brokers {
			host, _, err := net.SplitHostPort(b)
			if err != nil {
				host = b
			}
			all = append(all, host)
		}
		return all
	}
	if u, err := url.Parse(c.URL); err == nil {
		all = append(all, u.Hostname())
	}
	return all
}

// hidden stands for a secret.
const hidden = "********"

// shown is the channel without its secrets: a webhook's path may be one.
func (c *Channel) shown() Channel {
	out := *c
	hide := func(s *string) {
		if *s != "" {
			*s = hidden
		}
	}
	out.Headers = map[string]string{}
	for k := range c.Headers {
		out.Headers[k] = hidden
	}
	hide(&out.Key)
	hide(&out.Pass)
	if u, err := url.Parse(c.URL); err == nil && (u.Scheme == "https" || u.Scheme == "http") && c.URL != pagerDuty && (strings.Trim(u.Path, "/") != "" || u.RawQuery != "") {
		out.URL = u.Scheme + "://" + u.Host + "/" + hidden
	}
	out.To = append([]string{}, c.To...)
	out.Filter.Packages = append([]string{}, c.Filter.Packages...)
	return out
}

// keep fills what is hidden in a channel with what another has there.
func (c *Channel) keep(was *Channel) {
	if c.Key == hidden {
		c.Key = was.Key
	}
	if c.Pass == hidden {
		c.Pass = was.Pass
	}
	if strings.HasSuffix(c.URL, "/"+hidden) && was.shown().URL == c.URL {
		c.URL = was.URL
	}
	for k, v := range c.Headers {
		if old, ok := was.Headers[k]; v == hidden && ok {
			c.Headers[k] = old
		}
	}
}

// stillHidden names the secret that is written as it is shown; "" for none.
func (c *Channel) stillHidden() string {
	for k, v := range c.Headers {
		if v == hidden {
			return "the header " + k
		}
	}
	switch {
	case c.Key == hidden:
		return "key"
	case c.Pass == hidden:
		return "password"
	case strings.HasSuffix(c.URL, "/"+hidden):
		return "the path of url"
	}
	return ""
}

// sender is a way to somebody.
type sender interface {
	send(ctx context.Context, e *Event) error
	close()
}

// open readies the channel to send.
func (c *Channel) open(o access.Outward) (sender, error) {
	switch c.Kind {
	case "webhook", "slack", "teams", "pagerduty":
		return &webhook{c: c, client: o.Client()}, nil
	case "syslog":
		return newSyslog(c, o)
	case "kafka":
		return newTopic(c, o)
	case "email":
		return newMailer(c, o)
	}
	return nil, fmt.Errorf("there is no kind %q", c.Kind)
}
