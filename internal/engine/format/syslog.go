package format

import (
	"bytes"
	"strconv"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
)

// Syslog is lines of RFC 5424 or RFC 3164, the latter also without its priority
// and with an ISO 8601 time, as files have them. The parameters of structured
// data are fields ID.NAME. Fields: Priority, Facility, Severity, Hostname,
// AppName, ProcID, MsgID, Message.
var _ = register(input.Format{
	Name:       "syslog",
	Summary:    "syslog: RFC 5424 and RFC 3164 lines",
	Extensions: []string{".log", ".syslog"},
	Sniff: func(head []byte) int {
		if bytes.IndexByte(head, 0) >= 0 {
			return 0
		}
		if m, ok := parseSyslog(firstLine(head), &datefmt.Recogniser{Now: someDay}); !ok || m.cef() {
			return 0
		}
		return 55
	},
	Record: func(b []byte) int {
		end := lineEnd(b, 0)
		if m, ok := parseSyslog(bytes.TrimRight(b[:end], "\r\n"), &datefmt.Recogniser{Now: someDay}); !ok || m.cef() || m.at == 0 {
			return 0
		}
		return end
	},
	Loose:  true,
	Misfit: "does not start with <PRI>, or a time, a host and a program",
	Cut:    cutLines,
	Lines:  true,
	New: func(w *input.Want) input.BlockReader {
		return newLines(w, "syslog", func(r *lines, line []byte) (int64, bool) {
			m, ok := parseSyslog(line, &r.meta.stamps)
			if ok {
				r.syslog(&m)
			}
			return m.at, ok
		})
	},
})

// syslogLine is the parts of a line; those it does not have are nil.
type syslogLine struct {
	at                         int64 // ms; 0 for none
	priority                   int   // -1 for none
	host, app, proc, id, param []byte
	message                    []byte
}

func (m *syslogLine) cef() bool { return bytes.HasPrefix(m.message, cefOpen) }

func (r *lines) syslog(m *syslogLine) {
	if m.priority >= 0 {
		r.number("Priority", m.priority)
		r.number("Facility", m.priority/8)
		r.number("Severity", m.priority%8)
	}
	for _, f := range []struct {
		name  string
		value []byte
	}{{"Hostname", m.host}, {"AppName", m.app}, {"ProcID", m.proc}, {"MsgID", m.id}, {"Message", m.message}} {
		if f.value != nil {
			r.field(f.name, f.value)
		}
	}
	r.structured(m.param)
}

func (f *flat) number(name string, n int) {
	if f.wants(name) {
		f.field(name, f.w.arena.keep(strconv.AppendInt(nil, int64(n), 10)))
	}
}

// structured gives the parameters of [id name="value" ...][...].
func (r *lines) structured(sd []byte) {
	for len(sd) > 0 && sd[0] == '[' {
		end := sdEnd(sd)
		if sd[end-1] != ']' {
			return // it does not end
		}
		id, params, _ := bytes.Cut(sd[1:end-1], []byte{' '})
		eachPair(params, func(key, value []byte, pair bool) {
			if name := string(id) + "." + string(key); pair && r.wants(name) {
				r.field(name, r.unquoted(value))
			}
		})
		sd = sd[end:]
	}
}

// sdEnd is where the element at the start of structured data ends; the end of
// the text when it does not.
func sdEnd(sd []byte) int {
	quoted := false
	for i := 1; i < len(sd); i++ {
		switch sd[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case ']':
			if !quoted {
				return i + 1
			}
		}
	}
	return len(sd)
}

func word(text []byte) (w, rest []byte) {
	w, rest, _ = bytes.Cut(text, []byte{' '})
	return w, rest
}

