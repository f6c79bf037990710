package sec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// ContentPath is gyoji's own call for all content at once. GET gives it as YAML, the form
// that `gyoji test` and `gyoji signals` read; POST takes files and makes the server's
// content like theirs.
const ContentPath = "/api/gyoji/v1/content"

// A File is one of a POST: its name in the folder, and its text.
type File struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Asked is the body of a POST.
type Asked struct {
	Files []File `json:"files"`
	Prune bool   `json:"prune"` // delete what no file has
	Dry   bool   `json:"dry"`   // change nothing, and say what would be
}

// An Outcome is what became, or would become, of a document.
type Outcome struct {
	File   string `json:"file,omitempty"`
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	ID     string `json:"id,omitempty"`
	Did    string `json:"did"` // created, changed, same, deleted or refused
	Reason string `json:"reason,omitempty"`
	// Fields are those that differ.
	Fields []string `json:"fields,omitempty"`
}

func (a *API) contentRoutes() []access.Route {
	return []access.Route{
		{Pattern: "GET " + ContentPath, Role: access.Read, Serve: handle(func(_ http.ResponseWriter, r *http.Request) (any, error) {
			text, err := a.exported(r.Context())
			return object{"yaml": string(text)}, err
		})},
		{Pattern: "POST " + ContentPath, Role: access.Content, Serve: handle(func(_ http.ResponseWriter, r *http.Request) (any, error) {
			var asked Asked
			if err := decode(r, &asked); err != nil {
				return nil, err
			}
			return a.applied(r, asked)
		})},
	}
}

// exported is the tenant's content as YAML documents.
func (a *API) exported(ctx context.Context) ([]byte, error) {
	docs, found, err := a.stored(ctx, true)
	if err != nil {
		return nil, err
	}
	if err := found.Err(); err != nil {
		return nil, err
	}
	if len(docs) == 0 {
		return nil, nil
	}
	return ruledoc.Write(docs, ruledoc.YAML)
}

// appliedKinds are the kinds of documents that a set of files may hold.
func appliedKinds() []string {
	return append(kinds(), ruledoc.Tuning, ruledoc.CustomInsight, ruledoc.MatchList, ruledoc.SuppressedList, ruledoc.NetworkBlock, ruledoc.Column,
		ruledoc.EntityType, ruledoc.Criticality, ruledoc.EntityGroup, ruledoc.LogMapping, ruledoc.Settings, ruledoc.Names)
}

// resourceOf is the resource of a kind of document; nil for rules and singles.
func resourceOf(kind string) *resource {
	for i := range resources {
		if resources[i].kind == kind {
			return &resources[i]
		}
	}
	return nil
}

// wantedDoc is a document of a file, as the API would be given it.
type wantedDoc struct {
	Outcome
	body  object
	items []object // of a list
}

// read makes what the API would be given of the documents of files. What cannot be read is
// an outcome.
func read(files []File) (docs []*wantedDoc, out []Outcome) {
	for _, f := range files {
		all, found := ruledoc.Read(diag.Text(f.Name, f.Text))
		for _, d := range found {
			if d.Severity == diag.Error {
				out = append(out, Outcome{File: f.Name, Did: "refused", Reason: d.Message})
			}
		}
		for _, d := range all {
			x := &wantedDoc{Outcome: Outcome{File: f.Name, Kind: d.What, Name: d.Name()}}
			if !slices.Contains(appliedKinds(), d.What) {
				x.Did, x.Reason = "refused", "documents of this kind are not kept by a server"
				out = append(out, x.Outcome)
				continue
			}
			text, err := ruledoc.Write([]*ruledoc.Document{d}, ruledoc.Flat)
			if err == nil {
				err = number(text, &x.body)
			}
			if err != nil {
				x.Did, x.Reason = "refused", err.Error()
				out = append(out, x.Outcome)
				continue
			}
			x.ID = textOf(x.body, "id")
			delete(x.body, "kind")
			cleaned(x.body)
			if d.What == ruledoc.MatchList || d.What == ruledoc.SuppressedList {
				list, _ := x.body["items"].([]any)
				for _, i := range list {
					switch i := i.(type) {
					case string:
						x.items = append(x.items, object{"value": i})
					case map[string]any:
						x.items = append(x.items, i)
					}
				}
				delete(x.body, "items")
			}
			docs = append(docs, x)
		}
	}
	return docs, out
}

