package decrypt

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/decrypt/recording"
	"github.com/arc4tun/arc4tun/internal/raceflag"
)

// BenchmarkFollower is a call of full-sized packets; MB/s are those of the capture.
func BenchmarkFollower(b *testing.B) {
	for _, p := range policies[:4] {
		b.Run(p.name, func(b *testing.B) {
			rec := recording.New(1)
			c := dial(b, rec, recording.Options{MPPE: p.mppe, LinuxReset: p.linux})
			setup := len(rec.Packets)
			for i := range 4000 {
				c.Send(0, inner(i, 1372))
			}
			bytes := 0
			for _, p := range rec.Packets {
				bytes += len(p.IP)
			}
			b.SetBytes(int64(bytes))
			for b.Loop() {
				f := New(Options{Hashes: hashOf(user, password)})
				for _, p := range rec.Packets {
					if err := f.Packet(p.At, p.IP, false); err != nil {
						b.Fatal(err)
					}
				}
				if err := f.Finish(); err != nil {
					b.Fatal(err)
				}
				if d := f.Report().Calls[0].Directions[0]; d.Deciphered != uint64(len(rec.Packets)-setup) {
					b.Fatal(d)
				}
			}
		})
	}
}

// TestNothingIsAllocated for a stateless packet that decrypts.
func TestNothingIsAllocated(t *testing.T) {
	if raceflag.Enabled {
		t.Skip("the race detector allocates")
	}
	rec := recording.New(1)
	c := dial(t, rec, recording.Options{})
	for i := range 3000 {
		c.Send(0, inner(i, 500))
	}
	f := New(Options{Hashes: hashOf(user, password)})
	at := 0
	next := func() {
		p := rec.Packets[at]
		at++
		if f.Packet(p.At, p.IP, false) != nil {
			t.Error("a packet was not taken")
		}
	}
	for at < len(rec.Packets)-2500 {
		next()
	}
	assert.Zero(t, testing.AllocsPerRun(2000, next))
	require.NoError(t, f.Finish())
}
