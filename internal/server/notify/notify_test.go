package notify_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/netip"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/server/notify"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// rules makes a signal of severity 7 and 8 on a host for each failed logon: two names are 15,
// which is an insight.
const rules = `
kind: match_rule
id: MATCH-U00001
name: Fail
expression: "metadata_deviceEventId = 'Security-4625'"
entity_selectors: [{entity_type: _hostname, expression: device_hostname}]
name_expression: "Fail of {{user_username}}"
summary_expression: "{{user_username}}"
description_expression: d
score: 7
`

// bench is live detection with a notifier.
type bench struct {
	t      *testing.T
	store  *store.Store
	engine *live.Engine
	notify *notify.Notifier
	url    string
	n      int
}

// at is a bench over a folder; change may change the options.
func at(t *testing.T, dir string, change func(*notify.Options)) *bench {
	t.Helper()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	docs, found := ruledoc.Read(diag.Text("rules.yaml", rules))
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	e, err := live.Start(live.Options{Store: s, Idle: 20 * time.Millisecond, Logf: t.Logf, Content: func(context.Context) ([]*ruledoc.Document, diag.List, error) { return docs, nil, nil }})
	if err != nil {
		t.Fatal(err)
	}
	o := notify.Options{
		Store: s, Alerts: e.Alerts(), Outward: access.Outward{Plain: true, Hosts: []string{"127.0.0.1"}}, Base: func() string { return "https://desk.example" }, Logf: t.Logf,
		PackageOf: func(string) string { return "Logons" },
	}
	o.Fast(time.Minute)
	if change != nil {
		change(&o)
	}
	n, err := notify.New(o)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, r := range n.Routes() {
		mux.HandleFunc(r.Pattern, r.Serve)
	}
	web := httptest.NewServer(mux)
	b := &bench{t: t, store: s, engine: e, notify: n, url: web.URL}
	t.Cleanup(func() {
		web.Close()
		ctx := context.Background()
		if err := n.Close(ctx); err != nil {
			t.Error(err)
		}
		e.Close(ctx)
		s.Close(ctx)
	})
	return b
}

type object = map[string]any

func (b *bench) ask(method, path string, body any) (int, object) {
	b.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequest(method, b.url+notify.Base+path, strings.NewReader(string(text)))
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	var o object
	if err := json.NewDecoder(resp.Body).Decode(&o); err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, o
}

func (b *bench) channel(c object) string {
	b.t.Helper()
	status, o := b.ask("POST", "/channels", c)
	if status != 200 {
		b.t.Fatalf("%d %v", status, o)
	}
	return o["id"].(string)
}

// insight makes one more insight, on a host of its own.
func (b *bench) insight(user string) {
	b.t.Helper()
	b.n++
	r := store.Receipt{Received: time.Now().UnixMilli()}
	for i, u := range []string{user, user + "2"} {
		u, _ := json.Marshal(u)
		r.Messages = append(r.Messages, store.Message{Raw: fmt.Appendf(nil, `{"TimeCreated":%q,"Channel":"Security","Provider":"Microsoft-Windows-Security-Auditing","EventID":4625,"EventRecordID":%d,"Computer":"srv-%d","TargetUserName":%s,"LogonType":3}`,
			time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), time.Now().UnixNano()+int64(i), b.n, u)})
	}
	if _, err := b.store.Append(context.Background(), r); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) until(what string, holds func() bool) {
	b.t.Helper()
	for began := time.Now(); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			_, o := b.ask("GET", "/channels", nil)
			b.t.Fatalf("not in 20 s: %s; channels: %v", what, o)
		}
	}
}

// receiver is somebody who is told: it answers as answer says, and notes what it took.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []object
	keys   []string                                                   // of all tries
	answer func(try int, w http.ResponseWriter, r *http.Request) bool // false: it did not take it
}

func newReceiver(t *testing.T, answer func(try int, w http.ResponseWriter, r *http.Request) bool) *receiver {
	v := &receiver{answer: answer}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		v.keys = append(v.keys, r.Header.Get("Idempotency-Key"))
		try := len(v.keys)
		v.mu.Unlock()
		text, _ := io.ReadAll(r.Body)
		if v.answer != nil && !v.answer(try, w, r) {
			return
		}
		var o object
		if err := json.Unmarshal(text, &o); err != nil {
			t.Errorf("no JSON: %v: %s", err, text)
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		v.got = append(v.got, o)
	}))
	t.Cleanup(v.Close)
	return v
}

