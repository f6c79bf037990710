package machine

import (
	"encoding"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// text is a string that JSON carries whole, also where it is not UTF-8.
type text string

// MarshalText quotes what JSON would change, and what looks quoted.
func (s text) MarshalText() ([]byte, error) {
	if !utf8.ValidString(string(s)) || strings.HasPrefix(string(s), `"`) {
		return []byte(strconv.Quote(string(s))), nil
	}
	return []byte(s), nil
}

// UnmarshalText reads what MarshalText has written.
func (s *text) UnmarshalText(b []byte) error {
	if len(b) == 0 || b[0] != '"' {
		*s = text(b)
		return nil
	}
	u, err := strconv.Unquote(string(b))
	*s = text(u)
	return err
}

// savedHit is a hit as it is written down.
type savedHit struct {
	Time  int64        `json:"t"`
	Pos   uint64       `json:"p"`
	UID   text         `json:"u,omitempty"`
	Kind  text         `json:"k,omitempty"`
	Said  text         `json:"w,omitempty"`
	Steps uint64       `json:"s,omitempty"`
	Value text         `json:"v,omitempty"`
	Null  bool         `json:"n,omitempty"`
	Args  []savedValue `json:"a,omitempty"`
	Data  []byte       `json:"d,omitempty"`
}

// withData is saved with the hit's Data.
func withData(h *Hit) (savedHit, error) {
	s := saved(h)
	var err error
	switch d := h.Data.(type) {
	case encoding.BinaryAppender:
		s.Data, err = d.AppendBinary(nil)
	case Saved:
		s.Data = d
	}
	return s, err
}

type savedValue struct {
	Kind event.Kind `json:"k"`
	Bits uint64     `json:"b,omitempty"`
	Text text       `json:"x,omitempty"`
}

func saved(h *Hit) savedHit {
	return savedHit{h.Time, h.Pos, text(h.UID), text(h.Kind), text(h.Said), h.Steps, text(h.Value), h.Null, savedValues(h.Args), nil}
}

func (s *savedHit) hit() *Hit {
	h := &Hit{Past: true, Time: s.Time, Pos: s.Pos, UID: string(s.UID), Kind: string(s.Kind), Said: string(s.Said), Steps: s.Steps, Value: string(s.Value), Null: s.Null, Args: loadedValues(s.Args)}
	if s.Data != nil {
		h.Data = Saved(s.Data)
	}
	return h
}

func savedValues(vs []event.Value) (out []savedValue) {
	for _, v := range vs {
		kind, bits, t := v.Parts()
		out = append(out, savedValue{Kind: kind, Bits: bits, Text: text(t)})
	}
	return out
}

func loadedValues(ss []savedValue) (out []event.Value) {
	for _, s := range ss {
		out = append(out, event.FromParts(s.Kind, s.Bits, string(s.Text)))
	}
	return out
}
