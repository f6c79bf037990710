package lint

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

// Sigma is a document of a Sigma file that is checked.
type Sigma struct {
	File *diag.File
	Doc  sigma.Document
	Rule *sigma.Rule // Doc, when it is a detection rule
	Keys []Key       // of the document itself, in order

	// First is the document that has the same id and was met before.
	First sigma.Document
	// All are the documents of all files that are checked together.
	All []sigma.Document
}

// Named finds the rule or correlation that a correlation or filter names; nil
// when none of the files has it.
func (s *Sigma) Named(ref sigma.Ref) sigma.Document {
	for _, d := range s.All {
		if _, filter := d.(*sigma.Filter); !filter && d.About().Known(ref.Name) {
			return d
		}
	}
	return nil
}

// Key is a key of a map with its value.
type Key struct {
	Name  string
	Span  diag.Span
	Value *yaml.Node
}

// Key finds a key; nil if the document does not have it.
func (s *Sigma) Key(name string) *Key {
	for i := range s.Keys {
		if s.Keys[i].Name == name {
			return &s.Keys[i]
		}
	}
	return nil
}

// at is the place of a key's value.
func (s *Sigma) at(k *Key) diag.Span { return sigma.Span(s.File, k.Value) }

// Tests calls fn for every test of the rule, or of the filter.
func (s *Sigma) Tests(fn func(*sigma.Test)) {
	var walk func(sigma.Item)
	walk = func(i sigma.Item) {
		switch i := i.(type) {
		case *sigma.Test:
			fn(i)
		case *sigma.Group:
			for _, j := range i.Items {
				walk(j)
			}
		}
	}
	var searches []*sigma.Search
	switch d := s.Doc.(type) {
	case *sigma.Rule:
		searches = d.Searches
	case *sigma.Filter:
		searches = d.Searches
	}
	for _, search := range searches {
		walk(search.Item)
	}
}

// rewrite is the edit that puts another text into a scalar and keeps its quotes;
// nil when the scalar stands in the file in a form that is not understood.
func (s *Sigma) rewrite(title string, at diag.Span, from, to string, safe bool) *diag.Fix {
	return rewrite(s.File, title, at, from, to, safe)
}

func rewrite(f *diag.File, title string, at diag.Span, from, to string, safe bool) *diag.Fix {
	made := ""
	switch f.Slice(at) {
	case "'" + strings.ReplaceAll(from, "'", "''") + "'":
		made = "'" + strings.ReplaceAll(to, "'", "''") + "'"
	case from:
		var n yaml.Node
		// A bare scalar stays bare if YAML then reads the same text.
		if yaml.Unmarshal([]byte("k: "+to), &n) != nil || len(n.Content) == 0 || len(n.Content[0].Content) != 2 || n.Content[0].Content[1].Value != to {
			return nil
		}
		made = to
	default:
		return nil
	}
	return &diag.Fix{Title: title, Safe: safe, Edits: []diag.Edit{{Span: at, New: made}}}
}

// SigmaFiles checks Sigma files, which know each other's rules. The findings of
// reading are among the result; a document that cannot be read has no others.
func SigmaFiles(files []*diag.File) (found diag.List) {
	ids := map[string]sigma.Document{}
	docs := make([][]sigma.Document, len(files))
	read := make([]diag.List, len(files))
	var all []sigma.Document
	for i, f := range files {
		docs[i], read[i] = sigma.Parse(f)
		all = append(all, docs[i]...)
	}
	for i, f := range files {
		found = append(found, sigmaFile(f, docs[i], read[i], ids, all)...)
	}
	return found
}

// FixSigma makes the fixes of a Sigma file: those that keep the meaning, or with
// all set every one. Comments and layout stay.
func FixSigma(f *diag.File, all bool) string {
	return fixAll(f, all, func(f *diag.File) diag.List { return SigmaFiles([]*diag.File{f}) }, func(text string) bool {
		_, found := sigma.Parse(diag.Text(f.Name, text))
		return !found.HasErrors()
	})
}

