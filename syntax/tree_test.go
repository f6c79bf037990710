package syntax_test

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
)

var words = query.Standard()

func parse(src string) (*syntax.Query, diag.List) {
	return syntax.Parse(diag.Text("query", src), words)
}

// tree is a tree as text without what printing may change: places, and the
// spelling of operators and keywords. Comments are in it by their text.
func tree(n syntax.Node) string {
	var b strings.Builder
	dump(&b, reflect.ValueOf(n))
	return b.String()
}

func dump(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		dump(b, v.Elem())
	case reflect.Slice:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(' ')
			}
			dump(b, v.Index(i))
		}
		b.WriteByte(']')
	case reflect.Struct:
		t := v.Type()
		b.WriteString(t.Name() + "{")
		for i := range v.NumField() {
			f := t.Field(i)
			switch {
			case f.Type == reflect.TypeOf(diag.Span{}), f.Type == reflect.TypeOf(&diag.File{}), !f.IsExported():
				continue
			case f.Name == "Written":
				continue
			case v.Field(i).IsZero():
				continue
			}
			b.WriteString(f.Name + ":")
			if t == reflect.TypeOf(syntax.Name{}) {
				b.WriteString(strings.ToLower(v.Field(i).String()))
			} else {
				dump(b, v.Field(i))
			}
			b.WriteByte(' ')
		}
		b.WriteByte('}')
	default:
		fmt.Fprintf(b, "%#v", v.Interface())
	}
}

// settled checks that printing a query keeps its tree and settles at once. It
// returns what is wrong, or "".
func settled(src string) string {
	q, l := parse(src)
	if syntax.Filled(l).HasErrors() {
		return ""
	}
	once := syntax.Print(q)
	q2, l2 := parse(once)
	if syntax.Filled(l2).HasErrors() {
		return fmt.Sprintf("printed text does not parse\n--- source\n%s\n--- printed\n%s\n--- findings\n%s", src, once, l2)
	}
	if a, b := tree(q), tree(q2); a != b {
		i := 0
		for i < len(a) && i < len(b) && a[i] == b[i] {
			i++
		}
		i = max(0, i-60)
		return fmt.Sprintf("printing changes the tree\n--- source\n%s\n--- printed\n%s\n--- before ...%.200s\n--- after  ...%.200s", src, once, a[i:], b[min(i, len(b)):])
	}
	if twice := syntax.Print(q2); twice != once {
		return fmt.Sprintf("not settled\n--- once\n%s\n--- twice\n%s", once, twice)
	}
	portable := syntax.PrintPortable(q)
	if _, l := parse(portable); syntax.Filled(l).HasErrors() || strings.Contains(l.String(), "nonportable-eval") {
		return fmt.Sprintf("portable text is not portable\n--- source\n%s\n--- printed\n%s\n--- findings\n%s", src, portable, l)
	}
	short := syntax.PrintShort(q)
	bare := func(q *syntax.Query) string {
		syntax.Walk(q, func(n syntax.Node) bool {
			if q, ok := n.(*syntax.Query); ok {
				q.Comments = nil
			}
			return true
		})
		return tree(q)
	}
	// A stage that cannot be read is kept as text, in which nobody knows what is a comment.
	if q3, l := parse(short); !strings.Contains(tree(q), "Bad:true") && (syntax.Filled(l).HasErrors() || bare(q) != bare(q3)) {
		return fmt.Sprintf("the short form is another query\n--- source\n%s\n--- short\n%s\n--- findings\n%s", src, short, l)
	}
	return ""
}
