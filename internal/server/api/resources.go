package api

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/server/access"
)

// resources are the kinds of things that are kept as documents alone.
var resources = []*resource{
	{
		path: "/api/v1/partitions", kind: "partitions", what: "partition", role: access.Content,
		state: "; _index=NAME searches what its routing expression finds, since messages are not kept apart",
		check: func(a *API, f, old fields) error {
			if err := firstOf(f.need("name"), f.need("routingExpression")); err != nil {
				return err
			}
			if !regexp.MustCompile(`^[A-Za-z0-9_]{1,255}$`).MatchString(f.text("name")) {
				return refuse(http.StatusBadRequest, "partition.name.invalid", "The name of a partition has letters, digits and _ alone.")
			}
			if _, err := a.tree(f.text("routingExpression")); err != nil || strings.Contains(f.text("routingExpression"), "|") {
				return refuse(http.StatusBadRequest, "partition.routing.expression.invalid", "The routingExpression is no search expression: %s.", problem(err, "it holds a |"))
			}
			f.put("analyticsTier", "continuous")
			f.put("retentionPeriod", -1)
			f.put("isCompliant", false)
			f.put("isIncludedInDefaultSearch", true)
			f.put("totalBytes", 0)
			f.put("isActive", true)
			f.put("indexType", "Partition")
			return unique(a, "partitions", "name", f)
		},
	},
	{
		path: "/api/v1/extractionRules", kind: "extractionRules", what: "field extraction rule", role: access.Content,
		state: "; searches that ask for its fields take them out of messages, also of those that came before it",
		check: func(a *API, f, old fields) error {
			if err := firstOf(f.need("name"), f.need("scope"), f.need("parseExpression")); err != nil {
				return err
			}
			if n := len(f.text("parseExpression")); n > 16_384 {
				return refuse(http.StatusBadRequest, "extraction-rule.too-long", "The parseExpression has %d characters, and 16384 is the most.", n)
			}
			x, err := a.compileExtraction(f)
			if err != nil {
				return err
			}
			if len(a.keep.list("extractionRules")) >= 50 && old == nil {
				return refuse(http.StatusBadRequest, "extraction-rule.limit", "There are 50 rules, which is the most.")
			}
			f["fieldNames"] = x.made
			f.put("enabled", true)
			return unique(a, "extractionRules", "name", f)
		},
	},
	{
		path: "/api/v1/connections", kind: "connections", what: "connection", role: access.Content, wrap: "connection",
		state: ": a webhook that scheduled searches call",
		check: func(a *API, f, old fields) error {
			if err := f.need("name"); err != nil {
				return err
			}
			f.put("type", "WebhookDefinition")
			f.put("webhookType", "Webhook")
			f.put("connectionSubtype", "Event")
			f.put("description", "")
			f.put("headers", []any{})
			f.put("customHeaders", []any{})
			f.put("defaultPayload", "")
			if t := f.text("webhookType"); t != "Webhook" {
				return refuse(http.StatusBadRequest, "connection.type.invalid", "Connections of the webhookType %s are not offered; use Webhook with the service's address.", t)
			}
			return firstOf(checkHook(f), unique(a, "connections", "name", f))
		},
	},
}

// partitionRoutes are calls of partitions besides those of every resource.
func (a *API) partitionRoutes() []route {
	return []route{{"POST /api/v1/partitions/{id}/decommission", access.Content, "takes one away", a.answers(func(r *http.Request) (any, error) {
		return nil, a.drop(r, resources[0], r.PathValue("id"))
	})}}
}

// firstOf is the first error that is none.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// problem is what is wrong with a query, or else.
func problem(err error, other string) string {
	if err == nil {
		return other
	}
	return strings.TrimPrefix(parseError(err).Error(), "The query cannot be read: ")
}

// builtIn are the fields that messages have in any case, with their types.
var builtIn = []string{
	"_blockId", "_collector", "_collectorId", "_format", "_messageCount", "_messageId", "_messageTime", "_raw", "_receiptTime",
	"_size", "_source", "_sourceCategory", "_sourceHost", "_sourceId", "_sourceName",
}

