package op

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// drain puts messages of one shape together and finds their signature. It is
// the algorithm of He, Zhu, Zheng and Lyu, "Drain: An Online Log Parsing
// Approach with Fixed Depth Tree" (ICWS 2017), on words and the signs between
// them. The same messages in the same order give the same signatures.
type drain struct {
	leaves map[string][]*cluster
	all    []*cluster
	words  []string
	buf    []byte
}

// cluster is messages of one shape.
type cluster struct {
	leaf   string
	pieces []string // words at even places, what stands between them at odd ones
	count  [2]int64 // of messages, by side: logcompare has two
}

const (
	// drainDepth is how many words at the start decide in which leaf a message
	// is looked for, as in the paper's tree of depth 4.
	drainDepth = 2
	// drainSimilar is the share of equal words from which a message belongs to a
	// cluster: the paper's 0.5.
	drainSimilar = 0.5
	// drainPiecesMax is how much of a message is looked at; the rest is one *.
	drainPiecesMax = 512
	// clusterBytes is what a cluster costs besides its text.
	clusterBytes = 128
)

func newDrain() *drain { return &drain{leaves: map[string][]*cluster{}} }

// known are the parts of messages that signatures name: $URL and $DATE.
var known = match.Lazy(`(https?://[^\s"'<>]+)` +
	`|(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?` +
	`|\d\d?/(?:\d\d?|[A-Z][a-z]{2})/\d{4}(?:[: ]\d\d:\d\d(?::\d\d)?(?: [+-]\d{4}| [AP]M)?)?` +
	`|[A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d)`)

// cut splits a message into words and what stands between them.
func (d *drain) cut(s string) []string {
	d.words = d.words[:0]
	at := 0
	for _, m := range known().FindAllStringSubmatchIndex(s, -1) {
		d.plain(s[at:m[0]])
		name := "$DATE"
		if m[2] >= 0 {
			name = "$URL"
		}
		d.add(name, true)
		if at = m[1]; len(d.words) >= drainPiecesMax {
			break
		}
	}
	d.plain(s[at:])
	if len(d.words) > drainPiecesMax {
		d.words = append(d.words[:drainPiecesMax], "*")
	}
	return d.words
}

// add appends a word or a sign. Words stand at even places.
func (d *drain) add(piece string, word bool) {
	if even := len(d.words)%2 == 0; word != even {
		d.words = append(d.words, "") // as between a date and a word that touches it
	}
	d.words = append(d.words, piece)
}

func (d *drain) plain(s string) {
	for i := 0; i < len(s) && len(d.words) < drainPiecesMax; {
		start := i
		if isSignatureWord(s[i]) {
			digit := false
			for i < len(s) && isSignatureWord(s[i]) {
				digit = digit || s[i]-'0' < 10
				i++
			}
			if digit {
				d.add("*", true)
			} else {
				d.add(s[start:i], true)
			}
			continue
		}
		for i < len(s) && !isSignatureWord(s[i]) {
			i++
		}
		d.add(blanks().ReplaceAllString(s[start:i], " "), false)
	}
}

var blanks = match.Lazy(`\s+`)

func isSignatureWord(c byte) bool {
	return isWordByte(c) || c == '.' || c == '-' || c == '@' || c == '$'
}

// leaf is what decides where a message is looked for. It is good until the next.
func (d *drain) leaf(pieces []string) []byte {
	d.buf = d.buf[:0]
	words := 0
	for i, p := range pieces {
		if i%2 == 0 {
			if words < drainDepth {
				d.buf = append(append(d.buf, 0), p...)
			}
			words++
			continue
		}
		d.buf = append(append(d.buf, 1), p...)
	}
	return d.buf
}

