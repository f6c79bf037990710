package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/job"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
	"github.com/gyoji-dev/gyoji/syntax"
)

// yesNo is a boolean that clients also write as text; null is false.
type yesNo bool

func (f *yesNo) UnmarshalJSON(b []byte) error {
	switch strings.ToLower(strings.Trim(string(b), `"`)) {
	case "true":
		*f = true
	case "false", "null", "":
		*f = false
	default:
		return fmt.Errorf("%s is neither true nor false", b)
	}
	return nil
}

// searchRequest is the body of a search job's creation.
type searchRequest struct {
	Query               *string `json:"query"`
	From                moment  `json:"from"`
	To                  moment  `json:"to"`
	TimeZone            *string `json:"timeZone"` // letter case aside, so timezone is one with it
	ByReceiptTime       yesNo   `json:"byReceiptTime"`
	BySearchableTime    yesNo   `json:"bySearchableTime"`
	IntervalTimeType    *string `json:"intervalTimeType"`
	AutoParsingMode     *string `json:"autoParsingMode"`
	ParseMode           *string `json:"parseMode"`
	RequiresRawMessages yesNo   `json:"requiresRawMessages"`

	// AllTime is gyoji's own: there is no time range.
	AllTime yesNo `json:"gyojiAllTime"`
}

// queryMost is how many characters a query has at most.
const queryMost = 15_000

// Codes of refusals of search jobs.
const (
	codeParse       = "parse.error"
	codeNoQuery     = "searchjob.no.query"
	codeFrom        = "searchjob.invalid.timestamp.from"
	codeTo          = "searchjob.invalid.timestamp.to"
	codeRange       = "searchjob.to.smaller.than.from"
	codeZone        = "searchjob.unknown.timezone"
	codeNoZone      = "searchjob.empty.timezone"
	codeTimeType    = "searchjob.unknown.time.type"
	codeJob         = "searchjob.jobid.invalid"
	codeNoRecords   = "searchjob.no.records.not.an.aggregation.query"
	codeOffset      = "searchjob.offset.missing"
	codeOffsetMinus = "searchjob.offset.negative"
	codeLimit       = "searchjob.limit.missing"
	codeLimitZero   = "searchjob.limit.zero"
	codeLimitMinus  = "searchjob.limit.negative"
)

// request reads what a search is to be.
func (a *API) request(s *searchRequest) (r job.Request, warnings []string, err error) {
	bad := func(code, message string, args ...any) (job.Request, []string, error) {
		return job.Request{}, nil, refuse(http.StatusBadRequest, code, message, args...)
	}
	if s.Query == nil || strings.TrimSpace(*s.Query) == "" {
		return bad(codeNoQuery, "The query is missing or empty.")
	}
	if n := utf8.RuneCountInString(*s.Query); n > queryMost {
		return bad(codeParse, "The query has %d characters, and %d is the most.", n, queryMost)
	}
	r.Query, r.Zone = *s.Query, time.UTC
	r.ByReceipt, r.Messages = bool(s.ByReceiptTime || s.BySearchableTime), bool(s.RequiresRawMessages)
	if t := s.IntervalTimeType; t != nil && *t != "" {
		switch strings.ToLower(*t) {
		case "messagetime":
		case "receipttime", "searchabletime":
			r.ByReceipt = true
		default:
			return bad(codeTimeType, "The intervalTimeType %q is not known; it is messageTime, receiptTime or searchableTime.", *t)
		}
	}
	for _, mode := range []*string{s.AutoParsingMode, s.ParseMode} {
		if mode == nil {
			continue
		}
		switch strings.ToLower(*mode) {
		case "", "autoparse", "auto", "manual", "performance", "intelligent", "verbose":
		default:
			warnings = append(warnings, fmt.Sprintf("The parsing mode %q is not known and changes nothing.", *mode))
		}
	}
	_, fromEpoch := s.From.epoch()
	_, toEpoch := s.To.epoch()
	switch {
	case s.TimeZone != nil && strings.TrimSpace(*s.TimeZone) != "":
		if r.Zone, err = datefmt.Zone(strings.TrimSpace(*s.TimeZone)); err != nil {
			return bad(codeZone, "The timeZone %q is not known; write a name such as America/Los_Angeles or UTC.", *s.TimeZone)
		}
	case bool(s.AllTime), fromEpoch && toEpoch:
	default:
		defer func() { // what is wrong with the times themselves comes first
			if err == nil {
				r, warnings, err = bad(codeNoZone, "The timeZone is missing or empty; it is needed unless from and to are epoch milliseconds.")
			}
		}()
	}
	if s.AllTime {
		r.All = true
		return r, warnings, nil
	}
	now := a.o.Now()
	at := func(m moment, name, code string) (int64, error) {
		ms, err := m.at(r.Zone, now, a.o.RelativeTimes)
		switch {
		case err == nil:
			return ms, nil
		case m.text == "":
			return 0, refuse(http.StatusBadRequest, code, "The '%s' field is missing.", name)
		case m.looksRelative():
			return 0, refuse(http.StatusBadRequest, code, "The '%s' field contains an invalid time: relative times such as %s are not accepted here; write 2026-11-23T22:00:00 or epoch milliseconds.", name, m.text)
		}
		return 0, refuse(http.StatusBadRequest, code, "The '%s' field contains an invalid time.", name)
	}
	if r.From, err = at(s.From, "from", codeFrom); err != nil {
		return r, nil, err
	}
	if r.To, err = at(s.To, "to", codeTo); err != nil {
		return r, nil, err
	}
	if r.To < r.From {
		return bad(codeRange, "The 'to' time is before the 'from' time.")
	}
	return r, warnings, nil
}

