package sec

import (
	"context"

	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// Rules are all rules, those that are built in first: their Number is 0.
func (a *API) Rules(ctx context.Context) ([]*Document, error) {
	own, _, err := a.docs.Select(ctx, Selection{Kinds: kinds()})
	if err != nil {
		return nil, err
	}
	given, err := a.builtins(ctx)
	return append(given, own...), err
}

// Documents are those of some kinds.
func (a *API) Documents(ctx context.Context, kinds ...string) ([]*Document, error) {
	all, _, err := a.docs.Select(ctx, Selection{Kinds: kinds})
	return all, err
}

// Parsed is a document as detections read it.
func Parsed(d *Document) (*ruledoc.Document, error) { return document(d.Kind, d.ID, d.Body) }
