// Package lsp is the language server: what package editor knows of a text, spoken in
// the Language Server Protocol 3.17 over standard input and output. Framing of requests
// and answers is sourcegraph/jsonrpc2's; the messages are types of this package, since
// few are needed. It reads no logs itself: Logs does.
package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/gyoji-dev/gyoji/internal/detect/editor"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
)

// Logs is how the server asks about the user's logs.
type Logs interface {
	// Sample reads what the events of some files hold. Without files it is asked only
	// of a Server that is Always: for what a place of logs holds that needs no files.
	Sample(ctx context.Context, paths []string) (*editor.Sample, error)
	// Run runs a query over them and writes its rows for people, or with why where its
	// rows are lost. ok is false when it did not run; out says why.
	Run(ctx context.Context, query string, paths []string, why bool, out io.Writer) (ok bool)
}

// Server is what a conversation is held with.
type Server struct {
	Vocab   *lang.Vocabulary
	Logs    Logs // nil: nothing runs
	Version string
	Samples []string    // files of logs, until the client names others
	Always  bool        // Logs has logs where no files are named
	Log     *log.Logger // what goes wrong; nil for nobody
}

// Serve talks to one client until it says exit or goes away. It returns ErrNoShutdown
// when that came without a shutdown before.
func (s *Server) Serve(ctx context.Context, in io.Reader, out io.Writer, hangUp func() error) error {
	if s.Log == nil {
		s.Log = log.New(io.Discard, "", 0)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &client{
		Server: s, ctx: ctx, enc: utf16, docs: map[string]*document{}, running: map[jsonrpc2.ID]context.CancelFunc{},
		exit: make(chan struct{}), ready: make(chan struct{}), slots: make(chan struct{}, requestsAtOnce),
	}
	conn := jsonrpc2.NewConn(ctx, newStream(in, out, hangUp), c, jsonrpc2.SetLogger(s.Log))
	c.conn = conn
	close(c.ready)
	select {
	case <-c.exit:
		cancel()
	case <-conn.DisconnectNotify():
	case <-ctx.Done():
		return ctx.Err()
	}
	cancel()
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.work.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.down {
		return ErrNoShutdown
	}
	return nil
}

// ErrNoShutdown says that the client left without saying so: exit code 1, as the
// protocol has it.
var ErrNoShutdown = errors.New("lsp: the client left without a shutdown request")

// requestsAtOnce is how many requests are computed at the same time; others wait.
const requestsAtOnce = 4

// Error codes of the protocol.
const (
	notInitialized   = -32002
	requestCancelled = -32800
	requestFailed    = -32803
)

// client is one conversation. Messages are handled in their order; what takes time is
// computed beside, on the version of the document that there was.
type client struct {
	*Server
	ctx   context.Context
	conn  *jsonrpc2.Conn
	ready chan struct{} // closed when conn is there
	exit  chan struct{}
	work  sync.WaitGroup
	slots chan struct{}

	mu      sync.Mutex
	init    bool
	down    bool
	gone    bool
	closing bool
	can     initializeParams
	enc     encoding
	root    string
	samples []string
	sample  *editor.Sample
	docs    map[string]*document
	running map[jsonrpc2.ID]context.CancelFunc
}

// document is an open text.
type document struct {
	uri, id  string
	version  int
	text     *text
	seen     *editor.Document
	checking bool // diagnostics are being computed
	stale    bool // and will have to be once more
}

// handler answers one kind of request; it is called with the document it is about.
type handler func(c *client, ctx context.Context, d *snapshot, params json.RawMessage) (any, error)

var handlers = map[string]handler{
	"textDocument/completion":          completion,
	"completionItem/resolve":           resolve,
	"textDocument/hover":               hovering,
	"textDocument/signatureHelp":       signatures,
	"textDocument/definition":          definition,
	"textDocument/references":          references,
	"textDocument/documentHighlight":   highlights,
	"textDocument/documentSymbol":      symbols,
	"textDocument/foldingRange":        folds,
	"textDocument/formatting":          formatting,
	"textDocument/prepareRename":       prepareRename,
	"textDocument/rename":              rename,
	"textDocument/codeAction":          actions,
	"textDocument/codeLens":            lenses,
	"textDocument/semanticTokens/full": tokens,
	"workspace/executeCommand":         execute,
}

// Handle takes a message; those that change a document in the order in which they come.
func (c *client) Handle(_ context.Context, _ *jsonrpc2.Conn, r *jsonrpc2.Request) {
	defer func() {
		if p := recover(); p != nil {
			c.Log.Printf("%s: %v\n%s", r.Method, p, debug.Stack())
			c.fail(r, jsonrpc2.CodeInternalError, fmt.Sprintf("a mistake in gyoji: %v", p))
		}
	}()
	<-c.ready
	var params json.RawMessage
	if r.Params != nil {
		params = *r.Params
	}
	c.mu.Lock()
	init, down := c.init, c.down
	c.mu.Unlock()
	switch {
	case r.Method == "exit":
		c.mu.Lock()
		if !c.gone {
			c.gone = true
			close(c.exit)
		}
		c.mu.Unlock()
	case r.Method == "initialize" && !r.Notif:
		if init {
			c.fail(r, jsonrpc2.CodeInvalidRequest, "initialize comes once")
			return
		}
		result, err := c.initialize(params)
		c.answer(r, result, err)
	case !init:
		c.fail(r, notInitialized, "initialize comes first")
	case down:
		c.fail(r, jsonrpc2.CodeInvalidRequest, "the server is shut down")
	case r.Method == "shutdown":
		c.mu.Lock()
		c.down = true
		c.mu.Unlock()
		c.answer(r, nil, nil)
	case r.Notif:
		if err := c.notified(r.Method, params); err != nil {
			c.Log.Printf("%s: %v", r.Method, err)
		}
	default:
		h := handlers[r.Method]
		if h == nil {
			c.fail(r, jsonrpc2.CodeMethodNotFound, "gyoji has no "+r.Method)
			return
		}
		var about documentParams
		_ = json.Unmarshal(params, &about) // those without a document have none
		d := c.snapshot(about.TextDocument.URI)
		ctx, cancel := context.WithCancel(c.ctx)
		c.mu.Lock()
		c.running[r.ID] = cancel
		c.mu.Unlock()
		c.beside(func() { c.compute(ctx, cancel, r, h, d, params) })
	}
}

// beside does something in a goroutine that the end of the conversation waits for.
func (c *client) beside(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.work.Go(do)
	}
}

