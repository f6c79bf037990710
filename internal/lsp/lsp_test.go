package lsp_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/gyoji-dev/gyoji/internal/cli"
	"github.com/gyoji-dev/gyoji/internal/detect/editor"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/lsp"
	"github.com/gyoji-dev/gyoji/internal/sharedtest"
)

var share = flag.Int("share", 503, "one query of the corpus in so many is typed; 1 is all")

// TestMain makes this test binary gyoji itself where a client starts it.
func TestMain(m *testing.M) {
	if os.Getenv("GYOJI_TEST_MAIN") == "1" {
		os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	flag.Parse()
	os.Exit(m.Run())
}

// peer is a client that says what a test tells it to, sound or not.
type peer struct {
	t    *testing.T
	in   io.WriteCloser
	out  chan map[string]any
	done chan error
	id   int
	seen []map[string]any // notifications that came while waiting
}

// noLogs has no logs.
type slowLogs struct{}

func (slowLogs) Sample(context.Context, []string) (*editor.Sample, error) {
	return editor.NewSample("x", 1, []editor.SampleField{{Name: "Sampled", Events: 1, Values: []string{"v"}}}), nil
}

func (slowLogs) Run(ctx context.Context, _ string, _ []string, _ bool, out io.Writer) bool {
	fmt.Fprintln(out, "running")
	<-ctx.Done()
	return false
}

func start(t *testing.T) *peer {
	t.Helper()
	fromClient, toServer := io.Pipe()
	fromServer, toClient := io.Pipe()
	p := &peer{t: t, in: toServer, out: make(chan map[string]any, 10000), done: make(chan error, 1)}
	go func() {
		s := &lsp.Server{Vocab: query.Standard(), Logs: slowLogs{}, Version: "test"}
		err := s.Serve(context.Background(), fromClient, toClient, func() error { fromClient.Close(); return nil })
		toClient.Close()
		p.done <- err
	}()
	go func() {
		defer close(p.out)
		r := bufio.NewReader(fromServer)
		for {
			n := 0
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line = strings.TrimSpace(line); line == "" {
					break
				}
				if v, ok := strings.CutPrefix(line, "Content-Length: "); ok {
					n, _ = strconv.Atoi(v)
				}
			}
			body := make([]byte, n)
			if _, err := io.ReadFull(r, body); err != nil {
				return
			}
			var m map[string]any
			if err := json.Unmarshal(body, &m); err != nil {
				t.Errorf("the server says %q", body)
				return
			}
			p.out <- m
		}
	}()
	t.Cleanup(func() { p.in.Close() })
	return p
}

func (p *peer) raw(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, text); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) body(text string) { p.raw(fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(text), text)) }

func (p *peer) notify(method string, params any) {
	b, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
	p.body(string(b))
}

func (p *peer) send(method string, params any) int {
	p.id++
	b, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": p.id, "method": method, "params": params})
	p.body(string(b))
	return p.id
}

// await is the next message for which want holds.
func (p *peer) await(what string, want func(map[string]any) bool) map[string]any {
	p.t.Helper()
	for i, m := range p.seen {
		if want(m) {
			p.seen = append(p.seen[:i:i], p.seen[i+1:]...)
			return m
		}
	}
	end := time.After(30 * time.Second)
	for {
		select {
		case m, ok := <-p.out:
			if !ok {
				p.t.Fatalf("the server left before %s", what)
			}
			if want(m) {
				return m
			}
			p.seen = append(p.seen, m)
		case <-end:
			p.t.Fatalf("no %s came", what)
		}
	}
}

func (p *peer) call(method string, params any) (result any, code float64) {
	p.t.Helper()
	id := p.send(method, params)
	return p.answer(id)
}

func (p *peer) answer(id int) (any, float64) {
	p.t.Helper()
	m := p.await(fmt.Sprintf("answer %d", id), func(m map[string]any) bool { return m["id"] == float64(id) && m["method"] == nil })
	if e, ok := m["error"].(map[string]any); ok {
		return nil, e["code"].(float64)
	}
	return m["result"], 0
}

func (p *peer) open(uri, id, text string) {
	p.notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": uri, "languageId": id, "version": 1, "text": text}})
}