func textOf(o object, key string) string {
	if v, ok := o[key]; ok && v != nil {
		return fmt.Sprint(v)
	}
	return ""
}

// applied makes the content like that of files. One that is refused does not stop the others.
func (a *API) applied(r *http.Request, asked Asked) ([]Outcome, error) {
	ctx := r.Context()
	docs, out := read(asked.Files)
	// Columns come before the lists that name them.
	sort.SliceStable(docs, func(i, j int) bool { return docs[i].Kind == ruledoc.Column && docs[j].Kind != ruledoc.Column })
	there, _, err := a.docs.Select(ctx, Selection{Kinds: appliedKinds()})
	if err != nil {
		return nil, err
	}
	met := map[*Document]bool{}
	changed := false
	var plan planned
	if asked.Dry { // what would be made counts as there for what comes after it
		ctx = context.WithValue(ctx, plannedKey{}, &plan)
		r = r.WithContext(ctx)
	}
	first := map[[2]string]*wantedDoc{} // by kind and id
	for _, x := range docs {
		if one := [2]string{x.Kind, x.ID}; x.ID != "" {
			if y := first[one]; y != nil {
				x.Did, x.Reason = "refused", fmt.Sprintf("the id %s is that of %q of %s, too; the first is used", x.ID, y.Name, y.File)
				out = append(out, x.Outcome)
				continue
			}
			first[one] = x
		}
		var old *Document
		for _, d := range there {
			if d.Kind == x.Kind && !met[d] && (x.ID != "" && d.ID == x.ID || x.ID == "" && strings.EqualFold(d.Name, x.Name)) {
				old = d
				break
			}
		}
		if old != nil {
			met[old] = true
		}
		if err := a.applyOne(r, x, old, asked.Dry); err != nil {
			var f *failure
			if !errors.As(err, &f) {
				return nil, err
			}
			x.Did, x.Reason = "refused", f.message
		}
		if asked.Dry && x.Did == "created" {
			plan = append(plan, &Document{Kind: x.Kind, ID: x.ID, Name: text(x.body, "name"), Body: x.body})
		}
		changed = changed || x.Did == "created" || x.Did == "changed"
		out = append(out, x.Outcome)
	}
	if asked.Prune {
		for _, d := range there {
			if met[d] {
				continue
			}
			if !asked.Dry {
				children := ""
				if s := resourceOf(d.Kind); s != nil {
					children = s.children
				}
				if err := a.docs.Delete(ctx, d, children, a.now(), a.user(r)); err != nil {
					return nil, err
				}
				changed = true
			}
			out = append(out, Outcome{Kind: d.Kind, Name: d.Name, ID: d.ID, Did: "deleted"})
		}
	}
	if changed && !asked.Dry {
		a.changed()
	}
	return out, nil
}

// planned are documents that a set of files would make.
type planned []*Document

type plannedKey struct{}

// planOf gives those of a kind and name that the set of a context would make.
func planOf(ctx context.Context, kind, name string) (same []*Document) {
	plan, _ := ctx.Value(plannedKey{}).(*planned)
	if plan == nil {
		return nil
	}
	for _, d := range *plan {
		if d.Kind == kind && strings.EqualFold(d.Name, name) {
			same = append(same, d)
		}
	}
	return same
}

