package scale

import (
	"errors"
	"fmt"

	"github.com/arc4tun/arc4tun/internal/uplink"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// skbMemory is more than what the kernel charges a socket's buffer for one of the
// packets.
const skbMemory = 4096

// CanUseSockets says why receiving cannot be measured with raw sockets, or nil.
func CanUseSockets() error {
	const size = 2 * gre.DefaultBuffer // more than a user without the right to it gets
	c, err := gre.Listen(serverOuter, gre.Options{IO: uplink.Raw, RecvBuffer: size})
	if err != nil {
		return err
	}
	defer c.Close()
	return roomFor(c, size/skbMemory)
}

// roomFor sends packets that nobody reads, and fails if not all of them have room.
func roomFor(c gre.Conn, packets int) error {
	before := c.Stats().Overflowed
	pkts := make([]gre.Packet, packets)
	junk := gre.AckOnly(0, 0).AppendTo(nil)
	junk = append(junk, make([]byte, 1400)...)
	for i := range pkts {
		pkts[i] = gre.Packet{Addr: c.LocalAddr(), Data: junk}
	}
	if _, err := c.WriteBatch(pkts); err != nil {
		return err
	}
	if lost := c.Stats().Overflowed - before; lost > 0 {
		return errors.New("the kernel gives no receive buffer of any size: it needs CAP_NET_ADMIN")
	}
	return nil
}

// fillSockets sends what was recorded through raw sockets, in the server's queues of which
// it waits for the replay.
func (r *recorder) fillSockets() error {
	var err error
	r.sockets, err = gre.Listen(serverOuter, gre.Options{IO: uplink.Raw, Readers: len(r.readers), RecvBuffer: skbMemory * len(r.packets)})
	if err != nil {
		return err
	}
	for i, q := range gre.Readers(r.sockets) {
		r.readers[i].socket = q
	}
	for i := 0; i < len(r.packets); {
		from, run := r.packets[i].Addr, []gre.Packet(nil)
		for ; i < len(r.packets) && r.packets[i].Addr == from; i++ {
			run = append(run, gre.Packet{Addr: serverOuter, Data: r.packets[i].Data})
		}
		conn := r.senders[from]
		if conn == nil {
			if conn, err = gre.Listen(from, gre.Options{IO: uplink.Raw}); err != nil {
				return err
			}
			r.senders[from] = conn
		}
		if n, err := conn.WriteBatch(run); err != nil || n < len(run) {
			return errors.Join(err, fmt.Errorf("%d of %d packets went into the server's socket", n, len(run)))
		}
	}
	if lost := r.sockets.Stats().Overflowed; lost > 0 {
		return fmt.Errorf("%d packets had no room in the server's sockets", lost)
	}
	return nil
}

// closeSockets has the readers turn to the network again.
func (r *recorder) closeSockets() error {
	var errs []error
	if r.sockets != nil {
		errs = append(errs, r.sockets.Close())
	}
	for _, c := range r.senders {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
