package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/collect"
)

// link leads from a collector to its sources.
type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

// collectorShown is a collector with its links.
type collectorShown struct {
	collect.Collector
	Links []link `json:"links"`
}

func shownCollector(c collect.Collector) collectorShown {
	return collectorShown{c, []link{{"sources", fmt.Sprintf("/v1/collectors/%d/sources", c.ID)}}}
}

// sourceShown is a source as it is told: its own fields, and where to send to.
func (a *API) sourceShown(s collect.Source) (fields, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var f fields
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, err
	}
	f["id"] = s.ID // not as a float
	f["alive"] = true
	f.put("manualPrefixRegexp", "")
	f.put("defaultDateFormats", []any{})
	base := a.o.Base() + "/receiver/v1/http"
	f["baseUrl"] = base
	if token := a.o.Sources.Token(s.ID); token != "" {
		f["token"], f["url"] = token, base+"/"+token
	}
	return f, nil
}

// number reads an id of a path.
func number(r *http.Request, name, what string) (int64, error) {
	n, err := strconv.ParseInt(r.PathValue(name), 10, 64)
	if err != nil {
		return 0, refuse(http.StatusNotFound, "invalid_"+what, "There is no %s %q.", what, r.PathValue(name))
	}
	return n, nil
}

// sourcesError is an error of the collectors and sources as an answer.
func sourcesError(err error, what string) error {
	var wrong *collect.InvalidError
	switch {
	case errors.As(err, &wrong):
		return refuse(http.StatusBadRequest, wrong.Code, "%s", capital(wrong.Message)+".")
	case errors.Is(err, collect.ErrNotFound):
		return refuse(http.StatusNotFound, "invalid_"+what, "There is no such %s.", what)
	}
	return err
}

// ifMatch checks the ETag that a change of a collector or source needs.
func ifMatch(r *http.Request, revision int64) error {
	m, ok := r.Header["If-Match"]
	if !ok {
		return refuse(http.StatusForbidden, "etag.missing", "The header If-Match is missing: send the ETag that a GET gives.")
	}
	etag := strings.TrimSpace(strings.TrimPrefix(m[0], "W/"))
	if etag != "" && etag != "*" && strings.Trim(etag, `"`) != strconv.FormatInt(revision, 10) {
		return refuse(http.StatusPreconditionFailed, "etag.mismatch", "It has been changed since: its ETag is %q now.", strconv.FormatInt(revision, 10))
	}
	return nil
}

// tagged answers with an object under a name, and its ETag.
func tagged(w http.ResponseWriter, status int, name string, v any, revision int64) {
	w.Header().Set("ETag", fmt.Sprintf(`"%d"`, revision))
	access.Answer(w, status, map[string]any{name: v})
}

// classic reads offset and limit of the older lists, and gives the range of n.
func classic(r *http.Request, n int) (from, to int, err error) {
	q := r.URL.Query()
	limit, offset := 1000, 0
	for name, at := range map[string]*int{"limit": &limit, "offset": &offset} {
		if text := q.Get(name); text != "" {
			if *at, err = strconv.Atoi(text); err != nil || *at < 0 {
				return 0, 0, refuse(http.StatusBadRequest, codeBad, "The parameter %s is %q, which is no whole number from 0.", name, text)
			}
		}
	}
	from = min(offset, n)
	return from, from + min(limit, 1000, n-from), nil
}

func (a *API) listCollectors(keep func(collect.Collector) bool) http.HandlerFunc {
	return a.answers(func(r *http.Request) (any, error) {
		filter := strings.ToLower(r.URL.Query().Get("filter"))
		list := []collectorShown{}
		for _, c := range a.o.Sources.Collectors() {
			ok := keep(c)
			switch filter {
			case "":
			case "hosted":
				ok = ok && c.CollectorType == "Hosted"
			case "installed":
				ok = ok && c.CollectorType != "Hosted"
			case "alive":
				ok = ok && c.Alive
			case "dead":
				ok = ok && !c.Alive
			default:
				return nil, refuse(http.StatusBadRequest, codeBad, "The filter %q is not known; it is installed, hosted, dead or alive.", filter)
			}
			if ok {
				list = append(list, shownCollector(c))
			}
		}
		from, to, err := classic(r, len(list))
		if err != nil {
			return nil, err
		}
		return map[string]any{"collectors": list[from:to]}, nil
	})
}

