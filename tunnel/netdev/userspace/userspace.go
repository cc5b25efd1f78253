// Package userspace is a tunnel's local end without a kernel device: a TCP/IP stack in this
// process, behind the same Device interface. It needs no privilege.
package userspace

import (
	"fmt"
	"net/netip"
	"os"
	"sync"

	"golang.zx2c4.com/wireguard/tun"
	"golang.zx2c4.com/wireguard/tun/netstack"

	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// NewUserspace returns a device whose packets come from and go to a TCP/IP stack with these
// addresses, and the stack, to dial and listen on. dns are the servers its LookupHost asks;
// mtu is in bytes. Closing the device ends the stack and its connections.
func NewUserspace(local []netip.Addr, dns []netip.Addr, mtu int) (netdev.Device, *netstack.Net, error) {
	if len(local) == 0 {
		return nil, nil, fmt.Errorf("a userspace stack needs at least one local address, and none was given")
	}
	least := netdev.MinMTU
	addrs := make([]netip.Addr, len(local))
	for i, addr := range local {
		if !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() {
			return nil, nil, fmt.Errorf("local address %v is not a usable address for a userspace stack", addr)
		}
		// The stack knows an address by its bytes: the two ways to write an IPv4 address must
		// not become two.
		addrs[i] = addr.Unmap().WithZone("")
		if addrs[i].Is6() {
			least = netdev.MinMTU6
		}
	}
	if mtu < least || mtu > netdev.MaxMTU {
		return nil, nil, fmt.Errorf("MTU %d is out of range for a userspace stack: give %d to %d bytes", mtu, least, netdev.MaxMTU)
	}
	inner, stack, err := netstack.CreateNetTUN(addrs, dns, mtu)
	if err != nil {
		return nil, nil, fmt.Errorf("userspace stack: %w", err)
	}
	return newDevice(inner), stack, nil
}

// device makes Close safe to call twice and while the stack is sending: the stack hands over
// packets on an unbuffered channel, and one that waited there at Close would panic.
type device struct {
	tun.Device
	packets chan []byte
	free    chan []byte
	closing chan struct{}
	pumped  chan struct{}
	once    sync.Once
	err     error
}

// batch is how many packets one Read returns at most: the stack's own device gives one at a
// time, which costs the tunnel its batching.
const batch = 64

func newDevice(inner tun.Device) *device {
	d := &device{
		Device:  inner,
		packets: make(chan []byte, 2*batch),
		free:    make(chan []byte, 3*batch),
		closing: make(chan struct{}),
		pumped:  make(chan struct{}),
	}
	go d.pump()
	return d
}

// pump reads until the inner device ends, so that the stack is never left waiting for a
// reader; once the device is closing, packets are dropped.
func (d *device) pump() {
	defer close(d.pumped)
	sizes := make([]int, 1)
	for {
		buf := d.buffer()
		if _, err := d.Device.Read([][]byte{buf}, sizes, 0); err != nil {
			return
		}
		select {
		case d.packets <- buf[:sizes[0]]:
		case <-d.closing:
		}
	}
}

func (d *device) buffer() []byte {
	select {
	case buf := <-d.free:
		return buf[:cap(buf)]
	default:
		mtu, _ := d.Device.MTU() // the stack's device knows its MTU and returns no error
		return make([]byte, mtu)
	}
}

func (d *device) recycle(buf []byte) {
	select {
	case d.free <- buf:
	default:
	}
}

// BatchSize is the largest number of packets one Read returns.
func (d *device) BatchSize() int { return batch }

// Read waits for one packet and returns with it all others that are ready.
func (d *device) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	if len(bufs) == 0 {
		return 0, nil
	}
	if d.closed() { // asked first: the select below may take a packet that is still queued
		return 0, os.ErrClosed
	}
	select {
	case <-d.closing:
		return 0, os.ErrClosed
	case p := <-d.packets:
		sizes[0] = copy(bufs[0][offset:], p)
		d.recycle(p)
	}
	for n := 1; n < len(bufs); n++ {
		select {
		case p := <-d.packets:
			sizes[n] = copy(bufs[n][offset:], p)
			d.recycle(p)
		default:
			return n, nil
		}
	}
	return len(bufs), nil
}

// Write hands packets to the stack. Those that are neither IPv4 nor IPv6 are passed over, as
// a kernel device does: one bad packet from the peer must not cost its batch.
func (d *device) Write(bufs [][]byte, offset int) (int, error) {
	if d.closed() {
		return 0, os.ErrClosed
	}
	for i := range bufs {
		if len(bufs[i]) <= offset {
			continue
		}
		if version := bufs[i][offset] >> 4; version != 4 && version != 6 {
			continue
		}
		if _, err := d.Device.Write(bufs[i:i+1], offset); err != nil {
			return i, err
		}
	}
	return len(bufs), nil
}

func (d *device) closed() bool {
	select {
	case <-d.closing:
		return true
	default:
		return false
	}
}

// Close ends the stack; a second call returns the first's result.
func (d *device) Close() error {
	d.once.Do(func() {
		close(d.closing)
		d.err = d.Device.Close()
		<-d.pumped
	})
	return d.err
}
