package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/server"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/store"
)

var _ = command((*app).serveCmd)

func (a *app) serveCmd() *cobra.Command {
	var c server.Config
	var keep []string
	var logMax, maxSize, memory, searchMemory string
	var by kafkaAccess
	cmd := &cobra.Command{
		Use:     "serve",
		GroupID: groupLogs,
		Short:   "Take logs in, keep them, and answer clients of Sumo Logic",
		Long: `serve runs a server: it takes logs from shippers, keeps them in a folder, and answers
searches. Nothing else is needed:

  gyoji serve
  curl --data-binary @app.log "$(jq -r .http_source_url gyoji-data/credentials.json)"

The first start makes an access id and key and an HTTP source, prints them once, and
keeps them in credentials.json of the data folder, which only you can read. The file's
addresses are those of the running server. When the server is ready, one line on stdout
says where; everything else goes to stderr.

Logs come by Sumo Logic's HTTP source, OTLP/HTTP, Splunk's HTTP Event Collector,
Elastic's bulk API, syslog and Kafka. What was answered with success is on disk.

Every flag can also be set by an environment variable, GYOJI_LISTEN for --listen, and in
the serve section of a file of settings (--config FILE). A flag on the command line comes
first, then the environment, then the file.

Beyond this machine the server speaks TLS, by your certificate or by one that it makes
and keeps in the data folder; --insecure is without. Ctrl-C or SIGTERM stops it once
what is being answered has been, within 30 s; a second one at once.`,
		Example: `  gyoji serve
  gyoji serve --data /var/lib/gyoji --listen 0.0.0.0:9000
  gyoji serve --syslog 'udp://127.0.0.1:5514?category=linux'
  gyoji serve key add --role ingest --label shippers`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			for _, size := range []struct {
				flag, text string
				to         *int64
			}{{"log-max", logMax, &c.LogMax}, {"max-size", maxSize, &c.Retention.MaxBytes}, {"body-memory", memory, &c.Memory}, {"search-memory", searchMemory, &c.SearchMemory}} {
				if size.text != "" {
					if *size.to, err = parseSize(size.text); err != nil {
						return usageError("--%s %s: %v", size.flag, size.text, err)
					}
				}
			}
			if c.KafkaBy, err = by.open(); err != nil {
				return err
			}
			if c.Retention.Categories, err = keepsGiven(keep); err != nil {
				return err
			}
			c.Version = Version()
			return a.serve(cmd.Context(), c)
		},
	}
	cmd.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := a.fromEnvironment(cmd); err != nil {
			return err
		}
		return a.configure(cmd)
	}
	f := cmd.Flags()
	cmd.PersistentFlags().StringVar(&c.Data, "data", server.DataDefault, "folder of all that the server keeps, which is made where there is none")
	f.StringVar(&c.Listen, "listen", server.ListenDefault, "HOST:PORT to listen at; port 0 takes a free one")
	f.StringVar(&c.PublicURL, "public-url", "", "address that others reach the server by, where that is another than --listen: https://logs.corp.example")
	f.StringVar(&c.TLSCert, "tls-cert", "", "PEM file of the server's certificate and those above it (default: beyond this machine, one that the server makes)")
	f.StringVar(&c.TLSKey, "tls-key", "", "PEM file of the certificate's key")
	f.BoolVar(&c.Insecure, "insecure", false, "no TLS beyond this machine: keys and logs can be read on the way")
	f.StringArrayVar(&c.Syslog, "syslog", nil, "listen for syslog at tcp://, udp:// or tls://HOST:PORT, with ?category=NAME, &name=NAME and &timezone=ZONE where wanted (repeatable)")
	f.StringArrayVar(&c.Kafka, "kafka", nil, "read topics, kafka://BROKER:PORT/TOPIC, with ?group=NAME, &from=oldest and &category=NAME where wanted (repeatable)")
	f.StringArrayVar(&c.Install, "install-token", nil, "token that OpenTelemetry collectors may register with, besides those of HTTP sources (repeatable)")
	f.StringVar(&logMax, "log-max", "", "bytes that the store's log may have on disk before senders are told to wait (default: 10g)")
	f.DurationVar(&c.SealAfter, "seal-after", 5*time.Minute, "how old what is in the log gets before it is made into segments")
	f.IntVar(&c.Retention.Days, "keep-days", 0, "days that what comes in is kept; 0 keeps it without end")
	f.StringArrayVar(&keep, "keep", nil, "days for some categories, as PATTERN=DAYS (repeatable; the first that fits counts)")
	f.StringVar(&maxSize, "max-size", "", "bytes that the store may have on disk before the oldest goes: 100g (default: no limit)")
	f.Float64Var(&c.RateLimit, "rate-limit", 0, "API requests a second and key before 429; 0 is no limit, Sumo Logic's is 4")
	f.IntVar(&c.Conns, "connections", server.ConnsDefault, "connections at once; further ones wait")
	f.StringVar(&memory, "body-memory", "", "bytes of requests that are read at once before senders are told to wait (default: 256m, less on a small machine)")
	f.IntVar(&c.Searches, "searches", 200, "search jobs at once before 429")
	f.StringVar(&searchMemory, "search-memory", "", "memory that all searches hold together before rows go to disk (default: 1g, or a quarter of the machine's)")
	f.DurationVar(&c.SearchIdle, "search-idle", 5*time.Minute, "time after which a search job that nobody asks about is gone")
	f.BoolVar(&c.ForcePause, "force-pause", false, "a search job with more than 100,000 messages ends FORCE PAUSED, as Sumo Logic's, in place of with a warning")
	f.BoolVar(&c.RelativeTimes, "relative-times", false, "accept -15m and now as times of search jobs, which Sumo Logic refuses")
	f.StringArrayVar(&c.WebhookHosts, "webhook-host", nil, "host that webhooks may reach though its address is private (repeatable)")
	f.BoolVar(&c.WebhookPlain, "webhook-http", false, "webhooks may use http besides https")
	f.StringArrayVar(&c.Notify, "notify", nil, "file of notification channels, YAML: webhooks, Slack, Teams, PagerDuty, syslog, Kafka, email (repeatable)")
	f.StringArrayVarP(&c.Detect, "detections", "d", nil, "folder of detection packages and Sigma rules that hunt in what comes; repeat for several (default: the shipped packages)")
	f.BoolVar(&c.Demo, "demo", false, "begin with the sample logs, and the packages' queries as saved searches")
	by.flags(cmd)
	cmd.AddCommand(a.serveKeyCmd(&c.Data))
	return cmd
}