func (v *receiver) taken() []object {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]object{}, v.got...)
}

func (v *receiver) tries() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]string{}, v.keys...)
}

// TestReceiversThatFail: one receiver takes all at once, one after failures, one hangs, one
// redirects, one refuses. Nobody holds up another; what cannot be delivered is listed, and goes
// out once the receiver is well and it is sent again.
func TestReceiversThatFail(t *testing.T) {
	b := at(t, t.TempDir(), nil)
	good := newReceiver(t, nil)
	status := func(code int) func(try int, w http.ResponseWriter, r *http.Request) bool {
		return func(try int, w http.ResponseWriter, r *http.Request) bool {
			if try <= 3 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(code)
				return false
			}
			return true
		}
	}
	flaky, busy := newReceiver(t, status(502)), newReceiver(t, status(429))
	hangs := newReceiver(t, func(try int, w http.ResponseWriter, r *http.Request) bool {
		if try <= 2 {
			<-r.Context().Done()
			return false
		}
		return true
	})
	elsewhere := newReceiver(t, nil)
	redirects := newReceiver(t, func(try int, w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		return false
	})
	well := make(chan struct{})
	refuses := newReceiver(t, func(try int, w http.ResponseWriter, r *http.Request) bool {
		select {
		case <-well:
			return true
		default:
			w.WriteHeader(http.StatusForbidden)
			return false
		}
	})
	for name, v := range map[string]*receiver{"good": good, "flaky": flaky, "busy": busy, "hangs": hangs, "redirects": redirects, "refuses": refuses} {
		b.channel(object{"name": name, "kind": "webhook", "url": v.URL + "/hook", "headers": object{"X-Token": "secret"}})
	}
	b.insight("ana")
	b.insight("bo")
	b.until("the good one has both", func() bool { return len(good.taken()) == 2 })
	if n := len(hangs.taken()); n != 0 {
		t.Logf("the one that hangs has %d already", n)
	}
	b.until("the others have both", func() bool { return len(flaky.taken()) == 2 && len(busy.taken()) == 2 && len(hangs.taken()) == 2 })
	for _, e := range good.taken() {
		// 7 for each of two names is 14.
		if e["type"] != "insight.created" || e["score"] != 14.0 || e["key"] != e["id"].(string)+":0" || len(e["signals"].([]any)) != 2 || !strings.HasPrefix(e["url"].(string), "https://desk.example/insight/INSIGHT-") {
			t.Errorf("it is told %v", e)
		}
	}
	for name, v := range map[string]*receiver{"flaky": flaky, "busy": busy, "hangs": hangs} {
		met := map[string]int{}
		for _, k := range v.tries() {
			met[k]++
		}
		if len(met) != 2 || len(v.tries()) < 4 {
			t.Errorf("%s was tried with the keys %v, want two keys and repetitions", name, met)
		}
	}
	if len(elsewhere.tries()) != 0 {
		t.Error("a redirection was followed")
	}
	dead := func() []any {
		_, o := b.ask("GET", "/dead", nil)
		return o["dead"].([]any)
	}
	b.until("four dead letters", func() bool { return len(dead()) == 4 })
	number, why := "", ""
	for _, d := range dead() {
		if x := d.(object); x["name"] == "refuses" {
			number, why = fmt.Sprint(x["number"]), x["why"].(string)
		} else if x["name"] != "redirects" || !strings.Contains(x["why"].(string), "redirections are not followed") {
			t.Errorf("a dead letter is %v", x)
		}
	}
	if !strings.Contains(why, "403") {
		t.Errorf("the reason is %q", why)
	}
	if all, err := b.notify.Problems(context.Background()); err != nil || len(all) != 2 || all[0].Dead+all[1].Dead != 4 {
		t.Errorf("problems: %+v %v", all, err)
	}
	close(well)
	if status, o := b.ask("POST", "/dead/"+number+"/send", nil); status != 200 || o["sent"] != 1.0 {
		t.Errorf("send again: %d %v", status, o)
	}
	b.until("it is delivered", func() bool { return len(refuses.taken()) == 1 && len(dead()) == 3 })
	if status, o := b.ask("POST", "/dead/send", nil); status != 200 || o["sent"] != 3.0 {
		t.Errorf("send all again: %d %v", status, o)
	}
	b.until("the other is delivered too", func() bool { return len(refuses.taken()) == 2 })
	for _, x := range []struct{ method, path string }{{"POST", "/dead/999/send"}, {"POST", "/dead/x/send"}, {"DELETE", "/dead/999"}, {"GET", "/channels/none"}, {"DELETE", "/channels/none"}, {"POST", "/channels/none/test"}} {
		if status, o := b.ask(x.method, x.path, nil); status != 404 || o["message"] == "" {
			t.Errorf("%s %s: %d %v", x.method, x.path, status, o)
		}
	}
}

