package lint_test

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/lint"
	"github.com/gyoji-dev/gyoji/packages"
	"github.com/gyoji-dev/gyoji/sigma"
)

func TestSigmaFixesMendWhatWasFoundAndKeepTheRest(t *testing.T) {
	mended := 0
	for _, c := range lint.Checks() {
		if c.Sigma == nil {
			continue
		}
		for _, text := range c.Bad {
			text = "# first\n" + strings.Replace(text, "detection:\n", "detection: # the tests\n", 1) + "# last\n"
			before := of(c, check(c, text))
			if len(before) == 0 || before[0].Fix == nil {
				continue
			}
			mended++
			fixed := lint.FixSigma(diag.Text("proc_creation_win_example.yml", text), true)
			if l := of(c, check(c, fixed)); len(l) > 0 {
				t.Errorf("%s: still found after the fix:\n%s\n%s", c.ID, fixed, l)
			}
			if !strings.HasPrefix(fixed, "# first\n") || !strings.HasSuffix(fixed, "# last\n") || !strings.Contains(fixed, "detection: # the tests\n") {
				t.Errorf("%s: a comment is gone:\n%s", c.ID, fixed)
			}
			if docs, l := sigma.Parse(diag.Text("rule", fixed)); l.HasErrors() || len(docs) == 0 {
				t.Errorf("%s: the fix is no rule:\n%s\n%s", c.ID, fixed, l)
			}
		}
	}
	if mended < 8 {
		t.Errorf("only %d examples have fixes", mended)
	}
}

// A safe fix changes nothing but how a test is written: the tests before and
// after are the same tree.
func TestSafeSigmaFixesKeepTheTests(t *testing.T) {
	tree := func(text string) string {
		docs, _ := sigma.Parse(diag.Text("rule.yml", text))
		out := ""
		for _, d := range docs {
			if r, ok := d.(*sigma.Rule); ok {
				for _, s := range r.Searches {
					for _, i := range s.Item.(*sigma.Group).Items {
						test := i.(*sigma.Test)
						out += fmt.Sprintln(s.Name, test.Field, test.Values, test.All)
					}
				}
			}
		}
		return out
	}
	for _, c := range lint.Checks() {
		if c.Sigma == nil {
			continue
		}
		for _, text := range c.Bad {
			fixed := lint.FixSigma(diag.Text("proc_creation_win_example.yml", text), false)
			if a, b := tree(text), tree(fixed); a != b {
				t.Errorf("%s: the safe fix changes\n%sto\n%s", c.ID, a, b)
			}
		}
	}
}

func TestYAMLCommentsTakeFindingsBack(t *testing.T) {
	const rule = `title: Certutil
id: 0c5bb8a0-0f5c-4c0e-9d5f-6a2f0f4f3e11
status: test
description: Detects certutil.exe when it runs.
references: [https://attack.mitre.org/techniques/T1105/]
author: gyoji contributors
date: 2026-11-24
tags: [attack.t1105]
logsource: {category: process_creation, product: windows}
detection:
    BEFORE
    selection:
        Image|endswith: certutil.exe BEHIND
    other:
        Image|endswith: certutil.exe
    condition: selection or other
falsepositives: [Administrators]
level: high
`
	for name, c := range map[string]struct {
		before, behind string
		left           int
	}{
		"nothing":          {"# ", "", 2},
		"after it":         {"# ", "# lint:ignore sigma-executable bare names too", 1},
		"before a key":     {"# lint:ignore sigma-executable bare names too", "", 1},
		"in the file":      {"# lint:ignore-file sigma-executable", "", 0},
		"of another check": {"# lint:ignore sigma-title", "", 3},
	} {
		text := strings.NewReplacer("BEFORE", c.before, " BEHIND", " "+c.behind).Replace(rule)
		if l := lint.SigmaFiles([]*diag.File{diag.Text("proc_creation_win_a.yml", text)}); len(l) != c.left {
			t.Errorf("%s: %d findings, want %d:\n%s", name, len(l), c.left, l)
		}
	}
}

func TestOneIDInTwoFilesIsFound(t *testing.T) {
	c := lint.Checks()[slices.IndexFunc(lint.Checks(), func(c *lint.Check) bool { return c.ID == "sigma-id" })]
	text := c.Good[0]
	l := lint.SigmaFiles([]*diag.File{diag.Text("proc_creation_win_a.yml", text), diag.Text("proc_creation_win_b.yml", text)})
	if len(l) != 1 || l[0].Code != "sigma-id" || l[0].File.Name != "proc_creation_win_b.yml" || !strings.Contains(l[0].Message, "proc_creation_win_a.yml:1") {
		t.Errorf("got\n%s", l)
	}
}

