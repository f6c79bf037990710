package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
	"github.com/gyoji-dev/gyoji/internal/server"
	"github.com/gyoji-dev/gyoji/internal/server/api"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// remote is a server that searches, and the key for it.
type remote struct {
	server, id, key string
	cert            string // PEM file of a certificate to trust

	http http.Client
	base string
}

func (r *remote) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&r.server, "server", "", "search on a server that gyoji serve runs: its address, or its data folder on this machine, which holds the key")
	f.StringVar(&r.id, "access-id", "", "access id for --server (default: GYOJI_ACCESS_ID, or that in credentials.json of the server's data folder)")
	f.StringVar(&r.cert, "server-cert", "", "PEM file of a certificate to trust for --server, such as tls-cert.pem of the server's data folder")
	f.StringVar(&r.key, "access-key", "", "access key for --server; others on this machine can see command lines, so rather set GYOJI_ACCESS_KEY")
}

// Environment variables with the key for a server.
const (
	envAccessID  = "GYOJI_ACCESS_ID"
	envAccessKey = "GYOJI_ACCESS_KEY"
)

// open finds the address and the key.
func (r *remote) open() error {
	r.id, r.key = firstText(r.id, os.Getenv(envAccessID)), firstText(r.key, os.Getenv(envAccessKey))
	dir := strings.TrimSuffix(r.server, string(filepath.Separator)+server.CredentialsName)
	given := strings.Contains(r.server, "://")
	if given {
		dir = server.DataDefault
	}
	c, err := server.ReadCredentials(dir)
	switch {
	case given:
		r.base = strings.TrimSuffix(strings.TrimRight(r.server, "/"), "/api")
	case err != nil:
		return usageError("--server %s is no address such as http://127.0.0.1:9000, and no data folder of a server: %v", r.server, err)
	default:
		r.base = c.WebURL
	}
	if u, err := url.Parse(r.base); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return usageError("--server %s: write an address such as http://127.0.0.1:9000", r.server)
	}
	if err == nil && (!given || c.WebURL == r.base) { // the key of another server goes nowhere
		r.id, r.key = firstText(r.id, c.AccessID), firstText(r.key, c.AccessKey)
	}
	if r.id == "" || r.key == "" {
		return usageError("--server needs a key: give --access-id and --access-key, set %s and %s, or name the server's data folder in place of its address", envAccessID, envAccessKey)
	}
	if own := filepath.Join(dir, server.CertificateName); r.cert == "" && !given {
		if _, err := os.Stat(own); err == nil {
			r.cert = own
		}
	}
	if r.cert != "" {
		text, err := os.ReadFile(r.cert)
		if err != nil {
			return usageError("--server-cert: %v", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(text) {
			return usageError("--server-cert %s has no certificate in it", r.cert)
		}
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		r.http.Transport = t
	}
	r.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the key goes to no other
	return nil
}

func firstText(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// refusal is an answer of a server that is none of success.
type refusal struct {
	Status  int
	Code    string
	Message string
}

func (e *refusal) Error() string { return e.Message }

// call makes a call and reads its answer.
func (r *remote) call(ctx context.Context, method, path string, body, out any) error {
	resp, err := r.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := r.read(resp)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return &exit{exitInput, fmt.Errorf("the server at %s gives an answer that is none of gyoji's: %w", r.base, err)}
	}
	return nil
}

// read reads all of an answer.
func (r *remote) read(resp *http.Response) ([]byte, error) {
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, &exit{exitInput, fmt.Errorf("the server at %s broke off its answer: %w", r.base, err)}
	}
	return answer, nil
}

// send makes a call. An answer that is none of success is a *refusal.
func (r *remote) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var text io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		text = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, text)
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(r.id, r.key)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "gyoji")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := r.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var at *url.Error
		if errors.As(err, &at) {
			err = at.Err
		}
		var own *tls.CertificateVerificationError
		if errors.As(err, &own) {
			return nil, &exit{exitInput, fmt.Errorf("the certificate of %s is not trusted here: %w; give the server's tls-cert.pem with --server-cert, if you know it is that", r.base, own.Err)}
		}
		return nil, &exit{exitInput, fmt.Errorf("the server at %s cannot be reached: %w", r.base, err)}
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	answer, err := r.read(resp)
	if err != nil {
		return nil, err
	}
	e := &refusal{Status: resp.StatusCode}
	if json.Unmarshal(answer, e) != nil || e.Message == "" { // Cloud SIEM has a form of its own
		var cse struct{ Errors []refusal }
		if json.Unmarshal(answer, &cse) == nil && len(cse.Errors) > 0 {
			e.Code, e.Message = cse.Errors[0].Code, cse.Errors[0].Message
		}
	}
	if e.Message == "" {
		e.Message = "it answers " + resp.Status
	}
	return nil, e
}

