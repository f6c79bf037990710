package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/store"
)

// guideSchema keeps the answers of steps that were run, and what of playbooks is done: every
// run and every tick, the last of which counts.
const guideSchema = `
CREATE TABLE desk_answer (number INTEGER PRIMARY KEY AUTOINCREMENT, insight TEXT NOT NULL, guide TEXT NOT NULL, step TEXT NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX desk_answer_insight ON desk_answer (insight, guide);
CREATE TABLE desk_tick (number INTEGER PRIMARY KEY AUTOINCREMENT, insight TEXT NOT NULL, item TEXT NOT NULL, text TEXT NOT NULL, done INTEGER NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL);
CREATE INDEX desk_tick_insight ON desk_tick (insight);
`

// again opens a snapshot once more for a run.
func again(s *store.Snapshot) func() (input.Feeder, error) {
	return func() (input.Feeder, error) { return s.Feeder(), nil }
}

// stepAnswer is what came of a step.
type stepAnswer struct {
	By      string      `json:"by"`
	At      int64       `json:"at"`
	Query   string      `json:"query"`
	Count   int         `json:"count"`
	Columns []string    `json:"columns"`
	Rows    [][]*string `json:"rows"` // at most detection.RowsMax
	Own     []int       `json:"own"`  // numbers of the rows of the insight's own process
	Means   string      `json:"means"`
	LeadsTo string      `json:"leadsTo"`
	Took    int64       `json:"took"` // ms
}

type told struct {
	Text string `json:"text"`
	Next string `json:"next"`
}

// stepShown is a step of a guide as the page has it.
type stepShown struct {
	ID      string      `json:"id"`
	Title   string      `json:"title"`
	Text    string      `json:"text"`
	Query   string      `json:"query"`
	Missing []string    `json:"missing"`
	From    int64       `json:"from"`
	To      int64       `json:"to"`
	Some    told        `json:"some"`
	None    told        `json:"none"`
	OnPath  bool        `json:"onPath"`
	Answer  *stepAnswer `json:"answer"`
}

// guided is a guide in the hands of one insight.
type guided struct {
	d     *Desk
	c     *insight.Case
	p     *detection.Package
	file  string
	g     *detection.Guide
	of    *evidence
	steps []*stepShown
}

// open gets the guide, or with playbook the playbook, of the package that the insight's
// strongest signal is of. why says what there is not.
func (d *Desk) open(r *http.Request, playbook bool) (x *guided, why string, err error) {
	c, err := d.insightOf(r)
	if err != nil {
		return nil, "", err
	}
	x = &guided{d: d, c: c}
	word := "guide"
	if playbook {
		word = "playbook"
	}
	signals := slices.Clone(c.Insight.Signals)
	slices.SortStableFunc(signals, func(a, b *insight.Signal) int { return b.Severity - a.Severity })
	for _, s := range signals {
		p := d.packageOf(s.RuleID, s.Tags)
		if p == nil {
			continue
		}
		if x.file = p.Guide; playbook {
			x.file = p.Playbook
		}
		if x.file == "" {
			continue
		}
		x.p, x.of = p, d.evidence(r.Context(), s)
		break
	}
	if x.p == nil {
		return x, "no package has a " + word + " for the rules of this insight; a package is one for a technique that a rule's tags name", nil
	}
	for _, s := range signals { // the package's own strongest process says the most
		if e := d.evidence(r.Context(), s); e.process().GUID != "" || e.process().PID != "" {
			x.of = e
			break
		}
	}
	if x.g, err = x.p.ReadGuide(x.file); err != nil {
		return nil, "", err
	}
	return x, "", x.fill(r.Context())
}

// fill reads the steps with the answers that they have.
func (x *guided) fill(ctx context.Context) error {
	answers := map[string]*stepAnswer{}
	rows, err := x.d.db.QueryContext(ctx, `SELECT step, body FROM desk_answer WHERE insight = ? AND guide = ? ORDER BY number`, x.c.Insight.ID, x.key())
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, text string
		a := &stepAnswer{}
		if err := errors.Join(rows.Scan(&id, &text), json.Unmarshal([]byte(text), a)); err != nil {
			return err
		}
		answers[id] = a
	}
	if err := rows.Err(); err != nil {
		return err
	}
	at := x.of.signal.Time
	x.steps = []*stepShown{}
	for _, s := range x.g.Steps {
		text, missing := s.Fill(x.of.value)
		x.steps = append(x.steps, &stepShown{
			ID: s.ID, Title: s.Title, Text: s.Text, Query: text, Missing: append([]string{}, missing...), From: at + s.From.Milliseconds(), To: at + s.To.Milliseconds(),
			Some: told{s.Some.Text, s.Some.Next}, None: told{s.None.Text, s.None.Next}, Answer: answers[s.ID],
		})
	}
	return nil
}

// key names the guide among the answers.
func (x *guided) key() string { return x.p.ID + "/" + x.file }

