package session

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/mppe"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestSessionForgetsItsKeys: what has ended, or was given other keys, can decrypt nothing any
// more, and neither counts what still comes as forged nor fails over it.
func TestSessionForgetsItsKeys(t *testing.T) {
	start := []byte("0123456789abcdef")
	plain := append([]byte{0x00, 0x21}, packet(clientIP, serverIP, 1, 100)...)
	for name, tc := range map[string]struct {
		stateless bool
		reserve   int
	}{"stateless": {true, 0}, "stateless with a reserve": {true, 64}, "stateful": {false, 0}} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			t.Cleanup(func() { goleak.VerifyNone(t, before) })
			s := newTestSession(t, Config{Shared: NewShared(tc.reserve, memory.SizesOf(false))}, listen(t, 1), 7)
			begin := func() ppp.EncryptionUp {
				d := func() ppp.Direction {
					return ppp.Direction{Key: bytes.Clone(start), Strength: 128, Stateless: tc.stateless}
				}
				up := ppp.EncryptionUp{Send: d(), Recv: d()}
				s.event(up)
				return up
			}
			up := begin()
			assert.Equal(t, make([]byte, 16), up.Send.Key)
			assert.Equal(t, make([]byte, 16), up.Recv.Key)
			enc, dec := s.out.enc, s.in.dec
			begin()
			peer := mppe.Config{Key: start, Strength: 128, Stateless: tc.stateless, Plausible: mppe.PlausiblePPP(true, false)}
			refused := func(enc *mppe.Encrypter, dec *mppe.Decrypter) {
				sealer, err := mppe.NewEncrypter(peer)
				require.NoError(t, err)
				_, err = dec.Decrypt(nil, sealer.Encrypt(nil, plain), 0)
				assert.ErrorIs(t, err, mppe.ErrImplausible)
				opener, err := mppe.NewDecrypter(peer)
				require.NoError(t, err)
				_, err = opener.Decrypt(nil, enc.Encrypt(nil, plain), 0)
				assert.ErrorIs(t, err, mppe.ErrImplausible)
			}
			refused(enc, dec)

			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			s.LowerDown("the call is over")
			s.Run(ctx)
			sealer, err := mppe.NewEncrypter(peer)
			require.NoError(t, err)
			var late []gre.Packet
			for i := range uint32(4) {
				frame := append([]byte{0xFF, 0x03, 0x00, 0xFD}, sealer.Encrypt(nil, plain)...)
				late = append(late, gre.Packet{Addr: serverOuter, Data: grePacket(7, i, frame)})
			}
			s.receive(time.Now(), late, newDeviceWriter(memory.SizesOf(false).WideBuffers))
			counters := s.Snapshot().Counters
			assert.EqualValues(t, 4, counters["in_not_up"])
			assert.Zero(t, counters["in_undecipherable"])
			refused(s.out.enc, s.in.dec)
		})
	}
}
