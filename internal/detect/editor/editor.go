// Package editor tells an editor what it shows of a text while it is written:
// diagnostics with fixes, completion, documentation, names, layout. It knows no
// protocol, opens no file and runs no query: package lsp and others do. Words,
// usage lines and documentation come from the vocabulary, so that a new word needs
// no change here. Places are byte offsets of the document.
package editor

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/content"
	"github.com/gyoji-dev/gyoji/internal/detect/lint"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
)

// Language is what a region of a document is written in.
type Language string

const (
	Sumo  Language = "sumo"  // a query of log search
	SIEM  Language = "siem"  // an expression of Cloud SIEM
	Rules Language = "rules" // Cloud SIEM rules as JSON, YAML or Terraform
	Sigma Language = "sigma" // Sigma rules
)

// Settings is what documents are looked at with.
type Settings struct {
	Vocab  *lang.Vocabulary
	Sample *Sample // of the user's logs; nil for none
}

// Document is one version of a text. It does not change; what is asked of it is
// computed once, and may be asked by several goroutines.
type Document struct {
	File    *diag.File
	Regions []*Region
	set     Settings

	markdown bool
	found    func() diag.List
}

// sizeMax is the longest text that is looked at. A query has 1 MiB at most; what is
// longer is data.
const sizeMax = 4 << 20

// Open looks at a text. id is what the editor calls its language; where that says
// nothing the name and the text do.
func Open(name, id, text string, set Settings) *Document {
	d := &Document{File: diag.Text(name, text), set: set}
	if len(text) <= sizeMax {
		d.Regions = d.regions(strings.ToLower(id))
	}
	d.found = sync.OnceValue(d.find)
	return d
}

// regions finds what of the text is of which language.
func (d *Document) regions(id string) []*Region {
	name, text := d.File.Name, d.File.Text
	switch ext := strings.ToLower(filepath.Ext(name)); {
	case id == "sumo" || id == "sumologic" || ext == ".sumo":
		return []*Region{d.whole(Sumo)}
	case id == "siem" || id == "cse" || ext == ".cse":
		return []*Region{d.whole(SIEM)}
	case id == "sigma":
		return []*Region{d.whole(Sigma)}
	case id == "markdown" || ext == ".md" || ext == ".markdown" || ext == ".mdx":
		d.markdown = true
		return d.inMarkdown()
	case ext == ".tf" || ext == ".hcl" || id == "terraform" || id == "hcl":
		return d.inTerraform()
	case ext == ".json" || id == "json" || id == "jsonc":
		return d.inJSON()
	case ext == ".yml" || ext == ".yaml" || id == "yaml":
		if content.Of(name, text) == content.Sigma && sigmaLike(text) {
			return []*Region{d.whole(Sigma)}
		}
		return d.inYAML()
	case ext == "" && (id == "" || id == "plaintext"):
		switch content.Of(name, text) {
		case content.Query:
			return []*Region{d.whole(Sumo)}
		case content.SIEMExpression:
			return []*Region{d.whole(SIEM)}
		case content.Sigma:
			return []*Region{d.whole(Sigma)}
		}
	}
	return nil
}

// sigmaLike keeps YAML of other kinds from being taken for a Sigma rule with a mistake.
func sigmaLike(text string) bool {
	return strings.Contains(text, "logsource:") || strings.Contains(text, "detection:") || strings.Contains(text, "correlation:")
}

// At is the region that an offset stands in, and the offset in it; nil for none.
// Of regions inside each other it is the inner one.
func (d *Document) At(offset int) (*Region, int) {
	for _, r := range slices.Backward(d.Regions) {
		if in, ok := r.in(offset); ok {
			return r, in
		}
	}
	return nil, 0
}

// Diagnostics are the findings in the document, in its order. Fixes are not among
// them: whether one is sound takes longer to find out, and Actions does.
func (d *Document) Diagnostics() diag.List { return d.found() }

// Mended are the Diagnostics with the changes that mend them. For a query that takes up to
// two seconds: whether a change is sound is found out by then, or it is not offered as such.
func (d *Document) Mended() diag.List {
	return d.gather(func(r *Region) diag.List {
		if r.Language == Sumo && strings.TrimSpace(r.File.Text) != "" {
			return r.withLogs(r.query().fixes())
		}
		return r.diagnose()
	})
}

func (d *Document) find() diag.List { return d.gather((*Region).diagnose) }

// gather puts the findings of all regions into the document's order.
func (d *Document) gather(of func(*Region) diag.List) (all diag.List) {
	for _, r := range d.Regions {
		for _, f := range of(r) {
			all = append(all, r.diagnostic(f))
		}
	}
	if len(d.File.Text) > sizeMax {
		all.Add(&diag.Diagnostic{Severity: diag.Note, Code: "too-long", File: d.File, Message: "this text is too long to be looked at", Span: diag.Span{End: 1}})
	}
	all.Sort()
	return all
}

// findings of a region, at places of the region.
func (r *Region) diagnose() diag.List {
	if strings.TrimSpace(r.File.Text) == "" {
		return nil
	}
	switch r.Language {
	case Sumo:
		return r.withLogs(r.query().found())
	case SIEM:
		if r.inRules {
			return nil // the rules' own findings hold them
		}
		return lint.SIEMExpression(r.File)
	case Rules:
		return lint.SIEMRules(r.File)
	case Sigma:
		return lint.SigmaFiles([]*diag.File{r.File})
	}
	return nil
}

// diagnostic is a finding of a region as one of the document.
func (r *Region) diagnostic(f *diag.Diagnostic) *diag.Diagnostic {
	c := *f
	c.File, c.Span, c.Labels, c.Fix = r.doc.File, r.out(f.Span), nil, nil
	for _, l := range f.Labels {
		c.Labels = append(c.Labels, diag.Label{Span: r.out(l.Span), Text: l.Text})
	}
	if f.Fix != nil {
		c.Fix = &diag.Fix{Title: f.Fix.Title, Safe: f.Fix.Safe, Edits: r.edits(f.Fix.Edits)}
	}
	return &c
}
