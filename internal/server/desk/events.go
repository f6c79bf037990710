package desk

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/live"
)

const (
	// eventsKept is how many events are kept for those who come back.
	eventsKept = 2048
	// streamsMost is how many streams there are at once.
	streamsMost = 200
	// clockEvery is how often a stream is told the time, which keeps it open.
	clockEvery = 15 * time.Second
	// signalsEvery is how often signals are told of: those between are told of together.
	signalsEvery = 500 * time.Millisecond
	// idsMost is how many signals one event names.
	idsMost = 50
)

// event is a name and JSON.
type event struct {
	n    uint64
	name string
	data []byte
}

// hub gives events to the streams that are open. Who writes is never held back by who reads:
// a stream looks for what is new in the ring of the last events.
type hub struct {
	d    *Desk
	boot string

	mu      sync.Mutex
	ring    []event
	next    uint64
	wake    chan struct{} // closed when something has come
	done    chan struct{}
	ended   bool
	streams int

	made    chan rowAsked
	pending *pendingSignals
	care    []byte // of Health, as it was last told; nil before that
}

// pendingSignals are signals that are told of together.
type pendingSignals struct {
	IDs      []string `json:"ids"`
	Rules    []string `json:"rules"`
	Entities []string `json:"entities"`
	Count    int      `json:"count"`
	Level    string   `json:"level"`
}

func newHub(d *Desk) *hub {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return &hub{d: d, boot: fmt.Sprintf("%x", b), made: make(chan rowAsked, rowsWaiting), wake: make(chan struct{}), done: make(chan struct{})}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ended {
		h.ended = true
		close(h.done)
	}
}

// put adds an event.
func (h *hub) put(name string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		h.d.o.Logf("an event of the page: %v", err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if name == "health" {
		h.care = data
	}
	h.next++
	h.ring = append(h.ring, event{h.next, name, data})
	if len(h.ring) > 2*eventsKept {
		h.ring = slices.Clone(h.ring[len(h.ring)-eventsKept:])
	}
	close(h.wake)
	h.wake = make(chan struct{})
}

// since gives the events after n, and what tells of more. all is false where some of them are
// not kept any more.
func (h *hub) since(n uint64) (list []event, wake chan struct{}, all bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := len(h.ring) - 1; i >= 0 && h.ring[i].n > n; i-- {
		list = append(list, h.ring[i])
	}
	slices.Reverse(list)
	return list, h.wake, n <= h.next && h.next-n == uint64(len(list))
}

// news tells of what live detection has written and people have changed.
func (h *hub) news(n live.News) {
	for _, c := range n.New {
		h.insight(c, true)
	}
	if n.Changed != nil {
		h.insight(n.Changed, false)
	}
	if n.Entity != "" {
		h.put("entity", map[string]any{"id": n.Entity})
	}
	if len(n.Signals) > 0 {
		h.signals(n.Signals)
	}
}

// insight tells of one, with its row. Whoever writes does not wait for the store to be read:
// rows are made one after the other, and where very many wait, an insight is told without one.
func (h *hub) insight(c *insight.Case, fresh bool) {
	select {
	case h.made <- rowAsked{c, fresh}:
	default:
		h.put("insight", map[string]any{"id": c.Insight.ID, "readableId": c.ReadableID(), "new": fresh, "row": nil})
	}
}

// rowAsked is an insight whose row is to be made.
type rowAsked struct {
	of    *insight.Case
	fresh bool // it was made just now
}

// rowsWaiting is how many insights wait for their rows at most.
const rowsWaiting = 1024

// rows makes rows until the hub is closed. Rules come first: it waits while they have something
// to look at, for a second at most.
func (h *hub) rows() {
	for {
		var x rowAsked
		select {
		case <-h.done:
			return
		case x = <-h.made:
		}
		for began := time.Now(); h.d.o.Live.Behind() && time.Since(began) < time.Second && !h.stopped(); {
			time.Sleep(25 * time.Millisecond)
		}
		h.row(x.of, x.fresh)
	}
}

// row makes one, and tells of it.
func (h *hub) row(c *insight.Case, fresh bool) {
	ctx, done := context.WithTimeout(context.Background(), 30*time.Second)
	defer done()
	var shown any
	if rows, err := h.d.rows(ctx, []*insight.Case{c}); err == nil {
		shown = rows[0]
	} else if !h.stopped() {
		h.d.o.Logf("insight %s: %v", c.ReadableID(), err)
	}
	h.put("insight", map[string]any{"id": c.Insight.ID, "readableId": c.ReadableID(), "new": fresh, "row": shown})
	if fresh { // what its signals are made of is kept, whatever becomes of the messages
		for _, s := range c.Insight.Signals {
			if _, err := h.d.o.Live.Records(ctx, s, 0); err != nil && !h.stopped() {
				h.d.o.Logf("the records of %s: %v", c.ReadableID(), err)
				return
			}
		}
	}
}

// watched says that somebody has a page open.
func (h *hub) watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.streams > 0
}

