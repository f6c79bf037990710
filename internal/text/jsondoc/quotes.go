package jsondoc

import "math/bits"

// quoteMarks are the places of the quotes of one text, a bit each, where the
// machine finds many at once. An object of twenty fields has eighty of them:
// looking for each with a call cost more than all else.
type quoteMarks struct {
	marks []uint64
	tail  [64]byte
}

// mark finds the quotes of a text.
func (q *quoteMarks) mark(src []byte) {
	words := len(src)/64 + 1 // there is always a word for the place behind the text
	if cap(q.marks) < words {
		q.marks = make([]uint64, words, 2*words)
	}
	q.marks = q.marks[:words]
	whole := len(src) / 64
	if whole > 0 {
		markQuotes(&src[0], whole, &q.marks[0])
	}
	clear(q.tail[copy(q.tail[:], src[whole*64:]):])
	markQuotes(&q.tail[0], 1, &q.marks[whole])
}

// next returns the first quote at or after i, or -1.
func (q *quoteMarks) next(i int) int {
	w := i >> 6
	if w >= len(q.marks) {
		return -1
	}
	m := q.marks[w] >> (i & 63)
	if m != 0 {
		return i + bits.TrailingZeros64(m)
	}
	for w++; w < len(q.marks); w++ {
		if m := q.marks[w]; m != 0 {
			return w<<6 + bits.TrailingZeros64(m)
		}
	}
	return -1
}

// stringEnd is what the function of that name returns for the text that was marked.
func (q *quoteMarks) stringEnd(src []byte, i int) int {
	start := i
	for {
		i = q.next(i)
		if i < 0 || i == start || src[i-1] != '\\' {
			return i
		}
		k := i - 1
		for k > start && src[k-1] == '\\' {
			k--
		}
		if (i-k)%2 == 0 {
			return i
		}
		i++
	}
}
