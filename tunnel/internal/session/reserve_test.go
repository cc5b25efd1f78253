package session

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/mppe"
)

func newTestReserves(packets int) *reserves {
	return &reserves{packets: packets, bytes: memory.SizesOf(false).Reserves, reserves: make(map[*Session][]*mppe.Reserve), changed: make(chan struct{}, 1)}
}

// TestReserves: what is used of a reserve is made again, and the goroutine ends with the last
// reserve.
func TestReserves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s, other := newTestReserves(40), new(Session), new(Session)
		encrypter := func() *mppe.Encrypter {
			e, err := mppe.NewEncrypter(mppe.Config{Key: make([]byte, 16), Strength: 128, Stateless: true, Reserve: f.grant(s)})
			require.NoError(t, err)
			return e
		}
		a, b := encrypter(), encrypter()
		f.add(s, a.Reserve(), nil)
		f.grant(other)
		f.add(other, b.Reserve(), nil)
		synctest.Wait()
		// Nothing else fills while it waits for its time.
		assert.Zero(t, a.Reserve().Fill())
		assert.Zero(t, b.Reserve().Fill())
		time.Sleep(time.Minute)
		for range 30 {
			a.Encrypt(nil, make([]byte, 100))
		}
		time.Sleep(fillIdle)
		synctest.Wait()
		assert.Zero(t, a.Reserve().Fill(), "it did not look")
		f.remove(s)
		f.remove(s)
		for range 30 {
			a.Encrypt(nil, make([]byte, 100))
		}
		time.Sleep(fillIdle)
		synctest.Wait()
		assert.NotZero(t, a.Reserve().Fill(), "it still fills it")
		f.remove(other)
		synctest.Wait()
		assert.False(t, f.running)
		assert.Zero(t, f.taken)
		f.add(s, encrypter().Reserve(), nil)
		assert.True(t, f.running)
		f.remove(s)
	})
}

// TestReservesIsBounded: sessions beyond what reserves may take in all do without.
func TestReservesIsBounded(t *testing.T) {
	f := newTestReserves(10)
	f.bytes = 2*f.need() + 1
	f.running = true // by nobody
	var sessions [3]Session
	for i := range sessions {
		s := &sessions[i]
		packets := f.grant(s)
		assert.Equal(t, []int{10, 10, 0}[i], packets)
		e, err := mppe.NewEncrypter(mppe.Config{Key: make([]byte, 16), Strength: 128, Stateless: true, Reserve: packets})
		require.NoError(t, err)
		f.add(s, e.Reserve(), nil)
		f.add(s, e.Reserve(), nil) // keys again, after a renegotiation
	}
	assert.Equal(t, 10, f.grant(&sessions[0]), "what it has it may have again")
	f.remove(&sessions[0])
	assert.Equal(t, 10, f.grant(&sessions[2]))
	f.add(&sessions[1], nil, nil) // stateful mode, after a renegotiation
	assert.Equal(t, 10, f.grant(&sessions[1]))
	assert.Equal(t, 2*f.need(), f.taken, "two of them hold some, however it came")
	assert.Nil(t, newReserves(0, memory.SizesOf(false).Reserves))
	var none *reserves
	assert.Zero(t, none.grant(&sessions[0]))
	none.add(&sessions[0], nil, nil)
	none.remove(&sessions[0])
}

// TestReservedSessions: packets pass between sessions with reserves, as between those without.
func TestReservedSessions(t *testing.T) {
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	p := newPair(t, backend, 32, defaultMTU)
	fillers := map[*Session]*reserves{p.a: newTestReserves(50), p.b: newTestReserves(50)}
	for s, f := range fillers {
		s.cfg.Shared.reserves = f
		p.encrypt(t, s)
	}
	for range 20 {
		p.cross(time.Unix(1000, 0))
	}
	assert.Equal(t, 20*32, p.dev.packets)
	for s, f := range fillers {
		f.mu.Lock()
		assert.Len(t, f.reserves[s], 2)
		f.mu.Unlock()
		f.remove(s)
	}
}
