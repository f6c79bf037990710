package sec

import (
	"context"
	"errors"
	"net/http"
	"sort"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// A single is a document that a tenant has one of: GET and PUT.
type single struct {
	path, wrap, kind string
	initial          object // what it is until it is written
	check            func(context.Context, *API, object) error
}

var singles = []single{
	{"insights-configuration", "config", ruledoc.Settings, object{"lookbackDays": 14, "threshold": 12, "globalSignalSuppressionWindow": 72}, ofRuledoc(ruledoc.Settings)},
	{"entity-normalization/domain-configuration", "fields", ruledoc.Names, object{
		"adDomainNormalizationEnabled": false, "fqdnNormalizationEnabled": false, "awsNormalizationEnabled": false, "defaultNormalizedDomain": "",
		"normalizeHostnames": false, "normalizeUsernames": false, "domainMappings": []any{},
	}, ofRuledoc(ruledoc.Names)},
}

// theOne is the id of a single.
const theOne = "1"

func (a *API) singleRoutes() (all []access.Route) {
	for _, s := range singles {
		path := Base + "/" + s.path
		all = append(all,
			call(http.MethodGet, path, false, handle(func(w http.ResponseWriter, r *http.Request) (any, error) {
				d, err := a.theSingle(r.Context(), s)
				if err != nil {
					return nil, err
				}
				w.Header().Set("ETag", etag(d.Revision))
				return d.Body, nil
			})),
			call(http.MethodPut, path, true, handle(func(w http.ResponseWriter, r *http.Request) (any, error) { return a.putSingle(w, r, s) })))
	}
	return all
}

// theSingle is the document, with revision 0 where nobody has written it.
func (a *API) theSingle(ctx context.Context, s single) (*Document, error) {
	d, err := a.docs.Get(ctx, s.kind, theOne)
	if errors.Is(err, ErrNone) {
		body := object{}
		for k, v := range s.initial {
			body[k] = v
		}
		return &Document{Kind: s.kind, ID: theOne, Body: body}, nil
	}
	return d, err
}

func (a *API) putSingle(w http.ResponseWriter, r *http.Request, s single) (any, error) {
	o, err := body(r, s.wrap, false)
	if err != nil {
		return nil, err
	}
	d, err := a.theSingle(r.Context(), s)
	if err != nil {
		return nil, err
	}
	if !matches(r, d.Revision) {
		return nil, errStale
	}
	// What is not said is not set: so Sumo Logic's Terraform provider takes settings back.
	if err := s.check(r.Context(), a, o); err != nil {
		return nil, err
	}
	d.Body = o
	if d.Revision == 0 {
		d.Created, d.CreatedBy = a.now(), a.user(r)
		err = a.docs.Create(r.Context(), d, func(int64) string { return theOne })
		a.changed()
	} else {
		err = a.put(r, d)
	}
	if err != nil {
		return nil, err
	}
	w.Header().Set("ETag", etag(d.Revision))
	return d.Body, nil
}

// products lists the vendors and products of the log mappings that gyoji has.
func (a *API) products(_ http.ResponseWriter, r *http.Request) (any, error) {
	vendor, product := r.URL.Query().Get("vendor"), r.URL.Query().Get("product")
	out := []object{}
	seen := map[string]bool{}
	catalogue, _ := record.NewCatalogue(record.Sumo, nil)
	for _, m := range catalogue.All {
		key := m.Vendor + "\x00" + m.Product
		if seen[key] || vendor != "" && !strings.EqualFold(vendor, m.Vendor) || product != "" && !strings.EqualFold(product, m.Product) {
			continue
		}
		seen[key] = true
		out = append(out, object{"guid": nameGUID(key), "vendor": m.Vendor, "product": m.Product})
	}
	if len(out) == 0 && vendor != "" && product != "" { // a tenant's log mappings are for any
		out = append(out, object{"guid": nameGUID(vendor + "\x00" + product), "vendor": vendor, "product": product})
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i]["vendor"] != out[j]["vendor"] {
			return out[i]["vendor"].(string) < out[j]["vendor"].(string)
		}
		return out[i]["product"].(string) < out[j]["product"].(string)
	})
	return out, nil
}