func (h *hub) stopped() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ended
}

// worked tells that something was done about an insight that is not part of it.
func (h *hub) worked(c *insight.Case) { h.insight(c, false) }

// signals tells of signals, of those of half a second together.
func (h *hub) signals(all []*insight.Signal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := h.pending == nil
	if first {
		h.pending = &pendingSignals{Level: levels[0]}
	}
	p := h.pending
	add := func(to *[]string, v string) {
		if len(*to) < idsMost && !slices.Contains(*to, v) {
			*to = append(*to, v)
		}
	}
	for _, s := range all {
		p.Count++
		add(&p.IDs, s.ID)
		add(&p.Rules, s.RuleID)
		add(&p.Entities, s.Entity.ID())
		if l := levelOf(s.Severity); rank(l) > rank(p.Level) {
			p.Level = l
		}
	}
	if first {
		time.AfterFunc(signalsEvery, func() {
			h.mu.Lock()
			p := h.pending
			h.pending = nil
			h.mu.Unlock()
			h.put("signal", p)
		})
	}
}

// Content tells that content is another: what kind of document, which, and what was done.
func (d *Desk) Content(kind, id, action string) {
	d.hub.put("content", map[string]any{"kind": kind, "id": id, "action": action})
}

// serve is a stream of events.
// Source: WHATWG HTML, "Server-sent events".
func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	if h.ended || h.streams >= streamsMost {
		h.mu.Unlock()
		access.FailLater(w, http.StatusServiceUnavailable, access.CodeUnavailable, fmt.Sprintf("there are %d streams of events, and there may be no more", streamsMost), clockEvery)
		return
	}
	h.streams++
	at, care := h.next, h.care
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		h.streams--
		h.mu.Unlock()
	}()
	reset := false
	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		last = r.URL.Query().Get("last")
	}
	if last != "" {
		boot, number, _ := strings.Cut(last, "-")
		n, err := strconv.ParseUint(number, 10, 64)
		if reset = err != nil || boot != h.boot; !reset {
			if _, _, all := h.since(n); all {
				at = n
			} else {
				reset = true
			}
		}
	}
	head := w.Header()
	head.Set("Content-Type", "text/event-stream")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no")
	head.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	control := http.NewResponseController(w)
	send := func(name string, n uint64, data []byte) error {
		_, err := fmt.Fprintf(w, "event: %s\nid: %s-%d\ndata: %s\n\n", name, h.boot, n, data)
		return err
	}
	now := func() int64 { return h.d.o.Now().UnixMilli() }
	err := send("hello", at, fmt.Appendf(nil, `{"now":%d,"reset":%t}`, now(), reset))
	if err == nil && care != nil {
		err = send("health", at, care)
	}
	clock := time.NewTicker(clockEvery)
	defer clock.Stop()
	for err == nil {
		list, wake, all := h.since(at)
		if !all { // this reader is slower than what comes
			h.mu.Lock()
			at = h.next
			h.mu.Unlock()
			err = send("hello", at, fmt.Appendf(nil, `{"now":%d,"reset":true}`, now()))
			continue
		}
		for _, e := range list {
			if err = send(e.name, e.n, e.data); err != nil {
				return
			}
			at = e.n
		}
		if err = control.Flush(); err != nil {
			return
		}
		select {
		case <-wake:
		case <-clock.C:
			err = send("clock", at, fmt.Appendf(nil, `{"now":%d}`, now()))
		case <-h.done:
			return
		case <-r.Context().Done():
			return
		}
	}
}
