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

	"github.com/gyoji-dev/gyoji/convert"
	"github.com/gyoji-dev/gyoji/detection"
	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/mapping"
	"github.com/gyoji-dev/gyoji/proof"
	"github.com/gyoji-dev/gyoji/sigma"
)

// convertToSigma writes the predicates of Sumo queries as Sigma rules.
func (a *app) convertToSigma(cmd *cobra.Command, args []string, dir string, prove, strict bool) error {
	if len(args) == 0 {
		return usageError("convert wants the queries: gyoji convert -t sigma QUERY.sumo, or a detection package")
	}
	queries, err := queriesOf(args)
	if err != nil {
		return err
	}
	written, refused := 0, 0
	for _, q := range queries {
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
		text := convert.SigmaText(p, q.about(p))
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
		switch {
		case dir != "":
			err = writeInto(dir, strings.TrimSuffix(filepath.Base(q.text.Name), ".sumo")+".yml", text)
		case written > 0:
			_, err = fmt.Fprintf(a.stdout, "---\n%s", text)
		default:
			_, err = a.stdout.Write([]byte(text))
		}
		if err != nil {
			return err
		}
		written++
	}
	return a.converted(len(queries), written, refused)
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
	why, err := a.provesConverted(cmd, one, two)
	if why == "" && err == nil && slices.ContainsFunc(p.Lost, func(d *diag.Diagnostic) bool { return d.Code == "not-in-sigma" && d.Severity == diag.Warning }) {
		why = "the rule leaves out what is named above, and no event was made that tells it from the query"
	}
	return why, err
}

// queryFile is a query with the detection that it is of; nil for one alone.
type queryFile struct {
	text *diag.File
	of   *detection.Detection
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
			list = append(list, queryFile{diag.Text(arg, string(text)), detectionOf(arg)})
			continue
		}
		pkgs, errs := detection.Load(os.DirFS(arg), filepath.ToSlash(arg))
		if len(errs) > 0 {
			return nil, &exit{exitDiagnostics, errors.Join(errs...)}
		}
		before := len(list)
		for _, p := range pkgs {
			for _, d := range append(append([]*detection.Detection{}, p.Detections...), p.Baselines...) {
				list = append(list, queryFile{d.Query, d})
			}
		}
		if len(pkgs) > 0 {
			continue
		}
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".sumo") {
				return err
			}
			text, err := os.ReadFile(path)
			list = append(list, queryFile{diag.Text(path, string(text)), nil})
			return err
		})
		if err != nil {
			return nil, &exit{exitInput, err}
		}
		if len(list) == before {
			return nil, &exit{exitInput, errors.New(arg + " holds no queries: no file ends in .sumo")}
		}
	}
	return list, nil
}

// detectionOf finds the package that a query file is of, in its folder or one
// above; nil when there is none.
func detectionOf(file string) *detection.Detection {
	dir := filepath.Dir(file)
	for range 2 {
		if _, err := os.Stat(filepath.Join(dir, detection.ManifestName)); err == nil {
			pkgs, _ := detection.Load(os.DirFS(dir), filepath.ToSlash(dir))
			for _, p := range pkgs {
				for _, list := range [2][]*detection.Detection{p.Detections, p.Baselines} {
					for _, d := range list {
						if filepath.Clean(filepath.FromSlash(d.Query.Name)) == filepath.Clean(file) {
							return d
						}
					}
				}
			}
			return nil
		}
		dir = filepath.Dir(dir)
	}
	return nil
}

// about is what the rule of a query says of itself.
func (q queryFile) about(p *convert.Predicate) sigma.Meta {
	name := filepath.Base(q.text.Name)
	if q.of == nil {
		m := sigma.Meta{Title: p.Title, Status: "experimental", Level: sigma.Medium, Description: "Written from the Sumo query " + name + "."}
		if m.Title == "" {
			m.Title = strings.TrimSuffix(name, ".sumo")
		}
		return m
	}
	pkg := q.of.Package
	m := sigma.Meta{
		Title: q.of.Name, Status: pkg.Status, Author: pkg.Author, Date: pkg.Date, License: pkg.License,
		Description: strings.TrimSpace(pkg.Summary) + "\nWritten from " + name + " of the package " + pkg.Name + ".",
	}
	m.Level, _ = sigma.ParseLevel(q.of.Base().String())
	if m.Title == "" {
		m.Title = pkg.Name + ", " + q.of.ID
	}
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