// serve runs a server until it is interrupted.
func (a *app) serve(ctx context.Context, c server.Config) error {
	var mu sync.Mutex
	logf := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(a.stderr, "%s %s\n", time.Now().UTC().Format("2006-01-02T15:04:05Z"), fmt.Sprintf(format, args...))
		a.flushed()
	}
	collectWithin(server.MemoryLimit())
	s, told, err := server.Start(c, logf)
	if err != nil {
		return serveError(err)
	}
	hang := make(chan os.Signal, 1) // which would end the process
	signal.Notify(hang, syscall.SIGHUP)
	defer signal.Stop(hang)
	go func() {
		for {
			select {
			case <-hang:
				logf("SIGHUP: keys and certificates are read by themselves when they change; settings are those of the start")
			case <-ctx.Done():
				return
			}
		}
	}()
	if told.First {
		fmt.Fprintf(a.stderr, `
This is the first start. Keep these; they are in %s, too, and shown this once:

  access id     %s
  access key    %s
  HTTP source   %s
  web           %s
  sign in       %s

`, told.File, told.Given.AccessID, told.Given.AccessKey, told.Given.SourceURL, told.Given.WebURL, told.Given.SigninURL)
	}
	for _, l := range told.Listeners {
		logf("syslog at %s", l)
	}
	if c.Demo {
		if err := s.Demo(ctx); err != nil {
			_ = s.Stop()
			return &exit{exitInput, err}
		}
		logf("the sample logs and the packages' queries are there: search _collector=demo, of March 2026")
	}
	a.flushed()
	fmt.Fprintf(a.out, "gyoji is ready at %s\n", told.Base)
	debug.FreeOSMemory() // what starting took: a server may be idle for long
	if err := s.Wait(ctx); err != nil {
		return &exit{exitInput, err}
	}
	logf("stopped")
	return nil
}

// flushed writes what a.stderr still holds: a server says things at any time.
func (a *app) flushed() {
	if f, ok := a.stderr.(interface{ Flush() error }); ok {
		_ = f.Flush()
	}
}

// serveError is why a server does not start, as a command ends with it.
func serveError(err error) error {
	var config *server.ConfigError
	var locked *store.LockedError
	switch {
	case errors.As(err, &config):
		return &exit{exitUsage, err}
	case errors.As(err, &locked):
		return &exit{exitInput, fmt.Errorf("%w; stop it, or give another --data", err)}
	}
	return &exit{exitInput, err}
}

// environment is what the variables of settings begin with.
const environment = "GYOJI_"

