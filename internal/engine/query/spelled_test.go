package query_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestJSONKeysByTheReader holds what json takes from a reader that has found the keys
// on its way against json over a copy of the text, which no reader knows.
func TestJSONKeysByTheReader(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	keys := []string{"Image", "image", "IMAGE", `\u0049mage`, "a b", "a_b", "ab", "EventData", "#text", "x.y", "é", "k\xff", "EventID", "_raw", "_sourceHost", "message", "log", "result"}
	var value func(depth int) string
	value = func(depth int) string {
		switch n := rnd.IntN(14); {
		case n < 4:
			return fmt.Sprintf(`"v%d"`, rnd.IntN(5))
		case n == 4:
			return `"C:\\a\\b \u00e9 \ud83d\ude00 \n"`
		case n == 5:
			return "null"
		case n == 6:
			return []string{"true", "false", "1.0", "1e3", "-0", "18446744073709551616"}[rnd.IntN(6)]
		case n == 7:
			return `"` + "\xc3\x28" + `"`
		case n == 8:
			return `""`
		case n == 9:
			return `"{\"Image\":\"inner\",\"EventID\":1}"`
		case depth > 2:
			return `"deep"`
		case n == 10:
			return fmt.Sprintf("[%s, %s]", value(depth+1), value(depth+1))
		}
		var parts []string
		for range rnd.IntN(5) {
			parts = append(parts, fmt.Sprintf("%q:%s", keys[rnd.IntN(len(keys))], value(depth+1)))
		}
		return strings.ReplaceAll(strings.ReplaceAll("{"+strings.Join(parts, ", ")+"}", `\\u`, `\u`), `\xff`, "\xff")
	}
	var log bytes.Buffer
	for log.Len() < 60<<10 {
		line := value(0)
		for line[0] != '{' {
			line = value(0)
		}
		log.WriteString(strings.ReplaceAll(line, "\n", " ") + "\n")
	}
	path := filepath.Join(t.TempDir(), "log.jsonl")
	if err := os.WriteFile(path, log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, q := range []struct{ paths, names string }{
		{`"Image"`, "a"}, {`"image"`, "a"}, {`"a b", "Image"`, "a, b"}, {`"EventData", "#text"`, "a, b"},
		{`"['x.y']"`, "a"}, {`"é"`, "a"}, {`"_raw"`, "a"}, {`"Image", "image", "IMAGE"`, "a, b, c"}, {`"IMAGE", "EventData.image"`, "a, b"}, {`"message"`, "a"},
	} {
		for _, nodrop := range []string{"", " nodrop"} {
			for _, form := range []string{
				`* | json %s as %s%s | fields %[2]s`,
				`* | json "ab" as z nodrop | json %s as %s%s | fields z, %[2]s`,
				`* | json %s as %s%s | json "image" as again nodrop`,
				`* | json %s as %s%s | count by %[2]s | sort by %[2]s`,
			} {
				text := fmt.Sprintf(form, q.paths, q.names, nodrop)
				// A query of all fields shows the copy, too.
				if !strings.Contains(text, "| fields") && !strings.Contains(text, "| count") {
					text += " | fields - whole"
				}
				plain := strings.ReplaceAll(strings.Replace(text, "*", "* | _raw as whole", 1), "| json ", "| json field=whole ")
				want := how{workers: 1}.output(t, compiled(t, plain), path)
				if !bytes.Contains(want, []byte("\n")) && q.paths != `"_raw"` && !strings.Contains(q.paths, ".image") {
					t.Errorf("%s: no rows prove nothing", plain)
				}
				for _, h := range []how{{workers: 1}, {workers: 3, block: 3000}} {
					if got := h.output(t, compiled(t, text), path); !bytes.Equal(got, want) {
						t.Fatalf("%s\ngives other rows than\n%s\n%s", text, plain, difference(got, want))
					}
				}
			}
		}
	}
}

// difference is the first line that two outputs do not share.
func difference(got, want []byte) string {
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			return fmt.Sprintf("row %d: %s, want %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d rows, want %d", len(g), len(w))
}
