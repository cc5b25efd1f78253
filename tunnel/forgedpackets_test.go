package tunnel

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/internal/session"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// forgeries are all the ways to send packets that an end must not believe. Each gives what is sent
// to one victim.
var forgeries = []struct {
	name  string
	forge func(a *attacker, v victim) [][]byte
}{
	{"a sweep over all call IDs", sweepCallIDs},
	{"random MPPE with every coherency count", func(a *attacker, v victim) (out [][]byte) {
		live := v.live()
		for count := range uint16(4096) {
			seq := live + uint32(count)%64 - 16
			flags := []uint16{0x9000, 0x9000, 0x1000, 0x8000, 0x0000, 0xF000}[count%6]
			out = append(out, grePacket(v.session.CallID(), seq, mppeFrame(flags|count, a.random(64))))
		}
		return out
	}},
	{"random MPPE with live, near and far numbers", func(a *attacker, v victim) (out [][]byte) {
		live := v.live()
		for _, d := range append(farDistances, 0, 1, 2, 100, 2000, 2047, ^uint32(0), ^uint32(99), ^uint32(2046)) {
			for range 100 {
				count := uint16(a.dice.Uint32() & 0xFFF)
				out = append(out, grePacket(v.session.CallID(), live+d, mppeFrame(0x9000|count, a.random(24+int(a.dice.Uint32()%1376)))))
			}
		}
		return out
	}},
	{"MPPE runs that continue themselves far away", func(a *attacker, v victim) (out [][]byte) {
		live := v.live()
		for _, d := range farDistances {
			for i := range uint32(200) {
				out = append(out, grePacket(v.session.CallID(), live+d+i, mppeFrame(0x9000|uint16((live+d+i)&0xFFF), a.random(100))))
			}
		}
		return out
	}},
	{"truncated MPPE", func(a *attacker, v victim) (out [][]byte) {
		for n := range 8 {
			out = append(out, grePacket(v.session.CallID(), v.live()+uint32(n), append([]byte{0xFF, 3, 0, 0xFD}, a.random(n)...)))
		}
		return out
	}},
	{"clear control frames far from the live number", farControlFrames},
	{"clear IP packets", func(a *attacker, v victim) (out [][]byte) {
		for i := range uint32(200) {
			for _, proto := range []uint16{ppp.ProtoIPv4, ppp.ProtoIPv6} {
				frame := append(ppp.AppendHeader(nil, proto, i%2 == 0, i%3 == 0), packet(clientIP, serverIP, i, 64)...)
				out = append(out, grePacket(v.session.CallID(), v.live()+i, frame))
			}
		}
		return out
	}},
	{"acknowledgments of anything", func(a *attacker, v victim) (out [][]byte) {
		for range 500 {
			out = append(out, gre.AckOnly(v.session.CallID(), a.dice.Uint32()).AppendTo(nil))
		}
		return append(out, gre.AckOnly(v.session.CallID(), 0).AppendTo(nil), gre.AckOnly(v.session.CallID(), ^uint32(0)).AppendTo(nil))
	}},
	{"headers that are short, long or wrong", brokenHeaders},
	{"genuine packets again", func(a *attacker, v victim) [][]byte {
		control, data := a.genuine(v)
		return slices.Concat(control, data, data)
	}},
	{"genuine packets under other numbers", func(a *attacker, v victim) (out [][]byte) {
		control, data := a.genuine(v)
		live := v.live()
		for i, p := range data {
			for _, d := range []uint32{0, 1, uint32(i), 2000, ^uint32(500), 3000 + uint32(i), 1<<20 + uint32(i), 1 << 31} {
				out = append(out, renumbered(p, live+d))
			}
		}
		for i, p := range control {
			for _, d := range farDistances {
				out = append(out, renumbered(p, live+d+uint32(i)))
			}
		}
		return out
	}},
}

// farDistances are sequence numbers that are not near, counted from the live one.
var farDistances = []uint32{session.Near + 32, 4096, 10_000, 1 << 20, 1<<31 - 1, 1 << 31, ^uint32(session.Near + 200), ^uint32(100_000)}

func sweepCallIDs(a *attacker, v victim) [][]byte {
	out := make([][]byte, 0, 1<<16)
	terminate := controlFrame(ppp.ProtoLCP, 5, 1, nil)
	for id := range 1 << 16 {
		// A far number on the live call ID; on the others it does not matter.
		seq := v.live() + 1<<20 + a.dice.Uint32()%(1<<30)
		frame := terminate
		if id%2 == 0 {
			frame = mppeFrame(uint16(a.dice.Uint32()), a.random(40))
		}
		out = append(out, grePacket(uint16(id), seq, frame))
	}
	return out
}

func farControlFrames(a *attacker, v victim) (out [][]byte) {
	ipcp := []byte{3, 6, 10, 0, 0, 66}
	live := v.live()
	for _, d := range farDistances {
		for i, frame := range [][]byte{
			controlFrame(ppp.ProtoLCP, 9, 1, make([]byte, 4)),                                // Echo-Request
			controlFrame(ppp.ProtoLCP, 1, 2, []byte{1, 4, 5, 220}),                           // Configure-Request
			controlFrame(ppp.ProtoLCP, 5, 3, []byte("go away")),                              // Terminate-Request
			controlFrame(ppp.ProtoLCP, 6, 3, nil),                                            // Terminate-Ack
			controlFrame(ppp.ProtoCCP, 5, 4, nil),                                            // Terminate-Request
			controlFrame(ppp.ProtoCCP, 1, 5, []byte{18, 6, 0, 0, 0, 0}),                      // no encryption
			controlFrame(ppp.ProtoIPCP, 1, 6, ipcp),                                          // another address
			controlFrame(ppp.ProtoLCP, 8, 7, append([]byte{0x80, 0xFD}, make([]byte, 8)...)), // Protocol-Reject of CCP
			controlFrame(ppp.ProtoCHAP, 4, 8, []byte("E=691 R=0")),                           // Failure
			controlFrame(0x8281, 1, 9, nil),
		} {
			for j := range uint32(5) {
				out = append(out, grePacket(v.session.CallID(), live+d+uint32(i)*5+j, frame))
			}
		}
	}
	return out
}

