package scale

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

const (
	legitimateWindow = 16
	legitimateGap    = time.Millisecond
	fuzzSize         = 400 // bytes of the legitimate session's packets
	// queueRoom is how many packets a socket's queue has room for; hostile peers wait when a
	// quarter of it is used, for what a full socket loses is nobody's fault.
	queueRoom = 1 << 16
	// hostileUser is a user who has a password and means ill; eve has none. The victim is real, and
	// its session may end.
	hostileUser, victimUser = "mallory", "victim"
)

// nextPeer gives a hostile peer its random numbers, its number in the seed's sequence, and an
// address of its own: what one address may cost a server is bounded, and is not what is asked here.
func (f *fuzzRound) nextPeer() (d packetGen, number uint64, from netip.Addr) {
	number = atomic.AddUint64(&f.peerNumber, 1)
	d = newPacketGen(f.cfg.Seed, number)
	return d, number, netip.AddrFrom4([4]byte{127, 96 + byte(d.IntN(64)), byte(d.Uint32()), byte(1 + d.IntN(254))})
}

// runHostileClients has one hostile client after another call the server.
func (f *fuzzRound) runHostileClients(ctx context.Context) {
	for ctx.Err() == nil {
		d, _, from := f.nextPeer()
		socket, err := f.bed.network.Listen(from)
		if err != nil {
			continue // another has this address
		}
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: from.AsSlice()}, Timeout: callTimeout}
		tcp, err := dialer.DialContext(context.WithoutCancel(ctx), "tcp4", f.bed.address)
		if err != nil {
			socket.Close()
			f.fault("the server does not answer: %v", err)
			return
		}
		m := f.newHostilePeer(d, tcp, socket, serverOuter)
		user, password := oneOf(d, hostileUser, hostileUser, hostileUser, "eve"), f.bed.password
		if d.oneIn(8) {
			password = "wrong"
		}
		if !d.oneIn(4) {
			m.machine = control.NewPNS(control.PNSConfig{CallID: func() uint16 { return uint16(d.Uint32()) }})
		}
		m.maybeQuiet()
		m.openLink = func(send func([]byte), event func(ppp.Event)) (*ppp.Link, error) {
			return ppp.New(ppp.Config{
				User: user, Password: password, RequestDNS: d.oneIn(2), IPv6: d.oneIn(2), RestartTimer: 50 * time.Millisecond,
				HeaderCompression: d.oneIn(2), EchoInterval: 100 * time.Millisecond, Rand: randomSource{d}, Send: send, Event: event,
			})
		}
		f.hostileClientCount.Add(1)
		m.run(ctx)
	}
}

// newHostilePeer makes a hostile peer.
func (f *fuzzRound) newHostilePeer(d packetGen, tcp net.Conn, socket gre.Conn, to netip.Addr) *hostilePeer {
	f.counts.connections.Add(1)
	return &hostilePeer{
		packetGen: d, counts: &f.counts, tcp: tcp, gre: socket, to: to, waitForRoom: f.waitForRoom, seq: oneOf(d, 0, 1, d.Uint32(), ^uint32(3)),
		duration: time.Duration(20+d.IntN(oneOf(d, 300, 1000, 3000))) * time.Millisecond, tamperOneIn: oneOf(d, 6, 40, 1000, 1000),
	}
}

// randomSource is a source of random bytes that follow from the seed.
type randomSource struct{ packetGen }

func (r randomSource) Read(b []byte) (int, error) { return copy(b, r.bytes(len(b))), nil }

// hostileOuter and dupedOuter are where hostile servers listen, and where the clients call from
// that they are to catch.
var (
	hostileOuter = netip.AddrFrom4([4]byte{127, 40, 0, 1})
	clientOuter  = netip.AddrFrom4([4]byte{127, 40, 0, 2})
	victimOuter  = netip.AddrFrom4([4]byte{127, 40, 0, 3})
)

// clientEndTimeout is how long a client may take to end whose server has hung up.
const clientEndTimeout = time.Minute

// runHostileServers has real clients call hostile servers, one after the other.
func (f *fuzzRound) runHostileServers(ctx context.Context) {
	listener, err := net.Listen("tcp4", netip.AddrPortFrom(hostileOuter, 0).String())
	if err != nil {
		f.fault("%v", err)
		return
	}
	defer listener.Close()
	for ctx.Err() == nil {
		d, number, _ := f.nextPeer()
		socket, err := f.bed.network.Listen(hostileOuter)
		if err != nil {
			f.fault("%v", err)
			return
		}
		dev := newClientDevice(4, fuzzSize)
		client, err := tunnel.NewClient(f.clientConfig(clientOuter, listener.Addr().String(), "alice", dev, nil))
		if err != nil {
			f.fault("%v", err)
			return
		}
		calling, hangUp := context.WithCancel(context.WithoutCancel(ctx))
		ended := make(chan error, 1)
		go func() { ended <- client.Run(calling) }()
		tcp, err := listener.Accept()
		if err != nil {
			f.fault("%v", err)
			hangUp()
			return
		}
		m := f.newHostilePeer(d, tcp, socket, clientOuter)
		m.openLink = func(send func([]byte), event func(ppp.Event)) (*ppp.Link, error) {
			return ppp.New(ppp.Config{
				Server: true, RestartTimer: 50 * time.Millisecond, IPv6: d.oneIn(2), Rand: randomSource{d}, Send: send, Event: event,
				Lookup: func(string) (ppp.Account, bool) {
					return ppp.Account{Password: f.bed.password}, true
				},
				Assign: func(string) (local, remote netip.Addr, err error) {
					return netip.AddrFrom4([4]byte{10, 200, 0, 1}), netip.AddrFrom4([4]byte{10, 200, 0, byte(2 + d.IntN(250))}), nil
				},
			})
		}
		if !d.oneIn(5) {
			m.machine = control.NewPAC(control.PACConfig{})
		}
		f.hostileServerCount.Add(1)
		m.maybeQuiet()
		m.run(ctx)
		// A client that is alone, without --reconnect, ends by itself or when it is told.
		if d.oneIn(2) {
			hangUp()
		}
		select {
		case <-ended:
		case <-time.After(clientEndTimeout):
			f.fault("life %d: the client of a hostile server does not end within %v", number, clientEndTimeout)
		}
		hangUp()
		_ = dev.Close()
	}
}

// clientConfig is a real client at an address.
func (f *fuzzRound) clientConfig(outer netip.Addr, server, user string, dev *clientDevice, up func()) tunnel.ClientConfig {
	return tunnel.ClientConfig{
		Options: tunnel.Options{Log: f.cfg.Log, IPv6: true, Trace: f.bed.trace}, Server: server, User: user, Password: f.bed.password, RequestDNS: true,
		Bring: func(_ context.Context, n tunnel.Network) (netdev.Device, error) {
			if n.Local.Is4() && n.Remote.Is4() {
				if err := dev.setAddresses(n.Local, n.Remote); err != nil {
					return nil, err
				}
				dev.start(1)
			}
			return dev, nil
		},
		Changed: func(is bool, _ tunnel.Network) {
			if is && up != nil {
				up()
			}
		},
		Dial: func(ctx context.Context, address string) (net.Conn, error) {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: outer.AsSlice()}}
			return d.DialContext(ctx, "tcp4", address)
		},
		ListenGRE: func(local, _ netip.Addr) (gre.Conn, error) { return f.bed.network.Listen(local) },
	}
}
