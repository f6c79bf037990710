package format

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
)

// CSV is a header and lines of values, with commas, semicolons or tabs between
// them; values in double quotes may hold line ends. A value that is empty and
// not quoted is no value. Lines with more values than the header names are
// reported, and read as far as it goes.
// Source: RFC 4180.
var _ = register(input.Format{
	Name:       "csv",
	Summary:    "CSV or TSV with a header line (Defender's portal, Excel exports), W3C's extended format (IIS), Zeek's logs",
	Extensions: []string{".csv", ".tsv"},
	Headed:     true,
	Sniff: func(head []byte) int {
		if bytes.IndexByte(head, 0) >= 0 {
			return 0
		}
		at, sep, names := csvHeader(head)
		if sep == 0 {
			return 0
		}
		if head[at] == '#' {
			return 60 // a directive says so itself
		}
		row, end := csvRecord(nil, head, at, sep)
		if end >= len(head) {
			if at == 0 || csvPreamble(head) {
				return 30 // a header and nothing else
			}
			return 0
		}
		// Most records have a value for each name. A program has a line here and there with as
		// many commas as another.
		fit, all := 0, 0
		for all < csvSniffed {
			if end += skipBlank(head[min(end, len(head)):], 0); end >= len(head) {
				break
			}
			row, end = csvRecord(row[:0], head, end, sep)
			if len(row) == len(names) {
				fit++
			} else if end >= len(head) {
				break // cut where the head ends
			}
			all++
		}
		if fit > 0 && 3*fit >= 2*all {
			return 60
		}
		return 0
	},
	Misfit: "does not start with a header line of distinct names between commas, semicolons or tabs",
	Cut: func(buf []byte, _ int64, last bool) int {
		if last {
			return len(buf)
		}
		whole, quoted := 0, false
		for i := 0; i < len(buf); i++ {
			switch c := buf[i]; {
			case quoted && c == '"':
				if i+1 < len(buf) && buf[i+1] == '"' {
					i++
				} else {
					quoted = false
				}
			case quoted:
			case c == '"':
				quoted = i == 0 || bytes.IndexByte([]byte(",;\t\n"), buf[i-1]) >= 0
			case c == '\n':
				whole = i + 1
			}
		}
		return whole
	},
	New: func(w *input.Want) input.BlockReader { return newCSV(w) },
})

func newCSV(w *input.Want) *csv {
	r := &csv{flat: newFlat(w), others: newOthers(w, "csv")}
	r.messages()
	return r
}

type csv struct {
	*flat
	part  *input.Part
	sep   byte
	names []string
	row   []csvValue

	others *others
}

// csvPreamble reports whether a line before the header says how to read it.
func csvPreamble(line []byte) bool {
	line = bytes.TrimPrefix(line, []byte("\ufeff"))
	return w3cLine(line) || zeekLine(line) || bytes.HasPrefix(line, []byte("#TYPE")) || bytes.HasPrefix(line, []byte("sep="))
}

// sound reports whether a record with a value for each name begins here.
func (r *csv) sound(data []byte, at int) bool {
	row, _ := csvRecord(nil, data, at, r.sep)
	return len(row) == len(r.names)
}

// header reports whether the record is a header again: each value is a name.
func (r *csv) header() bool {
	if len(r.row) != len(r.names) || len(r.row) < 2 {
		return false
	}
	for _, v := range r.row {
		if !slices.Contains(r.names, lend(v.text)) {
			return false
		}
	}
	return true
}

// w3cLine reports whether a line is a directive of W3C's extended log format, which
// IIS and Exchange begin a log with, and begin again where the service starts.
func w3cLine(line []byte) bool {
	for _, d := range []string{"#Software:", "#Version:", "#Date:", "#Fields:", "#Log-type:", "#Start-Date:", "#End-Date:", "#Remark:"} {
		if bytes.HasPrefix(line, []byte(d)) {
			return true
		}
	}
	return false
}

// zeekLine reports whether a line is a directive of Zeek's own logs, which are values
// between tabs: #separator, #path, #fields, #types, #open, #close.
// Source: Zeek's documentation, "Zeek TSV Format Logs".
func zeekLine(line []byte) bool {
	for _, d := range []string{"#separator ", "#set_separator\t", "#empty_field\t", "#unset_field\t", "#path\t", "#open\t", "#close\t", "#fields\t", "#types\t"} {
		if bytes.HasPrefix(line, []byte(d)) {
			return true
		}
	}
	return false
}

// csvFields are the names that a directive of W3C's or Zeek's logs gives; none of
// another line.
func csvFields(line []byte) (sep byte, names []string) {
	if fields, ok := bytes.CutPrefix(line, []byte("#Fields:")); ok {
		if fields = bytes.TrimSpace(fields); bytes.IndexByte(fields, ',') > 0 { // Exchange's
			return ',', strings.Split(string(fields), ",")
		}
		return ' ', strings.Fields(string(fields))
	}
	if fields, ok := bytes.CutPrefix(line, []byte("#fields\t")); ok {
		return '\t', strings.Split(strings.TrimRight(string(fields), "\r\n"), "\t")
	}
	return 0, nil
}

