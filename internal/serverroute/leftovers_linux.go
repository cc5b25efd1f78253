package serverroute

import (
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/claim"
	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// A host route outlives the process that made it if that is killed, and with the old gateway in it
// keeps the next one from the server. So its metric names the process, as the number of a table
// does that rules have looked up (internal/claim).

// isHostRouteOfOurs reports whether a process of this program has made a route as the path to its
// server.
func isHostRouteOfOurs(r *rtnetlink.Route) bool {
	return r.Protocol == Protocol && claim.Is(r.Priority) && r.Dst.Bits() == 32 && r.Type == unix.RTN_UNICAST
}

// sweep takes away what processes have left that are no more: policy rules, host routes, routes
// that refuse, and the routes and addresses of a TUN device that outlives its process (ip tuntap),
// which swallow what goes there.
func (f *Follower) sweep() error {
	errs := []error{f.sweepRules()}
	var t table
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		routes, err := f.kernel.Routes(family, func(r *rtnetlink.Route) bool { return r.Protocol == Protocol })
		if err != nil && !errors.Is(err, rtnetlink.ErrInterrupted) && family == unix.AF_INET {
			errs = append(errs, fmt.Errorf("list the routes: %w", err)) // there are systems without IPv6
		}
		t = append(t, routes...)
	}
	for i := range t {
		r := &t[i]
		if !f.leftover(r) {
			continue
		}
		if err := ignoreGone(f.kernel.DeleteRoute(*r)); err != nil {
			errs = append(errs, fmt.Errorf("%v: %w", r, err))
			continue
		}
		f.log.Info("removed a route that a killed run has left", "to", r.Dst, "gateway", r.Gateway)
	}
	return errors.Join(append(errs, f.sweepAddresses())...)
}

// Sweep does what Open does for whoever follows no path: it takes away what runs that were killed
// have left in the network namespace of the calling thread.
func Sweep(log *slog.Logger) error {
	kernel, err := rtnetlink.Open()
	if err != nil {
		return err
	}
	defer kernel.Close()
	f := &Follower{log: log, kernel: kernel, claim: new(claim.Claim)}
	return f.sweep()
}

func (f *Follower) sweepAddresses() error {
	addresses, err := f.kernel.Addresses(unix.AF_UNSPEC)
	if err != nil {
		return fmt.Errorf("list the addresses: %w", err)
	}
	var errs []error
	for _, a := range addresses {
		if a.Protocol != Protocol {
			continue
		}
		link, err := f.kernel.LinkByIndex(a.Link)
		if err != nil || !deserted(link) {
			continue
		}
		if err := ignoreGone(f.kernel.DeleteAddress(a)); err != nil {
			errs = append(errs, fmt.Errorf("%v on %s: %w", a.Local, link.Name, err))
			continue
		}
		f.log.Info("removed an address that a killed run has left", "address", a.Local.Addr(), "device", link.Name)
	}
	return errors.Join(errs...)
}

// leftover reports whether the process is no more that made a route with our mark.
func (f *Follower) leftover(r *rtnetlink.Route) bool {
	if isHostRouteOfOurs(r) || r.Type == unix.RTN_THROW && claim.Is(r.Priority) {
		return r.Priority != f.claim.Number && !claim.Held(r.Priority)
	}
	link, err := f.kernel.LinkByIndex(r.Link)
	return err == nil && deserted(link)
}

// deserted reports whether an interface is a TUN device that no process has: it carries as long as
// one does. Of one that is down nobody can tell.
func deserted(l rtnetlink.Link) bool {
	return l.Kind == "tun" && l.Up() && l.Flags&unix.IFF_LOWER_UP == 0
}
