package format

import (
	"bytes"
	"encoding/base64"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Base64 is JSON in which queues and streams carry what they were given as base64,
// with or without gzip: CloudWatch's subscriptions (awslogs.data, Kinesis, Firehose),
// Pub/Sub's message.data, the Body of Event Hubs' captures. The text is put where its
// base64 stands, as Sumo Logic's sources do, and read as JSON is.
// Source: Amazon CloudWatch Logs, Real-time processing with subscriptions; Amazon
// Data Firehose, HTTP endpoint request; Google Cloud Pub/Sub, PubsubMessage; Azure
// Event Hubs Capture.
var _ = register(input.Format{
	Name:    "base64",
	Summary: "JSON with bodies in base64, also gzipped: CloudWatch's subscriptions (awslogs.data), Kinesis, Firehose, Pub/Sub's message.data, Event Hubs' Body",
	Sniff: func(head []byte) int {
		i := skipBlank(head, 0)
		if i < len(head) && head[i] == '[' {
			i = skipBlank(head, i+1)
		}
		if i >= len(head) || head[i] != '{' || !opensObject(head, i) {
			return 0
		}
		end := objectEnd(head, i)
		if end < 0 {
			end = len(head)
		}
		if !packs(head[:end]) || packedAt(head[:end], i) < 0 {
			return 0
		}
		return 97 // of those of JSON, too
	},
	Record: func(b []byte) int {
		n := oneLine(b)
		if n == 0 {
			n = jsonRecord(b)
		}
		if n == 0 || !packs(b[:n]) || packedAt(b[:n], 0) < 0 {
			return 0
		}
		return n
	},
	Misfit: "does not start with a JSON object that has base64 under data or body",
	Cut:    cutObjects,
	New: func(w *input.Want) input.BlockReader {
		d := &jsonDoc{jsonl: newJSONL(w), lists: jsondoc.NewScanner(jsondoc.Want{Names: listNames})}
		d.unpack = d.unpacked
		return d
	},
})

// packedKeys open the values that carry others.
var packedKeys = sync.OnceValue(func() *match.Set {
	return match.NewSet(match.AnyCase(`"data":`), match.AnyCase(`"data" :`), match.AnyCase(`"body":`), match.AnyCase(`"body" :`))
})

// packs reports whether one of packedKeys stands in an object. Most files hold none,
// and to look at each colon is less than to make the set.
func packs(object []byte) bool {
	for at := 0; ; at++ {
		i := bytes.IndexByte(object[at:], ':')
		if i < 0 {
			return false
		}
		at += i
		end := at
		if end > 0 && object[end-1] == ' ' {
			end--
		}
		if end < len(`"data"`) || object[end-1] != '"' {
			continue
		}
		switch string(bytes.ToLower(object[end-len(`"data"`) : end])) {
		case `"data"`, `"body"`:
			return true
		}
	}
}

const (
	// packedBytesMin is the shortest base64 that is taken for some.
	packedBytesMin = 16
	// unpackedBytesMax is how much a text in base64 may be when it is unpacked.
	unpackedBytesMax = 64 << 20
)

// packedAt is where the next text in base64 stands, without its quotes; -1 for none.
func packedAt(object []byte, from int) int {
	for from < len(object) {
		at := packedKeys().Index(object, from)
		if at < 0 {
			break
		}
		from = at + len(`"data"`)
		i := skipBlank(object, at+bytes.IndexByte(object[at:], ':')+1)
		if i >= len(object) || object[i] != '"' {
			continue
		}
		text := base64Text(object[i+1:])
		if n := len(text); n < packedBytesMin || i+1+n < len(object) && object[i+1+n] != '"' {
			continue
		}
		if head, err := decodeBase64(text[:min(len(text), packedHead)&^3]); err == nil && (isGzip(head) || isText(head, len(text) > packedHead)) {
			return i + 1
		}
	}
	return -1
}

// packedHead is how much of a base64 text is decoded to see what it is; a multiple of four.
const packedHead = 256

// base64Text is the beginning of a text that is of base64's letters.
func base64Text(text []byte) []byte {
	n := 0
	for n < len(text) && (isLetter(text[n]) || isDigit(text[n]) || bytes.IndexByte([]byte("+/=-_"), text[n]) >= 0) {
		n++
	}
	return text[:n]
}

func decodeBase64(text []byte) ([]byte, error) {
	text = bytes.TrimRight(text, "=")
	encoding := base64.RawStdEncoding
	if bytes.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	out := make([]byte, encoding.DecodedLen(len(text)))
	n, err := encoding.Decode(out, text)
	return out[:n], err
}

func isGzip(b []byte) bool { return bytes.HasPrefix(b, []byte{0x1f, 0x8b, 8}) }

// isText reports whether bytes are text without odd characters; cut says that they
// may end within one.
func isText(b []byte, cut bool) bool {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return cut && len(b)-i < utf8.UTFMax
		}
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' {
			return false
		}
		i += n
	}
	return len(b) > 0
}

