package siem

// Values are the values that an attribute must have one of if x holds; it is not ok where
// x does not tell.
func Values(x Node, attribute string) (values []string, ok bool) {
	switch x := x.(type) {
	case *And:
		if values, ok = Values(x.X, attribute); ok {
			return values, true
		}
		return Values(x.Y, attribute)
	case *Or:
		a, ok := Values(x.X, attribute)
		b, ok2 := Values(x.Y, attribute)
		return append(a, b...), ok && ok2
	case *Compare:
		n, ok := x.X.(*Name)
		t, ok2 := x.Y.(*Literal)
		if ok && ok2 && n.Name == attribute && t.Kind == Text && (x.Op == "=" || x.Op == "==") {
			return []string{t.Text}, true
		}
	case *In:
		n, ok := x.X.(*Name)
		if !ok || n.Name != attribute || x.Not {
			break
		}
		for _, y := range x.List {
			t, ok := y.(*Literal)
			if !ok || t.Kind != Text {
				return nil, false
			}
			values = append(values, t.Text)
		}
		return values, true
	}
	return nil, false
}