// unwrapped reads a body that is {"name": {...}}, into what is there already.
func unwrapped(r *http.Request, name string, into any) error {
	var all map[string]json.RawMessage
	if err := body(r, &all); err != nil {
		return err
	}
	text, ok := all[name]
	if !ok {
		return refuse(http.StatusBadRequest, "invalid_"+name, "The body is not {%q: {...}}.", name)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return refuse(http.StatusBadRequest, "invalid_"+name, "The %s cannot be read: %s.", name, plainJSON(err))
	}
	return nil
}

func (a *API) oneCollector(r *http.Request) (collect.Collector, int64, error) {
	id, err := number(r, "id", "collector")
	if err != nil {
		return collect.Collector{}, 0, err
	}
	c, revision, err := a.o.Sources.Collector(id)
	return c, revision, sourcesError(err, "collector")
}

func (a *API) oneSource(r *http.Request) (collector int64, s collect.Source, revision int64, err error) {
	c, _, err := a.oneCollector(r)
	if err != nil {
		return 0, s, 0, err
	}
	id, err := number(r, "sid", "source")
	if err != nil {
		return 0, s, 0, err
	}
	s, revision, err = a.o.Sources.Source(c.ID, id)
	return c.ID, s, revision, sourcesError(err, "source")
}

// handles is a handler that fails by its error.
func (a *API) handles(do func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := do(w, r); err != nil {
			a.fail(w, r, err)
		}
	}
}

