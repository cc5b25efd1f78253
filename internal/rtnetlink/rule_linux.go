package rtnetlink

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// Rule chooses the table in which a route is looked up (struct fib_rule_hdr and FRA_*): what of it
// RouteTo does not answer for, and what the rules of this program are made of.
type Rule struct {
	Priority   uint32       // smaller ones come first; each rule that is added needs one
	Invert     bool         // it selects what the rest does not ("not" in the words of ip-rule(8))
	To         netip.Prefix // destinations it selects; invalid: all
	Mark, Mask uint32       // the firewall mark it selects by, and the bits of it that count; 0, 0: none
	Protocol   uint8        // IPPROTO_* it selects by; 0: any
	Table      uint32       // where routes are looked up
	// NoDefault says that a default route of the table does not count (suppress_prefixlength 0).
	NoDefault bool
	By        uint8 // RTPROT_*: who has made it; 0 before Linux 4.17
}

const fibRuleHeader = 12 // bytes of struct fib_rule_hdr, linux/fib_rules.h

// Rules lists those of a family (unix.AF_INET, AF_INET6).
func (c *Conn) Rules(family uint8) ([]Rule, error) {
	fixed := make([]byte, fibRuleHeader)
	fixed[0] = family
	return list(&c.socket, newRequest(unix.RTM_GETRULE, unix.NLM_F_DUMP, fixed), unix.RTM_NEWRULE, func(b []byte) (Rule, bool, error) {
		if len(b) > 0 && b[0] != family {
			return Rule{}, false, nil
		}
		r, err := parseRule(b)
		return r, true, err
	})
}

// AddRule adds one of a family; an error that is unix.EEXIST: it is there, unix.EOPNOTSUPP or
// unix.EAFNOSUPPORT: this kernel has no rules.
func (c *Conn) AddRule(family uint8, r Rule) error {
	return c.socket.do(r.request(family, unix.RTM_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_EXCL))
}

// DeleteRule removes one; an error that is unix.ENOENT: there is none.
func (c *Conn) DeleteRule(family uint8, r Rule) error {
	return c.socket.do(r.request(family, unix.RTM_DELRULE, 0))
}

func (r Rule) request(family uint8, kind, flags uint16) request {
	fixed := make([]byte, fibRuleHeader)
	fixed[0], fixed[4], fixed[7] = family, tableByte(r.Table), unix.FR_ACT_TO_TBL
	if r.To.IsValid() {
		fixed[1] = uint8(r.To.Bits())
	}
	if r.Invert {
		order.PutUint32(fixed[8:], unix.FIB_RULE_INVERT)
	}
	m := newRequest(kind, flags, fixed)
	if r.To.IsValid() {
		m.address(unix.FRA_DST, r.To.Addr())
	}
	m.uint32(unix.FRA_PRIORITY, r.Priority)
	m.uint32(unix.FRA_TABLE, r.Table)
	if r.Mark != 0 || r.Mask != 0 {
		m.uint32(unix.FRA_FWMARK, r.Mark)
		m.uint32(unix.FRA_FWMASK, r.Mask)
	}
	if r.Protocol != 0 {
		m.bytes(unix.FRA_IP_PROTO, []byte{r.Protocol})
	}
	if r.NoDefault {
		m.uint32(unix.FRA_SUPPRESS_PREFIXLEN, 0)
	}
	if r.By != 0 {
		m.bytes(unix.FRA_PROTOCOL, []byte{r.By})
	}
	return m
}

func parseRule(b []byte) (r Rule, err error) {
	if len(b) < fibRuleHeader {
		return r, malformed("fib_rule_hdr", b)
	}
	r = Rule{Table: uint32(b[4]), Invert: order.Uint32(b[8:])&unix.FIB_RULE_INVERT != 0}
	var to []byte
	err = eachAttribute(b[fibRuleHeader:], func(kind uint16, value []byte) {
		switch kind {
		case unix.FRA_DST:
			to = value
		case unix.FRA_PRIORITY:
			r.Priority = uint32Of(value)
		case unix.FRA_FWMARK:
			r.Mark = uint32Of(value)
		case unix.FRA_FWMASK:
			r.Mask = uint32Of(value)
		case unix.FRA_IP_PROTO:
			r.Protocol = uint8Of(value)
		case unix.FRA_TABLE:
			r.Table = uint32Of(value)
		case unix.FRA_SUPPRESS_PREFIXLEN:
			r.NoDefault = len(value) == 4 && uint32Of(value) == 0
		case unix.FRA_PROTOCOL:
			r.By = uint8Of(value)
		}
	})
	if to != nil {
		r.To, _ = prefixOf(b[0], to, b[1])
	}
	return r, err
}
