package detection

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Guide is an investigation guide or playbook: Markdown whose sections ask
// questions, each with a query that answers it.
type Guide struct {
	File  string
	Title string
	Steps []*Step
	// Sections are all of the document, in order: the first is what stands before the
	// first heading.
	Sections []*Section
}

// Step is a section with a query.
type Step struct {
	ID, Title string
	Line      int    // of the query's block
	Text      string // between the heading and the query
	Query     string // with {{names}} of the finding's values
	From, To  time.Duration
	Some      Answer // when the query gives rows
	None      Answer // when it gives none
}

// Answer is what a result means and which step follows; Next is "" at the end
// of a path.
type Answer struct{ Text, Next string }

var (
	headingLine = match.Lazy(`^##\s+(.*?)\s*(?:\{#([a-z0-9-]+)\})?\s*$`)
	blockLine   = match.Lazy("^```sumo(?:\\s+window=(\\S+))?\\s*$")
	answerLine  = match.Lazy(`^- \*\*(some|none)\*\*:\s*(.*)$`)
	nextStep    = match.Lazy(`\]\(#([a-z0-9-]+)\)`)
	windowText  = match.Lazy(`^([-+]?\d+)([smhdw])\.\.([-+]?\d+)([smhdw])$`)
	parameter   = match.Lazy(`\{\{([A-Za-z_][A-Za-z0-9_.]*)\}\}`)
)

// placeholder stands for a value of a finding in a detection's name.
var placeholder = match.Lazy(`\{\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*\}\}`)

// Placeholder is the form of {{column}} in a detection's name.
func Placeholder() *regexp.Regexp { return placeholder() }

// ReadGuide reads a guide of the package.
func (p *Package) ReadGuide(file string) (*Guide, error) {
	at := path.Join(p.Dir, file)
	text, err := fs.ReadFile(p.FS, file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", at, err)
	}
	g, err := parseGuide(at, string(text))
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, s := range g.Steps {
		known[s.ID] = true
	}
	for _, s := range g.Steps {
		for _, a := range []Answer{s.Some, s.None} {
			if a.Next != "" && !known[a.Next] {
				return nil, fmt.Errorf("%s:%d: step %s goes on to #%s, which is no step with a query", at, s.Line, s.ID, a.Next)
			}
		}
	}
	return g, nil
}

func parseGuide(at, text string) (*Guide, error) {
	g := &Guide{File: at, Sections: []*Section{{}}}
	var title, id string
	var prose []string
	var step *Step
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case strings.HasPrefix(line, "# ") && g.Title == "":
			g.Title = strings.TrimSpace(line[2:])
		case headingLine().MatchString(line):
			m := headingLine().FindStringSubmatch(line)
			title, id, prose, step = m[1], m[2], nil, nil
			g.Sections = append(g.Sections, &Section{Title: title})
		case blockLine().MatchString(line):
			m := blockLine().FindStringSubmatch(line)
			step = &Step{ID: id, Title: title, Line: i + 1, Text: strings.TrimSpace(strings.Join(prose, "\n"))}
			if step.ID == "" {
				step.ID = fmt.Sprintf("line-%d", i+1)
			}
			prose, id = nil, ""
			var err error
			if step.From, step.To, err = window(m[1]); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", at, i+1, err)
			}
			end := i + 1
			for end < len(lines) && lines[end] != "```" {
				end++
			}
			if end == len(lines) {
				return nil, fmt.Errorf("%s:%d: this block is never closed", at, i+1)
			}
			step.Query = strings.Join(lines[i+1:end], "\n")
			i = end
			g.Steps = append(g.Steps, step)
			in := g.Sections[len(g.Sections)-1]
			in.Steps = append(in.Steps, step)
		case strings.HasPrefix(line, "```"):
			for i++; i < len(lines) && !strings.HasPrefix(lines[i], "```"); i++ {
			}
		case answerLine().MatchString(line) && step != nil:
			m := answerLine().FindStringSubmatch(line)
			a := Answer{Text: m[2]}
			if n := nextStep().FindStringSubmatch(m[2]); n != nil {
				a.Next = n[1]
			}
			if m[1] == "some" {
				step.Some = a
			} else {
				step.None = a
			}
		default:
			prose = append(prose, line)
			g.Sections[len(g.Sections)-1].add(line)
		}
	}
	return g, nil
}

// window reads -10m..+30m, the time around a finding.
func window(s string) (from, to time.Duration, err error) {
	if s == "" {
		return -time.Hour, time.Hour, nil
	}
	m := windowText().FindStringSubmatch(s)
	if m == nil {
		return 0, 0, fmt.Errorf("window is %q; write a time before and one after, such as -10m..+30m", s)
	}
	units := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
	n, _ := strconv.Atoi(m[1]) // the pattern has let digits through alone
	k, _ := strconv.Atoi(m[3])
	return time.Duration(n) * units[m[2]], time.Duration(k) * units[m[4]], nil
}

// Step finds a step by its id; nil when there is none.
func (g *Guide) Step(id string) *Step {
	for _, s := range g.Steps {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// Parameters lists the names of the finding's values that the query wants.
func (s *Step) Parameters() (names []string) {
	for _, m := range parameter().FindAllStringSubmatch(s.Query, -1) {
		names = append(names, m[1])
	}
	return names
}

// Fill puts the finding's values into the query. missing lists those that the
// finding does not have.
func (s *Step) Fill(value func(name string) (string, bool)) (query string, missing []string) {
	query = parameter().ReplaceAllStringFunc(s.Query, func(p string) string {
		name := p[2 : len(p)-2]
		v, ok := value(name)
		if !ok {
			missing = append(missing, name)
		}
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(v) // as in a quoted string
	})
	return query, missing
}
