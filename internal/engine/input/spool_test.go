package input

import (
	"bytes"
	"context"
	"io"
	"os"
	"testing"
)

func TestSpoolGivesAllAgainAndLeavesNothing(t *testing.T) {
	for _, size := range []int{0, 1, 99, 100, 101, 5000} {
		want := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
		dir := t.TempDir()
		s, err := NewSpool(context.Background(), bytes.NewReader(want), 100, dir)
		if err != nil {
			t.Fatal(err)
		}
		if s.Held() > 100 {
			t.Errorf("%d bytes: %d held in memory, more than 100", size, s.Held())
		}
		one, two := s.Reader(), s.Reader()
		for _, r := range []io.Reader{one, two, s.Reader()} {
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes: read %d, %v", size, len(got), err)
			}
		}
		s.Close()
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%d bytes: %s is left", size, left[0].Name())
		}
	}
}
