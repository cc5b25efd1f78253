package userspace

import (
	"io"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// sniffer notes the largest TCP window in what is read from a device.
type sniffer struct {
	netdev.Device
	scale   int // of the connection's only SYN from here
	largest atomic.Int64
}

func (s *sniffer) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	n, err := s.Device.Read(bufs, sizes, offset)
	for i := range n {
		segment := header.TCP(header.IPv4(bufs[i][offset:][:sizes[i]]).Payload())
		if segment.Flags().Contains(header.TCPFlagSyn) {
			isAck := segment.Flags().Contains(header.TCPFlagAck)
			s.scale = header.ParseSynOptions(segment.Options(), isAck).WS
			continue // its window is not scaled
		}
		s.largest.Store(max(s.largest.Load(), int64(segment.WindowSize())<<s.scale))
	}
	return n, err
}

func TestSetWindow(t *testing.T) {
	for name, tc := range map[string]struct{ window, least, most int64 }{
		"small":           {16 << 10, 12 << 10, 16 << 10},
		"256 KB":          {256 << 10, 240 << 10, 256 << 10},
		"8 MB":            {8 << 20, 8<<20 - 256<<10, 8 << 20},
		"the stack's own": {0, 448 << 10, 2 << 20},
	} {
		for _, called := range []bool{true, false} {
			t.Run(name+map[bool]string{true: ", of who calls", false: ", of who is called"}[called], func(t *testing.T) {
				local := [2]netip.Addr{netip.MustParseAddr("10.99.0.1"), netip.MustParseAddr("10.99.0.2")}
				devA, caller, err := NewUserspace(local[:1], 1400)
				require.NoError(t, err)
				devB, callee, err := NewUserspace(local[1:], 1400)
				require.NoError(t, err)
				a, b := &sniffer{Device: devA}, &sniffer{Device: devB}
				carriers := connect(a, b)
				require.NoError(t, caller.SetWindow(5000), "another, which the next one takes back")
				require.NoError(t, caller.SetWindow(int(tc.window)))
				require.NoError(t, callee.SetWindow(int(tc.window)))

				listener, err := callee.ListenTCP(netip.AddrPortFrom(local[1], 80))
				require.NoError(t, err)
				const size = 256 << 10 // the window is offered from the beginning
				var g errgroup.Group
				g.Go(func() error {
					conn, err := listener.Accept()
					if err != nil {
						return err
					}
					defer conn.Close()
					if called {
						_, err = conn.Write(make([]byte, size))
					} else {
						_, err = io.CopyN(io.Discard, conn, size)
					}
					return err
				})
				conn, err := caller.DialTCP(t.Context(), netip.AddrPortFrom(local[1], 80))
				require.NoError(t, err)
				receiver := a
				if called {
					_, err = io.CopyN(io.Discard, conn, size)
				} else {
					receiver = b
					_, err = conn.Write(make([]byte, size))
				}
				require.NoError(t, err)
				require.NoError(t, g.Wait())
				require.NoError(t, conn.Close())
				require.NoError(t, devA.Close())
				require.NoError(t, devB.Close())
				require.NoError(t, carriers.Wait())
				assert.GreaterOrEqual(t, receiver.largest.Load(), tc.least)
				assert.LessOrEqual(t, receiver.largest.Load(), tc.most)
			})
		}
	}
}

func TestSetWindowRefusesWhatIsTooSmall(t *testing.T) {
	dev, stack, err := NewUserspace([]netip.Addr{netip.MustParseAddr("10.99.0.1")}, 1400)
	require.NoError(t, err)
	defer dev.Close()
	assert.ErrorContains(t, stack.SetWindow(1000), "TCP window of 1000 bytes: the userspace stack's smallest is 2048")
}
