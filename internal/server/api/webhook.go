package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/job"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

const (
	hookRecords  = 200 // of an aggregate, in a payload (http-api.md 11)
	hookMessages = 10
	hookHeaders  = 5 // of a connection's own
	hookTries    = 4 // the first and three more
	// hookAnswer is how much of an answer is read.
	hookAnswer = 64 << 10
)

// checkHook says what of a webhook cannot be. Whether its address may be reached is
// found out when it is called: names may lead elsewhere by then.
func checkHook(f fields) error {
	if err := f.need("url"); err != nil {
		return err
	}
	u, err := url.Parse(f.text("url"))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return refuse(http.StatusBadRequest, "connection.url.invalid", "The url is no address of a webhook: write https://, a host and a path, and put keys into headers.")
	}
	own, err := headersOf(f)
	if err != nil {
		return err
	}
	if len(own) > hookHeaders {
		return refuse(http.StatusBadRequest, "connection.headers.invalid", "There are %d headers, and %d is the most.", len(own), hookHeaders)
	}
	return nil
}

// headersOf are the headers that a connection sets.
func headersOf(f fields) (out [][2]string, err error) {
	for _, list := range []string{"headers", "customHeaders"} {
		all, _ := f[list].([]any)
		for _, x := range all {
			h, _ := x.(map[string]any)
			name, value := fields(h).text("name"), fields(h).text("value")
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
				return nil, refuse(http.StatusBadRequest, "connection.headers.invalid", "%q is no header.", name)
			}
			if slices.Contains([]string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Te", "Trailer", "Upgrade"}, textproto.CanonicalMIMEHeaderKey(name)) {
				return nil, refuse(http.StatusBadRequest, "connection.headers.invalid", "The header %s is not one's own to set.", name)
			}
			out = append(out, [2]string{name, value})
		}
	}
	return out, nil
}

// post calls a webhook. Answers of 5xx and addresses that do not answer are tried again,
// with the same key, so that the other side can tell a call from its repetition.
func (x *runs) post(ctx context.Context, connection fields, payload []byte, key string) error {
	own, err := headersOf(connection)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		again, err := x.call(ctx, connection.text("url"), own, payload, key)
		if err == nil || !again || try == hookTries || ctx.Err() != nil {
			if err != nil {
				err = fmt.Errorf("webhook %s: %w (tried %d times)", connection.text("name"), err, try)
			}
			return err
		}
		x.wait(ctx, time.Second<<try)
	}
}

// call makes one try. again says that another may go better.
func (x *runs) call(ctx context.Context, to string, own [][2]string, payload []byte, key string) (again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(payload))
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "gyoji")
	r.Header.Set("Idempotency-Key", key)
	for _, h := range own {
		r.Header.Set(h[0], h[1])
	}
	resp, err := x.hook.Do(r)
	if err != nil {
		var wrong *net.DNSError
		return !errors.Is(err, access.ErrForbidden) && !(errors.As(err, &wrong) && wrong.IsNotFound), err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, hookAnswer)) // so that the connection can be used again
	switch {
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return true, fmt.Errorf("it answers %s", resp.Status)
	case resp.StatusCode >= 300:
		return false, fmt.Errorf("it answers %s", resp.Status)
	}
	return false, nil
}

// hookResult is what of a search's result goes into a payload.
type hookResult struct {
	total   int64 // rows that the search has
	records bool
	rows    []map[string]string
	json    []byte // of rows
}

func resultOf(j *job.Job) (r hookResult, err error) {
	s := j.Status("webhook")
	r.total, r.records = s.Messages, !j.Shown().Messages
	limit := hookMessages
	if r.records {
		limit = hookRecords
	}
	p, err := j.Rows(0, limit)
	if err != nil {
		return r, err
	}
	r.total = int64(p.Total)
	r.json = append(r.json, '[')
	for i, row := range p.Rows {
		if i > 0 {
			r.json = append(r.json, ',')
		}
		at := len(r.json)
		r.json = p.AppendMap(r.json, row)
		var m map[string]string
		if err := json.Unmarshal(r.json[at:], &m); err != nil {
			return r, err
		}
		r.rows = append(r.rows, m)
	}
	r.json = append(r.json, ']')
	return r, nil
}

