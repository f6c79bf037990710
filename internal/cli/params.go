package cli

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
)

// params are the flags of every command that takes a query: the values of its
// template parameters, {{name}}.
type params struct {
	values   []string
	file     string
	fallback string
	cmd      *cobra.Command

	many bool            // the command takes several queries: unused tells which names none has
	met  map[string]bool // the names of the parameters of all queries so far
}

func (p *params) flags(cmd *cobra.Command) {
	p.cmd = cmd
	f := cmd.Flags()
	f.StringArrayVar(&p.values, "param", nil, "value of a template parameter: NAME=VALUE is put in the place of {{NAME}} before the query is read (repeatable)")
	f.StringVar(&p.file, "params", "", "YAML or JSON file of such values, by name; --param goes before it")
	f.StringVar(&p.fallback, "param-default", "", "value of the template parameters that have none, such as '*'; where it cannot stand the stage is left out, with a warning, and --strict fails")
}

// fill puts the values into a query. Parameters without one stay.
// What --param-default could not stand for comes with warnings, which are errors
// under --strict.
func (p *params) fill(f *diag.File) (*diag.File, diag.List, error) {
	if p == nil {
		return f, nil, nil
	}
	given := map[string]string{}
	if p.file != "" {
		if err := p.read(given); err != nil {
			return nil, nil, err
		}
	}
	var names []string
	for _, q := range syntax.Parameters(f) {
		if !slices.Contains(names, q.Name) {
			names = append(names, q.Name)
		}
		if p.met == nil {
			p.met = map[string]bool{}
		}
		p.met[q.Name] = true
	}
	for _, v := range p.values {
		name, value, ok := strings.Cut(v, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, nil, usageError("--param %s: write NAME=VALUE", v)
		}
		if !p.many && !slices.Contains(names, name) {
			help := "it has none"
			if len(names) > 0 {
				help = "it has " + strings.Join(names, ", ")
			}
			return nil, nil, usageError("--param %s: %s has no parameter {{%s}}; %s", v, f.Name, name, help)
		}
		given[name] = value
	}
	filled, diags := syntax.Fill(f, func(q syntax.Parameter) (string, bool) {
		v, ok := given[q.Name]
		return v, ok
	})
	if !diags.HasErrors() && p.cmd.Flags().Changed("param-default") {
		filled, diags = query.FillAll(filled, query.Standard(), p.fallback)
		if strict := p.cmd.Flags().Lookup("strict"); strict != nil && strict.Value.String() == "true" {
			for _, d := range diags { // what is left out changes what the query finds
				d.Severity = diag.Error
			}
		}
	}
	return filled, diags, diags.Err()
}

// unused is the mistake of a --param that none of several queries has.
func (p *params) unused() error {
	for _, v := range p.values {
		if name, _, _ := strings.Cut(v, "="); !p.met[strings.TrimSpace(name)] {
			return usageError("--param %s: no query has a parameter {{%s}}", v, strings.TrimSpace(name))
		}
	}
	return nil
}

// read reads the file of values.
func (p *params) read(into map[string]string) error {
	text, err := os.ReadFile(p.file)
	if err != nil {
		return &exit{exitInput, err}
	}
	var doc map[string]yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return usageError("--params %s: it is no list of NAME: VALUE: %v", p.file, err)
	}
	for name, n := range doc {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
			return usageError("--params %s: line %d: the value of %s is no text and no number", p.file, n.Line, name)
		}
		into[name] = n.Value
	}
	return nil
}
