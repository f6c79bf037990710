package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

var _ = command((*app).measureCmd)

func (a *app) measureCmd() *cobra.Command {
	var in inputs
	var detections []string
	var labels, form string
	var others []string
	var write bool
	var rules sigmaRules
	cmd := &cobra.Command{
		GroupID: groupDetect,
		Use:     "measure PATH... [--labels FILE]",
		Short:   "Count what packages find over recorded logs: findings per million events, recall, precision",
		Long: `measure runs detection packages over logs and counts what they find: findings per
million events by detection and severity, and, with --labels, how many of the
recorded attacks are found and how many findings are of attacks, each with its n.

A line of the labels is a pattern and a label, with a comma between: * in the
pattern is anything, and the pattern is of the end of a file's path. The label is
an ATT&CK technique, for a recording of it; attack, for one of something else; or
ordinary. The last line that fits a file counts. What no line fits is not labelled
and counts for findings per million alone.

A record that several detections find counts once for recall, and copies of one
record in several files count once.

With --sigma, Sigma rules run beside the packages, those of SigmaHQ say. Of each technique
of the packages it is counted how many processes and records both find at medium or more,
and what the one or the other finds alone: n is how many there are of all three.

--write puts what was measured of each package into its detection.yaml, between two lines
that say so. gyoji score shows it, and gyoji pkg lint says when a query was changed since.`,
		Example: "  gyoji measure evtx/ --labels labels.csv\n  gyoji measure -d packages/T1204.001-malicious-link -f md evtx/",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("measure wants the logs to look at: gyoji measure FOLDER")
			}
			known, err := readLabels(labels)
			if err != nil {
				return err
			}
			pkgs, err := a.packages(detections)
			if err != nil {
				return err
			}
			if write && (len(detections) == 0 || labels == "") {
				return usageError("--write puts what was measured into packages: name them with -d, and --labels")
			}
			var with *sigmaRules
			if len(others) > 0 {
				for _, p := range pkgs {
					for _, t := range p.Attack.Techniques {
						rules.filter.Tags = append(rules.filter.Tags, "attack."+strings.ToLower(t))
					}
				}
				if err := rules.load(a, others, in.strict); err != nil {
					return err
				}
				with = &rules
			}
			s, err := a.open(&in, args)
			if err != nil {
				return err
			}
			h := &huntRun{List: newList(s, hunt.Options{}), app: a, session: s}
			if err := h.search(cmd.Context(), pkgs, with); err != nil {
				return err
			}
			m := newMeasured(pkgs, known)
			parts := s.whatWasRead().Parts
			for i, seen := 0, 0; seen < parts && i < partsMax; i++ { // what is no log has a number, and no name
				if name := s.partName(i); name != "" {
					seen++
					m.file(name)
				}
			}
			for _, r := range s.readers {
				m.Events = max(m.Events, r.Stats().Events)
			}
			if err := h.Each(cmd.Context(), s.locate(cmd.Context(), h.List), func(_ int, f *hunt.Finding) error {
				m.add(f)
				return nil
			}); err != nil {
				return err
			}
			m.agreement(h.Detections())
			m.settle()
			if write {
				if err := m.write(a, pkgs); err != nil {
					return err
				}
			}
			switch form {
			case "json":
				e := json.NewEncoder(a.json())
				e.SetIndent("", "  ")
				err = e.Encode(m)
			case "md":
				m.markdown(a.stdout)
			default:
				m.text(a.stdout)
			}
			return firstOf(err, s.finish(""))
		},
	}
	in.flags(cmd)
	f := cmd.Flags()
	f.StringArrayVarP(&detections, "detections", "d", nil, "packages (default: those that gyoji ships)")
	f.StringVar(&labels, "labels", "", "file of lines PATTERN,LABEL: a technique, attack or ordinary")
	f.StringArrayVar(&others, "sigma", nil, "Sigma rules to compare with: a rule, a folder, an archive, or sigma for those of gyoji rules")
	f.BoolVar(&write, "write", false, "put what was measured into detection.yaml of the packages of -d")
	formatFlag(f, &form, "text", []string{"text", "json", "md"}, "how to print: text, json or md")
	return cmd
}