// path marks the steps that the answers lead along from the first that can be run. current is
// the one to run now, "" where the path is at its end.
func (x *guided) path() (current string) {
	for _, s := range x.steps {
		s.OnPath = false
	}
	at := slices.IndexFunc(x.steps, func(s *stepShown) bool { return len(s.Missing) == 0 })
	for at >= 0 && !x.steps[at].OnPath && len(x.steps[at].Missing) == 0 {
		s := x.steps[at]
		s.OnPath = true
		if s.Answer == nil {
			return s.ID
		}
		at = slices.IndexFunc(x.steps, func(n *stepShown) bool { return n.ID == s.Answer.LeadsTo })
	}
	return ""
}

// run runs a step and keeps its answer.
func (x *guided) run(ctx context.Context, id, by string) (*stepAnswer, error) {
	step := x.g.Step(id)
	if step == nil {
		return nil, access.Missing("there is no step %s in %s", id, x.g.File)
	}
	began := time.Now()
	var e *detection.Evidence
	err := x.d.reading(ctx, func(runs func(from, to int64) (query.Run, error)) (err error) {
		e, err = x.g.Run(ctx, step, x.of.value, x.of.signal.Time, runs)
		return err
	})
	if err != nil {
		return nil, err
	}
	if e.Skipped != "" {
		return nil, access.Bad("this step cannot be run: %s", e.Skipped)
	}
	a := &stepAnswer{
		By: by, At: x.d.o.Now().UnixMilli(), Query: e.Query, Count: len(e.Rows.Values) + e.Beyond, Columns: append([]string{}, e.Rows.Columns...), Rows: [][]*string{}, Own: []int{},
		Means: e.Answer.Text, LeadsTo: e.Answer.Next, Took: time.Since(began).Milliseconds(),
	}
	own := x.of.process()
	for n, values := range e.Rows.Values {
		row := make([]*string, len(a.Columns))
		for c, v := range values {
			if c < len(row) && !v.IsNull() {
				t := v.String()
				row[c] = &t
			}
		}
		a.Rows = append(a.Rows, row)
		get := func(name string) string {
			if v := e.Rows.Get(n, name); !v.IsNull() {
				return v.String()
			}
			return ""
		}
		if guid := get("ProcessGuid"); guid != "" && guid == own.GUID || guid == "" && own.CommandLine != "" && get("CommandLine") == own.CommandLine && strings.EqualFold(get("Image"), own.Image) {
			a.Own = append(a.Own, n)
		}
	}
	text, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	if _, err := x.d.db.ExecContext(ctx, `INSERT INTO desk_answer (insight, guide, step, at, by, body) VALUES (?,?,?,?,?,?)`, x.c.Insight.ID, x.key(), id, a.At, by, string(text)); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(x.steps, func(s *stepShown) bool { return s.ID == id }); i >= 0 {
		x.steps[i].Answer = a
	}
	return a, nil
}

func named(p *detection.Package) map[string]any {
	return map[string]any{"name": p.Name, "dir": p.Dir, "technique": p.Technique(), "version": p.Version}
}

// shown is a guide as the page has it.
func (x *guided) shown() map[string]any {
	current := x.path()
	done := current == "" && slices.ContainsFunc(x.steps, func(s *stepShown) bool { return s.Answer != nil })
	intro := []map[string]any{}
	for _, s := range x.g.Sections {
		if len(s.Steps) > 0 {
			break
		}
		if len(s.Text) > 0 {
			intro = append(intro, map[string]any{"title": s.Title, "text": s.Text})
		}
	}
	var cur any
	if current != "" {
		cur = current
	}
	return map[string]any{
		"package": named(x.p), "title": x.g.Title, "file": x.g.File, "intro": intro, "steps": x.steps, "current": cur, "done": done, "last": x.g.Closing(), "why": "",
	}
}

func nothing(why string) map[string]any {
	return map[string]any{"package": nil, "title": "", "file": "", "intro": []any{}, "steps": []any{}, "current": nil, "done": false, "last": "", "why": why, "doNot": []any{}, "phases": []any{}}
}

// guide is the guide of an insight, with the answers so far.
func (d *Desk) guide(r *http.Request) (any, error) {
	x, why, err := d.open(r, false)
	if err != nil {
		return nil, err
	}
	if why != "" {
		return nothing(why), nil
	}
	return x.shown(), nil
}

// runStep runs one step of the guide.
func (d *Desk) runStep(r *http.Request) (any, error) { return d.runOne(r, false) }

func (d *Desk) runPlaybook(r *http.Request) (any, error) { return d.runOne(r, true) }

func (d *Desk) runOne(r *http.Request, playbook bool) (any, error) {
	x, why, err := d.open(r, playbook)
	if err != nil {
		return nil, err
	}
	if why != "" {
		return nil, access.Missing("%s", why)
	}
	a, err := x.run(r.Context(), r.PathValue("step"), who(r))
	if err != nil {
		return nil, err
	}
	d.hub.worked(x.c)
	all := x.shown()
	return map[string]any{"answer": a, "current": all["current"], "done": all["done"]}, nil
}

