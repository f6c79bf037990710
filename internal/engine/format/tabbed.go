package format

import (
	"bytes"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
)

// What agents send as one line of syslog: the columns of Snare, or names and values
// between tabs, as WinCollect and LEEF have them, or between blanks.

// snare opens the columns of a Windows event.
// Source: Snare for Windows, event output format; NXLog, to_syslog_snare().
var snare = []byte("MSWinEventLog")

// snareColumns are the columns behind it, the message last.
var snareColumns = []string{"Criticality", "Channel", "SnareEventCounter", "SystemTime", "EventID", "Provider", "AccountName", "SIDType", "EventLogType", "Computer", "TaskCategory", "", "Message"}

var leef = []byte("LEEF:")

// tabbed gives the fields of a line, and reports whether it is one.
func (u *unwrapper) tabbed(text []byte) bool {
	if at := bytes.Index(text, snare); at >= 0 {
		return u.snare(text[at+len(snare):])
	}
	if at := bytes.Index(text, leef); at >= 0 {
		return u.leef(text[at+len(leef):])
	}
	for _, name := range mapping.EventNumbers {
		if i := indexFold(text, []byte(name+"=")); i > 0 && text[i-1] == '\t' {
			return u.separated(text, '\t')
		}
	}
	n, told := 0, false
	eachPair(text, func(key, value []byte, pair bool) {
		if pair && isKey(key) {
			n++
			told = told || tellsNumber(key, value)
		}
	})
	if !told || n < 2 {
		return false
	}
	eachPair(text, func(key, value []byte, pair bool) {
		if pair && isKey(key) {
			u.pair(key, u.unquoted(value))
		}
	})
	return true
}

// tellsNumber reports whether a pair says an event's number.
func tellsNumber(key, value []byte) bool {
	return isNumber(value) && slices.ContainsFunc(mapping.EventNumbers, func(n string) bool { return strings.EqualFold(n, lend(key)) })
}

// pair gives a field by its name in a line.
func (u *unwrapper) pair(key, value []byte) {
	u.give(lend(key), asIs(value))
	if tellsNumber(key, value) {
		u.give("EventID", asIs(value))
	}
}

// snare reads the columns of a Windows event, which begin with what separates them.
func (u *unwrapper) snare(text []byte) bool {
	var sep []byte
	switch {
	case len(text) == 0:
		return false
	case bytes.HasPrefix(text, []byte("#011")): // as rsyslog writes a tab
		sep = text[:4]
	case bytes.HasPrefix(text, []byte(`\t`)):
		sep = text[:2]
	case isLetter(text[0]) || isDigit(text[0]):
		return false
	default:
		sep = text[:1]
	}
	columns := bytes.SplitN(text[len(sep):], sep, len(snareColumns))
	if len(columns) < 6 {
		return false
	}
	for i, c := range columns {
		c = bytes.TrimSpace(c)
		name := snareColumns[i]
		if i == len(snareColumns)-1 { // the event's counter, or a digest, comes behind the message
			if end := bytes.LastIndex(c, sep); end >= 0 {
				c = bytes.TrimSpace(c[:end])
			}
		}
		if name == "" || len(c) == 0 {
			continue
		}
		u.give(name, asIs(c))
	}
	if len(columns) == len(snareColumns) {
		message := columns[len(columns)-1]
		if end := bytes.LastIndex(message, sep); end >= 0 {
			message = message[:end]
		}
		u.message(string(bytes.TrimSpace(columns[4])), message)
	}
	return true
}

// leef reads what stands behind LEEF: of IBM's Log Event Extended Format.
// Source: IBM, QRadar LEEF: header and event attributes, versions 1.0 and 2.0.
func (u *unwrapper) leef(text []byte) bool {
	head := bytes.SplitN(text, []byte{'|'}, 7)
	if len(head) < 6 {
		return false
	}
	rest, sep := bytes.Join(head[5:], []byte{'|'}), byte('\t')
	if version := string(head[0]); strings.HasPrefix(version, "2") && len(head) == 7 {
		rest = head[6]
		switch d := head[5]; {
		case len(d) == 1:
			sep = d[0]
		case len(d) > 1: // x09, 0x5E
			hex := strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(string(d)), "0"), "x")
			if r, ok := characterReference("#x" + hex); ok && r < 0x80 {
				sep = byte(r)
			}
		}
	}
	if bytes.IndexByte(rest, sep) < 0 && bytes.IndexByte(rest, '\t') >= 0 {
		sep = '\t'
	}
	u.separated(rest, sep)
	for i, name := range []string{"DeviceVendor", "DeviceProduct", "DeviceVersion", "SignatureID"} {
		if len(head[i+1]) > 0 {
			u.give(name, asIs(head[i+1]))
		}
	}
	if id := head[4]; isNumber(id) && bytes.EqualFold(head[1], []byte("microsoft")) {
		u.give("EventID", asIs(id))
	}
	return true
}

// separated reads name=value pairs between separators, of which the last is the
// message with all that comes behind it.
func (u *unwrapper) separated(text []byte, sep byte) (some bool) {
	id, message := "", []byte(nil)
	for len(text) > 0 {
		pair, rest, _ := bytes.Cut(text, []byte{sep})
		name, value, ok := bytes.Cut(pair, []byte{'='})
		if blank := bytes.LastIndexByte(name, ' '); blank >= 0 { // a header before the first
			name = name[blank+1:]
		}
		value = bytes.TrimSpace(value)
		if ok && strings.EqualFold(lend(name), "message") {
			value, rest = bytes.TrimSpace(text[bytes.IndexByte(text, '=')+1:]), nil
			message = value
		}
		if ok && isKey(name) && len(value) > 0 {
			some = true
			if u.pair(name, value); tellsNumber(name, value) {
				id = string(value)
			}
		}
		text = rest
	}
	if message != nil {
		u.message(id, message)
	}
	return some
}
