package rtnetlink

import "golang.org/x/sys/unix"

// Rule chooses the table in which a route is looked up (struct fib_rule_hdr and FRA_*): what of it
// RouteTo does not answer for.
type Rule struct {
	Priority   uint32
	Mark, Mask uint32 // the firewall mark it selects by, and the bits of it that count; 0, 0: none
	Protocol   uint8  // IPPROTO_* it selects by; 0: any
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

func parseRule(b []byte) (r Rule, err error) {
	if len(b) < fibRuleHeader {
		return r, malformed("fib_rule_hdr", b)
	}
	err = eachAttribute(b[fibRuleHeader:], func(kind uint16, value []byte) {
		switch kind {
		case unix.FRA_PRIORITY:
			r.Priority = uint32Of(value)
		case unix.FRA_FWMARK:
			r.Mark = uint32Of(value)
		case unix.FRA_FWMASK:
			r.Mask = uint32Of(value)
		case unix.FRA_IP_PROTO:
			r.Protocol = uint8Of(value)
		}
	})
	return r, err
}
