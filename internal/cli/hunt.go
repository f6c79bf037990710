package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/content"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/report"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
	"github.com/gyoji-dev/gyoji/packages"
)

var _ = command((*app).huntCmd)

func (a *app) huntCmd() *cobra.Command {
	var in inputs
	var out output
	var detections []string
	var rules sigmaRules
	var failOn, state string
	var show findingFlags
	var live followFlags
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "hunt PATH...",
		Short:   "Run detections over logs and list what they find",
		Long: `hunt runs detection packages and Sigma rules over files, folders and globs, and
lists their findings. Without -d it runs the packages that gyoji ships.

-d names a folder of packages, a Sigma rule, a folder of rules or an archive of
them (.zip, .tar.gz), or the rules that gyoji rules keeps: sigma, sigma:core+; it may
be repeated, and a folder may hold both. All Sigma rules run in one pass over the logs. A rule, package or detection that cannot run
is named with its place and reason, and the others run; with --strict that ends
the hunt.

Reports hold all findings in one document: html and md to read, with process
trees; incident is one page that tells an incident by host and chain of processes, with
techniques in order, sign-ins, connections, evidence and what is not known, to be handed
over; sarif and junit for CI; ocsf for other products; navigator is a layer of
the ATT&CK Navigator.

With --follow it goes on with what is added to the files, or comes on standard input or
a Kafka topic, until Ctrl-C: each finding is a line, as soon as it is made. Files may be
rotated meanwhile. Correlations, and Cloud SIEM rules over time, wait half a second for
events that come in another order; --late gives older ones more time. With --state FILE
it can be stopped, or killed, and started again: the place in the files or topics, windows and open
sequences go on, and after Ctrl-C or SIGTERM each finding has come once. After a kill those
since the state was written last, a second or so, come again, with the same ids.

With --fail-on it exits with 1 when there is a finding of that severity or a
higher one, for use in scripts and CI.`,
		Example: `  gyoji hunt evtx/
  gyoji hunt -f html -o report.html evtx/
  gyoji hunt -f incident -o incident.html evtx/
  gyoji hunt --timeline evtx/
  gyoji hunt -d detections/ --fail-on high -f ndjson logs/
  gyoji rules update && gyoji hunt -d sigma evtx/
  gyoji hunt -d sigma/rules/windows --level high evtx/
  gyoji hunt -d sigma_core.zip --tag attack.t1059 evtx/
  gyoji hunt --follow -d rules/ /var/log/sysmon/ | tee findings.ndjson`,
		RunE: func(cmd *cobra.Command, args []string) error {
			threshold := detection.Severity(255)
			if failOn != "" {
				s, err := severityNamed("fail-on", failOn)
				if err != nil {
					return err
				}
				threshold = s
			}
			if len(args) == 0 && in.store == "" && a.stdinIsTerminal() {
				return usageError("hunt wants the logs to look at: gyoji hunt FOLDER, or a pipe: ... | gyoji hunt -")
			}
			if show.timeline || strings.EqualFold(out.format, "timeline") {
				show.timeline, out.format = true, cmp.Or(strings.Replace(strings.ToLower(out.format), "timeline", "", 1), "table")
			}
			if live.on(args) {
				if err := live.check(a, &out); err != nil {
					return err
				}
			}
			if kind := out.kind(a); (kind == "html" || kind == "incident") && out.file == "" && a.outTTY {
				return usageError("-f %s is a page for a browser, not for a terminal: name a file with -o report.html", kind)
			}
			options, err := show.options()
			if err != nil {
				return err
			}
			rules.filter = options.Filter
			lib, err := in.library()
			if err != nil {
				return err
			}
			pkgs, err := a.detections(detections, &rules, in.strict, tenant.Indicators(lib.Threat()), tenant.Geo(lib.Geo()))
			if err != nil {
				return err
			}
			if state != "" && rules.tenant == nil && !live.on(args) {
				return usageError("--state keeps what Cloud SIEM rules remember, and none of them runs here; with --follow it keeps the place, too")
			}
			s, err := a.open(&in, args)
			if err != nil {
				return err
			}
			if in.store != "" && live.on(args) {
				return firstOf(usageError("--store is what was put in by now; --follow is of files and standard input"), s.finish(""))
			}
			s.needed, s.unique = failOn != "", true
			h := &huntRun{List: newList(s, options), app: a, session: s, tables: lib, timeline: show.timeline, plain: show.none(), flags: detectionFlags(detections), state: state}
			w, done, err := out.open(a, cmd, s)
			if err != nil {
				return err
			}
			if live.on(args) {
				err = h.follow(cmd.Context(), pkgs, &rules, &live, options, &out, w)
			} else {
				err = h.run(cmd.Context(), pkgs, &rules, &out, w)
			}
			err = done(err)
			if out.kind(a) != "table" {
				h.tally()
			}
			s.rows = h.shown
			err = firstOf(err, s.finish(plural(s.rows, "finding", "findings")))
			if worst, found := h.worst(); err == nil && found && worst >= threshold {
				return &exit{code: exitFindings}
			}
			return err
		},
	}
	in.flags(cmd)
	in.storeFlag(cmd)
	out.reports = append(report.Formats(), "timeline")
	out.flags(cmd)
	rules.flags(cmd)
	show.flags(cmd)
	live.flags(cmd)
	stateFlag(cmd, &state)
	cmd.Flags().Lookup("state").Usage += "; with --follow, what all detections hold and the place in the files or topics, replaced as they go on"
	cmd.Flags().StringArrayVarP(&detections, "detections", "d", nil, "what to run: a folder of detection packages or Sigma rules, a rule, an archive of rules, sigma for those of gyoji rules (default: the packages that gyoji ships)")
	choiceFlag(cmd.Flags(), &failOn, "fail-on", "", "", detection.Severities(), "exit with 1 on findings of this severity or higher: informational, low, medium, high, critical")
	return cmd
}

