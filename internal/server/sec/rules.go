package sec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// ruleKind is a kind of rule: how its calls and ids name it.
type ruleKind struct{ path, kind, id string }

var ruleKinds = []ruleKind{
	{"templated", ruledoc.MatchRule, "MATCH"}, {"threshold", ruledoc.ThresholdRule, "THRESHOLD"}, {"chain", ruledoc.ChainRule, "CHAIN"},
	{"aggregation", ruledoc.AggregationRule, "AGGREGATION"}, {"first-seen", ruledoc.FirstSeenRule, "FIRST"}, {"outlier", ruledoc.OutlierRule, "OUTLIER"},
}

// overridable are the fields of a built-in rule that an override may change (5.9).
var overridable = []string{"score", "scoreMapping", "entitySelectors", "name", "nameExpression", "description", "descriptionExpression", "summaryExpression", "tags", "isPrototype",
	"groupByFields", "windowSize", "windowSizeName", "windowSizeMilliseconds", "limit", "baselineWindowSize", "retentionWindowSize", "deviationThreshold", "floorValue", "suppressionWindowSize"}

func (a *API) ruleRoutes() []access.Route {
	many, one := Base+"/rules", Base+"/rules/{id}"
	all := []access.Route{
		call(http.MethodGet, many, false, handle(a.rules)),
		call(http.MethodGet, one, false, handle(func(w http.ResponseWriter, r *http.Request) (any, error) {
			d, err := a.findRule(r, "")
			if err != nil {
				return nil, err
			}
			w.Header().Set("ETag", etag(d.Revision))
			return a.rule(r, d), nil
		})),
		call(http.MethodDelete, one, true, handle(func(_ http.ResponseWriter, r *http.Request) (any, error) {
			d, err := a.findRule(r, "")
			if err != nil {
				return nil, err
			}
			if !matches(r, d.Revision) {
				return nil, errStale
			}
			if d.Number == 0 {
				return nil, errBuiltin
			}
			if err := a.docs.Delete(r.Context(), d, "", a.now(), a.user(r)); err != nil {
				if errors.Is(err, ErrNone) {
					err = missing("rule", d.ID)
				}
				return nil, err
			}
			a.changed()
			return true, nil
		})),
		// /rules/{kind}/{id} and /rules/{id}/enabled, which net/http's patterns do not tell apart.
		call(http.MethodPut, many+"/{kind}/{id}", true, handle(func(w http.ResponseWriter, r *http.Request) (any, error) {
			if r.PathValue("id") != "enabled" {
				k, err := kindAt(r)
				if err != nil {
					return nil, err
				}
				return a.replaceRule(w, r, k, false)
			}
			r.SetPathValue("id", r.PathValue("kind"))
			d, err := a.findRule(r, "")
			if err != nil {
				return nil, err
			}
			if d.Number == 0 {
				return a.switchBuiltin(w, r, d)
			}
			return a.enable(w, r, d.Kind, "rule", nil)
		})),
		call(http.MethodGet, many+"/{kind}/{id}", false, handle(func(w http.ResponseWriter, r *http.Request) (any, error) {
			k, err := kindAt(r)
			if err != nil {
				return nil, err
			}
			d, err := a.findRule(r, k.kind)
			if err != nil {
				return nil, err
			}
			w.Header().Set("ETag", etag(d.Revision))
			return a.rule(r, d), nil
		})),
	}
	for _, k := range ruleKinds {
		all = append(all,
			call(http.MethodPost, many+"/"+k.path, true, handle(func(w http.ResponseWriter, r *http.Request) (any, error) { return a.createRule(w, r, k) })),
			call(http.MethodPut, many+"/"+k.path+"/{id}/override", true, handle(func(w http.ResponseWriter, r *http.Request) (any, error) { return a.replaceRule(w, r, k, true) })))
	}
	return all
}

// kindAt is the kind of rules that a request's path names.
func kindAt(r *http.Request) (ruleKind, error) {
	for _, k := range ruleKinds {
		if k.path == r.PathValue("kind") {
			return k, nil
		}
	}
	return ruleKind{}, missing("kind of rules", r.PathValue("kind"))
}

func kinds() (all []string) {
	for _, k := range ruleKinds {
		all = append(all, k.kind)
	}
	return all
}

// findRule gets the rule of a request, of a kind where that is not "".
func (a *API) findRule(r *http.Request, kind string) (*Document, error) {
	id := r.PathValue("id")
	for _, k := range ruleKinds {
		if strings.HasPrefix(id, k.id+"-") && (kind == "" || kind == k.kind) {
			d, err := a.docs.Get(r.Context(), k.kind, id)
			if !errors.Is(err, ErrNone) {
				return d, err
			}
		}
	}
	if d, err := a.findBuiltin(r.Context(), id); err != nil || d != nil && (kind == "" || kind == d.Kind) {
		return d, err
	}
	return nil, missing("rule", id)
}

func (a *API) rules(_ http.ResponseWriter, r *http.Request) (any, error) {
	offset, limit, err := page(r, pageMost)
	if err != nil {
		return nil, err
	}
	keep, err := ruleFilter(r.URL.Query().Get("q"))
	if err != nil {
		return nil, err
	}
	docs, _, err := a.docs.Select(r.Context(), Selection{Kinds: kinds()})
	if err != nil {
		return nil, err
	}
	given, err := a.builtins(r.Context())
	if err != nil {
		return nil, err
	}
	docs = slices.DeleteFunc(append(given, docs...), func(d *Document) bool { return !keep(d) })
	var out []object
	for i := offset; i < min(offset+limit, len(docs)); i++ {
		out = append(out, a.rule(r, docs[i]))
	}
	return listing(out, offset, len(docs)), nil
}

