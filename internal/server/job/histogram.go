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
	told  int // buckets that are final, from the newest
	// received counts by _receiptTime.
	received bool
	total    atomic.Int64
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
		ms := b.Time[r]
		if h.received && int(r) < len(b.Receipt) {
			ms = b.Receipt[r]
		}
		i := int((ms - h.first) / h.width)
		if ms < h.first || i < 0 || i >= len(h.count) {
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

// finalFrom are the buckets that hold messages and are final once all from a time on are
// counted: those not told yet, the newest first. One goroutine's at a time.
func (h *histogram) finalFrom(from int64) (out []Bucket) {
	for i := len(h.count) - 1 - h.told; i >= 0; i-- {
		start := h.first + int64(i)*h.width
		if start < from {
			break
		}
		h.told++
		if n := h.count[i].Load(); n > 0 {
			out = append(out, Bucket{Length: h.width, Count: n, Start: start})
		}
	}
	return out
}

const (
	// sliceFirst is about how much of raw text is read before the first results are there,
	// and sliceMost before further ones are; what has less than sliceWhole is read at once.
	sliceFirst = 4 << 20
	sliceMost  = 256 << 20
	sliceWhole = 16 << 20
	// sliceGrows is how much larger a slice is than the one before: two that end in one
	// group of a segment both read the group.
	sliceGrows = 8
	// sliceTwice is how much more may be read in slices than would be at once: what is
	// stored together may be of several slices.
	sliceTwice = 2
	// sliceLeast is how long a slice is at least, ms.
	sliceLeast = 1000
)

// slicesOf cuts a range into parts that are read one after the other, the newest first:
// small ones, so that the newest messages are there soon, and then larger ones. bytes
// tells about how much is read of a range. nil where it is better not cut.
func slicesOf(from, to int64, bytes func(from, to int64) (int64, error)) (out []span, err error) {
	target, have, high := int64(sliceFirst), int64(0), to
	cut := func(low int64) {
		if low < high {
			out = append(out, span{from: low, to: high})
			high, have, target = low, 0, min(sliceGrows*target, sliceMost)
		}
	}
	read := int64(0)
	var walk func(low, end, size int64) error
	walk = func(low, end, size int64) error {
		if size > target && end-low >= 2*sliceLeast {
			mid := low + (end-low)/2
			newer, err := bytes(mid, end)
			if err != nil {
				return err
			}
			older, err := bytes(low, mid)
			if err != nil {
				return err
			}
			if newer < size*9/10 || older < size*9/10 { // else all of it is of both
				if err := walk(mid, end, newer); err != nil {
					return err
				}
				return walk(low, mid, older)
			}
		}
		read += size
		if have += size; have >= target {
			cut(low)
		}
		return nil
	}
	total, err := bytes(from, to)
	if err != nil || total < sliceWhole {
		return nil, err
	}
	if err := walk(from, to, total); err != nil || read > sliceTwice*total {
		return nil, err
	}
	cut(from)
	return out, nil
}
