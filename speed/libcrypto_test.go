//go:build libcrypto && cgo

package speed

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/timing"
)

// libcryptoKeys is where the C side's generator stands after so many keys were taken for sessions:
// it goes on behind the number that was its start.
func libcryptoKeys(seed uint64, taken int) *timing.Keys {
	keys := timing.NewKeys(seed)
	keys.Fill(make([]byte, taken*timing.KeySize))
	keys.Next()
	return keys
}

// TestLibcryptoDoesTheSameWork compares every byte that libcrypto's loops write with this project's
// own.
func TestLibcryptoDoesTheSameWork(t *testing.T) {
	reference, err := arc4.Lookup("reference")
	require.NoError(t, err)
	for name, test := range map[string]struct{ count, rounds int }{
		"packet":  {1, 5},
		"packets": {packetsPerCall, 3},
	} {
		t.Run(name, func(t *testing.T) {
			const size = 333
			l := newLibcrypto(test.count, 0, []int{size}, timing.NewKeys(9))
			assert.Equal(t, test.count*test.rounds, l.Packets(test.count*(test.rounds-1)+1))
			keys := libcryptoKeys(9, 0)
			want := make([][]byte, test.count)
			for i := range test.count * test.rounds {
				if i < test.count {
					want[i] = make([]byte, size)
				}
				var key [timing.KeySize]byte
				keys.Fill(key[:])
				c, err := reference.New(key[:])
				require.NoError(t, err)
				c.XORKeyStream(want[i%test.count], want[i%test.count])
			}
			for i := range want {
				assert.Equal(t, want[i], l.Memory(i)[:size])
			}
		})
	}
}

func TestLibcryptoStreams(t *testing.T) {
	l := newLibcrypto(1, 1, []int{77}, timing.NewKeys(9))
	assert.Equal(t, 4, l.Stream(4))
	c, err := newCipher(arc4.Backends()[0], timing.NewKeys(9))
	require.NoError(t, err)
	want := make([]byte, 77)
	timing.Stream(c, want)(4)
	assert.Equal(t, want, l.Memory(0)[:77])
}

func TestLibcryptoMixes(t *testing.T) {
	l := newLibcrypto(packetsPerCall, 0, mixLengths(), timing.NewKeys(9))
	w := newMixWork(arc4.Backends()[0], libcryptoKeys(9, 0))
	work := timing.Calls(packetsPerCall, w.call)
	for range 2 { // more than all lengths, so that they come round again
		assert.Equal(t, work(mixCount+1), l.Packets(mixCount+1))
		for i := range w.jobs {
			require.Equal(t, w.jobs[i].Dst[:mixLongest], l.Memory(i)[:mixLongest])
		}
	}
}

// TestLibcryptoSetsKeys looks, by the key stream that follows, that the last key of a set-up is the
// one it should be.
func TestLibcryptoSetsKeys(t *testing.T) {
	const n = 10
	l := newLibcrypto(1, 0, []int{50}, timing.NewKeys(9))
	assert.Equal(t, n, l.KeySetup(n))
	l.Stream(1)
	keys := libcryptoKeys(9, n-1)
	var key [timing.KeySize]byte
	keys.Fill(key[:])
	c, err := arc4.Backends()[0].New(key[:])
	require.NoError(t, err)
	want := make([]byte, 50)
	c.XORKeyStream(want, want)
	assert.Equal(t, want, l.Memory(0)[:50])
}

// TestLibcryptoIsMPPE compares with mppe, bit by bit, past the 4,096 packets after which the
// coherency count begins anew.
func TestLibcryptoIsMPPE(t *testing.T) {
	const size = 61
	for name, test := range map[string]struct{ sessions, slots, packets int }{
		"one session":                {1, 1, 5000},
		"one session in batches":     {1, packetsPerCall, 5 * packetsPerCall},
		"eight sessions":             {sessionsPerCall, packetsPerCall, 5 * packetsPerCall},
		"eight sessions, many calls": {sessionsPerCall, packetsPerCall, 600 * packetsPerCall},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLibcrypto(test.slots, test.sessions, []int{size}, timing.NewKeys(9))
			assert.Equal(t, test.packets, l.MPPE(test.packets-test.slots+1))
			for i, want := range encrypted(t, size, test.sessions, test.slots, test.packets, timing.NewKeys(9)) {
				require.Equal(t, want, l.Memory(i)[:mppeHeader+size], "packet %d", i)
			}
		})
	}
}

func TestLibcryptoIsThere(t *testing.T) {
	s, ok := libcryptoRC4()
	require.True(t, ok)
	assert.Equal(t, Workloads(), s.workloads())
	assert.Contains(t, Names(), "libcrypto")
	r, err := Run(t.Context(), Config{Names: []string{"auto"}, Sizes: []int{16}, Time: MinTime, Peers: true})
	require.NoError(t, err)
	assert.Regexp(t, `^OpenSSL .*, rc4\(`, r.Libcrypto)
	assert.Equal(t, []string{"libcrypto", "crypto/rc4"}, r.Peers)
}
