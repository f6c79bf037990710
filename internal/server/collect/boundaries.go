package collect

import (
	"bytes"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

const (
	// MessageMax is how many bytes a message has at most; longer ones are cut.
	// Source: Sumo Logic, "HTTP Logs and Metrics Source": 64 KB.
	MessageMax = 64 << 10
	// A message of several lines ends at the first of these.
	// Source: Sumo Logic, "Collecting Multiline Logs".
	messageLines = 2000
	messageBytes = 512 << 10
	// messagesMax is how many messages a request may hold.
	messagesMax = 4 << 20
	// cutWork bounds what is read twice in search of the ends of JSON: so many times
	// the bytes of the body.
	cutWork = 4
)

// lineEnd returns where the line at i ends, and where the next begins. A line ends at a
// line feed, a carriage return, or both.
func lineEnd(b []byte, i int, returns bool) (end, next int) {
	n := bytes.IndexByte(b[i:], '\n')
	if returns {
		line := b[i:]
		if n >= 0 {
			line = line[:n]
		}
		if r := bytes.IndexByte(line, '\r'); r >= 0 {
			if r += i; r+1 < len(b) && b[r+1] == '\n' {
				return r, r + 2
			}
			return r, r + 1
		}
	}
	if n < 0 {
		return len(b), len(b)
	}
	return i + n, i + n + 1
}

// isBlank reports whether a line holds nothing that can be seen.
func isBlank(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }

// cut gives the messages of a body, in order. What it gives are parts of the body.
// Source: http-api.md 3; Sumo Logic, "Collecting Multiline Logs".
func (p *Plan) cut(body []byte, stamps *datefmt.Recogniser, each func(msg []byte)) {
	s := &p.source
	c := cutter{body: body, each: each, returns: bytes.IndexByte(body, '\r') >= 0}
	switch {
	case s.MessagePerRequest:
		if whole := bytes.TrimRight(body, "\r\n"); !isBlank(whole) {
			each(whole)
		}
	case !s.MultilineProcessingEnabled:
		c.lines(0)
	case p.prefix != nil:
		c.starting(func(line []byte) bool { return p.prefix.Match(line) })
	default:
		c.infer(stamps)
	}
}

type cutter struct {
	body    []byte
	each    func([]byte)
	returns bool // there are carriage returns
	work    int  // bytes that were read in vain
}

// lines gives each line from i on as a message.
func (c *cutter) lines(i int) {
	for i < len(c.body) {
		end, next := lineEnd(c.body, i, c.returns)
		if line := c.body[i:end]; !isBlank(line) {
			c.each(line)
		}
		i = next
	}
}

// starting gives messages that begin at the lines that begins says, the first line in any
// case.
func (c *cutter) starting(begins func(line []byte) bool) {
	start, last, lines := 0, 0, 0 // of the message; last is where its last line that is not blank ends
	give := func() {
		if lines > 0 && last > start {
			c.each(c.body[start:last])
		}
		lines = 0
	}
	for i := 0; i < len(c.body); {
		end, next := lineEnd(c.body, i, c.returns)
		line := c.body[i:end]
		blank := isBlank(line)
		if lines > 0 && (!blank && begins(line) || lines >= messageLines || end-start > messageBytes) {
			give()
		}
		if lines > 0 || !blank {
			if lines == 0 {
				start = i
			}
			lines++
		}
		if !blank {
			last = end
		}
		i = next
	}
	give()
}

// infer finds out what a message is.
func (c *cutter) infer(stamps *datefmt.Recogniser) {
	first := 0 // where the first line that is not blank begins
	for first < len(c.body) {
		end, next := lineEnd(c.body, first, c.returns)
		if !isBlank(c.body[first:end]) {
			break
		}
		first = next
	}
	if first == len(c.body) {
		return
	}
	at := first + len(c.body[first:]) - len(bytes.TrimLeft(c.body[first:], " \t"))
	if b := c.body[at]; b == '{' || b == '[' {
		if end, ok := c.value(at); ok {
			c.each(c.body[at:end])
			c.documents(end)
			return
		}
	}
	begins := func(line []byte) bool { return beginsMessage(stamps, line) }
	end, _ := lineEnd(c.body, first, c.returns)
	if begins(c.body[first:end]) {
		c.starting(begins)
		return
	}
	c.lines(first)
}

// value is where the JSON object or array at i ends, if nothing but another stands on
// the rest of the line.
func (c *cutter) value(i int) (end int, ok bool) {
	if c.work > cutWork*len(c.body) {
		return 0, false
	}
	end, err := jsondoc.End(c.body, i)
	if err != nil {
		c.work += end - i
		return 0, false
	}
	for j := end; j < len(c.body); j++ {
		switch c.body[j] {
		case ' ', '\t':
		case '\n', '\r', '{', '[':
			return end, true
		default:
			c.work += end - i
			return 0, false
		}
	}
	return end, true
}

// documents gives the JSON documents from i on, and what is none line by line.
func (c *cutter) documents(i int) {
	for i < len(c.body) {
		switch c.body[i] {
		case ' ', '\t', '\n', '\r':
			i++
			continue
		case '{', '[':
			if end, ok := c.value(i); ok {
				c.each(c.body[i:end])
				i = end
				continue
			}
		}
		end, next := lineEnd(c.body, i, c.returns)
		c.each(c.body[i:end])
		i = next
	}
}

// beginsMessage reports whether a line begins with a time or with the priority of syslog.
func beginsMessage(stamps *datefmt.Recogniser, line []byte) bool {
	if len(line) == 0 || line[0] == ' ' || line[0] == '\t' {
		return false
	}
	if line[0] == '<' {
		if n := priority(line); n > 0 {
			return true
		}
	}
	return stamps.Starts(line)
}

// priority is how many bytes syslog's priority takes at the start of a line, 0 for none.
func priority(line []byte) int {
	for i := 1; i < len(line) && i < 5; i++ {
		switch c := line[i]; {
		case c == '>' && i > 1 && line[0] == '<':
			return i + 1
		case c < '0' || c > '9':
			return 0
		}
	}
	return 0
}

// pieces gives a message in pieces of at most max bytes, cut between characters.
func pieces(msg []byte, max int, each func([]byte)) {
	for len(msg) > max {
		n := max
		for back := 1; back < utf8.UTFMax && n-back > 0; back++ {
			if utf8.RuneStart(msg[n]) {
				break
			}
			n--
		}
		if !utf8.RuneStart(msg[n]) { // no UTF-8 at all
			n = max
		}
		each(msg[:n])
		msg = msg[n:]
	}
	each(msg)
}
