package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/editor"
)

// pathOf is the path of a file: address; "" for another one.
func pathOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" {
		return ""
	}
	p := u.Path
	if runtime.GOOS == "windows" {
		p = strings.TrimPrefix(p, "/")
	}
	return filepath.FromSlash(p)
}

// nameOf is what a document is called in messages, and what its ending is taken of.
func nameOf(uri string) string {
	if p := pathOf(uri); p != "" {
		return p
	}
	if u, err := url.Parse(uri); err == nil && (u.Path != "" || u.Opaque != "") {
		return u.Path + u.Opaque
	}
	return uri
}

func uriOf(path string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return (&url.URL{Scheme: "file", Path: p}).String()
}

// under is a path that may be one below a folder.
func under(root, path string) string {
	if filepath.IsAbs(path) || root == "" {
		return path
	}
	return filepath.Join(root, path)
}

// errNotOpen says that a request is about a document that the client has not opened.
var errNotOpen = errors.New("the document is not open")

// place reads the place a request is about.
func place(d *snapshot, params json.RawMessage) (p placeParams, at int, err error) {
	if err := json.Unmarshal(params, &p); err != nil {
		return p, 0, err
	}
	if d == nil {
		return p, 0, errNotOpen
	}
	at, _ = d.text.offset(p.Position)
	return p, at, nil
}

func (c *client) diagnostics(s *snapshot) (list []diagnostic) {
	list = []diagnostic{}
	defer func() {
		if p := recover(); p != nil {
			c.Log.Printf("diagnostics: %v\n%s", p, debug.Stack())
			list = append(list, diagnostic{Severity: 1, Code: "bug", Source: "gyoji", Message: fmt.Sprintf("a mistake in gyoji, please report it: %v", p)})
		}
	}()
	for _, f := range s.seen.Diagnostics() {
		list = append(list, c.diagnostic(s, f))
	}
	return list
}

// diagnostic is a finding as the protocol has it: its help stands with its message, since
// most editors show nothing else.
func (c *client) diagnostic(s *snapshot, f *diag.Diagnostic) diagnostic {
	d := diagnostic{Range: s.text.span(f.Span), Severity: [...]int{1, 2, 3}[min(f.Severity, diag.Note)], Code: f.Code, Source: "gyoji", Message: f.Message}
	if f.Help != "" {
		d.Message += "\n" + f.Help
	}
	if c.can.Capabilities.TextDocument.PublishDiagnostics.RelatedInformation {
		for _, l := range f.Labels {
			d.Related = append(d.Related, related{location{s.uri, s.text.span(l.Span)}, l.Text})
		}
	}
	return d
}

// completionKinds are CompletionItemKind, by editor.What.
var completionKinds = [...]int{
	editor.OperatorWord: 14, editor.FunctionWord: 3, editor.AggregateWord: 3, editor.KeywordWord: 14,
	editor.FieldName: 5, editor.ValueText: 12, editor.Key: 10,
}

