package insight

import "net/netip"

// Block is a block of addresses that an organisation calls its own (11).
type Block struct {
	CIDR       netip.Prefix
	Label      string
	Internal   bool
	Suppresses bool // signals on its addresses
}

// Blocks finds the most specific block of an address.
type Blocks struct {
	by   map[netip.Prefix]*Block
	bits [2][]int // lengths that occur, longest first: of IPv4, of IPv6
}

// NewBlocks is for blocks; of two of one range the later counts.
func NewBlocks(list []*Block) Blocks {
	b := Blocks{by: map[netip.Prefix]*Block{}}
	var has [2][129]bool
	for _, x := range list {
		p := x.CIDR.Masked()
		b.by[p] = x
		has[family(p.Addr())][p.Bits()] = true
	}
	for f := range has {
		for n := 128; n >= 0; n-- {
			if has[f][n] {
				b.bits[f] = append(b.bits[f], n)
			}
		}
	}
	return b
}

func family(ip netip.Addr) int {
	if ip.Is4() {
		return 0
	}
	return 1
}

// Find is the most specific block that holds the address, or nil.
func (b Blocks) Find(ip netip.Addr) *Block {
	ip = ip.Unmap().WithZone("")
	for _, n := range b.bits[family(ip)] {
		if p, err := ip.Prefix(n); err == nil {
			if x := b.by[p]; x != nil {
				return x
			}
		}
	}
	return nil
}

// Of is the block of an entity that is an address, or nil.
func (b Blocks) Of(e Entity) *Block {
	if e.Type != "_ip" || len(b.by) == 0 {
		return nil
	}
	ip, err := netip.ParseAddr(e.Value)
	if err != nil {
		return nil
	}
	return b.Find(ip)
}

// Any says whether there is a block at all.
func (b Blocks) Any() bool { return len(b.by) > 0 }
