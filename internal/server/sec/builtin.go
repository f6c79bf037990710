package sec

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"

	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// builtin is a document that every tenant has. Of a rule the tenant says whether it runs.
type builtin struct {
	doc  *ruledoc.Document
	rule *ruledoc.Rule // nil for what is no rule, or cannot run
	body object        // of a rule, as the API has it
}

// builtinKind are the documents that say so: their id is the rule's.
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

// off are the ids of built-in rules that the tenant has switched off.
func (a *API) off(ctx context.Context) (map[string]bool, error) {
	docs, _, err := a.docs.Select(ctx, Selection{Kinds: []string{builtinKind}})
	if err != nil {
		return nil, err
	}
	off := map[string]bool{}
	for _, d := range docs {
		off[d.ID] = d.Body["enabled"] == false
	}
	return off, nil
}

// builtins are the built-in rules as documents, before those of the tenant.
func (a *API) builtins(ctx context.Context) (all []*Document, err error) {
	off, err := a.off(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range a.given {
		if b.rule == nil {
			continue
		}
		body := maps.Clone(b.body)
		body["enabled"] = b.rule.Enabled && !off[b.rule.ID]
		all = append(all, &Document{Kind: b.doc.What, ID: b.rule.ID, Name: b.rule.Name, Revision: 1, Body: body, CreatedBy: "gyoji", UpdatedBy: "gyoji"})
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

var errBuiltin = bad("a built-in rule can be switched on and off, and tuned by tuning expressions, but not changed or deleted")

// switchBuiltin switches a built-in rule on or off.
func (a *API) switchBuiltin(r *http.Request, d *Document) (any, error) {
	o, err := body(r, "fields", false)
	if err != nil {
		return nil, err
	}
	on, ok := o["enabled"].(bool)
	if !ok {
		return nil, bad(`"enabled" is true or false`)
	}
	said, err := a.docs.Get(r.Context(), builtinKind, d.ID)
	switch {
	case errors.Is(err, ErrNone):
		said = &Document{Kind: builtinKind, Name: d.Name, Body: object{"enabled": on}, Created: a.now(), CreatedBy: a.user(r)}
		err = a.docs.Create(r.Context(), said, func(int64) string { return d.ID })
		a.changed()
	case err == nil:
		said.Body["enabled"] = on
		err = a.put(r, said)
	}
	d.Body["enabled"] = on
	return a.rule(r, d), err
}
