package gyoji_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/gyoji-dev/gyoji"
	"github.com/gyoji-dev/gyoji/diag"
)

// A query over a channel of events: each row comes with the event that makes it.
func ExampleQuery_Rows() {
	events := make(chan map[string]any, 3)
	events <- map[string]any{"EventID": 1, "Image": `C:\Windows\System32\cmd.exe`, "User": "bob"}
	events <- map[string]any{"EventID": 1, "Image": `C:\Windows\powershell.exe`, "User": "eve"}
	close(events)

	q, err := gyoji.Compile(`EventID=1 | where Image matches "*powershell.exe" | fields User, Image`)
	if err != nil {
		log.Fatal(err)
	}
	for row, err := range q.Rows(context.Background(), gyoji.Channel(events)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(row.Text("User"), row.Text("Image"))
	}
	// Output: eve C:\Windows\powershell.exe
}

// A query over files, with typed columns.
func ExampleFiles() {
	q, err := gyoji.Compile(`EventID=1 | count by Computer | sort by _count, Computer`)
	if err != nil {
		log.Fatal(err)
	}
	for row, err := range q.Rows(context.Background(), gyoji.Files("samples/*.jsonl")) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(row.Text("Computer"), row.Int("_count"))
	}
	// Output:
	// WS-DEV-022.corp.example 91
	// WS-FIN-014.corp.example 77
}

// What is wrong with a query is a list of values, each with its place.
func ExampleCompile() {
	_, err := gyoji.Compile("error | timeslice 5 minuts")
	var wrong *diag.Failure
	if errors.As(err, &wrong) {
		for _, d := range wrong.List {
			at := d.File.Place(d.Span.Start)
			fmt.Printf("%d:%d: %s [%s]\n", at.Line, at.Col, d.Message, d.Code)
		}
	}
	// Output: 1:21: timeslice wants a duration, and "minuts" is not a unit of time [bad-duration]
}

// Events may be structs: an event is what its JSON is.
func ExampleEvents() {
	type logon struct {
		Time time.Time `json:"@timestamp"`
		User string    `json:"user"`
		OK   bool      `json:"ok"`
	}
	at := time.Date(2026, 3, 10, 14, 0, 0, 0, time.UTC)
	logons := []logon{{at, "eve", false}, {at.Add(time.Minute), "eve", false}, {at.Add(2 * time.Minute), "bob", true}}
	q, err := gyoji.Compile(`* | where ok = "false" | timeslice 1h | count by _timeslice, user`)
	if err != nil {
		log.Fatal(err)
	}
	for row, err := range q.Rows(context.Background(), gyoji.Events(slices.Values(logons))) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(row)
	}
	// Output: {"_timeslice":1773151200000,"user":"eve","_count":2}
}

// A query that holds rows may be asked for them at any time.
func ExampleQuery_Start() {
	q, err := gyoji.Compile(`* | count by user | sort by _count`)
	if err != nil {
		log.Fatal(err)
	}
	live, err := q.Start(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer live.Close()
	for i, user := range []string{"eve", "bob", "eve", "eve"} {
		if err := live.Push(map[string]string{"user": user}); err != nil {
			log.Fatal(err)
		}
		if i%2 == 0 {
			continue
		}
		for row, err := range live.Rows() {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(i+1, "events:", row.Text("user"), row.Int("_count"))
		}
	}
	// Output:
	// 2 events: bob 1
	// 2 events: eve 1
	// 4 events: eve 3
	// 4 events: bob 1
}

// The detections that gyoji ships, over files.
func ExampleHunt_Findings() {
	h, err := gyoji.NewHunt(gyoji.Detections{})
	if err != nil {
		log.Fatal(err)
	}
	for f, err := range h.Findings(context.Background(), gyoji.Files("samples/")) {
		if err != nil {
			log.Fatal(err)
		}
		if f.Kind == "package" && f.Severity >= gyoji.Critical {
			fmt.Println(f.Severity, f.Host, f.Techniques, f.Detection)
		}
	}
	// Output:
	// critical WS-DEV-022.corp.example [T1204.001] Browser or mail, chat or Office program starts something that runs code
	// critical WS-DEV-022.corp.example [T1204.001] Browser or mail, chat or Office program starts something that runs code
	// critical WS-FIN-014.corp.example [T1204.001] Browser or mail, chat or Office program starts something that runs code
	// critical WS-FIN-014.corp.example [T1204.001] Browser or mail, chat or Office program starts something that runs code
}

// A Sigma correlation over events that are pushed: it is found as event time goes on.
func ExampleHunt_Start() {
	h, err := gyoji.NewHunt(gyoji.Detections{Sigma: []string{"testdata/failures.yml"}})
	if err != nil {
		log.Fatal(err)
	}
	live, err := h.Start(context.Background(), func(f *gyoji.Finding) error {
		fmt.Println(f.Detection, f.Field("user"), f.Events)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	defer live.Close()
	start := time.Date(2026, 3, 10, 14, 0, 0, 0, time.UTC)
	for i := range 6 {
		at := start.Add(time.Duration(i) * time.Second)
		if err := live.Push(map[string]any{"@timestamp": at, "kind": "fail", "user": "eve"}); err != nil {
			log.Fatal(err)
		}
		if err := live.Advance(at); err != nil { // events come in order of time
			log.Fatal(err)
		}
	}
	if err := live.Finish(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// Many failures eve 3
	// Many failures eve 3
}
