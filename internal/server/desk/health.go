package desk

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/store/message"
)

// Care is something of which somebody should know, or which somebody should do something
// about.
type Care struct {
	Kind   string `json:"kind"` // act or know
	What   string `json:"what"` // silent, rule, degraded, stopped, dead, full, damaged, lost, unmapped
	Text   string `json:"text"`
	Reason string `json:"reason"`
	// To is where on the page to go, and Button what that is called.
	To     string `json:"to,omitempty"`
	Button string `json:"button,omitempty"`
	ID     string `json:"id,omitempty"` // of what it is about
}

// sourceShown is a source as the page has it.
type sourceShown struct {
	flowKey
	PerMinute float64 `json:"perMinute"` // over the last half hour, about
	Delay     *int64  `json:"delay"`     // ms from a message's time to its receipt; null where unknown
	Last      int64   `json:"last"`
	First     int64   `json:"first"`
	Messages  int64   `json:"messages"`
	Bars      []int64 `json:"bars"` // of half an hour each, the newest last
	State     string  `json:"state"`
	Text      string  `json:"text"`
	Insight   string  `json:"insight,omitempty"` // an open insight on its host
}

const (
	// silentLeast and silentMost bound after which time without a message a source is silent,
	// which is else silentGaps times as long as its receipts are usually apart.
	silentLeast = 30 * time.Second
	silentMost  = 6 * time.Hour
	silentGaps  = 20
	// silentReceipts is how many receipts a source must have had to be missed.
	silentReceipts = 10
	// goneAfter is when nobody waits for a source any more.
	goneAfter = 24 * time.Hour
	// unusableShown is how many documents that cannot be used are told of one by one.
	unusableShown = 3
	// sourcesShown is how many sources are told of.
	sourcesShown = 500
	// auditShown is how many entries of the audit log are told.
	auditShown = 100
	// auditRead is how much of the log's end is read for them.
	auditRead = 256 << 10
)

