// Package collect takes logs in: one file for each protocol that they come by. It cuts
// what comes into messages, finds their times, and hands them to the store; what was
// answered with success is durable.
package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/internal/store/message"
)

// Door is a protocol over HTTP that logs come by.
type Door struct {
	Name   string
	Routes []Route
	// Refuse answers a request that is not taken, in the protocol's own form.
	Refuse func(http.ResponseWriter, *http.Request, *Failure)
}

// Route is one call of a door.
type Route struct {
	Pattern string // of net/http
	// Way says whose the request is. nil asks for nothing.
	Way func(*Doors, *http.Request) (*Way, *Failure)
	// Receive turns a request into receipts. It does not answer: that happens once they
	// are durable. What it returns may point into the request's body.
	Receive func(*Request) (*Delivery, *Failure)
	// NoBody says that the body is not read.
	NoBody bool
}

// Request is a request whose sender is known and whose body is unpacked.
type Request struct {
	*http.Request
	Doors    *Doors
	Way      *Way
	Body     []byte
	Received int64 // ms
}

// Delivery is what a request brought.
type Delivery struct {
	Receipts []store.Receipt
	Dropped  int // messages that a filter, a cut-off or their form kept out
	// Answer says that the receipts are durable; first is the sequence number of the
	// first message. nil is 200 without a body.
	Answer func(w http.ResponseWriter, first uint64)
}

// Failure is why a request is not taken.
type Failure struct {
	Status  int
	Code    string // Sumo's
	Message string
	After   time.Duration // when to try again, for 429 and 503
	Detail  int           // the protocol's own number: an event's, for HEC
	Kind    int           // the protocol's own code, 0 for that of Status
}

func (f *Failure) Error() string { return f.Message }

// Log is where receipts are made durable: the store.
type Log interface {
	Append(ctx context.Context, r ...store.Receipt) (first uint64, err error)
}

// Options are what doors work with.
type Options struct {
	Log     Log
	Sources *Sources
	Keys    *access.Keys
	Audit   *access.Audit
	Logf    func(string, ...any)
	// Memory is how many bytes bodies may take at once while they are read; 0 is MemoryDefault.
	Memory int64
	// Install are tokens that collectors may register with, besides those of sources.
	Install []string
	// BodyTime is how long a body may take to come; 0 is 30 s.
	BodyTime time.Duration
}

// MemoryDefault is how many bytes bodies may take at once.
const MemoryDefault = 256 << 20

// Doors are all ways in.
type Doors struct {
	o        Options
	memory   memory
	bodyTime time.Duration
	counts   sync.Map // door's name -> *Counts
	stop     context.Context
	ending   context.CancelFunc
	running  sync.WaitGroup
	acks     acks
	saying   sync.Mutex
	said     map[string]bool // what has been logged once
	full     atomic.Bool
	fullAt   atomic.Int64 // when a sender was last told that there is no room, ms
}

// Counts are what came by a door.
type Counts struct {
	Requests, Refused, Messages, Bytes, Packed, Dropped, FieldsLost, Discarded atomic.Int64
}

// New makes the doors. Close ends those that listen by themselves.
func New(o Options) *Doors {
	d := &Doors{o: o, bodyTime: cmp.Or(o.BodyTime, bodyTime), said: map[string]bool{}}
	d.memory.free = cmp.Or(o.Memory, MemoryDefault)
	d.stop, d.ending = context.WithCancel(context.Background())
	return d
}

// doors are the protocols over HTTP; each file adds its own.
var doors []Door

func register(d Door) struct{} {
	doors = append(doors, d)
	return struct{}{}
}

// Routes are the calls of all doors. Each looks after its own keys.
func (d *Doors) Routes() (list []access.Route) {
	for _, door := range doors {
		counts := d.count(door.Name)
		for _, r := range door.Routes {
			list = append(list, access.Route{Pattern: r.Pattern, Serve: func(w http.ResponseWriter, req *http.Request) {
				d.serve(&door, &r, counts, w, req)
			}})
		}
	}
	return list
}

func (d *Doors) count(door string) *Counts {
	c, _ := d.counts.LoadOrStore(door, &Counts{})
	return c.(*Counts)
}

// Counts calls a function with each door's counts.
func (d *Doors) Counts(each func(door string, c *Counts)) {
	d.counts.Range(func(k, v any) bool {
		each(k.(string), v.(*Counts))
		return true
	})
}

// saidMax is how many things are remembered as having been said.
const saidMax = 1000

// once logs a sentence the first time it is said of a thing.
func (d *Doors) once(thing, format string, args ...any) {
	d.saying.Lock()
	met := d.said[thing] || len(d.said) >= saidMax
	if !met {
		d.said[thing] = true
	}
	d.saying.Unlock()
	if !met {
		d.o.Logf(format, args...)
	}
}

