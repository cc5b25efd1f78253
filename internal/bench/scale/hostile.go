package scale

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/internal/lab/memnet"
	"github.com/arc4tun/arc4tun/internal/trace"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

const (
	legitimateWindow = 16
	legitimateGap    = time.Millisecond
	fuzzSize         = 400 // bytes of the legitimate session's packets
	// queueRoom is how many packets a socket's queue has room for; hostile peers wait when a
	// quarter of it is used, for what a full socket loses is nobody's fault.
	queueRoom = 1 << 16
	// mallory is a user who has a password and means ill; eve has none. The victim is real, and may
	// fall.
	mallory, victimUser = "mallory", "victim"
)

// openArena starts the server and the legitimate client.
func (a *arena) openArena(ctx context.Context) error {
	cfg, err := Config{Sessions: 1, Bytes: fuzzSize, Log: a.cfg.Log}.withDefaults()
	if err != nil {
		return err
	}
	var wires *memnet.Network
	a.crowd, err = newCrowd(cfg, memnet.Options{Queue: queueRoom, Carry: func(from, to netip.Addr, packets [][]byte) {
		if to == serverOuter {
			a.arrived.Add(uint64(len(packets)))
		}
		wires.Arrive(from, to, packets...)
	}})
	if err != nil {
		return err
	}
	wires = a.crowd.network
	c := a.crowd
	c.dev.others = true
	c.places, c.settling, c.trace = 4096, a.cfg.lingering, trace.New(nil)
	for _, user := range []string{mallory, victimUser} {
		c.accounts[user] = tunnel.Account{Account: ppp.Account{Password: c.password}}
	}
	if err := c.open(ctx); err != nil {
		return err
	}
	g, err := newGuest(0, cfg, c.network, c.address, c.password, newClientDevice(c.cfg.deviceBatch(), fuzzSize))
	if err != nil {
		return err
	}
	g.dev.gap = legitimateGap
	c.guests = append(c.guests, g)
	_, err = c.setUp(ctx)
	return err
}

// watch reads the trace of all real ends, as somebody does who looks for what is wrong: nobody's
// password is in it, and nothing that does not print.
func (a *arena) watch(ctx context.Context) {
	tap := a.crowd.trace.Open(netip.Addr{})
	defer tap.Close()
	for ctx.Err() == nil {
		for _, l := range tap.Next(ctx) {
			a.traced.Add(1)
			if strings.Contains(l.Text, a.crowd.password) || strings.ContainsFunc(l.Text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				a.fault("the trace shows %q", l.Text)
			}
		}
	}
}

// sessionID tells a session from any other.
type sessionID struct {
	client, server     string
	clientUp, serverUp time.Time
}

// session is the legitimate one, as both ends know it.
func (a *arena) session() (id sessionID) {
	g := a.crowd.guests[0]
	for _, s := range g.client.Snapshot().Sessions {
		id.client, id.clientUp = s.ID+" "+s.State, s.Since
	}
	for _, s := range a.crowd.server.Snapshot().Sessions {
		if s.User == g.user {
			id.server, id.serverUp = s.ID+" "+s.State, s.Since
		}
	}
	return id
}

// room waits until the server's socket has some.
func (a *arena) room() {
	for a.arrived.Load() > (*a.crowd.socket.Load()).Stats().Received+queueRoom/4 {
		time.Sleep(time.Millisecond)
	}
}

// nextLife gives a life its chances, its number in the seed's sequence, and an address of its own:
// what one address may cost a server is bounded, and is not what is asked here.
func (a *arena) nextLife() (d dice, number uint64, from netip.Addr) {
	number = atomic.AddUint64(&a.life, 1)
	d = newDice(a.cfg.Seed, number)
	return d, number, netip.AddrFrom4([4]byte{127, 96 + byte(d.IntN(64)), byte(d.Uint32()), byte(1 + d.IntN(254))})
}

