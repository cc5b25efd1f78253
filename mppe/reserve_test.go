package mppe

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reserved is the Config with a reserve.
func reserved(cfg Config, packets int) Config {
	cfg.Reserve = packets
	return cfg
}

func newEncrypter(t testing.TB, cfg Config) *Encrypter {
	e, err := NewEncrypter(cfg)
	require.NoError(t, err)
	return e
}

// TestReserveEncrypt: with a reserve that is filled now and then, never, always, the bytes and
// counters are the same.
func TestReserveEncrypt(t *testing.T) {
	for _, strength := range []int{40, 128} {
		for _, slots := range []int{1, 5, 64, 300} {
			for _, fills := range []int{0, 1, 4, 1000} {
				t.Run(fmt.Sprintf("strength=%d/slots=%d/fills=%d", strength, slots, fills), func(t *testing.T) {
					r := rand.New(rand.NewPCG(uint64(slots), uint64(fills)))
					cfg := testConfig(strength, true)
					plain, with := newEncrypter(t, cfg), newEncrypter(t, reserved(cfg, slots))
					for range 60 {
						for n := r.IntN(fills + 1); n > 0 && with.Reserve().Fill() > 0; n-- {
						}
						n := r.IntN(100)
						packets, want, got := make([][]byte, n), make([][]byte, n), make([][]byte, n)
						for i := range packets {
							packets[i] = make([]byte, r.IntN(400+i%10/9*2000))
							randomize(r, packets[i])
							want[i] = plain.Encrypt(nil, packets[i])
						}
						if r.IntN(2) == 0 {
							encryptBatch(with, got, packets)
						} else {
							for i, p := range packets {
								got[i] = with.Encrypt(nil, p)
							}
						}
						require.Equal(t, want, got)
						require.Equal(t, plain.Stats(), with.Stats())
					}
				})
			}
		}
	}
}

// TestReserveIsUsed: what was filled is what the packets are encrypted with, and no more is made
// than there is room for.
func TestReserveIsUsed(t *testing.T) {
	e := newEncrypter(t, reserved(testConfig(128, true), 20))
	fill := func() {
		for e.Reserve().Fill() > 0 {
		}
	}
	fill()
	r := e.Reserve()
	assert.EqualValues(t, 20, r.made.Load())
	assert.Zero(t, r.Fill())
	for i := range 20 {
		require.NotNil(t, r.stream(int64(i), 100))
		e.Encrypt(nil, make([]byte, 100))
	}
	assert.Nil(t, r.slot(20))
	e.Encrypt(nil, make([]byte, 100)) // there is nothing left for it
	before := r.keys.rekeys
	fill()
	// Fill goes on after it, and knows of its passing to within an eighth of the slots.
	assert.NotNil(t, r.slot(21))
	assert.InDelta(t, 21+20, r.made.Load(), 20/8)
	assert.Equal(t, before+uint64(r.made.Load()-21), r.keys.rekeys, "no key is derived that has been used")
	// None for a direction without, in stateful mode.
	assert.Nil(t, newEncrypter(t, testConfig(128, true)).Reserve())
	assert.Nil(t, newEncrypter(t, reserved(testConfig(128, false), 20)).Reserve())
	assert.Nil(t, newDecrypter(t, reserved(testConfig(128, false), 20)).Reserve())
}

// TestReserveAdapts: keystreams are as long as the packets of late, and long enough at once when
// one is longer.
func TestReserveAdapts(t *testing.T) {
	e := newEncrypter(t, reserved(testConfig(128, true), 4))
	r := e.Reserve()
	lengths := func() (lengths []int) {
		for r.Fill() > 0 {
		}
		for n := e.next; n < r.made.Load(); n++ {
			lengths = append(lengths, r.slot(n).length)
		}
		return lengths
	}
	send := func(n, size int) {
		for range n {
			e.Encrypt(nil, make([]byte, size))
		}
	}
	assert.Equal(t, []int{keystreamSize, keystreamSize, keystreamSize, keystreamSize}, lengths())
	send(adaptEvery, 52)
	assert.Equal(t, []int{64, 64, 64, 64}, lengths())
	send(1, 200)
	assert.Equal(t, []int{64, 64, 64, 256}, lengths())
	send(2*adaptEvery, 65)
	assert.Equal(t, []int{128, 128, 128, 128}, lengths())
	send(1, 5000)
	send(3, 65)
	assert.Equal(t, []int{keystreamSize, keystreamSize, keystreamSize, keystreamSize}, lengths())
}

// TestReserveConcurrent fills while packets are encrypted and decrypted.
func TestReserveConcurrent(t *testing.T) {
	cfg := testConfig(128, true)
	plain, with := newEncrypter(t, cfg), newEncrypter(t, reserved(cfg, 50))
	d := newDecrypter(t, reserved(cfg, 50))
	stop := make(chan struct{})
	var fillers sync.WaitGroup
	for _, r := range []*Reserve{with.Reserve(), d.Reserve()} {
		fillers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					r.Fill()
				}
			}
		})
	}
	r := rand.New(rand.NewPCG(9, 9))
	seq := uint32(0)
	for range 150 {
		n := 1 + r.IntN(80)
		packets, got, in := make([][]byte, n), make([][]byte, n), make([]Packet, n)
		for i := range packets {
			packets[i] = ipv4(uint32(i), 40+r.IntN(300))
		}
		encryptBatch(with, got, packets)
		for i := range packets {
			require.Equal(t, plain.Encrypt(nil, packets[i]), got[i])
			in[i] = Packet{Data: got[i], Seq: seq}
			seq++
		}
		if r.IntN(3) == 0 {
			continue // lost
		}
		r.Shuffle(n, func(a, b int) { in[a], in[b] = in[b], in[a] })
		decryptBatch(d, in)
		for _, p := range in {
			require.NoError(t, p.Err)
		}
	}
	close(stop)
	fillers.Wait()
}

// TestReserveForged: with a reserve a forged packet costs no key set-up, and moves nothing either.
func TestReserveForged(t *testing.T) {
	cfg := testConfig(128, true)
	w, d := newWire(t, cfg, 0), newDecrypter(t, reserved(cfg, 64))
	for range 10 {
		w.deliver(d, w.next())
	}
	for d.Reserve().Fill() > 0 {
	}
	r := rand.New(rand.NewPCG(4, 4))
	head, made := d.Reserve().head.Load(), d.Reserve().made.Load()
	for range 3000 {
		throw(t, d, forge(r, uint16(r.Uint32()), 100), w.seq)
		d.Reserve().Fill()
	}
	assert.Equal(t, []int64{head, made}, []int64{d.Reserve().head.Load(), d.Reserve().made.Load()})
	w.deliver(d, w.next())
}
