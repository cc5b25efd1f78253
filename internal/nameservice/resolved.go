//go:build linux && !nodns

package nameservice

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/resolvconf"
)

const (
	resolvedName    = "org.freedesktop.resolve1"
	resolvedPath    = dbus.ObjectPath("/org/freedesktop/resolve1")
	resolvedManager = resolvedName + ".Manager"

	// answerTime bounds one answer of D-Bus; the first may start systemd-resolved.
	answerTime = 5 * time.Second
)

// resolved is systemd-resolved (org.freedesktop.resolve1(5)), which keeps servers for each link,
// and forgets them with it.
type resolved struct{ places places }

type linkAddress struct {
	Family  int32
	Address []byte
}

type linkDomain struct {
	Domain      string
	RoutingOnly bool
}

func (r *resolved) set(ctx context.Context, e entry) error {
	servers := make([]linkAddress, len(e.Servers))
	for i, a := range e.Servers {
		servers[i] = linkAddress{unix.AF_INET, a.AsSlice()}
		if a.Is6() {
			servers[i].Family = unix.AF_INET6
		}
	}
	domains := []linkDomain{}
	for _, d := range e.Domains {
		name, routing := strings.CutPrefix(d, "~")
		domains = append(domains, linkDomain{name, routing})
	}
	if len(domains) == 0 && e.Only {
		domains = append(domains, linkDomain{".", true})
	}
	return onManager(ctx, func(m manager) error {
		link := int32(e.Link)
		if err := m.call("SetLinkDNS", link, servers); err != nil {
			return err
		}
		if err := m.call("SetLinkDomains", link, domains); err != nil {
			return err
		}
		// Since systemd 240; before, the domains decide it.
		if err := m.call("SetLinkDefaultRoute", link, len(e.Domains) == 0); err != nil && !unknownMethod(err) {
			return err
		}
		// Nobody at the other end answers, and names would be told to it.
		if err := m.call("SetLinkLLMNR", link, "no"); err != nil {
			return err
		}
		if err := m.call("SetLinkMulticastDNS", link, "no"); err != nil {
			return err
		}
		return m.call("FlushCaches")
	})
}

func (r *resolved) unset(ctx context.Context, e entry) error {
	device, err := net.InterfaceByIndex(e.Link)
	if err != nil || device.Name != e.Device {
		return nil // it has gone with its servers
	}
	return onManager(ctx, func(m manager) error {
		if err := m.call("RevertLink", int32(e.Link)); err != nil {
			return err
		}
		return m.call("FlushCaches")
	})
}

func (r *resolved) intact() bool { return true }

// outside are the servers of all other links, and those of none.
func (r *resolved) outside(e entry) (all []netip.Addr) {
	var known []struct {
		Link    int32
		Family  int32
		Address []byte
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	err := onManager(ctx, func(m manager) error {
		v, err := m.GetProperty(resolvedManager + ".DNS")
		if err != nil {
			return err
		}
		return v.Store(&known)
	})
	if err != nil {
		for _, a := range resolvconf.Read(r.places.uplinks) {
			if !slices.Contains(e.Servers, a) {
				all = append(all, a)
			}
		}
		return all
	}
	for _, k := range known {
		a, ok := netip.AddrFromSlice(k.Address)
		if !ok || int(k.Link) == e.Link {
			continue
		}
		if a.IsLinkLocalUnicast() && a.Is6() {
			a = a.WithZone(strconv.Itoa(int(k.Link)))
		}
		all = append(all, a)
	}
	return all
}

// pingResolved says why systemd-resolved cannot be told, or nil.
func pingResolved(ctx context.Context) error {
	return onManager(ctx, func(m manager) error {
		if err := m.CallWithContext(m.ctx, "org.freedesktop.DBus.Peer.Ping", 0).Err; err != nil {
			return err
		}
		var pid uint32
		if err := m.bus.CallWithContext(m.ctx, "org.freedesktop.DBus.GetConnectionUnixProcessID", 0, resolvedName).Store(&pid); err != nil {
			return nil // it answers, whoever it is
		}
		theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
		if err != nil {
			return nil // not everybody may see that
		}
		if ours, err := os.Readlink("/proc/thread-self/ns/net"); err == nil && ours != theirs {
			return errors.New("it is in another network namespace, and knows other links")
		}
		return nil
	})
}

// manager is systemd-resolved's main object.
type manager struct {
	dbus.BusObject
	bus dbus.BusObject
	ctx context.Context
}

func (m manager) call(method string, args ...any) error {
	if err := m.CallWithContext(m.ctx, resolvedManager+"."+method, 0, args...).Err; err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return nil
}

func unknownMethod(err error) bool {
	var e dbus.Error
	return errors.As(err, &e) && e.Name == "org.freedesktop.DBus.Error.UnknownMethod"
}

// onManager calls f with a connection of its own: one call in hours is not worth keeping one.
func onManager(ctx context.Context, f func(manager) error) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	conn, err := dbus.ConnectSystemBus(dbus.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("the system's D-Bus: %w", err)
	}
	defer closeQuietly(conn)
	return f(manager{conn.Object(resolvedName, resolvedPath), conn.BusObject(), ctx})
}
