package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
)

// syslogWay sends messages of RFC 5424 whose text is the event's JSON: over TCP and TLS with
// their length before them (RFC 6587, 3.4.1; RFC 5425), over UDP one in a datagram.
type syslogWay struct {
	scheme, address string
	out             access.Outward
	conn            net.Conn
}

func newSyslog(c *Channel, o access.Outward) (sender, error) {
	scheme, address, err := hostPort(c.URL, "tcp", "tls", "udp")
	return &syslogWay{scheme: scheme, address: address, out: o}, err
}

func (s *syslogWay) close() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

// datagramMost is the longest message of UDP that is sent whole.
// Source: RFC 5426, 3.2: receivers should take 2048, and IPv4 allows 65507.
const datagramMost = 60 << 10

func (s *syslogWay) send(ctx context.Context, e *Event) error {
	text, err := syslogMessage(e)
	if err != nil {
		return permanent(err)
	}
	if s.scheme == "udp" && len(text) > datagramMost {
		return permanent(fmt.Errorf("the message has %d bytes, and over UDP at most %d can be sent; use tcp:// or tls://", len(text), datagramMost))
	}
	if s.scheme != "udp" {
		text = append(fmt.Appendf(nil, "%d ", len(text)), text...)
	}
	if s.conn != nil && s.scheme != "udp" && gone(s.conn) { // the other side has ended it
		s.close()
	}
	if s.conn == nil {
		network := "tcp"
		if s.scheme == "udp" {
			network = "udp"
		}
		conn, err := s.out.Dial(ctx, network, s.address)
		if err != nil {
			return err
		}
		if s.scheme == "tls" {
			host, _, _ := net.SplitHostPort(s.address)
			settings := &tls.Config{ServerName: host}
			if s.out.TLS != nil {
				settings = s.out.TLS.Clone()
				settings.ServerName = host
			}
			t := tls.Client(conn, settings)
			if err := t.HandshakeContext(ctx); err != nil {
				conn.Close()
				return err
			}
			conn = t
		}
		s.conn = conn
	}
	if at, ok := ctx.Deadline(); ok {
		_ = s.conn.SetWriteDeadline(at)
	}
	if _, err := s.conn.Write(text); err != nil {
		s.close()
		return err
	}
	return nil
}

// gone reports whether the other side has ended a connection: it never sends anything.
func gone(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	var b [1]byte
	_, err := c.Read(b[:])
	timeout, ok := err.(net.Error)
	return err != nil && !(ok && timeout.Timeout())
}

// facility is log audit.
// Source: RFC 5424, 6.2.1, table 1.
const facility = 13

// syslogMessage is the event as a message of RFC 5424.
func syslogMessage(e *Event) ([]byte, error) {
	severity := map[string]int{"critical": 2, "high": 3, "medium": 4, "low": 5, "info": 6}[e.Level]
	host, err := os.Hostname()
	if err != nil || host == "" || strings.ContainsFunc(host, func(c rune) bool { return c <= ' ' || c > '~' }) {
		host = "-"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "<%d>1 %s %s gyoji - %s [gyoji@41123 key=\"%s\"] ", facility*8+severity, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), host[:min(len(host), 255)], e.Type, e.Key)
	text, err := json.Marshal(e)
	b.Write(text)
	return b.Bytes(), err
}
