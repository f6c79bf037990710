// Package message reads the messages that a store keeps, each with its time and where
// it came from, as events. The store's log, its segments and what seals one into the
// other read them here, so that they give the same.
package message

import (
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Field is a field that all messages of an origin have beside what stands in them.
type Field struct{ Name, Value string }

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
	Seq     uint64 // number of the message in the store
	Time    int64  // _messageTime, ms; event.NoTime where it has none
	Receipt int64  // _receiptTime, ms; 0 for that of the message's text, or else Time
	Origin  *Origin
	Raw     []byte
}

// offsetBits are the bits of a position for the place of an event in its message, of
// which few have more than one: 4 MiB, and 4e12 messages.
const offsetBits = 22

// Position is the position of an event by the number of its message and its offset in
// it. Events are in the order of messages, and of offsets in them; those beyond 4 MiB of
// one message share a position.
func Position(seq uint64, offset int64) uint64 {
	return seq<<offsetBits | uint64(min(max(offset, 0), 1<<offsetBits-1))
}

// Seq is the number of the message that an event's position is of.
func Seq(pos uint64) uint64 { return pos >> offsetBits }

// Offset is the place of an event in its message.
func Offset(pos uint64) int64 { return int64(pos & (1<<offsetBits - 1)) }
