package input

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
)

// Files that are no logs are named by what they are, and what to do with them is said;
// text that begins as some do is read.
func TestKnownFiles(t *testing.T) {
	for head, want := range map[string]string{
		"7z\xbc\xaf\x27\x1c\x00\x04":      "a 7z archive",
		"\x30\x00\x00\x00LfLe\x01\x00":    "an event log of Windows before Vista (.evt)",
		"EVF\x09\x0d\x0a\xff\x00":         "a forensic image (E01)",
		"SQLite format 3\x00\x10\x00":     "an SQLite database",
		"PAR1\x15\x04":                    "a Parquet file",
		"MZ\x90\x00\x03\x00":              "a program",
		"MZ is how this line begins\n":    "",
		"ORC says hello\n":                "",
		"ElfFile\x00\x00\x00":             "",
		"2026-03-01 08:00:00 a PAR1 file": "",
	} {
		if kind, _ := knownFile([]byte(head)); kind != want {
			t.Errorf("%q is %q, want %q", head, kind, want)
		}
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, n := range []string{"[Content_Types].xml", "xl/workbook.xml"} {
		w, err := z.Create(n)
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte("<x/>"))
	}
	z.Close()
	var got []string
	expandZip(t.Context(), "a.xlsx", bytes.NewReader(b.Bytes()), int64(b.Len()), 0, t.TempDir(), func(p *Part, err error) bool {
		if err != nil {
			got = append(got, err.Error())
		} else {
			got = append(got, p.Name)
		}
		return true
	})
	if len(got) != 1 || !strings.Contains(got[0], "an Office document") {
		t.Errorf("%q", got)
	}
}