func brokenHeaders(a *attacker, v victim) (out [][]byte) {
	good := grePacket(v.session.CallID(), v.live()+1, controlFrame(ppp.ProtoLCP, 5, 1, nil))
	for n := range good {
		out = append(out, good[:n])
	}
	for _, n := range []int{0, 1, len(good), 0x7FFF, 0xFFFF} {
		p := slices.Clone(good)
		binary.BigEndian.PutUint16(p[4:], uint16(n))
		if n > len(good)-gre.MinHeader-4 || n <= 1 {
			out = append(out, p)
		}
	}
	for bit := range 32 {
		p := slices.Clone(good)
		p[bit/8] ^= 0x80 >> (bit % 8)
		if h, _, err := gre.Parse(p); err != nil || !h.HasSeq {
			out = append(out, p)
		}
	}
	out = append(out, append(slices.Clone(good[:12]), bytes.Repeat([]byte{0xFF}, 4000)...))
	empty := grePacket(v.session.CallID(), v.live()+1<<31, nil)
	return append(out, empty, nil)
}

func TestForgedPacketsChangeNothing(t *testing.T) {
	noLeaks(t)
	a := newAttacker(t)
	w := newWorld(t, a.use)
	w.waitUp()
	w.burst(100)
	client, server := w.clientSession(), w.serverSession()
	for _, f := range forgeries {
		t.Run(f.name, func(t *testing.T) {
			for _, v := range w.victims() {
				before := v.live()
				a.send(v, f.forge(a, v)...)
				w.untouched(client, server)
				require.Equal(t, before, v.live(), "no forged number is believed")
			}
			w.burst(500)
			w.untouched(client, server)
			for _, v := range w.victims() {
				require.Zero(t, v.session.Snapshot().Window.Lost)
			}
		})
	}
	w.stop()
}

// untouched demands that the session of the beginning is still there at both ends.
func (w *world) untouched(client, server *session.Session) {
	w.t.Helper()
	require.Same(w.t, client, w.clientSession())
	require.Same(w.t, server, w.serverSession())
	require.True(w.t, isUp(w.client.Snapshot()) && isUp(w.server.Snapshot()), "both ends are up")
	require.Empty(w.t, w.up, "the tunnel has not come up anew")
}

// TestFarControlFramesBeforeAnyData: a tunnel that has carried nothing yet is as firm as one that
// has.
func TestFarControlFramesBeforeAnyData(t *testing.T) {
	noLeaks(t)
	a := newAttacker(t)
	w := newWorld(t, a.use)
	w.waitUp()
	client, server := w.clientSession(), w.serverSession()
	for _, v := range w.victims() {
		a.send(v, farControlFrames(a, v)...)
	}
	w.burst(500)
	w.untouched(client, server)
	for _, v := range w.victims() {
		require.NotZero(t, v.counter("in_disbelieved"))
	}
	w.stop()
}

// elsewhere is the address of somebody who is not the peer.
var elsewhere = netip.MustParseAddr("127.0.0.66")

// disguise ends a packet that disguised has come from elsewhere. It is padding to whoever does not
// know it.
var disguise = []byte("as if it came from elsewhere")

// disguised is a connection on which some packets come from another address than the peer's.
type disguised struct{ gre.Conn }

func (d disguised) ReadBatch(pkts []gre.Packet) (int, error) {
	n, err := d.Conn.ReadBatch(pkts)
	for i := range pkts[:n] {
		if data, ok := bytes.CutSuffix(pkts[i].Data, disguise); ok {
			pkts[i].Data, pkts[i].Addr = data, elsewhere
		}
	}
	return n, err
}

func TestPacketsFromElsewhereAreIgnored(t *testing.T) {
	noLeaks(t)
	a := newAttacker(t)
	var atServer, atClient gre.Conn
	w := newWorld(t, a.use, func(c *ClientConfig, s *ServerConfig, po *wireOptions) {
		server, client := po.join(t) // of the attacker's
		atServer, atClient = disguised{server}, disguised{client}
		s.ListenGRE = func(netip.Addr) (gre.Conn, error) { return atServer, nil }
		c.ListenGRE = func(netip.Addr, netip.Addr) (gre.Conn, error) { return atClient, nil }
	})
	w.waitUp()
	w.burst(10)
	client, server := w.clientSession(), w.serverSession()
	for _, v := range []victim{{client, serverOuter, atClient}, {server, clientOuter, atServer}} {
		before := v.came()
		var out [][]byte
		for i := range uint32(100) {
			// From the peer every one of them would end the session.
			p := grePacket(v.session.CallID(), v.live()+1+i, controlFrame(ppp.ProtoLCP, 5, byte(i), nil))
			out = append(out, append(p, disguise...))
		}
		a.send(v, out...)
		require.Equal(t, before, v.came(), "they are not even this session's")
	}
	w.burst(500)
	w.untouched(client, server)
	require.Equal(t, uint64(100), w.server.Snapshot().Refused["gre_no_session"])
	w.stop()
}
