package netdev

import (
	"io"
	"os"
	"sync"
	"sync/atomic"

	"golang.zx2c4.com/wireguard/tun"
)

// FromPackets makes a Device of what gives and takes whole IP packets: each Read of rwc gives one,
// and each Write takes one, with nothing before or behind it. So do a kernel's TUN descriptor
// without packet information, a socket for datagrams, and a net.Pipe. mtu is what the Device says
// of itself, in bytes.
//
// Reads have room for 65,535 bytes, and Writes are made one after another. What is handed to Write
// is not to be kept. Close must end a Read that waits. An error of Read ends the Device if it keeps
// coming, and io.EOF does: it becomes an error that is ErrDeleted.
func FromPackets(rwc io.ReadWriteCloser, mtu int) Device {
	d := &packets{rwc: rwc, mtu: mtu, events: make(chan tun.Event, 1)}
	d.events <- tun.EventUp
	return d
}

// endedError is an ErrDeleted in words that fit.
type endedError struct{}

func (endedError) Error() string        { return "there are no more packets: the other side has ended them" }
func (endedError) Is(target error) bool { return target == ErrDeleted }

// packets is a Device whose batches have one packet.
type packets struct {
	rwc     io.ReadWriteCloser
	mtu     int
	events  chan tun.Event
	closing atomic.Bool
	once    sync.Once
	err     error

	mu sync.Mutex // held while writing
}

func (d *packets) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	if len(bufs) == 0 {
		return 0, nil
	}
	n, err := d.rwc.Read(bufs[0][offset:])
	switch {
	case err != nil && d.closing.Load():
		err = os.ErrClosed
	case err == io.EOF && n == 0:
		err = endedError{}
	}
	if n == 0 {
		return 0, err
	}
	sizes[0] = n
	return 1, err
}

// Write goes on behind a packet that was not taken, as a link does; the error is the first.
func (d *packets) Write(bufs [][]byte, offset int) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	taken := 0
	var first error
	for _, b := range bufs {
		if _, err := d.rwc.Write(b[offset:]); err == nil {
			taken++
		} else if first == nil {
			first = err
		}
	}
	return taken, first
}

func (d *packets) MTU() (int, error)        { return d.mtu, nil }
func (d *packets) Name() (string, error)    { return "packets", nil }
func (d *packets) File() *os.File           { return nil }
func (d *packets) Events() <-chan tun.Event { return d.events }
func (d *packets) BatchSize() int           { return 1 }

// Close closes what the packets come from; a second call returns the first's result.
func (d *packets) Close() error {
	d.once.Do(func() {
		d.closing.Store(true)
		d.err = d.rwc.Close()
		close(d.events)
	})
	return d.err
}
