package netdev

import (
	"encoding/binary"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// icmp6 is an ICMPv6 message in an IPv6 packet that has passed no router.
func icmp6(from, to netip.Addr, message []byte) []byte {
	p := make([]byte, 40, 40+len(message))
	p[0], p[6], p[7] = 0x60, unix.IPPROTO_ICMPV6, 255
	binary.BigEndian.PutUint16(p[4:], uint16(len(message)))
	copy(p[8:], from.AsSlice())
	copy(p[24:], to.AsSlice())
	p = append(p, message...)
	sum := uint32(len(message) + unix.IPPROTO_ICMPV6)
	for i := 8; i < len(p); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	for sum > 0xFFFF {
		sum = sum>>16 + sum&0xFFFF
	}
	binary.BigEndian.PutUint16(p[42:], ^uint16(sum))
	return p
}

// TestPeerIsNoRouter: whoever is at the other end of a tunnel can send a Router Advertisement (RFC
// 4861 section 4.2). It must give this machine neither a default route nor an address.
func TestPeerIsNoRouter(t *testing.T) {
	labtest.Enter(t)
	const offset = 64
	dev, name, err := CreateTUN("t0", 1400)
	if os.IsNotExist(err) || os.IsPermission(err) {
		labtest.Skip(t, "%v", err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { dev.Close() })
	ours, theirs := addr("fe80::1"), addr("fe80::bad")
	before := snapshot(t)
	setup := apply(t, Settings{Device: name, MTU: 1400, Local: addr("10.99.0.1"), Local6: ours})

	advertisement := []byte{134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0}
	prefix := append([]byte{3, 4, 64, 0xC0, 0, 0, 0x0E, 0x10, 0, 0, 0x0E, 0x10, 0, 0, 0, 0}, addr("2001:db8:bad::").AsSlice()...)
	send := func(p []byte) {
		b := append(make([]byte, offset, offset+2048), p...)
		_, err := dev.Write([][]byte{b}, offset)
		require.NoError(t, err)
	}
	answers := make(chan struct{}, 1)
	go func() {
		bufs, sizes := make([][]byte, dev.BatchSize()), make([]int, dev.BatchSize())
		for i := range bufs {
			bufs[i] = make([]byte, 1<<16)
		}
		for {
			n, err := dev.Read(bufs, sizes, offset)
			if err != nil {
				return // closed, at the end of the test
			}
			for i := range n {
				if p := bufs[i][offset:][:sizes[i]]; len(p) > 40 && p[0]>>4 == 6 && p[6] == unix.IPPROTO_ICMPV6 && p[40] == 129 {
					select {
					case answers <- struct{}{}:
					default:
					}
				}
			}
		}
	}()
	echoed := func(first ...[]byte) func() bool {
		return func() bool {
			for _, p := range first {
				send(p)
			}
			send(icmp6(theirs, ours, []byte{128, 0, 0, 0, 0, 1, 0, 1}))
			select {
			case <-answers:
				return true
			case <-time.After(100 * time.Millisecond):
				return false
			}
		}
	}
	// The kernel answers when the address is usable, and then the state rests.
	require.Eventually(t, echoed(), time.Minute, time.Millisecond)
	with := snapshot(t)
	select { // one that came too late to be waited for
	case <-answers:
	default:
	}
	// The answer to what comes behind it shows that the kernel has seen it.
	require.Eventually(t, echoed(icmp6(theirs, addr("ff02::1"), append(advertisement, prefix...))), time.Minute, time.Millisecond)
	assert.Equal(t, with, snapshot(t))
	undone(t, setup, before)
}
