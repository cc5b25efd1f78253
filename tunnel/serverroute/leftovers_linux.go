package serverroute

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A host route outlives the process that made it if that is killed, and with the old gateway in it keeps the next one from
// the server. So its metric names the process: it is one of firstMetric on, taken at random, and as long as the process
// lives it has a unix socket of that name in the abstract namespace (unix(7)). That is one of the network namespace, as
// routes are; it needs no file, and the kernel closes it with the process.
const (
	firstMetric = 164_000_000
	metrics     = 1_000_000
)

// claim is the right to a metric.
type claim struct {
	metric int
	socket *net.UnixListener
}

func claimName(metric int) string { return "@arc4/serverroute/" + strconv.Itoa(metric) }

func openClaim() (*claim, error) {
	for {
		metric := firstMetric + rand.IntN(metrics)
		socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: claimName(metric), Net: "unix"})
		if err == nil {
			return &claim{metric, socket}, nil
		}
		if !errors.Is(err, unix.EADDRINUSE) {
			return nil, fmt.Errorf("a unix socket that shows which routes are ours: %w", err)
		}
	}
}

func (c *claim) close() { _ = c.socket.Close() }

// claimed reports whether a process lives that made routes with a metric: one of root's or of this user's, for anybody can
// have a socket of that name.
func claimed(metric int) bool {
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: claimName(metric), Net: "unix"})
	if err != nil {
		// Refused: there is none. Anything else, such as a full queue, says nothing of the sort.
		return !errors.Is(err, unix.ECONNREFUSED)
	}
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return true
	}
	ours := true
	_ = raw.Control(func(fd uintptr) {
		if peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			ours = peer.Uid == 0 || int(peer.Uid) == os.Geteuid()
		}
	})
	return ours
}

// isHostRouteOfOurs reports whether a process of this program has made a route as the way to its server.
func isHostRouteOfOurs(r *netlink.Route) bool {
	return r.Protocol == Protocol && r.Priority >= firstMetric && r.Priority < firstMetric+metrics && r.Dst != nil && bits(r) == 32
}

// sweep takes away what processes have left that are no more.
func (f *Follower) sweep() error {
	t, err := f.list()
	if err != nil {
		return err
	}
	var errs []error
	for i := range t {
		r := &t[i]
		if !isHostRouteOfOurs(r) || r.Priority == f.claim.metric || claimed(r.Priority) {
			continue
		}
		if err := ignoreGone(f.handle.RouteDel(r)); err != nil {
			errs = append(errs, fmt.Errorf("%v: %w", r, err))
			continue
		}
		f.log.Info("removed the host route that a killed run has left", "to", r.Dst, "gateway", r.Gw)
	}
	return errors.Join(errs...)
}