// TestFormsAndFilters: each kind has its form, hostile names are only text in it, and a channel
// is told what it wants.
func TestFormsAndFilters(t *testing.T) {
	b := at(t, t.TempDir(), nil)
	kinds := map[string]*receiver{}
	for _, kind := range []string{"webhook", "slack", "teams", "pagerduty"} {
		kinds[kind] = newReceiver(t, nil)
		b.channel(object{"name": kind, "kind": kind, "url": kinds[kind].URL, "key": "R0UT1NG", "filter": object{"what": "insights"}})
	}
	high, other, signals, changes := newReceiver(t, nil), newReceiver(t, nil), newReceiver(t, nil), newReceiver(t, nil)
	b.channel(object{"name": "critical alone", "kind": "webhook", "url": high.URL, "filter": object{"level": "critical"}})
	b.channel(object{"name": "another package", "kind": "webhook", "url": other.URL, "filter": object{"packages": []string{"Mail"}, "what": "all"}})
	b.channel(object{"name": "signals", "kind": "webhook", "url": signals.URL, "filter": object{"what": "signals", "level": "high", "packages": []string{"Logons"}}})
	b.channel(object{"name": "changes", "kind": "webhook", "url": changes.URL, "filter": object{"changes": true}})
	const hostile = "<!channel> <https://evil.example|x> `*_ [a](https://evil.example)\x1b[31m\u202e"
	b.insight(hostile)
	for kind, v := range kinds {
		b.until(kind+" is told", func() bool { return len(v.taken()) == 1 })
	}
	b.until("signals are told", func() bool { return len(signals.taken()) == 2 })
	text, _ := json.Marshal(kinds["slack"].taken()[0])
	slack := string(text)
	var read object
	_ = json.Unmarshal(text, &read)
	blocks := read["blocks"].([]any)
	if s := blocks[1].(object)["text"].(object)["text"].(string); strings.Contains(s, "<!channel>") || strings.Contains(s, "<https://evil") || !strings.Contains(s, "&lt;!channel&gt;") || strings.Contains(slack, "\\u001b") {
		t.Errorf("Slack is told %s", slack)
	}
	card := kinds["teams"].taken()[0]["attachments"].([]any)[0].(object)
	if card["contentType"] != "application/vnd.microsoft.card.adaptive" || card["content"].(object)["body"].([]any)[1].(object)["type"] != "RichTextBlock" {
		t.Errorf("Teams is told %v", card)
	}
	duty := kinds["pagerduty"].taken()[0]
	if p := duty["payload"].(object); duty["routing_key"] != "R0UT1NG" || duty["event_action"] != "trigger" || duty["dedup_key"] == "" || p["severity"] != "warning" || p["source"] != "srv-1" {
		t.Errorf("PagerDuty is told %v", duty)
	}
	// Closing it resolves what it triggered, and is told to who wants changes.
	closed, resolved := insight.Closed, "Resolved"
	if _, err := b.engine.Alerts().Change(context.Background(), "INSIGHT-1", nil, &insight.Life{}, insight.Change{Status: &closed, Resolution: &resolved}, "ana", time.Now()); err != nil {
		t.Fatal(err)
	}
	b.until("PagerDuty is told of the end", func() bool { return len(kinds["pagerduty"].taken()) == 2 })
	if end := kinds["pagerduty"].taken()[1]; end["event_action"] != "resolve" || end["dedup_key"] != duty["dedup_key"] {
		t.Errorf("PagerDuty is told %v", end)
	}
	b.until("the change is told", func() bool { return len(changes.taken()) == 2 })
	if e := changes.taken()[1]; e["type"] != "insight.changed" || e["key"] != e["id"].(string)+":1" || e["resolution"] != "Resolved" {
		t.Errorf("the change is told as %v", e)
	}
	time.Sleep(100 * time.Millisecond)
	if len(high.taken()) != 0 || len(other.taken()) != 0 || len(kinds["webhook"].taken()) != 1 {
		t.Errorf("a filter lets %d, %d and %d pass", len(high.taken()), len(other.taken()), len(kinds["webhook"].taken()))
	}
}

