package tunnel

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// demand dials when a packet asks for it (ClientConfig.OnDemand), and keeps the packets that come
// before they can leave.
type demand struct {
	ipv6  bool
	woken chan struct{} // has room for one: a packet has come, or the device is gone

	mu     sync.Mutex
	keeps  bool       // packets are kept: the client waits for one, or dials
	local  netip.Addr // the device's addresses while it waits: what comes from them may come from nowhere later
	local6 netip.Addr
	held   [][]byte
	size   int    // of all held, in bytes
	first  string // the packet that asked for the tunnel, in words

	dropped atomic.Uint64 // packets that were kept and could not be sent, or came when there was no room
}

// What is kept at most: who sends more has not waited for an answer.
const (
	maxKept      = 32
	maxKeptBytes = 64 << 10
)

// keep says that packets are kept from now on.
func (d *demand) keep() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keeps = true
}

// rest says that packets are not kept, since nothing is done for them, and drops those that were.
func (d *demand) rest() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dropped.Add(uint64(len(d.held)))
	d.keeps, d.held, d.size, d.first = false, nil, 0, ""
}

// take keeps an IP packet from the device for which there is no session; false: nobody waits for
// one.
func (d *demand) take(ip []byte) bool {
	if !d.asks(ip) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.keeps {
		return false
	}
	if len(d.held) == 0 {
		d.first = words(ip)
		d.wake()
	}
	if len(d.held) == maxKept || d.size+len(ip) > maxKeptBytes {
		d.dropped.Add(1)
		return true
	}
	d.held, d.size = append(d.held, append([]byte(nil), ip...)), d.size+len(ip)
	return true
}

// from says which IPv4 address the device has.
func (d *demand) from(local netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.local = local
}

// asks reports whether a packet asks for the tunnel: what is sent to all who may be there asks for
// nobody, and machines send it all day.
func (d *demand) asks(ip []byte) bool {
	to := ippkt.Destination(ip)
	switch {
	case !to.IsValid(), to.Is6() && !d.ipv6, to.IsMulticast(), to.IsUnspecified():
		return false
	}
	return to != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

func (d *demand) wake() {
	select {
	case d.woken <- struct{}{}:
	default:
	}
}

// opened gives the packets to send now that the tunnel is up with these addresses. Those from an
// address that the device had and has no more would be answered to nobody.
func (d *demand) opened(local, local6 netip.Addr) (packets [][]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, ip := range d.held {
		from := ippkt.Source(ip)
		if from == d.local && from != local || from == d.local6 && from != local6 {
			d.dropped.Add(1)
			continue
		}
		packets = append(packets, ip)
	}
	d.keeps, d.held, d.size, d.first = false, nil, 0, ""
	d.local, d.local6 = local, local6
	return packets
}

// asked is the packet that asks for the tunnel, in words; empty: none does.
func (d *demand) asked() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.first
}

// words name a packet by its ends and its protocol.
func words(ip []byte) string {
	protocol := ippkt.IPv4(ip).Protocol()
	if ippkt.Version(ip) == 6 {
		protocol = ippkt.IPv6(ip).NextHeader()
	}
	name, known := map[byte]string{ippkt.ICMP: "ICMP", ippkt.TCP: "TCP", ippkt.UDP: "UDP", ippkt.ICMPv6: "ICMPv6"}[protocol]
	if !known {
		name = fmt.Sprintf("protocol %d", protocol)
	}
	return fmt.Sprintf("%s from %v to %v", name, ippkt.Source(ip), ippkt.Destination(ip))
}

// awaitPacket makes the device, if need be, and waits for a packet that asks for the tunnel.
func (c *Client) awaitPacket(ctx context.Context) error {
	if c.demand == nil {
		return nil
	}
	for {
		dev, local, err := c.cfg.OnDemand(ctx)
		if err != nil {
			return err
		}
		c.demand.from(local)
		c.demand.keep()
		c.waitsForPacket()
		c.read(dev)
		select {
		case <-ctx.Done():
			return failure(ClassAdmin, nil, "stopped")
		case fall := <-c.falls:
			panic(fall)
		case <-c.demand.woken:
		}
		if asked := c.demand.asked(); asked != "" {
			c.cfg.Log.Info("a packet asks for the tunnel", "packet", asked)
			c.mu.Lock()
			c.trying.WokenBy = asked
			c.mu.Unlock()
			return nil
		}
		// The device is gone, and another is made; or what has asked was dropped.
	}
}

// waitsForPacket notes for status that nothing is done until a packet comes.
func (c *Client) waitsForPacket() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trying.State, c.trying.Since = status.Waiting, c.cfg.Now()
	c.trying.WaitsFor, c.trying.WokenBy, c.trying.NextAttempt, c.trying.Until = status.ForPacket, "", time.Time{}, time.Time{}
}

// unclaimed gives what takes a packet for which there is no session; nil: nobody does.
func (c *Client) unclaimed() func(ip []byte) bool {
	if c.demand == nil {
		return nil
	}
	return c.demand.take
}
