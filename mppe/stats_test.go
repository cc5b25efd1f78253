package mppe

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEveryErrorIsCounted: whatever comes, each packet is in exactly one counter, that of its
// error.
func TestEveryErrorIsCounted(t *testing.T) {
	for _, stateless := range []bool{true, false} {
		t.Run(fmt.Sprintf("stateless=%v", stateless), func(t *testing.T) {
			cfg := testConfig(128, stateless)
			d, r := newDecrypter(t, cfg), rand.New(rand.NewPCG(3, 3))
			m := &traffic{w: newWire(t, cfg, 0), r: r}
			count := map[error]uint64{}
			for range 20_000 {
				p, ok := m.packet(everything.draw(r), byte(r.Uint32()))
				if !ok {
					continue
				}
				for range 1 + r.IntN(50)/49 { // now and then the same packet comes twice in a row
					_, err := d.Decrypt(nil, p.Data, p.Seq)
					count[err]++
				}
				if d.NeedReset() && r.IntN(10) == 0 {
					m.w.enc.Reset()
				}
			}
			s := d.Stats()
			for name, v := range map[string]struct {
				err error
				got uint64
				in  bool // this mode has it
			}{
				"decrypted":     {nil, s.Packets, true},
				"truncated":     {ErrTruncated, s.Truncated, true},
				"not encrypted": {ErrNotEncrypted, s.NotEncrypted, true},
				"not flushed":   {ErrNotFlushed, s.NotFlushed, stateless},
				"duplicated":    {ErrDuplicate, s.Duplicated, true},
				"late":          {ErrLate, s.Late, true},
				"implausible":   {ErrImplausible, s.Implausible, true},
				"out of range":  {ErrOutOfRange, s.OutOfRange, true},
				"discarded":     {ErrNeedReset, s.Discarded, !stateless},
			} {
				assert.Equal(t, count[v.err], v.got, name)
				require.Equal(t, v.in, v.got > 0, name)
			}
		})
	}
}
