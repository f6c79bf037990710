package report

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// The page of an incident has no script, every link in it leads somewhere on it, and what
// the findings have is there in their order: B is a day before A.
func TestIncidentPage(t *testing.T) {
	got := write(t, "incident")
	if strings.Contains(got, "<script") || strings.Contains(got, "A <b>") {
		t.Error("the page has a script, or text of a log as markup")
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(got, -1) {
		if ids[m[1]] {
			t.Errorf("the id %s stands twice", m[1])
		}
		ids[m[1]] = true
	}
	links := regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(got, -1)
	for _, m := range links {
		if to, ok := strings.CutPrefix(m[1], "#"); !ok || !ids[to] {
			t.Errorf("the link %s leads nowhere", m[1])
		}
	}
	if len(links) < 4 {
		t.Errorf("only %d links", len(links))
	}
	last := 0
	for _, want := range []string{
		"2 findings on 1 host and of 1 user, from 2026-03-09 23:46:40 to 2026-03-10 16:20:58 (16 hours 34 minutes)",
		"Techniques, in order", "T9999", "T1204.001</b> Malicious Link", "T1059.001</b> PowerShell",
		"What is not known", "a.evtx: cut short", "Host not named", "WKS|1",
		"Evidence", "2026-03-09 23:46:40", `C:\a.exe`, "2026-03-10 16:20:58", "CommandLine</dt><dd>cmd &lt;script&gt;alert(1)&lt;/script&gt;",
	} {
		i := strings.Index(got[last:], want)
		if i < 0 {
			t.Fatalf("%q is not on the page, or not after what comes before it:\n%s", want, got)
		}
		last += i
	}
	if !strings.Contains(got, "<code>gyoji dump --line 7 &#39;logs/a.jsonl&#39;</code>") {
		t.Error("no command shows a record")
	}
}

func TestSpansInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 milliseconds", 12 * time.Millisecond: "12 milliseconds", time.Second: "1 second", 61 * time.Second: "1 minute 1 second",
		time.Hour: "1 hour", 25*time.Hour + 59*time.Minute: "1 day 1 hour", 90 * time.Minute: "1 hour 30 minutes", 822*24*time.Hour + 7*time.Hour: "822 days 7 hours",
	} {
		if got := spanText(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
