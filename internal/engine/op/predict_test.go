package op

import (
	"math"
	"testing"
)

// The autocovariance sums of 1, 2, 3, 4 are 30, 20 and 11. Of order 1 the weight
// is 20/30; of order 2 the equations 30a + 20b = 20 and 20a + 30b = 11 give
// a = 380/500 and b = -70/500.
func TestYuleWalkerByHand(t *testing.T) {
	for _, c := range []struct {
		x    []float64
		want []float64
	}{
		{[]float64{1, 2, 3, 4}, []float64{2.0 / 3}},
		{[]float64{1, 2, 3, 4}, []float64{0.76, -0.14}},
		{[]float64{0, 0, 0}, []float64{0, 0}}, // nothing varies: nothing is weighed
		{nil, []float64{0}},
	} {
		got := yuleWalker(c.x, len(c.want))
		for i, w := range c.want {
			if math.Abs(got[i]-w) > 1e-12 {
				t.Errorf("%v: weights %v, want %v", c.x, got, c.want)
				break
			}
		}
	}
}
