package speed

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/timing"
	"github.com/arc4tun/arc4tun/mppe"
)

// encrypted is what mppe makes of a packet that is encrypted again and again as the packets of a
// session: every one of them in the slot of its number modulo slots. Keys come from keys, in the
// order of the sessions.
func encrypted(t *testing.T, size, sessions, slots, packets int, keys *timing.Keys) [][]byte {
	t.Helper()
	reference, err := arc4.Lookup("reference")
	require.NoError(t, err)
	encrypters := make([]*mppe.Encrypter, sessions)
	for i := range encrypters {
		encrypters[i], err = newEncrypter(reference, keys)
		require.NoError(t, err)
	}
	frames := make([][]byte, slots)
	for i := range frames {
		frames[i] = make([]byte, mppeHeader+size)
	}
	for i := range packets {
		frame := frames[i%slots]
		encrypters[i%slots/(slots/sessions)].Encrypt(frame[:0], frame[mppeHeader:])
	}
	return frames
}

func TestMPPEWorksEncrypt(t *testing.T) {
	const size, packets = 100, 2 * packetsPerCall
	for _, b := range arc4.Backends() {
		t.Run(b.Name(), func(t *testing.T) {
			for _, sessions := range []int{1, sessionsPerCall} {
				frames := newMPPEFrames(size)
				work, err := frames.work(b, sessions, timing.NewKeys(5))
				require.NoError(t, err)
				require.Equal(t, packets, work(packets-1))
				for i, want := range encrypted(t, size, sessions, packetsPerCall, packets, timing.NewKeys(5)) {
					assert.Equal(t, want, frames.out[i])
				}
			}
		})
	}
}

// TestGoRC4MPPEIsMPPE goes past the 4,096 packets after which the coherency count begins anew.
func TestGoRC4MPPEIsMPPE(t *testing.T) {
	const size, packets = 50, 5000
	w := newGoRC4MPPE(size, timing.NewKeys(7))
	w.run(packets)
	assert.Equal(t, encrypted(t, size, 1, 1, packets, timing.NewKeys(7))[0], w.frame)
}
