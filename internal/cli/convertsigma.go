package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/content"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/proof"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/folder"
	"github.com/gyoji-dev/gyoji/sigma"
)

// convertToSigma writes the predicates of Sumo queries as Sigma rules.
func (a *app) convertToSigma(cmd *cobra.Command, args []string, values *params, dir string, prove, strict bool) error {
	if len(args) == 0 {
		return usageError("convert wants the queries or rules: gyoji convert -t sigma QUERY.sumo, a Cloud SIEM rule, or a detection package")
	}
	queries, err := queriesOf(args)
	if err != nil {
		return err
	}
	written, refused := 0, 0
	put := func(to, name, rule string) error {
		defer func() { written++ }()
		switch {
		case to != "":
			return a.writeInto(to, name+".yml", rule)
		case written > 0:
			_, err := fmt.Fprintf(a.stdout, "---\n%s", rule)
			return err
		}
		_, err := a.data().Write([]byte(rule))
		return err
	}
	for _, q := range queries {
		if q.siem {
			texts, bad := a.siemAsSigma(q.text)
			refused += bad
			for _, t := range texts {
				if err := put(dir, strings.TrimSuffix(filepath.Base(q.text.Name), filepath.Ext(q.text.Name)), t.Text); err != nil {
					return err
				}
			}
			continue
		}
		text, left, err := values.fill(q.text)
		if err != nil {
			return err
		}
		a.diagnose(left)
		q.text = text
		p, ds := convert.FromSumo(q.text)
		if p == nil {
			a.diagnose(ds)
			refused++
			continue
		}
		if len(p.Lost) > 0 {
			a.diagnose(p.Lost)
		}
		if strict && len(p.Lost) > 0 {
			refused++
			continue
		}
		rule := convert.SigmaText(p, q.about(p))
		if prove {
			why, err := a.unprovedSigma(cmd, q.text, p)
			if err != nil {
				return err
			}
			if why != "" {
				fmt.Fprintf(a.stderr, "gyoji: %s: sigma is not proved: %s\n", q.text.Name, why)
				refused++
				continue
			}
		}
		to := dir
		if q.hunt != nil && dir != "" {
			to = filepath.Join(dir, "hunts") // questions apart from alerts
		}
		if err := put(to, strings.TrimSuffix(filepath.Base(q.text.Name), ".sumo"), rule); err != nil {
			return err
		}
	}
	return firstOf(values.unused(), a.converted(len(queries), written, refused))
}

// unprovedSigma is what keeps a rule made of a query from being proved; "" when
// nothing does.
//
// What is proved is the predicate. How many events there are, and in which time,
// is not.
func (a *app) unprovedSigma(cmd *cobra.Command, query *diag.File, p *convert.Predicate) (string, error) {
	events := *p
	events.Count = nil
	text := convert.SigmaText(&events, sigma.Meta{Title: "T", Description: "D"})
	one, ds := proof.Query(query)
	if ds.HasErrors() {
		return "the query does not run: " + ds[0].Message, nil
	}
	two, ds := proof.Read(diag.Text(query.Name+" in sigma.yml", text))
	if ds.HasErrors() {
		return "it does not run: " + ds[0].Message, nil
	}
	if !slices.ContainsFunc(p.Lost, func(d *diag.Diagnostic) bool { return d.Code == "not-in-sigma" && d.Severity == diag.Warning }) {
		return a.provesConverted(cmd, one, two)
	}
	r, why, err := compared(cmd, one, two)
	if why == "" && err == nil {
		why = fmt.Sprintf("it is equal on %d events made, and none of them is about what the rule leaves out", r.Made)
	}
	return why, err
}

// queryFile is a query with the detection that it is of, or the hunting query of
// a package that it is; neither for one alone.
type queryFile struct {
	text *diag.File
	of   *detection.Detection
	hunt *detection.HuntQuery
	pkg  *detection.Package // of hunt
	siem bool               // the file holds rules of Cloud SIEM
}

