package tunnel

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/uplink"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/pool"
)

// TestManyAddressesCostLess: the first addresses that clients call have all the sockets they may
// have, those beyond wideAddresses one each, or a machine with hundreds of addresses would run out
// of descriptors. Status says that this is why, and not that somebody asked for the raw socket,
// unless somebody did.
func TestManyAddressesCostLess(t *testing.T) {
	const askedFor = "it was asked for"
	for io, why := range map[uplink.Mode]struct{ wide, others string }{
		uplink.Auto: {notUp, "clients call 16 other addresses of this machine already, and no more than those have faster ways"},
		uplink.XSK:  {notUp, "clients call 16 other addresses of this machine already, and no more than those have faster ways"},
		uplink.Raw:  {askedFor, askedFor},
	} {
		t.Run(io.String(), func(t *testing.T) {
			noLeaks(t)
			v, err := NewServer(ServerConfig{
				Options:   Options{IO: io},
				Listeners: []net.Listener{&net.TCPListener{}}, Device: newMemDevice(), Pool: new(pool.Pool), LocalIP: serverIP, Readers: 3,
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
				sockets, because := 3, why.wide
				if i >= wideAddresses {
					sockets, because = 1, why.others
				}
				assert.Len(t, gre.Readers(r.Conn()), sockets, "address %d", i)
				// Ways past the socket need descriptors of their own.
				sender := gre.NewSender(r.Conn(), netip.MustParseAddr("192.0.2.1"))
				assert.Equal(t, uplink.Status{Way: uplink.Raw.String(), Why: because}, sender.Status(), "address %d", i)
				sender.Close()
			}
		})
	}
}

// notUp is what status says of a session with a faster way that has not begun.
const notUp = "the session is not up yet"
