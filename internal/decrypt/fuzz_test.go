package decrypt

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/decrypt/recording"
	"github.com/arc4tun/arc4tun/internal/mschap"
)

// seeds are calls of every kind, as FuzzFollower has them: the length of a packet in two bytes, its
// distance in time from the one before it in one, the packet.
func seeds(f *testing.F) {
	for _, p := range policies {
		rec := recording.New(1)
		c := dial(f, rec, recording.Options{MPPE: p.mppe, LinuxReset: p.linux})
		talk(c, 6)
		require.NoError(f, c.Relink())
		talk(c, 3)
		var b []byte
		for _, p := range rec.Packets {
			b = binary.BigEndian.AppendUint16(b, uint16(len(p.IP)))
			b = append(append(b, 1), p.IP...)
		}
		f.Add(b)
	}
}

// FuzzFollower: whatever the packets, nothing but IP packets comes out, every packet is accounted
// for once, and what is kept stays within its bounds.
func FuzzFollower(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		emitted := uint64(0)
		fo := New(Options{
			Hashes: func(string) [][16]byte { return [][16]byte{mschap.NTPasswordHash(password)} },
			Emit: func(p Plain) error {
				emitted++
				require.Contains(t, []byte{4, 6}, p.IP[0]>>4)
				return nil
			},
		})
		at := time.Unix(1, 0)
		for len(b) >= 3 {
			n := min(int(binary.BigEndian.Uint16(b)), len(b)-3)
			at = at.Add(time.Duration(b[2]) * time.Millisecond)
			ip := b[3 : 3+n]
			before := bytes.Clone(ip)
			require.NoError(t, fo.Packet(at, ip, b[2]&0x80 != 0))
			require.Equal(t, before, ip)
			b = b[3+n:]
		}
		require.LessOrEqual(t, len(fo.fragments.under), maxDatagrams)
		require.NoError(t, fo.Finish())
		require.Empty(t, fo.calls.flows)
		counted := uint64(0)
		for _, c := range fo.Report().Calls {
			for _, d := range c.Directions {
				require.Equal(t, d.Packets, d.Negotiation+d.Plain+d.Deciphered+d.Left())
				counted += d.Plain + d.Deciphered
			}
		}
		require.Equal(t, counted, emitted)
	})
}