// detections loads what -d names: packages, which are in folders, and Sigma rules.
func (a *app) detections(names []string, rules *sigmaRules, strict bool, with ...tenant.Option) ([]*detection.Package, error) {
	if len(names) == 0 {
		pkgs, err := a.packages(nil)
		if err == nil {
			rules.tenant, err = a.shippedRules(pkgs, strict, with)
		}
		return pkgs, firstOf(err, knownDetections(pkgs, rules))
	}
	var named []*detection.Package // that gyoji ships
	names, err := a.stored(names)
	if err != nil {
		return nil, err
	}
	var pkgs []*detection.Package
	var onDisk []string
	var wrong []error
	var others []string // names that are no Cloud SIEM documents
	for _, n := range names {
		st, err := os.Stat(n)
		if err != nil {
			p, err := a.shipped(n, err)
			if err != nil {
				return nil, err
			}
			pkgs, named = append(pkgs, p), append(named, p)
			continue
		}
		onDisk = append(onDisk, n)
		if st.IsDir() {
			found, errs := detection.LoadDir(n)
			pkgs, wrong = append(pkgs, found...), append(wrong, errs...)
		} else if !isArchive(n) {
			if tenant.IsFile(n, headOf(n)) || content.Of(n, headOf(n)) == content.SIEMRule || content.Of(n, headOf(n)) == content.Terraform {
				continue
			}
			if _, err := asked(n, headOf(n), "hunt -d", content.Sigma); err != nil {
				return nil, err
			}
		}
		others = append(others, n)
	}
	var out []string
	for _, err := range wrong {
		out = append(out, err.Error())
	}
	if err := a.leftOut(out, strict); err != nil {
		return nil, err
	}
	if err := rules.load(a, others, strict); err != nil {
		return nil, err
	}
	documents := slices.DeleteFunc(slices.Clone(onDisk), func(n string) bool {
		st, err := os.Stat(n)
		return err == nil && !st.IsDir() && slices.Contains(others, n) && !isArchive(n)
	})
	if len(documents) == 0 && len(named) > 0 {
		var err error
		if rules.tenant, err = a.shippedRules(named, strict, with); err != nil {
			return nil, err
		}
	}
	if len(documents) > 0 {
		t, err := a.tenant(documents, strict, with...)
		if err != nil {
			return nil, err
		}
		if len(t.Rules)+t.Disabled > 0 {
			rules.tenant = t
			return pkgs, knownDetections(pkgs, rules)
		}
		if t.Found > 0 && len(pkgs) == 0 && rules.found == 0 {
			return nil, noRules(t.Found)
		}
	}
	if len(pkgs)+len(rules.all) > 0 {
		if err := knownDetections(pkgs, rules); err != nil {
			return nil, err
		}
	}
	switch {
	case len(pkgs) == 0 && rules.found == 0 && len(wrong) > 0:
		return nil, &exit{exitDiagnostics, errors.New("no detection is left to run")}
	case len(pkgs) == 0 && rules.found == 0:
		return nil, &exit{exitDiagnostics, fmt.Errorf("no detection packages found, and no Sigma rules: a package is a folder with a %s, a rule a .yml file", detection.ManifestName)}
	case len(pkgs) == 0 && len(rules.rules) == 0:
		return nil, &exit{exitDiagnostics, fmt.Errorf("none of the %d Sigma documents is a rule that can run and is asked for", rules.found)}
	}
	return pkgs, nil
}

