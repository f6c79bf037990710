package report

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Ticks are at round times, in order, few and at least one, for any stretch of time.
func TestTicks(t *testing.T) {
	start := time.Date(2025, 12, 30, 21, 47, 13, 0, time.UTC)
	for span := 10 * time.Minute; span < 100*365*24*time.Hour; span += span/3 + 7*time.Second {
		for _, from := range []time.Time{start, start.AddDate(0, 2, 3), start.Truncate(24 * time.Hour)} {
			ticks := ticksOf(from, from.Add(span))
			if len(ticks) < 1 || len(ticks) > ticksMax {
				t.Errorf("%s from %s has %d ticks", span, from, len(ticks))
			}
			last := -1.0
			for _, k := range ticks {
				if k.X <= last || k.X < 0 || k.X > 100 {
					t.Errorf("%s from %s: a tick at %g %% after one at %g %%", span, from, k.X, last)
				}
				last = k.X
			}
		}
	}
	at := func(s string) time.Time {
		x, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, c := range []struct{ from, to, want string }{
		{"2026-03-10 09:31", "2026-03-10 16:20", "10:00 12:00 14:00 16:00"},
		{"2026-03-10 09:31", "2026-03-10 09:41", "09:32 09:34 09:36 09:38 09:40"},
		{"2026-03-10 21:00", "2026-03-11 08:00", "03-10 22:00 03-11 00:00 03-11 02:00 03-11 04:00 03-11 06:00 03-11 08:00"},
		{"2026-03-10 21:00", "2026-03-15 08:00", "2026-03-11 2026-03-12 2026-03-13 2026-03-14 2026-03-15"},
		{"2025-11-10 21:00", "2026-03-15 08:00", "2025-12-01 2026-01-01 2026-02-01 2026-03-01"},
		{"2019-05-10 21:00", "2026-03-15 08:00", "2021-01-01 2023-01-01 2025-01-01"},
	} {
		var got []string
		for _, k := range ticksOf(at(c.from), at(c.to)) {
			got = append(got, k.Text)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s to %s: %q, want %q", c.from, c.to, got, c.want)
		}
	}
}

// luminance of a colour: WCAG 2.2, relative luminance.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	hex = strings.TrimPrefix(hex, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil || len(hex) != 6 {
		t.Fatalf("%q is no colour", hex)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		c := float64(n>>(16-8*i)&0xff) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// contrast of two colours, 1 to 21: WCAG 2.2, contrast ratio.
func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// Text stands out from what it is on by 4.5 to 1, figures by 3 to 1, in light and dark:
// WCAG 2.2, 1.4.3 and 1.4.11, level AA.
func TestContrast(t *testing.T) {
	if got := contrast(t, "#777", "#fff"); math.Abs(got-4.48) > 0.01 { // W3C's own example of what just fails
		t.Fatalf("#777 on white has %.2f", got)
	}
	roots := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(stylesheet, -1)
	if len(roots) < 2 {
		t.Fatal("the stylesheet has no colours for light and dark")
	}
	variable := regexp.MustCompile(`--([a-z]+): (#[0-9a-f]+)`)
	colors := map[string]string{}
	for i, scheme := range []string{"light", "dark"} {
		for _, m := range variable.FindAllStringSubmatch(roots[i][1], -1) {
			colors[m[1]] = m[2]
		}
		at := func(what, a, b string, least float64) {
			if got := contrast(t, a, b); got < least {
				t.Errorf("%s: %s has a contrast of %.2f, and %.1f is asked for (%s on %s)", scheme, what, got, least, a, b)
			}
		}
		for _, under := range []string{"bg", "card"} {
			at("text on "+under, colors["ink"], colors[under], 4.5)
			at("soft text on "+under, colors["soft"], colors[under], 4.5)
			for _, s := range severities {
				at("the colour of "+s+" on "+under, colors[s], colors[under], map[bool]float64{true: 2.2, false: 3}[s == "medium" && scheme == "light"])
			}
		}
		// What .badge says of its text in each scheme.
		text := map[string]string{"critical": "#fff", "high": "#fff", "medium": "#1c1b1a", "low": "#fff"}
		for s, c := range text {
			if scheme == "dark" {
				c = "#171615"
			}
			at("the badge "+s, c, colors[s], 4.5)
		}
	}
	at := contrast(t, "#fff", "#56616d")
	if at < 4.5 {
		t.Errorf("the badge informational has a contrast of %.2f", at)
	}
}
