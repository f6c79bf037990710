package sec

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/siem"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// document reads a body as the document that a tenant runs with.
func document(kind, id string, o object) (*ruledoc.Document, error) {
	with := object{}
	for k, v := range o {
		with[k] = v
	}
	with["kind"] = kind
	if id != "" {
		with["id"] = id
	}
	text, err := json.Marshal(with)
	if err != nil {
		return nil, err
	}
	name := kind
	if id != "" {
		name = id
	}
	docs, found := ruledoc.Read(diag.Text(name, string(text)))
	if err := refused(found); err != nil {
		return nil, err
	}
	if len(docs) != 1 || docs[0].What != kind {
		return nil, bad("this is no document that can be used")
	}
	return docs[0], nil
}

// refused makes the answer of what is wrong with a document; nil for nothing.
func refused(found diag.List) error {
	var said []string
	for _, d := range found {
		if d.Severity == diag.Error {
			m := d.Message
			if d.Help != "" {
				m += "; " + d.Help
			}
			said = append(said, m)
		}
	}
	if said == nil {
		return nil
	}
	return bad("%s", strings.Join(said, "; "))
}

// ofRuledoc checks a document as a tenant that loads it does, and its expressions.
func ofRuledoc(kind string) func(context.Context, *API, object) error {
	return func(_ context.Context, _ *API, o object) error {
		d, err := document(kind, "", o)
		if err != nil {
			return err
		}
		var found diag.List
		switch kind {
		case ruledoc.Tuning:
			_, found = d.Tuning()
		case ruledoc.CustomInsight:
			_, found = d.Insight()
			// One that names nothing yet can be kept, and makes no insight.
			found = slices.DeleteFunc(found, func(d *diag.Diagnostic) bool { return d.Code == "no-signals" })
		case ruledoc.Criticality:
			x, ds := d.Criticality()
			if found = ds; x != nil {
				_, found = insight.ParseCriticality(x.Name, diag.Text("severityExpression", x.Expression.Text))
			}
		case ruledoc.Column:
			_, found = d.Column()
		case ruledoc.LogMapping:
			_, found = d.Mapping()
		case ruledoc.Settings:
			_, found = d.Settings()
		case ruledoc.Names:
			_, found = d.Names()
		default:
			_, found = d.Rule()
		}
		if err := refused(found); err != nil {
			return err
		}
		if kind != ruledoc.Tuning && !d.IsRule() {
			return nil
		}
		all, _ := ruledoc.Expressions(d.File)
		for _, e := range all {
			if _, found := siem.Parse(diag.Text(e.Key, e.Text)); found.HasErrors() {
				return bad("%s: %s", e.Key, refused(found).Error())
			}
		}
		return nil
	}
}

// targets are the target columns that every tenant has (11).
var targets = []string{"Hostname", "SrcHostname", "DstHostname", "Ip", "SrcIp", "DstIp", "Domain", "Username", "FileHash", "Url",
	"Asn", "SrcAsn", "DstAsn", "Isp", "SrcIsp", "DstIsp", "Org", "SrcOrg", "DstOrg"}

// targetColumn checks the target column of a list: one that every tenant has, or one of
// its own by id or name. It is kept by name where it has one of its own.
func targetColumn(ctx context.Context, a *API, o object) error {
	given := text(o, "targetColumn")
	for _, t := range targets {
		if strings.EqualFold(t, given) {
			return nil
		}
	}
	if own, err := a.column(ctx, given); err != nil || own != nil {
		return err
	}
	return bad("targetColumn: there is no column %q; the usual ones are %s, and others are made by /custom-match-list-columns", given, strings.Join(targets, ", "))
}

// column finds a column of the tenant's own by id or name; nil for none.
func (a *API) column(ctx context.Context, given string) (*Document, error) {
	if _, err := strconv.ParseInt(given, 10, 64); err == nil {
		d, err := a.docs.Get(ctx, ruledoc.Column, given)
		if err == nil {
			return d, nil
		}
	}
	same, _, err := a.docs.Select(ctx, Selection{Kinds: []string{ruledoc.Column}, Name: given})
	same = append(same, planOf(ctx, ruledoc.Column, given)...)
	if err != nil || len(same) == 0 {
		return nil, err
	}
	return same[0], nil
}

// listShown shows the target column of a list: a column of the tenant's own by id, or by
// name where that is asked for (14.5).
func listShown(ctx context.Context, a *API, r *http.Request, d *Document, out object) {
	if own, err := a.column(ctx, text(d.Body, "targetColumn")); err == nil && own != nil {
		out["targetColumn"] = own.ID
		if r.URL.Query().Get("getTargetCustomColumnName") == "true" {
			out["targetColumn"] = own.Name
		}
	}
	delete(out, "items")
}