func (a *API) collectorRoutes() []route {
	const base = "/api/v1/collectors"
	const one, sources, source = base + "/{id}", base + "/{id}/sources", base + "/{id}/sources/{sid}"
	return []route{
		{"GET " + base, access.Read, "lists collectors", a.listCollectors(func(collect.Collector) bool { return true })},
		{"GET " + base + "/offline", access.Read, "lists those that give no sign of life", a.listCollectors(func(c collect.Collector) bool { return !c.Alive })},
		{"GET " + base + "/upgrades/targets", access.Read, "lists versions to upgrade to: none", a.answers(func(*http.Request) (any, error) { return map[string]any{"targets": []any{}}, nil })},
		{"POST " + base, access.Admin, "makes a hosted one", a.handles(func(w http.ResponseWriter, r *http.Request) error {
			var c collect.Collector
			if err := unwrapped(r, "collector", &c); err != nil {
				return err
			}
			if c.CollectorType != "" && !strings.EqualFold(c.CollectorType, "Hosted") {
				return refuse(http.StatusBadRequest, "invalid_collector", "The collectorType is %q; Hosted ones alone are made here.", c.CollectorType)
			}
			made, err := a.o.Sources.AddCollector(c)
			if err != nil {
				return sourcesError(err, "collector")
			}
			tagged(w, http.StatusCreated, "collector", shownCollector(made), 1)
			return nil
		})},
		{"GET " + one, access.Read, "gives one, with its ETag", a.handles(func(w http.ResponseWriter, r *http.Request) error {
			c, revision, err := a.oneCollector(r)
			if err == nil {
				tagged(w, http.StatusOK, "collector", shownCollector(c), revision)
			}
			return err
		})},
		{"GET " + base + "/name/{name}", access.Read, "finds one by its name", a.handles(func(w http.ResponseWriter, r *http.Request) error {
			c, err := a.o.Sources.CollectorNamed(r.PathValue("name"))
			if err != nil {
				return sourcesError(err, "collector")
			}
			_, revision, err := a.o.Sources.Collector(c.ID)
			if err == nil {
				tagged(w, http.StatusOK, "collector", shownCollector(c), revision)
			}
			return sourcesError(err, "collector")
		})},
		{"PUT " + one, access.Admin, "changes one; needs If-Match", a.handles(func(w http.ResponseWriter, r *http.Request) error {
			c, revision, err := a.oneCollector(r)
			if err == nil {
				err = ifMatch(r, revision)
			}
			id := c.ID
			if err == nil {
				err = unwrapped(r, "collector", &c)
			}
			if err != nil {
				return err
			}
			c.ID = id
			if revision, err = a.o.Sources.SetCollector(c); err != nil {
				return sourcesError(err, "collector")
			}
			c, _, err = a.o.Sources.Collector(id)
			if err == nil {
				tagged(w, http.StatusOK, "collector", shownCollector(c), revision)
			}
			return sourcesError(err, "collector")
		})},
		{"DELETE " + one, access.Admin, "ends one and its sources", a.handles(func(w http.ResponseWriter, r *http.Request) error {
			c, _, err := a.oneCollector(r)
			if err == nil {
				err = sourcesError(a.o.Sources.DropCollector(c.ID), "collector")
			}
			if err == nil {
				w.WriteHeader(http.StatusOK)
			}
			return err
		})},
		{"GET " + one + "/{what}", access.Read, "lists the sources of one, where {what} is sources; ?download=true in the form of files", a.handles(func(w http.ResponseWriter, r *http.Request) error {
			if r.PathValue("what") != "sources" { // a pattern that ends so would be at odds with that of names
				return refuse(http.StatusNotFound, access.CodeNotFound, "There is no such call.")
			}
			c, _, err := a.oneCollector(r)
			if err != nil {
				return err
			}
			all, err := a.o.Sources.Of(c.ID)
			if err != nil {
				return sourcesError(err, "collector")
			}
			from, to, err := classic(r, len(all))
			if err != nil {
				return err
			}
			download := strings.EqualFold(r.URL.Query().Get("download"), "true")
			list := []fields{}
			for _, s := range all[from:to] {
				f, err := a.sourceShown(s)
				if err != nil {
					return err
				}
				if download {
					for _, own := range []string{"id", "alive", "url", "token", "baseUrl"} {
						delete(f, own)
					}
				}
				list = append(list, f)
			}
			answer := map[string]any{"sources": list}
			if download {
				answer["api.version"] = "v1"
			}
			access.Answer(w, http.StatusOK, answer)
			return nil
		})},
		{"POST " + sources, access.Admin, "makes an HTTP or Cloudsyslog one", a.handles(func(w http.ResponseWriter, r *http.Request) error {
			c, _, err := a.oneCollector(r)
			s := collect.NewSource("")
			if err == nil {
				err = unwrapped(r, "source", &s)
			}
			if err != nil {
				return err
			}
			made, _, err := a.o.Sources.AddSource(c.ID, s)
			if err != nil {
				return sourcesError(err, "source")
			}
			f, err := a.sourceShown(made)
			if err == nil {
				tagged(w, http.StatusCreated, "source", f, 1)
			}
			return err
		})},
		{"GET " + source, access.Read, "gives one, with its ETag", a.handles(func(w http.ResponseWriter, r *http.Request) error {
			_, s, revision, err := a.oneSource(r)
			if err != nil {
				return err
			}
			f, err := a.sourceShown(s)
			if err == nil {
				tagged(w, http.StatusOK, "source", f, revision)
			}
			return err
		})},
		{"PUT " + source, access.Admin, "changes one; needs If-Match", a.handles(func(w http.ResponseWriter, r *http.Request) error {
			collector, s, revision, err := a.oneSource(r)
			if err == nil {
				err = ifMatch(r, revision)
			}
			id := s.ID
			if err == nil {
				err = unwrapped(r, "source", &s)
			}
			if err != nil {
				return err
			}
			s.ID = id
			if revision, err = a.o.Sources.SetSource(collector, s); err != nil {
				return sourcesError(err, "source")
			}
			f, err := a.sourceShown(s)
			if err == nil {
				tagged(w, http.StatusOK, "source", f, revision)
			}
			return err
		})},
		{"DELETE " + source, access.Admin, "ends one", a.handles(func(w http.ResponseWriter, r *http.Request) error {
			collector, s, _, err := a.oneSource(r)
			if err == nil {
				err = sourcesError(a.o.Sources.DropSource(collector, s.ID), "source")
			}
			if err == nil {
				w.WriteHeader(http.StatusOK)
			}
			return err
		})},
	}
}