// TestChannelsAndSecrets: what cannot be is refused with its reason; a secret is not shown
// again and stays where it is not given anew; addresses that are not public are not opened.
func TestChannelsAndSecrets(t *testing.T) {
	b := at(t, t.TempDir(), func(o *notify.Options) {
		o.Outward = access.Outward{Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("10.0.0.7")}, nil
		}}
		o.Packages = []string{"Logons"}
	})
	for name, c := range map[string]object{
		"no name": {"kind": "webhook", "url": "https://a.example"}, "no kind": {"name": "a"}, "another kind": {"name": "a", "kind": "pigeon"}, "no address": {"name": "a", "kind": "webhook"},
		"an address with a password": {"name": "a", "kind": "webhook", "url": "https://a:b@c.example"}, "a header that is not one": {"name": "a", "kind": "webhook", "url": "https://a.example", "headers": object{"a b": "c"}},
		"a header of ours": {"name": "a", "kind": "webhook", "url": "https://a.example", "headers": object{"host": "c"}}, "a header with a line end": {"name": "a", "kind": "webhook", "url": "https://a.example", "headers": object{"a": "b\r\nc: d"}},
		"no key": {"name": "a", "kind": "pagerduty"}, "a level": {"name": "a", "kind": "webhook", "url": "https://a.example", "filter": object{"level": "awful"}}, "what": {"name": "a", "kind": "webhook", "url": "https://a.example", "filter": object{"what": "x"}},
		"no port": {"name": "a", "kind": "syslog", "url": "tcp://a.example"}, "syslog over http": {"name": "a", "kind": "syslog", "url": "http://a.example:1"}, "two topics": {"name": "a", "kind": "kafka", "url": "kafka://a:1/b,c"}, "no topic": {"name": "a", "kind": "kafka", "url": "kafka://a:1"},
		"nobody to mail to": {"name": "a", "kind": "email", "url": "smtp://a:25", "from": "a@b.example"}, "mail from nobody": {"name": "a", "kind": "email", "url": "smtp://a:25", "to": []string{"a@b.example"}},
		"a misspelt filter": {"name": "a", "kind": "webhook", "url": "https://a.example", "filtr": object{"level": "high"}}, "a misspelt key of the filter": {"name": "a", "kind": "webhook", "url": "https://a.example", "filter": object{"levels": "high"}},
		"a package that is none": {"name": "a", "kind": "webhook", "url": "https://a.example", "filter": object{"packages": []string{"Logon"}}},
		"a key as it is shown":   {"name": "a", "kind": "pagerduty", "key": "********"}, "a header as it is shown": {"name": "a", "kind": "webhook", "url": "https://a.example", "headers": object{"X-Token": "********"}},
		"a password as it is shown": {"name": "a", "kind": "email", "url": "smtp://a:25", "from": "a@b.example", "to": []string{"a@b.example"}, "user": "a", "password": "********"}, "an address as it is shown": {"name": "a", "kind": "slack", "url": "https://a.example/********"},
		"mail to what is none": {"name": "a", "kind": "email", "url": "smtp://a:25", "from": "a@b.example", "to": []string{"a@b.example\r\nBcc: c@d.example"}},
	} {
		if status, o := b.ask("POST", "/channels", c); status != 400 || o["message"] == "" {
			t.Errorf("%s: %d %v", name, status, o)
		}
	}
	id := b.channel(object{"name": "a", "kind": "webhook", "url": "https://hooks.example/T0/SECRET", "headers": object{"X-Api-Key": "SECRET"}, "key": "SECRET", "password": "SECRET"})
	for _, path := range []string{"/channels", "/channels/" + id} {
		if _, o := b.ask("GET", path, nil); strings.Contains(fmt.Sprint(o), "SECRET") {
			t.Errorf("%s shows a secret: %v", path, o)
		}
	}
	_, shown := b.ask("GET", "/channels/"+id, nil)
	shown["name"] = "b"
	status, o := b.ask("PUT", "/channels/"+id, shown)
	if status != 200 || o["name"] != "b" || o["revision"] != 2.0 {
		t.Errorf("%d %v", status, o)
	}
	if status, _ := b.ask("PUT", "/channels/"+id, shown); status != 412 {
		t.Errorf("a stale revision: %d", status)
	}
	db, err := b.store.DB(notify.Migration)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	if err := db.QueryRow(`SELECT body FROM notify_channel`).Scan(&text); err != nil || strings.Count(text, "SECRET") != 4 {
		t.Errorf("what is kept is %s (%v), want the secrets as they were", text, err)
	}
	for _, c := range []object{
		{"name": "a", "kind": "webhook", "url": "https://inside.example/"}, {"name": "a", "kind": "webhook", "url": "http://inside.example/"}, {"name": "a", "kind": "webhook", "url": "https://169.254.169.254/latest"},
		{"name": "a", "kind": "syslog", "url": "tcp://127.0.0.1:514"}, {"name": "a", "kind": "syslog", "url": "udp://[::1]:514"}, {"name": "a", "kind": "email", "url": "smtp://localhost:25", "from": "a@b.example", "to": []string{"a@b.example"}},
	} {
		id := b.channel(c)
		if status, o := b.ask("POST", "/channels/"+id+"/test", nil); status != 200 || o["delivered"] != false || !strings.Contains(o["why"].(string), "may not be opened") {
			t.Errorf("%v: %d %v", c["url"], status, o)
		}
		if strings.Contains(fmt.Sprint(o), "latest") {
			t.Error("the address stands in the error")
		}
	}
	if status, _ := b.ask("DELETE", "/channels/"+id, nil); status != 200 {
		t.Error(status)
	}
	if status, _ := b.ask("GET", "/channels/"+id, nil); status != 404 {
		t.Error(status)
	}
}