// compute answers a request beside the others.
func (c *client) compute(ctx context.Context, cancel context.CancelFunc, r *jsonrpc2.Request, h handler, d *snapshot, params json.RawMessage) {
	done := make(chan struct{})
	var result any
	var err error
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				c.Log.Printf("%s: %v\n%s", r.Method, p, debug.Stack())
				err = &jsonrpc2.Error{Code: jsonrpc2.CodeInternalError, Message: fmt.Sprintf("a mistake in gyoji: %v", p)}
			}
		}()
		select {
		case c.slots <- struct{}{}:
			defer func() { <-c.slots }()
		case <-ctx.Done():
			err = ctx.Err()
			return
		}
		result, err = h(c, ctx, d, params)
	}()
	defer func() {
		c.mu.Lock()
		delete(c.running, r.ID)
		c.mu.Unlock()
		cancel()
	}()
	select {
	case <-done:
		c.answer(r, result, err)
	case <-ctx.Done():
		c.fail(r, requestCancelled, "cancelled")
	}
}

func (c *client) answer(r *jsonrpc2.Request, result any, err error) {
	if r.Notif {
		return
	}
	var told *jsonrpc2.Error
	switch {
	case errors.As(err, &told):
		err = c.conn.ReplyWithError(c.ctx, r.ID, told)
	case errors.Is(err, context.Canceled):
		c.fail(r, requestCancelled, "cancelled")
		return
	case err != nil:
		c.fail(r, requestFailed, err.Error())
		return
	default:
		err = c.conn.Reply(c.ctx, r.ID, result)
	}
	if err != nil && !errors.Is(err, jsonrpc2.ErrClosed) {
		c.Log.Printf("%s: %v", r.Method, err)
	}
}