// hostileClients calls the server, life after life.
func (a *arena) hostileClients(ctx context.Context) {
	for ctx.Err() == nil {
		d, _, from := a.nextLife()
		socket, err := a.crowd.network.Listen(from)
		if err != nil {
			continue // another has this address
		}
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: from.AsSlice()}, Timeout: patience}
		tcp, err := dialer.DialContext(context.WithoutCancel(ctx), "tcp4", a.crowd.address)
		if err != nil {
			socket.Close()
			a.fault("the server does not answer: %v", err)
			return
		}
		m := a.mutant(d, tcp, socket, serverOuter)
		user, password := of(d, mallory, mallory, mallory, "eve"), a.crowd.password
		if d.one(8) {
			password = "wrong"
		}
		if !d.one(4) {
			m.machine = control.NewPNS(control.PNSConfig{CallID: func() uint16 { return uint16(d.Uint32()) }})
		}
		m.beMeek()
		m.open = func(send func([]byte), event func(ppp.Event)) (*ppp.Link, error) {
			return ppp.New(ppp.Config{
				User: user, Password: password, RequestDNS: d.one(2), IPv6: d.one(2), RestartTimer: 50 * time.Millisecond,
				HeaderCompression: d.one(2), EchoInterval: 100 * time.Millisecond, Rand: randomBytes{d}, Send: send, Event: event,
			})
		}
		a.lives.Add(1)
		m.run(ctx)
	}
}

// mutant makes a hostile peer.
func (a *arena) mutant(d dice, tcp net.Conn, socket gre.Conn, to netip.Addr) *mutant {
	a.tally.connections.Add(1)
	return &mutant{
		dice: d, tally: &a.tally, tcp: tcp, gre: socket, to: to, room: a.room, seq: of(d, 0, 1, d.Uint32(), ^uint32(3)),
		lives: time.Duration(20+d.IntN(of(d, 300, 1000, 3000))) * time.Millisecond, calm: of(d, 6, 40, 1000, 1000),
	}
}

// randomBytes is a source of random bytes that follow from the seed.
type randomBytes struct{ dice }

func (r randomBytes) Read(b []byte) (int, error) { return copy(b, r.bytes(len(b))), nil }

// hostileOuter and dupedOuter are where hostile servers listen, and where the clients call from
// that they are to catch.
var (
	hostileOuter = netip.AddrFrom4([4]byte{127, 40, 0, 1})
	dupedOuter   = netip.AddrFrom4([4]byte{127, 40, 0, 2})
	victimOuter  = netip.AddrFrom4([4]byte{127, 40, 0, 3})
)

// clientPatience is how long a client may take to end whose server has hung up.
const clientPatience = time.Minute

// hostileServers has real clients call hostile servers, one after the other.
func (a *arena) hostileServers(ctx context.Context) {
	listener, err := net.Listen("tcp4", netip.AddrPortFrom(hostileOuter, 0).String())
	if err != nil {
		a.fault("%v", err)
		return
	}
	defer listener.Close()
	for ctx.Err() == nil {
		d, number, _ := a.nextLife()
		socket, err := a.crowd.network.Listen(hostileOuter)
		if err != nil {
			a.fault("%v", err)
			return
		}
		dev := newClientDevice(4, fuzzSize)
		client, err := tunnel.NewClient(a.clientConfig(dupedOuter, listener.Addr().String(), "alice", dev, nil))
		if err != nil {
			a.fault("%v", err)
			return
		}
		calling, hangUp := context.WithCancel(context.WithoutCancel(ctx))
		ended := make(chan error, 1)
		go func() { ended <- client.Run(calling) }()
		tcp, err := listener.Accept()
		if err != nil {
			a.fault("%v", err)
			hangUp()
			return
		}
		m := a.mutant(d, tcp, socket, dupedOuter)
		m.open = func(send func([]byte), event func(ppp.Event)) (*ppp.Link, error) {
			return ppp.New(ppp.Config{
				Server: true, RestartTimer: 50 * time.Millisecond, IPv6: d.one(2), Rand: randomBytes{d}, Send: send, Event: event,
				Lookup: func(string) (ppp.Account, bool) {
					return ppp.Account{Password: a.crowd.password}, true
				},
				Assign: func(string) (local, remote netip.Addr, err error) {
					return netip.AddrFrom4([4]byte{10, 200, 0, 1}), netip.AddrFrom4([4]byte{10, 200, 0, byte(2 + d.IntN(250))}), nil
				},
			})
		}
		if !d.one(5) {
			m.machine = control.NewPAC(control.PACConfig{})
		}
		a.serverLives.Add(1)
		m.beMeek()
		m.run(ctx)
		// A client that is alone, without --reconnect, ends by itself or when it is told.
		if d.one(2) {
			hangUp()
		}
		select {
		case <-ended:
		case <-time.After(clientPatience):
			a.fault("life %d: the client of a hostile server does not end within %v", number, clientPatience)
		}
		hangUp()
		_ = dev.Close()
	}
}

