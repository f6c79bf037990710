package detection_test

import (
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/packages"
)

// Lower ends of Wilson's interval, computed by hand: for all of n the lower end is n/(n+z²),
// with z² = 3.8415; and 8 of 10 is the example of 49 % that textbooks have.
func TestPrecisionSaysTheLeastItMayBe(t *testing.T) {
	for _, c := range []struct {
		n, attacks   int
		share, least float64
	}{{0, 0, 0, 0}, {1, 1, 1, 1 / 4.8415}, {3, 3, 1, 3 / 6.8415}, {100, 100, 1, 100 / 103.8415}, {10, 8, 0.8, 0.4902}, {5, 0, 0, 0}} {
		share, least := detection.MeasuredScore{N: c.n, Attacks: c.attacks}.Precision()
		if share != c.share || math.Abs(least-c.least) > 0.0001 {
			t.Errorf("%d of %d: %.4f, at least %.4f; want %.4f and %.4f", c.attacks, c.n, share, least, c.share, c.least)
		}
	}
}

// The block is written once, whatever stood there, and what stands around it stays.
func TestMeasuredBlockIsReplaced(t *testing.T) {
	m := &detection.Measured{Events: 7, Files: 2, Detections: []detection.MeasuredDetection{
		{ID: "one", Query: "00ff", Scores: []detection.MeasuredScore{{Score: 4, N: 2, Attacks: 1}}}, {ID: "two", Query: "1"}},
		Agreement: []detection.Agreement{{Technique: "T1059.001", Rules: 3, Both: 1, Ours: 2, Theirs: 4}}}
	const before, after = "id: x\n", "guide: g.md\n"
	once := detection.WithMeasured(before+after, m)
	want := before + after + `
# measured: begin (made by gyoji measure --write; change nothing here)
measured:
  events: 7
  files: 2
  detections:
    - id: one
      query: '00ff'
      scores:
        - {score: 4, n: 2, attacks: 1}   # precision 50 %, at least 9 %
    - id: two
      query: '1'
      scores: []   # no labelled finding: n = 0
  agreement:
    - {technique: T1059.001, rules: 3, both: 1, ours: 2, theirs: 4}   # n = 7
# measured: end
`
	if once != want {
		t.Errorf("got:\n%s\nwant:\n%s", once, want)
	}
	if twice := detection.WithMeasured(once, m); twice != once {
		t.Errorf("a second time it is:\n%s", twice)
	}
	if crlf := detection.WithMeasured(strings.Replace(once, after, after+"# measured: gone\n", 1), m); strings.Count(crlf, "measured: begin") != 1 {
		t.Errorf("got:\n%s", crlf)
	}
}

// What docs/coverage.md says of a score is what the packages say: both are of one run.
func TestCoverageAndPackagesSayTheSame(t *testing.T) {
	page, err := os.ReadFile("../../../docs/coverage.md")
	if err != nil {
		t.Fatal(err)
	}
	pkgs, _ := detection.Load(packages.FS, "packages")
	scores := 0
	for _, p := range pkgs {
		if p.Measured == nil {
			t.Logf("%s was not measured yet", p.Dir)
			continue
		}
		manifest, err := fs.ReadFile(p.FS, detection.ManifestName)
		if err != nil {
			t.Fatal(err)
		}
		if detection.WithMeasured(string(manifest), p.Measured) != string(manifest) {
			t.Errorf("%s: the block measured is not as it is written; gyoji measure --write", p.Dir)
		}
		for _, m := range p.Measured.Detections {
			for _, s := range m.Scores {
				scores++
				if row := "| " + strings.TrimPrefix(p.Dir, "packages/") + "/" + m.ID + " | " + strconv.Itoa(s.Score) + " | " + strconv.Itoa(s.N) + " | " + strconv.Itoa(s.Attacks) + " |"; !strings.Contains(string(page), row) {
					t.Errorf("docs/coverage.md lacks %s", row)
				}
			}
		}
	}
	if scores < 50 {
		t.Errorf("only %d scores are measured", scores)
	}
}