// queriesOf reads the queries that are named: files, folders of them, packages.
func queriesOf(args []string) (list []queryFile, err error) {
	for _, arg := range args {
		st, err := os.Stat(arg)
		if err != nil {
			return nil, &exit{exitInput, err}
		}
		if !st.IsDir() {
			text, err := os.ReadFile(arg)
			if err != nil {
				return nil, &exit{exitInput, err}
			}
			kind, err := asked(arg, string(text), "convert -t sigma", content.Query, content.SIEMRule, content.Terraform)
			if err != nil {
				return nil, err
			}
			q := queryFile{siem: kind != content.Query}
			if !q.siem {
				q = packaged(arg)
			}
			q.text = diag.Text(arg, string(text))
			list = append(list, q)
			continue
		}
		pkgs, errs := detection.LoadDir(arg)
		if len(errs) > 0 {
			return nil, &exit{exitDiagnostics, errors.Join(errs...)}
		}
		before := len(list)
		for _, p := range pkgs {
			for _, d := range append(append([]*detection.Detection{}, p.Detections...), p.Baselines...) {
				list = append(list, queryFile{text: d.Query, of: d})
			}
			for _, file := range p.Hunts {
				h, err := p.ReadHunt(file)
				if err != nil {
					return nil, &exit{exitInput, err}
				}
				list = append(list, queryFile{text: h.Query, hunt: h, pkg: p})
			}
		}
		if len(pkgs) > 0 {
			continue
		}
		err = filepath.WalkDir(arg, folder.Visible(arg, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			siem := false
			if !strings.HasSuffix(path, ".sumo") {
				head := headOf(path)
				kind := content.Of(path, head)
				if siem = kind == content.SIEMRule || kind == content.Terraform; !siem || !tenant.IsFile(path, head) {
					return nil
				}
			}
			text, err := os.ReadFile(path)
			list = append(list, queryFile{text: diag.Text(path, string(text)), siem: siem})
			return err
		}))

		if err != nil {
			return nil, &exit{exitInput, err}
		}
		if len(list) == before {
			return nil, &exit{exitInput, errors.New(arg + " holds no queries and no Cloud SIEM rules: no file ends in .sumo, and none in .json, .tf or .yaml is a rule")}
		}
	}
	return list, nil
}

// packaged finds what a query file is in the package around it, in its folder or
// one above; nothing when there is none.
func packaged(file string) (q queryFile) {
	same := func(name string) bool { return filepath.Clean(filepath.FromSlash(name)) == filepath.Clean(file) }
	dir := filepath.Dir(file)
	for range 2 {
		if _, err := os.Stat(filepath.Join(dir, detection.ManifestName)); err != nil {
			dir = filepath.Dir(dir)
			continue
		}
		pkgs, _ := detection.LoadDir(dir)
		for _, p := range pkgs {
			for _, list := range [2][]*detection.Detection{p.Detections, p.Baselines} {
				for _, d := range list {
					if same(d.Query.Name) {
						return queryFile{of: d}
					}
				}
			}
			for _, f := range p.Hunts {
				if h, err := p.ReadHunt(f); err == nil && same(h.Query.Name) {
					return queryFile{hunt: h, pkg: p}
				}
			}
		}
		break
	}
	return q
}

// about is what the rule of a query says of itself.
func (q queryFile) about(p *convert.Predicate) sigma.Meta {
	name := filepath.Base(q.text.Name)
	switch {
	case q.of != nil:
		m := aboutPackage(q.of.Package)
		m.Title = q.of.Name
		m.Description = strings.TrimSpace(q.of.Package.Summary) + "\nWritten from " + name + " of the package " + q.of.Package.Name + "."
		m.Level, _ = sigma.ParseLevel(q.of.Base().String())
		if m.Title == "" {
			m.Title = q.of.Package.Name + ", " + q.of.ID
		}
		return m
	case q.hunt != nil:
		m := aboutPackage(q.pkg)
		m.Title = q.pkg.Name + ", Hunt: " + strings.ReplaceAll(strings.TrimSuffix(name, ".sumo"), "-", " ")
		m.Description = q.hunt.Hypothesis + "\nWritten from the hunting query " + name + " of the package " + q.pkg.Name + ". It is a question, not an alert."
		if q.hunt.LookBack != "" {
			m.Description += "\nLook back over " + q.hunt.LookBack + "."
		}
		if q.hunt.Next != "" {
			m.Description += "\nNext: " + q.hunt.Next
		}
		m.FalsePositives, m.Level = nil, sigma.Informational
		if q.hunt.LooksGood != "" {
			m.FalsePositives = []string{q.hunt.LooksGood}
		}
		m.Tags = append(m.Tags, sigma.Tag{Namespace: "detection", Name: "threat-hunting"})
		return m
	}
	m := sigma.Meta{Title: p.Title, Status: "experimental", Level: sigma.Medium, Description: "Written from the Sumo query " + name + "."}
	if m.Title == "" {
		m.Title = strings.TrimSuffix(name, ".sumo")
	}
	return m
}

// aboutPackage is what all rules of a package say of themselves.
func aboutPackage(pkg *detection.Package) sigma.Meta {
	m := sigma.Meta{Status: pkg.Status, Author: pkg.Author, Date: pkg.Date, License: pkg.License}
	if pkg.Attack.Reference != "" {
		m.References = []string{pkg.Attack.Reference}
	}
	for _, t := range pkg.Attack.Tactics {
		if known, ok := mapping.TacticNamed(t); ok {
			m.Tags = append(m.Tags, sigma.Tag{Namespace: "attack", Name: known.Short})
		}
	}
	for _, t := range pkg.Attack.Techniques {
		m.Tags = append(m.Tags, sigma.Tag{Namespace: "attack", Name: strings.ToLower(t)})
	}
	for _, f := range pkg.FalsePositives {
		m.FalsePositives = append(m.FalsePositives, f.Text)
	}
	return m
}