func sigmaFile(f *diag.File, docs []sigma.Document, found diag.List, ids map[string]sigma.Document, all []sigma.Document) diag.List {
	for _, s := range sigmaDocuments(f, docs) {
		s.All = all
		if id := strings.ToLower(s.Doc.About().ID); id != "" {
			if s.First = ids[id]; s.First == nil {
				ids[id] = s.Doc
			}
		}
		for _, c := range Checks() {
			if c.Sigma == nil {
				continue
			}
			c.Sigma(s, func(at diag.Span, message, help string) *diag.Diagnostic {
				d := &diag.Diagnostic{Severity: c.Severity, Code: c.ID, File: f, Span: at, Message: message, Help: help}
				found.Add(d)
				return d
			})
		}
	}
	found = suppress(f, yamlComments(f.Text), found)
	found.Sort()
	return found
}

// sigmaDocuments puts documents together with their keys. Documents of a
// collection take keys from elsewhere, so those are left alone: they are checked
// for what they mean and not for how they are written.
func sigmaDocuments(f *diag.File, docs []sigma.Document) (list []*Sigma) {
	keys := map[int][]Key{}
	d := yaml.NewDecoder(strings.NewReader(f.Text))
	for len(docs) > 0 {
		var n yaml.Node
		if d.Decode(&n) != nil {
			break
		}
		if len(n.Content) == 0 || n.Content[0].Kind != yaml.MappingNode {
			continue
		}
		list := keysOf(f, n.Content[0])
		if len(list) > 0 && !slices.ContainsFunc(list, func(k Key) bool { return k.Name == "action" }) {
			keys[list[0].Span.Start] = list
		}
	}
	for _, doc := range docs {
		s := &Sigma{File: f, Doc: doc, Keys: keys[doc.About().Span.Start]}
		s.Rule, _ = doc.(*sigma.Rule)
		list = append(list, s)
	}
	return list
}

// keysOf are the keys of a map.
func keysOf(f *diag.File, n *yaml.Node) (list []Key) {
	for i, c := range n.Content {
		if i%2 == 0 {
			list = append(list, Key{c.Value, sigma.Span(f, c), n.Content[i+1]})
		}
	}
	return list
}

// yamlComments finds the comments that may take findings back.
func yamlComments(text string) (list []comment) {
	for start := 0; start < len(text); {
		end := lineEnd(text, start)
		line := text[start:end]
		if i := strings.Index(line, "#"); i >= 0 && strings.Contains(line[i:], ignoreMark) {
			i = strings.LastIndex(line[:strings.Index(line, ignoreMark)], "#")
			if before := line[:max(i, 0)]; i == 0 || strings.HasSuffix(before, " ") || strings.HasSuffix(before, "\t") {
				over := diag.Span{Start: start, End: end + 1}
				if strings.TrimSpace(before) == "" {
					over = yamlBlock(text, min(end+1, len(text)))
				}
				list = append(list, comment{start + i, line[i:], over})
			}
		}
		start = end + 1
	}
	return list
}

// yamlBlock is the key or list item that starts on the line at start or on the
// next that is no comment, with what belongs to it.
func yamlBlock(text string, start int) diag.Span {
	indent := func(at int) (n int, blank bool) {
		line := text[at:lineEnd(text, at)]
		rest := strings.TrimLeft(line, " ")
		return len(line) - len(rest), rest == "" || rest[0] == '#' || rest == "\r"
	}
	at := start
	for at < len(text) {
		if _, blank := indent(at); !blank {
			break
		}
		at = lineEnd(text, at) + 1
	}
	if at >= len(text) {
		return diag.Span{Start: start, End: len(text) + 1}
	}
	first, _ := indent(at)
	end := lineEnd(text, at) + 1
	for next := end; next < len(text); {
		n, blank := indent(next)
		if !blank && n <= first {
			break
		}
		next = lineEnd(text, next) + 1
		if !blank {
			end = next
		}
	}
	return diag.Span{Start: start, End: end}
}