// remoteStatus is what a search job is asked for.
type remoteStatus struct {
	State    string   `json:"state"`
	Messages int64    `json:"messageCount"`
	Records  int64    `json:"recordCount"`
	Errors   []string `json:"pendingErrors"`
	Warnings []string `json:"pendingWarnings"`
}

func (s *remoteStatus) ended() bool {
	return s.State != "NOT STARTED" && s.State != "GATHERING RESULTS"
}

const (
	remotePage     = 10_000 // rows asked for at a time
	remotePollFrom = 10 * time.Millisecond
	remotePollTo   = 500 * time.Millisecond
	// remoteLeave is how long it takes at most to tell a server that a search is not wanted.
	remoteLeave = 3 * time.Second
)

// localFlags are flags of searches over files that mean nothing to a server.
var localFlags = []string{"store", "follow", "table", "geo", "threat", "category", "map", "no-map", "carve", "input-format", "date-order", "jobs", "memory", "temp-dir"}

// searchServer runs a query on a server and prints its rows as a search here would.
func (a *app) searchServer(cmd *cobra.Command, r *remote, in *inputs, out *output, values *params, file string, args []string) error {
	var wrong string
	cmd.Flags().Visit(func(f *pflag.Flag) {
		for _, name := range localFlags {
			if f.Name == name && f.Changed {
				wrong = name
			}
		}
	})
	if wrong != "" {
		return usageError("--%s is of searches on this machine; with --server the server decides it", wrong)
	}
	f, args, err := a.queryText(file, args)
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usageError("--server searches what the server keeps; leave %s out", strings.Join(args, " "))
	}
	if f, _, err = values.fill(f); err != nil {
		return err
	}
	if strings.TrimSpace(f.Text) == "" {
		return diag.List{{Code: "empty-query", File: f, Message: "the query is empty", Help: "write * for every event"}}.Err()
	}
	times, err := in.times()
	if err != nil {
		return err
	}
	if err := r.open(); err != nil {
		return err
	}
	w, done, err := out.open(a, cmd, nil)
	if err != nil {
		return err
	}
	return done(a.remoteRows(cmd.Context(), r, f, times, in.strict, func(rows *api.Rows, l *event.Layout) (render.Sink, error) {
		return render.New(out.kind(a), w, out.look(a, remoteLook(rows, l, times.zone)))
	}))
}

// remoteLook is what rows of a server are printed with.
func remoteLook(rows *api.Rows, l *event.Layout, zone *time.Location) render.Options {
	look := render.Options{Layout: l, Messages: rows.Messages, Zone: zone}
	if rows.Fixed {
		look.Columns = []lang.Column{}
		for _, name := range rows.Columns {
			look.Columns = append(look.Columns, lang.Column{Slot: l.Exact(name), Name: name})
		}
	}
	return look
}

