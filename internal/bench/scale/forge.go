package scale

import (
	"context"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// runVictim runs a real client of the real server. Forged packets with near numbers are sent to
// both ends of it: its session may end, and comes up again.
func (f *fuzzRound) runVictim(ctx context.Context) {
	for ctx.Err() == nil {
		dev := newClientDevice(4, fuzzSize)
		client, err := tunnel.NewClient(f.clientConfig(victimOuter, f.bed.address, victimUser, dev, func() { f.victimCalls.Add(1) }))
		if err != nil {
			f.fault("%v", err)
			return
		}
		calling, hangUp := context.WithCancel(context.WithoutCancel(ctx))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = client.Run(calling)
		}()
		d, number, _ := f.nextPeer()
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
				f.forgeNear(d, client, &seen)
			}
		}
		hangUp()
		select {
		case <-ended:
		case <-time.After(clientEndTimeout):
			f.fault("life %d: a client that was told to end does not within %v", number, clientEndTimeout)
		}
		_ = dev.Close()
	}
}

// forgeNear forges frames at both ends of the victim's session, with numbers that are believed.
func (f *fuzzRound) forgeNear(d packetGen, client *tunnel.Client, seen *[][]byte) {
	at := func(sessions []status.Session, user string, from, to netip.Addr) {
		for _, s := range sessions {
			if s.User != user {
				continue
			}
			for range 1 + d.IntN(4) {
				frame := d.frame(*seen)
				if len(*seen) < samplesKept {
					*seen = append(*seen, frame)
				}
				f.forgedNear.Add(1)
				seq := uint32(s.Counters["sequence_in"]) + uint32(d.IntN(200)) - 20
				f.inject(from, to, d.greEnvelope(uint16(s.Counters["call_id"]), seq, frame))
			}
		}
	}
	at(client.Snapshot().Sessions, victimUser, serverOuter, victimOuter)
	at(f.bed.server.Snapshot().Sessions, victimUser, victimOuter, serverOuter)
}

// inject puts a packet on the wire under an address.
func (f *fuzzRound) inject(from, to netip.Addr, packet []byte) {
	if to == serverOuter {
		f.waitForRoom()
		f.arrived.Add(1)
	}
	f.bed.network.Arrive(from, to, packet)
}

// forgePackets sends forged packets to both ends of the legitimate session: with any call ID, or
// with the right one and a number that is far from the live one; and with the right one and a near
// number where they look encrypted, or can do nothing however slow this machine is. What else a
// near control frame can do is in ARCHITECTURE.md; the victim gets those.
func (f *fuzzRound) forgePackets(ctx context.Context) {
	d, _, _ := f.nextPeer()
	cl := f.bed.clients[0]
	var seen [][]byte
	for ctx.Err() == nil {
		time.Sleep(time.Duration(1+d.IntN(3)) * time.Millisecond)
		type end struct {
			sessions []status.Session
			from, to netip.Addr
		}
		for _, e := range []end{
			{cl.tunnel.Snapshot().Sessions, serverOuter, cl.outer},
			{f.bed.server.Snapshot().Sessions, cl.outer, serverOuter},
		} {
			for _, s := range e.sessions {
				if s.User != cl.user {
					continue
				}
				for range 1 + d.IntN(30) {
					f.counts.forged.Add(1)
					f.inject(e.from, e.to, f.forgedPacket(d, s, &seen))
				}
			}
		}
	}
}

// farAway is more than any window reaches, and than the session moves on meanwhile.
const farAway = 1 << 20

// forgedPacket makes one packet that a legitimate session must survive.
func (f *fuzzRound) forgedPacket(d packetGen, s status.Session, seen *[][]byte) []byte {
	call, live := uint16(s.Counters["call_id"]), uint32(s.Counters["sequence_in"])
	away := live + farAway + uint32(d.Int64N(1<<32-2*farAway))
	switch d.IntN(5) {
	case 3:
		if frame, ok := harmless(d.frame(*seen)); ok {
			return greFrame(call, live+uint32(d.IntN(200)), frame)
		}
	case 0: // blindly
		other := uint16(d.Uint32())
		if other == call {
			other++
		}
		return d.greEnvelope(other, d.Uint32(), d.frame(*seen))
	case 1: // what looks encrypted, anywhere
		frame := ppp.AppendHeader(nil, ppp.ProtoCompressed, d.oneIn(2), d.oneIn(2))
		frame = binary.BigEndian.AppendUint16(frame, uint16(d.Uint32()))
		frame = append(frame, d.bytes(d.length())...)
		return greFrame(call, oneOf(d, live+uint32(d.IntN(4000))-2000, away), frame)
	case 2: // an acknowledgment of anything
		return gre.AckOnly(call, d.Uint32()).AppendTo(nil)
	}
	frame := d.frame(*seen)
	if len(*seen) < samplesKept {
		*seen = append(*seen, frame)
	}
	return greFrame(call, away, frame)
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

// greFrame is a frame in an envelope that is sound: one whose number was altered could come near.
func greFrame(call uint16, seq uint32, frame []byte) []byte {
	h := gre.Header{CallID: call, PayloadLen: uint16(len(frame)), HasSeq: true, Seq: seq}
	return append(h.AppendTo(nil), frame...)
}