// appendState writes down the clusters.
func (d *drain) appendState(dst []byte) []byte {
	for _, c := range d.all {
		dst = binary.AppendUvarint(dst, uint64(len(c.leaf)))
		dst = append(dst, c.leaf...)
		dst = binary.AppendVarint(dst, c.count[0])
		dst = binary.AppendVarint(dst, c.count[1])
		dst = binary.AppendUvarint(dst, uint64(len(c.pieces)))
		for _, p := range c.pieces {
			dst = binary.AppendUvarint(dst, uint64(len(p)))
			dst = append(dst, p...)
		}
	}
	return dst
}

// load takes the clusters that appendState has written, and returns by how many bytes
// the state grew.
func (d *drain) load(state string) (grown int) {
	src := []byte(state)
	uint := func() int {
		n, k := binary.Uvarint(src)
		src = src[k:]
		return int(n)
	}
	text := func() string {
		n := uint()
		s := string(src[:n])
		src = src[n:]
		return s
	}
	for len(src) > 0 {
		c := &cluster{leaf: text()}
		for i := range c.count {
			n, k := binary.Varint(src)
			c.count[i], src = n, src[k:]
		}
		grown += clusterBytes + len(c.leaf)
		for range uint() {
			p := text()
			c.pieces = append(c.pieces, p)
			grown += 16 + 2*len(p)
		}
		d.leaves[c.leaf] = append(d.leaves[c.leaf], c)
		d.all = append(d.all, c)
	}
	return grown
}

// take counts a message and returns by how many bytes the state grew.
func (d *drain) take(s string, side int) int {
	pieces := d.cut(s)
	leaf := d.leaf(pieces)
	var best *cluster
	score := drainSimilar
	for _, c := range d.leaves[string(leaf)] {
		if n := c.similar(pieces); n > score || n == score && best == nil {
			best, score = c, n
		}
	}
	if best != nil {
		best.count[side]++
		best.widen(pieces)
		return 0
	}
	c := &cluster{leaf: string(leaf), pieces: make([]string, len(pieces))}
	c.count[side] = 1
	grown := clusterBytes + len(leaf)
	for i, p := range pieces {
		c.pieces[i] = strings.Clone(p)
		grown += 16 + 2*len(p) // and its text in the end
	}
	d.leaves[c.leaf] = append(d.leaves[c.leaf], c)
	d.all = append(d.all, c)
	return grown
}

// similar is the share of words that are equal.
func (c *cluster) similar(pieces []string) float64 {
	if len(c.pieces) != len(pieces) {
		return -1
	}
	same, words := 0, 0
	for i := 0; i < len(pieces); i += 2 {
		words++
		if c.pieces[i] == pieces[i] {
			same++
		}
	}
	if words == 0 {
		return 1
	}
	return float64(same) / float64(words)
}

// widen makes * of the words that differ.
func (c *cluster) widen(pieces []string) {
	for i := 0; i < len(pieces); i += 2 {
		if c.pieces[i] != pieces[i] {
			c.pieces[i] = "*"
		}
	}
}

// signature is one line of a result.
type signature struct {
	text  string
	count [2]int64
}

// id names a signature: the same text has the same id in every run.
func (s signature) id() string {
	h := fnv.New64a()
	h.Write([]byte(s.text))
	return fmt.Sprintf("%016x", h.Sum64())
}

// stars are several * in a row.
var stars = match.Lazy(`\*(?:[ ,;]*\*)+`)

// signatures lists what was found, the most common first. Clusters that came to
// the same text are one.
func (d *drain) signatures() []signature {
	at := map[string]int{}
	var out []signature
	for _, c := range d.all {
		text := stars().ReplaceAllString(strings.TrimSpace(strings.Join(c.pieces, "")), "*")
		i, ok := at[text]
		if !ok {
			i = len(out)
			at[text] = i
			out = append(out, signature{text: text})
		}
		out[i].count[0] += c.count[0]
		out[i].count[1] += c.count[1]
	}
	slices.SortFunc(out, func(a, b signature) int {
		return cmp.Or(cmp.Compare(b.count[0], a.count[0]), cmp.Compare(b.count[1], a.count[1]), strings.Compare(a.text, b.text))
	})
	return out
}
