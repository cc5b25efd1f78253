package gre

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
	"github.com/arc4tun/arc4tun/internal/uplink"
)

// TestSourceNAT: the peer knows us by another address, which the kernel puts on our packets as they
// leave. What goes past the kernel has the wrong one, nothing comes back, and the raw socket has to
// have the packets again.
func TestSourceNAT(t *testing.T) {
	needNFT(t)
	c := newCables(t, 1)
	known := netip.MustParseAddr("192.0.2.77")
	c.us.Must(t, func() error {
		return errors.Join(netns.AddAddress("wire0", known.String()+"/32"), nft(
			"add table ip t",
			"add chain ip t out { type nat hook postrouting priority srcnat; }",
			"add rule ip t out ip protocol gre snat to 192.0.2.77",
			"add chain ip t in { type nat hook prerouting priority dstnat; }",
			"add rule ip t in ip protocol gre ip daddr 192.0.2.77 dnat to 192.0.2.2",
		))
	})
	// The peer believes nobody else.
	c.them.Must(t, func() error {
		return nft("add table ip t", "add chain ip t in { type filter hook prerouting priority raw; }",
			"add rule ip t in ip protocol gre ip saddr != 192.0.2.77 drop")
	})
	calls := uint32(0)
	for _, tc := range []struct {
		mode uplink.Mode
		mute bool // there is nothing to acknowledge to the peer, so no acknowledgment to show to the kernel
		why  string
	}{
		{uplink.Auto, false, "nothing was acknowledged that went by xsk on wire0: something (source NAT?) needs the kernel's way"},
		{uplink.Packet, false, "nothing was acknowledged that went by packet on wire0: something (source NAT?) needs the kernel's way"},
		{uplink.Packet, true, "nothing was acknowledged that went by packet on wire0: something (source NAT?) needs the kernel's way"},
	} {
		t.Run(fmt.Sprintf("%v, mute %t", tc.mode, tc.mute), func(t *testing.T) {
			k := c.open(tc.mode)
			k.mute = tc.mute
			calls++
			k.next = calls << 20
			k.goes("raw", tc.why)
			assert.Equal(t, uint64(1), k.to.Status().Falls)
			require.NoError(t, k.conn.Close())
		})
	}
}

// TestFirewall: a rule of the chains that are passed by is respected nevertheless, for a packet
// that goes by the raw socket now and then is refused.
func TestFirewall(t *testing.T) {
	needNFT(t)
	c := newCables(t, 1)
	k := c.open(uplink.Auto)
	k.goes("xsk", "")
	c.us.Must(t, func() error {
		return nft("add table ip t", "add chain ip t out { type filter hook output priority filter; }", "add rule ip t out ip protocol gre drop")
	})
	s := k.until("the rule", func(s uplink.Status) bool { return s.Way == "raw" })
	assert.Equal(t, "the raw socket may not send to 198.51.100.1 (operation not permitted): a firewall rule refuses GRE", s.Why)
	for range 3 {
		k.send(5)
		assert.Equal(t, s.Fast, k.to.Status().Fast, "nothing goes past the rule")
	}
	assert.NotZero(t, k.conn.Stats().Forbidden)
	c.us.Must(t, func() error { return nft("delete table ip t") })
	k.goes("xsk", "")
}

// TestSilence: a peer that has acknowledged before, and does no more, is sent to by the raw socket,
// which may be what helps.
func TestSilence(t *testing.T) {
	c := newCables(t, 1)
	k := c.open(uplink.Auto)
	k.goes("xsk", "")
	k.until("proof", func(uplink.Status) bool { return proofSeen(k) })
	c.mu.Lock()
	c.deaf = true
	c.mu.Unlock()
	k.until("the end of the silence allowed", func(s uplink.Status) bool {
		return s.Way == "raw" && s.Why == "the peer has stopped acknowledging what goes by xsk"
	})
	c.mu.Lock()
	c.deaf = false
	c.mu.Unlock()
	k.goes("xsk", "")
}

// proofSeen reports whether enough has been sent and acknowledged for a look, once a second, to
// have seen it.
func proofSeen(k *call) bool { return k.next > 1000 }