// TestNobodySends: what is "sent again" is sent; letters of a channel that is switched off, or
// that the configuration has no more, stay where they are seen, and it is said why.
func TestNobodySends(t *testing.T) {
	dir := t.TempDir()
	down := newReceiver(t, func(try int, w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusForbidden)
		return false
	})
	late := newReceiver(t, func(try int, w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusBadGateway)
		return false
	})
	fixed := func(o *notify.Options) {
		o.Fixed = []*notify.Channel{{Name: "old pager", Enabled: true, Kind: "webhook", URL: late.URL}}
	}
	letters := func(b *bench) (out []object) {
		_, o := b.ask("GET", "/dead", nil)
		for _, d := range o["dead"].([]any) {
			out = append(out, d.(object))
		}
		return out
	}
	refused := func(b *bench, path, want string) {
		t.Helper()
		if status, o := b.ask("POST", path, nil); status != 400 || !strings.Contains(fmt.Sprint(o["message"]), want) {
			t.Errorf("%s: %d %v, want 400 that says %q", path, status, o, want)
		}
	}
	t.Run("switched off", func(t *testing.T) {
		b := at(t, dir, fixed)
		id := b.channel(object{"name": "chat", "kind": "webhook", "url": down.URL})
		b.insight("ana")
		b.until("a dead letter", func() bool { return len(letters(b)) == 1 })
		_, c := b.ask("GET", "/channels/"+id, nil)
		c["enabled"] = false
		if status, o := b.ask("PUT", "/channels/"+id, c); status != 200 {
			t.Fatal(status, o)
		}
		for _, path := range []string{fmt.Sprintf("/dead/%v/send", letters(b)[0]["number"]), "/dead/send?channel=" + id, "/dead/send"} {
			refused(b, path, "chat is switched off")
		}
		if n := len(letters(b)); n != 1 {
			t.Errorf("%d dead letters are left, want the one", n)
		}
		b.until("the pager is tried", func() bool { return len(late.tries()) > 0 })
	})
	t.Run("gone from the configuration", func(t *testing.T) {
		b := at(t, dir, nil)
		all := letters(b)
		i := 0
		for i < len(all) && all[i]["name"] != "old pager" {
			i++
		}
		if i == len(all) || !strings.Contains(fmt.Sprint(all[i]["why"]), "no more in the configuration") {
			t.Fatalf("dead letters: %v, want one of old pager", all)
		}
		refused(b, fmt.Sprintf("/dead/%v/send", all[i]["number"]), "old pager is no more")
		problems, err := b.notify.Problems(context.Background())
		if err != nil || len(problems) != 2 || problems[0].Name == "" || problems[1].Name == "" {
			t.Errorf("problems: %+v %v", problems, err)
		}
	})
}

