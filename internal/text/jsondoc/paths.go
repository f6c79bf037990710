package jsondoc

// Paths evaluates several paths over one text in a single pass, as far as the
// paths start with keys and indexes. It is one goroutine's.
type Paths struct {
	paths []*Path
	s     Scanner
	root  node
	out   []Value
}

// NewPaths makes the evaluation of several paths.
func NewPaths(paths []*Path) *Paths {
	p := &Paths{paths: paths, out: make([]Value, len(paths))}
	p.s.size(len(paths))
	top := &wanted{}
	for i, path := range paths {
		w := top
		for _, step := range path.way {
			into, key := &w.child, step.key
			if step.index >= 0 {
				into, key = &w.array, string(appendIndex(nil, step.index))
			}
			if *into == nil {
				*into = &level{words: map[string]*wanted{}, nodes: map[string]*node{}, exact: true}
			}
			w = (*into).word(key)
			w.spell(key)
		}
		w.targets = append(w.targets, spelled{target: target{i, 0}})
	}
	p.root = node{child: top.child, array: top.array, word: top}
	for _, t := range top.targets {
		p.root.targets = append(p.root.targets, t.target)
	}
	return p
}

// Eval follows the paths into a JSON text and returns the value of each, Missing
// where a path leads nowhere; each is what its own Eval would give. The values
// point into text and are good until the next Eval. The error says that the text
// is not JSON, and is a *SyntaxError.
func (p *Paths) Eval(text []byte) ([]Value, error) {
	clear(p.out)
	p.s.reset(text)
	s := &p.s
	s.i = blank(text, 0)
	if s.i >= len(text) {
		return p.out, fail(s.i, endOfText)
	}
	exact := level{exact: true}
	if err := s.value(&exact, &p.root, 0, -1); err != nil {
		return p.out, err
	}
	if s.i = blank(text, s.i); s.i < len(text) {
		return p.out, fail(s.i, textAfter)
	}
	var w *walk
	for i, path := range p.paths {
		v := s.vals[i]
		if v.Kind != Missing && len(path.steps) > 0 {
			if w == nil {
				w = newWalk(text)
			}
			*w = walk{pathValuesMax, pathBytesMax + findWork*len(text)}
			v, _ = path.rest(w, v)
		}
		p.out[i] = v
	}
	return p.out, nil
}
