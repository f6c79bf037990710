package hunt_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/sharedtest"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/packages"
	"github.com/gyoji-dev/gyoji/sigma"
	"github.com/gyoji-dev/gyoji/sigma/sigmatest"
)

// correlations are made of two rules that every log of Sysmon matches.
const correlations = `title: Process
name: process
level: low
logsource: {product: windows, category: process_creation}
detection: {s: {Image|contains: '\'}, condition: s}
---
title: Network
name: network
level: low
logsource: {product: windows, category: network_connection}
detection: {s: {DestinationIp|contains: '.'}, condition: s}
---
title: Files in Downloads
level: low
logsource: {product: windows, category: file_event}
detection: {s: {TargetFilename|contains: '\Downloads\'}, condition: s}
---
title: Many processes
name: many
level: medium
correlation: {type: event_count, rules: process, group-by: Computer, timespan: 10m, condition: {gte: 8}, generate: true}
---
title: Few processes
level: medium
correlation: {type: event_count, rules: process, group-by: [Computer, User], timespan: 5m, condition: {lt: 3}}
---
title: Images
level: high
correlation: {type: value_count, rules: process, group-by: Computer, timespan: 30m, condition: {gte: 9, field: Image}}
---
title: Process then network
level: high
correlation: {type: temporal_ordered, rules: [process, network], group-by: Computer, timespan: 1m}
---
title: Many and network
level: critical
correlation: {type: temporal, rules: [many, network], group-by: Computer, timespan: 15m}
`

// everything are detections of every kind.
func everything(t testing.TB, sigmaToo bool) *hunt.Hunt {
	t.Helper()
	pkgs, errs := detection.Load(packages.FS, "packages")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	// What holds rows, and what wants whole events.
	for _, text := range []string{`* | where EventID = "1" | count by Computer, Image | where _count > 2`, `EventID=1 | where Image matches "*e.exe"`, `* | timeslice 1h | count by _timeslice, Computer`, `EventID=3 | count by _messagetime, Computer`} {
		pkgs = append(pkgs, &detection.Package{Name: text, Dir: "made", Folder: "made", Detections: []*detection.Detection{{ID: fmt.Sprint(len(pkgs)), Query: diag.Text(text, text)}}})
		pkgs[len(pkgs)-1].Detections[0].Package = pkgs[len(pkgs)-1]
	}
	docs, ds := sigma.Parse(diag.Text("correlations.yml", correlations))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	if sigmaToo {
		for _, f := range sigmatest.Files(t) {
			more, _ := sigma.Parse(f)
			docs = append(docs, more...)
		}
	}
	d := hunt.Detections{Packages: pkgs, Scope: rule.NewScope()}
	var unusable []rule.Unusable
	d.Scope.Twins = true
	d.Scope.Layout.Slot("OperationType")
	if d.Rules, unusable = d.Scope.Lower(docs, nil); len(unusable) > 0 && !sigmaToo {
		t.Fatal(unusable[0].Diagnostic)
	}
	siem, found, err := tenant.Read([]tenant.Place{{FS: packages.FS, Path: ".", Name: "packages"}})
	if err != nil {
		t.Fatal(err)
	}
	if d.Tenant = tenant.New(siem, found); len(d.Tenant.Rules) == 0 {
		t.Fatal("the packages have no Cloud SIEM rules")
	}
	h, ds := hunt.Compile(d)
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return h
}

// told is a finding as tests compare it: without what depends on what was read before
// it, copies and the process that another record says the start of.
func told(t testing.TB, f *hunt.Finding) string {
	f.Subject = nil
	for i := range f.Evidence {
		f.Evidence[i].Copies = nil
	}
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// log is a log of lines, or one that is read whole.
type log struct {
	name  string
	data  []byte
	whole bool
}

func samples(t testing.TB) (all []log) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("..", "..", "..", "samples", "*"))
	if err != nil || len(names) < 4 {
		t.Fatal(names, err)
	}
	for _, n := range names {
		data, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, log{filepath.Base(n), data, strings.HasSuffix(n, ".evtx")})
	}
	return all
}

func (l log) part(i int, data []byte, start int64) *input.Part {
	p := input.MemoryPart(l.name, data)
	p.Index, p.Start = i, start
	return p
}

