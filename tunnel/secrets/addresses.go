package secrets

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// rule is one word of the address column.
type rule struct {
	prefix netip.Prefix
	permit bool
}

// rules is an address column. The first rule that covers an address decides; an address that
// none covers is refused.
type rules []rule

var everywhere = netip.PrefixFrom(netip.IPv4Unspecified(), 0)

// parseRules reads the column. "-" and "*" end the list, as in pppd.
func parseRules(words []word) (rules, error) {
	var list rules
	for i, w := range words {
		switch w.text {
		case "-":
			return list, nil
		case "*":
			return append(list, rule{everywhere, true}), nil
		}
		r, err := parseRule(w, i+4)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// parseRule reads the word that stands at this column of its line, from 1.
func parseRule(w word, column int) (rule, error) {
	shown := show(w.text, column)
	text, negated := strings.CutPrefix(w.text, "!")
	host, length, isNetwork := strings.Cut(text, "/")
	addr, err := netip.ParseAddr(host)
	if err != nil || !addr.Is4() {
		return rule{}, &syntaxError{w.line, fmt.Sprintf("%s is not an IPv4 address", shown),
			"write 10.0.0.5, 10.0.0.0/24, !10.0.0.1, * for any or - for none; names are not looked up, and a secret with spaces needs quotes"}
	}
	bits := 32
	if isNetwork {
		if strings.HasSuffix(length, "+") {
			return rule{}, &syntaxError{w.line, fmt.Sprintf("%s depends on pppd's unit number, which does not exist here", shown),
				"write the one address, or the network without the +"}
		}
		bits, err = strconv.Atoi(length)
		if err != nil || bits < 1 || bits > 32 || length[0] == '+' {
			return rule{}, &syntaxError{w.line, fmt.Sprintf("%s has no prefix length of 1 to 32", shown),
				"write a network as 10.0.0.0/24, and * for any address"}
		}
	}
	prefix := netip.PrefixFrom(addr, bits).Masked() // pppd ignores the host part too
	return rule{prefix, !negated}, nil
}

// show names a word that should be an address. One that does not even look like it may well be
// the rest of a password that lacks its quotes, and is named by its place alone.
func show(text string, column int) string {
	if strings.Trim(text, "0123456789./!+") == "" && strings.Count(text, ".") == 3 {
		return strconv.Quote(text)
	}
	return fmt.Sprintf("word %d", column)
}

func (r rules) allowed(addr netip.Addr) bool {
	addr = addr.Unmap()
	if !addr.Is4() || neverAllowed(addr) {
		return false
	}
	for _, rule := range r {
		if rule.prefix.Contains(addr) {
			return rule.permit
		}
	}
	return false
}

// neverAllowed covers what no peer may have whatever the file says: loopback, multicast and
// the reserved class E, as in pppd; and 0.0.0.0, which is no address at all.
func neverAllowed(addr netip.Addr) bool {
	return addr.IsUnspecified() || addr.IsLoopback() || addr.As4()[0] >= 224
}

// fixed is the first single address that the list allows.
func (r rules) fixed() (netip.Addr, bool) {
	for _, rule := range r {
		if rule.permit && rule.prefix.Bits() == 32 && r.allowed(rule.prefix.Addr()) {
			return rule.prefix.Addr(), true
		}
	}
	return netip.Addr{}, false
}

// any reports whether some word permits anything.
func (r rules) any() bool {
	for _, rule := range r {
		if rule.permit {
			return true
		}
	}
	return false
}
