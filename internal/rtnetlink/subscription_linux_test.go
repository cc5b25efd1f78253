package rtnetlink_test

import (
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// listener is a subscription and what it hears, in words.
type listener struct {
	*rtnetlink.Subscription
	heard chan string
	ended chan error
}

// listen subscribes in the test's namespace. With hold, it hears nothing until hold is closed.
func listen(t *testing.T, hold <-chan struct{}) *listener {
	t.Helper()
	s, err := rtnetlink.Subscribe(unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_NEIGH)
	require.NoError(t, err)
	l := &listener{s, make(chan string, 100_000), make(chan error, 1)}
	go func() {
		if hold != nil {
			<-hold
		}
		l.ended <- s.Listen(func(n rtnetlink.Notification) {
			switch n.Type {
			case unix.RTM_NEWLINK, unix.RTM_DELLINK:
				link, err := n.Link()
				l.heard <- fmt.Sprintln(n.Type, link.Name, err)
			case unix.RTM_NEWADDR, unix.RTM_DELADDR:
				a, err := n.Address()
				l.heard <- fmt.Sprintln(n.Type, a.Local, err)
			case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
				r, err := n.Route()
				l.heard <- fmt.Sprintln(n.Type, r.Dst, r.Gateway, err)
			case unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
				neighbour, err := n.Neighbour()
				l.heard <- fmt.Sprintln(n.Type, neighbour.Address, neighbour.HardwareAddress, err)
			}
		}, func(err error) { l.heard <- fmt.Sprintln("lost", err) })
	}()
	t.Cleanup(s.Close)
	return l
}

// until waits for something to be heard.
func (l *listener) until(t *testing.T, want ...any) (before []string) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		select {
		case got := <-l.heard:
			if got == fmt.Sprintln(want...) {
				return before
			}
			before = append(before, got)
		case <-limit:
			require.FailNow(t, "not heard", "%v; but %v", want, before)
		}
	}
}

func TestSubscription(t *testing.T) {
	c := surroundings(t)
	l := listen(t, nil)
	w, err := c.LinkByName("w")
	require.NoError(t, err)
	p := netip.MustParsePrefix
	address := rtnetlink.Address{Link: w.Index, Local: p("10.1.0.1/24")}
	require.NoError(t, c.AddAddress(address))
	l.until(t, unix.RTM_NEWADDR, "10.1.0.1/24", nil)
	require.NoError(t, c.DeleteAddress(address))
	l.until(t, unix.RTM_DELADDR, "10.1.0.1/24", nil)
	route := rtnetlink.Route{Dst: p("10.1.0.0/16"), Gateway: netip.MustParseAddr("192.0.2.1")}
	require.NoError(t, c.AddRoute(route))
	l.until(t, unix.RTM_NEWROUTE, "10.1.0.0/16", "192.0.2.1", nil)
	require.NoError(t, c.DeleteRoute(route))
	l.until(t, unix.RTM_DELROUTE, "10.1.0.0/16", "192.0.2.1", nil)
	require.NoError(t, c.SetMTU(w.Index, 1300))
	l.until(t, unix.RTM_NEWLINK, "w", nil)
	ip(t, "ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev w nud permanent")
	l.until(t, unix.RTM_NEWNEIGH, "192.0.2.1", "02:00:00:00:00:01", nil)
	ip(t, "ip link del w")
	l.until(t, unix.RTM_DELLINK, "w", nil)
	l.Close()
	require.ErrorIs(t, <-l.ended, os.ErrClosed)
}

// TestLostNotifications: more than the socket holds is said to be lost, and what comes afterwards
// is heard.
func TestLostNotifications(t *testing.T) {
	labtest.Enter(t)
	c := open(t)
	require.NoError(t, c.SetUp(1))
	hold := make(chan struct{})
	l := listen(t, hold)
	for i := range 3000 {
		dst := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
		require.NoError(t, c.AddRoute(rtnetlink.Route{Dst: dst, Link: 1, Scope: unix.RT_SCOPE_LINK}))
	}
	close(hold)
	l.until(t, "lost", unix.ENOBUFS)
	later := rtnetlink.Route{Dst: netip.MustParsePrefix("172.16.0.0/12"), Link: 1, Scope: unix.RT_SCOPE_LINK}
	require.Eventually(t, func() bool {
		// It may be lost, too, as long as the socket is full.
		if err := c.AddRoute(later); err != nil || c.DeleteRoute(later) != nil {
			return false
		}
		for {
			select {
			case got := <-l.heard:
				if got == fmt.Sprintln(unix.RTM_NEWROUTE, "172.16.0.0/12", "invalid IP", nil) {
					return true
				}
			default:
				return false
			}
		}
	}, 30*time.Second, time.Millisecond)

	routes, err := c.Routes(unix.AF_INET, func(r *rtnetlink.Route) bool { return r.Table == unix.RT_TABLE_MAIN })
	require.NoError(t, err)
	require.Len(t, routes, 3000, "a list of many datagrams")
}

// TestOtherProgramsAreNotBelieved: what comes from another process is no news and no answer.
func TestOtherProgramsAreNotBelieved(t *testing.T) {
	labtest.Enter(t)
	c := open(t)
	l := listen(t, nil)
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	require.NoError(t, err)
	defer unix.Close(fd)
	forged := rtnetlink.ForgedLink("forged")
	require.NoError(t, unix.Sendto(fd, forged, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: l.Port()}))
	require.NoError(t, unix.Sendto(fd, forged, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: c.Port()}))
	require.NoError(t, c.SetMTU(1, 1400))
	require.NotContains(t, l.until(t, unix.RTM_NEWLINK, "lo", nil), fmt.Sprintln(unix.RTM_NEWLINK, "forged", nil))
	links, err := c.Links()
	require.NoError(t, err)
	require.Len(t, links, 1)
	require.Equal(t, "lo", links[0].Name)
}