// serve takes a request in.
func (d *Doors) serve(door *Door, route *Route, counts *Counts, w http.ResponseWriter, r *http.Request) {
	counts.Requests.Add(1)
	refuse := func(f *Failure) {
		counts.Refused.Add(1)
		if f.After > 0 {
			access.RetryAfter(w, f.After)
		}
		if f.Status == http.StatusUnauthorized || f.Status == http.StatusForbidden {
			d.o.Audit.Refused(hostOf(r.RemoteAddr), f.Message, r)
		}
		door.Refuse(w, r, f)
	}
	q := &Request{Request: r, Doors: d, Received: time.Now().UnixMilli()}
	if route.Way != nil {
		var f *Failure
		if q.Way, f = route.Way(d, r); f != nil {
			refuse(f)
			return
		}
	}
	if !route.NoBody {
		b, f := d.readBody(w, r)
		if f != nil {
			refuse(f)
			return
		}
		defer b.free()
		q.Body = b.data
		counts.Packed.Add(b.packed)
		counts.Bytes.Add(int64(len(b.data)))
	}
	got, f := route.Receive(q)
	if f != nil {
		refuse(f)
		return
	}
	counts.Dropped.Add(int64(got.Dropped))
	first, f := d.append(r.Context(), counts, got.Receipts)
	if f != nil {
		refuse(f)
		return
	}
	if got.Answer == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	got.Answer(w, first)
}

// append makes receipts durable.
func (d *Doors) append(ctx context.Context, counts *Counts, receipts []store.Receipt) (first uint64, _ *Failure) {
	n, kept := 0, receipts[:0]
	for _, r := range receipts {
		if len(r.Messages) > 0 {
			n += len(r.Messages)
			r.Format = message.One
			kept = append(kept, r)
		}
	}
	if n == 0 {
		return 0, nil
	}
	if n > messagesMax {
		return 0, tooMany()
	}
	first, err := d.o.Log.Append(ctx, kept...)
	if err == nil {
		counts.Messages.Add(int64(n))
		if d.full.Load() && d.full.Swap(false) {
			d.o.Logf("there is room again")
		}
		return first, nil
	}
	var full *store.FullError
	switch {
	case errors.As(err, &full):
		d.fullAt.Store(time.Now().UnixMilli())
		if !d.full.Swap(true) {
			d.o.Logf("no room for more: %s; senders are told to try again", full.Reason)
		}
		return 0, &Failure{Status: http.StatusServiceUnavailable, Code: access.CodeUnavailable, Message: "there is no room for more: " + full.Reason, After: max(full.After, time.Second)}
	case ctx.Err() != nil: // the sender has gone
		return 0, &Failure{Status: http.StatusRequestTimeout, Code: "request.timeout", Message: "the request was given up"}
	}
	d.o.Logf("what came could not be stored: %v", err)
	return 0, &Failure{Status: http.StatusServiceUnavailable, Code: access.CodeUnavailable, Message: "what came could not be stored; try again", After: 5 * time.Second}
}

// fullTime is how long after a sender was told that there is no room the server says so of
// itself; who sends again after that may find some.
const fullTime = 30 * time.Second

// Full reports whether senders were told a short while ago that there is no room.
func (d *Doors) Full() bool {
	return d.full.Load() && time.Since(time.UnixMilli(d.fullAt.Load())) < fullTime
}

// refuseSumo answers in Sumo's form.
func refuseSumo(w http.ResponseWriter, _ *http.Request, f *Failure) {
	if f.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="gyoji"`)
	}
	access.Fail(w, f.Status, f.Code, f.Message)
}

// byKey is the way of a request that has the access id and key of a role which may send.
func (d *Doors) byKey(r *http.Request) (access.Principal, *Failure) {
	id, secret, ok := access.Of(r)
	if !ok {
		return access.Principal{}, &Failure{Status: http.StatusUnauthorized, Code: access.CodeUnauthorized, Message: "an access id and key are needed"}
	}
	p, ok := d.o.Keys.Check(id, secret)
	if !ok {
		return p, &Failure{Status: http.StatusUnauthorized, Code: access.CodeUnauthorized, Message: "the access id or key is wrong"}
	}
	if !p.Role.May(access.Ingest) {
		return p, &Failure{Status: http.StatusForbidden, Code: access.CodeForbidden, Message: fmt.Sprintf("a key of the role %s may not send logs; use one of the role %s", p.Role, access.Ingest)}
	}
	return p, nil
}

// ownWay is the way of a key's holder by the server's own source of a name.
func ownWay(name string, set func(*Source)) func(*Doors, *http.Request) (*Way, *Failure) {
	return func(d *Doors, r *http.Request) (*Way, *Failure) {
		if _, f := d.byKey(r); f != nil {
			return nil, f
		}
		return d.ownSource(name, set)
	}
}

func (d *Doors) ownSource(name string, set func(*Source)) (*Way, *Failure) {
	w, err := d.o.Sources.own(name, set)
	if err != nil {
		d.o.Logf("source %s: %v", name, err)
		return nil, &Failure{Status: http.StatusServiceUnavailable, Code: access.CodeUnavailable, Message: "the source cannot be made; try again", After: 5 * time.Second}
	}
	return w, nil
}

// Close ends what listens by itself and waits until what it had taken is stored, or ctx
// ends.
func (d *Doors) Close(ctx context.Context) error {
	d.ending()
	done := make(chan struct{})
	go func() {
		d.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
