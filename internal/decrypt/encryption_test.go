package decrypt

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/decrypt/recording"
	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/internal/mschap"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// inGRE is a frame in a packet of the client's.
func inGRE(call uint16, seq uint32, frame []byte) []byte {
	h := gre.Header{CallID: call, PayloadLen: uint16(len(frame)), HasSeq: true, Seq: seq}
	return recording.IPv4(client, server, ippkt.GRE, 1, append(h.AppendTo(nil), frame...))
}

// uncheckable is a Response whose challenge nobody has heard, so that any password may be right.
func uncheckable(random *rand.Rand) []byte {
	frame := []byte{0xFF, 0x03, 0xC2, 0x23, 2, 1, 0, 0, mschap.ResponseLen}
	for i := range mschap.ResponseLen {
		c := byte(random.Uint32())
		if i >= 16 && i < 24 || i == mschap.ResponseLen-1 {
			c = 0 // reserved, and flags
		}
		frame = append(frame, c)
	}
	frame = append(frame, user...)
	binary.BigEndian.PutUint16(frame[6:], uint16(len(frame)-4))
	return frame
}

// TestForgedOutages: calls that nobody can decipher, and that claim to go on after millions of
// packets that are missing, cost a share of what a packet may cost; the call beside them that has
// lost many packets in truth goes on.
func TestForgedOutages(t *testing.T) {
	const calls, each = 4, 800
	random := rand.New(rand.NewPCG(1, 2))
	f := New(Options{Hashes: hashOf(user, password)})
	at := time.Unix(1, 0)
	for id := range uint16(calls) {
		require.NoError(t, f.Packet(at, inGRE(100+id, 0, uncheckable(random)), false))
		for i := range uint32(each) {
			seq := 3_000_000 + i
			frame := []byte{0xFF, 0x03, 0x00, 0xFD, 0x90 | byte(seq>>8&0x0F), byte(seq)}
			for range 60 {
				frame = append(frame, byte(random.Uint32()))
			}
			at = at.Add(time.Millisecond)
			require.NoError(t, f.Packet(at, inGRE(100+id, seq, frame), false))
		}
	}
	made := uint64(0)
	for _, fl := range f.calls.flows {
		require.NotEmpty(t, fl.crypt.fresh, "the packets were tried")
		for _, c := range fl.crypt.fresh {
			made += c.decrypter.Stats().Rekeys
		}
	}
	assert.Less(t, f.changes, maxSteps, "all was spent")
	// A packet beyond what is looked ahead has some key changes of its own (mppe.Decrypter).
	assert.Less(t, made, uint64(maxChanges+calls*each*1000))

	rec := recording.New(1)
	c := dial(t, rec, recording.Options{MPPE: ppp.MPPEPolicy{}})
	const gap = 9000
	for i := range gap + 2000 {
		c.Send(0, inner(i, 100))
	}
	lost := 0
	for _, p := range rec.Packets {
		if p.Data {
			if lost++; lost <= gap {
				continue
			}
		}
		require.NoError(t, f.Packet(p.At, p.IP, false))
	}
	require.NoError(t, f.Finish())
	genuine := f.Report().Calls[calls].Directions[0]
	assert.Greater(t, genuine.Deciphered, uint64(1500))
	assert.Equal(t, LoginRight, f.Report().Calls[calls].Login)
}
