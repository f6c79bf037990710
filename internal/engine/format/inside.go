package format

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// insideNames are the formats in which Windows events are the text of messages.
var insideNames = []string{"json", "xml", "splunk", "sumo-legacy"}

// Inside reads events that are the text of messages. What it returns gives to the
// event that a text is, and reports whether it is one. It is one goroutine's.
func Inside(w *input.Want) func(text []byte, to exec.Sink) (bool, error) {
	readers := make([]input.BlockReader, len(insideNames))
	part := &input.Part{Name: "_raw"}
	return func(text []byte, to exec.Sink) (bool, error) {
		for i, name := range insideNames {
			f := Named(name)
			if f.Sniff(text) == 0 {
				continue
			}
			if readers[i] == nil {
				readers[i] = f.New(w)
			}
			return true, readers[i].Read(input.Block{Data: text, Part: part}, to)
		}
		return false, nil
	}
}