// unpacked are the events of an object with base64: what the base64 holds, if that is
// several, else the object with the text in the place of its base64. It is nil where
// nothing is in base64.
func (r *jsonDoc) unpacked(object []byte) (events [][]byte) {
	var whole []byte
	at := 0
	for {
		i := packedAt(object, at)
		if i < 0 {
			break
		}
		text := base64Text(object[i:])
		plain, why := unpack(text)
		if why != "" {
			lost(r.want, &input.Block{Part: r.part, Offset: r.off}, 0, why, text)
			whole, at = append(whole, object[at:i+len(text)]...), i+len(text)
			continue
		}
		list := r.inPacked(plain)
		if len(list) > 1 || len(list) == 1 && r.wrapsEvents(plain) {
			events = append(events, list...)
		}
		whole, at = append(append(whole, object[at:i-1]...), packedValue(plain, list)...), i+len(text)+1
	}
	if len(events) == 0 && at > 0 {
		events = append(events, append(whole, object[at:]...))
	}
	return events
}

// unpack is what base64 holds; why says why that cannot be had.
func unpack(text []byte) (plain []byte, why string) {
	plain, err := decodeBase64(text)
	if err != nil {
		return nil, "damaged base64"
	}
	if !isGzip(plain) {
		return plain, ""
	}
	z, err := gzip.NewReader(bytes.NewReader(plain))
	if err == nil {
		plain, err = io.ReadAll(io.LimitReader(z, unpackedBytesMax+1))
	}
	switch {
	case err != nil:
		return nil, "damaged gzip in base64"
	case len(plain) > unpackedBytesMax:
		return nil, "gzip in base64 of more than 64 MiB"
	}
	return plain, ""
}

// inPacked are the objects of a text: those in its list, or one after the other; none
// where it is something else.
func (r *jsonDoc) inPacked(text []byte) (list [][]byte) {
	for at := 0; at < len(text); {
		if bytes.IndexByte([]byte(" \t\r\n,[]"), text[at]) >= 0 {
			at++
			continue
		}
		if text[at] != '{' {
			return nil
		}
		end := r.effort.end(text, at)
		if end < 0 || !isObject(text[at:end]) {
			return nil
		}
		object := text[at:end]
		at = end
		in := r.listOf(object)
		if in == nil {
			list = append(list, object)
			continue
		}
		eachElement(in, func(v jsondoc.Value) {
			if v.Kind == jsondoc.Container && v.Raw[0] == '{' {
				list = append(list, v.Raw)
			}
		})
	}
	return list
}

// wrapsEvents reports whether a text is an object that wraps a list of events.
func (r *jsonDoc) wrapsEvents(text []byte) bool {
	i := skipBlank(text, 0)
	return i < len(text) && text[i] == '{' && r.listOf(text[i:objectEnd(text, i)]) != nil
}

// listOf is the list of events that an object wraps; nil for none.
func (r *jsonDoc) listOf(object []byte) []byte {
	lists, err := r.lists.Scan(object)
	if err != nil {
		return nil
	}
	for k, v := range lists {
		if v.Kind == jsondoc.Container && v.Raw[0] == '[' && batches[listNames[k]] == nil {
			if i := skipBlank(v.Raw, 1); i < len(v.Raw) && v.Raw[i] == '{' {
				return v.Raw
			}
		}
	}
	return nil
}

// packedValue is a text as a value of JSON: what it is, or a string.
func packedValue(text []byte, objects [][]byte) []byte {
	if len(objects) == 1 {
		return objects[0]
	}
	if len(objects) > 1 {
		return append(append([]byte{'['}, bytes.Join(objects, []byte{','})...), ']')
	}
	s, _ := encoded(string(text))
	return s
}