// knownDetections refuses detections and tags that none of those which can run has.
func knownDetections(pkgs []*detection.Package, rules *sigmaRules) error {
	x := &rules.filter
	if x.All() {
		return nil
	}
	var all []*hunt.Detection
	for _, p := range pkgs {
		for _, d := range p.Detections {
			all = append(all, hunt.OfPackage(d))
		}
	}
	for _, r := range rules.all {
		all = append(all, hunt.OfRule(r))
	}
	if rules.tenant != nil {
		for _, r := range rules.tenant.Rules {
			all = append(all, hunt.OfTenant(r))
		}
	}
	flag, value, near, unknown := x.Unknown(all)
	if !unknown {
		return nil
	}
	help := "* is any text: --detection '*mimikatz*'"
	if flag == "tag" {
		help = "write it as the rules do: attack.t1059.001, attack.execution, car.2016-04-005"
	}
	if near != "" {
		help = "did you mean " + near + "?"
	}
	return usageError("--%s %s: none of the %s %s that can run has that %s; %s", flag, value, number(int64(len(all))), plural(int64(len(all)), "detection", "detections"), map[string]string{"tag": "tag", "detection": "id, title or package"}[flag], help)
}

// shippedRules are the Cloud SIEM rules of packages that gyoji ships; nil for none.
func (a *app) shippedRules(pkgs []*detection.Package, strict bool, with []tenant.Option) (*tenant.Tenant, error) {
	var places []tenant.Place
	for _, p := range pkgs {
		if _, err := fs.Stat(p.FS, detection.RulesDir); err == nil {
			places = append(places, tenant.Place{FS: p.FS, Path: detection.RulesDir, Name: path.Join(p.Dir, detection.RulesDir)})
		}
	}
	if places == nil {
		return nil, nil
	}
	t, err := a.tenantOf(places, strict, with...)
	if err != nil {
		return nil, err
	}
	if len(t.Rules) == 0 {
		return nil, nil
	}
	return t, nil
}

// leftOut names the packages and detections that cannot run, each with its reason.
// The others run without them, unless strict.
func (a *app) leftOut(out []string, strict bool) error {
	for _, o := range out {
		fmt.Fprintf(a.stderr, "gyoji: %s\n", o)
	}
	n := int64(len(out))
	switch {
	case n == 0:
		return nil
	case strict:
		return &exit{exitDiagnostics, fmt.Errorf("--strict: %d %s cannot run", n, plural(n, "detection", "detections"))}
	}
	fmt.Fprintf(a.stderr, "gyoji: %d %s cannot run; the others do\n", n, plural(n, "detection", "detections"))
	return nil
}

