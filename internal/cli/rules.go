package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/rulepack"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
)

var _ = command((*app).rulesCmd)

func (a *app) rulesCmd() *cobra.Command {
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "rules",
		Short:   "Get SigmaHQ's rules, and keep packages of rules in versions",
		Long: `rules keeps archives of Sigma rules in your data folder, in versions. hunt -d sigma
runs those of SigmaHQ, -d sigma:core+ those of one package, and
-d sigma:core+@r2026-07-01 those of one version.

Only rules update reaches the network, and only when you run it. The packages are

  core               status test and stable, level high and critical
  core+              level medium too
  core++             status experimental too
  all                core++ and emerging-threats
  emerging-threats   rules for single campaigns and exploits, beside core

SigmaHQ's rules have the Detection Rule License (DRL) 1.1: keep their authors named.`,
	}
	cmd.AddCommand(a.rulesUpdate(), a.rulesAdd(), a.rulesList(), a.rulesPath(), a.rulesRemove())
	return cmd
}

func (a *app) rulesUpdate() *cobra.Command {
	var api, release string
	cmd := &cobra.Command{
		Use:   "update [PACKAGE...]",
		Short: "Fetch packages of rules from SigmaHQ's release page",
		Long: `update asks GitHub for SigmaHQ's latest release and fetches the packages named, or
those that are here already, or core. The SHA-256 that the release names is checked.
An update that is interrupted or fails leaves what was here. Older versions stay
until you remove them.

Without a network: download the file elsewhere, then gyoji rules add FILE.zip.`,
		Example: `  gyoji rules update
  gyoji rules update core+ emerging-threats
  gyoji rules update all --release r2026-07-01`,
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := rulepack.Default()
			if err != nil {
				return &exit{exitInput, err}
			}
			wanted, err := wantedPackages(store, args)
			if err != nil {
				return err
			}
			if release != "" {
				if err := rulepack.CheckVersion(release); err != nil {
					return usageError("--release: %v", err)
				}
			}
			from, err := rulepack.ReleasesAt(api)
			if err != nil {
				return usageError("--api: %v", err)
			}
			found, err := from.Find(cmd.Context(), release)
			if err != nil {
				return &exit{exitInput, err}
			}
			for _, o := range wanted {
				asset, err := found.Asset(o)
				if err != nil {
					return &exit{exitInput, err}
				}
				if sum, err := asset.SHA256(); err == nil {
					if _, v, err := store.Find(o.Name, ""); err == nil && v.Version == found.Tag && v.SHA256 == sum {
						fmt.Fprintf(a.stdout, "%s %s is here already and the %s\n", o.Name, v.Version, newest(release))
						continue
					}
				}
				text, err := from.Fetch(cmd.Context(), asset)
				if err != nil {
					return &exit{exitInput, err}
				}
				v, already, err := store.Add(o.Name, rulepack.Version{
					Version: found.Tag, Source: asset.URL, Licence: rulepack.Licence, Released: found.Published.UTC(),
				}, text)
				if err != nil {
					return &exit{exitInput, fmt.Errorf("%s of %s is not kept: %w", asset.Name, found.Tag, err)}
				}
				a.kept(o.Name, v, already)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&release, "release", "", "the release to fetch, such as r2026-07-01 (default: the latest)")
	cmd.Flags().StringVar(&api, "api", rulepack.API, "where GitHub's API is: a mirror of it, reached by https")
	return cmd
}

func newest(release string) string {
	if release != "" {
		return "release asked for"
	}
	return "latest"
}

// wantedPackages are SigmaHQ's packages of the names given, or those in the store, or core.
func wantedPackages(store *rulepack.Store, names []string) (wanted []rulepack.Official, err error) {
	if len(names) == 0 {
		all, err := store.Packages()
		if err != nil {
			return nil, &exit{exitInput, err}
		}
		for _, p := range all {
			if o, err := rulepack.OfficialNamed(p.Name); err == nil {
				wanted = append(wanted, o)
			}
		}
		if wanted == nil {
			wanted = rulepack.Officials[:1]
		}
		return wanted, nil
	}
	for _, n := range names {
		o, err := rulepack.OfficialNamed(strings.TrimPrefix(n, sigmaStore+":"))
		if err != nil {
			return nil, usageError("%v", err)
		}
		wanted = append(wanted, o)
	}
	return wanted, nil
}

// kept says what a package now is, and how to use it.
func (a *app) kept(name string, v rulepack.Version, already bool) {
	if already {
		fmt.Fprintf(a.stdout, "%s %s was here already; -d %s:%s runs it\n", name, v.Version, sigmaStore, name)
		return
	}
	fmt.Fprintf(a.stdout, "%s %s: %s Sigma %s%s; %s\n", name, v.Version, number(int64(v.Rules)), plural(int64(v.Rules), "rule", "rules"),
		released(v), cmp.Or(v.Licence, "for the licence see the rules"))
	if v.Unusable > 0 {
		fmt.Fprintf(a.stderr, "gyoji: %d more %s of it cannot be read as Sigma rules: gyoji lint \"$(gyoji rules path %s)\" says why\n", v.Unusable, plural(int64(v.Unusable), "file", "files"), name)
	}
	if !a.quiet {
		fmt.Fprintf(a.stderr, "run them with: gyoji hunt -d %s:%s LOGS\n", sigmaStore, name)
	}
}

// released is the day of a version as part of a sentence.
func released(v rulepack.Version) string {
	if v.Released.IsZero() {
		return ""
	}
	return " of " + v.Released.Format(time.DateOnly)
}

func (a *app) rulesAdd() *cobra.Command {
	var name, version, sum string
	cmd := &cobra.Command{
		Use:   "add FILE.zip",
		Short: "Keep an archive of rules that you have, without a network",
		Long: `add checks an archive of Sigma rules and keeps it. A file called as those that SigmaHQ
releases (sigma_core.zip, sigma_core+.zip, sigma_core++.zip, sigma_all_rules.zip,
sigma_emerging_threats_addon.zip) becomes that package; any other needs --name.

Its names must be such that any system can hold, none beginning with a dot, and it
must hold no links: what gyoji pkg verify asks of packages.`,
		Example: `  gyoji rules add sigma_core+.zip --release r2026-07-01
  gyoji rules add our-rules.zip --name ours`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if st, err := os.Stat(args[0]); err != nil {
				return &exit{exitInput, err}
			} else if st.IsDir() {
				return usageError("%s is a folder, and rules add wants an archive; a folder of rules needs none: gyoji hunt -d %s LOGS", args[0], args[0])
			}
			o, official := rulepack.OfficialOf(filepath.Base(args[0]))
			switch {
			case name == "" && !official:
				return usageError("%s is not called as one of SigmaHQ's packages: name it, such as --name ours", args[0])
			case name == "":
				name = o.Name
			}
			if err := rulepack.CheckName(name); err != nil {
				return usageError("--name: %v", err)
			}
			if _, err := rulepack.OfficialNamed(name); err == nil {
				official = true
			} else {
				official = false
			}
			v := rulepack.Version{Version: version, Source: filepath.Base(args[0])}
			if version != "" {
				if err := rulepack.CheckVersion(version); err != nil {
					return usageError("--release: %v", err)
				}
			}
			if official {
				v.Licence = rulepack.Licence
			}
			want := ""
			if sum != "" {
				var err error
				if want, err = rulepack.ParseDigest(sum); err != nil {
					return usageError("--sha256: %v", err)
				}
			}
			f, err := os.Open(args[0])
			if err != nil {
				return &exit{exitInput, err}
			}
			defer f.Close()
			text, err := io.ReadAll(io.LimitReader(f, rulepack.Max+1))
			if err != nil {
				return &exit{exitInput, err}
			}
			if want != "" {
				if err := rulepack.CheckDigest(args[0], text, want); err != nil {
					return &exit{exitInput, err}
				}
			}
			store, err := rulepack.Default()
			if err != nil {
				return &exit{exitInput, err}
			}
			v, already, err := store.Add(name, v, text)
			if err != nil {
				return &exit{exitInput, fmt.Errorf("%s is not kept: %w", args[0], err)}
			}
			a.kept(name, v, already)
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "what to call the package (default: by the file's name, if it is SigmaHQ's)")
	cmd.Flags().StringVar(&version, "release", "", "its version, such as r2026-07-01 (default: the date of its newest file)")
	cmd.Flags().StringVar(&sum, "sha256", "", "the SHA-256 that the file must have")
	return cmd
}

func (a *app) rulesList() *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the packages of rules that are here, with versions, licences and dates",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			store, err := rulepack.Default()
			if err != nil {
				return &exit{exitInput, err}
			}
			all, err := store.Packages()
			if form == "json" {
				e := json.NewEncoder(a.json())
				e.SetIndent("", "  ")
				e.SetEscapeHTML(false)
				if all == nil {
					all = []*rulepack.Package{}
				}
				if err := e.Encode(all); err != nil {
					return err
				}
			} else {
				a.listRules(all)
			}
			if err != nil {
				return &exit{exitInput, err}
			}
			if len(all) == 0 && !a.quiet {
				fmt.Fprintf(a.stderr, "no packages of rules are in %s; gyoji rules update fetches SigmaHQ's core\n", store.Dir)
			}
			return nil
		},
	}
	formatFlag(cmd.Flags(), &form, "text", textOrJSON, "how to print: text or json")
	return cmd
}

