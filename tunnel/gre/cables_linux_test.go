package gre

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
	"github.com/arc4tun/arc4tun/internal/uplink"
)

// waitLimit bounds every wait for something that takes a moment on an idle machine.
const waitLimit = 60 * time.Second

// setRoute sends what goes to a host by a gateway.
func setRoute(to, gateway netip.Addr) error {
	return netlink.RouteReplace(&netlink.Route{Dst: &net.IPNet{IP: to.AsSlice(), Mask: net.CIDRMask(32, 32)}, Gw: gateway.AsSlice()})
}

// nft runs commands of netfilter's configuration in the thread's namespace.
func nft(commands ...string) error {
	for _, c := range commands {
		if out, err := exec.Command("nft", c).CombinedOutput(); err != nil {
			return fmt.Errorf("nft %s: %w: %s", c, err, out)
		}
	}
	return nil
}

func needNFT(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("nft"); err != nil {
		labtest.Skip(t, "netfilter's rules need nft: %v", err)
	}
}

// The addresses of the two hosts: us with two cables to the peer, whose own address is behind
// either end.
var (
	sourceAddr = netip.MustParseAddr("192.0.2.2")
	gateway0   = netip.MustParseAddr("192.0.2.1")
	gateway1   = netip.MustParseAddr("203.0.113.1")
	peerAddr   = netip.MustParseAddr("198.51.100.1")
)

// cables is us and a peer that acknowledges what it gets.
type cables struct {
	t        *testing.T
	us, them *labtest.Host
	peer     Conn // theirs

	mu   sync.Mutex
	seen map[uint32]bool // sequence numbers that have come
	deaf bool            // the peer acknowledges nothing
}

func newCables(t *testing.T, queues int) *cables {
	t.Helper()
	c := &cables{t: t, us: labtest.NewHost(t, "near host"), them: labtest.NewHost(t, "far host"), seen: make(map[uint32]bool)}
	for _, end := range []struct{ wire, ours, theirs string }{
		{"wire0", "192.0.2.2/24", "192.0.2.1/24"}, {"wire1", "203.0.113.2/24", "203.0.113.1/24"},
	} {
		require.NoError(t, netns.Join(
			netns.End{Host: c.us.Host, Name: end.wire, Address: end.ours, Queues: queues},
			netns.End{Host: c.them.Host, Name: end.wire, Address: end.theirs}))
	}
	c.us.Must(t, func() error { return setRoute(peerAddr, gateway0) })
	c.them.Must(t, func() error { return netns.AddAddress("lo", peerAddr.String()+"/32") })
	// Answers go back by the cable that carries.
	c.them.Must(t, func() error {
		return labtest.Change("wire1", func(wire netlink.Link) error {
			return netlink.RouteAdd(&netlink.Route{
				Dst: &net.IPNet{IP: sourceAddr.AsSlice(), Mask: net.CIDRMask(32, 32)}, Gw: net.IP{203, 0, 113, 2},
				Priority: 100, Flags: int(netlink.FLAG_ONLINK), LinkIndex: wire.Attrs().Index,
			})
		})
	})
	c.listen(peerAddr)
	return c
}

// listen opens the peer's socket.
func (c *cables) listen(at netip.Addr) {
	c.them.Must(c.t, func() error {
		var err error
		c.peer, err = Listen(at, Options{IO: uplink.Raw})
		return err
	})
	c.t.Cleanup(func() { _ = c.peer.Close() })
	go c.answer()
}

func (c *cables) answer() {
	pkts := buffers(64)
	for {
		n, err := c.peer.ReadBatch(pkts)
		if err != nil {
			return
		}
		for _, p := range pkts[:n] {
			h, _, err := Parse(p.Data)
			if err != nil || !h.HasSeq {
				continue
			}
			c.mu.Lock()
			c.seen[h.Seq] = true
			deaf := c.deaf
			c.mu.Unlock()
			if !deaf {
				_, _ = c.peer.WriteBatch([]Packet{{Addr: p.Addr, Data: AckOnly(1, h.Seq).AppendTo(nil)}})
			}
		}
	}
}

func (c *cables) has(seq uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[seq]
}

// call is what stands for a session at our end.
type call struct {
	c    *cables
	conn Conn
	to   Sender
	next uint32
	size int  // of a payload
	mute bool // it acknowledges nothing
}

// open makes a call that is up.
func (c *cables) open(mode uplink.Mode) *call {
	c.t.Helper()
	k := c.try(Options{IO: mode})
	k.to.Established()
	return k
}

func (c *cables) try(o Options) *call {
	c.t.Helper()
	k := &call{c: c, size: 100}
	o.Log = slog.New(slog.NewTextHandler(testLog{c.t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.us.Must(c.t, func() error {
		var err error
		k.conn, err = Listen(sourceAddr, o)
		return err
	})
	c.t.Cleanup(func() { _ = k.conn.Close() })
	k.to = NewSender(k.conn, peerAddr)
	go func() {
		pkts := buffers(64)
		for {
			n, err := k.conn.ReadBatch(pkts)
			if err != nil {
				return
			}
			for _, p := range pkts[:n] {
				if h, _, err := Parse(p.Data); err == nil && h.HasAck {
					k.to.Acknowledged(h.Ack)
				}
			}
		}
	}()
	return k
}

// send sends n packets, the first with an acknowledgment, and returns the sequence number of the
// last.
func (k *call) send(n int) uint32 {
	var out [][]byte
	for i := range n {
		h := Header{CallID: 7, PayloadLen: uint16(k.size), HasSeq: true, Seq: k.next, HasAck: i == 0 && !k.mute, Ack: 99}
		out = append(out, append(h.AppendTo(nil), make([]byte, k.size)...))
		k.next++
	}
	_, err := k.to.Send(out)
	require.NoError(k.c.t, err)
	return k.next - 1
}

// until sends a few packets after another until the call is in a state.
func (k *call) until(what string, ok func(uplink.Status) bool) uplink.Status {
	k.c.t.Helper()
	for end := time.Now().Add(waitLimit); ; {
		s := k.to.Status()
		if ok(s) {
			return s
		}
		require.True(k.c.t, time.Now().Before(end), "%s does not come: %+v", what, s)
		k.send(3)
		time.Sleep(5 * time.Millisecond)
	}
}

// goes waits until packets go a way, with a reason, and arrive.
func (k *call) goes(way, why string) {
	k.c.t.Helper()
	s := k.until(way, func(s uplink.Status) bool { return s.Way == way && (why == "" || s.Why == why) })
	k.c.t.Logf("%+v", s)
	k.arrives()
}

// arrives waits until what is sent now is there.
func (k *call) arrives() {
	k.c.t.Helper()
	for end := time.Now().Add(waitLimit); ; {
		last := k.send(5)
		for range 20 {
			if k.c.has(last) {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		require.True(k.c.t, time.Now().Before(end), "nothing arrives: %+v", k.to.Status())
	}
}

// testLog writes a program's log to a test's.
type testLog struct{ t *testing.T }

func (w testLog) Write(p []byte) (int, error) {
	w.t.Log(string(p[:max(0, len(p)-1)]))
	return len(p), nil
}

var _ io.Writer = testLog{}
