package format

import (
	"bytes"
	"cmp"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// Splunk's WinEventLog text is a line with the host's local time, lines of
// name=value, and last the rendered message. The time has no zone and is taken
// as UTC, or as of --timezone, when the message does not hold Sysmon's.
var _ = register(input.Format{
	Name:       "splunk",
	Summary:    "Splunk WinEventLog text: a time, name=value lines, Message= (XmlWinEventLog between them, too)",
	Extensions: []string{".txt", ".log", ".raw"},
	Sniff: func(head []byte) int {
		if splunkHead(head[skipBlank(head, 0):]) {
			return 90
		}
		return 0
	},
	Record: func(b []byte) int {
		if !splunkHead(b) {
			return 0
		}
		for from := 1; ; {
			i := bytes.Index(b[from:], []byte("\nLogName="))
			if i < 0 {
				return len(b)
			}
			if line := bytes.LastIndexByte(b[:from+i], '\n') + 1; line > 0 && splunkHead(b[line:]) {
				return line
			}
			from += i + 1
		}
	},
	Misfit: "does not start with a line MM/DD/YYYY hh:mm:ss AM and one of LogName=",
	Cut: func(buf []byte, _ int64, last bool) int {
		if last {
			return len(buf)
		}
		at := lastSplunkHead(buf)
		if end := bytes.LastIndex(buf, eventClose); end >= 0 {
			at = max(at, end+len(eventClose))
		}
		return at
	},
	New: func(w *input.Want) input.BlockReader { return &eventXML{newXMLEvent(newFlat(w)), newOthers(w, "xml")} },
})

const splunkTime = "01/02/2006 03:04:05 PM"

// splunkHead reports whether a text event starts here, also one whose line of the
// time was cut off.
func splunkHead(text []byte) bool {
	if rest, ok := bytes.CutPrefix(text, logName); ok {
		rest = rest[lineEnd(rest, 0):]
		return bytes.HasPrefix(rest, []byte("EventCode=")) || bytes.HasPrefix(rest, []byte("SourceName="))
	}
	line, rest, ok := bytes.Cut(text[:min(len(text), 64)], []byte{'\n'})
	if !ok || len(line) < len(splunkTime) || line[2] != '/' || line[5] != '/' || line[len(splunkTime)-1] != 'M' {
		return false
	}
	return bytes.HasPrefix(rest, logName)
}

var logName = []byte("LogName=")

// lastSplunkHead is where the last text event of buf starts; 0 when none does
// behind the beginning.
func lastSplunkHead(buf []byte) int {
	for end := len(buf); ; {
		at := bytes.LastIndex(buf[:end], []byte("\nLogName="))
		if at < 0 {
			return 0
		}
		line := bytes.LastIndexByte(buf[:at], '\n') + 1
		if line > 0 && splunkHead(buf[line:]) {
			return line
		}
		end = at
	}
}

// splunkText reads text events.
func (r *eventXML) splunkText(b *input.Block, at int, text []byte, next exec.Sink) error {
	for len(text) > 0 {
		end := len(text)
		for from := 1; ; {
			i := bytes.Index(text[from:], []byte("\nLogName="))
			if i < 0 {
				break
			}
			line := bytes.LastIndexByte(text[:from+i], '\n') + 1
			if line > 0 && splunkHead(text[line:]) {
				end = line
				break
			}
			from += i + 1
		}
		if r.matters(b.Data, at, at+end) {
			if err := r.splunkEvent(b, at, bytes.TrimRight(text[:end], "\r\n"), next); err != nil {
				return err
			}
		}
		text, at = text[end:], at+end
	}
	return nil
}

func (r *eventXML) splunkEvent(b *input.Block, at int, text []byte, next exec.Sink) error {
	fallback := r.splunkFields(text)
	return r.end(b, at, text, fallback, next)
}

// splunkFields gives the fields of a text event and returns its time in ms, 0 for none.
func (r *flat) splunkFields(text []byte) (fallback int64) {
	line, rest := []byte(nil), text
	if !bytes.HasPrefix(text, logName) {
		line, rest, _ = bytes.Cut(text, []byte{'\n'})
	}
	zone := cmp.Or(r.want.Zone, time.UTC)
	if t, err := time.ParseInLocation(splunkTime, strings.TrimSpace(lend(line)), zone); err == nil {
		fallback = t.UnixMilli()
	}
	head, msg, _ := bytes.Cut(rest, []byte("\nMessage="))
	if len(msg) > 0 {
		id := ""
		if _, code, ok := bytes.Cut(head, []byte("EventCode=")); ok {
			code, _, _ = bytes.Cut(code, []byte{'\n'})
			id = string(bytes.TrimSpace(code))
		}
		r.message(id, msg)
		r.field("Message", msg)
	}
	for len(head) > 0 {
		line, head, _ = bytes.Cut(head, []byte{'\n'})
		name, value, ok := bytes.Cut(bytes.TrimSuffix(line, []byte{'\r'}), []byte{'='})
		if !ok {
			continue
		}
		switch string(name) {
		case "EventCode":
			r.field("EventID", value)
		case "User": // the account that wrote the event
			name = []byte("AccountName")
		}
		r.field(lend(name), value)
	}
	return fallback
}
