package detection_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/packages"
)

// sharedData is the recorded logs, which stand beside the checkout.
const sharedData = "../../../../shared/data"

func shared(t *testing.T, name string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("reads recorded logs")
	}
	file := filepath.Join(filepath.FromSlash(sharedData), filepath.FromSlash(name))
	if _, err := os.Stat(file); err != nil {
		t.Skipf("recorded logs are not beside this checkout: ../shared/data/%s is not there", name)
	}
	return file
}

// rowsOver runs a query over paths and returns its rows as JSON, in order.
func rowsOver(t *testing.T, f *diag.File, category string, paths ...string) []string {
	t.Helper()
	q, ds := query.Compile(f, query.Standard())
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	src, err := input.Paths(paths, input.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &exec.Warnings{}
	rows, err := q.Collect(context.Background(), query.Run{
		Input: input.NewReader(src, format.All(), input.Options{Warnings: w}), Workers: 2, Now: time.Now(), Zone: time.UTC, Warnings: w, Category: category,
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i := range rows.Values {
		m := map[string]any{}
		for j, c := range rows.Columns {
			switch v := rows.Values[i][j]; {
			case v.IsNull():
				m[c] = nil
			case v.Kind() == event.String:
				m[c] = v.Str()
			default:
				m[c] = v.String()
			}
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(b))
	}
	return out
}

// named is one of the packages that gyoji ships, by the beginning of its folder's name.
func named(t *testing.T, pkgs []*detection.Package, technique string) *detection.Package {
	t.Helper()
	for _, p := range pkgs {
		if strings.HasPrefix(path.Base(p.Dir), technique) {
			return p
		}
	}
	t.Fatalf("no package %s is shipped", technique)
	return nil
}

func shipped(t *testing.T) *detection.Package {
	t.Helper()
	pkgs, errs := detection.Load(packages.FS, "packages")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return named(t, pkgs, "T1204.001")
}

// The portable query is the seed in words that Sumo Logic has: over everything
// recorded it gives the same rows.
func TestPortableQueryEqualsTheSeed(t *testing.T) {
	p := shipped(t)
	for _, paths := range [][]string{
		{shared(t, "evtx")}, {shared(t, "jsonl/sysmon-flat.jsonl.gz")}, {shared(t, "cases/seed-cases.jsonl")}, {shared(t, "formats/bulk")},
	} {
		seed := rowsOver(t, p.Detection("seed").Query, "", paths...)
		portable := rowsOver(t, p.Detection("portable").Query, "", paths...)
		if len(seed) == 0 {
			t.Errorf("%v: the seed finds nothing", paths)
		}
		if fmt.Sprint(seed) != fmt.Sprint(portable) {
			t.Errorf("%v: the seed gives %d rows, the portable query %d, and they differ", paths, len(seed), len(portable))
		}
	}
}

// The hardened query loses none of the seed's hits in the recordings but those
// whose names only end like a shell's (appcmd.exe).
func TestHardenedQueryKeepsTheSeedsHits(t *testing.T) {
	p := shipped(t)
	evtx := shared(t, "evtx")
	key := func(row string) (string, string) {
		var m map[string]any
		if err := json.Unmarshal([]byte(row), &m); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(m["_messagetime"], m["Computer"], m["Image"], m["CommandLine"]), strings.ToLower(fmt.Sprint(m["Image"]))
	}
	found := map[string]bool{}
	for _, r := range rowsOver(t, p.Detection("browser-child").Query, "", evtx) {
		k, _ := key(r)
		found[k] = true
	}
	seed, kept := 0, 0
	for _, r := range rowsOver(t, p.Detection("seed").Query, "", evtx) {
		k, image := key(r)
		seed++
		switch {
		case found[k]:
			kept++
		case strings.HasSuffix(image, `\appcmd.exe`):
		default:
			t.Errorf("the hardened query loses %s", r)
		}
	}
	if kept < 100 {
		t.Errorf("only %d of the seed's %d hits were compared", kept, seed)
	}
}

// The chains that DET0066 describes, recorded from download to run, are found by
// one query, which the seed cannot do.
func TestDownloadChainFindsTheRecordedChains(t *testing.T) {
	p := shipped(t)
	for zip, file := range map[string]string{
		"metasploit_procdump_lsass_memory_dump.zip":         `happy_image.jpeg.exe`,
		"metasploit_outflank-dumpert_lsass_memory_dump.zip": `winx64_payload.exe`,
	} {
		path := shared(t, "jsonl/security-datasets/"+zip)
		rows := rowsOver(t, p.Detection("download-chain").Query, "windows/sysmon", path)
		n := 0
		for _, r := range rows {
			if strings.Contains(r, file) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s: %d chains end in %s, want 1: %v", zip, n, file, rows)
		}
		if seed := rowsOver(t, p.Detection("seed").Query, "windows/sysmon", path); strings.Contains(fmt.Sprint(seed), file) {
			t.Errorf("%s: the seed sees the chain, which the package says it cannot", zip)
		}
	}
}
