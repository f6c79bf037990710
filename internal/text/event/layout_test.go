package event

import "testing"

// TestMet says which names share a slot: those that someone asks for, letter case
// aside; of those that only the data has each spelling has its own, whichever is
// met first.
func TestMet(t *testing.T) {
	for _, order := range [][]string{{"ID", "Id", "image"}, {"image", "Id", "ID"}} {
		l := NewLayout("Image")
		for _, name := range order {
			l.Met(name)
		}
		if l.Met("IMAGE") != 0 || l.Met("image") != 0 {
			t.Errorf("%v: a name that is asked for has a slot of its own in other letters", order)
		}
		for _, name := range []string{"ID", "Id"} {
			if s := l.Met(name); l.Name(s) != name {
				t.Errorf("%v: %s is called %s", order, name, l.Name(s))
			}
			if s, ok := l.Find(name); !ok || l.Name(s) != name {
				t.Errorf("%v: %s is not found", order, name)
			}
		}
		if _, ok := l.Find("iD"); !ok {
			t.Errorf("%v: a name is not found in other letters", order)
		}
	}
}
