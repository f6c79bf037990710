package insight

import (
	"net/netip"
	"strings"
)

// Group gives all entities that it holds a criticality, suppression or tags
// (9.6). It holds by inventory (Attribute) or by value (one of Block, Prefix and
// Suffix); a group of an inventory comes before one of values.
type Group struct {
	Name string
	Type string // of entities; "" is any

	Attribute, Value string // of the inventory
	Block            netip.Prefix
	Prefix, Suffix   string

	Criticality string
	Suppressed  bool
	Tags        []string

	// Inventory gives an attribute of an entity by its id; nil is an empty inventory.
	Inventory func(id, attribute string) string
}

func (g *Group) holds(e Entity) bool {
	if g.Type != "" && g.Type != e.Type {
		return false
	}
	switch {
	case g.Attribute != "":
		return g.Inventory != nil && g.Inventory(e.ID(), g.Attribute) == g.Value
	case g.Block.IsValid():
		ip, err := netip.ParseAddr(e.Value)
		return err == nil && g.Block.Contains(ip.Unmap().WithZone(""))
	case g.Prefix == "" && g.Suffix == "":
		return false
	}
	value, prefix, suffix := e.Value, g.Prefix, g.Suffix
	if folded[e.Type] {
		prefix, suffix = strings.ToLower(prefix), strings.ToLower(suffix)
	}
	return strings.HasPrefix(value, prefix) && strings.HasSuffix(value, suffix)
}

// before says whether g decides rather than h where both hold an entity.
func (g *Group) before(h *Group) bool {
	if a, b := g.Attribute != "", h.Attribute != ""; a != b {
		return a
	} else if a {
		return g.Name < h.Name
	}
	if a, b := g.Block.IsValid(), h.Block.IsValid(); a != b {
		return a
	} else if a && g.Block.Bits() != h.Block.Bits() {
		return g.Block.Bits() > h.Block.Bits()
	}
	if a, b := len(g.Prefix)+len(g.Suffix), len(h.Prefix)+len(h.Suffix); a != b {
		return a > b
	}
	return g.Name < h.Name
}

// group is the group that decides about e among those that are asked for, or nil.
func (c *Content) group(e Entity, asked func(*Group) bool) (best *Group) {
	for _, g := range c.Groups {
		if asked(g) && g.holds(e) && (best == nil || g.before(best)) {
			best = g
		}
	}
	return best
}

// Tags are the tags that groups give an entity, each once, in the groups' order.
func (c *Content) Tags(e Entity) (tags []string) {
	has := map[string]bool{}
	for _, g := range c.Groups {
		if len(g.Tags) == 0 || !g.holds(e) {
			continue
		}
		for _, t := range g.Tags {
			if !has[t] {
				has[t] = true
				tags = append(tags, t)
			}
		}
	}
	return tags
}