type csvValue struct {
	text    []byte
	quoted  bool
	doubled bool // it holds "" for "
	more    bool // there is text after the closing quote
}

// csvSkipMax is how many lines may stand before a header that are none: what
// PowerShell and Excel write there (#TYPE, sep=;), a comment, the rest of something.
const csvSkipMax = 8

// csvSniffed is how many records are looked at to tell CSV from other text.
const csvSniffed = 32

// csvHeader finds the header among the first lines: where it begins, the
// separator, which is 0 when there is none, and the names. It is followed by a
// record of as many values, or by nothing.
func csvHeader(head []byte) (at int, sep byte, names []string) {
	for range csvSkipMax {
		if at += skipBlank(head[at:], 0); at >= len(head) {
			break
		}
		if line, _, _ := bytes.Cut(head[at:], []byte{'\n'}); csvPreamble(line) {
			if sep, _ := csvFields(line); sep == 0 {
				at = lineEnd(head, at)
				continue
			}
		}
		if sep := ofEventViewer(head, at); sep != 0 {
			return at, sep, mapping.EventViewer
		}
		if sep, names = csvNames(head[at:]); sep != 0 {
			_, end := csvRecord(nil, head, at, sep)
			next, _ := csvRecord(nil, head, min(end, len(head)), sep)
			if head[at] == '#' {
				return at, sep, names // a directive says so itself
			}
			switch {
			case end >= len(head), len(next) == len(names):
				return at, sep, names
			case len(next) == len(mapping.EventViewer) && len(names) == len(next)-1 && isNumber(next[3].text):
				return at, sep, mapping.EventViewer
			case at == 0 && len(next) < 2: // something else behind it
				return at, sep, names
			}
		}
		at = lineEnd(head, at)
	}
	return 0, 0, nil
}

func isNumber(text []byte) bool {
	for _, c := range text {
		if !isDigit(c) {
			return false
		}
	}
	return len(text) > 0
}

// ofEventViewer is the separator of a record of Event Viewer's that begins at a line:
// one with a number where its number stands and a time in the second place. It tells
// the columns without their names, as in a piece of a file; 0 for another line.
func ofEventViewer(head []byte, at int) (sep byte) {
	for _, sep := range []byte(",\t") {
		if bytes.IndexByte(head[at:lineEnd(head, at)], sep) < 0 {
			continue
		}
		row, _ := csvRecord(nil, head, at, sep)
		if len(row) != len(mapping.EventViewer) || !isNumber(row[3].text) || len(row[2].text) == 0 {
			continue
		}
		stamps := datefmt.Recogniser{Now: someDay}
		if _, ok := stamps.Whole(row[1].text); ok {
			return sep
		}
	}
	return 0
}

// csvNames returns the separator and the names of the first line; 0 when it
// cannot be a header.
func csvNames(head []byte) (sep byte, names []string) {
	line, _, _ := bytes.Cut(head, []byte{'\n'})
	if sep, names = csvFields(line); sep != 0 {
		if len(names) < 2 {
			return 0, nil
		}
		return sep, names
	}
	most := 0
	for _, c := range []byte(",\t;") {
		if n := bytes.Count(line, []byte{c}); n > most {
			sep, most = c, n
		}
	}
	if sep == 0 {
		return 0, nil
	}
	stamps := datefmt.Recogniser{Now: someDay}
	if _, timed := stamps.Find(line); timed {
		return 0, nil // names are no times
	}
	row, _ := csvRecord(nil, head, 0, sep)
	seen := map[string]bool{}
	for _, v := range row {
		name := string(bytes.TrimSpace(v.plain(nil)))
		if name == "" || len(name) > labelBytesMax || seen[name] || bytes.ContainsAny([]byte(name), "={}<>\n") || name[0]-'0' < 10 || ofProse(name) {
			return 0, nil
		}
		seen[name] = true
		names = append(names, strings.TrimSuffix(name, " [UTC]")) // as Azure's portal has it
	}
	return sep, names
}

// ofProse reports whether a piece of a line is of a sentence, a table of Markdown or a
// program, and so no name of a column.
func ofProse(name string) bool {
	for _, p := range []string{"# ", "//", "/*", "| "} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return strings.HasSuffix(name, ".") && strings.Contains(name, " ") ||
		strings.Count(name, "(") != strings.Count(name, ")") || strings.Count(name, "[") != strings.Count(name, "]")
}

