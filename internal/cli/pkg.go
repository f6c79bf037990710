package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
)

var _ = command((*app).pkgCmd)

func (a *app) pkgCmd() *cobra.Command {
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "pkg",
		Short:   "Make, check, pack and install detection packages",
		Long:    "pkg works on detection packages: folders with a " + detection.ManifestName + ", queries, tests, tuning and guides. docs/packages.md describes them.",
	}
	cmd.AddCommand(a.pkgNew(), a.pkgShow(), a.pkgLint(), a.pkgBuild(), a.pkgPack(), a.pkgSign(), a.pkgVerify(), a.pkgInstall(), a.pkgUpdate())
	return cmd
}

func (a *app) pkgShow() *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use:   "show [PACKAGE...]",
		Short: "Say what packages find, from what, and what they cannot see",
		RunE: func(_ *cobra.Command, args []string) error {
			pkgs, err := a.packages(args)
			if err != nil {
				return err
			}
			switch form {
			case "json":
				e := json.NewEncoder(a.json())
				e.SetIndent("", "  ")
				e.SetEscapeHTML(false)
				for _, p := range pkgs {
					if err := e.Encode(p.Summarise()); err != nil {
						return err
					}
				}
			default:
				for i, p := range pkgs {
					if i > 0 {
						fmt.Fprintln(a.stdout)
					}
					p.Summarise().Write(a.stdout)
				}
			}
			return nil
		},
	}
	formatFlag(cmd.Flags(), &form, "text", textOrJSON, "how to print: text or json")
	return cmd
}

