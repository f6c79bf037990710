package query

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
)

// filterQueries need literals of their events.
var filterQueries = []string{
	`* | json auto | where Image matches "*cmd.exe" | fields Image`,
	`* | json auto | where toLowerCase(Image) matches "*cmd.exe" and EventID = "4688"`,
	`* | json auto | toUpperCase(Image) as i | where i matches "*KELVIN.EXE" or i matches "*BASK.EXE"`,
	`* | where Image in ("C:\\Windows\\kelvin.exe", "cmd.exe")`,
	`cmd.exe | count by Image`,
	`"a/b cmd" or basquiat`,
	`Image=*cmd.exe`,
	`* | where EventID = "4688"`,
	`* | where Image matches "*cmd*" and EventID = "1" or Image matches "*kelvin*" and EventID = "1000" or Image matches "*bask*" and Image matches "*exe" and EventID = "7"`,
	`* | json auto | where EventID = "1"`,
	`* | json auto | where EventID = 1`,
	`* | where EventID = 1 or EventID = 1000`,
	`* | where 4688 = EventID and Image matches "*cmd*"`,
	`* | json auto | substring(EventID, 0, 1) as EventID | where EventID = "1"`,
	`* | json auto | num(substring(EventID, 0, 1)) as EventID | where EventID = 1`,
	`* | json auto | trim(EventID) as EventID | where EventID = 1`,
	`* | where EventID in ("1", "7")`,
	`* | where EventID = 4688 or EventID = "1000"`,
	`* | where contains(Image, "\"quoted\" cmd")`,
	`* | where Image matches /(?i)cmd\.exe$|kelvin/`,
	`* | json auto | where !(Image matches "*cmd.exe")`,
	`* | parse "Image\":\"*\"" as i | where i matches "*cmd.exe"`,
	`* | parse "kelvin*" as rest`,
	`* | parse field=Image "*cmd.exe" as folder | where folder matches "*Windows*"`,
	`* | parse field=EventID "4688*" as rest nodrop | where EventID = "1"`,
	`* | parse regex "\"Image\":\"(?<i>[^\"]+cmd)"`,
	`* | parse regex field=Image "(?<i>(?i)kelvin|bask)" nodrop | where !isNull(i)`,
	`* | parse regex "(?<a>basquiat)" nodrop | parse regex "(?<b>notepad)"`,
}

// TestFilterTwin holds the search for literals in the raw bytes against reading
// every event, on lines that hide them in every way JSON has.
func TestFilterTwin(t *testing.T) {
	data := hiding(2000)
	for _, text := range filterQueries {
		t.Run(text, func(t *testing.T) {
			q, diags := Compile(diag.Text("query", text), Standard())
			if err := diags.Err(); err != nil {
				t.Fatal(err)
			}
			plain := *q
			plain.need = nil
			want, err := split{workers: 1}.run(&plain, data)
			if err != nil {
				t.Fatal(err)
			}
			for _, block := range []int{0, 300} {
				got, err := split{workers: 2, block: block}.run(q, data)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, want) {
					t.Fatalf("%d rows with the filter, %d without", len(got), len(want))
				}
			}
			if len(want) == 0 || len(want) == 2000 {
				t.Errorf("%d rows of 2000 prove nothing", len(want))
			}
		})
	}
}

// TestSeedFilter looks at what the seed query is searched for.
func TestSeedFilter(t *testing.T) {
	text, err := os.ReadFile("../../../packages/T1204.001-malicious-link/query.seed.sumo")
	if err != nil {
		t.Fatal(err)
	}
	q, diags := Compile(diag.Text("query", string(text)), Standard())
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	for _, n := range q.need {
		if slices.Contains(n.Any, "msedge.exe") && len(n.Any) == 7 {
			return
		}
	}
	t.Errorf("the browsers are not searched for: %v", q.need)
}

// TestManyAlternativesOfSeveralConditions compiles what once made four million
// needs and more of two dozen alternatives.
func TestManyAlternativesOfSeveralConditions(t *testing.T) {
	var where []string
	for i := range 40 {
		where = append(where, fmt.Sprintf(`(CommandLine matches "*tool%d*" and CommandLine matches "*\"%d" and Image matches "*run%d.exe")`, i, i, i))
	}
	q, diags := Compile(diag.Text("query", "* | json auto | where "+strings.Join(where, " or ")), Standard())
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	whole := false
	for _, n := range q.need {
		whole = whole || len(n.Any) == 40 && slices.Contains(n.Any, "tool39")
	}
	if !whole || len(q.need) > 200 {
		t.Errorf("%d needs; that of every first condition is among them: %v", len(q.need), whole)
	}
}

// hiding writes lines of which some hold cmd.exe, kelvin.exe and the like,
// spelled in all ways.
func hiding(n int) []byte {
	rnd := rand.New(rand.NewPCG(3, 4))
	pick := func(ss ...string) string { return ss[rnd.IntN(len(ss))] }
	var out bytes.Buffer
	for i := range n {
		image := pick(`C:\\Windows\\`, `C:/Windows/`, `C:\/Windows\/`, ``, `\u0043:\\`, `\"quoted\" `, `a\/b `) +
			pick(`cmd.exe`, `CMD.EXE`, `cmd\u002eexe`, `\u0063md.exe`, `\u0063\u004d\u0044.exe`, `cmd.ex`, `cm\\d.exe`,
				`kelvin.exe`, `kelvin.exe`, `\u212Aelvin.exe`, `baſk.exe`, `bask.exe`, `basquiat`, `notepad.exe`, `cmd`, "\xffcmd.exe", `cmd.exe `)
		id := pick(`"4688"`, `4688`, `"1"`, `1`, `"\u0031"`, ` 1 `, "\t1", `"11"`, `1.0`, `7`, `1000`, `1e3`, `4.688e3`, `4688.0`, `"4688 "`, `null`, `true`,
			`"01"`, `"+1"`, `"0000000001"`, `"00000000000000000000001"`, `"1."`, `"1e0"`, `1E+0`, `10e-1`, `"10000000000000000000e-19"`, `.1e1`, `"0.001E3"`,
			`0.99999999999999999`, `"1.00000000000000001"`, `" 1 "`, "\" 1 \"", `"\f1\r"`, `-1`, `"1x"`, `46.88e2`, `4687.99999999999999999`)
		event := fmt.Sprintf(`{"n":%d,"EventID":%s,"UtcTime":"2026-03-02 06:00:%02d.%03d","%s":"%s"}`,
			i, id, rnd.IntN(60), rnd.IntN(1000), pick("Image", "Image", "Image", "image", `\u0049mage`, "Other"), image)
		switch rnd.IntN(8) {
		case 0: // a message with the event as its text
			fmt.Fprintf(&out, `{"_messageTime":%d,"_raw":%q}`, 1772431200000+rnd.IntN(60000), event)
		case 1: // a message with fields
			fmt.Fprintf(&out, `{"%s":"text","_messageTime":%d,"EventID":%s,"Image":"%s"}`, pick("_raw", `\u005fraw`), 1772431200000+i, id, image)
		case 2:
			fmt.Fprintf(&out, `{"EventData":%s}`, event)
		case 3: // an event whose id is put in words
			fmt.Fprintf(&out, `{"Timestamp":"2026-03-02T06:00:00Z","ActionType":"%s","InitiatingProcessFileName":"x","FileName":"%s"}`,
				pick("ProcessCreated", `Process\u0043reated`, "ImageLoaded", "Else"), image)
		default:
			out.WriteString(event)
		}
		out.WriteString(pick("\n", "\n", "\r\n", "\n\n"))
	}
	return out.Bytes()
}
