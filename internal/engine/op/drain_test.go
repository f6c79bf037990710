package op

import (
	"fmt"
	"testing"
)

func TestSignaturesStandForWhatDiffers(t *testing.T) {
	d := newDrain()
	for i := range 20 {
		d.take(fmt.Sprintf("2024-01-0%dT10:00:0%dZ user user%d logged in from 10.0.0.%d", i%9+1, i%9+1, i, i), 0)
		if i%2 == 0 {
			d.take(fmt.Sprintf("GET https://h.example/%d?q=%d took %d ms", i, i, i), 0)
		}
	}
	d.take("disk full", 0)
	d.take("", 0)
	want := []struct {
		text string
		n    int64
	}{
		{"$DATE user * logged in from *", 20},
		{"GET $URL took * ms", 10},
		{"", 1},
		{"disk full", 1},
	}
	got := d.signatures()
	if len(got) != len(want) {
		t.Fatalf("%d signatures: %v", len(got), got)
	}
	for i, w := range want {
		if got[i].text != w.text || got[i].count[0] != w.n {
			t.Errorf("signature %d is %q ×%d, want %q ×%d", i, got[i].text, got[i].count[0], w.text, w.n)
		}
	}
	if id := got[3].id(); id != (signature{text: "disk full"}).id() || len(id) != 16 {
		t.Errorf("id %s", id)
	}
}
