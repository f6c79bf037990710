package format

import (
	"bytes"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
)

// message gives the fields that stand in the rendered text of an event. Those
// of Sysmon are lines of "Name: value", of which a value may go on over more
// lines; those of the Security log stand behind labels under headings.
func (f *flat) message(eventID string, text []byte) {
	if fields := mapping.SysmonFields(eventID); fields != nil && f.sysmonMessage(fields, text) {
		return
	}
	if bytes.IndexByte(text, '\n') < 0 {
		f.joined(eventID, text)
		return
	}
	heading := ""
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte{'\n'})
		line = bytes.TrimSuffix(line, []byte{'\r'})
		label, value, ok := bytes.Cut(line, []byte{':'})
		if !ok {
			continue
		}
		nested := len(label) > 0 && isBlank(label[0])
		label, value = bytes.TrimSpace(label), bytes.TrimSpace(value)
		switch {
		case len(label) == 0 || len(label) > labelBytesMax:
		case len(value) == 0 && !nested:
			heading = string(label)
		default:
			if !nested {
				heading = ""
			}
			name := mapping.MessageField(eventID, heading, lend(label))
			if name == "" { // as Splunk names it
				name = string(bytes.ReplaceAll(label, []byte{' '}, []byte{'_'}))
			}
			f.field(name, value)
		}
	}
}

// joined reads a message whose lines stand behind each other in one: agents that
// send lines of syslog write it so. A known name ends the value before it.
func (f *flat) joined(eventID string, text []byte) {
	for _, end := range mapping.MessageEnds {
		if i := bytes.Index(text, []byte(end)); i > 0 {
			text = text[:i]
		}
	}
	headings, names := mapping.MessageNames(eventID)
	heading, name, start := "", "", 0
	give := func(end int) {
		if name != "" {
			if value := bytes.TrimSpace(text[start:end]); len(value) > 0 {
				f.field(name, value)
			}
		}
	}
	for at := 0; at < len(text); {
		colon := bytes.IndexByte(text[at:], ':')
		if colon < 0 {
			break
		}
		colon += at
		at = colon + 1
		// The longest known name before it, which begins a word.
		for i := max(start, colon-labelBytesMax); i < colon; i++ {
			if i > 0 && !isBlank(text[i-1]) || isBlank(text[i]) {
				continue
			}
			word := lend(text[i:colon])
			if headings[word] && !names[word] {
				give(i)
				heading, name, start = strings.Clone(word), "", at
				break
			}
			if names[word] {
				give(i)
				if name = mapping.MessageField(eventID, heading, word); name == "" {
					name = strings.ReplaceAll(word, " ", "_")
				}
				start = at
				break
			}
		}
	}
	give(len(text))
}

// sysmonMessage reads the lines of a Sysmon event whose fields, in order, are
// known. It reports whether there were any.
func (f *flat) sysmonMessage(fields []string, text []byte) bool {
	end, value := byte('\n'), lineValue
	if bytes.IndexByte(text, '\n') < 0 { // joined: a word with a colon begins the next
		end, value = ' ', bytes.TrimSpace
	}
	name, found := "", false
	start, next := 0, 0 // of the open field's value; the first of fields that may come
	for at := 0; at <= len(text); {
		stop := bytes.IndexByte(text[at:], end)
		if stop < 0 {
			stop = len(text)
		} else {
			stop += at
		}
		if colon := bytes.IndexByte(text[at:stop], ':'); colon > 0 {
			for i := next; i < len(fields); i++ {
				if string(text[at:at+colon]) != fields[i] {
					continue
				}
				if name != "" {
					f.field(name, value(text[start:at]))
				}
				name, found, next = fields[i], true, i+1
				start = at + colon + 1
				break
			}
		}
		at = stop + 1
	}
	if name != "" {
		f.field(name, value(text[start:]))
	}
	return found
}

// lineValue is a value without the blank before it and the line end behind it.
func lineValue(v []byte) []byte {
	if len(v) > 0 && v[0] == ' ' {
		v = v[1:]
	}
	v = bytes.TrimSuffix(v, []byte{'\n'})
	return bytes.TrimSuffix(v, []byte{'\r'})
}
