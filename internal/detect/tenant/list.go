package tenant

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// columns are the target columns of lists, in small letters, with the attributes that
// they look at (11).
var columns = sync.OnceValue(func() map[string][]string {
	return map[string][]string{
		"hostname":    {"device_hostname", "srcDevice_hostname", "dstDevice_hostname", "http_hostname", "http_referrerHostname", "bro_ssl_serverName"},
		"srchostname": {"srcDevice_hostname"},
		"dsthostname": {"dstDevice_hostname"},
		"ip":          {"device_ip", "srcDevice_ip", "dstDevice_ip", "device_natIp", "srcDevice_natIp", "dstDevice_natIp", "dns_replyIp"},
		"srcip":       {"srcDevice_ip", "srcDevice_natIp"},
		"dstip":       {"dstDevice_ip", "dstDevice_natIp"},
		"domain": {
			"dns_queryDomain", "dns_replyDomain", "fromUser_authDomain", "http_referrerDomain", "http_url_rootDomain", "http_url_fqdn",
			"bro_ntlm_domainame", "bro_ssl_serverName_rootDomain",
		},
		"username": {"username", "user_username", "fromUser_username"},
		"url":      {"http_url"},
		"filehash": endingWith("file_hash_", ""),
		"asn":      endingWith("", "_asnNumber"), "isp": endingWith("", "_isp"), "org": endingWith("", "_asnOrg"),
		"srcasn": {"srcDevice_ip_asnNumber"}, "srcisp": {"srcDevice_ip_isp"}, "srcorg": {"srcDevice_ip_asnOrg"},
		"dstasn": {"dstDevice_ip_asnNumber"}, "dstisp": {"dstDevice_ip_isp"}, "dstorg": {"dstDevice_ip_asnOrg"},
	}
})

// spellings are other names of columns.
var spellings = map[string]string{
	"sourceip": "srcip", "destinationip": "dstip", "sourcehostname": "srchostname", "destinationhostname": "dsthostname", "hash": "filehash",
	"sourceasn": "srcasn", "destinationasn": "dstasn", "sourceisp": "srcisp", "destinationisp": "dstisp", "sourceorg": "srcorg", "destinationorg": "dstorg",
}

// endingWith are the attributes whose names begin and end so.
func endingWith(begin, end string) (names []string) {
	for name := range record.Schema() {
		if strings.HasPrefix(name, begin) && strings.HasSuffix(name, end) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// list is a match list or a suppressed list.
type list struct {
	names      []string // in listMatches: the name, with blanks as underscores too, and the column
	name       string
	suppresses bool
	attrs      []event.Slot
	attrNames  []string
	target     string // the column as it is written
	column     string
	exact      map[string]int64 // value -> when it ends in ms, 0 is never; in small letters
	nets       []network
	fold       bool
}

type network struct {
	netip.Prefix
	until int64
}

// addList readies a list.
func (t *Tenant) addList(d *ruledoc.Document) {
	x, ds := d.List()
	if !t.took(d, ds) || !x.Active {
		return
	}
	column := strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(x.Column, "_", ""), " ", ""))
	if s := spellings[column]; s != "" {
		column = s
	}
	attrs := columns()[column]
	if c := t.columns[strings.ToLower(x.Column)]; c != nil { // the organisation's own
		column, attrs = "custom", c
	}
	if attrs == nil {
		at := d.Body.At
		if v := d.Body.Get("target_column"); v != nil {
			at = v.At
		}
		t.took(d, diag.List{problem(d, at, "unknown-column", "there is no target column %s that gyoji knows: it is Hostname, SrcIp, Ip, Domain, Username, FileHash, Url and their like, or a custom_match_list_column", x.Column)})
		return
	}
	l := &list{name: x.Name, target: x.Column, suppresses: x.Suppresses, column: column, exact: map[string]int64{}, names: []string{x.Name}}
	if under := strings.ReplaceAll(x.Name, " ", "_"); under != x.Name {
		l.names = append(l.names, under)
	}
	l.names = append(l.names, "column:"+x.Column)
	for _, a := range attrs {
		l.attrs, l.attrNames = append(l.attrs, t.records.Exact(a)), append(l.attrNames, a)
	}
	// Names, hosts, domains and hashes compare without letter case (16, 16).
	l.fold = column != "url" && !strings.HasSuffix(column, "isp") && !strings.HasSuffix(column, "org")
	for _, i := range x.Items {
		if !i.Active {
			continue
		}
		until := int64(0)
		if i.Expiration != "" {
			at, err := expiry(i.Expiration)
			if err != nil {
				t.took(d, diag.List{problem(d, i.At, "bad-expiration", "the item %s expires at %q, which is no time", i.Value, i.Expiration)})
				continue
			}
			until = at
		}
		value := strings.TrimSpace(i.Value)
		if l.addresses() {
			if p, err := netip.ParsePrefix(value); err == nil {
				l.nets = append(l.nets, network{p.Masked(), until})
				continue
			}
			if ip, err := netip.ParseAddr(value); err == nil {
				value = ip.Unmap().String()
			}
		}
		if l.fold {
			value = strings.ToLower(value)
		}
		l.exact[value] = until
	}
	t.lists = append(t.lists, l)
	if !l.suppresses {
		t.records.Exact("listMatches")
	}
}

// addColumn readies a column of lists. An attribute that there is not is named; the others
// are looked at.
func (t *Tenant) addColumn(x *ruledoc.ListColumn) {
	var attrs []string
	for _, a := range x.Attributes {
		if key, ok := strings.CutPrefix(a, record.RawPrefix); ok && key != "" || record.Schema()[a] != nil {
			attrs = append(attrs, a)
			continue
		}
		t.took(x.Doc, diag.List{problem(x.Doc, x.Doc.Body.At, "unknown-attribute", "records have no attribute %s for the column %s to look at", a, x.Name)})
	}
	t.columns[strings.ToLower(x.Name)] = attrs
}

