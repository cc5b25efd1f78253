package rtnetlink

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// XFRM asks the kernel about IPsec, as Conn does about routes.
type XFRM struct{ socket socket }

// OpenXFRM opens a connection; an error that is unix.EPROTONOSUPPORT: this kernel has no IPsec.
func OpenXFRM() (*XFRM, error) {
	x := new(XFRM)
	return x, x.socket.open(unix.NETLINK_XFRM)
}

// Close closes it.
func (x *XFRM) Close() { x.socket.close() }

// Policy says which packets IPsec wants (struct xfrm_userpolicy_info, linux/xfrm.h).
type Policy struct {
	Src, Dst  netip.Prefix
	Protocol  uint8 // IPPROTO_*; 0: any
	Direction uint8 // PolicyOut, or another
}

// PolicyOut is the Direction of what leaves (XFRM_POLICY_OUT).
const PolicyOut = 1

// The messages and structures of linux/xfrm.h that package unix does not have.
const (
	xfrmNewPolicy    = 0x13 // XFRM_MSG_NEWPOLICY
	xfrmGetPolicy    = 0x15
	xfrmPolicyID     = 64  // bytes of struct xfrm_userpolicy_id
	xfrmSelector     = 56  // of struct xfrm_selector
	xfrmDirection    = 160 // where it is in struct xfrm_userpolicy_info
	xfrmPolicyLength = 164 // of which, up to the last field
)

// Policies lists those of a family (unix.AF_INET, AF_INET6).
func (x *XFRM) Policies(family uint8) ([]Policy, error) {
	r := newRequest(xfrmGetPolicy, unix.NLM_F_DUMP, make([]byte, xfrmPolicyID))
	return list(&x.socket, r, xfrmNewPolicy, func(b []byte) (p Policy, wanted bool, err error) {
		if len(b) >= xfrmSelector && order.Uint16(b[40:]) != uint16(family) {
			return p, false, nil
		}
		p, err = parsePolicy(b)
		return p, true, err
	})
}

func parsePolicy(b []byte) (p Policy, err error) {
	if len(b) < xfrmPolicyLength {
		return p, malformed("xfrm_userpolicy_info", b)
	}
	family := uint8(order.Uint16(b[40:]))
	n := addressBits(family) / 8
	dst, ok := prefixOf(family, b[:n], b[42])
	src, also := prefixOf(family, b[16:16+n], b[43])
	if !ok || !also {
		return p, malformed("policy", b)
	}
	return Policy{Src: src, Dst: dst, Protocol: b[44], Direction: b[xfrmDirection]}, nil
}
