package rule

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Attributes says what the names of a Cloud SIEM expression stand for.
type Attributes interface {
	// Attribute is an attribute of the record, and what is to be said of it: an
	// error if there is none of the name, a warning if it is null in every record.
	Attribute(name string) (expr.Expr, *diag.Diagnostic)
	// Raw is a key of the attribute fields.
	Raw(key string) expr.Expr
}

// RecordAttributes are the columns of records: an attribute has a column of its
// name, and a raw key one with record.RawPrefix. Columns that the layout does not
// have yet are added. Expressions that are lowered with the same Attributes share their
// predicates, which is for one goroutine at a time.
func RecordAttributes(l *event.Layout) Attributes {
	return &recordAttributes{l, map[string]expr.Expr{}}
}

type recordAttributes struct {
	layout *event.Layout
	shared map[string]expr.Expr // predicates by what they say
}

func (r *recordAttributes) field(name string) expr.Expr {
	return &expr.Field{Slot: r.layout.Exact(name), Name: name}
}

func (r *recordAttributes) Raw(key string) expr.Expr { return r.field(record.RawPrefix + key) }

func (r *recordAttributes) Attribute(name string) (expr.Expr, *diag.Diagnostic) {
	if problem := AttributeProblem(name); problem != nil {
		return nil, problem
	}
	return r.field(name), nil
}

var attributeNames = sync.OnceValue(func() []string { return slices.Sorted(maps.Keys(record.Schema())) })

// AttributeProblem says what is wrong with the name of an attribute, nil if the
// schema has it. A name in another letter case is null in the product, which is a
// warning; four published rules have one (section 4.11).
func AttributeProblem(name string) *diag.Diagnostic {
	if record.Schema()[name] != nil {
		return nil
	}
	for _, a := range attributeNames() {
		if strings.EqualFold(a, name) {
			return &diag.Diagnostic{Severity: diag.Warning, Code: "attribute-letter-case", Message: fmt.Sprintf("there is no attribute %s, so it is null: the name is %s", name, a), Help: "letter case counts in names of attributes: write " + a}
		}
	}
	help := "a raw key of the message is read as fields['NAME']; text stands in quotes"
	if near := diag.Nearest(name, attributeNames()); near != "" {
		help = "did you mean " + near + "?"
	}
	return &diag.Diagnostic{Severity: diag.Error, Code: "unknown-attribute", Message: fmt.Sprintf("records have no attribute %s", name), Help: help}
}