// ruleFilter reads the q of the list of rules: terms joined by a space or AND, - before
// one negates it (14.4).
func ruleFilter(q string) (func(*Document) bool, error) {
	terms, err := Terms(q)
	if err != nil {
		return nil, bad("q: %v", err)
	}
	value := func(d *Document, field string) ([]string, bool) {
		switch field {
		case "":
			return []string{d.Name, d.ID, text(d.Body, "description"), text(d.Body, "descriptionExpression")}, true
		case "name":
			return []string{d.Name}, true
		case "id", "ruleId":
			return []string{d.ID}, true
		case "enabled", "isPrototype":
			return []string{fmt.Sprint(d.Body[field])}, true
		case "score", "severity":
			return []string{fmt.Sprint(d.Body["score"])}, true
		case "ruleSource":
			return []string{source(d)}, true
		case "ruleType":
			return []string{typeOf(d.Kind)}, true
		case "tag", "tags":
			var all []string
			list, _ := d.Body["tags"].([]any)
			for _, t := range list {
				all = append(all, fmt.Sprint(t))
			}
			return all, true
		}
		return nil, false
	}
	for _, t := range terms {
		if _, ok := value(&Document{}, t.Field); !ok {
			return nil, bad("q: rules have no field %q to be asked for; they have name, id, enabled, isPrototype, severity, ruleType, ruleSource and tag", t.Field)
		}
	}
	return func(d *Document) bool {
		for _, t := range terms {
			values, _ := value(d, t.Field)
			if !t.Holds(values) {
				return false
			}
		}
		return true
	}, nil
}

// source says whose a rule is: the tenant's, or, as Sumo Logic calls what is built in, sumo's.
func source(d *Document) string {
	if d.Number == 0 {
		return "sumo"
	}
	return "user"
}

func typeOf(kind string) string { return strings.TrimSuffix(kind, "_rule") }

func (a *API) createRule(w http.ResponseWriter, r *http.Request, k ruleKind) (any, error) {
	o, err := body(r, "fields", false)
	if err != nil {
		return nil, err
	}
	if err := a.soundRule(r.Context(), k, o); err != nil {
		return nil, err
	}
	d := &Document{Kind: k.kind, Name: text(o, "name"), Body: o, Created: a.now(), CreatedBy: a.user(r)}
	if err := a.docs.Create(r.Context(), d, func(number int64) string { return fmt.Sprintf("%s-U%05d", k.id, number) }); err != nil {
		return nil, err
	}
	a.changed()
	w.Header().Set("ETag", etag(d.Revision))
	return a.rule(r, d), nil
}

// soundRule checks a rule and gives it what a rule has that does not say.
func (a *API) soundRule(ctx context.Context, k ruleKind, o object) error {
	for _, key := range []string{"ruleType", "ruleSource", "status", "created", "createdBy", "lastUpdated", "lastUpdatedBy", "id"} {
		delete(o, key)
	}
	if strings.TrimSpace(text(o, "name")) == "" {
		return bad("a rule needs a name")
	}
	if _, ok := o["enabled"]; !ok {
		o["enabled"] = true
	}
	return ofRuledoc(k.kind)(ctx, a, o)
}

func (a *API) replaceRule(w http.ResponseWriter, r *http.Request, k ruleKind, override bool) (any, error) {
	o, err := body(r, "fields", false)
	if err != nil {
		return nil, err
	}
	d, err := a.findRule(r, k.kind)
	if err != nil {
		return nil, err
	}
	if !matches(r, d.Revision) {
		return nil, errStale
	}
	if d.Number == 0 && !override {
		return nil, errBuiltin
	}
	if override {
		for key := range o {
			if !slices.Contains(overridable, key) {
				return nil, bad("an override does not change %s; it may change %s", key, strings.Join(overridable, ", "))
			}
		}
		if d.Number == 0 {
			return a.overrideBuiltin(w, r, k, d, o)
		}
		with := maps.Clone(d.Body)
		maps.Copy(with, o)
		if _, ok := o["windowSize"]; ok {
			if _, named := o["windowSizeName"]; !named {
				delete(with, "windowSizeName")
			}
		}
		o = with
	}
	if err := a.soundRule(r.Context(), k, o); err != nil {
		return nil, err
	}
	d.Body, d.Name = o, text(o, "name")
	if err := a.put(r, d); err != nil {
		return nil, err
	}
	w.Header().Set("ETag", etag(d.Revision))
	return a.rule(r, d), nil
}

// rule is a rule as a client sees it: its window in ms, with the name beside (14.1).
func (a *API) rule(r *http.Request, d *Document) object {
	out := a.shown(r, &resource{}, d)
	out["ruleType"], out["ruleSource"] = typeOf(d.Kind), source(d)
	// An empty mapping is none: so Sumo Logic's Terraform provider expects it.
	if m, ok := out["scoreMapping"].(map[string]any); ok {
		if list, ok := m["mapping"].([]any); ok && len(list) == 0 {
			with := object{}
			for k, v := range m {
				with[k] = v
			}
			with["mapping"] = nil
			out["scoreMapping"] = with
		}
	}
	out["status"] = object{"status": "active", "message": ""}
	if doc, err := document(d.Kind, d.ID, d.Body); err == nil {
		if x, _ := doc.Rule(); x != nil && x.Window > 0 {
			name := text(out, "windowSizeName")
			if name == "" {
				name = "CUSTOM"
				if given := strings.ToUpper(text(d.Body, "windowSize")); strings.HasPrefix(given, "T") {
					name = given
				}
			}
			out["windowSize"], out["windowSizeName"] = json.Number(strconv.FormatInt(x.Window, 10)), name
		}
	}
	return out
}
