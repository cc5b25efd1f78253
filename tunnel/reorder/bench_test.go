package reorder

import (
	"testing"
	"time"
)

// BenchmarkPush pushes streams of 1400-byte packets: one in order, one where
// every block of 16 comes backwards, and one where one packet in 100 is missing.
func BenchmarkPush(b *testing.B) {
	const period = 1 << 12
	streams := map[string]func(i uint32) uint32{
		"ordered":   func(i uint32) uint32 { return i },
		"reordered": func(i uint32) uint32 { return i ^ 15 },
		"lossy":     func(i uint32) uint32 { return i + i/99 },
	}
	for _, policy := range []Policy{Order, Drop, Immediate} {
		for _, name := range []string{"ordered", "reordered", "lossy"} {
			b.Run("policy="+policy.String()+"/stream="+name, func(b *testing.B) {
				var seqs [period]uint32
				for i := range seqs {
					seqs[i] = streams[name](uint32(i))
				}
				span := streams[name](period)
				w, err := New(Config{Policy: policy})
				if err != nil {
					b.Fatal(err)
				}
				p, deliver := make([]byte, 1400), func([]byte) {}
				now := time.Unix(0, 0)
				b.ReportAllocs()
				for i := range b.N {
					now = now.Add(10 * time.Microsecond)
					w.Push(now, seqs[i%period]+uint32(i/period)*span, p, deliver)
				}
			})
		}
	}
}
