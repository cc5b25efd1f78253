package rtnetlink

import "golang.org/x/sys/unix"

// SavedRoute is a route with all that the kernel says of it, whether Route has that or not, as
// ip-route(8) saves it.
type SavedRoute struct{ body []byte }

// SaveRoutes keeps the routes of a family that are wanted, as Routes lists them, for RestoreRoute.
func (c *Conn) SaveRoutes(family uint8, wanted func(*Route) bool) ([]SavedRoute, error) {
	return list(&c.socket, routeDump(family), unix.RTM_NEWROUTE, func(b []byte) (SavedRoute, bool, error) {
		if !listed(b, family) {
			return SavedRoute{}, false, nil
		}
		r, err := parseRoute(b)
		if err != nil || !wanted(&r) {
			return SavedRoute{}, false, err
		}
		return SavedRoute{append([]byte(nil), b...)}, true, nil
	})
}

// What of linux/rtnetlink.h is needed here alone.
const (
	rtaNextHopID = 30  // RTA_NH_ID
	expires      = 8   // where rta_expires is in struct rta_cacheinfo
	ticks        = 100 // of which it counts so many a second (USER_HZ)
)

// RestoreRoute adds a route again, which expires after as long as it had left; an error that is
// unix.EEXIST: it is there.
func (c *Conn) RestoreRoute(s SavedRoute) error { return c.socket.do(s.request()) }

func (s SavedRoute) request() request {
	fixed := append([]byte(nil), s.body[:unix.SizeofRtMsg]...)
	order.PutUint32(fixed[8:], order.Uint32(fixed[8:])&unix.RTNH_F_ONLINK)
	r := newRequest(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, fixed)
	// It has been parsed before.
	_ = eachAttribute(s.body[unix.SizeofRtMsg:], func(kind uint16, value []byte) {
		switch kind {
		case unix.RTA_CACHEINFO:
			if left := uint32Of(value[min(expires, len(value)):]); int32(left) > 0 {
				r.uint32(unix.RTA_EXPIRES, max(1, left/ticks))
			}
		case rtaNextHopID: // the kernel has said what it stands for, and may have dropped it since
		default:
			r.bytes(kind, value)
		}
	})
	return r
}
