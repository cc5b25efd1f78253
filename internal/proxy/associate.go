package proxy

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/socks5"
)

const (
	// longestDatagram is the longest that an association takes, in bytes, with its header: all that
	// UDP has room for.
	longestDatagram = 1 << 16
	// mostPeers is how many addresses an association hears from: those that it has sent to last.
	mostPeers = 1024
	// mostNames is how many names an association knows the addresses of, and mostAsked how many are
	// looked up at once for it.
	mostNames, mostAsked = 128, 8
)

// association is a client's relay of datagrams (RFC 1928 section 7). It lives as long as the
// connection that it was asked for on.
type association struct {
	server *Server
	on     *listener
	local  net.PacketConn // the client's side
	ctx    context.Context
	cancel context.CancelFunc
	host   netip.Addr // the client's
	asking atomic.Int32

	mu     sync.Mutex
	client netip.AddrPort            // not valid: it has sent nothing yet, and has not said from where
	peers  map[netip.Addr]struct{}   // that may send to the client
	names  map[string]netip.Addr     // that the client has sent to
	far    map[string]net.PacketConn // the tunnel's side, by network: udp4, udp6
	over   sync.WaitGroup
}

// associate relays datagrams until the client's connection ends.
func (s *Server) associate(c *conn, r *bufio.Reader, from socks5.Address) {
	defer s.relaying.Add(-1)
	if int(s.relaying.Add(1)) > s.limits.Associations {
		c.on.full.Add(1)
		s.reply(c, socks5.GeneralFailure)
		return
	}
	a := &association{
		server: s, on: c.on, peers: make(map[netip.Addr]struct{}), names: make(map[string]netip.Addr), far: make(map[string]net.PacketConn),
	}
	a.ctx, a.cancel = context.WithCancel(s.ctx)
	defer a.cancel()
	here, err1 := netip.ParseAddrPort(c.LocalAddr().String())
	there, err2 := netip.ParseAddrPort(c.RemoteAddr().String())
	if err1 != nil || err2 != nil {
		s.reply(c, socks5.GeneralFailure)
		return
	}
	// Where the tunnel is down, the client hears it now, and not by silence.
	if err := a.open("udp4"); err != nil {
		s.failed(c, "udp", err)
		reply, _ := reason(err)
		s.reply(c, reply)
		return
	}
	defer a.end()
	a.host = there.Addr().Unmap()
	if from.Port != 0 {
		a.client = netip.AddrPortFrom(a.host, from.Port)
	}
	var err error
	if a.local, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(here.Addr().Unmap(), 0))); err != nil {
		s.complain.say("a proxy has no socket for datagrams", "error", err)
		s.reply(c, socks5.GeneralFailure)
		return
	}
	bound := a.local.LocalAddr().(*net.UDPAddr).AddrPort()
	_ = c.SetWriteDeadline(time.Now().Add(s.limits.Handshake))
	if _, err := c.Write(socks5.AppendReply(nil, socks5.Succeeded, bound)); err != nil {
		return
	}
	a.over.Go(a.out)
	go func() { // the client ends it, or the tunnel's side does
		defer a.cancel()
		_, _ = io.Copy(io.Discard, r)
	}()
	<-a.ctx.Done()
}

// end closes everything and waits for who uses it.
func (a *association) end() {
	a.cancel()
	if a.local != nil {
		a.local.Close()
	}
	a.mu.Lock()
	for _, c := range a.far {
		c.Close()
	}
	a.mu.Unlock()
	a.over.Wait()
}

// open makes the tunnel's side for IPv4 or IPv6, unless it is there.
func (a *association) open(network string) error {
	a.mu.Lock()
	_, there := a.far[network]
	a.mu.Unlock()
	if there {
		return nil
	}
	ctx, cancel := context.WithTimeout(a.ctx, a.server.limits.Dial)
	defer cancel()
	far, err := a.server.network.ListenPacket(ctx, network, ":0")
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx.Err() != nil {
		far.Close()
		return a.ctx.Err()
	}
	a.far[network] = far
	a.over.Go(func() { a.in(far) })
	return nil
}

