// Package message reads the messages that a store keeps, each with its time and where
// it came from, as events. The store's log, its segments and what seals one into the
// other read them here, so that they give the same.
package message

import (
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Field is a field that all messages of an origin have beside what stands in them.
type Field struct{ Name, Value string }

// One is the Format of messages each of which is one event, whatever it holds: a list of
// events that somebody sends as one message is one. Fields are found as for "".
const One = "message"

// Origin is what messages of one source share. It is not changed once a Row has it.
type Origin struct {
	// Origin is what the source says of itself. What it leaves open is inferred from
	// each event, as of files.
	event.Origin
	// Format is the format of the messages, as --input-format takes it; "" is found for
	// each message by its content.
	Format string
	// Head is the line with the names of the fields, of formats that have one.
	Head []byte
	// Fields are further fields of each event. What an event itself says wins.
	Fields []Field
}

// Row is one message. Its bytes are what a reader of its format reads.
type Row struct {
	Seq     uint64 // position in the store, which the message's first event has
	Time    int64  // _messageTime, ms; event.NoTime where it has none
	Receipt int64  // _receiptTime, ms; 0 for that of the message's text, or else Time
	Origin  *Origin
	Raw     []byte
}

// Apart is how far the positions of messages are apart, which is a place for each byte
// of a message: 4 MiB. Longer messages take more of it.
const Apart = 1 << 22

// Room is how many positions a message of n bytes takes.
func Room(n int) uint64 { return max((uint64(n)+Apart-1)&^(Apart-1), Apart) }
