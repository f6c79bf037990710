package detection_test

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/packages"
)

// A playbook's phases, what is to be done in them, its table and what must not be done.
func TestSections(t *testing.T) {
	p := &detection.Package{Dir: "p", FS: fstest.MapFS{"playbook.md": {Data: []byte(strings.ReplaceAll(`# Response

Before all
things.

| | who | when |
|---|---|---|
| P1 | lead | now |

## 1. Contain {#contain}

1. Isolate the host; leave it
   switched on.
2) Do not restart it, and delete nothing. Then wait.

Do **not** close windows: both destroy evidence! Never mind.

~~~sumo window=-1m..+1m
* | count
~~~

- **some**: more.
- **none**: less.

## Done when

All is quiet.
`, "~~~", "```"))}}}
	g, err := p.ReadGuide("playbook.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Sections) != 3 {
		t.Fatalf("%d sections", len(g.Sections))
	}
	head, contain := g.Sections[0], g.Sections[1]
	if !reflect.DeepEqual(head.Text, []string{"Before all things."}) || !reflect.DeepEqual(head.Table, [][]string{{"", "who", "when"}, {"P1", "lead", "now"}}) {
		t.Errorf("before the first heading: %q %q", head.Text, head.Table)
	}
	if contain.Title != "1. Contain" || len(contain.Steps) != 1 || !reflect.DeepEqual(contain.Items, []string{"Isolate the host; leave it switched on.", "Do not restart it, and delete nothing. Then wait."}) {
		t.Errorf("the phase is %q with %q", contain.Title, contain.Items)
	}
	if want := []string{"Do **not** close windows: both destroy evidence!", "Do not restart it, and delete nothing."}; !reflect.DeepEqual(g.Never(), want) {
		t.Errorf("what must not be done: %q, want %q", g.Never(), want)
	}
	if g.Closing() != "All is quiet." {
		t.Errorf("it ends with %q", g.Closing())
	}
}

// Every step and every line of the playbooks that we ship is in a section.
func TestSectionsOfShippedPlaybooks(t *testing.T) {
	pkgs, _ := detection.Load(packages.FS, "packages")
	for _, p := range pkgs {
		g, err := p.ReadGuide(p.Playbook)
		if err != nil {
			t.Fatal(err)
		}
		items, steps := 0, 0
		for _, s := range g.Sections {
			items, steps = items+len(s.Items), steps+len(s.Steps)
		}
		if items < 6 || steps != len(g.Steps) || len(g.Never()) == 0 && p.Technique() != "T1204.002" {
			t.Errorf("%s: %d items, %d of %d steps, never: %q", p.Dir, items, steps, len(g.Steps), g.Never())
		}
	}
}