// clientConfig is a real client at an address.
func (a *arena) clientConfig(outer netip.Addr, server, user string, dev *clientDevice, up func()) tunnel.ClientConfig {
	return tunnel.ClientConfig{
		Options: tunnel.Options{Log: a.cfg.Log, IPv6: true, Trace: a.crowd.trace}, Server: server, User: user, Password: a.crowd.password, RequestDNS: true,
		Bring: func(_ context.Context, n tunnel.Network) (netdev.Device, error) {
			if n.Local.Is4() && n.Remote.Is4() {
				if err := dev.address(n.Local, n.Remote); err != nil {
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
		ListenGRE: func(local, _ netip.Addr) (gre.Conn, error) { return a.crowd.network.Listen(local) },
	}
}

// victim is a real client of the real server that forged packets with near numbers are sent to, at
// both ends: it may fall, and comes up again.
func (a *arena) victim(ctx context.Context) {
	for ctx.Err() == nil {
		dev := newClientDevice(4, fuzzSize)
		client, err := tunnel.NewClient(a.clientConfig(victimOuter, a.crowd.address, victimUser, dev, func() { a.falls.Add(1) }))
		if err != nil {
			a.fault("%v", err)
			return
		}
		calling, hangUp := context.WithCancel(context.WithoutCancel(ctx))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = client.Run(calling)
		}()
		d, number, _ := a.nextLife()
		over := time.After(time.Duration(300+d.IntN(2000)) * time.Millisecond)
		var seen [][]byte
		for alive := true; alive; {
			select {
			case <-ended:
				alive = false
			case <-over:
				alive = false
			case <-ctx.Done():
				alive = false
			case <-time.After(time.Duration(1+d.IntN(10)) * time.Millisecond):
				a.forgeNear(d, client, &seen)
			}
		}
		hangUp()
		select {
		case <-ended:
		case <-time.After(clientPatience):
			a.fault("life %d: a client that was told to end does not within %v", number, clientPatience)
		}
		_ = dev.Close()
	}
}

// forgeNear forges frames at both ends of the victim's session, with numbers that are believed.
func (a *arena) forgeNear(d dice, client *tunnel.Client, seen *[][]byte) {
	at := func(sessions []status.Session, user string, from, to netip.Addr) {
		for _, s := range sessions {
			if s.User != user {
				continue
			}
			for range 1 + d.IntN(4) {
				frame := d.frame(*seen)
				if len(*seen) < remembered {
					*seen = append(*seen, frame)
				}
				a.forgedNear.Add(1)
				seq := uint32(s.Counters["sequence_in"]) + uint32(d.IntN(200)) - 20
				a.throw(from, to, d.envelope(uint16(s.Counters["call_id"]), seq, frame))
			}
		}
	}
	at(client.Snapshot().Sessions, victimUser, serverOuter, victimOuter)
	at(a.crowd.server.Snapshot().Sessions, victimUser, victimOuter, serverOuter)
}

// throw puts a packet on the wire under an address.
func (a *arena) throw(from, to netip.Addr, packet []byte) {
	if to == serverOuter {
		a.room()
		a.arrived.Add(1)
	}
	a.crowd.network.Arrive(from, to, packet)
}

// forge sends forged packets at both ends of the legitimate session: with any call ID, or with the
// right one and a number that is far from the live one; and with the right one and a near number
// where they look encrypted, or can do nothing however slow this machine is. What else a near
// control frame can do is in ARCHITECTURE.md; the victim gets those.
func (a *arena) forge(ctx context.Context) {
	d, _, _ := a.nextLife()
	g := a.crowd.guests[0]
	var seen [][]byte
	for ctx.Err() == nil {
		time.Sleep(time.Duration(1+d.IntN(3)) * time.Millisecond)
		type end struct {
			sessions []status.Session
			from, to netip.Addr
		}
		for _, e := range []end{
			{g.client.Snapshot().Sessions, serverOuter, g.outer},
			{a.crowd.server.Snapshot().Sessions, g.outer, serverOuter},
		} {
			for _, s := range e.sessions {
				if s.User != g.user {
					continue
				}
				for range 1 + d.IntN(30) {
					a.tally.forged.Add(1)
					a.throw(e.from, e.to, a.forged(d, s, &seen))
				}
			}
		}
	}
}

// far is more than any window reaches, and than the session moves on meanwhile.
const far = 1 << 20

// forged is one packet that a legitimate session must stand.
func (a *arena) forged(d dice, s status.Session, seen *[][]byte) []byte {
	call, live := uint16(s.Counters["call_id"]), uint32(s.Counters["sequence_in"])
	away := live + far + uint32(d.Int64N(1<<32-2*far))
	switch d.IntN(5) {
	case 3:
		if frame, ok := harmless(d.frame(*seen)); ok {
			return greOf(call, live+uint32(d.IntN(200)), frame)
		}
	case 0: // blindly
		other := uint16(d.Uint32())
		if other == call {
			other++
		}
		return d.envelope(other, d.Uint32(), d.frame(*seen))
	case 1: // what looks encrypted, anywhere
		frame := ppp.AppendHeader(nil, ppp.ProtoCompressed, d.one(2), d.one(2))
		frame = binary.BigEndian.AppendUint16(frame, uint16(d.Uint32()))
		frame = append(frame, d.bytes(d.some())...)
		return greOf(call, of(d, live+uint32(d.IntN(4000))-2000, away), frame)
	case 2: // an acknowledgment of anything
		return gre.AckOnly(call, d.Uint32()).AppendTo(nil)
	}
	frame := d.frame(*seen)
	if len(*seen) < remembered {
		*seen = append(*seen, frame)
	}
	return greOf(call, away, frame)
}

// harmless reports whether a frame is one of a control protocol that a session that is up must
// stand under any number: all but a Configure-Request or Terminate-Request, about which both ends
// need time to agree.
func harmless(frame []byte) ([]byte, bool) {
	proto, info, err := ppp.ParseFrame(frame)
	if err != nil || proto < 0x8000 || len(info) == 0 {
		return nil, false
	}
	switch proto {
	case ppp.ProtoLCP, ppp.ProtoCCP, ppp.ProtoIPCP, ppp.ProtoIPV6CP:
		return frame, info[0] != 1 && info[0] != 5
	}
	return frame, true
}

// greOf is a frame in an envelope that is sound: one whose number was altered could come near.
func greOf(call uint16, seq uint32, frame []byte) []byte {
	h := gre.Header{CallID: call, PayloadLen: uint16(len(frame)), HasSeq: true, Seq: seq}
	return append(h.AppendTo(nil), frame...)
}
