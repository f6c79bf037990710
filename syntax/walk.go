package syntax

// Walk calls fn for a node and all nodes in it, each before those it holds, in
// the order they were written. When fn returns false the nodes inside are left
// out. Nodes that a mistake left empty are not visited; comments neither: they
// are in Query.Comments.
func Walk(n Node, fn func(Node) bool) {
	if n == nil || !fn(n) {
		return
	}
	switch n := n.(type) {
	case *Query:
		walkIf(n.Search, fn)
		for _, s := range n.Stages {
			Walk(s, fn)
		}
	case *And:
		for _, x := range n.List {
			walkIf(x, fn)
		}
	case *Or:
		for _, x := range n.List {
			walkIf(x, fn)
		}
	case *Not:
		walkIf(n.X, fn)
	case *Group:
		walkIf(n.X, fn)
	case *FieldTerm:
		walkTo(n.Field, fn)
		for _, v := range n.Values {
			walkTo(v, fn)
		}
	case *Subquery:
		walkTo(n.Query, fn)
		for _, f := range n.Compose {
			walkTo(f, fn)
		}
	case *Stage:
		walkStage(n, fn)
	case *Clause:
		walkArgs(n.Args, fn)
	case *Agg:
		walkTo(n.Func, fn)
		for _, x := range n.Args {
			walkIf(x, fn)
		}
		walkTo(n.As, fn)
	case *Named:
		walkIf(n.X, fn)
		walkTo(n.As, fn)
	case *SortKey:
		walkTo(n.Field, fn)
	case *Unary:
		walkIf(n.X, fn)
	case *Binary:
		walkIf(n.X, fn)
		walkIf(n.Y, fn)
	case *Matches:
		walkIf(n.X, fn)
		walkIf(n.Pattern, fn)
	case *In:
		walkIf(n.X, fn)
		for _, x := range n.List {
			walkIf(x, fn)
		}
	case *Cond:
		walkIf(n.C, fn)
		walkIf(n.T, fn)
		walkIf(n.F, fn)
	case *Call:
		walkTo(n.Func, fn)
		for _, x := range n.Args {
			walkIf(x, fn)
		}
	case *Paren:
		walkIf(n.X, fn)
	}
}

func walkStage(s *Stage, fn func(Node) bool) {
	switch s.Kind {
	case Grouping:
		for _, a := range s.Aggs {
			walkTo(a, fn)
		}
		for _, b := range s.By {
			walkTo(b, fn)
		}
	case Assigning:
		if s.Eval {
			walkTo(s.As, fn)
			walkIf(s.X, fn)
			return
		}
		walkIf(s.X, fn)
		walkTo(s.As, fn)
	default:
		walkTo(s.Op, fn)
		walkArgs(s.Args, fn)
	}
}

func walkArgs(args []Arg, fn func(Node) bool) {
	for _, a := range args {
		walkIf(a.Value, fn)
	}
}

// walkTo is Walk of a pointer that may be nil.
func walkTo[T any, P interface {
	*T
	Node
}](n P, fn func(Node) bool) {
	if n != nil {
		Walk(n, fn)
	}
}

// walkIf is Walk of an interface that may be nil.
func walkIf[N Node](n N, fn func(Node) bool) {
	if any(n) != nil {
		Walk(n, fn)
	}
}