func (c *client) fail(r *jsonrpc2.Request, code int64, message string) {
	if !r.Notif {
		_ = c.conn.ReplyWithError(c.ctx, r.ID, &jsonrpc2.Error{Code: code, Message: message})
	}
}

func (c *client) notify(method string, params any) {
	if err := c.conn.Notify(c.ctx, method, params); err != nil && !errors.Is(err, jsonrpc2.ErrClosed) {
		c.Log.Printf("%s: %v", method, err)
	}
}

func (c *client) initialize(params json.RawMessage) (any, error) {
	var p initializeParams
	if err := json.Unmarshal(params, &p); err != nil && len(params) > 0 {
		// What of it can be read counts; a client that says something odd of itself gets the least.
		c.Log.Printf("initialize: %v", err)
	}
	enc := utf16
	for _, e := range p.Capabilities.General.PositionEncodings {
		if e := encoding(e); e == utf8s || e == utf16 || e == utf32 {
			enc = e // the first that is known is what the client likes best
			break
		}
	}
	c.mu.Lock()
	c.can, c.enc, c.init = p, enc, true
	c.root = pathOf(p.RootURI)
	if c.root == "" {
		c.root = p.RootPath
	}
	if c.root == "" && len(p.WorkspaceFolders) > 0 {
		c.root = pathOf(p.WorkspaceFolders[0].URI)
	}
	c.mu.Unlock()
	c.mu.Lock()
	c.samples = c.Samples
	c.mu.Unlock()
	c.readSample()
	c.configure(p.Options)
	kinds := []string{"quickfix", "refactor.rewrite", "source.fixAll"}
	can := map[string]any{
		"positionEncoding":           string(enc),
		"textDocumentSync":           map[string]any{"openClose": true, "change": 2},
		"completionProvider":         map[string]any{"triggerCharacters": []string{"|", " ", "=", "\"", "'", "(", ",", "%"}, "resolveProvider": true},
		"hoverProvider":              true,
		"signatureHelpProvider":      map[string]any{"triggerCharacters": []string{"(", ","}, "retriggerCharacters": []string{" "}},
		"definitionProvider":         true,
		"referencesProvider":         true,
		"documentHighlightProvider":  true,
		"documentSymbolProvider":     true,
		"foldingRangeProvider":       true,
		"documentFormattingProvider": true,
		"renameProvider":             map[string]any{"prepareProvider": true},
		"codeActionProvider":         map[string]any{"codeActionKinds": kinds},
		"semanticTokensProvider":     map[string]any{"legend": map[string]any{"tokenTypes": tokenTypes[:], "tokenModifiers": []string{"declaration"}}, "full": true},
		"workspace":                  map[string]any{"workspaceFolders": map[string]any{"supported": true}},
	}
	if c.Logs != nil {
		can["codeLensProvider"] = map[string]any{"resolveProvider": false}
		can["executeCommandProvider"] = map[string]any{"commands": []string{commandRun, commandWhyNot}}
	}
	return map[string]any{
		"capabilities": can,
		"serverInfo":   map[string]any{"name": "gyoji", "version": c.Version},
	}, nil
}

// configure takes the settings of a client, and reads the sample they name.
func (c *client) configure(raw json.RawMessage) {
	var o struct {
		options
		Gyoji *options `json:"gyoji"`
	}
	if len(raw) == 0 || string(raw) == "null" {
		return
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		c.notify("window/showMessage", messageParams{2, "gyoji: the settings cannot be read: " + err.Error()})
		return
	}
	if o.Gyoji != nil {
		o.options = *o.Gyoji
	}
	if o.Samples == nil {
		return // the settings are of something else
	}
	c.mu.Lock()
	c.samples = nil
	for _, p := range o.Samples {
		if strings.HasPrefix(p, "file:") {
			p = pathOf(p)
		}
		if p != "" {
			c.samples = append(c.samples, under(c.root, p))
		}
	}
	c.mu.Unlock()
	c.readSample()
}