// variable is a text, or a piece of JSON.
type variable struct {
	text string
	json bool
}

// hookTime is how times stand in a payload, as the product's do.
const hookTime = "01/02/2006 03:04:05 PM MST"

// variables are what a template may name, in lower case.
func (r *hookResult) variables(s *savedSearch, from, to int64, at time.Time, zone *time.Location) func(name string) (variable, bool) {
	text := func(s string) variable { return variable{text: s} }
	moment := func(ms int64) string { return time.UnixMilli(ms).In(zone).Format(hookTime) }
	window := moment(from) + " to " + moment(to)
	aggregate, raw := "[]", "[]"
	if r.records {
		aggregate = string(r.json)
	} else {
		raw = string(r.json)
	}
	count := strconv.FormatInt(r.total, 10)
	known := map[string]variable{
		"searchname": text(s.Name), "name": text(s.Name), "searchdescription": text(s.Description), "description": text(s.Description),
		"searchquery": text(s.Search.Query), "query": text(s.Search.Query), "searchqueryurl": text(""), "queryurl": text(""), "sourceurl": text(""),
		"timerange": text(window), "triggertimerange": text(window), "firetime": text(moment(at.UnixMilli())), "triggertime": text(moment(at.UnixMilli())),
		"triggertimestart": text(strconv.FormatInt(from, 10)), "triggertimeend": text(strconv.FormatInt(to, 10)),
		"aggregateresultsjson": {aggregate, true}, "rawresultsjson": {raw, true}, "resultsjson": {string(r.json), true},
		"numrawresults": text(count), "numqueryresults": text(count), "id": text(s.ID), "triggertype": text("Critical"), "monitortype": text("Logs"),
	}
	return func(name string) (variable, bool) {
		name = strings.ToLower(strings.TrimSpace(name))
		if v, ok := known[name]; ok {
			return v, true
		}
		for _, prefix := range []string{"resultsjson", "results"} {
			rest, ok := strings.CutPrefix(name, prefix)
			if !ok {
				continue
			}
			var row int
			one := strings.HasPrefix(rest, "[")
			if one {
				n, after, found := strings.Cut(rest[1:], "]")
				i, err := strconv.Atoi(n)
				if !found || err != nil {
					return variable{}, false
				}
				row, rest = i, after
			}
			field, ok := strings.CutPrefix(rest, ".")
			if !ok {
				return variable{}, false
			}
			if one {
				if row < 0 || row >= len(r.rows) {
					return text(""), true
				}
				return text(r.rows[row][field]), true
			}
			var all []string
			for _, m := range r.rows {
				all = append(all, m[field])
			}
			return text(strings.Join(all, ", ")), true
		}
		return variable{}, false
	}
}

// fill puts variables into a template of JSON: {{Name}}. In a JSON text they are escaped,
// elsewhere they stand as JSON. What is not known stays as it is.
func fill(template string, find func(string) (variable, bool)) []byte {
	var out []byte
	quoted := false
	for i := 0; i < len(template); i++ {
		c := template[i]
		if strings.HasPrefix(template[i:], "{{") {
			if end := strings.Index(template[i:], "}}"); end > 0 {
				if v, ok := find(template[i+2 : i+end]); ok {
					text := jsondoc.AppendString(nil, v.text)
					switch {
					case quoted:
						text = text[1 : len(text)-1]
					case v.json:
						text = []byte(v.text)
					}
					out = append(out, text...)
					i += end + 1
					continue
				}
			}
		}
		switch {
		case quoted && c == '\\' && i+1 < len(template):
			out = append(out, c)
			i++
			c = template[i]
		case c == '"':
			quoted = !quoted
		}
		out = append(out, c)
	}
	return out
}