func parseSyslog(line []byte, stamps *datefmt.Recogniser) (m syslogLine, ok bool) {
	m.priority = -1
	rest := line
	if len(rest) > 2 && rest[0] == '<' {
		end := bytes.IndexByte(rest[:min(len(rest), 5)], '>')
		if end < 2 {
			return m, false
		}
		n, err := strconv.Atoi(lend(rest[1:end]))
		if err != nil || n < 0 || n > 191 {
			return m, false
		}
		m.priority, rest = n, rest[end+1:]
	}
	if m.priority >= 0 && bytes.HasPrefix(rest, []byte("1 ")) {
		return m, m.rfc5424(rest[2:], stamps)
	}
	if t, ok := syslogTime(rest, stamps); ok {
		m.at, rest = t.Millis, bytes.TrimLeft(rest[t.End:], " ")
	}
	if m.at == 0 {
		m.message = rest
		return m, m.priority >= 0
	}
	host, after := word(rest)
	if len(host) == 0 || host[len(host)-1] == ':' {
		m.message = rest // without a host, as some devices write it
		return m, m.priority >= 0
	}
	m.host, m.message = host, after
	tag := after[:min(len(after), labelBytesMax)]
	end := bytes.IndexByte(tag, ':')
	if end <= 0 || bytes.IndexByte(tag[:end], ' ') >= 0 {
		return m, m.priority >= 0 || paloAlto(after)
	}
	if m.cef() {
		return m, true
	}
	tag = tag[:end]
	if open := bytes.IndexByte(tag, '['); open > 0 && tag[len(tag)-1] == ']' {
		m.proc, tag = tag[open+1:len(tag)-1], tag[:open]
	}
	m.app, m.message = tag, bytes.TrimPrefix(after[end+1:], []byte{' '})
	return m, true
}

// paloAlto reports whether a message without a program is of a Palo Alto firewall:
// "1,2026/03/01 12:00:00,".
// Source: Palo Alto Networks, PAN-OS administrator's guide, "Syslog Field Descriptions".
func paloAlto(message []byte) bool {
	first, rest, ok := bytes.Cut(message[:min(len(message), 16)], []byte{','})
	return ok && isNumber(first) && len(rest) > len("2026/03/01") && rest[4] == '/' && rest[7] == '/' && rest[10] == ' ' &&
		isNumber(rest[:4]) && isNumber(rest[5:7]) && isNumber(rest[8:10])
}

// syslogTime reads the time of a header: a month's name, a day and a time, and
// what hosts write besides, a year, a zone, a fraction; or one word.
func syslogTime(text []byte, stamps *datefmt.Recogniser) (datefmt.Stamp, bool) {
	if len(text) < len("Jan _2 15:04:05") || !isDigit(text[0]) && text[3] != ' ' {
		return datefmt.Stamp{}, false
	}
	t, ok := stamps.Begins(text)
	if !ok || t.Bare || t.Start > 0 || t.End < len(text) && bytes.IndexByte([]byte(",;\t\"|"), text[t.End]) >= 0 { // a column of a table
		return t, false
	}
	if isDigit(text[0]) {
		return t, bytes.IndexByte(text[:t.End], ' ') < 0
	}
	return t, bytes.IndexByte(text[:t.End], ',') < 0
}

func (m *syslogLine) rfc5424(rest []byte, stamps *datefmt.Recogniser) bool {
	var stamp []byte
	stamp, rest = word(rest)
	if t, ok := stamps.Whole(stamp); ok {
		m.at = t.Millis
	} else if string(stamp) != "-" {
		return false
	}
	for _, to := range []*[]byte{&m.host, &m.app, &m.proc, &m.id} {
		if *to, rest = word(rest); string(*to) == "-" || len(*to) == 0 {
			*to = nil
		}
	}
	if len(rest) > 0 && rest[0] == '-' {
		rest = rest[1:]
	} else {
		start := rest
		for len(rest) > 0 && rest[0] == '[' {
			rest = rest[sdEnd(rest):]
		}
		m.param = start[:len(start)-len(rest)]
	}
	m.message = bytes.TrimPrefix(bytes.TrimPrefix(rest, []byte{' '}), []byte("\xef\xbb\xbf"))
	return true
}
