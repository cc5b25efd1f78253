package session

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// The modes of a session that FuzzReceive goes through.
const (
	fuzzStateless = iota
	fuzzStateful
	fuzzClear
	fuzzModes
)

// fuzzPair is a pair in that mode, after its first batch.
func fuzzPair(t testing.TB, mode uint8) *pair {
	p := modePair(t, mode)
	p.cross(time.Unix(1000, 0))
	return p
}

// modePair is a pair in that mode.
func modePair(t testing.TB, mode uint8) *pair {
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	p := newPair(t, backend, 4, 64)
	d := ppp.Direction{Key: []byte("0123456789abcdef"), Strength: 128}
	for _, s := range []*Session{p.a, p.b} {
		switch mode % fuzzModes {
		case fuzzStateful:
			require.NoError(t, s.encrypt(ppp.EncryptionUp{Send: d, Recv: d}))
		case fuzzClear:
			s.out.enc, s.out.mustEnc = nil, false
			s.in.dec, s.in.stateless, s.in.clear = nil, false, true
		}
	}
	return p
}

// The steps of a FuzzReceive script, by their first byte modulo 4.
const (
	stepWait    = iota // the rest of the byte is a time in 20 ms
	stepGenuine        // one byte: which of the genuine packets arrives, the first time or again
	stepRaw            // two bytes of length, then a packet
	stepFrame          // four bytes of sequence number, two of length, then a PPP frame
)

const fuzzGenuine = 16

func rawStep(p []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{stepRaw}, uint16(len(p))), p...)
}

func frameStep(seq uint32, frame []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{stepFrame}, seq)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(frame))), frame...)
}

// fuzzStep takes the next step off a script: a packet to receive, or a time to wait.
func fuzzStep(script []byte, genuine [][]byte) (packet []byte, wait time.Duration, rest []byte) {
	op, rest := script[0], script[1:]
	take := func(n int) []byte {
		n = min(n, len(rest))
		b := append(rest[:n:n], 0, 0, 0, 0)
		rest = rest[n:]
		return b
	}
	switch op % 4 {
	case stepWait:
		return nil, time.Duration(op/4) * 20 * time.Millisecond, rest
	case stepGenuine:
		return genuine[take(1)[0]%fuzzGenuine], 0, rest
	case stepRaw:
		n := int(binary.BigEndian.Uint16(take(2)))
		b := take(n)
		return b[:len(b)-4], 0, rest
	}
	seq := binary.BigEndian.Uint32(take(4))
	b := take(int(binary.BigEndian.Uint16(take(2))))
	return grePacket(7, seq, b[:len(b)-4]), 0, rest
}

// FuzzReceive gives genuine packets in any order and arbitrary ones besides to a session that is
// up. Whatever they are, nothing panics, what is held stays bounded, and a stateless session then
// takes every fresh genuine packet.
func FuzzReceive(f *testing.F) {
	echo := controlFrame(ppp.ProtoLCP, 9, 1, make([]byte, 4))
	inOrder := []byte{stepGenuine, 0, stepGenuine, 1, stepGenuine, 2}
	for mode := range uint8(fuzzModes) {
		f.Add(mode, inOrder)
		f.Add(mode, []byte{stepGenuine, 5, stepGenuine, 3, stepGenuine, 3, 4 * 20, stepGenuine, 0})
		f.Add(mode, slices.Concat(frameStep(6, echo), frameStep(7, controlFrame(ppp.ProtoCCP, 14, 1, nil)), frameStep(1000, echo), inOrder))
		f.Add(mode, slices.Concat(frameStep(9000, echo), frameStep(9001, echo), frameStep(9002, echo), frameStep(9003, echo), inOrder))
		f.Add(mode, slices.Concat(frameStep(8, mppeFrame(0x9005, make([]byte, 30))), frameStep(90000, mppeFrame(0x9FFF, make([]byte, 30))),
			frameStep(90001, mppeFrame(0x9000, make([]byte, 30))), []byte{4 * 3}, inOrder))
		f.Add(mode, slices.Concat(rawStep(gre.AckOnly(7, 99).AppendTo(nil)), rawStep([]byte{0x30, 1}), rawStep(grePacket(7, 9, nil)), inOrder))
		clear := append(ppp.AppendHeader(nil, ppp.ProtoIPv4, true, true), smallPacket...)
		f.Add(mode, slices.Concat(frameStep(10, clear), frameStep(1<<31, clear), frameStep(1<<31+1, clear), frameStep(1<<31+2, clear), inOrder))
	}
	f.Fuzz(func(t *testing.T, mode uint8, script []byte) {
		p := fuzzPair(t, mode)
		var genuine [][]byte
		for range fuzzGenuine {
			p.swallow(1)
			genuine = append(genuine, slices.Clone(p.wire.sent[0]))
		}
		now := time.Unix(1000, 0)
		for len(script) > 0 {
			var packet []byte
			var wait time.Duration
			packet, wait, script = fuzzStep(script, genuine)
			if now = now.Add(wait); wait > 0 {
				p.b.in.expire(now)
				p.b.in.catchUp(now)
				continue
			}
			p.b.receive(now, []gre.Packet{{Addr: serverOuter, Data: packet}}, p.w)
			held, bytes := p.b.in.win.Held()
			require.LessOrEqual(t, held, reorder.DefaultSize)
			require.LessOrEqual(t, bytes, reorder.DefaultMaxBytes)
		}
		if mode%fuzzModes != fuzzStateless {
			return // a session whose packets prove nothing can be led astray
		}
		now = now.Add(time.Second)
		p.b.in.expire(now)
		before := p.dev.packets
		const rounds = 5
		for range rounds {
			p.cross(now)
		}
		p.b.in.expire(now.Add(time.Second))
		require.Equal(t, before+rounds*len(p.bufs), p.dev.packets, "every fresh packet arrives")
	})
}
