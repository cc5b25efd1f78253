package userspace

import (
	"os"
	"sync"

	"golang.zx2c4.com/wireguard/tun"
)

// device is the stack's interface seen from the other side: what the stack sends is read
// here, what is written here the stack receives.
type device struct {
	nic    *nic
	stack  *Stack
	events chan tun.Event
	once   sync.Once
}

// batch is how many packets one Read returns at most.
const batch = 64

func newDevice(nic *nic, stack *Stack) *device {
	d := &device{nic: nic, stack: stack, events: make(chan tun.Event, 1)}
	d.events <- tun.EventUp
	return d
}

// BatchSize is the largest number of packets one Read returns.
func (d *device) BatchSize() int { return batch }

// MTU is the stack's, in bytes; the error is always nil.
func (d *device) MTU() (int, error) { return int(d.nic.MTU()), nil }

// Name is a word for the logs: there is no device that has it.
func (d *device) Name() (string, error) { return "userspace", nil }

// File is nil: no descriptor belongs to a stack.
func (d *device) File() *os.File { return nil }

// Events tells that the device is up, and ends when it is closed.
func (d *device) Events() <-chan tun.Event { return d.events }

// Read waits for one packet and returns with it all others that are ready.
func (d *device) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	if len(bufs) == 0 {
		return 0, nil
	}
	if d.nic.closed() { // asked first: the select below may take a packet that is still queued
		return 0, os.ErrClosed
	}
	select {
	case <-d.nic.closing:
		return 0, os.ErrClosed
	case p := <-d.nic.packets:
		sizes[0] = copy(bufs[0][offset:], p)
		d.nic.recycle(p)
	}
	for n := 1; n < len(bufs); n++ {
		select {
		case p := <-d.nic.packets:
			sizes[n] = copy(bufs[n][offset:], p)
			d.nic.recycle(p)
		default:
			return n, nil
		}
	}
	return len(bufs), nil
}

// Write hands packets to the stack. One bad packet from the peer does not cost its batch.
func (d *device) Write(bufs [][]byte, offset int) (int, error) {
	if d.nic.closed() {
		return 0, os.ErrClosed
	}
	for _, buf := range bufs {
		if len(buf) > offset {
			d.nic.receive(buf[offset:])
		}
	}
	return len(bufs), nil
}

// Close ends the stack and whoever waits in Read; a second call does nothing.
func (d *device) Close() error {
	d.once.Do(func() {
		close(d.nic.closing)
		d.stack.close()
		close(d.events)
	})
	return nil
}