// listRules prints packages as a table; the version in use has a star.
func (a *app) listRules(all []*rulepack.Package) {
	row := func(cells ...any) { fmt.Fprintf(a.stdout, "%-18s %-16s %-6s %-10s %-9s %s\n", cells...) }
	for i, p := range all {
		if i == 0 {
			row("PACKAGE", "VERSION", "RULES", "DATE", "SIZE", "LICENCE")
		}
		for _, v := range p.Versions {
			mark, day := "", "-"
			if v.Version == p.Current {
				mark = " *"
			}
			if !v.Released.IsZero() {
				day = v.Released.Format(time.DateOnly)
			}
			row(p.Name, v.Version+mark, number(int64(v.Rules)), day, exec.Size(v.Size), cmp.Or(v.Licence, "see the rules"))
		}
	}
}

func (a *app) rulesPath() *cobra.Command {
	return &cobra.Command{
		Use:   "path [PACKAGE[@VERSION]...]",
		Short: "Print where a package's archive is, for other commands; without one, the folder of all",
		Example: `  gyoji lint "$(gyoji rules path core+)"
  gyoji convert -t splunk "$(gyoji rules path core)"`,
		RunE: func(_ *cobra.Command, args []string) error {
			store, err := rulepack.Default()
			if err != nil {
				return &exit{exitInput, err}
			}
			if len(args) == 0 {
				fmt.Fprintln(a.stdout, store.Dir)
			}
			for _, n := range args {
				name, version, _ := strings.Cut(strings.TrimPrefix(n, sigmaStore+":"), "@")
				at, _, err := store.Find(name, version)
				if err != nil {
					return &exit{exitInput, err}
				}
				fmt.Fprintln(a.stdout, at)
			}
			return nil
		},
	}
}

