package userspace

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// connect carries packets between two devices, in batches, until one is closed.
func connect(a, b netdev.Device) *errgroup.Group {
	var g errgroup.Group
	const headroom = 16
	pipe := func(from, to netdev.Device) error {
		bufs, sizes := make([][]byte, from.BatchSize()), make([]int, from.BatchSize())
		for i := range bufs {
			bufs[i] = make([]byte, headroom+2000)
		}
		out := make([][]byte, len(bufs))
		for {
			n, err := from.Read(bufs, sizes, headroom)
			if err != nil {
				return ignoreClosed(err)
			}
			for i := range n {
				out[i] = bufs[i][:headroom+sizes[i]]
			}
			if _, err := to.Write(out[:n], headroom); err != nil {
				return ignoreClosed(err)
			}
		}
	}
	g.Go(func() error { return pipe(a, b) })
	g.Go(func() error { return pipe(b, a) })
	return &g
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

func TestTCPBetweenTwoStacks(t *testing.T) {
	for name, local := range map[string][2]netip.Addr{
		"IPv4": {netip.MustParseAddr("10.99.0.1"), netip.MustParseAddr("10.99.0.2")},
		"IPv6": {netip.MustParseAddr("fd00::1"), netip.MustParseAddr("fd00::2")},
	} {
		t.Run(name, func(t *testing.T) {
			devA, netA, err := NewUserspace(local[:1], 1400)
			require.NoError(t, err)
			devB, netB, err := NewUserspace(local[1:], 1400)
			require.NoError(t, err)
			carriers := connect(devA, devB)

			listener, err := netA.ListenTCP(netip.AddrPortFrom(local[0], 80))
			require.NoError(t, err)
			data := bytes.Repeat([]byte("a tunnel's worth of bytes. "), 40000)
			var g errgroup.Group
			g.Go(func() error {
				conn, err := listener.Accept()
				if err != nil {
					return err
				}
				defer conn.Close()
				_, err = conn.Write(data)
				return err
			})
			conn, err := netB.DialTCP(t.Context(), netip.AddrPortFrom(local[0], 80))
			require.NoError(t, err)
			got, err := io.ReadAll(conn)
			require.NoError(t, err)
			require.NoError(t, g.Wait())
			assert.Equal(t, sha256.Sum256(data), sha256.Sum256(got))
			require.NoError(t, conn.Close())

			require.NoError(t, devA.Close())
			require.NoError(t, devB.Close())
			require.NoError(t, carriers.Wait())
			require.NoError(t, devA.Close(), "a second Close is harmless")
		})
	}
}

// Nobody reads, the stack's queue is full of segments, and Close neither hangs nor panics.
func TestCloseWhileSending(t *testing.T) {
	local := netip.MustParseAddr("10.99.0.1")
	dev, stack, err := NewUserspace([]netip.Addr{local}, 1400)
	require.NoError(t, err)
	conn, err := stack.ListenUDP(netip.AddrPortFrom(local, 5))
	require.NoError(t, err)
	for range 50 {
		_, err := conn.WriteTo(make([]byte, 1000), &net.UDPAddr{IP: net.IPv4(10, 99, 0, 2), Port: 9})
		require.NoError(t, err)
	}
	require.NoError(t, dev.Close())
	_, err = dev.Read([][]byte{make([]byte, 1400)}, make([]int, 1), 0)
	require.ErrorIs(t, err, os.ErrClosed)
	_, err = dev.Write([][]byte{{0x45}}, 0)
	require.ErrorIs(t, err, os.ErrClosed)
}

// The stack answers what arrives until the device is closed, and while it is being closed:
// neither panics, and nobody waits for ever.
func TestCloseWhileAnswering(t *testing.T) {
	syn := make([]byte, 1400)
	sizes := make([]int, 1)
	peer, stack, err := NewUserspace([]netip.Addr{netip.MustParseAddr("10.99.0.2")}, 1400)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var dial errgroup.Group
	dial.Go(func() error {
		_, err := stack.DialTCP(ctx, netip.MustParseAddrPort("10.99.0.1:9"))
		return err
	})
	_, err = peer.Read([][]byte{syn}, sizes, 0)
	require.NoError(t, err)
	cancel()
	require.Error(t, dial.Wait())
	require.NoError(t, peer.Close())

	for range 200 {
		dev, _, err := NewUserspace([]netip.Addr{netip.MustParseAddr("10.99.0.1")}, 1400)
		require.NoError(t, err)
		var g errgroup.Group
		answered := make(chan struct{})
		g.Go(func() error {
			for {
				if _, err := dev.Write([][]byte{syn[:sizes[0]]}, 0); err != nil {
					return ignoreClosed(err)
				}
			}
		})
		g.Go(func() error {
			answer := make([]byte, 1400)
			if _, err := dev.Read([][]byte{answer}, make([]int, 1), 0); err != nil {
				return err
			}
			close(answered)
			for {
				if _, err := dev.Read([][]byte{answer}, make([]int, 1), 0); err != nil {
					return ignoreClosed(err)
				}
			}
		})
		<-answered
		require.NoError(t, dev.Close())
		require.NoError(t, g.Wait())
	}
}

func TestWritePassesOverWhatIsNotIP(t *testing.T) {
	dev, _, err := NewUserspace([]netip.Addr{netip.MustParseAddr("10.99.0.1")}, 1400)
	require.NoError(t, err)
	defer dev.Close()
	n, err := dev.Write([][]byte{{}, {0, 0, 0}, {0, 0, 0x10}, {0, 0, 0x45}, {0, 0, 0x60, 1}}, 2)
	require.NoError(t, err)
	assert.Equal(t, 5, n)
}

func TestNewUserspaceRefuses(t *testing.T) {
	v4, v6 := netip.MustParseAddr("10.99.0.1"), netip.MustParseAddr("fd00::1")
	for name, tc := range map[string]struct {
		local []netip.Addr
		mtu   int
		want  string
	}{
		"no address":      {nil, 1400, "at least one local address"},
		"invalid address": {[]netip.Addr{{}}, 1400, "invalid IP"},
		"unspecified":     {[]netip.Addr{netip.IPv4Unspecified()}, 1400, "0.0.0.0"},
		"MTU small":       {[]netip.Addr{v4}, 67, "MTU 67"},
		"MTU large":       {[]netip.Addr{v4}, 65536, "MTU 65536"},
		"MTU for IPv6":    {[]netip.Addr{v4, v6}, 1279, "give 1280 to"},
		"address twice":   {[]netip.Addr{v4, v4}, 1400, "10.99.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := NewUserspace(tc.local, tc.mtu)
			require.Error(t, err)
			assert.ErrorContains(t, err, tc.want)
		})
	}
}