// readSample reads the samples beside everything else.
func (c *client) readSample() {
	c.mu.Lock()
	paths := c.samples
	had := c.sample != nil
	c.mu.Unlock()
	if c.Logs == nil || len(paths) == 0 && !had && !c.Always {
		return
	}
	c.beside(func() {
		var s *editor.Sample
		var err error
		if len(paths) > 0 || c.Always {
			if s, err = c.Logs.Sample(c.ctx, paths); err != nil && c.ctx.Err() == nil {
				c.notify("window/showMessage", messageParams{2, "gyoji: the samples cannot be read: " + err.Error()})
			}
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sample = s
		for _, d := range c.docs {
			d.seen = c.look(d)
		}
	})
}

// look opens a document's text; with the lock held.
func (c *client) look(d *document) *editor.Document {
	return editor.Open(nameOf(d.uri), d.id, d.text.s, editor.Settings{Vocab: c.Vocab, Sample: c.sample})
}

func (c *client) notified(method string, params json.RawMessage) error {
	switch method {
	case "textDocument/didOpen":
		var p didOpenParams
		if err := json.Unmarshal(params, &p); err != nil {
			return err
		}
		c.mu.Lock()
		d := &document{uri: p.TextDocument.URI, id: p.TextDocument.LanguageID, version: p.TextDocument.Version, text: newText(p.TextDocument.Text, c.enc)}
		d.seen = c.look(d)
		c.docs[d.uri] = d
		c.mu.Unlock()
		c.check(d)
	case "textDocument/didChange":
		var p didChangeParams
		if err := json.Unmarshal(params, &p); err != nil {
			return err
		}
		c.mu.Lock()
		d := c.docs[p.TextDocument.URI]
		if d == nil {
			c.mu.Unlock()
			return fmt.Errorf("%s is not open", p.TextDocument.URI)
		}
		for _, ch := range p.Changes {
			d.text = d.text.edit(ch)
		}
		if p.TextDocument.Version != nil {
			d.version = *p.TextDocument.Version
		}
		d.seen = c.look(d)
		c.mu.Unlock()
		c.check(d)
	case "textDocument/didClose":
		var p documentParams
		if err := json.Unmarshal(params, &p); err != nil {
			return err
		}
		c.mu.Lock()
		_, open := c.docs[p.TextDocument.URI]
		delete(c.docs, p.TextDocument.URI)
		c.mu.Unlock()
		if open {
			c.notify("textDocument/publishDiagnostics", publishParams{URI: p.TextDocument.URI, Diagnostics: []diagnostic{}})
		}
	case "workspace/didChangeConfiguration":
		var p struct {
			Settings json.RawMessage `json:"settings"`
		}
		if err := json.Unmarshal(params, &p); err != nil {
			return err
		}
		c.configure(p.Settings)
	case "$/cancelRequest":
		var p struct {
			ID jsonrpc2.ID `json:"id"`
		}
		if err := json.Unmarshal(params, &p); err != nil {
			return err
		}
		c.mu.Lock()
		cancel := c.running[p.ID]
		c.mu.Unlock()
		if cancel != nil {
			cancel()
		}
	}
	return nil // others mean nothing to us
}

// check computes the diagnostics of a document and tells the client. While it does, more
// changes only mark it to be done once more.
func (c *client) check(d *document) {
	c.mu.Lock()
	if d.checking {
		d.stale = true
		c.mu.Unlock()
		return
	}
	d.checking = true
	c.mu.Unlock()
	c.beside(func() {
		for {
			c.mu.Lock()
			d.stale = false
			s := &snapshot{d.uri, d.version, d.text, d.seen}
			c.mu.Unlock()
			found := c.diagnostics(s)
			c.mu.Lock()
			// The lock is held while it is sent, so that no older one comes after a newer, and
			// none after the document was closed.
			if c.docs[d.uri] == d && d.version == s.version && c.ctx.Err() == nil {
				c.notify("textDocument/publishDiagnostics", publishParams{URI: d.uri, Version: &s.version, Diagnostics: found})
			}
			if !d.stale || c.ctx.Err() != nil {
				d.checking = false
				c.mu.Unlock()
				return
			}
			c.mu.Unlock()
		}
	})
}

// snapshot is one version of a document.
type snapshot struct {
	uri     string
	version int
	text    *text
	seen    *editor.Document
}

func (c *client) snapshot(uri string) *snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.docs[uri]
	if d == nil {
		return nil
	}
	return &snapshot{d.uri, d.version, d.text, d.seen}
}