// offline is what a run over all logs finds.
func offline(t testing.TB, h *hunt.Hunt, logs []log) (found []string) {
	t.Helper()
	rt := &exec.Runtime{Ctx: t.Context(), Layout: event.NewLayout(), Budget: &exec.Budget{}, Warnings: &exec.Warnings{}}
	list := hunt.NewList(rt, hunt.Options{})
	name := func(i int) string { return logs[i].name }
	var parts []*input.Part
	for i, l := range logs {
		parts = append(parts, l.part(i, l.data, 0))
	}
	r := query.Run{Input: input.NewReader(input.List(parts), format.All(), input.Options{Warnings: &exec.Warnings{}}), Workers: 2, Warnings: &exec.Warnings{}}
	if err := h.Run(t.Context(), r, list, name); err != nil {
		t.Fatal(err)
	}
	if err := list.Each(t.Context(), nil, func(_ int, f *hunt.Finding) error {
		found = append(found, told(t, f))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

// going is a live hunt whose findings are gathered.
type going struct {
	t        testing.TB
	h        *hunt.Hunt
	logs     []log
	l        *hunt.Live
	found    []string
	warnings *exec.Warnings
}

func (g *going) start() {
	g.t.Helper()
	var err error
	if g.l, err = g.h.Start(context.Background(), query.Run{Warnings: g.warnings}, hunt.LiveOptions{
		Part:  func(i int) string { return g.logs[i].name },
		Found: func(f *hunt.Finding) error { g.found = append(g.found, told(g.t, f)); return nil },
	}); err != nil {
		g.t.Fatal(err)
	}
}

func (g *going) add(p *input.Part) {
	g.t.Helper()
	if err := g.l.Add(context.Background(), input.NewReader(input.List([]*input.Part{p}), format.All(), input.Options{Warnings: g.warnings})); err != nil {
		g.t.Fatal(err)
	}
}

func (g *going) reopen() {
	g.t.Helper()
	var state bytes.Buffer
	if err := g.l.Save(&state); err != nil {
		g.t.Fatal(err)
	}
	g.l.Close()
	g.start()
	if err := g.l.Load(&state); err != nil {
		g.t.Fatal(err)
	}
}

// differ reports the findings that one of two lists has and the other has not.
func differ(t testing.TB, how string, got, want []string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Clone(want)
	if slices.Equal(got, want) {
		return
	}
	n := 0
	for len(got) > 0 || len(want) > 0 {
		switch {
		case len(want) == 0 || len(got) > 0 && got[0] < want[0]:
			t.Errorf("%s: only live: %s", how, got[0])
			got = got[1:]
		case len(got) == 0 || want[0] < got[0]:
			t.Errorf("%s: only offline: %s", how, want[0])
			want = want[1:]
		default:
			got, want = got[1:], want[1:]
			continue
		}
		if n++; n == 6 {
			t.Fatal("and more")
		}
	}
}

// A live hunt finds in a log that comes in pieces, cut and saved at random, what a run over
// the whole log finds: a line at a time, many at once, and with event time told or not.
func TestLiveFindsWhatOfflineFinds(t *testing.T) {
	h := everything(t, false)
	logs := samples(t)
	want := offline(t, h, logs)
	kinds := map[string]int{}
	for _, f := range want {
		var x hunt.Finding
		if err := json.Unmarshal([]byte(f), &x); err != nil {
			t.Fatal(err)
		}
		kinds[string(x.Kind)]++
	}
	t.Logf("%d findings: %v", len(want), kinds)
	for _, k := range hunt.Kinds {
		if kinds[string(k)] == 0 {
			t.Errorf("no finding of kind %s", k)
		}
	}
	for round := range 5 {
		rnd := rand.New(rand.NewPCG(3, uint64(round)))
		g := &going{t: t, h: h, logs: logs, warnings: &exec.Warnings{}}
		g.start()
		most := []int{1, 40, 500, 40, 200}[round]
		for i, l := range logs {
			if l.whole {
				g.add(l.part(i, l.data, 0))
				continue
			}
			lines := bytes.SplitAfter(l.data, []byte("\n"))
			if round == 0 { // one at a time takes long
				lines = append(lines[:60:60], bytes.Join(lines[60:], nil))
			}
			off := int64(0)
			for len(lines) > 0 {
				n := min(len(lines), 1+rnd.IntN(most))
				piece := bytes.Join(lines[:n], nil)
				g.add(l.part(i, piece, off))
				off += int64(len(piece))
				lines = lines[n:]
				if round > 2 && rnd.IntN(20) == 0 {
					g.reopen()
				}
			}
		}
		g.reopen()
		if err := g.l.Finish(); err != nil {
			t.Fatal(err)
		}
		if fails := g.l.Failures(); len(fails) > 0 {
			t.Fatal(fails)
		}
		g.l.Close()
		differ(t, fmt.Sprintf("round %d", round), g.found, want)
	}
}

// Of one log in order of time, correlations and signals come as event time goes on, and
// all together are what a run over the whole log finds.
func TestLiveAdvances(t *testing.T) {
	h := everything(t, false)
	all := samples(t)
	for _, l := range all {
		if l.whole {
			continue
		}
		logs := []log{l}
		want := offline(t, h, logs)
		g := &going{t: t, h: h, logs: logs, warnings: &exec.Warnings{}}
		g.start()
		off, early := int64(0), 0
		for line := range bytes.Lines(l.data) {
			g.add(l.part(0, line, off))
			off += int64(len(line))
			// Records of one moment may come in any order within some minutes.
			if err := g.l.Advance(g.l.Newest() - 300_000); err != nil {
				t.Fatal(err)
			}
			if off > int64(len(l.data)/2) && early == 0 {
				early = len(g.found)
				g.reopen()
			}
		}
		if err := g.l.Finish(); err != nil {
			t.Fatal(err)
		}
		g.l.Close()
		for _, w := range g.warnings.List() {
			if strings.Contains(w.Kind, "late") {
				t.Errorf("%s: %v", l.name, w)
			}
		}
		differ(t, l.name, g.found, want)
		if len(want) > 10 && early == 0 {
			t.Errorf("%s: nothing was found before the end", l.name)
		}
	}
}

// A saved state is of detections that ask the same: one of a correlation whose window or
// bound is another, or that is cut or changed at any byte, is refused.
func TestLiveRefusesStateOfOthers(t *testing.T) {
	ready := func(text string) *hunt.Hunt {
		docs, ds := sigma.Parse(diag.Text("rules.yml", text))
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		d := hunt.Detections{Scope: rule.NewScope()}
		d.Rules, _ = d.Scope.Lower(docs, nil)
		h, ds := hunt.Compile(d)
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		return h
	}
	begin := func(h *hunt.Hunt) *hunt.Live {
		l, err := h.Start(t.Context(), query.Run{Warnings: &exec.Warnings{}}, hunt.LiveOptions{Found: func(*hunt.Finding) error { return nil }})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	load := func(h *hunt.Hunt, state []byte) error {
		l := begin(h)
		defer l.Close()
		return l.Load(bytes.NewReader(state))
	}
	h := ready(correlations)
	l := begin(h)
	log := samples(t)[1]
	if err := l.Add(t.Context(), input.NewReader(input.List([]*input.Part{log.part(0, log.data, 0)}), format.All(), input.Options{})); err != nil {
		t.Fatal(err)
	}
	if err := l.Advance(l.Newest() - 3_600_000); err != nil {
		t.Fatal(err)
	}
	var saved bytes.Buffer
	if err := l.Save(&saved); err != nil {
		t.Fatal(err)
	}
	l.Close()
	state := saved.Bytes()
	if err := load(h, state); err != nil {
		t.Fatal(err)
	}
	if err := load(ready(strings.Replace(correlations, "group-by: Computer, timespan: 10m", "group-by:   Computer,  timespan: 10m", 1)), state); err != nil {
		t.Errorf("blanks make other detections: %v", err)
	}
	for old, new := range map[string]string{
		"timespan: 10m": "timespan: 11m", "{gte: 8}": "{gte: 7}", "group-by: [Computer, User]": "group-by: [User, Computer]",
		"type: value_count": "type: event_count", "field: Image": "field: CommandLine", "rules: [process, network]": "rules: [network, process]",
	} {
		text := strings.Replace(correlations, old, new, 1)
		if old == "type: value_count" {
			text = strings.Replace(text, ", field: Image", "", 1)
		}
		if err := load(ready(text), state); !errors.Is(err, hunt.ErrOtherHunt) {
			t.Errorf("%s instead of %s: %v", new, old, err)
		}
	}
	rnd := rand.New(rand.NewPCG(9, 9))
	table := crc32.MakeTable(crc32.Castagnoli)
	for i := 0; i < len(state); i += max(1, len(state)/500) {
		bad := bytes.Clone(state)
		bad[i] ^= byte(1 + rnd.IntN(255))
		if load(h, bad) == nil || load(h, state[:i]) == nil {
			t.Errorf("state that is damaged at byte %d is loaded", i)
		}
		// With a checksum that is right it may be read, but nothing worse.
		binary.LittleEndian.PutUint32(bad[len(bad)-4:], crc32.Checksum(bad[:len(bad)-4], table))
		_ = load(h, bad)
	}
}

// recorded is how much is read of a recording, which the first lines of the larger ones
// are: with all of them the race detector takes longer than go test gives a package.
const recorded = 6 << 20

// The same over recorded attacks, with thousands of Sigma rules.
func TestLiveFindsWhatOfflineFindsInRecordings(t *testing.T) {
	dir := sharedtest.Path(t, "data/jsonl/security-datasets")
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	h := everything(t, true)
	var logs []log
	for i, n := range names {
		if i%3 == 0 && len(logs) < 6 {
			logs = append(logs, log{name: n, whole: true})
		}
	}
	for i, l := range logs {
		z, err := zip.OpenReader(l.name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := z.File[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		if logs[i].data, err = io.ReadAll(f); err != nil {
			t.Fatal(err)
		}
		if data := logs[i].data; len(data) > recorded {
			logs[i].data = data[:1+bytes.LastIndexByte(data[:recorded], '\n')]
		}
		z.Close()
	}
	want := offline(t, h, logs)
	if len(want) < 200 {
		t.Errorf("%d findings prove little", len(want))
	}
	g := &going{t: t, h: h, logs: logs, warnings: &exec.Warnings{}}
	g.start()
	for i, l := range logs {
		g.add(l.part(i, l.data, 0))
		g.reopen()
	}
	if err := g.l.Finish(); err != nil {
		t.Fatal(err)
	}
	g.l.Close()
	t.Logf("%d findings", len(want))
	differ(t, "recordings", g.found, want)
}