// parseError is the refusal of a query.
func parseError(err error) error {
	var f *diag.Failure
	if !errors.As(err, &f) {
		return err
	}
	var said []string
	for _, d := range f.List {
		if d.Severity != diag.Error {
			continue
		}
		text := d.Message
		if d.File != nil {
			p := d.File.Place(d.Span.Start)
			text = fmt.Sprintf("line %d, column %d: %s", p.Line, p.Col, text)
		}
		if d.Help != "" && !strings.Contains(d.Help, "--") { // flags are of the command line
			text += "; " + d.Help
		}
		said = append(said, text)
	}
	return refuse(http.StatusBadRequest, codeParse, "%s", "The query cannot be read: "+strings.Join(said, " · "))
}

// saves reports whether a query writes to lookup tables.
func (a *API) saves(text string) bool {
	q, err := a.tree(text)
	if err != nil {
		return false
	}
	for _, s := range q.Stages {
		if s.Op != nil && strings.EqualFold(s.Op.Text, "save") {
			return true
		}
	}
	return false
}

func (a *API) createJob(w http.ResponseWriter, r *http.Request) {
	var s searchRequest
	if err := body(r, &s); err != nil {
		a.fail(w, r, err)
		return
	}
	req, warnings, err := a.request(&s)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	var more []string
	req.Query, more = a.intoPartitions(req.Query)
	warnings = append(warnings, more...)
	who := access.From(r.Context())
	req.Owner = who.ID
	saves := a.saves(req.Query)
	if saves && !who.Role.May(access.Content) {
		a.fail(w, r, refuse(http.StatusForbidden, access.CodeForbidden, "The query saves to a lookup table, which needs a key of the role content."))
		return
	}
	j, err := a.jobs.Start(req)
	if err != nil {
		a.fail(w, r, jobError(err))
		return
	}
	for _, text := range warnings {
		j.Warn(text)
	}
	if saves {
		a.done.Go(func() {
			err := j.Wait(context.Background())
			if err = errors.Join(err, a.tables.saved()); err != nil {
				a.o.Logf("lookup tables: %v", err)
			}
		})
	}
	href := origin(r) + strings.TrimSuffix(r.URL.Path, "/") + "/" + j.ID
	w.Header().Set("Location", href)
	type link struct {
		Rel  string `json:"rel"`
		Href string `json:"href"`
	}
	access.Answer(w, http.StatusAccepted, struct {
		ID   string `json:"id"`
		Link link   `json:"link"`
	}{j.ID, link{"self", href}})
}

// tree parses a query.
func (a *API) tree(text string) (*syntax.Query, error) {
	q, diags := a.jobs.Compile(text)
	if err := diags.Err(); err != nil {
		return nil, err
	}
	return q.Tree, nil
}

