// Package rulepack keeps archives of Sigma rules in the user's data folder, in versions:
// those that SigmaHQ releases, and those that the user adds.
package rulepack

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Official is a package of rules that SigmaHQ releases.
// Source: Releases.md of SigmaHQ/sigma, and its .github/workflows/release.yml.
type Official struct {
	Name  string // core
	Asset string // the file of the release: sigma_core.zip
	Holds string // what is in it, for people
}

// Officials are the packages that SigmaHQ releases, the smallest first. Each of the first
// four holds the rules of those before it; all holds emerging-threats too.
var Officials = []Official{
	{"core", "sigma_core.zip", "status test and stable, level high and critical"},
	{"core+", "sigma_core+.zip", "level medium too"},
	{"core++", "sigma_core++.zip", "status experimental too"},
	{"all", "sigma_all_rules.zip", "core++ and emerging-threats"},
	{Addon, "sigma_emerging_threats_addon.zip", "rules for single campaigns and exploits, beside core"},
}

// Addon is the package that is used beside one of the others, unless that is All.
const (
	Addon = "emerging-threats"
	All   = "all"
)

// The licence of SigmaHQ's rules. It asks to keep the author of a rule with it.
const (
	Licence    = "Detection Rule License (DRL) 1.1"
	LicenceURL = "https://github.com/SigmaHQ/Detection-Rule-License"
	// Page is where SigmaHQ's releases can be downloaded by hand.
	Page = "https://github.com/SigmaHQ/sigma/releases"
)

// OfficialNamed is SigmaHQ's package of a name. The error names the nearest.
func OfficialNamed(name string) (Official, error) {
	var names []string
	for _, o := range Officials {
		if o.Name == name {
			return o, nil
		}
		names = append(names, o.Name)
	}
	help := ""
	if near := diag.Nearest(name, names); near != "" {
		help = fmt.Sprintf("did you mean %s? ", near)
	}
	return Official{}, fmt.Errorf("SigmaHQ releases no package %q: %schoose of %s", name, help, strings.Join(names, ", "))
}

// copied is what a browser adds to the name of a file that it has downloaded before.
var copied = match.Lazy(` ?\([0-9]+\)\.zip$`)

// OfficialOf is SigmaHQ's package that a file's name is of.
func OfficialOf(file string) (Official, bool) {
	file = copied().ReplaceAllString(file, ".zip")
	for _, o := range Officials {
		if strings.EqualFold(o.Asset, file) {
			return o, true
		}
	}
	return Official{}, false
}

var (
	nameForm    = match.Lazy(`^[a-z0-9][a-z0-9+._-]{0,39}$`)
	versionForm = match.Lazy(`^[a-z0-9][a-z0-9+._-]{0,63}$`)
)

// CheckName reports why no package may have a name.
func CheckName(name string) error {
	if !nameForm().MatchString(name) || detection.CheckName(name) != nil {
		return fmt.Errorf("%q is no name for a package: write at most 40 of a-z, 0-9 and + . _ - with a letter or digit first, such as ours", name)
	}
	return nil
}

// CheckVersion reports why no package may have a version.
func CheckVersion(version string) error {
	if !versionForm().MatchString(version) || detection.CheckName(version) != nil {
		return fmt.Errorf("%q is no version: write at most 64 of a-z, 0-9 and + . _ - with a letter or digit first, such as r2026-07-01", version)
	}
	return nil
}
