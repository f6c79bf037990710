package sec

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// Content is what a tenant runs with: the documents that detections read, each with its
// id, lists with the items that are in force. What cannot be used is named in found, by
// its id, and the others are there.
func (a *API) Content(ctx context.Context) (docs []*ruledoc.Document, found diag.List, err error) {
	said, err := a.said(ctx)
	if err != nil {
		return nil, nil, err
	}
	own, found, err := a.stored(ctx, false)
	for _, b := range a.given {
		switch {
		case b.rule == nil || said[b.rule.ID] == nil:
			docs = append(docs, b.doc)
		case said[b.rule.ID].Body["enabled"] == false:
		default:
			// A new version's rule may not go with what was said of the old one: it runs as shipped.
			d := b.with(said[b.rule.ID])
			doc, err := document(d.Kind, d.ID, d.Body)
			if err == nil {
				_, wrong := doc.Rule()
				err = refused(wrong)
			}
			if err != nil {
				found.Add(&diag.Diagnostic{Severity: diag.Error, Code: "bad-document", File: diag.Text(d.Kind+" "+d.ID, ""), Message: "the override of this built-in rule cannot be used, and the rule runs as it is shipped: " + err.Error()})
				doc = b.doc
			}
			docs = append(docs, doc)
		}
	}
	return append(docs, own...), found, err
}

// stored is the tenant's own content: of lists the items that are in force, or whole.
func (a *API) stored(ctx context.Context, whole bool) (docs []*ruledoc.Document, found diag.List, err error) {
	all, _, err := a.docs.Select(ctx, Selection{Kinds: appliedKinds()})
	if err != nil {
		return nil, nil, err
	}
	items, _, err := a.docs.Select(ctx, Selection{Kinds: []string{itemKind}})
	if err != nil {
		return nil, nil, err
	}
	of := map[string][]any{}
	now := a.now()
	for _, i := range items {
		if whole {
			of[i.Parent] = append(of[i.Parent], i.Body)
		} else if on, _ := i.Body["active"].(bool); on && !expired(i.Body, now) {
			of[i.Parent] = append(of[i.Parent], object{"value": i.Body["value"], "active": true})
		}
	}
	for _, d := range all {
		body := d.Body
		if d.Kind == ruledoc.MatchList || d.Kind == ruledoc.SuppressedList {
			body = object{}
			for k, v := range d.Body {
				body[k] = v
			}
			body["items"] = of[d.ID]
			if own, err := a.column(ctx, text(d.Body, "targetColumn")); err == nil && own != nil {
				body["targetColumn"] = own.Name
			}
		}
		id := d.ID
		if whole && !slices.Contains(kinds(), d.Kind) { // another server gives its own
			id = ""
		}
		doc, err := document(d.Kind, id, body)
		if err != nil {
			found.Add(&diag.Diagnostic{Severity: diag.Error, Code: "bad-document", File: diag.Text(d.Kind+" "+d.ID, ""), Message: err.Error()})
			continue
		}
		docs = append(docs, doc)
	}
	return docs, found, nil
}

// nameGUID is a GUID made of a name, the same every time.
func nameGUID(name string) string {
	h := sha256.Sum256([]byte(name))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}
