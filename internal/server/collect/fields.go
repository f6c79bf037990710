package collect

import (
	"bytes"
	"net"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/store"
)

// Limits of the fields of a request, in characters.
// Source: Sumo Logic, "Fields": limitations; http-api.md 2.2.
const (
	fieldsMax     = 30
	fieldNameMax  = 255
	fieldValueMax = 200
)

// parseFields reads X-Sumo-Fields: k=v,k2=v2. lost counts pairs that cannot be used: without
// a name or a =, too long, too many, or of a name that is gyoji's own.
func parseFields(headers []string) (fields []store.Field, lost int) {
	for _, pair := range strings.Split(strings.Join(headers, ","), ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		name, value = strings.ToValidUTF8(strings.TrimSpace(name), "\uFFFD"), strings.ToValidUTF8(strings.TrimSpace(value), "\uFFFD")
		if !ok || !fieldName(name) || utf8.RuneCountInString(value) > fieldValueMax {
			lost++
			continue
		}
		before := len(fields)
		if fields = setField(fields, name, value); len(fields) > fieldsMax {
			fields = fields[:before]
			lost++
		}
	}
	return fields, lost
}

// fieldName reports whether a field may have a name.
func fieldName(name string) bool {
	return name != "" && utf8.RuneCountInString(name) <= fieldNameMax && !ownName(name)
}

// ownName reports whether a name is of a message's metadata, which has headers of its own or
// is not the sender's to say. Others may begin with an underscore, as _siemForward does.
// Source: http-api.md 3, metadata of a stored message.
func ownName(name string) bool {
	return name[0] == '_' && (mapping.Metadata(name) || slices.Contains([]string{"_raw", "_messagetime", "_receipttime", "_searchabletime", "_messageid", "_messagecount",
		"_size", "_sourceid", "_collectorid", "_blockid", "_format", "_view", "_index"}, strings.ToLower(name)))
}

// setField gives a field a value; names are the same whatever their letter case.
func setField(fields []store.Field, name, value string) []store.Field {
	if i := slices.IndexFunc(fields, func(f store.Field) bool { return strings.EqualFold(f.Name, name) }); i >= 0 {
		fields[i].Value = value
		return fields
	}
	return append(fields, store.Field{Name: name, Value: value})
}

// ownHeaders are those that _convertHeadersToFields leaves out besides X-Sumo-*.
// Source: Sumo Logic, "HTTP Logs and Metrics Source", custom HTTP headers as fields.
var ownHeaders = []string{"x-amz-sns-topic-arn", "webhook-authid", "webhook-validationcode", "authorization", "cookie", "proxy-authorization"}

// convertHeaders is the name of the field that makes a source's other headers fields.
const convertHeaders = "_convertHeadersToFields"

// requestFields are the fields of a request's messages: the source's, then those of its
// headers, the later winning.
func (w *Way) requestFields(h http.Header) (fields []store.Field, lost int) {
	convert := false
	for _, from := range []map[string]string{w.Source.Fields, w.Collector.Fields} {
		for _, name := range sortedKeys(from) {
			if strings.EqualFold(name, convertHeaders) {
				convert = convert || strings.EqualFold(from[name], "true")
				continue
			}
			fields = setField(fields, name, from[name])
		}
	}
	if convert {
		for _, name := range sortedKeys(h) {
			low := strings.ToLower(name)
			if strings.HasPrefix(low, "x-sumo-") || slices.Contains(ownHeaders, low) || !fieldName(low) {
				continue
			}
			if value := strings.ToValidUTF8(strings.Join(h[name], ","), "\uFFFD"); utf8.RuneCountInString(value) <= fieldValueMax {
				fields = setField(fields, low, value)
			}
		}
	}
	own, lost := parseFields(h.Values("X-Sumo-Fields"))
	for _, f := range own {
		fields = setField(fields, f.Name, f.Value)
	}
	return fields, lost
}

// metadata is where a request's messages come from.
func (w *Way) metadata(h http.Header, remote string) store.Source {
	s := w.origin()
	s.Host = firstOf(headerText(h, "X-Sumo-Host"), w.Source.HostName, w.Collector.HostName, hostOf(remote))
	s.Name = firstOf(headerText(h, "X-Sumo-Name"), w.Source.Name)
	s.Category = firstOf(headerText(h, "X-Sumo-Category"), s.Category)
	return s
}

// origin is what all messages of the way have alike.
func (w *Way) origin() store.Source {
	return store.Source{Collector: w.Collector.Name, Source: w.Source.Name, Category: firstOf(w.Source.Category, w.Collector.Category)}
}

func headerText(h http.Header, name string) string {
	text := strings.TrimSpace(strings.ToValidUTF8(h.Get(name), "\uFFFD"))
	for n := 0; len(text) > metadataMax; n++ { // cut between characters
		text = text[:len(text)-1]
		text = strings.ToValidUTF8(text, "")
	}
	return text
}

// metadataMax is how many bytes a name, host or category has at most.
const metadataMax = 1024

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// hostOf is the address of a peer without its port.
func hostOf(remote string) string {
	if host, _, err := net.SplitHostPort(remote); err == nil {
		return host
	}
	return remote
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// cleanText is text as UTF-8: without a byte order mark, out of UTF-16 where one says so,
// and with U+FFFD for what is none.
func cleanText(text []byte) []byte {
	if bytes.HasPrefix(text, []byte{0xef, 0xbb, 0xbf}) {
		text = text[3:]
	}
	if bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff}) {
		if plain, _, err := transform.Bytes(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder(), text); err == nil {
			text = plain
		}
	}
	if !utf8.Valid(text) {
		text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	return text
}