// expiry reads a time as the API writes it: ISO 8601, with or without a zone.
func expiry(s string) (int64, error) {
	var err error
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02"} {
		var at time.Time
		if at, err = time.Parse(layout, s); err == nil {
			return at.UnixMilli(), nil
		}
	}
	return 0, err
}

// addresses says whether the list's values are addresses and networks.
func (l *list) addresses() bool {
	return strings.HasSuffix(l.column, "ip") && l.column != "isp"
}

// never is the end of what does not end; absent is that of what is not on a list.
const (
	never  = 1<<63 - 1
	absent = -1 << 63
)

// until is when a value stops being on the list: never, or absent if it is not on it.
func (l *list) until(value string) int64 {
	best := int64(absent)
	note := func(until int64, ok bool) {
		if ok {
			if until == 0 {
				until = never
			}
			best = max(best, until)
		}
	}
	if l.fold {
		value = strings.ToLower(value)
	}
	if l.addresses() {
		ip, err := netip.ParseAddr(value)
		if err != nil {
			return absent
		}
		ip = ip.Unmap().WithZone("")
		for _, n := range l.nets {
			note(n.until, n.Contains(ip))
		}
		value = ip.String()
	}
	until, ok := l.exact[value]
	note(until, ok)
	if l.column == "domain" { // subdomains are on it too
		for rest, found := value, true; found; {
			if _, rest, found = strings.Cut(rest, "."); found {
				until, ok := l.exact[rest]
				note(until, ok)
			}
		}
	}
	return best
}

// openList is a list in the hands of one worker.
type openList struct {
	*list
	memo []memo // by attribute
}

// memo is what is known of the values of one dictionary.
type memo struct {
	until []int64 // by code; 0 is not known
}

func (l *list) open() *openList { return &openList{l, make([]memo, len(l.attrs))} }

// holds says which of its attributes a row of the batch is on the list with, at its
// time; -1 if it is not.
func (l *openList) holds(b *event.Batch, row uint16) int {
	for i, slot := range l.attrs {
		col := &b.Cols[slot]
		if int(row) >= len(col.Code) || col.Code[row] == 0 {
			continue
		}
		m := &l.memo[i]
		code := col.Code[row]
		for len(m.until) <= int(code) {
			m.until = append(m.until, 0)
		}
		if m.until[code] == 0 {
			m.until[code] = l.until(col.Dict[code].String())
		}
		if u := m.until[code]; u != absent && (u == never || b.Time[row] < u) {
			return i
		}
	}
	return -1
}

func (l *openList) start(b *event.Batch) {
	for i := range l.memo {
		b.Col(l.attrs[i])
		clear(l.memo[i].until)
	}
}

// look fills listMatches, and notes the suppressed lists that rows are on (2.6; 8.2).
func (w *worker) look(b *event.Batch, rows []uint16) {
	w.listed, w.matched = nil, nil
	if len(w.lists) == 0 {
		return
	}
	for _, l := range w.lists {
		l.start(b)
	}
	matches, has := w.run.tenant.records.Find("listMatches")
	seen := map[string]uint16{}
	var names []string
	for _, row := range rows {
		names = names[:0]
		for _, l := range w.lists {
			at := l.holds(b, row)
			if at < 0 {
				continue
			}
			if l.suppresses {
				if w.listed == nil {
					w.listed = make([][]string, b.N)
				}
				w.listed[row] = append(w.listed[row], l.name)
				continue
			}
			if w.matched == nil {
				w.matched = make([][]insight.ListItem, b.N)
			}
			w.matched[row] = append(w.matched[row], insight.ListItem{
				List: l.name, Column: l.target, Value: strings.Clone(b.Value(l.attrs[at], row).String()), Attribute: l.attrNames[at],
			})
			for _, n := range l.names {
				if !slices.Contains(names, n) {
					names = append(names, n)
				}
			}
		}
		if len(names) == 0 || !has {
			continue
		}
		text, err := json.Marshal(names)
		if err != nil {
			panic(fmt.Sprintf("bug: tenant: names of lists: %v", err))
		}
		col := b.Col(matches)
		code, ok := seen[string(text)]
		if !ok {
			code = col.Put(event.List(string(text)))
			seen[string(text)] = code
		}
		col.SetCode(row, code)
	}
}

// networks lets network blocks say what is internal, and where an address is (2.5).
func (t *Tenant) networks(b *event.Batch) {
	if !t.Content.Blocks.Any() {
		return
	}
	for i := range t.records.Len() {
		name := t.records.Name(event.Slot(i))
		base, internal := strings.CutSuffix(name, "_isInternal")
		if !internal {
			var ok bool
			if base, ok = strings.CutSuffix(name, "_location"); !ok {
				continue
			}
		}
		from, ok := t.records.Find(base)
		if !ok {
			continue
		}
		b.Col(max(from, event.Slot(i)))
		in, out := &b.Cols[from], &b.Cols[i]
		for _, row := range b.Live {
			ip, err := netip.ParseAddr(in.At(row).Str())
			if err != nil {
				continue
			}
			if x := t.Content.Blocks.Find(ip); x != nil {
				if internal {
					if x.Internal {
						out.Set(row, event.Bool(true))
					}
				} else {
					out.Set(row, event.Text(x.Label))
				}
			}
		}
	}
}
