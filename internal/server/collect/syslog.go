package collect

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
)

const (
	// syslogConns is how many connections a listener has at most.
	syslogConns = 1000
	// syslogFrame is how long a frame may say that it is.
	syslogFrame = 1 << 20
	// syslogTime is how long a frame that has begun may take to come.
	syslogTime = 30 * time.Second
	// syslogIdle is how long a connection may be silent.
	syslogIdle = time.Hour
	// syslogBatch and syslogWait bound what is stored at once: bytes, and the time that
	// the first of it waits for more.
	syslogBatch = 1 << 20
	syslogWait  = 20 * time.Millisecond
	// siemID is the enterprise number behind the token in cloud syslog.
	// Source: Sumo Logic, "Cloud Syslog Source".
	siemID = "@41123"
)

// SyslogAddress is where syslog is listened for: tcp://, udp:// or tls://HOST:PORT with
// category=, name= and timezone= of its source.
type SyslogAddress struct {
	Network, Host            string
	Category, Name, TimeZone string
}

// ParseSyslogAddress reads tcp://127.0.0.1:5514?category=prod/linux.
func ParseSyslogAddress(s string) (a SyslogAddress, err error) {
	u, err := url.Parse(s)
	if err != nil || !slices.Contains([]string{"tcp", "udp", "tls"}, u.Scheme) || u.Port() == "" || u.Path != "" {
		return a, fmt.Errorf("%s: write tcp://HOST:PORT, udp://HOST:PORT or tls://HOST:PORT, with ?category=NAME where wanted", s)
	}
	a = SyslogAddress{Network: u.Scheme, Host: u.Host}
	for k, v := range u.Query() {
		switch k {
		case "category":
			a.Category = v[0]
		case "name":
			a.Name = v[0]
		case "timezone":
			a.TimeZone = v[0]
			if _, err := datefmt.Zone(a.TimeZone); err != nil {
				return a, fmt.Errorf("%s: %w", s, err)
			}
		default:
			return a, fmt.Errorf("%s: %s is not known; there are category, name and timezone", s, k)
		}
	}
	if a.Name == "" {
		a.Name = "syslog"
		if a.TimeZone != "" { // listeners of several zones have a source each
			a.Name += " " + a.TimeZone
		}
	}
	return a, nil
}