// found waits for the diagnostics of a version.
func (p *peer) found(uri string, version int) []any {
	p.t.Helper()
	m := p.await(fmt.Sprintf("diagnostics of version %d", version), func(m map[string]any) bool {
		x, ok := m["params"].(map[string]any)
		return m["method"] == "textDocument/publishDiagnostics" && ok && x["uri"] == uri && x["version"] == float64(version)
	})
	return m["params"].(map[string]any)["diagnostics"].([]any)
}

func (p *peer) leave() {
	p.t.Helper()
	p.call("shutdown", nil)
	p.notify("exit", nil)
	if err := p.ended(); err != nil {
		p.t.Errorf("it ends with %v", err)
	}
}

func (p *peer) ended() error {
	p.t.Helper()
	select {
	case err := <-p.done:
		return err
	case <-time.After(20 * time.Second):
		p.t.Fatal("the server does not end")
		return nil
	}
}

func at(uri string, line, char int) map[string]any {
	return map[string]any{"textDocument": map[string]any{"uri": uri}, "position": map[string]any{"line": line, "character": char}}
}

const uri = "file:///tmp/q.sumo"

// TestOrder: what a client may not say yet, or no longer, is refused and named, and
// nothing hangs. Codes are of the protocol.
func TestOrder(t *testing.T) {
	p := start(t)
	if _, code := p.call("textDocument/hover", at(uri, 0, 0)); code != -32002 {
		t.Errorf("a request before initialize: %v", code)
	}
	p.notify("textDocument/didOpen", map[string]any{})
	if r, code := p.call("initialize", nil); code != 0 || r.(map[string]any)["serverInfo"].(map[string]any)["name"] != "gyoji" {
		t.Errorf("initialize without anything: %v %v", r, code)
	}
	if _, code := p.call("initialize", map[string]any{}); code != -32600 {
		t.Errorf("initialize again: %v", code)
	}
	if _, code := p.call("gyoji/nothing", nil); code != -32601 {
		t.Errorf("a method that is none: %v", code)
	}
	p.notify("gyoji/nothing", nil)
	p.notify("textDocument/didChange", map[string]any{"textDocument": map[string]any{"uri": "file:///x", "version": 3}, "contentChanges": []any{}})
	p.notify("textDocument/didClose", map[string]any{"textDocument": map[string]any{"uri": "file:///x"}})
	p.notify("textDocument/didOpen", "no object")
	if _, code := p.call("textDocument/hover", at("file:///x", 0, 0)); code != -32803 {
		t.Errorf("hover in what is not open: %v", code)
	}
	if _, code := p.call("textDocument/hover", []int{1}); code == 0 {
		t.Error("hover with a list for its parameters")
	}
	for _, m := range []string{"completion", "hover", "signatureHelp", "definition", "references", "documentSymbol", "foldingRange", "formatting", "rename", "prepareRename", "codeAction", "codeLens", "documentHighlight"} {
		if _, code := p.call("textDocument/"+m, nil); code == 0 || code == -32603 {
			t.Errorf("%s without parameters: %v", m, code)
		}
	}
	if _, code := p.call("shutdown", nil); code != 0 {
		t.Errorf("shutdown: %v", code)
	}
	if _, code := p.call("textDocument/hover", at(uri, 0, 0)); code != -32600 {
		t.Errorf("a request after shutdown: %v", code)
	}
	p.notify("exit", nil)
	if err := p.ended(); err != nil {
		t.Errorf("it ends with %v", err)
	}
}

// TestLeaves: a client that goes away, with or without a word, ends the server.
func TestLeaves(t *testing.T) {
	p := start(t)
	p.notify("exit", nil)
	if err := p.ended(); !errors.Is(err, lsp.ErrNoShutdown) {
		t.Errorf("exit alone: %v", err)
	}
	p = start(t)
	p.call("initialize", map[string]any{})
	p.open(uri, "sumo", strings.Repeat("error | where a = 1 ", 1000))
	p.in.Close()
	if err := p.ended(); !errors.Is(err, lsp.ErrNoShutdown) {
		t.Errorf("the end of input: %v", err)
	}
}

