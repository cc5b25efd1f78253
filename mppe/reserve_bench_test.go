package mppe

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/arc4tun/arc4tun/arc4"
)

// BenchmarkReserve sends packets that come at random times, at 10%, 50% and all of what one core
// can encrypt, with reserves of several sizes that another core fills, and without. It reports the
// time from a packet's coming to its ciphertext, packets that wait for one another included, and
// the rate. At 100% batches follow each other at once. It needs two cores that have nothing else to
// do, and runs for tenths of a second: -benchtime 1x.
func BenchmarkReserve(b *testing.B) {
	if runtime.GOMAXPROCS(0) < 2 {
		b.Skip("a reserve is filled by a second core")
	}
	backend, err := arc4.Lookup("")
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{64, 1400} {
		capacity := packetTime(b, backend, size)
		for _, load := range []int{10, 50, 100} {
			for _, packets := range []int{0, 64, 256, 1024} {
				b.Run(fmt.Sprintf("size=%d/load=%d%%/reserve=%d", size, load, packets), func(b *testing.B) {
					cfg := testConfig(128, true)
					cfg.Backend, cfg.Reserve = backend, packets
					gap := capacity * 100 / time.Duration(load)
					if load == 100 {
						gap = 0
					}
					var times []time.Duration
					var took time.Duration
					for b.Loop() {
						waits, total := paced(b, cfg, size, gap)
						times, took = append(times, waits...), took+total
					}
					slices.Sort(times)
					b.ReportMetric(float64(times[len(times)/2]), "p50-ns")
					b.ReportMetric(float64(times[len(times)*99/100]), "p99-ns")
					b.ReportMetric(float64(len(times))/took.Seconds(), "packets/s")
					b.ReportMetric(0, "ns/op")
				})
			}
		}
	}
}

// packetTime is how long one packet of a full batch takes without a reserve.
func packetTime(b *testing.B, backend *arc4.Backend, size int) time.Duration {
	cfg := testConfig(128, true)
	cfg.Backend = backend
	waits, total := paced(b, cfg, size, 0)
	return total / time.Duration(len(waits))
}

// paced encrypts for a tenth of a second packets that come gap apart in the mean, all that have
// come together, at most 64, and gives how long each waited for its ciphertext, and how long it all
// took.
func paced(b *testing.B, cfg Config, size int, gap time.Duration) (waits []time.Duration, took time.Duration) {
	e, err := NewEncrypter(cfg)
	if err != nil {
		b.Fatal(err)
	}
	if r := e.Reserve(); r != nil {
		stop, done := make(chan struct{}), make(chan struct{})
		defer func() { close(stop); <-done }()
		go func() {
			defer close(done)
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
					for r.Fill() > 0 {
					}
				}
			}
		}()
		time.Sleep(10 * time.Millisecond)
	}
	var plain, dst [batchedPackets][]byte
	for i := range plain {
		buf := make([]byte, 2048)
		plain[i], dst[i] = buf[HeaderSize:][:2+size], buf[:0]
	}
	random := rand.New(rand.NewPCG(1, 1))
	waits = make([]time.Duration, 0, 200_000)
	var came [batchedPackets]time.Time
	var batch SendBatch
	start := time.Now()
	for next := start; time.Since(start) < 100*time.Millisecond; {
		n := 0
		if gap == 0 {
			next = time.Now()
		}
		for time.Now().Before(next) {
		}
		for now := time.Now(); n < batchedPackets && !next.After(now); n++ {
			came[n] = next
			next = next.Add(time.Duration(random.ExpFloat64() * float64(gap)))
		}
		var out [batchedPackets][]byte
		copy(out[:], dst[:])
		batch.Add(e, out[:n], plain[:n])
		batch.Encrypt()
		now := time.Now()
		for _, t := range came[:n] {
			waits = append(waits, now.Sub(t))
		}
	}
	return waits, time.Since(start)
}
