package tenant

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/content"
	"github.com/gyoji-dev/gyoji/internal/folder"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// Place is a folder or a file that documents are read from.
type Place struct {
	FS   fs.FS
	Path string // in FS
	Name string // as it is shown
}

// manifest is the file that makes a folder a detection package, whose Cloud SIEM
// documents are in its folder rules.
const manifest = "detection.yaml"

// Read reads the documents of places: all .json, .tf, .yaml and .yml files that hold
// documents of Cloud SIEM; of a detection package those in its folder rules. In folders other files are passed over, Sigma rules and
// logs among them; a file that is named on its own has to be one.
func Read(places []Place) (docs []*ruledoc.Document, found diag.List, err error) {
	seen := map[string]bool{}
	for _, p := range places {
		st, err := fs.Stat(p.FS, p.Path)
		if err != nil {
			return nil, nil, err
		}
		read := func(name string, named bool) error {
			shown := p.Name
			if name != p.Path {
				shown = path.Join(p.Name, strings.TrimPrefix(strings.TrimPrefix(name, p.Path), "/"))
			}
			if seen[shown] {
				return nil
			}
			seen[shown] = true
			text, err := fs.ReadFile(p.FS, name)
			if err != nil {
				return err
			}
			d, ds := readFile(shown, string(text), named)
			docs, found = append(docs, d...), append(found, ds...)
			return nil
		}
		if !st.IsDir() {
			if err := read(p.Path, true); err != nil {
				return nil, nil, err
			}
			continue
		}
		var walk func(root string) error
		walk = func(root string) error {
			return fs.WalkDir(p.FS, root, folder.Visible(root, func(name string, e fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				if !e.IsDir() {
					if !isDocument(name) {
						return nil
					}
					return read(name, false)
				}
				if _, err := fs.Stat(p.FS, path.Join(name, manifest)); err != nil {
					return nil
				}
				// A detection package: what it converted for other products is not what it runs.
				if st, err := fs.Stat(p.FS, path.Join(name, "rules")); err == nil && st.IsDir() {
					if err := walk(path.Join(name, "rules")); err != nil {
						return err
					}
				}
				return fs.SkipDir
			}))
		}
		err = walk(p.Path)
		if err != nil {
			return nil, nil, err
		}
	}
	return docs, found, nil
}

// isDocument says by a file's name whether it may hold documents.
func isDocument(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".json", ".tf", ".yaml", ".yml":
		return true
	}
	return false
}

// signs are keys that only documents of Cloud SIEM have: a file that has one and
// still is no document that is known has a mistake in it.
var signs = []string{"entity_selectors", "entitySelectors", "score_mapping", "scoreMapping", "name_expression", "nameExpression", "sumologic_cse_"}

// isSigma recognises a Sigma rule at a glance: an archive has thousands.
func isSigma(text string) bool {
	return strings.Contains(text, "\nlogsource:") && strings.Contains(text, "\ndetection:")
}

func readFile(name, text string, named bool) ([]*ruledoc.Document, diag.List) {
	if isSigma(text) {
		return nil, nil
	}
	kind := content.Of(name, text)
	switch kind {
	case content.Sigma, content.Manifest, content.Export, content.Table:
		return nil, nil
	}
	f := diag.Text(name, text)
	docs, found := ruledoc.Read(f)
	ours := len(docs) > 0 || named || kind == content.SIEMRule
	for _, s := range signs {
		ours = ours || strings.Contains(text, s)
	}
	if !ours {
		return nil, nil
	}
	if len(docs) == 0 && len(found) == 0 {
		found.Add(&diag.Diagnostic{Severity: diag.Error, Code: "no-documents", File: f, Message: fmt.Sprintf("%s has no document of Cloud SIEM in it", kind)})
	}
	return docs, found
}

// IsFile says whether a file is one of Cloud SIEM documents, by its name and text.
func IsFile(name, text string) bool {
	if !isDocument(name) {
		return false
	}
	docs, _ := readFile(name, text, false)
	return len(docs) > 0
}