// jobError is an error of a search job as an answer.
func jobError(err error) error {
	var wrong *diag.Failure
	switch {
	case errors.As(err, &wrong):
		return parseError(err)
	case errors.Is(err, job.ErrGone):
		return refuse(http.StatusNotFound, codeJob, "There is no search job of this id. It was deleted, or nobody has asked about it for a while.")
	case errors.Is(err, job.ErrNoRecords):
		return refuse(http.StatusBadRequest, codeNoRecords, "The query does not aggregate, so there are no records. Ask for messages.")
	case errors.Is(err, job.ErrTooMany):
		return &failure{status: http.StatusTooManyRequests, code: access.CodeRate, message: capital(err.Error()) + ".", after: 10 * time.Second}
	case errors.Is(err, job.ErrClosed):
		return &failure{status: http.StatusServiceUnavailable, code: access.CodeUnavailable, message: "The server is stopping.", after: 5 * time.Second}
	}
	return err
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// job is that of a request's path, if who asks may see it.
func (a *API) job(r *http.Request) (*job.Job, error) {
	j, err := a.jobs.Get(r.PathValue("id"))
	if err != nil {
		return nil, jobError(err)
	}
	if who := access.From(r.Context()); who.ID != j.Owner && who.Role != access.Admin {
		return nil, jobError(job.ErrGone)
	}
	return j, nil
}

func (a *API) jobStatus(r *http.Request) (any, error) {
	j, err := a.job(r)
	if err != nil {
		return nil, err
	}
	s := j.Status(access.From(r.Context()).ID)
	type usage struct {
		Scanned int64 `json:"dataScannedInBytes"`
	}
	return struct {
		State    string       `json:"state"`
		Messages int64        `json:"messageCount"`
		Records  int64        `json:"recordCount"`
		Buckets  []job.Bucket `json:"histogramBuckets"`
		Errors   []string     `json:"pendingErrors"`
		Warnings []string     `json:"pendingWarnings"`
		Warning  string       `json:"warning"`
		Usage    usage        `json:"usageDetails"`
	}{s.State.String(), s.Messages, s.Records, orEmpty(s.Buckets), orEmpty(s.Errors), orEmpty(s.Warnings), s.Warning, usage{s.Scanned}}, nil
}

// orEmpty makes a list that JSON writes as [].
func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func (a *API) deleteJob(r *http.Request) (any, error) {
	j, err := a.job(r)
	if err != nil {
		return nil, err
	}
	if err := a.jobs.Delete(j.ID); err != nil {
		return nil, jobError(err)
	}
	return map[string]string{"id": j.ID}, nil
}

// pageMost is how many rows a page has at most.
const pageMost = 10_000

// paging reads offset and limit.
func paging(r *http.Request) (offset, limit int, err error) {
	q := r.URL.Query()
	read := func(name, missing string) (int, error) {
		text := strings.TrimSpace(q.Get(name))
		if text == "" {
			return 0, refuse(http.StatusBadRequest, missing, "The parameter %s is missing.", name)
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, refuse(http.StatusBadRequest, missing, "The parameter %s is %q, which is no whole number.", name, text)
		}
		return int(n), nil
	}
	if offset, err = read("offset", codeOffset); err != nil {
		return 0, 0, err
	}
	if offset < 0 {
		return 0, 0, refuse(http.StatusBadRequest, codeOffsetMinus, "The parameter offset is negative.")
	}
	if limit, err = read("limit", codeLimit); err != nil {
		return 0, 0, err
	}
	switch {
	case limit == 0:
		return 0, 0, refuse(http.StatusBadRequest, codeLimitZero, "The parameter limit is zero.")
	case limit < 0:
		return 0, 0, refuse(http.StatusBadRequest, codeLimitMinus, "The parameter limit is negative.")
	}
	return offset, min(limit, pageMost), nil
}

// isJobID reports whether a text has the form of a job's id.
func isJobID(s string) bool {
	if len(s) != 16 {
		return false
	}
	_, err := strconv.ParseUint(s, 16, 64)
	return err == nil
}

// page answers with a page of rows under a name.
func (a *API) page(name string, rows func(*job.Job, int, int) (job.Page, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		j, err := a.job(r)
		if err != nil {
			if !isJobID(r.PathValue("id")) {
				err = refuse(http.StatusBadRequest, codeJob, "%q is not the id of a search job.", r.PathValue("id"))
			}
			a.fail(w, r, err)
			return
		}
		offset, limit, err := paging(r)
		var p job.Page
		if err == nil {
			p, err = rows(j, offset, limit)
		}
		if err != nil {
			a.fail(w, r, jobError(err))
			return
		}
		keys := j.Keys()
		if name == "messages" {
			keys = nil
		}
		out := append([]byte(nil), `{"fields":[`...)
		for i, f := range p.Fields(keys) {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, `{"name":`...)
			out = jsondoc.AppendString(out, f.Name)
			out = append(out, `,"fieldType":"`+f.Type+`","keyField":`...)
			out = append(strconv.AppendBool(out, f.Key), '}')
		}
		out = append(out, `],"`+name+`":[`...)
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		for i, row := range p.Rows {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, `{"map":`...)
			out = append(p.AppendMap(out, row), '}')
			if len(out) > 256<<10 {
				if _, err := w.Write(out); err != nil {
					return
				}
				out = out[:0]
			}
		}
		out = append(out, "]}"...)
		w.Write(out)
	}
}