// shipped is the package that gyoji ships under a name that is no file or folder: a
// technique, the package's name or its folder. missing is why there is no such file.
func (a *app) shipped(name string, missing error) (*detection.Package, error) {
	all, err := a.packages(nil)
	if err != nil {
		return nil, err
	}
	var names, near []string
	for _, p := range all {
		dir := p.Folder
		if slices.ContainsFunc(p.Attack.Techniques, func(t string) bool { return strings.EqualFold(t, name) }) ||
			strings.EqualFold(p.Name, name) || strings.EqualFold(dir, name) || p.ID == name {
			return p, nil
		}
		names = append(names, dir)
		near = append(append(near, dir, p.Name), p.Attack.Techniques...)
	}
	if strings.ContainsAny(name, `/\`) || !errors.Is(missing, fs.ErrNotExist) {
		return nil, &exit{exitInput, missing}
	}
	help := ""
	if n := diag.Nearest(name, append(near, sigmaStore)); n != "" {
		help = fmt.Sprintf(" did you mean %s?", n)
	}
	if one, _, several := strings.Cut(name, ","); several {
		help = fmt.Sprintf(" several are named one by one: -d %s -d ...;", one)
	}
	if below := slices.DeleteFunc(slices.Clone(near), func(n string) bool {
		return !strings.HasPrefix(strings.ToUpper(n), strings.ToUpper(name)+".") || strings.Contains(n, "-")
	}); len(below) > 0 {
		help = fmt.Sprintf(" of what is below it there is %s;", strings.Join(below, ", "))
	}
	return nil, &exit{exitInput, fmt.Errorf("%s: there is no such file or folder, and no package of that name or technique;%s gyoji ships %s", name, help, strings.Join(names, ", "))}
}

// packages loads the packages named with -d, or the built-in ones.
func (a *app) packages(dirs []string) ([]*detection.Package, error) {
	collectLate(collectRulesFrom)
	var all []*detection.Package
	var wrong []error
	if len(dirs) == 0 {
		all, wrong = detection.Load(packages.FS, "packages")
	}
	for _, d := range dirs {
		d = strings.TrimSuffix(d, "/...") // as go names a folder with all below it
		if st, err := os.Stat(d); err != nil {
			p, err := a.shipped(d, err)
			if err != nil {
				return nil, err
			}
			all = append(all, p)
			continue
		} else if !st.IsDir() {
			return nil, usageError("%s is %s; a detection package is a folder with a %s: %s", d, content.Of(d, headOf(d)), detection.ManifestName, content.Of(d, headOf(d)).Use())
		}
		pkgs, errs := detection.LoadDir(d)
		all, wrong = append(all, pkgs...), append(wrong, errs...)
	}
	if len(wrong) > 0 {
		return nil, &exit{exitDiagnostics, errors.Join(wrong...)}
	}
	if len(all) == 0 {
		return nil, &exit{exitDiagnostics, fmt.Errorf("no detection packages found: a package is a folder with a %s", detection.ManifestName)}
	}
	return all, nil
}

// huntRun is one run of some detections over a session's logs.
type huntRun struct {
	*hunt.List
	app      *app
	session  *session
	tables   *lookup.Library
	set      *rule.Set  // of the Sigma rules; nil for none
	siem     *siemHunt  // of the Cloud SIEM rules; nil for none
	live     *hunt.Live // with --follow
	state    string     // where the Cloud SIEM rules keep what they remember; "" for nowhere
	shown    int64
	most     detection.Severity // of those shown with --follow
	timeline bool
	plain    bool   // all findings are listed, in the usual order
	flags    string // -d, as the next command wants them
}

// worst is the highest severity of the findings.
func (h *huntRun) worst() (detection.Severity, bool) {
	if h.live != nil {
		return h.most, h.shown > 0
	}
	return h.Worst()
}

// ran are the detections that ran, each with the number of its findings.
func (h *huntRun) ran() []*hunt.Detection {
	if h.live != nil {
		return h.live.Detections()
	}
	return h.Detections()
}

// detectionFlags are -d as a shell takes it, with a blank after it.
func detectionFlags(detections []string) (flags string) {
	for _, d := range detections {
		flags += "-d " + shellWord(d) + " "
	}
	return flags
}

// run runs all detections and rules over one reading of the logs, and prints
// their findings.
func (h *huntRun) run(ctx context.Context, pkgs []*detection.Package, rules *sigmaRules, out *output, w io.Writer) error {
	err := h.search(ctx, pkgs, rules)
	if err != nil && !exec.IsBug(err) {
		return err
	}
	return firstOf(err, h.print(ctx, out, w)) // what the others found stands
}

// search runs the packages' detections and the rules, if there are any.
func (h *huntRun) search(ctx context.Context, pkgs []*detection.Package, rules *sigmaRules) error {
	ready, err := h.compile(pkgs, rules)
	if err != nil {
		return err
	}
	h.set = ready.Set()
	pass := ready.Pass(h.List, h.session.partName, func(at map[uint64]bool) (map[uint64]map[string]string, error) {
		return h.session.recordsAt(ctx, at)
	})
	var siem *siemHunt
	if pass.SIEM != nil {
		siem = h.session.siem(rules.tenant)
		siem.Pass, siem.beside = pass.SIEM, len(pass.Parts)+len(rules.rules) > 0
		if h.state != "" {
			siem.keep(h.state)
		}
	}
	if len(pass.Parts)+len(pass.Consumers) > 0 {
		if err := h.session.searchAll(ctx, pass.Parts, pass.Consumers...); err != nil {
			return err
		}
		switch err = pass.Finish(); {
		case err != nil && !exec.IsBug(err):
			return err
		case siem == nil:
		default:
			if e := h.tellSignals(siem, pass.Signals); e != nil {
				return e
			}
		}
	}
	h.session.rows = h.Len()
	h.allLeftOut(rules)
	h.nothingReached(ctx, rules, pass.Seen)
	return err
}

// allLeftOut notes that findings there were are all left out by --host, --user or
// --min-severity, and by which.
func (h *huntRun) allLeftOut(rules *sigmaRules) {
	left := h.LeftOut()
	if h.Len() > 0 || left.Findings == 0 || rules == nil {
		return
	}
	what := fmt.Sprintf("%s %s left out, as asked for", number(left.Findings), plural(left.Findings, "finding is", "findings are"))
	for _, x := range []struct {
		flag         string
		asked, there []string
	}{{"--host", rules.filter.Hosts, left.Hosts}, {"--user", rules.filter.Users, left.Users}} {
		if len(x.asked) == 0 || len(x.there) == 0 {
			continue
		}
		slices.Sort(x.there)
		some := x.there
		if near := diag.Nearest(x.asked[0], x.there); near != "" {
			some = []string{near}
		}
		more := ""
		if len(some) > topShown {
			some, more = some[:topShown], " and others"
		}
		what += fmt.Sprintf("; %s %s: they are of %s%s", x.flag, strings.Join(x.asked, ", "), strings.Join(some, ", "), more)
	}
	h.session.notes = append(h.session.notes, what) // which is no failure: it was asked for
}

// compile readies the detections. Queries with mistakes are named; the others run without
// them, unless --strict.
func (h *huntRun) compile(pkgs []*detection.Package, rules *sigmaRules) (*hunt.Hunt, error) {
	d := hunt.Detections{Packages: pkgs, Tables: h.tables}
	if rules != nil {
		d.Scope, d.Rules, d.Tenant, d.Filter = rules.scope, rules.rules, rules.tenant, rules.filter
	}
	ready, diags := hunt.Compile(d)
	diags = slices.DeleteFunc(diags, func(d *diag.Diagnostic) bool { return d.Severity != diag.Error && !h.app.verbose })
	if err := diags.Err(); err != nil && (h.session.strict || ready.Len() == 0) {
		return nil, err
	}
	if len(diags) > 0 { // the others run
		h.app.diagnose(diags)
	}
	return ready, nil
}

// tellSignals says what there is to say of the signals, and keeps the state of the rules.
func (h *huntRun) tellSignals(g *siemHunt, signals []*insight.Signal) error {
	h.siem, g.signals = g, signals
	g.tell()
	if err := g.keepState(); err != nil {
		return err
	}
	if why := g.why(); why != "" && !h.app.quiet {
		fmt.Fprintln(h.app.stderr, strings.Join(printable.Wrap(why, h.app.errWidth), "\n"))
	}
	return nil
}
