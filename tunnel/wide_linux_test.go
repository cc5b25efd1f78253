package tunnel

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/gre/uplink"
	"github.com/arc4tun/arc4tun/tunnel/pool"
)

// TestManyAddressesCostLess: the first addresses that clients call have all the sockets they may have, those beyond
// wideAddresses one each, or a machine with hundreds of addresses would run out of descriptors.
func TestManyAddressesCostLess(t *testing.T) {
	noLeaks(t)
	v, err := NewServer(ServerConfig{
		Listener: &net.TCPListener{}, Device: newMemDevice(), Pool: new(pool.Pool), LocalIP: serverIP, Readers: 3,
		Lookup: func(string) (a Account, ok bool) { return a, false },
	})
	require.NoError(t, err)
	for i := range wideAddresses + 2 {
		local := netip.AddrFrom4([4]byte{127, 77, byte(os.Getpid()), byte(1 + i)})
		r, err := v.receiverOn(local)
		if errors.Is(err, os.ErrPermission) {
			t.Skip(err)
		}
		require.NoError(t, err)
		defer v.letGo(local, r)
		want := 3
		if i >= wideAddresses {
			want = 1
			// Ways past the socket need descriptors of their own.
			status := gre.NewSender(r.conn, netip.MustParseAddr("192.0.2.1")).Status()
			assert.Equal(t, uplink.Raw.String(), status.Way)
		}
		assert.Len(t, r.shards, want, "address %d", i)
	}
}
