package cli

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/sharedtest"
)

// TestCopiesCountOnce: a folder, and the same folder with a copy of each file under another
// name, packed in some way or not at all, give the same findings in the same order, and
// each says both places. Detections of all kinds run, those that count included.
func TestCopiesCountOnce(t *testing.T) {
	logs := t.TempDir()
	siem, copies := ofScript(t, "cloudsiem.txtar"), ofScript(t, "copies.txtar")
	write := func(name string, data []byte) {
		t.Helper()
		at := filepath.Join(logs, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{siem: "siem", "../../samples": "samples"} {
		found, err := os.ReadDir(from)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			if ext := filepath.Ext(e.Name()); ext == ".jsonl" || ext == ".evtx" {
				data, err := os.ReadFile(filepath.Join(from, e.Name()))
				if err != nil {
					t.Fatal(err)
				}
				write("m/"+to+"/"+e.Name(), data)
			}
		}
	}
	small, err := os.ReadFile(filepath.Join(copies, "a.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	write("m/a.jsonl", small)
	var big, csv, plain bytes.Buffer
	csv.WriteString("time,Channel,EventID,TargetUserName,LogonType\n")
	for i := range 12_000 {
		at := fmt.Sprintf("2026-03-11T%02d:%02d:%02d", i/3600, i/60%60, i%60)
		fmt.Fprintf(&big, `{"Channel":"Security","EventID":4634,"Computer":"b","TargetUserName":"u%d","LogonType":3,"SystemTime":"%s.000Z","Filler":"%060d"}`+"\n", i%7, at, i)
		if i < 300 {
			fmt.Fprintf(&csv, "%s.000Z,Security,4625,c%d,3\n", at, i%3)
			fmt.Fprintf(&plain, "%s.000Z host sshd[77]: Failed password for root\n", at)
		}
	}
	write("m/big.jsonl", big.Bytes()) // several blocks, which workers read for themselves
	write("m/logons.csv", csv.Bytes())
	write("m/auth.log", plain.Bytes())

	pkg := filepath.Join(t.TempDir(), "counting")
	for name, text := range map[string]string{
		"detection.yaml": `name: counting
id: 6b4b6d4e-58f7-4c39-a4d7-5d0e6a4a5b11
version: 1.0.0
attack: {techniques: [T1110], tactics: [TA0006]}
detections:
  - {id: each, name: Each failure, query: each.sumo, severity: low}
  - {id: many, name: Many failures, query: many.sumo, severity: medium}
  - {id: ssh, name: Failures of ssh, query: ssh.sumo, severity: medium}
`,
		"each.sumo": `* | json auto | where EventID = "4625" and TargetUserName = "root"`,
		"many.sumo": `* | json auto | where EventID in ("4625", "4634") | timeslice 1d | count as failures, count_distinct(TargetUserName) as users by _timeslice, TargetUserName, LogonType`,
		"ssh.sumo":  `"Failed password" | count as failures`,
	} {
		if err := os.MkdirAll(pkg, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(pkg, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found := func(dir string, more ...string) []hunt.Finding {
		t.Helper()
		out := hunted(t, append([]string{"-f", "ndjson", "-d", pkg, "-d", filepath.Join(siem, "rules"), "-d", filepath.Join(copies, "rules.yml"), "-d", "T1204.001", dir}, more...)...)
		var all []hunt.Finding
		for line := range bytes.Lines(out) {
			var f hunt.Finding
			if err := json.Unmarshal(line, &f); err != nil {
				t.Fatal(err)
			}
			all = append(all, f)
		}
		return all
	}
	want := found(logs)
	kinds := map[hunt.Kind]int{}
	for _, f := range want {
		kinds[f.Kind]++
	}
	if kinds[hunt.Package] < 20 || kinds[hunt.Sigma] < 3 || kinds[hunt.Correlation] < 1 || kinds[hunt.CloudSIEM] < 6 {
		t.Fatalf("too little is found to show anything: %v", kinds)
	}
	var files []string
	if err := filepath.WalkDir(logs, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files = append(files, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}

	zipped := func(names []string, data [][]byte) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for i, n := range names {
			w, err := z.Create(n)
			if err != nil {
				t.Fatal(err)
			}
			w.Write(data[i])
		}
		z.Close()
		return b.Bytes()
	}
	gzipped := func(data []byte) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(data)
		z.Close()
		return b.Bytes()
	}
	tarred := func(names []string, data [][]byte) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for i, n := range names {
			if err := w.WriteHeader(&tar.Header{Name: n, Mode: 0o600, Size: int64(len(data[i])), Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}); err != nil {
				t.Fatal(err)
			}
			w.Write(data[i])
		}
		w.Close()
		return b.Bytes()
	}
	flat := func(path string) string {
		rel, _ := filepath.Rel(logs, path)
		return strings.ReplaceAll(filepath.ToSlash(rel), "/", "_")
	}
	each := func(into string, pack func(name string, data []byte) (string, []byte)) map[string][]byte {
		made := map[string][]byte{}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			name, packed := pack(flat(f), data)
			made[into+"/"+name] = packed
		}
		return made
	}
	together := func(name string, pack func([]string, [][]byte) []byte) map[string][]byte {
		var names []string
		var data [][]byte
		for _, f := range files {
			d, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			names, data = append(names, flat(f)), append(data, d)
		}
		return map[string][]byte{name: pack(names, data)}
	}
	same := func(name string, data []byte) (string, []byte) { return name, data }
	for name, made := range map[string]map[string][]byte{
		"before":           each("a", same),
		"after, renamed":   each("z", func(name string, data []byte) (string, []byte) { return "copy of " + name, data }),
		"gzip":             each("z", func(name string, data []byte) (string, []byte) { return name + ".gz", gzipped(data) }),
		"gzip before":      each("a", func(name string, data []byte) (string, []byte) { return name + ".gz", gzipped(data) }),
		"zip before":       together("a.zip", zipped),
		"zip after":        together("z.zip", zipped),
		"tar.gz before":    together("a.tgz", func(n []string, d [][]byte) []byte { return gzipped(tarred(n, d)) }),
		"tar after":        together("z.tar", tarred),
		"zip in a tar":     together("a.tar", func(n []string, d [][]byte) []byte { return tarred([]string{"in.zip"}, [][]byte{zipped(n, d)}) }),
		"gzips in a zip":   together("z.zip", func(n []string, d [][]byte) []byte { return zipped(n, each2(d, gzipped)) }),
		"UTF-16":           each("z", func(name string, data []byte) (string, []byte) { return name, wide(name, data) }),
		"UTF-16 and first": each("a", func(name string, data []byte) (string, []byte) { return name, wide(name, data) }),
	} {
		t.Run(name, func(t *testing.T) {
			for n, data := range made {
				write(n, data)
			}
			defer func() {
				for n := range made {
					os.RemoveAll(filepath.Join(logs, strings.SplitN(n, "/", 2)[0]))
				}
			}()
			got := found(logs)
			sameFindings(t, want, got)
			for _, f := range got {
				for _, e := range f.Evidence {
					ours := 0
					places := append([]hunt.Place{e.Place}, e.Copies...)
					for _, p := range places {
						if strings.Contains(p.File, "/m/") {
							ours++
						}
					}
					if ours == 0 || 2*ours != len(places) {
						t.Fatalf("%s stands in %d files, of which %d are ours: %v", f.Detection, len(places), ours, places)
					}
				}
			}
			if name != "gzip before" {
				return
			}
			if one := found(logs, "--no-fold"); len(one) < len(want)+len(want)/2 {
				t.Errorf("--no-fold gives %d findings, each twice of %d", len(one), len(want))
			}
		})
	}
	// Of a log that was copied before it had grown, its start counts once: copied between two
	// lines, before the end of a line, or, where half a line is no event, in the middle of one.
	for _, c := range []struct {
		into string
		more int // bytes after the end of a line
	}{{"a", 0}, {"z", 0}, {"a", -1}, {"z", -1}, {"a", 20}, {"z", 20}} {
		into := c.into
		t.Run(fmt.Sprintf("grown %s %d", into, c.more), func(t *testing.T) {
			made := each(into, func(name string, data []byte) (string, []byte) {
				if strings.HasSuffix(name, ".evtx") || c.more > 0 && !strings.HasSuffix(name, ".jsonl") {
					return name, data
				}
				if cut := bytes.LastIndexByte(data[:len(data)*2/3], '\n') + 1; cut >= 256 { // else it is no start that tells much
					data = data[:cut+c.more]
				}
				return name, data
			})
			for n, data := range made {
				write(n, data)
			}
			defer os.RemoveAll(filepath.Join(logs, into))
			sameFindings(t, want, found(logs))
		})
	}
}

// sameFindings compares findings but for the places of their records.
func sameFindings(t *testing.T, want, got []hunt.Finding) {
	t.Helper()
	show := func(f hunt.Finding) string {
		f.Place, f.Evidence, f.Next = hunt.Place{}, nil, ""
		if f.Subject != nil {
			s := *f.Subject
			s.Key = ""
			f.Subject = &s
		}
		f.Fields = slices.DeleteFunc(slices.Clone(f.Fields), func(x hunt.Field) bool { return strings.HasPrefix(x.Name, "_source") })
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	have := map[string]int{}
	for _, f := range want {
		have[show(f)]++
	}
	for _, f := range got {
		have[show(f)]--
	}
	wrong := 0
	for f, n := range have {
		if n == 0 {
			continue
		}
		if wrong++; wrong < 6 {
			t.Errorf("%+d × %s", -n, f)
		}
	}
	if wrong > 0 {
		t.Fatalf("%d findings without copies, %d with, %d differ", len(want), len(got), wrong)
	}
}

func each2(all [][]byte, pack func([]byte) []byte) (out [][]byte) {
	for _, d := range all {
		out = append(out, pack(d))
	}
	return out
}

// wide is text as UTF-16 with its mark, what is no text as it is.
func wide(name string, data []byte) []byte {
	if strings.HasSuffix(name, ".evtx") {
		return data
	}
	out := []byte{0xff, 0xfe}
	for _, c := range utf16.Encode([]rune(string(data))) {
		out = append(out, byte(c), byte(c>>8))
	}
	return out
}

// TestCountsOfTwoForms: what counts rows finds in an export and another form of the same
// records what it finds in the export alone, and names records that it has counted.
func TestCountsOfTwoForms(t *testing.T) {
	bulk := sharedtest.Path(t, "data/formats/bulk")
	pkg := t.TempDir()
	for name, text := range map[string]string{
		"detection.yaml": `name: counting
id: 6b4b6d4e-58f7-4c39-a4d7-5d0e6a4a5b12
version: 1.0.0
attack: {techniques: [T1110], tactics: [TA0006]}
detections:
  - {id: all, name: All, query: all.sumo, severity: low}
  - {id: slices, name: Slices, query: slices.sumo, severity: low}
  - {id: top, name: Top, query: top.sumo, severity: low}
  - {id: run, name: Run, query: run.sumo, severity: low}
  - {id: groups, name: Groups, query: groups.sumo, severity: low}
`,
		"all.sumo":    `* | json auto | count as n, count_distinct(Image) as images`,
		"slices.sumo": `* | json auto | timeslice 1h | count as n by _timeslice, EventID | where n > 5 | sort by n | limit 4`,
		"top.sumo":    `* | json auto | where EventID = "1" | top 3 ParentImage`,
		"run.sumo":    `* | json auto | where EventID = "1" | 1 as one | accum one as run | sort by run | limit 1 | fields run`,
		"groups.sumo": `* | json auto | transactionize Computer | count by _group_size`,
	} {
		if err := os.WriteFile(filepath.Join(pkg, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found := func(more []string, forms ...string) (all []string, records int) {
		t.Helper()
		dir := t.TempDir()
		for i, f := range forms {
			data, err := os.ReadFile(filepath.Join(bulk, f))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)+f), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for line := range bytes.Lines(hunted(t, append([]string{"-f", "ndjson", "-d", pkg, dir}, more...)...)) {
			var f hunt.Finding
			if err := json.Unmarshal(line, &f); err != nil {
				t.Fatal(err)
			}
			fields, err := json.Marshal(f.Fields)
			if err != nil {
				t.Fatal(err)
			}
			all, records = append(all, fmt.Sprint(f.Detection, " ", string(fields))), records+len(f.Evidence)
			if counts := f.Detection == "All" || f.Detection == "Slices"; counts && (f.Records == 0 || len(f.Evidence) != min(f.Records, 10)) {
				t.Errorf("%s names %d of %d records", f.Detection, len(f.Evidence), f.Records)
			}
		}
		slices.Sort(all)
		return all, records
	}
	want, records := found(nil, "evtx-xml.xml")
	if len(want) < 10 || records < 20 {
		t.Fatalf("too little is found to show anything: %d records, %v", records, want)
	}
	// Of nxlog and nxlog-2 some times are local and name no zone, so those are other records.
	for _, form := range []string{"evtx-xml-rendered.xml", "evtx_dump-array.json", "flat.jsonl", "mordor.jsonl", "otel-windowseventlog.jsonl",
		"splunk-wineventlog.txt", "sumo-json.jsonl", "sumo-legacy.txt", "velociraptor.jsonl", "wazuh.jsonl", "winlogbeat.jsonl", "winlogbeat-module.jsonl"} {
		if got, _ := found([]string{"-j", "4"}, "evtx-xml.xml", form); !slices.Equal(got, want) {
			t.Errorf("with %s:\n%s\nwithout:\n%s", form, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}
