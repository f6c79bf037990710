package sigma

import "go.yaml.in/yaml/v3"

// collection is what a document says of those after it in its file.
type collection struct {
	global   *yaml.Node // to be added to every document
	previous *yaml.Node // what action: repeat starts from
}

// next takes the action of a document and returns what the document is with all
// that is added to it. ok is false for one that only speaks of others.
func (c *collection) next(p *parser, n *yaml.Node) (_ *yaml.Node, ok bool) {
	if n.Kind != yaml.MappingNode {
		return n, true
	}
	action := ""
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "action" {
			action = n.Content[i+1].Value
			rest := *n
			rest.Content = append(append([]*yaml.Node{}, n.Content[:i]...), n.Content[i+2:]...)
			n = &rest
			break
		}
	}
	switch action {
	case "":
		c.previous = n
		if c.global != nil {
			return merge(c.global, n, 0), true
		}
		return n, true
	case "global":
		if c.global == nil {
			c.global = n
		} else {
			c.global = merge(c.global, n, 0)
		}
	case "reset":
		c.global = nil
	case "repeat":
		if c.previous == nil {
			p.fail("bad-action", n, "there is no rule before this one to repeat")
			return nil, false
		}
		c.previous = merge(c.previous, n, 0)
		if c.global != nil {
			return merge(c.global, c.previous, 0), true
		}
		return c.previous, true
	default:
		p.fail("bad-action", n, "%q is no action: write global, repeat or reset", action)
	}
	return nil, false
}

// merge adds the keys of a map to another's, map by map; of other values the
// later one stays.
func merge(base, add *yaml.Node, depth int) *yaml.Node {
	if base.Kind != yaml.MappingNode || add.Kind != yaml.MappingNode || depth > depthMax {
		return add
	}
	out := *add
	out.Content = append([]*yaml.Node{}, base.Content...)
next:
	for i := 0; i+1 < len(add.Content); i += 2 {
		k, v := add.Content[i], add.Content[i+1]
		for j := 0; j+1 < len(out.Content); j += 2 {
			if out.Content[j].Value == k.Value {
				out.Content[j], out.Content[j+1] = k, merge(out.Content[j+1], v, depth+1)
				continue next
			}
		}
		out.Content = append(out.Content, k, v)
	}
	return &out
}