// partsMax is how many files and members of archives are looked at for their labels.
const partsMax = 1 << 20

// label says what the files that fit a pattern are recordings of.
type label struct {
	fits *regexp.Regexp
	text string
}

func readLabels(file string) (out []label, err error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, &exit{exitInput, err}
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ',')
		if at < 1 {
			return nil, &exit{exitDiagnostics, fmt.Errorf("%s:%d: a line is PATTERN,LABEL", file, n)}
		}
		pattern, as := strings.TrimSpace(line[:at]), strings.TrimSpace(line[at+1:])
		if as != "attack" && as != "ordinary" && !techniqueID().MatchString(as) {
			return nil, &exit{exitDiagnostics, fmt.Errorf("%s:%d: %q is no label; write a technique such as T1204.001, attack or ordinary", file, n, as)}
		}
		out = append(out, label{regexp.MustCompile("(^|[/#])" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$"), as})
	}
	return out, nil
}

var techniqueID = match.Lazy(`^T[0-9]{4}(\.[0-9]{3})?$`)

// measured is what packages find over logs.
type measured struct {
	Events     int64          `json:"events"`
	Files      int            `json:"files"`
	Labelled   map[string]int `json:"labelled,omitempty"` // files by label
	Detections []*counted     `json:"detections"`
	Recall     []*recalled    `json:"recall,omitempty"`
	// Agreement is of the techniques of the packages with --sigma.
	Agreement []detection.Agreement `json:"agreement,omitempty"`

	labels     []label
	as         map[string]string // file -> label
	by         map[string]*counted
	techniques []string
	hit        map[string]bool            // label + file, found at medium or more
	of         map[string][]string        // techniques by detection of a package
	subjects   map[string]map[string]side // by technique, then by process or record: who finds it
}

// side is who finds a process or record at medium or more.
type side struct{ ours, theirs bool }

// counted is what one detection found.
type counted struct {
	Detection  string             `json:"detection"`
	Findings   map[string]int     `json:"findings"`    // by severity
	PerMillion map[string]float64 `json:"per_million"` // the same, of a million events
	Scores     []*scoreCount      `json:"scores,omitempty"`
}

// scoreCount is how many findings of a score were in recordings of attacks.
type scoreCount struct {
	Score   int `json:"score"`
	N       int `json:"n"` // with a label
	Attacks int `json:"attacks"`
}

// recalled is how many recordings of a technique have a finding at medium or more.
type recalled struct {
	Technique string   `json:"technique"`
	N         int      `json:"n"`
	Found     int      `json:"found"`
	Missed    []string `json:"missed,omitempty"`
}

func newMeasured(pkgs []*detection.Package, labels []label) *measured {
	m := &measured{labels: labels, as: map[string]string{}, by: map[string]*counted{}, hit: map[string]bool{}, of: map[string][]string{}, subjects: map[string]map[string]side{}, Labelled: map[string]int{}}
	for _, p := range pkgs {
		m.techniques = append(m.techniques, p.Attack.Techniques...)
		for _, d := range p.Detections {
			c := &counted{Detection: hunt.OfPackage(d).ID, Findings: map[string]int{}, PerMillion: map[string]float64{}}
			m.Detections, m.by[c.Detection] = append(m.Detections, c), c
			m.of[c.Detection] = p.Attack.Techniques
		}
	}
	slices.Sort(m.techniques)
	m.techniques = slices.Compact(m.techniques)
	return m
}

func (m *measured) file(name string) {
	m.Files++
	for _, l := range m.labels {
		if l.fits.MatchString(name) {
			m.as[name] = l.text
		}
	}
	if as := m.as[name]; as != "" {
		m.Labelled[as]++
	}
}

func (m *measured) add(f *hunt.Finding) {
	m.compare(f)
	c := m.by[f.DetectionID]
	if c == nil {
		return
	}
	c.Findings[f.Severity.String()]++
	as := ""
	for _, e := range f.Evidence {
		files := []string{e.File}
		for _, copy := range e.Copies {
			files = append(files, copy.File)
		}
		for _, file := range files {
			as = cmp.Or(as, m.as[file])
			if f.Severity >= detection.Medium && m.as[file] != "" {
				m.hit[file] = true
			}
		}
	}
	if f.Score == nil || as == "" {
		return
	}
	at := slices.IndexFunc(c.Scores, func(s *scoreCount) bool { return s.Score == int(*f.Score) })
	if at < 0 {
		at = len(c.Scores)
		c.Scores = append(c.Scores, &scoreCount{Score: int(*f.Score)})
	}
	c.Scores[at].N++
	if as != "ordinary" {
		c.Scores[at].Attacks++
	}
}

// compare notes a finding of a technique of the packages: by its process, or its first record.
func (m *measured) compare(f *hunt.Finding) {
	if f.Severity < detection.Medium || len(f.Evidence) == 0 {
		return
	}
	key := f.Evidence[0].Where()
	if f.Subject != nil && f.Subject.Key != "" {
		key = f.Subject.Key
	}
	techniques := m.of[f.DetectionID]
	if f.Kind == hunt.Sigma {
		techniques = f.TechniqueIDs()
	}
	for _, t := range techniques {
		if !slices.Contains(m.techniques, t) {
			continue
		}
		if m.subjects[t] == nil {
			m.subjects[t] = map[string]side{}
		}
		s := m.subjects[t][key]
		s.ours, s.theirs = s.ours || f.Kind == hunt.Package, s.theirs || f.Kind == hunt.Sigma
		m.subjects[t][key] = s
	}
}

// agreement counts who finds what, of the techniques that a Sigma rule which ran is of.
func (m *measured) agreement(ran []*hunt.Detection) {
	for _, t := range m.techniques {
		g := detection.Agreement{Technique: t}
		for _, d := range ran {
			if d.Kind == hunt.Sigma && slices.ContainsFunc(d.Techniques, func(x hunt.Technique) bool { return x.ID == t }) {
				g.Rules++
			}
		}
		if g.Rules == 0 {
			continue
		}
		for _, s := range m.subjects[t] {
			switch {
			case s.ours && s.theirs:
				g.Both++
			case s.ours:
				g.Ours++
			default:
				g.Theirs++
			}
		}
		m.Agreement = append(m.Agreement, g)
	}
}

// write puts what was measured into the manifests of packages.
func (m *measured) write(a *app, pkgs []*detection.Package) error {
	for _, p := range pkgs {
		into := &detection.Measured{Events: m.Events, Files: m.Files}
		for _, d := range p.Detections {
			x := detection.MeasuredDetection{ID: d.ID, Query: d.Digest()}
			for _, s := range m.by[hunt.OfPackage(d).ID].Scores {
				x.Scores = append(x.Scores, detection.MeasuredScore{Score: s.Score, N: s.N, Attacks: s.Attacks})
			}
			into.Detections = append(into.Detections, x)
		}
		for _, g := range m.Agreement {
			if slices.Contains(p.Attack.Techniques, g.Technique) {
				into.Agreement = append(into.Agreement, g)
			}
		}
		name := filepath.Join(filepath.FromSlash(p.Dir), detection.ManifestName)
		text, err := os.ReadFile(name)
		if err != nil {
			return &exit{exitInput, err}
		}
		if err := a.replace(name, []byte(detection.WithMeasured(string(text), into))); err != nil {
			return err
		}
	}
	return nil
}

// precision is that of a score, and the least that it may be.
func (s *scoreCount) precision() (share, least float64) {
	return detection.MeasuredScore{Score: s.Score, N: s.N, Attacks: s.Attacks}.Precision()
}

func (m *measured) settle() {
	for _, c := range m.Detections {
		for s, n := range c.Findings {
			if m.Events > 0 {
				c.PerMillion[s] = 1e6 * float64(n) / float64(m.Events)
			}
		}
		slices.SortFunc(c.Scores, func(a, b *scoreCount) int { return a.Score - b.Score })
	}
	by := map[string]*recalled{}
	var files []string
	for file := range m.as {
		files = append(files, file)
	}
	slices.Sort(files)
	for _, file := range files {
		t := m.as[file]
		if !techniqueID().MatchString(t) {
			continue
		}
		r := by[t]
		if r == nil {
			r = &recalled{Technique: t}
			by[t] = r
			m.Recall = append(m.Recall, r)
		}
		if r.N++; m.hit[file] {
			r.Found++
		} else {
			r.Missed = append(r.Missed, file)
		}
	}
	slices.SortFunc(m.Recall, func(a, b *recalled) int { return strings.Compare(a.Technique, b.Technique) })
}

// rows are the table of findings: a detection and what it found at each severity.
func (m *measured) rows() (out [][]string) {
	for _, c := range m.Detections {
		row := []string{c.Detection}
		for _, s := range detection.Severities() {
			cell := "0"
			if n := c.Findings[s]; n > 0 {
				cell = fmt.Sprintf("%d (%.1f)", n, c.PerMillion[s])
			}
			row = append(row, cell)
		}
		out = append(out, row)
	}
	return out
}

func (m *measured) text(w io.Writer) {
	fmt.Fprintf(w, "%s events in %s files; findings, and in brackets for a million events:\n", number(m.Events), number(int64(m.Files)))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  detection\t"+strings.Join(detection.Severities(), "\t"))
	for _, r := range m.rows() {
		fmt.Fprintln(t, "  "+strings.Join(r, "\t"))
	}
	t.Flush()
	for _, c := range m.Detections {
		for _, s := range c.Scores {
			_, least := s.precision()
			fmt.Fprintf(w, "%s: score %d: %d of %d labelled findings are in recordings of attacks, a precision of %.0f %% at least\n", c.Detection, s.Score, s.Attacks, s.N, 100*least)
		}
	}
	for _, g := range m.Agreement {
		fmt.Fprintf(w, "%s: of %d processes and records, both find %d, the package alone %d, %d %s alone %d\n", g.Technique, g.N(), g.Both, g.Ours, g.Rules, plural(int64(g.Rules), "Sigma rule", "Sigma rules"), g.Theirs)
	}
	for _, r := range m.Recall {
		fmt.Fprintf(w, "%s: %d of %d recordings have a finding of medium or more\n", r.Technique, r.Found, r.N)
		for _, file := range r.Missed {
			fmt.Fprintf(w, "  none in %s\n", file)
		}
	}
}

func (m *measured) markdown(w io.Writer) {
	fmt.Fprintf(w, "%s events in %s files. A cell is the number of findings, and in brackets how many that is\nfor a million events.\n\n", number(m.Events), number(int64(m.Files)))
	fmt.Fprintln(w, "| detection | "+strings.Join(detection.Severities(), " | ")+" |")
	fmt.Fprintln(w, "|---|"+strings.Repeat("---:|", len(detection.Severities())))
	for _, r := range m.rows() {
		fmt.Fprintln(w, "| "+strings.Join(r, " | ")+" |")
	}
	if len(m.Agreement) > 0 {
		fmt.Fprintln(w, "\n| technique | Sigma rules of it | n | both find it | the package alone | the rules alone |\n|---|---:|---:|---:|---:|---:|")
		for _, g := range m.Agreement {
			fmt.Fprintf(w, "| %s | %d | %d | %d | %d | %d |\n", g.Technique, g.Rules, g.N(), g.Both, g.Ours, g.Theirs)
		}
	}
	if len(m.Recall) > 0 {
		fmt.Fprintln(w, "\n| technique | recordings | with a finding of medium or more |\n|---|---:|---:|")
		for _, r := range m.Recall {
			fmt.Fprintf(w, "| %s | %d | %d |\n", r.Technique, r.N, r.Found)
		}
	}
	fmt.Fprintln(w, "\n| detection | score | labelled findings (n) | in recordings of attacks | precision | at least |\n|---|---:|---:|---:|---:|---:|")
	for _, c := range m.Detections {
		for _, s := range c.Scores {
			share, least := s.precision()
			fmt.Fprintf(w, "| %s | %d | %d | %d | %.0f %% | %.0f %% |\n", c.Detection, s.Score, s.N, s.Attacks, 100*share, 100*least)
		}
	}
}
