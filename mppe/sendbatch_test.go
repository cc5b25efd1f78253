package mppe

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
)

// sessionConfig gives one of several sessions: all strengths, their own keys, and stateful ones
// among them if asked for.
func sessionConfig(i int, stateful bool) Config {
	cfg := testConfig([]int{128, 128, 40, 56}[i%4], !stateful || i%5 != 3)
	for k := range cfg.Key {
		cfg.Key[k] += byte(17 * i)
	}
	return cfg
}

// TestSendBatch compares batches of several sessions with the same sessions one packet at a time.
func TestSendBatch(t *testing.T) {
	for _, sessions := range []int{1, 2, 3, 8, chainWidth, chainWidth + 1, batchSize + 3} {
		for _, stateful := range []bool{false, true} {
			t.Run(fmt.Sprintf("sessions=%d/stateful=%v", sessions, stateful), func(t *testing.T) {
				testSendBatch(t, sessions, stateful)
			})
		}
	}
}

func testSendBatch(t *testing.T, sessions int, stateful bool) {
	r := rand.New(rand.NewPCG(uint64(sessions), 3))
	together, alone := make([]*Encrypter, sessions), make([]*Encrypter, sessions)
	for i := range sessions {
		var err error
		together[i], err = NewEncrypter(sessionConfig(i, stateful))
		require.NoError(t, err)
		alone[i], err = NewEncrypter(sessionConfig(i, stateful))
		require.NoError(t, err)
	}
	var batch SendBatch
	for range 12 {
		var got [][][]byte
		var want [][]byte
		// Some sessions come twice, some not at all.
		for range sessions {
			i := r.IntN(sessions)
			n := r.IntN(4)
			if r.IntN(10) == 0 {
				n = r.IntN(3 * batchSize)
			}
			packets, dst := make([][]byte, n), make([][]byte, n)
			for k := range packets {
				packets[k] = make([]byte, r.IntN(200))
				randomize(r, packets[k])
				dst[k] = []byte("before")
				want = append(want, alone[i].Encrypt([]byte("before"), packets[k]))
			}
			batch.Add(together[i], dst, packets)
			got = append(got, dst)
		}
		batch.Encrypt()
		for _, dst := range got {
			for _, p := range dst {
				require.Equal(t, want[0], p)
				want = want[1:]
			}
		}
		require.Empty(t, want)
		assert.Empty(t, batch.runs)
	}
	for i := range sessions {
		assert.Equal(t, alone[i].Stats(), together[i].Stats())
	}
}

func randomize(r *rand.Rand, p []byte) {
	for i := range p {
		p[i] = byte(r.Uint32())
	}
}

// TestSendBatchOfOneSession compares a session's batches with its packets one at a time, in every
// mode and on every backend.
func TestSendBatchOfOneSession(t *testing.T) {
	forEachMode(t, func(t *testing.T, cfg Config) {
		for _, b := range arc4.Backends() {
			cfg.Backend = b
			one, err := NewEncrypter(cfg)
			require.NoError(t, err)
			many, err := NewEncrypter(cfg)
			require.NoError(t, err)
			r := rand.New(rand.NewPCG(1, 2))
			for _, n := range []int{0, 1, 2, 63, 64, 65, 200, 7} {
				dst, packets, want := make([][]byte, n), make([][]byte, n), make([][]byte, n)
				for i := range n {
					p := ipv4(r.Uint32(), 24+r.IntN(300))
					want[i] = one.Encrypt([]byte("head"), p)
					// Every other packet in place.
					buf := append([]byte("head.."), p...)
					dst[i], packets[i] = buf[:4], buf[6:]
					if i%2 == 1 {
						dst[i], packets[i] = []byte("head"), p
					}
				}
				encryptBatch(many, dst, packets)
				require.Equal(t, want, dst, "backend %s, %d packets", b.Name(), n)
			}
			assert.Equal(t, one.Stats(), many.Stats())
		}
	})
}

// TestSendBatchBackends: sessions with different backends may share a batch.
func TestSendBatchBackends(t *testing.T) {
	var batch SendBatch
	backends := arc4.Backends()
	dst := make([][]byte, 3*len(backends))
	for i := range dst {
		cfg := testConfig(128, true)
		cfg.Backend = backends[i%len(backends)]
		e, err := NewEncrypter(cfg)
		require.NoError(t, err)
		batch.Add(e, dst[i:i+1], [][]byte{ipv4(7, 100)})
	}
	batch.Encrypt()
	for i := range dst {
		require.Equal(t, dst[0], dst[i])
	}
}

// TestSendBatchInPlace encrypts packets of two sessions where they lie.
func TestSendBatchInPlace(t *testing.T) {
	var batch SendBatch
	var bufs, dst [2][][]byte
	for s := range bufs {
		e, err := NewEncrypter(sessionConfig(s, false))
		require.NoError(t, err)
		packets := make([][]byte, 9)
		for i := range packets {
			b := append(make([]byte, HeaderSize), ipv4(uint32(i), 60)...)
			bufs[s], dst[s], packets[i] = append(bufs[s], b), append(dst[s], b[:0]), b[HeaderSize:]
		}
		batch.Add(e, dst[s], packets)
	}
	batch.Encrypt()
	for s := range bufs {
		w := newWire(t, sessionConfig(s, false), 0)
		for i := range bufs[s] {
			want := w.enc.Encrypt(nil, ipv4(uint32(i), 60))
			assert.Equal(t, want, dst[s][i])
			assert.Equal(t, want, bufs[s][i])
		}
	}
}