// TestSyslog: messages of RFC 5424, with their length before them over TCP; a receiver that
// ends the connection loses none.
func TestSyslog(t *testing.T) {
	b := at(t, t.TempDir(), nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var mu sync.Mutex
	var lines []string
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r := bufio.NewReader(c) // one message a connection, and then its end
			length, err := r.ReadString(' ')
			if err == nil {
				n, _ := strconv.Atoi(strings.TrimSpace(length))
				text := make([]byte, n)
				if _, err := io.ReadFull(r, text); err == nil {
					mu.Lock()
					lines = append(lines, string(text))
					mu.Unlock()
				}
			}
			c.Close()
		}
	}()
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close() })
	b.channel(object{"name": "tcp", "kind": "syslog", "url": "tcp://" + l.Addr().String()})
	b.channel(object{"name": "udp", "kind": "syslog", "url": "udp://" + u.LocalAddr().String()})
	have := func(n int) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(lines) >= n
		}
	}
	for i := range 3 {
		b.insight(fmt.Sprintf("u%d", i))
		b.until("a message came", have(i+1))
	}
	var e object
	head, text, _ := strings.Cut(lines[0], "] ")
	if err := json.Unmarshal([]byte(text), &e); err != nil || !strings.HasPrefix(head, "<108>1 ") || !strings.Contains(head, ` gyoji - insight.created [gyoji@41123 key="`+e["key"].(string)+`"`) {
		t.Errorf("the message is %q (%v)", lines[0], err) // 13*8+4: log audit, warning, which a medium one is
	}
	buf := make([]byte, 64<<10)
	_ = u.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, _, err := u.ReadFrom(buf); err != nil || !strings.HasPrefix(string(buf[:n]), "<108>1 ") {
		t.Errorf("the datagram is %q (%v)", buf[:n], err)
	}
}

// TestKafka puts insights into a topic.
func TestKafka(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "alerts"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	b := at(t, t.TempDir(), nil)
	b.channel(object{"name": "topic", "kind": "kafka", "url": "kafka://" + cluster.ListenAddrs()[0] + "/alerts"})
	b.insight("ana")
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics("alerts"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	records := client.PollFetches(ctx).Records()
	if len(records) != 1 {
		t.Fatalf("%d records", len(records))
	}
	var e object
	r := records[0]
	if err := json.Unmarshal(r.Value, &e); err != nil || string(r.Key) != e["id"] || string(r.Headers[0].Value) != e["key"] || r.Headers[0].Key != "Idempotency-Key" {
		t.Errorf("the record is %s %v %s (%v)", r.Key, r.Headers, r.Value, err)
	}
}

// mailServer speaks enough SMTP to take mail: with STARTTLS and a login.
// Source: RFC 5321, RFC 3207, RFC 4954.
func mailServer(t *testing.T, cert *tls.Config) (address string, mails func() []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var mu sync.Mutex
	var got []string
	go func() {
		for try := 1; ; try++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				p := textproto.NewConn(c)
				secure := false
				_ = p.PrintfLine("220 test")
				for {
					line, err := p.ReadLine()
					if err != nil {
						return
					}
					switch word, _, _ := strings.Cut(strings.ToUpper(line), " "); word {
					case "EHLO":
						if secure {
							_ = p.PrintfLine("250-test\r\n250 AUTH PLAIN")
						} else {
							_ = p.PrintfLine("250-test\r\n250 STARTTLS")
						}
					case "STARTTLS":
						_ = p.PrintfLine("220 go")
						c = tls.Server(c, cert)
						p, secure = textproto.NewConn(c), true
					case "AUTH":
						if try == 1 {
							_ = p.PrintfLine("451 come again")
							continue
						}
						_ = p.PrintfLine("235 ok")
					case "DATA":
						_ = p.PrintfLine("354 go")
						text, err := io.ReadAll(p.DotReader())
						if err != nil {
							return
						}
						mu.Lock()
						got = append(got, string(text))
						mu.Unlock()
						_ = p.PrintfLine("250 ok")
					case "QUIT":
						_ = p.PrintfLine("221 bye")
						return
					default:
						_ = p.PrintfLine("250 ok")
					}
				}
			}()
		}
	}()
	return l.Addr().String(), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string{}, got...)
	}
}

