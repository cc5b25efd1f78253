package lab

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// A host's sockets and device can be opened, closed and opened again, as when a server is killed
// and started.
func TestHosts(t *testing.T) {
	eachMode(t, func(t *testing.T, cfg Config) {
		cfg.Download = link.Config{Duplicate: 1}
		l := open(t, cfg)
		for range 2 {
			s, err := l.Server().ListenGRE()
			require.NoError(t, err)
			c, err := l.Client().ListenGRE()
			require.NoError(t, err)
			_, err = s.WriteBatch([]gre.Packet{{Addr: l.Client().Address(Raw), Data: gre.AckOnly(7, 9).AppendTo(nil)}})
			require.NoError(t, err)
			for range 2 {
				pkts := []gre.Packet{{Buf: make([]byte, 2048)}}
				n, err := c.ReadBatch(pkts)
				require.NoError(t, err)
				require.Equal(t, 1, n)
				assert.Equal(t, l.Server().Address(Raw), pkts[0].Addr)
				assert.Equal(t, gre.AckOnly(7, 9).AppendTo(nil), pkts[0].Data)
			}
			require.NoError(t, s.Close())
			require.NoError(t, c.Close())

			dev, err := l.Server().Device(t.Context(), 1400)
			require.NoError(t, err)
			udp, err := l.Server().ListenPackets(Tunnel)
			require.NoError(t, err)
			assert.Equal(t, l.Server().Address(Tunnel).String(), udp.LocalAddr().(*net.UDPAddr).IP.String())
			require.NoError(t, udp.Close())
			require.NoError(t, dev.Close())
			require.NoError(t, dev.Close(), "twice is harmless")
			_, err = l.Server().ListenPackets(Tunnel)
			require.Error(t, err, "the address has gone with the device")
		}
		down, up := l.GRE()
		assert.Equal(t, []uint64{2, 2, 4}, []uint64{down.Sent, down.Duplicated, down.Delivered})
		assert.Zero(t, up.Sent)
		assert.Zero(t, down.Unsent, "the wire had room")
	})
}

// What comes while nobody listens is counted where that can be known.
func TestUnheard(t *testing.T) {
	l := open(t, Config{Mode: Userspace})
	s, err := l.Server().ListenGRE()
	require.NoError(t, err)
	_, err = s.WriteBatch([]gre.Packet{{Addr: l.Client().Address(Raw), Data: gre.AckOnly(7, 9).AppendTo(nil)}})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		down, _ := l.GRE()
		return down.UnheardKnown && down.Unheard == 1
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, s.Close())
}