// out takes datagrams of the client, and of nobody else.
func (a *association) out() {
	defer a.cancel()
	buf := make([]byte, longestDatagram)
	for {
		n, from, err := a.local.ReadFrom(buf)
		if err != nil {
			return
		}
		if !a.isClient(from.(*net.UDPAddr).AddrPort()) {
			a.on.dropped.Add(1)
			continue
		}
		d, err := socks5.ParseDatagram(buf[:n])
		if err != nil {
			a.on.dropped.Add(1)
			continue
		}
		if ip := d.Address.IP; ip.IsValid() {
			a.send(ip, d.Address.Port, d.Data)
			continue
		}
		a.sendTo(d)
	}
}

// isClient reports whether a datagram comes from the client: from its address, and from the port
// that it has named, or else from the one that it came from first.
func (a *association) isClient(from netip.AddrPort) bool {
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.client.IsValid() && from.Addr() == a.host {
		a.client = from
	}
	return from == a.client
}

// sendTo sends a datagram to a name, whose address is looked up first.
func (a *association) sendTo(d socks5.Datagram) {
	a.mu.Lock()
	ip, known := a.names[d.Address.Name]
	a.mu.Unlock()
	if known {
		a.send(ip, d.Address.Port, d.Data)
		return
	}
	if a.asking.Add(1) > mostAsked {
		a.asking.Add(-1)
		a.on.dropped.Add(1)
		return
	}
	d.Data = append([]byte(nil), d.Data...)
	a.over.Go(func() {
		defer a.asking.Add(-1)
		ctx, cancel := context.WithTimeout(a.ctx, a.server.limits.Dial)
		defer cancel()
		found, err := a.server.network.LookupNetIP(ctx, "ip", d.Address.Name)
		if err != nil {
			a.on.dropped.Add(1)
			return
		}
		a.mu.Lock()
		if len(a.names) >= mostNames {
			clear(a.names)
		}
		a.names[d.Address.Name] = found[0]
		a.mu.Unlock()
		a.send(found[0], d.Address.Port, d.Data)
	})
}

// send sends through the tunnel.
func (a *association) send(to netip.Addr, port uint16, data []byte) {
	network := "udp4"
	if to.Is6() {
		network = "udp6"
	}
	if err := a.open(network); err != nil {
		a.on.dropped.Add(1)
		return
	}
	a.mu.Lock()
	far := a.far[network]
	if _, known := a.peers[to]; !known {
		if len(a.peers) >= mostPeers {
			for old := range a.peers {
				delete(a.peers, old)
				break
			}
		}
		a.peers[to] = struct{}{}
	}
	a.mu.Unlock()
	if _, err := far.WriteTo(data, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, port))); err != nil {
		a.on.dropped.Add(1)
		return
	}
	a.on.out.Add(uint64(len(data)))
}

// in takes what comes through the tunnel, from whom the client has sent to.
func (a *association) in(far net.PacketConn) {
	defer a.cancel() // the tunnel has another address: the client has to ask anew
	buf := make([]byte, longestDatagram)
	for {
		n, from, err := far.ReadFrom(buf)
		if err != nil {
			return
		}
		peer := from.(*net.UDPAddr).AddrPort()
		peer = netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
		a.mu.Lock()
		_, asked := a.peers[peer.Addr()]
		client := a.client
		a.mu.Unlock()
		if !asked || !client.IsValid() {
			a.on.dropped.Add(1)
			continue
		}
		packet := append(socks5.AppendDatagramHeader(nil, peer), buf[:n]...)
		if _, err := a.local.WriteTo(packet, net.UDPAddrFromAddrPort(client)); err != nil {
			a.on.dropped.Add(1)
			continue
		}
		a.on.in.Add(uint64(n))
	}
}
