package collect

import (
	"net/http"
	"strings"
)

// What Beats, Logstash and others ask of Elastic before they send: whether the template,
// policy, pipeline, data stream or index that they want is there, and to make it where it is
// not. Here nothing of that has an effect, since documents are kept as they come; so each
// name that is asked for is there, and what is put is acknowledged, with a warning in
// Elastic's own header and a line in the log.
// Source: Elasticsearch's reference of the calls; libbeat's idxmgmt; logstash-output-elasticsearch's
// template_manager.rb and ilm.rb.

// elasticKind is a kind of thing that is asked for by its name.
type elasticKind struct {
	what  string                // for people
	shown func(name string) any // as Elastic shows one
}

// elasticKinds are the kinds, by the path before the name.
var elasticKinds = map[string]elasticKind{
	"_index_template": {"index templates", func(n string) any {
		return map[string]any{"index_templates": []any{map[string]any{"name": n, "index_template": map[string]any{"index_patterns": []string{n + "*"}, "composed_of": []string{}, "data_stream": map[string]any{}}}}}
	}},
	"_component_template": {"component templates", func(n string) any {
		return map[string]any{"component_templates": []any{map[string]any{"name": n, "component_template": map[string]any{"template": map[string]any{}}}}}
	}},
	"_template": {"index templates", func(n string) any {
		return map[string]any{n: map[string]any{"order": 0, "index_patterns": []string{n + "*"}, "settings": map[string]any{}, "mappings": map[string]any{}, "aliases": map[string]any{}}}
	}},
	"_data_stream": {"data streams", func(n string) any {
		return map[string]any{"data_streams": []any{map[string]any{"name": n, "timestamp_field": map[string]any{"name": "@timestamp"}, "indices": []any{}, "generation": 1, "status": "GREEN", "template": n}}}
	}},
	"_ilm/policy": {"lifecycle policies", func(n string) any {
		return map[string]any{n: map[string]any{"version": 1, "policy": map[string]any{"phases": map[string]any{}}}}
	}},
	"_ingest/pipeline": {"ingest pipelines", func(n string) any {
		return map[string]any{n: map[string]any{"processors": []any{}}}
	}},
}

var _ = register(Door{
	Name: "elastic",
	Routes: func() []Route {
		list := []Route{
			{Pattern: "GET /_xpack", Way: elasticWay, NoBody: true, Receive: elasticFeatures},
			{Pattern: "GET /_cat/health", Way: elasticWay, NoBody: true, Receive: elasticCatHealth},
		}
		for path := range elasticKinds {
			list = append(list, Route{Pattern: "GET /" + path + "/{name}", Way: elasticWay, NoBody: true, Receive: func(q *Request) (*Delivery, *Failure) {
				return &Delivery{Answer: func(w http.ResponseWriter, _ uint64) {
					answerElastic(w, q.Request, http.StatusOK, elasticKinds[path].shown(clipText(q.PathValue("name"))))
				}}, nil
			}})
		}
		return list
	}(),
	Refuse: refuseElastic,
})

// elasticFeatures is what older Beats ask for: the license, and whether there are lifecycles.
func elasticFeatures(q *Request) (*Delivery, *Failure) {
	return &Delivery{Answer: func(w http.ResponseWriter, _ uint64) {
		answerElastic(w, q.Request, http.StatusOK, map[string]any{
			"license":  map[string]any{"uid": "gyoji", "type": "basic", "mode": "basic", "status": "active"},
			"features": map[string]any{"ilm": map[string]any{"available": false, "enabled": false}},
		})
	}}, nil
}

// elasticCatHealth is what rsyslog asks before it sends.
func elasticCatHealth(q *Request) (*Delivery, *Failure) {
	return &Delivery{Answer: func(w http.ResponseWriter, _ uint64) {
		elasticHeaders(w, q.Request)
		w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		w.WriteHeader(http.StatusOK)
		if q.Method != http.MethodHead {
			w.Write([]byte("gyoji green 1 1\n"))
		}
	}}, nil
}

// ElasticSetup answers the calls of the same sort that patterns of net/http cannot hold
// apart from those of documents: PUT of something by its name, and an index's own name. It
// reports whether the request is one of them.
func (d *Doors) ElasticSetup(w http.ResponseWriter, r *http.Request) bool {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	name := parts[len(parts)-1]
	kind, known := elasticKinds[strings.Join(parts[:len(parts)-1], "/")]
	switch {
	case name == "":
		return false
	case known && (r.Method == http.MethodPut || r.Method == http.MethodPost):
	case len(parts) == 1 && (r.Method == http.MethodPut || r.Method == http.MethodHead && r.Header.Get("Authorization") != ""):
		kind = elasticKind{what: "settings of an index"}
	default:
		return false
	}
	d.serve(&Door{Name: "elastic", Refuse: refuseElastic}, &Route{Way: elasticWay, Receive: func(*Request) (*Delivery, *Failure) {
		return &Delivery{Answer: func(w http.ResponseWriter, _ uint64) {
			if r.Method != http.MethodHead {
				d.once("elastic "+kind.what, "a client of Elastic's set up %s; they have no effect, since documents are kept as they come", kind.what)
				w.Header().Set("Warning", `299 gyoji "`+kind.what+` have no effect here: documents are kept as they come"`)
			}
			answer := map[string]any{"acknowledged": true}
			if !known {
				answer["shards_acknowledged"], answer["index"] = true, clipText(name)
			}
			answerElastic(w, r, http.StatusOK, answer)
		}}, nil
	}}, d.count("elastic"), w, r)
	return true
}

// elasticPipeline warns of documents that were to go through a pipeline.
func elasticPipeline(q *Request) {
	if name := q.URL.Query().Get("pipeline"); name != "" && name != "_none" {
		q.Doors.once("elastic pipeline", "documents came by Elastic's bulk API for an ingest pipeline (%s); gyoji has none, and keeps documents as they come", clip(name))
	}
}
