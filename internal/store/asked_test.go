package store

import (
	"cmp"
	"slices"
	"testing"
	"time"
)

// TestColumnsOfWhatIsAsked: the fields that queries ask for become columns, also after
// the store was closed, and no longer once nobody has asked for them for a month.
func TestColumnsOfWhatIsAsked(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	r := messages(`{"a":"1","b":"2","host id":"3","u":"7d1b"}`, `{"a":"1","b":"2","host id":"3","u":"9a02"}`)
	promoted := func() []string {
		put(t, s, r)
		seal(t, s, true)
		snap := s.Snapshot(View{})
		defer snap.Close()
		last := slices.MaxFunc(snap.segs, func(a, b *segment) int { return cmp.Compare(a.MaxSeq, b.MaxSeq) })
		if err := last.open(); err != nil {
			t.Fatal(err)
		}
		return last.file.Promoted()
	}
	if got := promoted(); !slices.Equal(got, []string{"a", "b", "host_id", "u"}) {
		t.Errorf("unasked the columns are of %q", got)
	}
	for range 3 {
		ask(t, s, "* | where u = \"9a02\" | count by b", View{})
	}
	ask(t, s, "* | json auto | where none = \"x\" | count by u", View{})
	if got := promoted(); !slices.Equal(got[:2], []string{"u", "b"}) || slices.Contains(got, "none") {
		t.Errorf("the columns are of %q", got)
	}
	s.Close(t.Context())
	s = open(t, dir, Options{})
	if got, err := s.askedFor(); err != nil || !slices.Equal(got, []string{"u", "b", "none"}) {
		t.Errorf("asked for are %q, %v", got, err)
	}
	if _, err := s.db.Exec(`UPDATE asked SET day = ?`, time.Now().Unix()/86400-askedDays-1); err != nil {
		t.Fatal(err)
	}
	if got, err := s.askedFor(); err != nil || len(got) > 0 {
		t.Errorf("asked for are %q, %v", got, err)
	}
}
