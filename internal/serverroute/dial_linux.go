package serverroute

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Dial opens a TCP connection to HOST:PORT around the tunnel, and follows the path to the address
// that it has reached. Of a name's addresses each is tried, one second after the last, and the
// first to answer is taken; when the name cannot be looked up, those that worked last are.
func (f *Follower) Dial(ctx context.Context, address string) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port %q: %w", portText, err)
	}
	servers, err := f.lookUp(ctx, host)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	known := slices.Contains(servers, f.server)
	f.mu.Unlock()
	if !known {
		_ = f.aim(servers[0]) // so that who waits hears of its path
	}
	conn, server, err := f.race(ctx, servers, uint16(port))
	if err != nil {
		return nil, err
	}
	if err := f.aim(server); err != nil {
		f.log.Debug("the way has gone as soon as the server was reached", "server", server, "error", err)
	}
	return f.reached(host, server, conn), nil
}

// reached notes what has worked, and has the connection leave by the path from now on.
func (f *Follower) reached(host string, server netip.Addr, conn *net.TCPConn) net.Conn {
	local, _ := netip.AddrFromSlice(conn.LocalAddr().(*net.TCPAddr).IP)
	f.mu.Lock()
	f.worked[host] = append([]netip.Addr{server}, slices.DeleteFunc(f.worked[host], func(a netip.Addr) bool { return a == server })...)
	if len(f.worked[host]) > 4 {
		f.worked[host] = f.worked[host][:4]
	}
	if f.source, f.strayed = (netip.Addr{}), (time.Time{}); local.Unmap() == f.path.source {
		f.source = f.path.source
	}
	f.mu.Unlock()
	release := f.Carry(server, func(ifindex int) error { return bindConn(conn, ifindex) })
	return &carriedConn{TCPConn: conn, release: release}
}

// carriedConn is a connection that leaves by the path until it is closed.
type carriedConn struct {
	*net.TCPConn
	release func()
}

func (c *carriedConn) Close() error {
	c.release()
	return c.TCPConn.Close()
}

// stagger is the time between the first attempts at two addresses (RFC 8305 has 250 ms; a PPTP
// server logs each knock).
const stagger = time.Second

// attempt is the outcome of one.
type attempt struct {
	conn   *net.TCPConn
	server netip.Addr
	err    error
}

// race connects to the first of several addresses that answers.
func (f *Follower) race(ctx context.Context, servers []netip.Addr, port uint16) (*net.TCPConn, netip.Addr, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	outcomes := make(chan attempt, len(servers))
	started, pending := 0, 0
	start := func() {
		server := servers[started]
		started++
		pending++
		go func() {
			conn, err := f.connect(ctx, "tcp4", netip.AddrPortFrom(server, port))
			if err != nil {
				outcomes <- attempt{server: server, err: err}
				return
			}
			outcomes <- attempt{conn: conn.(*net.TCPConn), server: server}
		}()
	}
	start()
	next := time.NewTicker(stagger)
	defer next.Stop()
	var errs []error
	for pending > 0 {
		select {
		case a := <-outcomes:
			pending--
			if a.err == nil {
				cancel()
				go discard(outcomes, pending)
				return a.conn, a.server, nil
			}
			errs = append(errs, a.err)
			if started < len(servers) {
				start()
				next.Reset(stagger)
			}
		case <-next.C:
			if started < len(servers) {
				start()
			}
		}
	}
	if len(errs) == 1 {
		return nil, netip.Addr{}, errs[0]
	}
	return nil, netip.Addr{}, errors.Join(errs...)
}

// discard closes what came too late.
func discard(outcomes <-chan attempt, pending int) {
	for range pending {
		if a := <-outcomes; a.conn != nil {
			a.conn.Close()
		}
	}
}

// connect opens a connection that leaves by the path to its other end.
func (f *Follower) connect(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	device, err := f.deviceTo(to.Addr())
	if err != nil {
		return nil, fmt.Errorf("no way to %v: %w", to.Addr(), err)
	}
	d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed, unmarked error
		err := raw.Control(func(fd uintptr) {
			if device != "" {
				failed = unix.BindToDevice(int(fd), device)
			}
			if f.mark != 0 {
				unmarked = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, int(f.mark))
			}
		})
		if failed != nil {
			// Before Linux 5.7 it takes CAP_NET_RAW. The host route is left, and what checks the
			// device.
			f.log.Debug("a socket is not bound to its interface", "device", device, "error", failed)
		}
		if unmarked != nil {
			return fmt.Errorf("marking a socket with %#x: %w", f.mark, unmarked)
		}
		return err
	}}
	return d.DialContext(ctx, network, to.String())
}

// deviceTo names the interface that leads to an address around the tunnel; empty: this machine has
// it, or it is IPv6, which the tunnel has no routes for.
func (f *Follower) deviceTo(addr netip.Addr) (string, error) {
	addr = addr.Unmap()
	if addr.IsLoopback() {
		return "", nil
	}
	if !addr.Is4() {
		return f.bind, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.ask(addr)
	if err == nil && r.Table == unix.RT_TABLE_LOCAL {
		return "", nil
	}
	links, missing := f.mayLeave()
	if missing != nil {
		return "", missing
	}
	if err == nil && (!links.has(r.Link) || f.isElsesDefault(r)) || err != nil && (f.device != 0 || f.bind != "") {
		t, listErr := f.list()
		if listErr != nil {
			return "", listErr
		}
		if r = t.best(addr, links); r == nil {
			r, err = f.byInterface(addr, links)
		} else {
			err = nil
		}
	}
	if err != nil {
		return "", err
	}
	link, err := f.kernel.LinkByIndex(r.Link)
	if err != nil {
		return "", err
	}
	return link.Name, nil
}

// bindConn has a TCP connection leave by an interface; 0: by the routes alone.
func bindConn(conn *net.TCPConn, ifindex int) error {
	name := ""
	if ifindex != 0 {
		i, err := net.InterfaceByIndex(ifindex)
		if err != nil {
			return err
		}
		name = i.Name
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.BindToDevice(int(fd), name) })
	return errors.Join(err, failed)
}