// applyOne makes or changes one document.
func (a *API) applyOne(r *http.Request, x *wantedDoc, old *Document, dry bool) error {
	ctx := r.Context()
	for _, b := range a.given {
		if b.rule != nil && b.rule.ID == x.ID && b.doc.What == x.Kind {
			x.Did, x.Reason = "same", "built in"
			return nil
		}
	}
	for _, k := range ruleKinds {
		if k.kind == x.Kind {
			if err := a.soundRule(ctx, k, x.body); err != nil {
				return err
			}
		}
	}
	if s := resourceOf(x.Kind); s != nil {
		id := ""
		if old != nil {
			id = old.ID
		}
		for k, v := range s.otherwise {
			if x.body[k] == nil {
				x.body[k] = v
			}
		}
		if err := a.sound(ctx, s, x.body, id); err != nil {
			return err
		}
	}
	single := x.Kind == ruledoc.Settings || x.Kind == ruledoc.Names
	if single {
		if err := ofRuledoc(x.Kind)(ctx, a, x.body); err != nil {
			return err
		}
		x.ID = theOne
	}
	if old != nil {
		x.ID = old.ID
		x.Fields = differing(old.Body, x.body)
	}
	items := len(x.items) > 0
	if items && old != nil {
		have, _, err := a.docs.Select(ctx, Selection{Kinds: []string{itemKind}, Parents: []string{old.ID}})
		if err != nil {
			return err
		}
		if items = !sameItems(have, x.items); items {
			x.Fields = append(x.Fields, "items")
		}
	}
	switch {
	case old == nil:
		x.Did = "created"
	case len(x.Fields) == 0:
		x.Did = "same"
		return nil
	default:
		x.Did = "changed"
	}
	if dry {
		return nil
	}
	d := old
	if old == nil {
		d = &Document{Kind: x.Kind, Name: text(x.body, "name"), Body: x.body, Created: a.now(), CreatedBy: a.user(r)}
		if err := a.docs.Create(ctx, d, func(number int64) string { return a.idFor(x, number) }); err != nil {
			return bad("%v", err)
		}
		x.ID = d.ID
	} else if !slices.Equal(x.Fields, []string{"items"}) {
		d.Body, d.Name = x.body, text(x.body, "name")
		if err := a.docs.Replace(ctx, d, a.now(), a.user(r)); err != nil {
			return bad("%v", err)
		}
	}
	if !items {
		return nil
	}
	return a.replaceItems(r, d.ID, x.items)
}

// idFor is the id of a document that is made: that of its file, or one as the API gives.
func (a *API) idFor(x *wantedDoc, number int64) string {
	if x.ID != "" {
		return x.ID
	}
	for _, k := range ruleKinds {
		if k.kind == x.Kind {
			return fmt.Sprintf("%s-U%05d", k.id, number)
		}
	}
	return strconv.FormatInt(number, 10)
}

// differing are the fields that two bodies do not share; null, "", [] and what is not there
// are the same.
func differing(a, b object) (fields []string) {
	empty := func(v any) bool {
		switch v := v.(type) {
		case nil:
			return true
		case string:
			return v == ""
		case []any:
			return len(v) == 0
		}
		return false
	}
	plain := func(v any) any {
		text, err := json.Marshal(v)
		if err != nil {
			return v
		}
		var out any
		_ = json.Unmarshal(text, &out) // it was just written
		return out
	}
	for k := range a {
		if _, ok := b[k]; !ok && !empty(a[k]) && k != "enabled" && k != "active" {
			fields = append(fields, k)
		}
	}
	for k, v := range b {
		if empty(v) && empty(a[k]) {
			continue
		}
		if !reflect.DeepEqual(plain(v), plain(a[k])) {
			fields = append(fields, k)
		}
	}
	sort.Strings(fields)
	return fields
}

// sameItems reports whether a list has these items and no others.
func sameItems(have []*Document, want []object) bool {
	if len(have) != len(want) {
		return false
	}
	at := map[string]object{}
	for _, d := range have {
		at[d.Name] = d.Body
	}
	for _, w := range want {
		body, err := item(w)
		if err != nil || at[text(body, "value")] == nil || len(differing(at[text(body, "value")], body)) > 0 {
			return false
		}
	}
	return true
}

// replaceItems gives a list these items in place of those that it has.
func (a *API) replaceItems(r *http.Request, list string, items []object) error {
	ctx := r.Context()
	have, _, err := a.docs.Select(ctx, Selection{Kinds: []string{itemKind}, Parents: []string{list}})
	if err != nil {
		return err
	}
	var fresh []*Document
	for _, o := range items {
		body, err := item(o)
		if err != nil {
			return err
		}
		fresh = append(fresh, &Document{Kind: itemKind, Parent: list, Name: text(body, "value"), Body: body, Created: a.now(), CreatedBy: a.user(r)})
	}
	for _, d := range have {
		if err := a.docs.Delete(ctx, d, "", a.now(), a.user(r)); err != nil {
			return err
		}
	}
	return a.docs.CreateAll(ctx, fresh, func(number int64) string { return strconv.FormatInt(number, 10) })
}
