package session

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestKeysThatDiffer: a tunnel that is up and carries nothing says why, once; one that has
// decrypted anything ignores whatever does not.
func TestKeysThatDiffer(t *testing.T) {
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		key  string
		says int
	}{
		"other keys": {"another sixteen!", 1}, "the same keys": {"0123456789abcdef", 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, backend, 8, 64)
			var book bytes.Buffer
			p.b.log = slog.New(slog.NewTextHandler(&book, nil))
			d := ppp.Direction{Key: []byte(c.key), Strength: 128, Stateless: true}
			require.NoError(t, p.b.encrypt(ppp.EncryptionUp{Send: d, Recv: d}))
			for range 20 {
				p.cross(time.Unix(1000, 0))
				p.b.checkKeys()
			}
			if c.says == 0 {
				for i := range uint32(100) {
					forged := grePacket(7, p.b.in.data.last+1+i, mppeFrame(0x9000|uint16(160+i), make([]byte, 100)))
					p.b.receive(time.Unix(1000, 0), []gre.Packet{{Addr: serverOuter, Data: forged}}, p.w)
					p.b.checkKeys()
				}
				require.Greater(t, p.b.in.stats.Undecryptable, uint64(undecryptable))
			}
			require.Equal(t, c.says, strings.Count(book.String(), "level=WARN"), book.String())
		})
	}
}
