package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/desk"
	"github.com/gyoji-dev/gyoji/internal/server/notify"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// notifier begins to tell others of what is found.
func (s *Server) notifier(builtin []*ruledoc.Document, shipped []*detection.Package) (*notify.Notifier, error) {
	fixed, err := readChannels(s.c.Notify)
	if err != nil {
		return nil, &ConfigError{err}
	}
	packageOf := map[string]string{}
	for _, d := range builtin {
		for _, p := range shipped {
			if d.IsRule() && strings.HasPrefix(d.File.Name, p.Dir+"/") {
				if r, _ := d.Rule(); r != nil {
					packageOf[r.ID] = p.Name
				}
			}
		}
	}
	names := slices.Sorted(maps.Values(packageOf))
	n, err := notify.New(notify.Options{
		Store: s.store, Alerts: s.live.Alerts(), Outward: access.Outward{Plain: s.c.WebhookPlain, Hosts: s.c.WebhookHosts}, Fixed: fixed, Base: s.Base,
		PackageOf: func(rule string) string { return packageOf[rule] }, Packages: slices.Compact(names), Logf: s.logf,
	})
	if err != nil && len(fixed) > 0 {
		err = &ConfigError{err}
	}
	return n, err
}

// readChannels reads files of notification channels. A password is better left out of them:
// $NAME stands for what the environment has under the name.
func readChannels(files []string) (all []*notify.Channel, err error) {
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("notify: %w", err)
		}
		var list []*notify.Channel
		d := yaml.NewDecoder(strings.NewReader(string(text)))
		d.KnownFields(true)
		if err := d.Decode(&list); err != nil {
			return nil, fmt.Errorf("notify %s: it is to be a list of channels, each with name, kind and url: %w", name, err)
		}
		if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("notify %s: it has more than one YAML document, and only the first would be read: write all channels in one list", name)
		}
		for i, c := range list {
			if c == nil {
				return nil, fmt.Errorf("notify %s: channel %d of the list is empty", name, i+1)
			}
			c.Enabled = true
			secret := func(text string) (string, error) {
				v, ok := strings.CutPrefix(text, "$")
				if !ok {
					return text, nil
				}
				if text = os.Getenv(v); text == "" {
					return "", fmt.Errorf("notify %s: %s: the environment has no %s", name, c.Name, v)
				}
				return text, nil
			}
			for _, to := range []*string{&c.Key, &c.Pass, &c.URL} {
				if *to, err = secret(*to); err != nil {
					return nil, err
				}
			}
			for k := range c.Headers {
				if c.Headers[k], err = secret(c.Headers[k]); err != nil {
					return nil, err
				}
			}
		}
		all = append(all, list...)
	}
	return all, nil
}

// undelivered is what of notifications needs care.
func (s *Server) undelivered(ctx context.Context) (out []desk.Care, err error) {
	all, err := s.notify.Problems(ctx)
	for _, p := range all {
		if p.Dead > 0 {
			out = append(out, desk.Care{Kind: "act", What: "dead", ID: p.Channel, Text: fmt.Sprintf("%s could not be delivered to %s", count(p.Dead, "notification"), p.Name), Reason: p.Why, Button: "Send again", To: "/health"})
		}
		if p.Waiting > 0 {
			out = append(out, desk.Care{
				Kind: "act", What: "waiting", ID: p.Channel, Text: fmt.Sprintf("%s to %s wait: it does not take them", count(p.Waiting, "notification"), p.Name),
				Reason: fmt.Sprintf("%s. They are tried again for 24 hours; the oldest is %s old.", p.Why, time.Since(p.Since).Round(time.Second)), Button: "See the channel", To: "/health",
			})
		}
	}
	return out, err
}

func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
