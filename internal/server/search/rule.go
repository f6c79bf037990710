package search

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/sigma"
)

// Drafted is what a query becomes as a rule.
type Drafted struct {
	// Rule is a match rule as Cloud SIEM's API takes it; null where Why says that the query
	// cannot be one.
	Rule json.RawMessage `json:"rule"`
	Why  string          `json:"why,omitempty"`
	// Sigma is the same as a Sigma rule, with a correlation where the query counts; "" for none.
	Sigma string `json:"sigma,omitempty"`
	// Lost is what of the query the rule does not say.
	Lost []string `json:"lost"`
}

// rule answers a query as a rule that runs over what arrives: {"query", "name"}. It makes
// nothing: the rule is then sent to Cloud SIEM's API.
func (p *Page) rule(r *http.Request) (any, error) {
	var ask struct{ Query, Name string }
	if err := access.Body(r, languageMost, &ask); err != nil {
		return nil, err
	}
	name := strings.TrimSpace(ask.Name)
	if name == "" {
		name = "New rule"
	}
	out := &Drafted{Rule: json.RawMessage("null"), Lost: []string{}}
	found, wrong := convert.FromSumo(diag.Text("query", ask.Query))
	if found == nil {
		out.Why = capital(firstError(wrong)) + "."
		return out, nil
	}
	for _, l := range found.Lost {
		out.Lost = append(out.Lost, capital(l.Message)+".")
	}
	out.Sigma = convert.SigmaText(found, sigma.Meta{Title: name, Description: "Made of a search.", Level: sigma.Medium})
	if found.Count != nil {
		out.Why = "The query counts, and a match rule looks at one record at a time. It is a Sigma correlation, which gyoji content takes, and gyoji convert writes as a threshold rule."
		return out, nil
	}
	docs, wrong := sigma.Parse(diag.Text("rule.yml", out.Sigma))
	var of *sigma.Rule
	if len(docs) == 1 {
		of, _ = docs[0].(*sigma.Rule)
	}
	if of == nil || wrong.HasErrors() {
		out.Why = "The query cannot be said as one rule."
		return out, nil
	}
	text, err := convert.Rule(convert.Named("cse"), of, convert.Options{})
	if err != nil {
		out.Why = capital(err.Error()) + "."
		return out, nil
	}
	var made struct{ Fields json.RawMessage }
	if err := json.Unmarshal([]byte(text), &made); err != nil {
		return nil, err
	}
	out.Rule = made.Fields
	return out, nil
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
