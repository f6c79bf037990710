package format

import (
	"bytes"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
)

// message gives the fields that stand in the rendered text of an event. Those
// of Sysmon are lines of "Name: value", of which a value may go on over more
// lines; those of the Security log stand behind labels under headings.
func (f *flat) message(eventID string, text []byte) {
	if fields := mapping.SysmonFields(eventID); fields != nil && f.sysmonMessage(fields, text) {
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

// sysmonMessage reads the lines of a Sysmon event whose fields, in order, are
// known. It reports whether there were any.
func (f *flat) sysmonMessage(fields []string, text []byte) bool {
	name, found := "", false
	start, next := 0, 0 // of the open field's value; the first of fields that may come
	for at := 0; at <= len(text); {
		end := bytes.IndexByte(text[at:], '\n')
		if end < 0 {
			end = len(text)
		} else {
			end += at
		}
		if colon := bytes.IndexByte(text[at:end], ':'); colon > 0 {
			for i := next; i < len(fields); i++ {
				if string(text[at:at+colon]) != fields[i] {
					continue
				}
				if name != "" {
					f.field(name, lineValue(text[start:at]))
				}
				name, found, next = fields[i], true, i+1
				start = at + colon + 1
				break
			}
		}
		at = end + 1
	}
	if name != "" {
		f.field(name, lineValue(text[start:]))
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