// TestFraming: headers and bodies that are none are answered or end the conversation;
// nothing is read without bound.
func TestFraming(t *testing.T) {
	p := start(t)
	p.call("initialize", map[string]any{})
	p.body("{")
	p.await("a parse error", func(m map[string]any) bool {
		e, ok := m["error"].(map[string]any)
		return ok && e["code"] == float64(-32700)
	})
	p.body(`[1,2]`)
	p.await("an error", func(m map[string]any) bool {
		e, ok := m["error"].(map[string]any)
		return ok && e["code"] == float64(-32600)
	})
	p.body("null")
	p.raw("content-length: 2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n{}")
	if r, _ := p.call("textDocument/foldingRange", map[string]any{"textDocument": map[string]any{"uri": "x"}}); r != nil {
		t.Error(r)
	}
	p.leave()
	for _, text := range []string{
		"Content-Length: 99999999999999999999\r\n\r\n", "Content-Length: 1000000000\r\n\r\n{}", "Content-Length: -1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n", strings.Repeat("a: b\r\n", 5000), strings.Repeat("x", 100000), "Content-Type: a\r\n\r\n",
	} {
		p := start(t)
		go io.WriteString(p.in, text) // the server may not take all of it
		p.ended()
	}
}

// TestPositions: places are counted as the client counts: UTF-16 unless it can do
// otherwise. The values are counted by hand: é has 1, 2 and 1 of UTF-16, UTF-8 and
// UTF-32; the face 2, 4 and 1.
func TestPositions(t *testing.T) {
	text := "e \"é\U0001f600\" | nosuch(x) as y\r\n| nosuch(x) as z"
	for enc, want := range map[string][]float64{"": {10, 16}, "utf-16": {10, 16}, "utf-8": {13, 19}, "utf-32": {9, 15}} {
		p := start(t)
		general := map[string]any{}
		if enc != "" {
			general["positionEncodings"] = []string{"utf-7", enc, "utf-16"}
		}
		r, _ := p.call("initialize", map[string]any{"capabilities": map[string]any{"general": general}})
		if got := r.(map[string]any)["capabilities"].(map[string]any)["positionEncoding"]; got != enc && enc != "" {
			t.Errorf("%s: %v", enc, got)
		}
		p.open(uri, "sumo", text)
		list := p.found(uri, 1)
		var places []string
		for _, d := range list {
			d := d.(map[string]any)
			if d["code"] == "unknown-function" {
				r := d["range"].(map[string]any)
				places = append(places, fmt.Sprint(r["start"], r["end"]))
			}
		}
		first := fmt.Sprint(map[string]any{"line": 0.0, "character": want[0]}, map[string]any{"line": 0.0, "character": want[1]})
		second := fmt.Sprint(map[string]any{"line": 1.0, "character": 2.0}, map[string]any{"line": 1.0, "character": 8.0})
		if fmt.Sprint(places) != fmt.Sprint([]string{first, second}) {
			t.Errorf("%s: %v, want %v %v", enc, places, first, second)
		}
		p.leave()
	}
}

// TestEdits: after any changes, in ranges of UTF-16, the server has the text that the
// client has. The client's twin is a list of UTF-16 units, as JavaScript's strings are.
func TestEdits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	p := start(t)
	p.call("initialize", map[string]any{})
	pieces := []string{"a", "| where x = 1", "\n", "\r\n", "\U0001f600", "é", "\r", "\"", " ", "𝕏", "日本"}
	doc := utf16.Encode([]rune("error\n| count\n"))
	p.open(uri, "sumo", string(utf16.Decode(doc)))
	p.found(uri, 1)
	// place is a unit's line and place in it: lines end with \n, \r\n or \r.
	place := func(doc []uint16, at int) map[string]any {
		line, start := 0, 0
		for i := 0; i < at; i++ {
			if doc[i] == '\n' || doc[i] == '\r' && (i+1 >= len(doc) || doc[i+1] != '\n') {
				line, start = line+1, i+1
			}
		}
		return map[string]any{"line": line, "character": at - start}
	}
	// between says that no pair of units, and no \r\n, is cut there.
	between := func(doc []uint16, at int) bool {
		return at == 0 || at == len(doc) || !(doc[at-1] == '\r' && doc[at] == '\n') && !(utf16.IsSurrogate(rune(doc[at])) && doc[at] >= 0xdc00)
	}
	version := 1
	for range 300 {
		var changes []any
		for range 1 + rng.IntN(3) {
			from, to := rng.IntN(len(doc)+1), 0
			for !between(doc, from) {
				from--
			}
			for to = min(len(doc), from+rng.IntN(6)); !between(doc, to); to++ {
			}
			add := ""
			for range rng.IntN(3) {
				add += pieces[rng.IntN(len(pieces))]
			}
			changes = append(changes, map[string]any{"range": map[string]any{"start": place(doc, from), "end": place(doc, to)}, "text": add})
			next := append([]uint16{}, doc[:from]...)
			next = append(append(next, utf16.Encode([]rune(add))...), doc[to:]...)
			doc = next
		}
		version++
		p.notify("textDocument/didChange", map[string]any{"textDocument": map[string]any{"uri": uri, "version": version}, "contentChanges": changes})
	}
	text := string(utf16.Decode(doc))
	// The server's text is seen by what it finds in it: the same as in the text sent whole.
	mine := p.found(uri, version)
	p.open("file:///tmp/twin.sumo", "sumo", text)
	twin := p.found("file:///tmp/twin.sumo", 1)
	if a, b := fmt.Sprint(mine), fmt.Sprint(twin); a != b {
		t.Errorf("after changes:\n%s\nof the whole:\n%s", a, b)
	}
	p.leave()
}