func (a *app) rulesRemove() *cobra.Command {
	return &cobra.Command{
		Use:     "remove PACKAGE[@VERSION]...",
		Short:   "Take packages of rules, or versions of them, away",
		Example: "  gyoji rules remove core@r2026-07-01",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			store, err := rulepack.Default()
			if err != nil {
				return &exit{exitInput, err}
			}
			for _, n := range args {
				name, version, _ := strings.Cut(strings.TrimPrefix(n, sigmaStore+":"), "@")
				gone, err := store.Remove(name, version)
				if err != nil {
					return &exit{exitInput, err}
				}
				fmt.Fprintf(a.stdout, "removed %s %s\n", name, strings.Join(gone, ", "))
			}
			return nil
		},
	}
}

// sigmaStore is what -d calls the rules that gyoji rules keeps: sigma, sigma:core+,
// sigma:core+@r2026-07-01.
const sigmaStore = "sigma"

// stored gives the archives that names of -d stand for. Other names stay. A file or folder
// called sigma comes before the rules that are kept.
func (a *app) stored(names []string) (paths []string, err error) {
	for _, n := range names {
		rest, named := strings.CutPrefix(n, sigmaStore+":")
		if !named && n != sigmaStore {
			paths = append(paths, n)
			continue
		}
		store, err := rulepack.Default()
		if err != nil {
			return nil, &exit{exitInput, err}
		}
		packages := []string{rest}
		if !named {
			usual, err := store.Usual()
			if _, statErr := os.Stat(n); statErr == nil {
				if len(usual) > 0 && !a.quiet {
					fmt.Fprintf(a.stderr, "gyoji: -d %s is the %s here; for the rules of SigmaHQ write -d %s:%s\n", n, fileOrFolder(n), n, usual[0])
				}
				paths = append(paths, n)
				continue
			}
			if err != nil {
				return nil, &exit{exitInput, err}
			}
			if packages = usual; len(usual) == 0 {
				return nil, &exit{exitInput, errors.New("-d sigma: SigmaHQ's rules are not here yet: get them with gyoji rules update, or without a network download sigma_core.zip from " + rulepack.Page + " and run gyoji rules add sigma_core.zip")}
			}
		}
		for _, p := range packages {
			name, version, _ := strings.Cut(p, "@")
			at, v, err := store.Find(name, version)
			if err != nil {
				return nil, &exit{exitInput, fmt.Errorf("-d %s: %w", n, err)}
			}
			if !a.quiet {
				fmt.Fprintf(a.stderr, "Sigma rules: %s %s%s\n", name, v.Version, inBrackets(v.Licence))
			}
			paths = append(paths, at)
		}
	}
	return paths, nil
}

func fileOrFolder(name string) string {
	if st, err := os.Stat(name); err == nil && st.IsDir() {
		return "folder"
	}
	return "file"
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}