// notSettings are variables of gyoji's that are no flags.
var notSettings = []string{kafkaPassword, "GYOJI_ACCESS_ID", "GYOJI_ACCESS_KEY", "GYOJI_CLIENTS"}

// variable is the environment variable of a flag.
func variable(f *pflag.Flag) string {
	return environment + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
}

// fromEnvironment sets a command's flags as the environment says, those given on the command
// line excepted. A list is separated by blanks.
func (a *app) fromEnvironment(cmd *cobra.Command) error {
	var names []string
	var errs []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if unsettable(f.Name) && f.Name != "config" {
			return
		}
		name := variable(f)
		names = append(names, name)
		value, ok := os.LookupEnv(name)
		if !ok || value == "" || f.Changed {
			return
		}
		values := []string{value}
		if _, many := f.Value.(pflag.SliceValue); many {
			values = strings.Fields(value)
		}
		for _, v := range values {
			if err := cmd.Flags().Set(f.Name, v); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, flagError(cmd, err)))
				return
			}
		}
	})
	if len(errs) > 0 {
		return &exit{exitUsage, errors.Join(errs...)}
	}
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, environment) || slices.Contains(names, name) || slices.Contains(notSettings, name) {
			continue
		}
		if near := diag.Nearest(name, names); near != "" {
			fmt.Fprintf(a.stderr, "gyoji: the environment variable %s is no setting of %s; did you mean %s?\n", name, cmd.CommandPath(), near)
		}
	}
	return nil
}

// serveKeyCmd are the commands that make and end keys. They work while a server runs: it
// sees the change within a second.
func (a *app) serveKeyCmd(data *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make, list and end the keys of a server",
		Long: `key makes, lists and ends the access keys of a server, whether it runs or not. A key has
a role: ingest sends logs; read searches; triage also works on insights; content also
changes rules, lookup tables and saved searches; admin may do everything.`,
	}
	var label, role string
	add := &cobra.Command{
		Use:     "add",
		Short:   "Make a key, and print it this once",
		Example: `  gyoji serve key add --data /var/lib/gyoji --role ingest --label shippers`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			r, err := access.ParseRole(role)
			if err != nil {
				return usageError("--role %s: %v", role, err)
			}
			if label == "" {
				return usageError("--label says what the key is for: --label shippers")
			}
			return a.keys(*data, func(keys *access.Keys, audit *access.Audit) error {
				key, secret, err := keys.Add(label, r)
				if err == nil {
					audit.Write(access.Principal{Label: "command line"}, "key.add", key.ID+" "+string(r), nil)
					fmt.Fprintf(a.stdout, "access id   %s\naccess key  %s\n", key.ID, secret)
				}
				return err
			})
		},
	}
	add.Flags().StringVar(&label, "label", "", "what the key is for")
	add.Flags().StringVar(&role, "role", "read", "what it may do: ingest, read, triage, content or admin")
	list := &cobra.Command{
		Use:   "list",
		Short: "List the keys",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.keys(*data, func(keys *access.Keys, _ *access.Audit) error {
				all, err := keys.List()
				for _, k := range all {
					fmt.Fprintf(a.stdout, "%-14s  %-7s  %s  %s\n", k.ID, k.Role, time.UnixMilli(k.Created).UTC().Format(time.DateOnly), k.Label)
				}
				return err
			})
		},
	}
	end := &cobra.Command{
		Use:   "end ID",
		Short: "End a key: it is good for nothing any more",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.keys(*data, func(keys *access.Keys, audit *access.Audit) error {
				err := keys.End(args[0])
				if err == nil {
					audit.Write(access.Principal{Label: "command line"}, "key.end", args[0], nil)
				}
				return err
			})
		},
	}
	cmd.AddCommand(add, list, end)
	return cmd
}

// keys opens the keys of a server's folder.
func (a *app) keys(dir string, f func(*access.Keys, *access.Audit) error) error {
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return &exit{exitInput, fmt.Errorf("%s: there is no such folder; give that of the server with --data", dir)}
	}
	keys, err := access.OpenKeys(dir)
	if err != nil {
		return &exit{exitInput, err}
	}
	if all, err := keys.List(); err == nil && len(all) == 0 {
		return &exit{exitInput, fmt.Errorf("%s: no server has been started there; the first start of gyoji serve makes the first key", dir)}
	}
	audit, err := access.OpenAudit(dir, func(format string, args ...any) { fmt.Fprintf(a.stderr, "gyoji: "+format+"\n", args...) })
	if err != nil {
		return &exit{exitInput, err}
	}
	defer audit.Close()
	if err := f(keys, audit); err != nil {
		return &exit{exitInput, err}
	}
	return nil
}