// runGuide runs all steps of the guide that can be run.
func (d *Desk) runGuide(r *http.Request) (any, error) {
	x, why, err := d.open(r, false)
	if err != nil {
		return nil, err
	}
	if why != "" {
		return nil, access.Missing("%s", why)
	}
	for _, s := range x.steps {
		if len(s.Missing) > 0 {
			continue
		}
		if _, err := x.run(r.Context(), s.ID, who(r)); err != nil {
			return nil, err
		}
	}
	d.hub.worked(x.c)
	return x.shown(), nil
}

// item is a line of a playbook that can be ticked.
type item struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	Done bool   `json:"done"`
	By   string `json:"by"`
	At   *int64 `json:"at"`
}

// itemID is the same as long as the line says the same.
func itemID(phase, text string) string {
	h := sha256.Sum256([]byte(phase + "\x00" + text))
	return hex.EncodeToString(h[:6])
}

// playbook is that of an insight, with what is done.
func (d *Desk) playbook(r *http.Request) (any, error) {
	x, why, err := d.open(r, true)
	if err != nil {
		return nil, err
	}
	if why != "" {
		return nothing(why), nil
	}
	return x.phases(r.Context())
}

func (x *guided) phases(ctx context.Context) (any, error) {
	done := map[string]item{}
	rows, err := x.d.db.QueryContext(ctx, `SELECT item, done, at, by FROM desk_tick WHERE insight = ? ORDER BY number`, x.c.Insight.ID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var i item
		var at int64
		if err := rows.Scan(&i.ID, &i.Done, &at, &i.By); err != nil {
			return nil, err
		}
		i.At = &at
		done[i.ID] = i
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	byID := map[string]*stepShown{}
	for _, s := range x.steps {
		byID[s.ID] = s
	}
	phases := []any{}
	for _, s := range x.g.Sections {
		if len(s.Text)+len(s.Items)+len(s.Table)+len(s.Steps) == 0 {
			continue
		}
		items, steps := []item{}, []*stepShown{}
		for _, text := range s.Items {
			i := item{ID: itemID(s.Title, text), Text: text}
			if d, ok := done[i.ID]; ok {
				i.Done, i.By, i.At = d.Done, d.By, d.At
			}
			items = append(items, i)
		}
		for _, k := range s.Steps {
			steps = append(steps, byID[k.ID])
		}
		table := s.Table
		if table == nil {
			table = [][]string{}
		}
		phases = append(phases, map[string]any{"title": s.Title, "text": append([]string{}, s.Text...), "items": items, "table": table, "steps": steps})
	}
	return map[string]any{"package": named(x.p), "title": x.g.Title, "file": x.g.File, "doNot": append([]string{}, x.g.Never()...), "phases": phases, "why": ""}, nil
}

// tick says that something of the playbook is done, or is not.
func (d *Desk) tick(r *http.Request) (any, error) {
	var ask struct {
		Item string `json:"item"`
		Done bool   `json:"done"`
	}
	if err := body(r, &ask); err != nil {
		return nil, err
	}
	x, why, err := d.open(r, true)
	if err != nil {
		return nil, err
	}
	if why != "" {
		return nil, access.Missing("%s", why)
	}
	text := ""
	for _, s := range x.g.Sections {
		for _, t := range s.Items {
			if itemID(s.Title, t) == ask.Item {
				text = t
			}
		}
	}
	if text == "" {
		return nil, access.Missing("the playbook has no line %q; GET it again", ask.Item)
	}
	if _, err := d.db.ExecContext(r.Context(), `INSERT INTO desk_tick (insight, item, text, done, at, by) VALUES (?,?,?,?,?,?)`,
		x.c.Insight.ID, ask.Item, text, ask.Done, d.o.Now().UnixMilli(), who(r)); err != nil {
		return nil, err
	}
	d.hub.worked(x.c)
	return x.phases(r.Context())
}

// guided are the entries of an insight's history that guide and playbook have left.
func (d *Desk) guided(ctx context.Context, id string) (out []entry, err error) {
	rows, err := d.db.QueryContext(ctx, `SELECT 'guide', step, at, by, body, '' FROM desk_answer WHERE insight = ? UNION ALL SELECT 'playbook', item, at, by, '', CASE done WHEN 1 THEN 'done: ' ELSE 'not done: ' END || text FROM desk_tick WHERE insight = ?`, id, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e entry
		var text string
		if err := rows.Scan(&e.What, &e.Step, &e.At, &e.By, &text, &e.Text); err != nil {
			return nil, err
		}
		if text != "" {
			var a stepAnswer
			if err := json.Unmarshal([]byte(text), &a); err != nil {
				return nil, err
			}
			if e.Text = "none"; a.Count > 0 {
				e.Text = plural(a.Count, "row")
			}
			if a.Means != "" {
				e.Text += ": " + a.Means
			}
		}
		out = append(out, e)
	}
	return out, rows.Err()
}