// A filter that is checked without any rule is told of what it lacks, no more:
// its rules may stand elsewhere. Together with rules it is a mistake.
func TestRulesOfCorrelationsAndFiltersAreLookedForInAllFiles(t *testing.T) {
	var reference, filters *lint.Check
	for _, k := range lint.Checks() {
		switch k.ID {
		case "sigma-reference":
			reference = k
		case "sigma-filter":
			filters = k
		}
	}
	const title = "title: Certutil Fetches And Runs"
	rules, correlation, _ := strings.Cut(reference.Good[0], "---\n"+title)
	_, filter, _ := strings.Cut(filters.Good[0], "---\n")
	for name, text := range map[string]string{"correlation": title + correlation, "filter": filter} {
		alone := diag.Text("proc_creation_win_"+name+".yml", text)
		with := diag.Text("proc_creation_win_rules.yml", rules)
		if l := lint.SigmaFiles([]*diag.File{alone}); len(l) == 0 || l[0].Code != "sigma-reference" || l[0].Severity != diag.Note {
			t.Errorf("%s alone:\n%s", name, l)
		}
		for _, order := range [][]*diag.File{{alone, with}, {with, alone}} {
			if l := lint.SigmaFiles(order); len(l) > 0 {
				t.Errorf("%s with its rules:\n%s", name, l)
			}
		}
		other := diag.Text("proc_creation_win_other.yml", strings.NewReplacer("0c5bb8a0", "1c5bb8a0", "name: certutil_fetch\n", "", "5c1f2d6e", "6c1f2d6e", "name: certutil_runs\n", "").Replace(rules))
		if l := lint.SigmaFiles([]*diag.File{alone, other}); len(l) == 0 || l[0].Code != "sigma-reference" || l[0].Severity != diag.Warning {
			t.Errorf("%s with other rules:\n%s", name, l)
		}
	}
}

// No check finds anything in the collections that a check says are good, its own
// or another.
func TestGoodSigmaCollectionsAreClean(t *testing.T) {
	n := 0
	for _, c := range lint.Checks() {
		for _, text := range c.Good {
			if !strings.Contains(text, "\ncorrelation:") && !strings.Contains(text, "\nfilter:") {
				continue
			}
			n++
			if l := check(c, text); len(l) > 0 {
				t.Errorf("%s:\n%s\n%s", c.ID, text, l)
			}
		}
	}
	if n < 15 {
		t.Errorf("%d collections", n)
	}
}

func TestShippedSigmaRulesAreClean(t *testing.T) {
	var files []*diag.File
	err := fs.WalkDir(packages.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(name, "/sigma/") && strings.HasSuffix(name, ".yml") {
			var text []byte
			if text, err = fs.ReadFile(packages.FS, name); err == nil {
				files = append(files, diag.Text(name, string(text)))
			}
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	if l := lint.SigmaFiles(files); len(l) > 0 {
		t.Errorf("%d files:\n%s", len(files), l)
	}
}

func TestPublishedSigmaRulesAreCheckedWithoutAPanic(t *testing.T) {
	const archive = "../../../../shared/data/sigma/windows-rules.tar.gz"
	if _, err := os.Stat(archive); err != nil {
		t.Skip("SigmaHQ's rules are not here: ", err)
	}
	files, errs := sigma.Files(archive, "")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if testing.Short() {
		var some []*diag.File
		for i := 0; i < len(files); i += 5 {
			some = append(some, files[i])
		}
		files = some
	}
	counts := map[string]int{}
	for _, d := range lint.SigmaFiles(files) {
		counts[d.Code]++
		if *show == d.Code && counts[d.Code] <= 60 {
			t.Logf("%s", diag.List{d})
		}
		if d.Span.Start < 0 || d.Span.End > len(d.File.Text) || d.Span.Start > d.Span.End {
			t.Errorf("%v has the span %v", d, d.Span)
		}
	}
	var list []string
	for c, n := range counts {
		list = append(list, fmt.Sprintf("%6d %s", n, c))
	}
	slices.Sort(list)
	t.Logf("%d files\n%s", len(files), strings.Join(list, "\n"))
}

func FuzzSigma(f *testing.F) {
	for _, c := range lint.Checks() {
		if c.Sigma != nil {
			for _, s := range append(slices.Clone(c.Bad), c.Good...) {
				f.Add(s)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		file := diag.Text("proc_creation_win_a.yml", text)
		for _, d := range lint.SigmaFiles([]*diag.File{file}) {
			if d.Span.Start < 0 || d.Span.End > len(text) || d.Span.Start > d.Span.End {
				t.Errorf("%v has the span %v", d, d.Span)
			}
		}
		lint.FixSigma(file, true)
	})
}
