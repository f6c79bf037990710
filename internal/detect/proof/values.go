package proof

import (
	"net/netip"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// hints are texts that a predicate is about: with luck one of them meets it.
func hints(x expr.Expr) (out []string) {
	add := func(vs ...string) {
		for _, v := range vs {
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	digest, length := false, false
	expr.Walk(x, func(y expr.Expr) bool {
		switch y := y.(type) {
		case *expr.Call:
			digest, length = digest || y.Name == "digest", length || strings.EqualFold(y.Name, "length")
		case *expr.Glob:
			parts := y.Glob.Literals()
			add(strings.Join(parts, ""))
			add(strings.Join(parts, "zz"), "zz"+strings.Join(parts, "zz"), strings.Join(parts, "zz")+"zz", "zz"+strings.Join(parts, "zz")+"zz")
		case *expr.Regexp:
			add(samples(y.Re.String())...)
			add(y.Re.Literals()...)
		case *expr.Const:
			add(about(y.Value)...)
		}
		if r, ok := y.(expr.Requirer); ok {
			if _, w := r.Required(); w != nil {
				add(w.Any...)
			}
		}
		return true
	})
	if length {
		for _, v := range slices.Clone(out) {
			if n, err := strconv.Atoi(v); err == nil && n >= 0 && n <= lengthMax {
				add(strings.Repeat("z", n))
			}
		}
	}
	if digest { // within a list of them
		for _, v := range slices.Clone(out) {
			for _, name := range []string{"MD5=", "SHA1=", "SHA256=", "IMPHASH="} {
				add(name + v)
			}
		}
	}
	return out
}

// lengthMax is how long a text is made at most for a condition on how long it is.
const lengthMax = 4096

// about are texts at a constant.
func about(v event.Value) []string {
	if v.IsNull() {
		return nil
	}
	s := v.String()
	if s == "" {
		return []string{""}
	}
	out := []string{s}
	if p, err := netip.ParsePrefix(s); err == nil {
		return append(out[:0], p.Masked().Addr().String(), last(p).String(), p.Masked().Addr().Prev().String(), last(p).Next().String())
	}
	if n, ok := event.ParseNumber(s); ok {
		for _, m := range []float64{n + 1, n - 1, n + 0.5} {
			out = append(out, strconv.FormatFloat(m, 'f', -1, 64))
		}
	}
	return out
}

// last is the last address of a network.
func last(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// near are values next to one: longer or shorter by one, of other letter case,
// with something before the last name of a path, with the other slash.
func near(v string) []string {
	r := []rune(v)
	out := []string{strings.ToUpper(v), strings.ToLower(v), v + "x", "x" + v, v + " ", v + "\n"}
	if len(r) > 0 {
		out = append(out, string(r[1:]), string(r[:len(r)-1]), string(r[:len(r)/2])+"x"+string(r[len(r)/2:]))
		flip := slices.Clone(r)
		for i := len(flip) - 1; i >= 0; i-- {
			if unicode.IsLetter(flip[i]) {
				if unicode.IsUpper(flip[i]) {
					flip[i] = unicode.ToLower(flip[i])
				} else {
					flip[i] = unicode.ToUpper(flip[i])
				}
				out = append(out, string(flip))
				break
			}
		}
	}
	if i := strings.LastIndexAny(v, `\/`); i >= 0 {
		out = append(out, v[:i+1]+"not"+v[i+1:], v[i+1:])
	} else {
		out = append(out, "not"+v, `C:\Windows\`+v)
	}
	if strings.Contains(v, `\`) {
		out = append(out, strings.ReplaceAll(v, `\`, "/"), strings.ReplaceAll(v, `\`, `\\`))
	}
	if strings.ContainsAny(v, "*?") {
		out = append(out, strings.NewReplacer("*", "x", "?", "x").Replace(v))
	}
	return out
}

// samples are short texts that a regular expression finds, one for each way
// through its alternatives, as far as samplesMax goes.
func samples(pattern string) []string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	return texts(re)
}

func texts(re *syntax.Regexp) []string {
	join := func(a, b []string) (out []string) {
		if len(a) == 0 || len(b) == 0 {
			return nil
		}
		for i := range max(len(a), len(b)) {
			out = append(out, a[i%len(a)]+b[i%len(b)])
		}
		if len(out) > samplesMax {
			out = out[:samplesMax]
		}
		return out
	}
	switch re.Op {
	case syntax.OpLiteral:
		return []string{string(re.Rune)}
	case syntax.OpCharClass:
		return class(re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return []string{"z"}
	case syntax.OpCapture:
		return texts(re.Sub[0])
	case syntax.OpStar, syntax.OpQuest:
		return append([]string{""}, texts(re.Sub[0])...)
	case syntax.OpPlus:
		return texts(re.Sub[0])
	case syntax.OpRepeat:
		out, one := []string{""}, texts(re.Sub[0])
		for range re.Min {
			out = join(out, one)
		}
		return out
	case syntax.OpConcat:
		out := []string{""}
		for _, s := range re.Sub {
			out = join(out, texts(s))
		}
		return out
	case syntax.OpAlternate:
		var out []string
		for _, s := range re.Sub {
			if t := texts(s); len(t) > 0 && len(out) < samplesMax {
				out = append(out, t[0])
			}
		}
		return out
	case syntax.OpNoMatch:
		return nil
	case syntax.OpWordBoundary:
		return []string{"", " "}
	}
	return []string{""}
}

// class is a plain character of a class, and its first.
func class(ranges []rune) []string {
	in := func(c rune) bool {
		for i := 0; i+1 < len(ranges); i += 2 {
			if c >= ranges[i] && c <= ranges[i+1] {
				return true
			}
		}
		return false
	}
	for _, c := range `za0 \/` {
		if in(c) {
			return []string{string(c)}
		}
	}
	if len(ranges) == 0 {
		return nil
	}
	return []string{string(ranges[0])}
}