func completion(c *client, _ context.Context, d *snapshot, params json.RawMessage) (any, error) {
	_, at, err := place(d, params)
	if err != nil {
		return nil, err
	}
	list, more := d.seen.Complete(at)
	out := completionList{Incomplete: more, Items: []completionItem{}}
	snippets := c.can.Capabilities.TextDocument.Completion.CompletionItem.SnippetSupport
	formats := c.can.Capabilities.TextDocument.Completion.CompletionItem.DocumentationFormat
	for i, x := range list {
		item := completionItem{Label: x.Label, Kind: completionKinds[x.What], Detail: x.Detail, SortText: fmt.Sprintf("%04d", i)}
		if x.Doc != "" {
			item.Documentation = c.marked(x.Doc, formats)
		}
		item.TextEdit = &textEdit{d.text.span(x.At), x.Plain}
		if x.Snippet && snippets {
			item.Format, item.TextEdit.NewText = 2, snippet(x.Insert)
		}
		// An editor compares what stands in the range with this, which is not always the label.
		if there := d.text.s[x.At.Start:x.At.End]; there != "" && !strings.HasPrefix(strings.ToLower(x.Label), strings.ToLower(there)) {
			item.FilterText = there + x.Label
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

// snippet escapes what would be a sign of the snippet language, but for the last $0.
func snippet(s string) string {
	i := strings.LastIndex(s, "$0")
	esc := strings.NewReplacer(`\`, `\\`, "$", `\$`, "}", `\}`)
	if i < 0 {
		return esc.Replace(s)
	}
	return esc.Replace(s[:i]) + "$0" + esc.Replace(s[i+2:])
}

// resolve gives an item back as it is: all of it was there.
func resolve(_ *client, _ context.Context, _ *snapshot, params json.RawMessage) (any, error) {
	return params, nil
}

// marked is Markdown as a client can show it.
func (c *client) marked(text string, formats []string) any {
	if slices.Contains(formats, "markdown") {
		return markup{"markdown", text}
	}
	if len(formats) > 0 {
		return markup{"plaintext", strings.ReplaceAll(text, "```sumo\n", "")}
	}
	return markup{"markdown", text}
}

func hovering(c *client, _ context.Context, d *snapshot, params json.RawMessage) (any, error) {
	_, at, err := place(d, params)
	if err != nil {
		return nil, err
	}
	h := d.seen.Hover(at)
	if h == nil {
		return nil, nil
	}
	at2 := d.text.span(h.At)
	return hover{c.marked(h.Text, c.can.Capabilities.TextDocument.Hover.ContentFormat), &at2}, nil
}

func signatures(c *client, _ context.Context, d *snapshot, params json.RawMessage) (any, error) {
	_, at, err := place(d, params)
	if err != nil {
		return nil, err
	}
	s := d.seen.Signature(at)
	if s == nil {
		return nil, nil
	}
	one := signature{Label: s.Label, Doc: s.Doc, Parameters: []parameter{}}
	for _, p := range s.Params {
		one.Parameters = append(one.Parameters, parameter{s.Label[p.Start:p.End]})
	}
	out := signatureHelp{Signatures: []signature{one}}
	if s.Active >= 0 && s.Active < len(s.Params) {
		out.Parameter = &s.Active
	}
	return out, nil
}

func locations(d *snapshot, list []diag.Span) []location {
	out := []location{}
	for _, s := range list {
		out = append(out, location{d.uri, d.text.span(s)})
	}
	return out
}

func definition(_ *client, _ context.Context, d *snapshot, params json.RawMessage) (any, error) {
	_, at, err := place(d, params)
	if err != nil {
		return nil, err
	}
	return locations(d, d.seen.Definition(at)), nil
}

func references(_ *client, _ context.Context, d *snapshot, params json.RawMessage) (any, error) {
	_, at, err := place(d, params)
	if err != nil {
		return nil, err
	}
	return locations(d, d.seen.References(at)), nil
}

func highlights(_ *client, _ context.Context, d *snapshot, params json.RawMessage) (any, error) {
	_, at, err := place(d, params)
	if err != nil {
		return nil, err
	}
	out := []map[string]any{}
	for _, s := range d.seen.References(at) {
		out = append(out, map[string]any{"range": d.text.span(s), "kind": 1})
	}
	return out, nil
}

// symbolKinds are SymbolKind, by editor.SymbolKind.
var symbolKinds = [...]int{editor.StageSymbol: 12, editor.FieldSymbol: 8, editor.QuerySymbol: 3, editor.RuleSymbol: 5}

func symbols(c *client, _ context.Context, d *snapshot, _ json.RawMessage) (any, error) {
	if d == nil {
		return nil, errNotOpen
	}
	list := d.seen.Symbols()
	if !c.can.Capabilities.TextDocument.DocumentSymbol.Hierarchical {
		flat := []flatSymbol{}
		var add func([]editor.Symbol)
		add = func(list []editor.Symbol) {
			for _, s := range list {
				flat = append(flat, flatSymbol{s.Name, symbolKinds[s.Kind], location{d.uri, d.text.span(s.At)}})
				add(s.Inside)
			}
		}
		add(list)
		return flat, nil
	}
	var tree func([]editor.Symbol) []symbol
	tree = func(list []editor.Symbol) []symbol {
		out := []symbol{}
		for _, s := range list {
			x := symbol{Name: s.Name, Detail: s.Detail, Kind: symbolKinds[s.Kind], Range: d.text.span(s.At), SelectionRange: d.text.span(s.NameAt)}
			if x.Name == "" {
				x.Name = "-" // the protocol wants one
			}
			if len(s.Inside) > 0 {
				x.Children = tree(s.Inside)
			}
			out = append(out, x)
		}
		return out
	}
	return tree(list), nil
}

func folds(_ *client, _ context.Context, d *snapshot, _ json.RawMessage) (any, error) {
	if d == nil {
		return nil, errNotOpen
	}
	out := []foldingRange{}
	for _, f := range d.seen.Folds() {
		r := foldingRange{StartLine: f.From - 1, EndLine: f.To - 1}
		if f.Comment {
			r.Kind = "comment"
		}
		out = append(out, r)
	}
	return out, nil
}

func textEdits(d *snapshot, list []diag.Edit) []textEdit {
	out := []textEdit{}
	for _, e := range list {
		out = append(out, textEdit{d.text.span(e.Span), e.New})
	}
	return out
}

func formatting(_ *client, _ context.Context, d *snapshot, _ json.RawMessage) (any, error) {
	if d == nil {
		return nil, errNotOpen
	}
	return textEdits(d, d.seen.Format()), nil
}

func prepareRename(_ *client, _ context.Context, d *snapshot, params json.RawMessage) (any, error) {
	_, at, err := place(d, params)
	if err != nil {
		return nil, err
	}
	s, name, err := d.seen.CanRename(at)
	if err != nil {
		return nil, err
	}
	return map[string]any{"range": d.text.span(s), "placeholder": name}, nil
}

func rename(c *client, _ context.Context, d *snapshot, params json.RawMessage) (any, error) {
	p, at, err := place(d, params)
	if err != nil {
		return nil, err
	}
	edits, err := d.seen.Rename(at, p.NewName)
	if err != nil {
		return nil, err
	}
	return c.workspaceEdit(d, edits), nil
}

// workspaceEdit names the version that it is for where a client takes that, so that it is
// refused when the text has changed meanwhile.
func (c *client) workspaceEdit(d *snapshot, edits []diag.Edit) *workspaceEdit {
	if c.can.Capabilities.Workspace.WorkspaceEdit.DocumentChanges {
		return &workspaceEdit{DocumentChanges: []any{map[string]any{
			"textDocument": map[string]any{"uri": d.uri, "version": d.version}, "edits": textEdits(d, edits),
		}}}
	}
	return &workspaceEdit{Changes: map[string][]textEdit{d.uri: textEdits(d, edits)}}
}

var actionKinds = [...]string{editor.QuickFix: "quickfix", editor.Rewrite: "refactor.rewrite", editor.FixAll: "source.fixAll", editor.Conversion: "refactor.rewrite"}

func actions(c *client, _ context.Context, d *snapshot, params json.RawMessage) (any, error) {
	var p actionParams
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, err
	}
	if d == nil {
		return nil, errNotOpen
	}
	out := []codeAction{}
	for _, a := range d.seen.Actions(d.text.bytes(p.Range)) {
		kind := actionKinds[a.Kind]
		if len(p.Context.Only) > 0 && !slices.ContainsFunc(p.Context.Only, func(k string) bool { return kind == k || strings.HasPrefix(kind, k+".") }) {
			continue
		}
		x := codeAction{Title: a.Title, Kind: kind, Preferred: a.Safe && a.Kind == editor.QuickFix && a.For != nil}
		if a.For != nil {
			x.Diagnostics = []diagnostic{c.diagnostic(d, a.For)}
		}
		if a.NewFile != "" {
			w := c.can.Capabilities.Workspace.WorkspaceEdit
			path := pathOf(d.uri)
			if !w.DocumentChanges || !slices.Contains(w.ResourceOperations, "create") || path == "" {
				continue // the client makes no files
			}
			uri := uriOf(filepath.Join(filepath.Dir(path), a.NewFile))
			x.Edit = &workspaceEdit{DocumentChanges: []any{
				map[string]any{"kind": "create", "uri": uri, "options": map[string]any{"overwrite": false, "ignoreIfExists": false}},
				map[string]any{"textDocument": map[string]any{"uri": uri, "version": nil}, "edits": []textEdit{{NewText: a.Text}}},
			}}
		} else {
			x.Edit = c.workspaceEdit(d, a.Edits)
		}
		out = append(out, x)
	}
	return out, nil
}

func lenses(c *client, _ context.Context, d *snapshot, _ json.RawMessage) (any, error) {
	if d == nil {
		return nil, errNotOpen
	}
	out := []codeLens{}
	if c.Logs == nil {
		return out, nil
	}
	for _, l := range d.seen.Lenses() {
		name := map[string]string{"run": commandRun, "why-not": commandWhyNot}[l.Command]
		out = append(out, codeLens{d.text.span(l.At), &command{l.Title, name, []any{d.uri, l.Region}}})
	}
	return out, nil
}

// tokenTypes are the legend of semantic tokens, by editor.TokenKind.
var tokenTypes = [...]string{
	editor.KeywordToken: "keyword", editor.FunctionToken: "function", editor.StringToken: "string", editor.NumberToken: "number",
	editor.CommentToken: "comment", editor.FieldToken: "property", editor.MadeToken: "variable", editor.RegexToken: "regexp",
}

// tokens are five numbers each: lines and characters from the one before, the length, the
// type and the modifiers.
func tokens(_ *client, _ context.Context, d *snapshot, _ json.RawMessage) (any, error) {
	if d == nil {
		return nil, errNotOpen
	}
	data := []int{}
	last := position{}
	for _, t := range d.seen.Tokens() {
		s := d.text.span(t.At)
		if s.Start.Line != s.End.Line {
			continue
		}
		line, char, declared := s.Start.Line-last.Line, s.Start.Character, 0
		if line == 0 {
			char -= last.Character
		}
		if t.Kind == editor.MadeToken {
			declared = 1
		}
		data = append(data, line, char, s.End.Character-s.Start.Character, int(t.Kind), declared)
		last = s.Start
	}
	return map[string]any{"data": data}, nil
}