func (a *app) pkgLint() *cobra.Command {
	var strict bool
	var at string
	cmd := &cobra.Command{
		Use:   "lint [PACKAGE...]",
		Short: "Check manifests, ledgers, guides and built files",
		Long: `lint checks everything of a package but its tests: that the manifest is complete,
files are there, queries compile, ledger entries have not expired, benign cases
say what handles them, lab tests clean up, and built files are current.

It exits with 2 when there are errors, and with --strict on warnings too. A note says that
what gyoji measure has put into a package is of an older query.`,
		RunE: func(_ *cobra.Command, args []string) error {
			now := time.Now()
			if at != "" {
				var err error
				if now, err = time.Parse(time.DateOnly, at); err != nil {
					return usageError("--now: %q is no date; write 2026-11-24", at)
				}
			}
			pkgs, err := a.packages(args)
			if err != nil {
				return err
			}
			errs, warns := 0, 0
			for _, p := range pkgs {
				for _, x := range p.Check(now) {
					fmt.Fprintln(a.stdout, x)
					switch {
					case x.Note:
					case x.Warning:
						warns++
					default:
						errs++
					}
				}
			}
			if !a.quiet {
				fmt.Fprintf(a.stderr, "%d %s: %d %s, %d %s\n", len(pkgs), plural(int64(len(pkgs)), "package", "packages"),
					errs, plural(int64(errs), "error", "errors"), warns, plural(int64(warns), "warning", "warnings"))
			}
			if errs > 0 || strict && warns > 0 {
				return &exit{code: exitDiagnostics}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "warnings count as errors")
	cmd.Flags().StringVar(&at, "now", "", "the day to check expiry dates against (default: today)")
	return cmd
}

func (a *app) pkgBuild() *cobra.Command {
	var check, strict bool
	cmd := &cobra.Command{
		Use:   "build PACKAGE...",
		Short: "Compile the ledger into queries, filters and tuning expressions, and the rule into other languages",
		Long: `build writes what a package is made of: queries with their ledger, Sigma filters,
tuning expressions, and the portable rule in every language that gyoji converts to, for
each product's data model (gyoji convert --model). A query that is longer than its product
takes is named with the figures. A language that cannot say the rule is named with the reason and counted, and the others
are written all the same; with --strict it then exits with 2.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			pkgs, err := a.packages(args)
			if err != nil {
				return err
			}
			stale, no := 0, 0
			for _, p := range pkgs {
				names, err := p.Stale()
				if err != nil {
					return &exit{exitDiagnostics, err}
				}
				files, refused, err := p.Build()
				if err != nil {
					return &exit{exitDiagnostics, err}
				}
				for _, r := range refused {
					no++
					fmt.Fprintf(a.stderr, "gyoji: %s is not written: %s\n", filepath.Join(filepath.FromSlash(p.Dir), filepath.FromSlash(r.File)), r)
				}
				for _, s := range detection.TooLong(files) {
					fmt.Fprintf(a.stderr, "gyoji: %s\n", filepath.Join(filepath.FromSlash(p.Dir), filepath.FromSlash(s)))
				}
				for _, s := range names {
					stale++
					name, _, _ := strings.Cut(s, ": ")
					fmt.Fprintln(a.stdout, filepath.Join(filepath.FromSlash(p.Dir), filepath.FromSlash(name)))
					if _, made := files[name]; check || !made {
						continue
					}
					at := filepath.Join(filepath.FromSlash(p.Dir), filepath.FromSlash(name))
					if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
						return err
					}
					if err := a.replace(at, []byte(files[name])); err != nil {
						return err
					}
				}
			}
			if no > 0 {
				what := fmt.Sprintf("%d %s a rule; the others are built", no, plural(int64(no), "language refuses", "languages refuse"))
				if strict {
					return &exit{exitDiagnostics, errors.New("--strict: " + what)}
				}
				fmt.Fprintln(a.stderr, "gyoji: "+what)
			}
			if check && stale > 0 {
				return &exit{code: exitFindings}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "exit with 2 when a language cannot say a rule")
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; list what is stale and exit with 1 if anything is")
	return cmd
}

func (a *app) pkgPack() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "pack PACKAGE",
		Short: "Write a package as one file, with the hashes of all in it",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			pkgs, err := a.packages(args)
			if err != nil {
				return err
			}
			if len(pkgs) != 1 {
				return usageError("%s holds %d packages; name one", args[0], len(pkgs))
			}
			if file == "" {
				file = fmt.Sprintf("%s-%s.tar.gz", pkgs[0].Folder, pkgs[0].Version)
			}
			var packed bytes.Buffer
			left, err := pkgs[0].Pack(&packed)
			if err != nil {
				return &exit{exitDiagnostics, err}
			}
			if len(left) > 0 && !a.quiet {
				fmt.Fprintf(a.stderr, "not packed, since names that begin with a dot are of other programs: %s\n", strings.Join(left, ", "))
			}
			if st, err := os.Stat(file); err == nil && below(args[0], st) && !strings.HasSuffix(file, ".tar.gz") {
				return usageError("-o %s: this file is of the package, and writing to it would destroy it; choose another name", file)
			}
			if err := a.replace(file, packed.Bytes()); err != nil {
				return &exit{exitInput, err}
			}
			fmt.Fprintln(a.stdout, file)
			return nil
		},
	}
	cmd.Flags().StringVarP(&file, "output", "o", "", "the file to write (default: NAME-VERSION.tar.gz here)")
	return cmd
}

// packed are the flags of commands that read a packed package.
type packed struct{ key, signature string }

func (p *packed) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.key, "key", "", "public key of whom the package is to be from, as minisign writes it: a file, or the key itself; the package must be signed with it")
	f.StringVar(&p.signature, "signature", "", "the file of the signature (default: FILE.minisig)")
}

// unpack reads a packed package from a file, or standard input for "-". said is what is
// known of whom it is from.
func (a *app) unpack(name string, p *packed) (files map[string][]byte, said string, err error) {
	r := io.Reader(a.stdin)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, "", &exit{exitInput, err}
		}
		defer f.Close()
		r = f
	}
	text, err := io.ReadAll(io.LimitReader(r, detection.PackedMax+1))
	if err != nil {
		return nil, "", &exit{exitInput, err}
	}
	said = "not signed by a key that you named: the hashes stand in the file itself, so they show damage, not who made it (--key checks a signature)"
	if p.key == "" && p.signature != "" {
		return nil, "", usageError("--signature wants --key: the public key of whom the package is to be from")
	}
	if p.key != "" {
		if p.signature == "" {
			if name == "-" {
				return nil, "", usageError("--key wants --signature FILE where the package comes from standard input")
			}
			p.signature = name + signatureSuffix
		}
		id, comment, err := checkSignature(text, p.key, p.signature)
		if err != nil {
			return nil, "", err
		}
		said = fmt.Sprintf("signed by the key %s (%s)", id, comment)
	}
	if files, err = detection.Unpack(bytes.NewReader(text)); err != nil {
		return nil, "", &exit{exitDiagnostics, fmt.Errorf("%s: %w", name, err)}
	}
	return files, said, nil
}

func (a *app) pkgVerify() *cobra.Command {
	var p packed
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check the hashes, names and, with --key, the signature of a packed package",
		Long: `verify checks that every file of a packed package is as it was packed, and that its
names are such that any system can hold and no other program acts on.

The hashes stand in the package: they show damage, and say nothing of who made it.
With --key it must be signed by that key (gyoji pkg sign, or minisign -S).`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			files, said, err := a.unpack(args[0], &p)
			if err == nil {
				fmt.Fprintf(a.stdout, "%s: %d files, as packed; %s\n", args[0], len(files), said)
			}
			return err
		},
	}
	p.flags(cmd)
	return cmd
}

func (a *app) pkgInstall() *cobra.Command {
	var p packed
	cmd := &cobra.Command{
		Use:     "install FILE FOLDER",
		Short:   "Unpack a package into a new folder, remembering it as it was for updates",
		Example: "  gyoji pkg install malicious-link-1.0.0.tar.gz detections/malicious-link",
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			files, said, err := a.unpack(args[0], &p)
			if err != nil {
				return err
			}
			if err := detection.Install(files, args[1]); err != nil {
				return &exit{exitUsage, err}
			}
			if p.key != "" {
				fmt.Fprintf(a.stderr, "%s: %s\n", args[0], said)
			}
			fmt.Fprintf(a.stderr, "installed %d files; run it with: gyoji hunt -d %s LOGS\n", len(files), args[1])
			return nil
		},
	}
	p.flags(cmd)
	return cmd
}

func (a *app) pkgUpdate() *cobra.Command {
	var p packed
	cmd := &cobra.Command{
		Use:   "update FILE FOLDER",
		Short: "Bring an installed package to a new version, keeping what was changed here",
		Long: `update compares three texts of each file: as installed, as it is here, and as it
is in FILE. What only one side changed is taken from that side, so local tuning
stays. A file that both changed keeps the local text; the new one is put beside
it as NAME.new, and update exits with 1.`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			files, _, err := a.unpack(args[0], &p)
			if err != nil {
				return err
			}
			changes, err := detection.Update(files, args[1])
			conflict := false
			for _, c := range changes {
				fmt.Fprintf(a.stdout, "%-8s %s\n", c.What, c.Name)
				conflict = conflict || c.What == "conflict"
			}
			if err != nil {
				return &exit{exitUsage, err}
			}
			if conflict {
				return &exit{exitFindings, errors.New("both sides changed some files: merge NAME.new into NAME, then remove it")}
			}
			return nil
		},
	}
	p.flags(cmd)
	return cmd
}
