package api

import (
	"net/http"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/server/access"
)

// accountRoutes are calls by which clients find out who and where they are, and lists of
// what gyoji has none of.
func (a *API) accountRoutes() []route {
	role := func(r access.Role) fields {
		return fields{
			"id": roleID(r), "name": string(r), "description": "", "filterPredicate": "", "capabilities": []string{}, "users": []string{},
			"createdAt": "2026-01-01T00:00:00.000Z", "createdBy": "gyoji", "modifiedAt": "2026-01-01T00:00:00.000Z", "modifiedBy": "gyoji", "systemDefined": true,
		}
	}
	roles := a.answers(func(r *http.Request) (any, error) {
		var all []any
		for _, x := range access.Roles {
			all = append(all, role(x))
		}
		return listed(r, all)
	})
	oneRole := a.answers(func(r *http.Request) (any, error) {
		for _, x := range access.Roles {
			if roleID(x) == r.PathValue("id") {
				return role(x), nil
			}
		}
		return nil, refuse(http.StatusNotFound, access.CodeNotFound, "There is no role %s.", r.PathValue("id"))
	})
	self := func(r *http.Request) fields {
		p := access.From(r.Context())
		return fields{
			"id": p.String(), "firstName": p.Label, "lastName": "", "email": p.String(), "roleIds": []string{roleID(p.Role)}, "isActive": true,
			"isLocked": false, "isMfaEnabled": false, "createdAt": "2026-01-01T00:00:00.000Z", "createdBy": "gyoji",
			"modifiedAt": "2026-01-01T00:00:00.000Z", "modifiedBy": "gyoji", "lastLoginTimestamp": a.stamp(),
		}
	}
	nothing := func(name string, more ...string) http.HandlerFunc {
		return a.answers(func(*http.Request) (any, error) {
			f := fields{name: []any{}}
			for _, m := range more {
				f[m] = nil
			}
			return f, nil
		})
	}
	return []route{
		{"GET /api/v1/account/status", access.Read, "says that all is well, for connection checks", a.answers(func(*http.Request) (any, error) {
			return fields{
				"pricingModel": "credits", "canUpdatePlan": false, "planType": "Paid", "planExpirationDays": 0, "applicationUse": "AllFeatures",
				"accountActivated": true, "totalCredits": 0, "logModel": "Flex",
			}, nil
		})},
		{"GET /api/v1/account/accountOwner", access.Read, "gives the id of who asks", a.answers(func(r *http.Request) (any, error) { return access.From(r.Context()).String(), nil })},
		{"GET /api/v1/users", access.Read, "lists who asks", a.answers(func(r *http.Request) (any, error) { return listed(r, []any{self(r)}) })},
		{"GET /api/v1/users/{id}", access.Read, "gives who asks", a.answers(func(r *http.Request) (any, error) {
			if !strings.EqualFold(r.PathValue("id"), access.From(r.Context()).String()) {
				return nil, refuse(http.StatusNotFound, access.CodeNotFound, "There is no user %s.", r.PathValue("id"))
			}
			return self(r), nil
		})},
		{"GET /api/v1/roles", access.Read, "lists the roles of keys", roles},
		{"GET /api/v1/roles/{id}", access.Read, "gives one", oneRole},
		{"GET /api/v2/roles", access.Read, "lists the roles of keys", roles},
		{"GET /api/v2/roles/{id}", access.Read, "gives one", oneRole},
		{"GET /api/v1/scheduledViews", access.Read, "lists scheduled views: none", nothing("data", "next")},
		{"GET /api/v1/dashboards", access.Read, "lists dashboards: none", nothing("dashboards")},
		{"GET /api/v2/dashboards", access.Read, "lists dashboards: none", nothing("dashboards", "next")},
		{"GET /api/v2/ingestBudgets", access.Read, "lists ingest budgets: none", nothing("data", "next")},
		{"GET /api/v1/apps", access.Read, "lists apps: none", nothing("apps")},
		{"GET /api/v1/monitors/root", access.Read, "gives the folder of monitors: empty", a.answers(func(*http.Request) (any, error) {
			return fields{"id": "0000000000000003", "name": "Root", "description": "", "type": "MonitorsLibraryFolderResponse", "contentType": "Folder", "parentId": "0000000000000000", "children": []any{}}, nil
		})},
		{"GET /api/v1/monitors/search", access.Read, "finds monitors: none", a.answers(func(*http.Request) (any, error) { return []any{}, nil })},
	}
}

// roleID is the id of a role, as the product's ids are.
func roleID(r access.Role) string {
	for i, x := range access.Roles {
		if x == r {
			return fieldID(i + 1)
		}
	}
	return fieldID(0)
}