// span is a time in words: 40 s, 12 min, 3 h, 2 d.
func span(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// hostsAsked is for how many insights at once the store is read for their hosts; those of the
// others are known the next times.
const hostsAsked = 10

// sources are what has come from where, and what of it is silent.
func (d *Desk) sources(ctx context.Context, now time.Time) (out []sourceShown, silent []Care, err error) {
	if d.o.Meter == nil {
		return []sourceShown{}, nil, nil
	}
	open, err := d.alerts.Open(ctx)
	if err != nil {
		return nil, nil, err
	}
	on := map[string]*insight.Case{}
	asked := 0
	slices.SortStableFunc(open, urgency) // a record is read for many, so of the most urgent
	for _, c := range open[:min(len(open), listed)] {
		host := c.Insight.Entity.Value
		if s := top(c.Insight); s != nil && c.Insight.Entity.Type != "_hostname" {
			e := d.remembered(s)
			if e == nil && asked < hostsAsked {
				asked++
				e = d.evidence(ctx, s)
			}
			if host = ""; e != nil {
				host = e.Host
			}
		}
		short, _, _ := strings.Cut(strings.ToLower(host), ".")
		if on[short] == nil {
			on[short] = c
		}
	}
	out = []sourceShown{}
	for _, f := range d.o.Meter.all(now) {
		s := sourceShown{flowKey: f.Key, Last: f.Last, First: f.First, Messages: f.Messages, Bars: f.Bars[:], State: "live"}
		s.PerMinute = float64(f.Bars[bars-1]) / max(time.Duration(now.UnixMilli()%barOf.Milliseconds()*int64(time.Millisecond)).Minutes(), 1)
		if f.Timed {
			at := int64(f.Delay)
			s.Delay = &at
		}
		short, _, _ := strings.Cut(strings.ToLower(f.Key.Host), ".")
		if c := on[short]; c != nil && short != "" {
			s.Insight = c.ReadableID()
		}
		quiet := now.Sub(time.UnixMilli(f.Last))
		limit := min(max(time.Duration(silentGaps*f.Gap)*time.Millisecond, silentLeast), silentMost)
		switch {
		case quiet > goneAfter:
			s.State, s.Text = "gone", "nothing for "+span(quiet)
		case f.Receipts >= silentReceipts && quiet > limit:
			s.State, s.Text = "silent", fmt.Sprintf("silent for %s; it used to send every %s", span(quiet), span(max(time.Duration(f.Gap)*time.Millisecond, time.Second)))
			name := cmp.Or(strings.Join(nonEmpty(f.Key.Category, f.Key.Host), " from "), f.Key.Source, "a source without a name")
			c := Care{Kind: "act", What: "silent", Text: name + " is silent for " + span(quiet), Reason: fmt.Sprintf("It used to send every %s.", span(max(time.Duration(f.Gap)*time.Millisecond, time.Second))),
				Button: "See its last messages", To: searchOf(f.Key, f.Last), ID: name}
			if s.Insight != "" {
				c.Reason += fmt.Sprintf(" Its host has an open insight, %s: this may be part of the attack, and no outage.", s.Insight)
				c.Button, c.To = "Open "+s.Insight, "/insight/"+s.Insight
			}
			silent = append(silent, c)
		default:
			s.Text = "sends"
		}
		out = append(out, s)
	}
	order := func(s *sourceShown) int { return slices.Index([]string{"silent", "live", "gone"}, s.State) }
	slices.SortStableFunc(out, func(a, b sourceShown) int {
		return cmp.Or(cmp.Compare(order(&a), order(&b)), cmp.Compare(b.PerMinute, a.PerMinute), cmp.Compare(b.Last, a.Last), cmp.Compare(a.Category+a.Host+a.Source, b.Category+b.Host+b.Source))
	})
	return out[:min(len(out), sourcesShown)], silent, nil
}

func nonEmpty(all ...string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// searchOf is the address of a search for the last messages of a source.
func searchOf(k flowKey, last int64) string {
	var parts []string
	for _, p := range [][2]string{{"_sourceCategory", k.Category}, {"_sourceHost", k.Host}} {
		if p[1] != "" {
			parts = append(parts, p[0]+`="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p[1])+`"`)
		}
	}
	q := strings.Join(parts, " ")
	return fmt.Sprintf("/search?q=%s&from=%d&to=%d", urlQuery(cmp.Or(q, "*")), last-time.Hour.Milliseconds(), last+1000)
}

// cares are what needs care, what needs an act first.
func (d *Desk) cares(ctx context.Context) ([]Care, error) {
	now := d.o.Now()
	_, all, err := d.sources(ctx, now)
	if err != nil {
		return nil, err
	}
	act := func(what, text, reason, button, to, id string) {
		all = append(all, Care{"act", what, text, reason, to, button, id})
	}
	know := func(what, text, reason string) {
		all = append(all, Care{Kind: "know", What: what, Text: text, Reason: reason})
	}
	st := d.o.Live.Status()
	if st.Problem != "" {
		act("stopped", "Detection does not run", st.Problem, "", "", "")
	}
	if n := len(st.Unusable); n > unusableShown {
		act("rule", fmt.Sprintf("%d documents cannot be used, and the others run", n), strings.Join(st.Unusable[:unusableShown], "; ")+"; and more", "See them", "/content?only=care", "")
	} else {
		for _, u := range st.Unusable {
			act("rule", "A document cannot be used, and the others run", u, "See the content", "/content?only=care", "")
		}
	}
	for _, x := range st.Stopped {
		act("stopped", "A rule was stopped by a mistake in gyoji, and the others go on", x, "", "", "")
	}
	for _, x := range st.Degraded {
		id, why, _ := strings.Cut(x, ":")
		act("degraded", "Rule "+id+" forgets what it should remember", strings.TrimSpace(why), "Open the rule", "/content/"+id, id)
	}
	if d.o.Hunter != nil {
		h := d.o.Hunter.Status()
		if h.Problem != "" {
			act("stopped", "The packages' queries and Sigma rules do not run", h.Problem, "", "", "")
		}
		for _, f := range h.Failed {
			act("stopped", "A detection was stopped by a mistake in gyoji, and the others go on", f, "", "", "")
		}
	}
	lost := slices.Clone(st.Lost)
	if d.o.Hunter != nil {
		lost = append(lost, d.o.Hunter.Status().Lost...)
	}
	for _, w := range lost {
		know("lost", "Detection could not use something that came", w)
	}
	if c := d.blindCare(now); c != nil {
		all = append(all, *c)
	}
	for _, p := range d.o.Cares {
		more, err := p(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	s := d.o.Store.Stats()
	for _, x := range s.Damaged {
		act("damaged", "A stretch of a file could not be read", x.String(), "", "", "")
	}
	if s.LogMax > 0 && s.LogBytes > s.LogMax/10*8 {
		act("full", fmt.Sprintf("The log has %d %% of the bytes that it may have", s.LogBytes*100/s.LogMax), "When it is full senders are told to wait.", "", "", "")
	}
	for id, b := range d.o.Live.Building() {
		if b.Problem != "" {
			know("baseline", "The baseline of "+id+" could not be built from the logs that are here", b.Problem+". The rule learns from what comes.")
		} else if !b.Done {
			know("baseline", fmt.Sprintf("Rule %s builds its baseline: %d %%", id, b.Percent()), "It is silent until then. Nothing to do.")
		}
	}
	if total := st.Records + st.Unmapped; st.Unmapped > 0 && st.Unmapped*2 > total {
		know("unmapped", fmt.Sprintf("%d of %d events are of no product that Cloud SIEM rules know", st.Unmapped, total), "Rules of Cloud SIEM do not see them; searches, packages and Sigma rules do. A log mapping makes records of them.")
	}
	slices.SortStableFunc(all, func(a, b Care) int { return strings.Compare(a.Kind, b.Kind) })
	return all, nil
}

// watchCare tells the streams when what needs care changes.
func (d *Desk) watchCare() {
	every := time.NewTicker(careEvery)
	defer every.Stop()
	last, looked := [2]int{-1, -1}, time.Time{}
	for {
		select {
		case <-d.hub.done:
			return
		case <-every.C:
		}
		if d.o.Meter != nil && time.Since(d.saved) > meterSaved {
			d.saved = time.Now()
			if err := d.o.Meter.save(context.Background(), d.db); err != nil {
				d.o.Logf("the counts of sources: %v", err)
			}
		}
		if !d.hub.watched() && time.Since(looked) < careUnseen {
			continue
		}
		looked = time.Now()
		all, err := d.cares(context.Background())
		if err != nil {
			continue
		}
		now := [2]int{len(all), 0}
		for _, c := range all {
			if c.Kind == "act" {
				now[1]++
			}
		}
		if now != last {
			last = now
			d.hub.put("health", map[string]int{"care": now[0], "act": now[1]})
		}
	}
}

// careEvery is how often it is looked for what needs care.
const careEvery = 5 * time.Second

// careUnseen is the same while no page is open.
const careUnseen = time.Minute

// health is how the server does, what needs care first.
func (d *Desk) health(r *http.Request) (any, error) {
	ctx, now := r.Context(), d.o.Now()
	all, err := d.cares(ctx)
	if err != nil {
		return nil, err
	}
	sources, _, err := d.sources(ctx, now)
	if err != nil {
		return nil, err
	}
	st, live := d.o.Store.Stats(), d.o.Live.Status()
	waits := uint64(0)
	if st.Next > live.Place {
		waits = (st.Next - live.Place) / message.Apart
	}
	figures := map[string]any{
		"perSecond": nil, "lag": nil, "waiting": waits, "latency": nil, "latency95": nil, "messages": st.Messages + st.Sealed, "bytes": st.LogBytes + st.SegmentBytes, "oldest": opt(st.OldestSegment),
		"segments": st.Segments, "logBytes": st.LogBytes, "logMax": st.LogMax, "expired": st.Expired,
	}
	if m := d.o.Meter; m != nil {
		figures["perSecond"], figures["lag"] = m.rate(now), m.lag(live.Place, now)
		if half, most := m.latency(); half >= 0 {
			figures["latency"], figures["latency95"] = half, most
		}
	}
	rules := map[string]any{
		"running": live.Rules, "off": live.Disabled, "unusable": append([]string{}, live.Unusable...), "degraded": append([]string{}, live.Degraded...), "records": live.Records, "unmapped": live.Unmapped,
		"entities": live.Entities, "eventTime": opt(stampOf(live.EventTime)), "loaded": opt(stampOf(live.Loaded)), "detections": 0,
	}
	if d.o.Hunter != nil {
		rules["detections"] = d.o.Hunter.Status().Detections
	}
	entries, err := d.audit(access.From(ctx).Role.May(access.Admin))
	if err != nil {
		return nil, err
	}
	if all == nil {
		all = []Care{}
	}
	return map[string]any{"now": now.UnixMilli(), "care": all, "figures": figures, "sources": sources, "rules": rules, "audit": entries}, nil
}

func stampOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// audited is an entry of the audit log.
type audited struct {
	At    int64  `json:"at"`
	Who   string `json:"who"`
	Label string `json:"label"`
	From  string `json:"from,omitempty"` // for those who may see all
	What  string `json:"what"`
	On    string `json:"on"`
}

// audit are the last entries of the log of who changed what, the newest first.
func (d *Desk) audit(whole bool) ([]audited, error) {
	out := []audited{}
	f, err := os.Open(filepath.Join(d.o.Store.Dir(), access.AuditName))
	if os.IsNotExist(err) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	from := max(st.Size()-auditRead, 0)
	text, err := io.ReadAll(io.NewSectionReader(f, from, auditRead))
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(text), "\n")
	if from > 0 {
		lines = lines[1:] // it is cut
	}
	for i := len(lines) - 1; i >= 0 && len(out) < auditShown; i-- {
		var e struct {
			Time                       time.Time
			Who, Label, From, What, On string
		}
		if json.Unmarshal([]byte(lines[i]), &e) != nil {
			continue
		}
		if strings.Contains(e.What, " /api/v1/search/jobs") { // who searched is in the file, and changed nothing
			continue
		}
		a := audited{At: e.Time.UnixMilli(), Who: e.Who, Label: e.Label, What: e.What, On: e.On}
		if whole {
			a.From = e.From
		}
		out = append(out, a)
	}
	return out, nil
}