// csvRecord appends the values of the record at i and returns where the next begins.
func csvRecord(row []csvValue, b []byte, i int, sep byte) ([]csvValue, int) {
	for {
		var v csvValue
		if i < len(b) && b[i] == '"' {
			v.quoted = true
			start := i + 1
			end := start
			for {
				n := bytes.IndexByte(b[end:], '"')
				if n < 0 {
					end = len(b)
					break
				}
				end += n
				if end+1 < len(b) && b[end+1] == '"' {
					v.doubled = true
					end += 2
					continue
				}
				break
			}
			v.text = b[start:end:end]
			i = min(end+1, len(b))
			for i < len(b) && b[i] != sep && b[i] != '\n' { // text after the quote
				v.more = v.more || b[i] != '\r' && b[i] != ' '
				i++
			}
		} else {
			start := i
			for i < len(b) && b[i] != sep && b[i] != '\n' {
				i++
			}
			v.text = b[start:i:i]
			if i == len(b) || b[i] == '\n' {
				v.text = bytes.TrimSuffix(v.text, []byte{'\r'})
			}
		}
		row = append(row, v)
		if i >= len(b) {
			return row, i
		}
		i++
		if b[i-1] == '\n' {
			return row, i
		}
	}
}

func (v csvValue) plain(dst []byte) []byte {
	if !v.doubled {
		return append(dst, v.text...)
	}
	return append(dst, bytes.ReplaceAll(v.text, []byte(`""`), []byte(`"`))...)
}

func (r *csv) Read(b input.Block, next exec.Sink) error {
	data := b.Data
	if r.part != b.Part {
		r.part = b.Part
		_, r.sep, r.names = csvHeader(b.Part.Head)
		if r.sep == 0 {
			lost(r.want, &b, 0, "CSV without a header line", data)
			r.sep = ','
		}
	}
	r.begin(data)
	at := 0
	if b.Offset == 0 {
		start, _, _ := csvHeader(b.Part.Head)
		for at < min(start, len(data)) {
			end := lineEnd(data, at)
			if line := bytes.TrimSpace(data[at:end]); len(line) > 0 && !csvPreamble(line) {
				lost(r.want, &b, at, "line before the CSV header", line)
			}
			at = end
		}
		if ofEventViewer(data, at) == 0 {
			_, at = csvRecord(nil, data, at, r.sep)
		}
	}
	for at < len(data) {
		start := at
		if mayBegin(data[at:]) {
			n, err := r.others.read(&b, at, next)
			if err != nil {
				return err
			}
			if n > 0 {
				at += n
				continue
			}
		}
		r.row, at = csvRecord(r.row[:0], data, start, r.sep)
		if end := lineEnd(data, start); at > end && (len(r.row) != len(r.names) && r.sound(data, end) || slices.ContainsFunc(r.row, func(v csvValue) bool { return v.more })) {
			at = end // a quote that is not closed
			lost(r.want, &b, start, "CSV line with a quote that is not closed", data[start:end])
			continue
		}
		text := bytes.TrimRight(data[start:at], "\r\n")
		if len(text) > 0 && text[0] == '#' && (w3cLine(text) || zeekLine(text)) {
			if _, names := csvFields(text); names != nil && !slices.Equal(names, r.names) {
				lost(r.want, &b, start, "#Fields line with other columns than the file's first, by which all is read; split the file there", text)
			}
			continue
		}
		if r.sep != ' ' && r.header() {
			if !slices.EqualFunc(r.row, r.names, func(v csvValue, n string) bool { return string(v.text) == n }) {
				lost(r.want, &b, start, "CSV header with the columns in another order than the file's first, by which all is read; split the file there", text)
			}
			continue
		}
		if len(text) == 0 || !r.matters(data, start, at) {
			continue
		}
		if len(r.row) > len(r.names) && len(r.names) > 0 {
			lost(r.want, &b, start, fmt.Sprintf("CSV line with more than %d values", len(r.names)), text)
		}
		if len(r.row) < len(r.names) {
			lost(r.want, &b, start, fmt.Sprintf("CSV line with fewer than %d values", len(r.names)), text)
			if len(r.row) == 1 {
				continue // it is no record at all
			}
		}
		sign := !r.noMap && signed(text)
		r.pieces = r.pieces[:0]
		for i, v := range r.row {
			if sign && len(v.text) > 0 {
				r.pieces = append(r.pieces, r.w.arena.keep(v.plain(nil)))
			}
			if i >= len(r.names) {
				break
			}
			if len(v.text) == 0 && !v.quoted || r.sep == ' ' && string(v.text) == "-" || !r.wants(r.names[i]) {
				continue
			}
			value := v.text
			if v.doubled {
				r.w.scratch = v.plain(r.w.scratch[:0])
				value = r.w.arena.keep(r.w.scratch)
			}
			r.field(r.names[i], value)
		}
		if err := r.end(&b, start, text, 0, next); err != nil {
			return err
		}
	}
	return r.push(next)
}
