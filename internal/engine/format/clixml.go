package format

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// CLIXML is what PowerShell's Export-Clixml writes: each object that was exported is
// an event, with its properties as fields.
// Source: Microsoft, MS-PSRP, Serialization; Export-Clixml.
var _ = register(input.Format{
	Name:       "clixml",
	Summary:    "PowerShell's CLIXML (Export-Clixml), also of Get-WinEvent's events",
	Extensions: []string{".xml", ".clixml"},
	Sniff: func(head []byte) int {
		if beginsLine(head, "<Objs ") || beginsLine(head, "<Objs>") {
			return input.Certain
		}
		return 0
	},
	Misfit: "does not start with <Objs",
	Cut:    cutElements(nextObj),
	New: func(w *input.Want) input.BlockReader {
		return &xmlDocument{newJSONL(w), nextObj, func(e *xmlTree) any { return psValue(e, 0) }, "</Obj>"}
	},
})

// prologBytes is how much may stand before the first element of a document.
const prologBytes = 4 << 10

// beginsLine reports whether an element begins one of the first lines.
func beginsLine(head []byte, element string) bool {
	head = head[:min(len(head), prologBytes)]
	for at := 0; at < len(head); at = lineEnd(head, at) {
		if bytes.HasPrefix(head[skipBlank(head, at):], []byte(element)) {
			return true
		}
		if end := bytes.Index(head[at:lineEnd(head, at)], []byte("?><")); end >= 0 && bytes.HasPrefix(head[at+end+2:], []byte(element)) {
			return true
		}
	}
	return false
}

// nextObj is where the next outermost <Obj> stands.
func nextObj(data []byte, at int) (start, end int) {
	start = -1
	depth := 0
	for at < len(data) {
		i := bytes.IndexByte(data[at:], '<')
		if i < 0 {
			break
		}
		at += i
		switch rest := data[at:]; {
		case bytes.HasPrefix(rest, []byte("<Obj ")), bytes.HasPrefix(rest, []byte("<Obj>")):
			if depth == 0 {
				start = at
			}
			depth++
		case bytes.HasPrefix(rest, []byte("</Obj>")):
			if depth--; depth == 0 {
				return start, at + len("</Obj>")
			}
			depth = max(depth, 0)
		}
		at++
	}
	return start, -1
}

// psValue is a value of PowerShell's: of an object its properties, of a list its
// elements, of an object without either its text.
func psValue(e *xmlTree, depth int) any {
	switch e.name {
	case "Nil", "Ref":
		return nil
	case "Obj":
		for _, list := range []string{"LST", "IE", "QUE", "STK"} {
			if all := e.all(list); len(all) > 0 {
				out := []any{}
				for _, k := range all[0].kids {
					out = append(out, psValue(k, depth+1))
				}
				return out
			}
		}
		fields := map[string]any{}
		for _, of := range []string{"Props", "MS"} {
			for _, props := range e.all(of) {
				for _, k := range props.kids {
					fields[psText(k.attrs["N"])] = psValue(k, depth+1)
				}
			}
		}
		for _, dict := range e.all("DCT") {
			for _, entry := range dict.all("En") {
				var key, value any
				for _, k := range entry.kids {
					if k.attrs["N"] == "Key" {
						key = psValue(k, depth+1)
					} else {
						value = psValue(k, depth+1)
					}
				}
				if key, ok := key.(string); ok {
					fields[key] = value
				}
			}
		}
		for _, k := range e.all("ToString") { // of an account's SID the text says more than its parts
			if len(fields) == 0 || depth > 0 && fields["Value"] == psText(k.text) {
				return psText(k.text)
			}
		}
		return fields
	}
	return psText(e.text)
}

// psText is a text without its escapes: _x000D_ is a UTF-16 unit.
func psText(s string) string {
	var b strings.Builder
	var units []uint16
	flush := func() {
		b.WriteString(string(utf16.Decode(units)))
		units = units[:0]
	}
	for len(s) > 0 {
		i := strings.Index(s, "_x")
		if i < 0 {
			break
		}
		n, err := strconv.ParseUint(s[i+2:min(len(s), i+6)], 16, 16)
		if i+7 > len(s) || s[i+6] != '_' || err != nil {
			flush()
			b.WriteString(s[:i+2])
			s = s[i+2:]
			continue
		}
		if i > 0 {
			flush()
			b.WriteString(s[:i])
		}
		units, s = append(units, uint16(n)), s[i+7:]
	}
	flush()
	b.WriteString(s)
	return b.String()
}