// TestEmail: mail goes out by STARTTLS with a login, after a failure again, and what stands in
// a log makes no header.
func TestEmail(t *testing.T) {
	web := httptest.NewTLSServer(nil) // for its certificate, which is for 127.0.0.1
	t.Cleanup(web.Close)
	trust := x509.NewCertPool()
	trust.AddCert(web.Certificate())
	address, mails := mailServer(t, &tls.Config{Certificates: web.TLS.Certificates})
	b := at(t, t.TempDir(), func(o *notify.Options) { o.Outward.TLS = &tls.Config{RootCAs: trust} })
	b.channel(object{"name": "mail", "kind": "email", "url": "smtp://" + address, "from": "gyoji <gyoji@corp.example>", "to": []string{"desk@corp.example"}, "user": "u", "password": "p"})
	b.insight("ana\r\nBcc: evil@evil.example\r\n\r\n.\r\nMAIL FROM:<x>")
	b.until("a mail came", func() bool { return len(mails()) == 1 })
	m, err := mail.ReadMessage(strings.NewReader(mails()[0]))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := (&mime.WordDecoder{}).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Error(err)
	}
	if m.Header.Get("Bcc") != "" || m.Header.Get("To") != "<desk@corp.example>" || !strings.HasPrefix(subject, "INSIGHT-1 (medium): ") || !strings.HasSuffix(m.Header.Get("Message-Id"), ".0@corp.example>") {
		t.Errorf("the head is %v", m.Header)
	}
}

// TestKilledBetweenSendAndMark: a process that is killed after the receiver has taken it and
// before that is noted sends it again, with the same key.
func TestKilledBetweenSendAndMark(t *testing.T) {
	if dir := os.Getenv("GYOJI_TEST_NOTIFY_DIR"); dir != "" { // the process that is killed
		b := at(t, dir, nil)
		b.channel(object{"name": "hook", "kind": "webhook", "url": os.Getenv("GYOJI_TEST_NOTIFY_URL")})
		b.insight("ana")
		time.Sleep(time.Minute)
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	var child *exec.Cmd
	var killed sync.Once
	done := make(chan struct{})
	v := newReceiver(t, func(try int, w http.ResponseWriter, r *http.Request) bool {
		if try == 1 { // it is taken, and the sender never learns of it
			killed.Do(func() {
				_ = child.Process.Kill()
				close(done)
			})
		}
		return true
	})
	child = exec.Command(exe, "-test.run", "^TestKilledBetweenSendAndMark$")
	child.Env = append(os.Environ(), "GYOJI_TEST_NOTIFY_DIR="+dir, "GYOJI_TEST_NOTIFY_URL="+v.URL)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		_ = child.Process.Kill()
		t.Fatal("nothing was sent in 30 s")
	}
	_ = child.Wait() // it was killed
	b := at(t, dir, nil)
	b.until("it is sent again", func() bool { return len(v.tries()) >= 2 })
	time.Sleep(200 * time.Millisecond)
	if keys := v.tries(); len(keys) != 2 || keys[0] != keys[1] || keys[0] == "" {
		t.Errorf("the keys were %q, want one twice", keys)
	}
}
