package job

import (
	"sync/atomic"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Bucket is how many messages of a stretch of time match.
type Bucket struct {
	Length int64 `json:"length"` // ms
	Count  int64 `json:"count"`
	Start  int64 `json:"startTimestamp"` // ms since the epoch
}

// bucketWidths are how long buckets may be, in ms: 1 s to 1 d, and longer for ranges of
// more than bucketsMost days.
var bucketWidths = []int64{1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
	3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000}

// bucketsMost is how many buckets a histogram has at most, give or take the two ends.
const bucketsMost = 60

// widthOf is how long the buckets of a range are.
func widthOf(from, to int64) int64 {
	for _, w := range bucketWidths {
		if (to-from+w-1)/w <= bucketsMost {
			return w
		}
	}
	const day = 86_400_000
	return ((to-from)/bucketsMost/day + 1) * day
}

// histogram counts messages by time. Buckets are told once they are final.
type histogram struct {
	width int64
	first int64 // start of the first bucket
	count []atomic.Int64
	total atomic.Int64
}

func newHistogram(from, to int64) *histogram {
	h := &histogram{width: widthOf(from, to)}
	h.first = from - ((from%h.width)+h.width)%h.width
	h.count = make([]atomic.Int64, max(1, (to-h.first+h.width-1)/h.width))
	return h
}

// tap counts the rows that are live.
func (h *histogram) tap(b *event.Batch) {
	h.total.Add(int64(len(b.Live)))
	if h.count == nil || len(b.Time) == 0 {
		return
	}
	at, n := -1, int64(0)
	for _, r := range b.Live {
		i := int((b.Time[r] - h.first) / h.width)
		if i < 0 || i >= len(h.count) {
			continue
		}
		if i != at {
			if n > 0 {
				h.count[at].Add(n)
			}
			at, n = i, 0
		}
		n++
	}
	if n > 0 {
		h.count[at].Add(n)
	}
}

// buckets are those of a span that hold messages, the newest first.
func (h *histogram) buckets(s span) (out []Bucket) {
	for i := len(h.count) - 1; i >= 0; i-- {
		start := h.first + int64(i)*h.width
		if !s.all && (start+h.width <= s.from || start >= s.to) {
			continue
		}
		if n := h.count[i].Load(); n > 0 {
			out = append(out, Bucket{Length: h.width, Count: n, Start: start})
		}
	}
	return out
}

// slicesOf cuts a range at bounds of buckets, the newest slice first: small ones, so
// that the newest messages are there soon, and then larger ones of at most most buckets.
func (h *histogram) slicesOf(from, to int64, most int) (out []span) {
	for n, at := 1, len(h.count); at > 0; n = min(2*n, max(1, most)) {
		low := max(0, at-n)
		out = append(out, span{from: max(from, h.first+int64(low)*h.width), to: min(to, h.first+int64(at)*h.width)})
		at = low
	}
	return out
}
