package netdev

import (
	"net/netip"
	"slices"
)

// plannedRoute is one that Apply makes.
type plannedRoute struct {
	dst   netip.Prefix
	table uint32
	throw bool // it does not lead into the device: what it takes in is looked up in the next table
}

var (
	all4 = netip.MustParsePrefix("0.0.0.0/0")
	all6 = netip.MustParsePrefix("::/0")
	// halves cover a family without being its default route.
	halves4 = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/1"), netip.MustParsePrefix("128.0.0.0/1")}
	halves6 = []netip.Prefix{netip.MustParsePrefix("::/1"), netip.MustParsePrefix("8000::/1")}
)

// everything is what of the families the tunnel takes in whole: their default routes.
func (s Settings) everything() (all []netip.Prefix) {
	if s.DefaultRoute {
		all = append(all, all4)
	}
	if slices.Contains(s.Routes, all6) {
		all = append(all, all6)
	}
	return all
}

// Everything reports whether the tunnel takes in all IPv4, or all IPv6.
func (s Settings) Everything() bool { return len(s.everything()) > 0 }

// narrow are the other routes.
func (s Settings) narrow() []netip.Prefix {
	return slices.DeleteFunc(slices.Clone(s.Routes), func(p netip.Prefix) bool { return p == all6 })
}

// wantsRules reports whether a default route goes to a table of its own, where that can be had.
func (s Settings) wantsRules() bool { return s.Table == TableAuto && s.Everything() }

// plan is all routes, each once, narrow ones as given before those that take everything. own is the
// table that policy rules have looked up; 0: there are no rules. standing is what else the main
// table has.
//
// An excluded network is left out of the routes of the main table by dividing those: so nobody has
// to know where it is reached, which may change. A table that is looked up before the main one says
// that it goes on there (throw in ip-route(8)).
func (s Settings) plan(own uint32, standing []netip.Prefix) (all []plannedRoute) {
	add := func(table uint32, throw bool, list ...netip.Prefix) {
		for _, p := range list {
			if r := (plannedRoute{p, table, throw}); !slices.Contains(all, r) {
				all = append(all, r)
			}
		}
	}
	switch {
	case s.Table == TableOff:
	case s.Table > 0 && s.Table != TableMain:
		add(uint32(s.Table), true, s.Excluded...)
		add(uint32(s.Table), false, append(s.narrow(), s.everything()...)...)
	default:
		add(uint32(TableMain), false, without(s.narrow(), s.Excluded, standing)...)
		switch {
		case own != 0:
			if s.Everything() {
				add(own, true, s.Excluded...)
			}
			add(own, false, s.everything()...)
		default:
			add(uint32(TableMain), false, without(s.halves(), s.Excluded, standing)...)
		}
	}
	return all
}

func (s Settings) halves() (all []netip.Prefix) {
	for _, p := range s.everything() {
		if p == all4 {
			all = append(all, halves4...)
		} else {
			all = append(all, halves6...)
		}
	}
	return all
}

// inMain are the networks that the plan leads into the device by the main table.
func inMain(plan []plannedRoute) (all []netip.Prefix) {
	for _, r := range plan {
		if r.table == uint32(TableMain) && !r.throw {
			all = append(all, r.dst)
		}
	}
	return all
}

// without divides networks until they have nothing in common with others. A part is narrower than
// the whole: where it lies in a network that stands and had come before the whole, it is left out.
func without(networks, others, standing []netip.Prefix) (all []netip.Prefix) {
	for _, whole := range networks {
		for _, part := range withoutEach(whole, others) {
			before := func(p netip.Prefix) bool {
				return p.Bits() > whole.Bits() && p.Bits() <= part.Bits() && p.Contains(part.Addr())
			}
			if !slices.ContainsFunc(standing, before) {
				all = append(all, part)
			}
		}
	}
	return all
}

func withoutEach(p netip.Prefix, others []netip.Prefix) []netip.Prefix {
	inside := slices.DeleteFunc(slices.Clone(others), func(o netip.Prefix) bool { return !o.Overlaps(p) })
	switch {
	case len(inside) == 0:
		return []netip.Prefix{p}
	case slices.ContainsFunc(inside, func(o netip.Prefix) bool { return o.Bits() <= p.Bits() }):
		return nil
	}
	low, high := split(p)
	return append(withoutEach(low, inside), withoutEach(high, inside)...)
}

// split gives the two halves of a network of more than one address.
func split(p netip.Prefix) (low, high netip.Prefix) {
	bytes := p.Addr().AsSlice()
	bytes[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	upper, _ := netip.AddrFromSlice(bytes)
	return netip.PrefixFrom(p.Addr(), p.Bits()+1), netip.PrefixFrom(upper, p.Bits()+1)
}
