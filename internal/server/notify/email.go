package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
)

// mailer sends mail by SMTP. With smtps TLS is there from the start; with smtp it is begun by
// STARTTLS wherever the server offers it, and a password is never sent without it.
type mailer struct {
	c               *Channel
	scheme, address string
	out             access.Outward
}

func newMailer(c *Channel, o access.Outward) (sender, error) {
	scheme, address, err := hostPort(c.URL, "smtp", "smtps")
	return &mailer{c, scheme, address, o}, err
}

func (m *mailer) close() {}

func (m *mailer) send(ctx context.Context, e *Event) (err error) {
	host, _, _ := net.SplitHostPort(m.address)
	conn, err := m.out.Dial(ctx, "tcp", m.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if at, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(at)
	}
	settings := &tls.Config{ServerName: host}
	if m.out.TLS != nil {
		settings = m.out.TLS.Clone()
		settings.ServerName = host
	}
	secure := m.scheme == "smtps"
	if secure {
		conn = tls.Client(conn, settings)
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return mailError(err)
	}
	defer c.Close()
	if ok, _ := c.Extension("STARTTLS"); ok && !secure {
		if err := c.StartTLS(settings); err != nil {
			return mailError(err)
		}
		secure = true
	}
	if m.c.User != "" {
		if !secure {
			return permanent(errors.New("the mail server offers no TLS, and the password is not sent without it"))
		}
		if err := c.Auth(smtp.PlainAuth("", m.c.User, m.c.Pass, host)); err != nil {
			return mailError(err)
		}
	}
	from, err := mail.ParseAddress(m.c.From)
	if err != nil {
		return permanent(err)
	}
	if err := c.Mail(from.Address); err != nil {
		return mailError(err)
	}
	for _, to := range m.c.To {
		a, err := mail.ParseAddress(to)
		if err != nil {
			return permanent(err)
		}
		if err := c.Rcpt(a.Address); err != nil {
			return mailError(err)
		}
	}
	w, err := c.Data()
	if err != nil {
		return mailError(err)
	}
	text, err := m.message(from, e)
	if err != nil {
		return permanent(err)
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return mailError(err)
	}
	_ = c.Quit() // it is taken
	return nil
}

// mailError makes an answer of 5xx one that another try does not mend.
// Source: RFC 5321, 4.2.1.
func mailError(err error) error {
	var p *textproto.Error
	if errors.As(err, &p) && p.Code >= 500 {
		return permanent(err)
	}
	return err
}

// subjectMost is how many characters of a title a subject has.
const subjectMost = 150

// message is the mail. Its id is the event's key, so that a repetition is seen to be one; what
// stands in a log never makes a header.
func (m *mailer) message(from *mail.Address, e *Event) ([]byte, error) {
	var b bytes.Buffer
	head := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	domain := from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	var to []string
	for _, t := range m.c.To {
		a, err := mail.ParseAddress(t)
		if err != nil {
			return nil, err
		}
		to = append(to, a.String())
	}
	head("From", from.String())
	head("To", strings.Join(to, ", "))
	head("Subject", mime.QEncoding.Encode("utf-8", plain(e.title(), subjectMost)))
	head("Date", time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 -0000"))
	head("Message-ID", "<"+strings.ReplaceAll(e.Key, ":", ".")+"@"+domain+">")
	head("Auto-Submitted", "auto-generated")
	head("X-Idempotency-Key", e.Key)
	head("MIME-Version", "1.0")
	head("Content-Type", "text/plain; charset=utf-8")
	head("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	q := quotedprintable.NewWriter(&b)
	fmt.Fprintf(q, "%s\r\n\r\n", plain(e.title(), 300))
	for _, l := range e.lines() {
		fmt.Fprintf(q, "%s\r\n", plain(l, 2000))
	}
	fmt.Fprintf(q, "\r\nSeverity: %s\r\nScore: %d\r\nTime: %s\r\n", e.Level, e.Score, time.UnixMilli(e.Time).UTC().Format("2006-01-02 15:04:05.000 UTC"))
	if e.URL != "" {
		fmt.Fprintf(q, "%s\r\n", e.URL)
	}
	err := q.Close()
	return b.Bytes(), err
}
