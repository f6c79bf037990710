package evtx_test

import (
	"fmt"
	"os"

	"github.com/gyoji-dev/gyoji/evtx"
)

// A file is a header and chunks of 64 KiB; a decoder gives the events of one chunk after
// the other.
func ExampleDecoder() {
	data, err := os.ReadFile("../samples/srv-file-003-sysmon.evtx")
	if err != nil {
		fmt.Println(err)
		return
	}
	const chunk = 64 << 10
	d := evtx.NewDecoder()
	events := 0
	for at := evtx.HeaderBytes; at+chunk <= len(data); at += chunk {
		if !evtx.IsChunk(data[at:]) {
			continue
		}
		d.Open(data[at:at+chunk], false)
		for r, ok := d.Next(); ok; r, ok = d.Next() {
			if _, err := d.Event(r); err == nil {
				events++
			}
		}
	}
	fmt.Println(events, "events")
	// Output:
	// 22 events
}
