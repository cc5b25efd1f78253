package netns_test

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

func TestJoin(t *testing.T) {
	a, b := labtest.NewHost(t, "near host"), labtest.NewHost(t, "far host")
	require.NoError(t, netns.Join(
		netns.End{Host: a.Host, Name: "wire", Address: "192.0.2.1/24", Queues: 2},
		netns.End{Host: b.Host, Name: "wire", Address: "192.0.2.2/24"}))
	var packets net.PacketConn
	b.Must(t, func() (err error) {
		packets, err = net.ListenPacket("udp4", "192.0.2.2:9")
		return err
	})
	defer packets.Close()
	a.Must(t, func() error {
		c, err := net.Dial("udp4", "192.0.2.2:9")
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte("hello"))
		return err
	})
	buf := make([]byte, 10)
	n, from, err := packets.ReadFrom(buf)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(buf[:n]))
	assert.Equal(t, "192.0.2.1", from.(*net.UDPAddr).IP.String())

	for _, h := range []*labtest.Host{a, b} {
		h.Must(t, func() error {
			return labtest.Change("wire", func(l netlink.Link) error {
				addresses, err := netlink.AddrList(l, netlink.FAMILY_ALL)
				assert.Len(t, addresses, 1)
				return err
			})
		})
	}
	a.Must(t, func() error { return labtest.Change("wire", netlink.LinkSetDown) })
	require.Eventually(t, func() bool {
		return b.Do(func() error { return netns.Carries("wire") }) != nil
	}, time.Minute, time.Millisecond, "a cable with one end down carries nothing")
	require.ErrorContains(t, a.Do(func() error { return netns.Carries("none") }), `interface "none": `)

	require.NoError(t, netns.Join(netns.End{Host: a.Host, Name: "left"}, netns.End{Host: a.Host, Name: "right"}), "both ends at one host")
	require.ErrorContains(t, netns.Join(netns.End{Host: a.Host, Name: "left"}, netns.End{Host: b.Host, Name: "right"}), "exists")
	require.Error(t, netns.Join(netns.End{Host: a.Host, Name: "l", Address: "nonsense"}, netns.End{Host: b.Host, Name: "l"}))
}