// builtInType is the type of a built-in field.
func builtInType(name string) string {
	switch name {
	case "_blockId", "_collectorId", "_messageId", "_messageTime", "_receiptTime", "_size", "_sourceId":
		return "Long"
	case "_messageCount":
		return "Int"
	}
	return "String"
}

// fieldID is a field's id: 16 hexadecimal digits of its place.
func fieldID(i int) string {
	const digits = "0123456789ABCDEF"
	b := []byte("0000000000000000")
	for at := len(b) - 1; i > 0; at, i = at-1, i/16 {
		b[at] = digits[i%16]
	}
	return string(b)
}

// customFields are fields that clients have declared. gyoji keeps all fields of
// messages, declared or not.
var customFields = &resource{
	path: "/api/v1/fields", kind: "fields", what: "field", role: access.Content,
	check: func(a *API, f, old fields) error {
		if err := f.need("fieldName"); err != nil {
			return err
		}
		if strings.HasPrefix(f.text("fieldName"), "_") {
			return refuse(http.StatusBadRequest, "field.reserved", "Names that begin with _ are reserved.")
		}
		f.put("dataType", "String")
		f.put("state", "Enabled")
		return unique(a, "fields", "fieldName", f)
	},
}

// shownField is a declared field as it is told.
func shownField(d document) fields {
	f := d.fields()
	return fields{"fieldId": d.ID, "fieldName": f["fieldName"], "dataType": f["dataType"], "state": f["state"]}
}

func (a *API) fieldRoutes() []route {
	builtins := func() (out []any) {
		for i, name := range builtIn {
			out = append(out, fields{"fieldId": fieldID(i + 1), "fieldName": name, "dataType": builtInType(name), "state": "Enabled"})
		}
		return out
	}
	custom := func() (out []any) {
		for _, d := range a.keep.list("fields") {
			out = append(out, shownField(d))
		}
		return out
	}
	set := func(state string) http.HandlerFunc {
		return a.answers(func(r *http.Request) (any, error) {
			_, err := a.change(r, customFields, r.PathValue("id"), fields{"state": state})
			return nil, err
		})
	}
	data := func(list []any) any {
		return struct {
			Data []any `json:"data"`
		}{orEmpty(list)}
	}
	one := func(list []any, id string) (any, error) {
		for _, f := range list {
			if strings.EqualFold(f.(fields).text("fieldId"), id) {
				return f, nil
			}
		}
		return nil, customFields.none(id)
	}
	return []route{
		{"GET /api/v1/fields", access.Read, "lists built-in and declared fields", a.answers(func(r *http.Request) (any, error) {
			return data(append(builtins(), custom()...)), nil
		})},
		{"POST /api/v1/fields", access.Content, "declares one; gyoji keeps undeclared fields as well", a.answers(func(r *http.Request) (any, error) {
			f, err := customFields.sent(r)
			if err != nil {
				return nil, err
			}
			made, err := a.make(r, customFields, f)
			if err != nil {
				return nil, err
			}
			d, _ := a.keep.get("fields", made.text("id"))
			return shownField(d), nil
		})},
		{"GET /api/v1/fields/builtin", access.Read, "lists built-in fields", a.answers(func(r *http.Request) (any, error) { return data(builtins()), nil })},
		{"GET /api/v1/fields/quota", access.Read, "tells how many are declared", a.answers(func(r *http.Request) (any, error) {
			n := len(a.keep.list("fields"))
			return fields{"quota": 1000, "remaining": max(0, 1000-n)}, nil
		})},
		{"GET /api/v1/fields/{id}", access.Read, "gives one", a.answers(func(r *http.Request) (any, error) {
			return one(append(builtins(), custom()...), r.PathValue("id"))
		})},
		{"DELETE /api/v1/fields/{id}", access.Content, "takes a declared one away", a.answers(func(r *http.Request) (any, error) {
			return nil, a.drop(r, customFields, r.PathValue("id"))
		})},
		{"PUT /api/v1/fields/{id}/enable", access.Content, "enables a declared one", set("Enabled")},
		{"DELETE /api/v1/fields/{id}/disable", access.Content, "disables a declared one", set("Disabled")},
	}
}
