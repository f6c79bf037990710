package search

import (
	"net/http"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/job"
)

// links are the ids of jobs that whoever began them shares: all who may read may look at one
// whose id they were told.
type links struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (l *links) has(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ids[id]
}

// share has all who may read look at a job by its id, until it ends.
func (p *Page) share(r *http.Request) (any, error) {
	j, err := p.own(r)
	if err != nil {
		return nil, err
	}
	p.links.mu.Lock()
	defer p.links.mu.Unlock()
	now := map[string]bool{j.ID: true}
	for id := range p.links.ids { // those that have ended are forgotten
		if _, err := p.o.Jobs.Get(id); err == nil {
			now[id] = true
		}
	}
	p.links.ids = now
	return map[string]string{"id": j.ID}, nil
}

// Shared is a search job as who opens a link to it is told of it: what was asked, and how it
// stands.
type Shared struct {
	Query     string       `json:"query"`
	From      int64        `json:"from"` // ms
	To        int64        `json:"to"`
	TimeZone  string       `json:"timeZone"`
	ByReceipt bool         `json:"byReceiptTime"`
	Messages  bool         `json:"requiresRawMessages"`
	Own       bool         `json:"own"` // who asks is who began it
	State     string       `json:"state"`
	Count     int64        `json:"messageCount"`
	Records   int64        `json:"recordCount"`
	Buckets   []job.Bucket `json:"histogramBuckets"`
	Errors    []string     `json:"pendingErrors"`
	Warnings  []string     `json:"pendingWarnings"`
	Usage     struct {
		Scanned int64 `json:"dataScannedInBytes"`
	} `json:"usageDetails"`
}

// shared answers a job that somebody began. ?as=NAME tells several who look at one apart:
// each is told of buckets, errors and warnings once.
func (p *Page) shared(r *http.Request) (any, error) {
	j, err := p.job(r)
	if err != nil {
		return nil, err
	}
	as := r.URL.Query().Get("as")
	if len(as) > 64 {
		return nil, access.Bad("as is a name of at most 64 bytes")
	}
	who := access.From(r.Context()).ID
	s := j.Status(who + " " + as)
	out := &Shared{
		Query: j.Query, From: j.From, To: j.To, ByReceipt: j.ByReceipt, Messages: j.Request.Messages, Own: who == j.Owner,
		State: s.State.String(), Count: s.Messages, Records: s.Records, Buckets: s.Buckets, Errors: s.Errors, Warnings: s.Warnings,
	}
	if j.Zone != nil {
		out.TimeZone = j.Zone.String()
	}
	out.Usage.Scanned = s.Scanned
	for _, list := range []*[]string{&out.Errors, &out.Warnings} {
		if *list == nil {
			*list = []string{}
		}
	}
	if out.Buckets == nil {
		out.Buckets = []job.Bucket{}
	}
	return out, nil
}