// TestDeafFromTheStart: one that never acknowledges what goes fast keeps the raw socket, and is not
// tried again.
func TestDeafFromTheStart(t *testing.T) {
	c := newCables(t, 1)
	k := c.open(uplink.Auto)
	k.until("a fast way", func(s uplink.Status) bool { return s.Way == "xsk" })
	c.mu.Lock()
	c.deaf = true
	c.mu.Unlock()
	k.goes("raw", "nothing was acknowledged that went by xsk on wire0: something (source NAT?) needs the kernel's way")
}

// TestDeletedLink: the transmitter's socket outlives its link.
func TestDeletedLink(t *testing.T) {
	c := newCables(t, 1)
	for _, mode := range []uplink.Mode{uplink.XSK, uplink.Packet} {
		wire := map[uplink.Mode]string{uplink.XSK: "wire0", uplink.Packet: "wire1"}[mode]
		k := c.open(mode)
		k.next = uint32(mode) << 20
		c.us.Must(t, func() error {
			return setRoute(peerAddr, map[uplink.Mode]netip.Addr{uplink.XSK: gateway0, uplink.Packet: gateway1}[mode])
		})
		k.until("a fast way", func(s uplink.Status) bool { return s.Way == mode.String() })
		c.us.Must(t, func() error { return labtest.Change(wire, netlink.LinkDel) })
		s := k.until("the end of the link", func(s uplink.Status) bool { return s.Way == "raw" })
		assert.NotEmpty(t, s.Why)
		require.NoError(t, k.conn.Close())
		if mode == uplink.XSK {
			// Our address went with the link.
			c.us.Must(t, func() error { return netns.AddAddress("wire1", sourceAddr.String()+"/32") })
		}
	}
}

// TestSendersSideBySide: calls to several peers share a socket and a transmitter.
func TestSendersSideBySide(t *testing.T) {
	for _, mode := range []uplink.Mode{uplink.XSK, uplink.Packet, uplink.Raw} {
		t.Run(mode.String(), func(t *testing.T) {
			c := newCables(t, 1)
			first := c.open(mode)
			first.goes(mode.String(), "")
			const calls, batches, size = 4, 50, 20
			var all sync.WaitGroup
			for i := range calls {
				k := &call{c: c, conn: first.conn, to: NewSender(first.conn, peerAddr), size: 1000, next: uint32(i+1) << 24}
				k.to.Established()
				k.to.Acknowledged(1)
				k.until("its way", func(s uplink.Status) bool { return s.Way == mode.String() })
				begin := k.next
				all.Go(func() {
					for range batches {
						k.send(size)
						runtime.Gosched()
					}
				})
				t.Cleanup(func() {
					assert.Equal(t, begin+batches*size, k.next)
					k.to.Close()
				})
			}
			all.Wait()
			first.arrives()
			assert.Zero(t, first.conn.Stats().SendErrors())
		})
	}
}

func TestFastSendersDoNotAllocate(t *testing.T) {
	for _, mode := range []uplink.Mode{uplink.XSK, uplink.Packet, uplink.Raw} {
		t.Run(mode.String(), func(t *testing.T) {
			c := newCables(t, 1)
			k := c.open(mode)
			k.goes(mode.String(), "")
			// Nobody listens there from now on, for that would be counted too.
			require.NoError(t, c.peer.Close())
			var out [][]byte
			for i := range uint32(64) {
				h := Header{CallID: 7, PayloadLen: 1000, HasSeq: true, Seq: k.next + i, HasAck: i == 0, Ack: 99}
				out = append(out, append(h.AppendTo(nil), make([]byte, 1000)...))
			}
			out = append(out, AckOnly(7, 99).AppendTo(nil)) // by the raw socket
			assert.Zero(t, testing.AllocsPerRun(50, func() {
				if _, err := k.to.Send(out); err != nil {
					t.Fatal(err)
				}
			}))
		})
	}
}

func TestSendAfterClose(t *testing.T) {
	c := newCables(t, 1)
	k := c.open(uplink.Auto)
	k.goes("xsk", "")
	k.to.Close()
	k.arrives()
	assert.Equal(t, "raw", k.to.Status().Way)
	require.NoError(t, k.conn.Close())
	_, err := k.to.Send([][]byte{dataPacket(peerAddr, 1, "x").Data})
	assert.Equal(t, net.ErrClosed, err)
}
