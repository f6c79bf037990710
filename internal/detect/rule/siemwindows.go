package rule

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem"
)

// SIEM lowers a Cloud SIEM expression to a condition on Windows events: its
// attributes are what the mapper of the event makes of the event's fields
// (mapping.Records). The condition is nil when the list has errors; attributes
// that no mapping fills are null, and get a warning.
func (sc *Scope) SIEM(x *siem.Expression) (expr.Expr, diag.List) {
	return LowerSIEM(x, &windowsAttributes{sc})
}

// windowsAttributes computes attributes of the fields of Windows events.
type windowsAttributes struct{ sc *Scope }

// attributeHelp says what to do about an attribute that nothing fills.
func attributeHelp(name string) string {
	known := map[string]bool{"metadata_vendor": true, "metadata_product": true, "metadata_deviceEventId": true}
	for _, r := range mapping.Records() {
		for a := range r.From {
			known[a] = true
		}
		for a := range r.Const {
			known[a] = true
		}
	}
	list := slices.Sorted(maps.Keys(known))
	for _, a := range list {
		if strings.EqualFold(a, name) {
			return "did you mean " + a + "? Letter case counts"
		}
	}
	if near := diag.Nearest(name, list); near != "" {
		return "did you mean " + near + "?"
	}
	return "raw fields are read as fields['EventData.NAME']"
}

func (w *windowsAttributes) Attribute(name string) (expr.Expr, *diag.Diagnostic) {
	if problem := AttributeProblem(name); problem != nil {
		return nil, problem
	}
	x, known := w.attribute(name)
	if !known {
		return x, &diag.Diagnostic{Severity: diag.Warning, Code: "unmapped-attribute", Message: fmt.Sprintf("no Windows mapping that gyoji has fills %s: it is null", name), Help: attributeHelp(name)}
	}
	return &expr.Once{X: x}, nil
}

func (w *windowsAttributes) attribute(name string) (out expr.Expr, known bool) {
	channel := &expr.Field{Slot: w.sc.channel, Name: "Channel"}
	provider := &expr.Field{Slot: w.sc.provider, Name: "Provider"}
	id := &expr.Field{Slot: w.sc.id, Name: "EventID"}
	windows := func(value string) expr.Expr {
		return &expr.If{Cond: &expr.And{X: &expr.IsNull{X: channel}, Y: &expr.IsNull{X: provider}}, Then: &expr.Const{}, Else: &expr.Const{Value: event.Text(value)}}
	}
	switch name {
	case "metadata_deviceEventId":
		return siemCall(name, func(args []event.Value) event.Value {
			where := args[0].Str()
			if args[0].IsNull() {
				where = mapping.ChannelOf(args[1].Str())
			}
			if where == "" || args[2].IsNull() {
				return event.Value{}
			}
			return event.Text(where + "-" + args[2].Str())
		}, channel, provider, id), true
	case "metadata_vendor":
		return windows("Microsoft"), true
	case "metadata_product":
		return windows("Windows"), true
	}
	// The mapping of each channel and event id in turn, the default last.
	records := mapping.Records()
	for i := len(records) - 1; i >= 0; i-- {
		r := &records[i]
		value := expr.Expr(&expr.Const{})
		if c, ok := r.Const[name]; ok {
			value, known = &expr.Const{Value: event.Text(c)}, true
		} else if from := r.From[name]; from != nil {
			value, known = w.first(name, from, r.Skip), true
		}
		if r.IDs == nil {
			out = value
			continue
		}
		if c, ok := value.(*expr.Const); ok && c.Value.IsNull() && sameNull(out) {
			continue
		}
		var ids []expr.Expr
		for _, n := range r.IDs {
			ids = append(ids, w.sc.same(w.sc.id, n))
		}
		where := expr.Expr(w.sc.same(w.sc.channel, r.Channel))
		if p := mapping.ProviderOf(r.Channel); p != "" {
			where = &expr.Or{X: where, Y: &expr.And{X: &expr.IsNull{X: channel}, Y: w.sc.same(w.sc.provider, p)}}
		}
		out = &expr.If{Cond: &expr.And{X: where, Y: or(ids)}, Then: value, Else: out}
	}
	return out, known
}

func sameNull(x expr.Expr) bool {
	c, ok := x.(*expr.Const)
	return ok && c.Value.IsNull()
}

// first is the first of some fields that is present, not empty and not skipped.
func (w *windowsAttributes) first(name string, from, skip []string) expr.Expr {
	var of []expr.Expr
	for _, f := range from {
		of = append(of, w.key(f))
	}
	integer := mapping.Integer(name)
	return siemCall(name, func(args []event.Value) event.Value {
		for _, v := range args {
			s := v.Str()
			if v.IsNull() || s == "" || slices.Contains(skip, s) {
				continue
			}
			if !integer {
				return event.Text(s)
			}
			n, ok := event.ParseNumber(s)
			if !ok {
				return event.Value{}
			}
			return event.Int(int64(n))
		}
		return event.Value{}
	}, of...)
}

// key is a key of the event; MD5 and its like are cut out of Hashes.
func (w *windowsAttributes) key(name string) expr.Expr {
	field := func(n string) *expr.Field { return &expr.Field{Slot: w.sc.Layout.Slot(n), Name: n} }
	switch name {
	case "MD5", "SHA1", "SHA256", "IMPHASH":
		return siemCall(name, func(args []event.Value) event.Value {
			if v, ok := mapping.CutDigest(args[0].Str(), name); ok {
				return event.Text(v)
			}
			return event.Value{}
		}, field("Hashes"))
	}
	return field(name)
}

// Raw is a key of fields; its value is text, numbers stay as they are written
// (section 2.4).
func (w *windowsAttributes) Raw(key string) expr.Expr {
	name := key
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		switch name {
		case "Provider.Name", "System.Provider.Name":
			name = "Provider"
		case "Execution.ProcessID":
			name = "ExecutionProcessID"
		case "Execution.ThreadID":
			name = "ThreadID"
		default:
			name = name[i+1:]
		}
	}
	return siemCall("fields", func(args []event.Value) event.Value {
		if args[0].IsNull() {
			return args[0]
		}
		return event.Text(args[0].Str())
	}, w.key(name))
}
