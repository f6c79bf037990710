package sec

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"

	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// builtin is a document that every tenant has. Of a rule the tenant says whether it runs,
// and what it has in place of some of its fields.
type builtin struct {
	doc  *ruledoc.Document
	rule *ruledoc.Rule // nil for what is no rule, or cannot run
	body object        // of a rule, as the API has it
}

// builtinKind are the documents that say so, and nothing else of it: their id is the rule's.
const builtinKind = "builtin-rule"

func newBuiltin(d *ruledoc.Document) *builtin {
	b := &builtin{doc: d}
	if !d.IsRule() {
		return b
	}
	if b.rule, _ = d.Rule(); b.rule == nil {
		return b
	}
	text, err := ruledoc.Write([]*ruledoc.Document{d}, ruledoc.Flat)
	if err == nil {
		err = json.Unmarshal(text, &b.body)
	}
	if err != nil {
		b.rule = nil
	}
	return b
}

// said is what the tenant has said of built-in rules, by the rule's id: "enabled", and the
// fields that it has in place of the shipped ones (5.9). The other fields are those of the
// program, which a new version may better.
func (a *API) said(ctx context.Context) (map[string]*Document, error) {
	docs, _, err := a.docs.Select(ctx, Selection{Kinds: []string{builtinKind}})
	of := map[string]*Document{}
	for _, d := range docs {
		of[d.ID] = d
	}
	return of, err
}

// with is a built-in rule as the tenant has it.
func (b *builtin) with(said *Document) *Document {
	d := &Document{Kind: b.doc.What, ID: b.rule.ID, Name: b.rule.Name, Revision: 1, Body: maps.Clone(b.body), CreatedBy: "gyoji", UpdatedBy: "gyoji"}
	d.Body["enabled"] = b.rule.Enabled
	if said == nil {
		return d
	}
	if _, ok := said.Body["windowSize"]; ok {
		delete(d.Body, "windowSizeName")
	}
	maps.Copy(d.Body, said.Body)
	if name := text(d.Body, "name"); name != "" {
		d.Name = name
	}
	d.Revision, d.Updated, d.UpdatedBy = said.Revision+1, said.Updated, said.UpdatedBy
	return d
}

// builtins are the built-in rules as documents, before those of the tenant.
func (a *API) builtins(ctx context.Context) (all []*Document, err error) {
	said, err := a.said(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range a.given {
		if b.rule != nil {
			all = append(all, b.with(said[b.rule.ID]))
		}
	}
	return all, nil
}

// findBuiltin is a built-in rule; nil where there is none of the id.
func (a *API) findBuiltin(ctx context.Context, id string) (*Document, error) {
	all, err := a.builtins(ctx)
	for _, d := range all {
		if d.ID == id {
			return d, nil
		}
	}
	return nil, err
}

var errBuiltin = bad("a built-in rule can be switched on and off, overridden (PUT .../override) and tuned by tuning expressions, but not replaced or deleted")

// switchBuiltin switches a built-in rule on or off.
func (a *API) switchBuiltin(w http.ResponseWriter, r *http.Request, d *Document) (any, error) {
	o, err := body(r, "fields", false)
	if err != nil {
		return nil, err
	}
	on, ok := o["enabled"].(bool)
	if !ok {
		return nil, bad(`"enabled" is true or false`)
	}
	if !matches(r, d.Revision) {
		return nil, errStale
	}
	return a.say(w, r, d, object{"enabled": on})
}

// overrideBuiltin gives a built-in rule other values of some fields. Those that are as
// shipped, or null, are not kept: they go on as the program has them.
func (a *API) overrideBuiltin(w http.ResponseWriter, r *http.Request, k ruleKind, d *Document, o object) (any, error) {
	with := maps.Clone(d.Body)
	shipped := a.shipped(d.ID)
	for key, v := range o {
		if v == nil {
			if v = shipped[key]; v == nil {
				delete(with, key)
				continue
			}
		}
		with[key] = v
	}
	if err := a.soundRule(r.Context(), k, with); err != nil {
		return nil, err
	}
	changes := object{}
	for key, v := range o {
		if v == nil || sameJSON(v, shipped[key]) {
			v = nil
		}
		changes[key] = v
	}
	return a.say(w, r, d, changes)
}

// shipped are the fields of a built-in rule as the program has them.
func (a *API) shipped(id string) object {
	for _, b := range a.given {
		if b.rule != nil && b.rule.ID == id {
			return b.body
		}
	}
	return nil
}

// sameJSON says that two values are written alike: what is empty is as good as absent, since
// clients write all fields that they know.
func sameJSON(a, b any) bool {
	x, err := json.Marshal(filled(a))
	y, err2 := json.Marshal(filled(b))
	return err == nil && err2 == nil && bytes.Equal(x, y)
}

// filled is a value without what is empty in it.
func filled(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := object{}
		for k, x := range v {
			if x = filled(x); x != nil {
				out[k] = x
			}
		}
		if len(out) > 0 {
			return out
		}
		return nil
	case []any:
		if len(v) == 0 {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	}
	return v
}

// say keeps what a tenant says of a built-in rule beside what it has said before; null
// takes something back.
func (a *API) say(w http.ResponseWriter, r *http.Request, d *Document, changes object) (any, error) {
	said, err := a.docs.Get(r.Context(), builtinKind, d.ID)
	isNew := errors.Is(err, ErrNone)
	if isNew {
		said, err = &Document{Kind: builtinKind, Body: object{}, Created: a.now(), CreatedBy: a.user(r)}, nil
	}
	if err != nil {
		return nil, err
	}
	for key, v := range changes {
		if said.Body[key] = v; v == nil {
			delete(said.Body, key)
		}
	}
	said.Name = d.Name
	if name := text(said.Body, "name"); name != "" {
		said.Name = name
	}
	if isNew {
		if err = a.docs.Create(r.Context(), said, func(int64) string { return d.ID }); err != nil {
			if _, other := a.docs.Get(r.Context(), builtinKind, d.ID); other == nil {
				err = errStale // someone else was the first at the same time
			}
		}
		a.changed()
	} else {
		err = a.put(r, said)
	}
	if err != nil {
		return nil, err
	}
	if d, err = a.findBuiltin(r.Context(), d.ID); err != nil {
		return nil, err
	}
	w.Header().Set("ETag", etag(d.Revision))
	return a.rule(r, d), nil
}