// TestHalves: a client that cuts a pair of units in two keeps its places: what it types
// behind is found where it is.
func TestHalves(t *testing.T) {
	p := start(t)
	p.call("initialize", map[string]any{})
	p.open(uri, "sumo", "e \"\U0001f600\" | count")
	p.found(uri, 1)
	change := func(version, from, to int, text string) {
		p.notify("textDocument/didChange", map[string]any{"textDocument": map[string]any{"uri": uri, "version": version}, "contentChanges": []any{map[string]any{
			"range": map[string]any{"start": map[string]any{"line": 0, "character": from}, "end": map[string]any{"line": 0, "character": to}}, "text": text,
		}}})
	}
	change(2, 4, 5, "")        // takes the second half
	change(3, 7, 12, "nosuch") // count, one place further left
	list := p.found(uri, 3)
	if len(list) == 0 {
		t.Fatal("nothing was found")
	}
	r := list[len(list)-1].(map[string]any)["range"].(map[string]any)["start"].(map[string]any)
	for _, d := range list {
		if d.(map[string]any)["code"] == "unknown-operator" {
			r = d.(map[string]any)["range"].(map[string]any)["start"].(map[string]any)
		}
	}
	if r["character"] != float64(8) && r["character"] != float64(7) {
		t.Errorf("found at %v", r)
	}
	for _, places := range [][2]int{{-5, -3}, {1000, 2000}, {9, 2}} {
		change(4, places[0], places[1], "x")
	}
	p.call("textDocument/hover", at(uri, -1, -1))
	p.call("textDocument/hover", at(uri, 1<<30, 1<<30))
	p.leave()
}

// TestTokens: five numbers each, from the one before, in units of UTF-16.
func TestTokens(t *testing.T) {
	p := start(t)
	p.call("initialize", map[string]any{})
	p.open(uri, "sumo", "x \"\U0001f600\"\n| where a = 1")
	r, _ := p.call("textDocument/semanticTokens/full", map[string]any{"textDocument": map[string]any{"uri": uri}})
	if got := fmt.Sprint(r.(map[string]any)["data"]); got != "[0 2 4 2 0 1 2 5 0 0 0 6 1 5 0 0 4 1 3 0]" {
		t.Errorf("%s", got)
	}
	p.leave()
}

// TestCancel: a request that is cancelled is answered so, at once, and the server goes on.
func TestCancel(t *testing.T) {
	p := start(t)
	p.call("initialize", map[string]any{"initializationOptions": map[string]any{"samples": []string{"x"}}})
	p.open(uri, "sumo", "* | count")
	p.found(uri, 1)
	id := p.send("workspace/executeCommand", map[string]any{"command": "gyoji.run", "arguments": []any{uri, 0}})
	p.notify("$/cancelRequest", map[string]any{"id": 999})
	p.notify("$/cancelRequest", map[string]any{"id": id})
	if _, code := p.answer(id); code != -32800 {
		t.Errorf("cancelled: %v", code)
	}
	p.notify("$/cancelRequest", map[string]any{"id": id})
	if r, code := p.call("textDocument/hover", at(uri, 0, 6)); code != 0 || r == nil {
		t.Errorf("afterwards: %v %v", r, code)
	}
	p.leave()
}