// remoteRows runs a query on a server and pushes its rows into the sink that open makes.
func (a *app) remoteRows(ctx context.Context, r *remote, f *diag.File, t times, strict bool, open func(*api.Rows, *event.Layout) (render.Sink, error)) (err error) {
	started := time.Now()
	zone := t.zone.String()
	body := map[string]any{"query": f.Text, "timeZone": zone, "gyojiAllTime": !t.bounded}
	if t.bounded {
		body["from"], body["to"] = t.from, t.to
	}
	var job struct{ ID string }
	if err := r.call(ctx, http.MethodPost, "/api/v1/search/jobs", body, &job); err != nil {
		return a.remoteError(r, f, err)
	}
	path := "/api/v1/search/jobs/" + url.PathEscape(job.ID)
	defer func() { // also after Ctrl-C
		leave, stop := context.WithTimeout(context.WithoutCancel(ctx), remoteLeave)
		defer stop()
		_ = r.call(leave, http.MethodDelete, path, nil, nil) // else it ends by itself
	}()
	line := a.remoteProgress()
	defer line.stop()

	rowsPath := strings.Replace(api.RowsPath, "{id}", url.PathEscape(job.ID), 1)
	l := event.NewLayout()
	var sink render.Sink
	var warnings []string
	n, wait := 0, remotePollFrom
	for {
		var s remoteStatus
		if err := r.call(ctx, http.MethodGet, path, nil, &s); err != nil {
			return a.remoteError(r, f, err)
		}
		warnings = append(warnings, s.Warnings...)
		line.show(fmt.Sprintf("%s  %s %s", strings.ToLower(s.State), number(max(s.Messages, s.Records)), plural(max(s.Messages, s.Records), "row", "rows")))
		if len(s.Errors) > 0 {
			line.stop()
			return &exit{exitInput, fmt.Errorf("the search failed on the server: %s", strings.Join(s.Errors, "; "))}
		}
		for more := true; more; {
			var p api.Rows
			if err := r.call(ctx, http.MethodGet, fmt.Sprintf("%s?offset=%d&limit=%d", rowsPath, n, remotePage), nil, &p); err != nil {
				return a.remoteError(r, f, err)
			}
			if sink == nil && (len(p.Rows) > 0 || s.ended()) {
				line.stop()
				if sink, err = open(&p, l); err != nil {
					return usageError("%v", err)
				}
			}
			if err := pushRows(&p, l, sink); err != nil {
				return err
			}
			n += len(p.Rows)
			more = len(p.Rows) > 0 && (s.ended() || len(p.Rows) == remotePage)
		}
		if s.ended() {
			if s.State == "CANCELLED" {
				return &exit{exitInput, errors.New("the search was cancelled on the server; what was printed is not all")}
			}
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait = min(wait*3/2, remotePollTo)
	}
	line.stop()
	if err := sink.Close(); err != nil {
		return err
	}
	if !a.quiet {
		fmt.Fprintf(a.stderr, "%s in %s: %s %s\n", r.base, time.Since(started).Round(time.Millisecond), number(int64(n)), plural(int64(n), "row", "rows"))
	}
	for _, text := range warnings {
		if !a.quiet || strict {
			fmt.Fprintf(a.stderr, "  %s\n", text)
		}
	}
	if strict && len(warnings) > 0 {
		return &exit{exitInput, errors.New("--strict: the server has warnings, see above")}
	}
	return nil
}

// pushRows pushes a page of rows into a sink, in batches.
func pushRows(p *api.Rows, l *event.Layout, to render.Sink) error {
	slots := make([]event.Slot, len(p.Columns))
	at := event.None
	for i, name := range p.Columns {
		slots[i] = l.Exact(name)
		if p.Messages && strings.EqualFold(name, "_messageTime") {
			at = slots[i]
		}
	}
	b := &event.Batch{}
	for i, row := range p.Rows {
		r := b.AddRow(event.NoTime, 0)
		for _, c := range row {
			if c.Column < 0 || c.Column >= len(slots) || slots[c.Column] == event.None {
				continue
			}
			v := c.Value()
			b.Col(slots[c.Column]).Set(r, v)
			if slots[c.Column] == at {
				b.Time[r], _ = v.Int()
			}
		}
		if b.N == event.MaxRows || i == len(p.Rows)-1 {
			if err := to.Push(b); err != nil {
				return err
			}
			b.Reset()
		}
	}
	return nil
}

// remoteError is an error of a call as a command ends with it.
func (a *app) remoteError(r *remote, f *diag.File, err error) error {
	var e *refusal
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case e.Code == "parse.error":
		if _, diags := query.Compile(f, query.Standard()); diags.HasErrors() { // it shows where
			return diags.Err()
		}
		return &exit{exitDiagnostics, errors.New(e.Message)}
	case e.Status == http.StatusUnauthorized:
		return &exit{exitInput, fmt.Errorf("the server at %s does not know the access id, or the access key is wrong", r.base)}
	case e.Status == http.StatusNotFound && e.Code != "searchjob.jobid.invalid":
		return &exit{exitInput, fmt.Errorf("the server at %s is no gyoji serve of this version: %s", r.base, e.Message)}
	case e.Status == http.StatusNotFound:
		return &exit{exitInput, errors.New("the search was ended on the server; what was printed is not all")}
	}
	return &exit{exitInput, fmt.Errorf("the server at %s refuses: %s", r.base, e.Message)}
}

// remoteLine is a line on a terminal that says how a search stands.
type remoteLine struct {
	a     *app
	since time.Time
	drawn bool
	off   bool
}

func (a *app) remoteProgress() *remoteLine {
	return &remoteLine{a: a, since: time.Now(), off: !a.draws()}
}

func (l *remoteLine) show(text string) {
	if l.off || time.Since(l.since) < progressEvery {
		return
	}
	fmt.Fprintf(l.a.err, "\r\x1b[K%s", fitted(text, l.a.errWidth))
	l.drawn = true
}

// stop takes the line away, for good.
func (l *remoteLine) stop() {
	if l.drawn {
		fmt.Fprint(l.a.err, "\r\x1b[K")
	}
	l.drawn, l.off = false, true
}