// Loopback reports whether only this machine reaches the address.
func (a SyslogAddress) Loopback() bool {
	host, _, err := net.SplitHostPort(a.Host)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Syslog listens for syslog and returns the address that it has. certificate is for tls.
func (d *Doors) Syslog(a SyslogAddress, certificate *tls.Config) (net.Addr, error) {
	way, f := d.ownSource(a.Name, nil)
	if f != nil {
		return nil, f
	}
	src := way.Source
	if a.TimeZone != "" && src.TimeZone != a.TimeZone {
		src.TimeZone = a.TimeZone
		if _, err := d.o.Sources.SetSource(way.Collector.ID, src); err != nil {
			return nil, err
		}
	}
	l := &syslogListener{d: d, name: a.Name, category: a.Category, counts: d.count("syslog")}
	if a.Network == "udp" {
		at, err := net.ResolveUDPAddr("udp", a.Host)
		if err != nil {
			return nil, err
		}
		conn, err := net.ListenUDP("udp", at)
		if err != nil {
			return nil, err
		}
		_ = conn.SetReadBuffer(4 << 20) // as much as the system gives
		d.running.Go(func() { l.packets(conn) })
		context.AfterFunc(d.stop, func() { conn.SetReadDeadline(time.Now()) })
		return conn.LocalAddr(), nil
	}
	listener, err := net.Listen("tcp", a.Host)
	if err != nil {
		return nil, err
	}
	at := listener.Addr()
	if a.Network == "tls" {
		listener = tls.NewListener(listener, certificate)
	}
	context.AfterFunc(d.stop, func() { listener.Close() })
	d.running.Go(func() { l.accept(listener) })
	return at, nil
}

type syslogListener struct {
	d        *Doors
	name     string // of its source
	category string // of what comes by it, "" for its source's
	counts   *Counts
}

func (l *syslogListener) accept(listener net.Listener) {
	room := make(chan struct{}, syslogConns)
	for {
		conn, err := listener.Accept()
		if err != nil {
			if l.d.stop.Err() != nil {
				return
			}
			l.d.once("syslog accept", "syslog: %v", err)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			select {
			case <-time.After(100 * time.Millisecond):
			case <-l.d.stop.Done():
			}
			continue
		}
		select {
		case room <- struct{}{}:
		default:
			l.d.once("syslog room", "syslog: more than %d connections at once; further ones are closed", syslogConns)
			l.counts.Refused.Add(1)
			conn.Close()
			continue
		}
		l.d.running.Go(func() {
			defer func() {
				select {
				case <-room:
				default:
				}
			}()
			l.connection(conn)
		})
	}
}

// connection reads the frames of a connection until it ends.
func (l *syslogListener) connection(conn net.Conn) {
	defer conn.Close()
	stop := context.AfterFunc(l.d.stop, func() { conn.SetReadDeadline(time.Now()) })
	defer stop()
	b := &syslogBatcher{l: l, host: hostOf(conn.RemoteAddr().String())}
	r := bufio.NewReaderSize(conn, 64<<10)
	for {
		if r.Buffered() == 0 {
			wait := syslogIdle
			if b.bytes > 0 {
				wait = syslogWait
			}
			l.deadline(conn, wait)
			if _, err := r.Peek(1); err != nil {
				stored := b.store()
				if errors.Is(err, os.ErrDeadlineExceeded) && wait == syslogWait && l.d.stop.Err() == nil && stored {
					continue
				}
				return
			}
		}
		l.deadline(conn, syslogTime)
		frame, err := readFrame(r)
		if len(frame) > 0 {
			b.add(frame)
		}
		if err != nil {
			b.store()
			if errors.Is(err, errFrame) || errors.Is(err, os.ErrDeadlineExceeded) && l.d.stop.Err() == nil {
				l.counts.Refused.Add(1)
				l.d.once("syslog frame "+b.host, "syslog: a connection of %s is closed: %v", b.host, err)
			}
			return
		}
		if b.bytes >= syslogBatch && !b.store() {
			return
		}
	}
}

// deadline is when the next read ends at the latest; that of a server which ends stays.
func (l *syslogListener) deadline(conn net.Conn, wait time.Duration) {
	conn.SetReadDeadline(time.Now().Add(wait))
	if l.d.stop.Err() != nil {
		conn.SetReadDeadline(time.Now())
	}
}

var errFrame = errors.New("a frame's length is no number, or more than 1 MiB")

// readFrame reads a message: behind its length in digits and a blank (RFC 6587, octet
// counting), or up to a line feed or NUL. One without an end is cut at MessageMax.
func readFrame(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(1)
	if err != nil {
		return nil, err
	}
	if c := head[0]; '1' <= c && c <= '9' {
		if n, size := octets(r); n > 0 {
			if n > syslogFrame {
				return nil, errFrame
			}
			r.Discard(size)
			frame := make([]byte, n)
			got, err := io.ReadFull(r, frame)
			return trimFrame(frame[:got]), err
		}
	}
	var frame []byte
	for {
		c, err := r.ReadByte()
		if err != nil {
			if err == io.EOF && len(frame) > 0 {
				return trimFrame(frame), nil
			}
			return trimFrame(frame), err
		}
		if c == '\n' || c == 0 {
			return trimFrame(frame), nil
		}
		if frame = append(frame, c); len(frame) >= syslogFrame {
			return trimFrame(frame), nil
		}
	}
}

// octets is the length that a frame begins with, and how many bytes it takes; 0 where what
// begins there is text. What follows a length is a priority.
func octets(r *bufio.Reader) (n, size int) {
	for want := 2; want <= 9; want++ {
		head, err := r.Peek(want)
		if err != nil {
			return 0, 0
		}
		switch c := head[want-1]; {
		case '0' <= c && c <= '9':
		case c == ' ':
			next, err := r.Peek(want + 1)
			if err != nil || next[want] != '<' {
				return 0, 0
			}
			n, err = strconv.Atoi(string(head[:want-1]))
			if err != nil {
				return 0, 0
			}
			return n, want
		default:
			return 0, 0
		}
	}
	return 0, 0
}

func trimFrame(b []byte) []byte { return bytes.TrimRight(b, "\r\n\x00") }

// packets reads datagrams, each a message, until the server ends.
func (l *syslogListener) packets(conn *net.UDPConn) {
	defer conn.Close()
	b := &syslogBatcher{l: l}
	buf := make([]byte, 64<<10)
	for {
		wait := syslogIdle
		if b.bytes > 0 {
			wait = syslogWait
		}
		conn.SetReadDeadline(time.Now().Add(wait))
		if l.d.stop.Err() != nil {
			conn.SetReadDeadline(time.Now())
		}
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err == nil {
			if frame := trimFrame(bytes.Clone(buf[:n])); len(frame) > 0 {
				b.host = from.Addr().Unmap().String()
				b.add(frame)
			}
			if b.bytes < syslogBatch && time.Since(b.since) < 5*syslogWait {
				continue
			}
		}
		b.store()
		if err != nil && l.d.stop.Err() != nil {
			return
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			l.d.once("syslog udp", "syslog: %v", err)
			select {
			case <-time.After(100 * time.Millisecond):
			case <-l.d.stop.Done():
			}
		}
	}
}

// syslogBatcher gathers messages to be stored together.
type syslogBatcher struct {
	l        *syslogListener
	host     string // of the peer
	receipts []store.Receipt
	of       map[store.Source]int // receipt of a source
	bytes    int
	since    time.Time
	clock    datefmt.Recogniser
}

func (b *syslogBatcher) add(frame []byte) {
	l := b.l
	l.counts.Requests.Add(1)
	l.counts.Bytes.Add(int64(len(frame)))
	var way *Way
	if bytes.Contains(frame, []byte(siemID)) {
		token, rest, ok := cloudToken(frame)
		if ok {
			if way, ok = l.d.o.Sources.way(token); !ok {
				l.counts.Dropped.Add(1)
				l.d.once("syslog token", "syslog: messages with a token that no source has are dropped")
				return
			}
			frame = rest
		}
	}
	own := way == nil
	if own {
		var f *Failure
		if way, f = l.d.ownSource(l.name, nil); f != nil {
			l.counts.Dropped.Add(1)
			return
		}
	}
	now := time.Now().UnixMilli()
	src := way.origin()
	if own {
		src.Category = firstOf(l.category, src.Category)
	}
	src.Name = way.Source.Name
	src.Host = firstOf(b.messageHost(frame), way.Source.HostName, b.host)
	if len(b.receipts) == 0 {
		b.since, b.of = time.Now(), map[store.Source]int{}
	}
	i, ok := b.of[src]
	if !ok {
		fields, _ := way.requestFields(nil)
		b.receipts = append(b.receipts, store.Receipt{Source: src, Fields: fields, Received: now})
		i = len(b.receipts) - 1
		b.of[src] = i
	}
	list, dropped := way.plan.Message(b.receipts[i].Messages, frame, now)
	b.receipts[i].Messages = list
	l.counts.Dropped.Add(int64(dropped))
	b.bytes += len(frame) + 64
}

// store stores what was gathered. While there is no room it waits, which a sender over TCP
// feels; what came by UDP is lost meanwhile, by the system. It reports whether it was stored.
func (b *syslogBatcher) store() bool {
	if len(b.receipts) == 0 {
		return true
	}
	for {
		ctx, done := context.WithTimeout(context.Background(), syslogTime)
		_, f := b.l.d.append(ctx, b.l.counts, b.receipts)
		done()
		if f == nil {
			b.receipts, b.bytes = nil, 0
			return true
		}
		select {
		case <-time.After(min(f.After, 5*time.Second)):
		case <-b.l.d.stop.Done():
			b.l.counts.Dropped.Add(int64(len(b.receipts)))
			b.l.d.o.Logf("syslog: %d messages could not be stored before the end: %s", len(b.receipts), f.Message)
			b.receipts, b.bytes = nil, 0
			return false
		}
	}
}

// messageHost is the host that a message's header names; "" for none.
func (b *syslogBatcher) messageHost(frame []byte) string {
	n := priority(frame)
	if n == 0 {
		return ""
	}
	rest := frame[n:min(len(frame), n+512)]
	if v, ok := bytes.CutPrefix(rest, []byte("1 ")); ok { // RFC 5424
		_, after, _ := bytes.Cut(v, []byte{' '})
		host, _, _ := bytes.Cut(after, []byte{' '})
		if string(host) == "-" {
			return ""
		}
		return strings.ToValidUTF8(string(host), "\uFFFD")
	}
	b.clock.Now = someDay
	s, ok := b.clock.Begins(rest)
	if !ok || s.Bare || s.End >= len(rest) {
		return ""
	}
	host, _, ok := bytes.Cut(bytes.TrimLeft(rest[s.End:], " "), []byte{' '})
	if !ok || len(host) == 0 || host[len(host)-1] == ':' || host[len(host)-1] == ']' {
		return "" // that is the program: some devices write no host
	}
	return strings.ToValidUTF8(string(host), "\uFFFD")
}

// cloudToken takes the token of cloud syslog out of a message: [TOKEN@41123 ...] in its
// structured data, or TOKEN@41123 at the start of its text.
func cloudToken(frame []byte) (token string, rest []byte, ok bool) {
	end := bytes.Index(frame, []byte(siemID))
	start := bytes.LastIndexAny(frame[:end], " [") + 1
	if start == end {
		return "", nil, false
	}
	token = string(frame[start:end])
	after := end + len(siemID)
	if start > 0 && frame[start-1] == '[' {
		if stop := bytes.IndexByte(frame[after:], ']'); stop == 0 { // nothing else in it
			out := append(bytes.Clone(frame[:start-1]), frame[after+1:]...)
			if len(out) > start-1 && (start-1 == 0 || out[start-2] == ' ') && out[start-1] == ' ' {
				out = slices.Insert(out, start-1, '-') // structured data that is left empty
			}
			return token, out, true
		}
	}
	out := append(bytes.Clone(frame[:start]), bytes.TrimLeft(frame[after:], " ")...)
	return token, out, true
}
