package collect

import (
	"bufio"
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzDoors sends anything to every address of every door: no panic, no hang, and no answer
// that blames the server for what came.
func FuzzDoors(f *testing.F) {
	h := open(f)
	mux := http.NewServeMux()
	type call struct{ method, path string }
	var calls []call
	for _, r := range h.doors.Routes() {
		mux.HandleFunc(r.Pattern, r.Serve)
		method, path, _ := strings.Cut(r.Pattern, " ")
		path = strings.NewReplacer("{token}", h.token, "{index}", "logs", "{id}", "1", "{$}", "", "{signal}", "logs").Replace(path)
		calls = append(calls, call{method, path})
	}
	gz := pack(f, "gzip", `{"event":"a"}`)
	for i := range calls {
		for _, s := range [][2]string{
			{"", ""}, {"a\nb", "text/plain"}, {`{"event":"a","time":1,"fields":{"a":1}}`, "application/json"}, {"{\"create\":{}}\n{\"a\":1}\n", ""},
			{`{"resourceLogs":[{"resource":{"attributes":[{"key":"a","value":{"intValue":"1"}}]},"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}}]}]}]}`, "application/json"},
			{string(pb(1, pb(2, pb(2, pb(5, pb(1, "x"), 6, pb(1, "k", 2, pb(5, pb(1, pb(3, 1))))))))), "application/x-protobuf"},
			{`{"acks":[0]}`, ""}, {`{"collectorName":"x","fields":{"a":1},"timeZone":"UTC","clobber":true}`, ""},
		} {
			f.Add(uint8(i), []byte(s[0]), s[1], "", "a=b,c", uint8(i))
		}
		f.Add(uint8(i), []byte(gz), "", "gzip", "", uint8(1))
		f.Add(uint8(i), []byte(gz[:9]), "", "deflate", "x", uint8(2))
		f.Add(uint8(i), []byte("(\xb5/\xfd\x00"), "", "zstd", "x", uint8(2))
	}
	keys := []string{"Splunk " + h.token, "Bearer " + h.token, h.basic()[1], "", "Basic !", "Splunk"}
	f.Fuzz(func(t *testing.T, which uint8, body []byte, kind, encoding, header string, key uint8) {
		c := calls[int(which)%len(calls)]
		r := httptest.NewRequest(c.method, c.path+"?channel=c&time=1", bytes.NewReader(body))
		for name, value := range map[string]string{"Content-Type": kind, "Content-Encoding": encoding, "X-Sumo-Fields": header, "X-Sumo-Category": header, "X-Sumo-Host": header, "X-Sumo-Name": header, "Accept": header, "Authorization": keys[int(key)%len(keys)]} {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code < 200 {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
		for _, m := range texts(h.log.taken()) {
			if strings.TrimSpace(m) == "" {
				t.Errorf("%s %s stores a message of nothing", c.method, c.path)
			}
		}
	})
}

// FuzzSyslog reads anything as frames.
func FuzzSyslog(f *testing.F) {
	h := open(f)
	for _, s := range []string{"", "\n", "5 <34>x", "<34>1 - - - - - [A@41123] x\n", "<34>1 2026-01-02T03:04:05Z h a - - A@41123 x\n", "@41123\n", "[@41123]\n", "999999999999 <", "1", "12", "0 <34>x", "<34>Jan  2 03:04:05 h a: b\n", "<34>Jan  2 03:04:05", "<34>1 ", "<34>1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b := &syslogBatcher{l: &syslogListener{d: h.doors, name: "syslog", counts: h.doors.count("syslog")}, host: "h"}
		r := bufio.NewReaderSize(bytes.NewReader(text), 64<<10)
		read := 0
		for range len(text) + 2 {
			frame, err := readFrame(r)
			if read += len(frame); len(frame) > 0 {
				b.add(frame)
			}
			if err != nil {
				break
			}
		}
		if read > len(text) {
			t.Errorf("of %d bytes %d were read", len(text), read)
		}
		b.store()
		h.log.taken()
	})
}
