package detection

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Proposal is an exclusion that Tune proposes, or refuses to.
type Proposal struct {
	Entry     *Entry
	Text      string // the ledger file
	Removes   int    // false positives that it excludes
	Of        int    // false positives in all
	Refused   string // why it may not be used; "" when it may
	Positives int    // true positives, all of which still fire
	Example   string // a command line that it excludes

	program string // path of the program
}

// Labelled are logs whose findings are known to be wrong, and known to be right.
// Each call reads them once more.
type Labelled struct{ False, True func() (query.Run, error) }

// Tune proposes ledger entries for a detection: each excludes some findings of
// the false positives and none of the true ones. A proposal that an attacker
// could use is returned with the reason for which it is refused.
func (d *Detection) Tune(ctx context.Context, l Labelled, owner, added, expires string) ([]*Proposal, error) {
	q, ds := query.Compile(d.Query, query.Standard())
	if err := ds.Err(); err != nil {
		return nil, err
	}
	wrong, err := over(ctx, q, l.False)
	if err != nil {
		return nil, err
	}
	right, err := over(ctx, q, l.True)
	if err != nil {
		return nil, err
	}
	image, parent := d.renamed("Image"), d.renamed("ParentImage")
	byPattern := map[string]*Proposal{}
	var order []*Proposal
	for i := range wrong.Values {
		line := text(wrong, i, "CommandLine")
		program := text(wrong, i, image)
		child := baseName(program)
		key := strings.ToLower(program) + "\x00" + general(line)
		p := byPattern[key]
		if p == nil {
			p = &Proposal{Of: len(wrong.Values), Positives: len(right.Values), Example: line}
			p.Entry = &Entry{
				Schema: "gyoji/tuning/v1", ID: fmt.Sprintf("%s-%d", strings.TrimSuffix(strings.ToLower(child), ".exe"), len(order)+1), AppliesTo: []string{d.ID},
				Owner: owner, Reason: fmt.Sprintf("%s started by %s with this line is benign here: say why.", child, baseName(text(wrong, i, parent))),
				Added: added, Expires: expires, File: "proposal",
			}
			if p.program, p.Refused = program, unsafe(child, line); p.Refused == "" && !IsAdminPath(program) {
				p.Refused = "the program is " + program + ", which is not under a folder that only administrators write"
			}
			byPattern[key] = p
			order = append(order, p)
		}
		p.Removes++
	}
	for _, p := range order {
		if err := d.settle(ctx, p, l, len(right.Values)); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(order, func(a, b *Proposal) int { return b.Removes - a.Removes })
	return order, nil
}

func over(ctx context.Context, q *query.Query, logs func() (query.Run, error)) (*query.Rows, error) {
	r, err := logs()
	if err != nil {
		return nil, err
	}
	return q.Collect(ctx, r)
}

// renamed is what the detection's events call a field of Sysmon's.
func (d *Detection) renamed(f string) string {
	if n := d.Fields[f]; n != "" {
		return n
	}
	return f
}

func text(r *query.Rows, i int, column string) string {
	if v := r.Get(i, column); !v.IsNull() {
		return v.String()
	}
	return ""
}

// settle writes the proposal's file and proves that the true positives still
// fire with it.
func (d *Detection) settle(ctx context.Context, p *Proposal, l Labelled, want int) error {
	control := "no: the whole line is matched, and no file of the user is in it; check that before you use it"
	if p.Refused != "" {
		control = "yes: " + p.Refused
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	p.Entry.Attacker, p.Entry.Match = control, exactly(p.program, p.Example)
	p.Entry.Evidence = []string{fmt.Sprintf("%d of %d labelled false positives, 0 of %d true ones", p.Removes, p.Of, p.Positives)}
	if err := e.Encode(p.Entry); err != nil {
		return err
	}
	p.Text = b.String()
	var err error
	if p.Entry.Cond, err = p.Entry.read(); err != nil {
		return err
	}
	tuned, err := d.with(p.Entry)
	if err != nil {
		return err
	}
	q, ds := query.Compile(diag.Text(d.File+" with "+p.Entry.ID, tuned), query.Standard())
	if err := ds.Err(); err != nil {
		return err
	}
	rows, err := over(ctx, q, l.True)
	if err != nil {
		return err
	}
	if n := len(rows.Values); n != want && p.Refused == "" {
		p.Refused = fmt.Sprintf("%d of %d true positives would no longer fire", want-n, want)
	}
	return nil
}

// exactly is a match of one program with one command line, in which what changes from run to
// run may differ.
func exactly(program, line string) yaml.Node {
	match := yaml.Node{Kind: yaml.MappingNode}
	add := func(k, v string) {
		match.Content = append(match.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: k}, &yaml.Node{Kind: yaml.ScalarNode, Value: v, Style: yaml.SingleQuotedStyle})
	}
	add("Image", program)
	add("CommandLine|re", "(?i)^"+general(line)+"$")
	return match
}

// Exclude is a ledger entry that excludes one program with one command line, as Tune proposes
// it. refused says why somebody could use it to go unseen; "" where nothing says so.
func Exclude(id, program, parent, line string) (e *Entry, refused string, err error) {
	child := baseName(program)
	e = &Entry{
		Schema: "gyoji/tuning/v1", ID: id, Reason: fmt.Sprintf("%s started by %s with this line is benign here: say why.", child, baseName(parent)), File: "proposal", Match: exactly(program, line),
	}
	if refused = unsafe(child, line); refused == "" && !IsAdminPath(program) {
		refused = "the program is " + program + ", which is not under a folder that only administrators write"
	}
	e.Cond, err = e.read()
	return e, refused, err
}

// AlikeLine is the same for command lines that differ in nothing but what changes from run to
// run.
func AlikeLine(line string) string { return strings.ToLower(general(line)) }

// with is the detection's query with one more entry in its tuning block.
func (d *Detection) with(e *Entry) (string, error) {
	ledger, err := d.Package.Ledger()
	if err != nil {
		return "", err
	}
	more := *d
	more.Tuning = append(slices.Clone(d.Tuning), e.ID)
	return more.Tuned(append(ledger, e))
}

var (
	volatileText = []struct {
		find func() *regexp.Regexp
		as   string
	}{
		{match.Lazy(`\\\{[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\\\}`), `\{[0-9a-fA-F-]{36}\}`},
		{match.Lazy(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`), `[0-9a-fA-F-]{36}`},
		{match.Lazy(`\b[0-9a-fA-F]{12,}\b`), `[0-9a-fA-F]+`},
		{match.Lazy(`\b[0-9]{3,}\b`), `[0-9]+`},
	}
	foreignURL = match.Lazy(`(?i)(https?|ftp)://`)
	localURL   = match.Lazy(`(?i)https?://(localhost|127\.0\.0\.1|\[::1\])([:/"']|$)`)
	// extension is whom a native messaging host of a browser is started for (Chrome, "Native
	// messaging"); it names no file.
	extension  = match.Lazy(`\bchrome-extension://[a-p]{32}/?`)
	chained    = match.Lazy(`[&|;]|\$\(|\^`)
	inlineCode = match.Lazy(`(?i)(^|\s)[-/](c|command|e|ec|enc\w*|encodedcommand)\s|javascript:|vbscript:|iex|invoke-expression`)
)

// general is a command line as a regular expression in which what changes from
// run to run (ids, long numbers) may differ.
func general(line string) string {
	p := regexp.QuoteMeta(line)
	for _, v := range volatileText {
		p = v.find().ReplaceAllLiteralString(p, v.as)
	}
	return p
}

// unsafe says why an exclusion of this line would help an attacker; "" when the
// line names nothing that one controls.
func unsafe(child, line string) string {
	switch {
	case line == "":
		return "there is no command line, so every start of " + child + " would be excluded"
	case foreignURL().MatchString(line) && !localURL().MatchString(line):
		return "the line names an address: whoever controls it decides what runs"
	case chained().MatchString(line):
		return "the line chains commands, or hides what it says"
	case inlineCode().MatchString(line) && !strings.EqualFold(child, "cmd.exe"):
		return "the line carries code"
	case !strings.ContainsAny(strings.TrimSpace(line), " \t"):
		return "the line is the program alone, so every plain start of it would be excluded"
	}
	line = extension().ReplaceAllLiteralString(line, "")
	for _, p := range pathsOf(line) {
		if !IsAdminPath(p) {
			return "the line names " + p + ", which is not under a folder that only administrators write: whoever puts a file there is excluded too"
		}
	}
	if f := looseOf(child, line); f != "" {
		return "the line names " + f + " without a full path: it is looked for where the process was started, and whoever puts a file there is excluded too"
	}
	return ""
}
