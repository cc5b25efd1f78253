package decrypt

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
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

// TestLoss: packets that the capture has lost cost nothing else, of a stateful call those until the
// next flush.
func TestLoss(t *testing.T) {
	for _, p := range policies {
		t.Run(p.name, func(t *testing.T) {
			rec := recording.New(1)
			c := dial(t, rec, recording.Options{MPPE: p.mppe, LinuxReset: p.linux})
			for i := range 3000 {
				c.Send(0, inner(i, i%500))
			}
			random := rand.New(rand.NewPCG(1, 2))
			kept := 0
			got := follow(t, hashOf(user, password), without(rec.Packets, func(_ int, p recording.Packet) bool {
				if drop := p.Data && random.IntN(400) == 0; drop {
					return true
				} else if p.Data {
					kept++
				}
				return false
			}))
			d := got.report.Calls[0].Directions[0]
			if p.mppe.Stateful == ppp.StatefulRequired {
				assert.Equal(t, uint64(kept), d.Deciphered+d.Missed[Waiting])
				assert.Greater(t, d.Deciphered, uint64(1000))
			} else {
				assert.Equal(t, uint64(kept), d.Deciphered)
			}
			assertIn(t, c.Sent[0], got.plain[client])
		})
	}
}

// assertIn: every packet that came out was sent, none twice, in the order of sending.
func assertIn(t *testing.T, sent, got [][]byte) {
	at := 0
	for i, p := range got {
		n := slices.IndexFunc(sent[at:], func(s []byte) bool { return bytes.Equal(s, p) })
		if !assert.GreaterOrEqual(t, n, 0, "packet %d was not sent, or before the one before it", i) {
			return
		}
		at += n + 1
	}
}

// TestResets: packets lost on the way, and the peer's resets.
func TestResets(t *testing.T) {
	for _, p := range policies[3:] {
		t.Run(p.name, func(t *testing.T) {
			rec := recording.New(1)
			c := dial(t, rec, recording.Options{MPPE: p.mppe, LinuxReset: p.linux})
			for i := range 400 {
				if i%50 == 20 {
					c.Reset(0)
				}
				c.Send(0, inner(i, 100))
			}
			got := follow(t, hashOf(user, password), rec.Packets)
			assert.Equal(t, c.Sent[0], got.plain[client])
			// Those that were lost before a reset.
			n := 0
			got = follow(t, hashOf(user, password), without(rec.Packets, func(_ int, p recording.Packet) bool {
				if p.Data {
					n++
				}
				return p.Data && n%50 == 15
			}))
			d := got.report.Calls[0].Directions[0]
			assert.Equal(t, uint64(400-8-8*5), d.Deciphered, "five wait for each reset")
			assertIn(t, c.Sent[0], got.plain[client])
		})
	}
}

// TestDisorder: out of order and twice in the capture.
func TestDisorder(t *testing.T) {
	for _, p := range policies {
		t.Run(p.name, func(t *testing.T) {
			rec := recording.New(1)
			c := dial(t, rec, recording.Options{MPPE: p.mppe, LinuxReset: p.linux})
			setup := len(rec.Packets)
			for i := range 2000 {
				c.Send(0, inner(i, i%200))
			}
			random := rand.New(rand.NewPCG(3, 4))
			packets := slices.Clone(rec.Packets)
			for i := setup; i+8 < len(packets); i++ {
				j := i + random.IntN(8)
				packets[i], packets[j] = packets[j], packets[i]
				packets[i].At, packets[j].At = packets[j].At, packets[i].At
			}
			var twice []recording.Packet
			for i, p := range packets {
				twice = append(twice, p)
				if i%3 == 0 {
					twice = append(twice, p)
				}
			}
			got := follow(t, hashOf(user, password), twice)
			assert.ElementsMatch(t, c.Sent[0], got.plain[client])
			d := got.report.Calls[0].Directions[0]
			assert.Equal(t, uint64(2000), d.Deciphered)
			assert.Equal(t, d.Left(), d.Missed[Duplicate]+d.Missed[Late])
		})
	}
}

// TestRelink: LCP, login and encryption anew on the same call, with other keys; and the same with
// the negotiation of encryption missing from the capture.
func TestRelink(t *testing.T) {
	for _, p := range policies {
		t.Run(p.name, func(t *testing.T) {
			rec := recording.New(1)
			c := dial(t, rec, recording.Options{MPPE: p.mppe, LinuxReset: p.linux})
			for range 3 {
				talk(c, 300)
				require.NoError(t, c.Relink())
			}
			talk(c, 20)
			got := follow(t, hashOf(user, password), rec.Packets)
			assert.Equal(t, c.Sent[0], got.plain[client])
			assert.Equal(t, c.Sent[1], got.plain[server])
			assert.Len(t, got.report.Calls, 1)
		})
	}
}

// TestForged: packets that do not decrypt cost nothing but themselves.
func TestForged(t *testing.T) {
	rec := recording.New(1)
	c := dial(t, rec, recording.Options{})
	random := rand.New(rand.NewPCG(5, 6))
	var packets []recording.Packet
	forged := uint64(0)
	for i := range 1000 {
		c.Send(0, inner(i, 64))
		genuine := rec.Packets[len(rec.Packets)-1]
		if i%3 == 0 {
			p := recording.Packet{At: genuine.At, IP: bytes.Clone(genuine.IP)}
			at := ippkt.IPv4Len + 12 + 4 + 4
			binary.BigEndian.PutUint16(p.IP[at:], 0x9000|uint16(random.IntN(4096)))
			binary.BigEndian.PutUint64(p.IP[at+10:], random.Uint64())
			binary.BigEndian.PutUint64(p.IP[at+2:], random.Uint64())
			packets = append(packets, p)
			forged++
		}
		packets = append(packets, genuine)
	}
	got := follow(t, hashOf(user, password), append(slices.Clone(rec.Packets[:len(rec.Packets)-1000]), packets...))
	assert.Equal(t, c.Sent[0], got.plain[client])
	assert.Equal(t, forged, got.report.Calls[0].Directions[0].Left())
}