// TestSettings: the samples that a client names are completed, whichever way it names them.
func TestSettings(t *testing.T) {
	p := start(t)
	p.call("initialize", map[string]any{"initializationOptions": "nonsense"})
	p.open(uri, "sumo", "* | where ")
	p.notify("workspace/didChangeConfiguration", map[string]any{"settings": nil})
	p.notify("workspace/didChangeConfiguration", map[string]any{"settings": map[string]any{"gyoji": map[string]any{"samples": []string{"logs"}}}})
	for range 100 {
		r, _ := p.call("textDocument/completion", at(uri, 0, 10))
		if strings.Contains(fmt.Sprint(r), "Sampled") {
			p.leave()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the sample's field is not completed")
}

// TestHuge: a document of megabytes, of one line or of many, is answered.
func TestHuge(t *testing.T) {
	p := start(t)
	p.call("initialize", map[string]any{})
	for i, text := range []string{
		strings.Repeat("a or ", 400000), strings.Repeat("error | where (\n", 60000), strings.Repeat("x\U0001f600", 300000), strings.Repeat("(", 200000), strings.Repeat("\"", 100001),
	} {
		name := fmt.Sprintf("file:///tmp/%d.sumo", i)
		began := time.Now()
		p.open(name, "sumo", text)
		p.found(name, 1)
		p.call("textDocument/hover", at(name, 0, 100))
		p.call("textDocument/completion", at(name, 0, 100))
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%d: %v", i, took)
		}
		p.notify("textDocument/didClose", map[string]any{"textDocument": map[string]any{"uri": name}})
	}
	p.leave()
}

// TestTyping: published queries, cut at every 17th byte and sent as they are typed, are
// answered: no panic, no hang, and the last version is the one whose findings come.
func TestTyping(t *testing.T) {
	file, err := os.Open(sharedtest.Path(t, "corpus", "queries.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in := bufio.NewScanner(file)
	in.Buffer(nil, 4<<20)
	p := start(t)
	p.call("initialize", map[string]any{})
	cuts := 0
	for n := 0; in.Scan(); n++ {
		if n%*share != 0 {
			continue
		}
		var q struct{ ID, Query string }
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			t.Fatal(err)
		}
		name := "file:///tmp/" + q.ID + ".sumo"
		p.open(name, "sumo", "")
		version, last := 1, 0
		for cut := 17; cut < len(q.Query); cut += 17 {
			piece := strings.ToValidUTF8(q.Query[last:cut], "?")
			last = cut
			version++
			cuts++
			end := map[string]any{"line": 1 << 20, "character": 0}
			p.notify("textDocument/didChange", map[string]any{"textDocument": map[string]any{"uri": name, "version": version}, "contentChanges": []any{
				map[string]any{"range": map[string]any{"start": end, "end": end}, "text": piece},
			}})
			if cut%(17*8) == 0 {
				if _, code := p.call("textDocument/completion", at(name, 1<<20, 0)); code != 0 {
					t.Errorf("%s at %d: %v", q.ID, cut, code)
				}
			}
		}
		for _, d := range p.found(name, version) {
			if d.(map[string]any)["code"] == "bug" {
				t.Errorf("%s: %v", q.ID, d)
			}
		}
		p.notify("textDocument/didClose", map[string]any{"textDocument": map[string]any{"uri": name}})
		p.seen = nil
	}
	if cuts < 100 {
		t.Fatalf("only %d cuts", cuts)
	}
	p.leave()
}

// python finds a Python with a module. The test is skipped where none is.
func python(t *testing.T, module string) string {
	t.Helper()
	for _, p := range []string{os.Getenv("GYOJI_TEST_PYTHON"), "python3"} {
		if p != "" && exec.Command(p, "-c", "import "+module).Run() == nil {
			return p
		}
	}
	t.Skipf("no python3 with %s here; name one in GYOJI_TEST_PYTHON", module)
	return ""
}

// TestPygls: pygls' client, which many servers are tested with, gets what it wants.
func TestPygls(t *testing.T) {
	py := python(t, "pygls.lsp.client")
	me, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, py, "testdata/pygls_client.py", me, "lsp", "--samples", "../../samples/ws-fin-014-sysmon.jsonl")
	cmd.Env = append(os.Environ(), "GYOJI_TEST_MAIN=1")
	out, err := cmd.Output()
	if err != nil {
		var e *exec.ExitError
		if errors.As(err, &e) {
			t.Fatalf("%v\n%s", err, e.Stderr)
		}
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for key, want := range map[string]string{
		"name": "gyoji", "encoding": "utf-16", "diagnostics": "[[unknown-function 25 35]]", "fix": "[write toLowerCase toLowerCase 25 35]",
		"after": "[unknown-operator]", "hover": "**y** is made by this query, in line 1:", "definition": "[0 43]", "rename": "3",
		"formatted": "_sourceCategory=a\n| where x = 1\n", "symbols": "[search where]", "lenses": "[run on samples why not]", "ran": "[true true]",
	} {
		if fmt.Sprint(got[key]) != want {
			t.Errorf("%s: %v, want %s", key, got[key], want)
		}
	}
	if list, _ := got["completion"].([]any); len(list) == 0 || list[0] != "sort" {
		t.Errorf("completion: %v", got["completion"])
	}
}

// TestNeovim: Neovim's own client shows a finding at its place, completes and formats.
func TestNeovim(t *testing.T) {
	nvim, err := exec.LookPath("nvim")
	if err != nil {
		t.Skip("no nvim here")
	}
	me, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script, err := os.ReadFile("testdata/neovim.lua")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/q.sumo", []byte("_sourceCategory=a \"\U0001f600\"\n| tolowercas(x) as y\n|  where y=\"b\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/test.lua", script, 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, nvim, "--headless", "--clean", "-u", "NONE", "-c", "luafile "+dir+"/test.lua", dir+"/q.sumo")
	cmd.Env = append(os.Environ(), "GYOJI_TEST_MAIN=1", "GYOJI_TEST_SERVER="+me, "GYOJI_TEST_OUT="+dir+"/out.json", "HOME="+dir, "XDG_STATE_HOME="+dir, "XDG_CACHE_HOME="+dir)
	said, err := cmd.CombinedOutput()
	out, readErr := os.ReadFile(dir + "/out.json")
	if err != nil || readErr != nil {
		t.Fatalf("%v %v\n%s", err, readErr, said)
	}
	var got map[string]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for key, want := range map[string]string{"diagnostic": "1:2 unknown-function", "hover": "true", "completion": "true", "formatted": "| where y = \"b\""} {
		if fmt.Sprint(got[key]) != want {
			t.Errorf("%s: %v, want %s\n%s", key, got[key], want, said)
		}
	}
}

// TestEmacs: Emacs' own client, eglot, shows a finding at its place, documentation and
// completion, and lays a query out.
func TestEmacs(t *testing.T) {
	emacs, err := exec.LookPath("emacs")
	if err != nil {
		t.Skip("no emacs here")
	}
	if err := exec.Command(emacs, "-q", "--batch", "--eval", "(package-initialize)", "-l", "eglot").Run(); err != nil {
		t.Skip("this emacs has no eglot: it comes with version 29, and as a package before")
	}
	me, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/q.sumo", []byte("_sourceCategory=a \"\U0001f600\"\n| tolowercas(x) as y\n|  where y=\"b\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, emacs, "-q", "--batch", "--eval", "(package-initialize)", "-l", "testdata/eglot.el")
	cmd.Env = append(os.Environ(), "GYOJI_TEST_MAIN=1", "GYOJI_TEST_SERVER="+me, "GYOJI_TEST_FILE="+dir+"/q.sumo", "GYOJI_TEST_OUT="+dir+"/out.json", "HOME="+dir)
	said, err := cmd.CombinedOutput()
	out, readErr := os.ReadFile(dir + "/out.json")
	if err != nil || readErr != nil {
		t.Fatalf("%v %v\n%s", err, readErr, said)
	}
	var got map[string]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := map[string]any{
		"diagnostic": "1:2", "text": "gyoji [unknown-function]: there is no function tolowercas\ndid you mean toLowerCase?",
		"hover": true, "completion": true, "formatted": "| where y = \"b\"",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v\nwant %v\n%s", got, want, said)
	}
}
