package memnet

import (
	"errors"
	"os"
	"sync"

	"golang.zx2c4.com/wireguard/tun"
)

// Device is the local end of a tunnel in memory, a netdev.Device: the tunnel reads what is in In,
// and what it delivers is in Got.
type Device struct {
	In  chan []byte
	Got chan []byte
	End error // what Read fails with after Close, which is called after it was changed

	closed chan struct{}
	once   sync.Once
}

// How many packets a device holds that nobody has taken yet.
const (
	roomGot = 100_000
	roomIn  = 1000
)

// NewDevice makes a device without packets.
func NewDevice() *Device {
	return &Device{Got: make(chan []byte, roomGot), In: make(chan []byte, roomIn), End: os.ErrClosed, closed: make(chan struct{})}
}

// Put puts a copy of a packet into In. It waits while the device is full.
func (d *Device) Put(p []byte) { d.In <- append([]byte(nil), p...) }

// Read takes what waits, as soon as there is something.
func (d *Device) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	select {
	case <-d.closed:
		return 0, d.End
	case p := <-d.In:
		sizes[0] = copy(bufs[0][offset:], p)
	}
	n := 1
	for n < len(bufs) {
		select {
		case p := <-d.In:
			sizes[n] = copy(bufs[n][offset:], p)
			n++
		default:
			return n, nil
		}
	}
	return n, nil
}

// Write fails when Got is full.
func (d *Device) Write(bufs [][]byte, offset int) (int, error) {
	for i, b := range bufs {
		select {
		case d.Got <- append([]byte(nil), b[offset:]...):
		default:
			return i, errors.New("nobody takes what the tunnel delivers")
		}
	}
	return len(bufs), nil
}

// Close ends Read.
func (d *Device) Close() error { d.once.Do(func() { close(d.closed) }); return nil }

// File, MTU, Name, Events and BatchSize are what else a netdev.Device has. The MTU is
// tunnel.DefaultMTU.
func (d *Device) File() *os.File           { return nil }
func (d *Device) MTU() (int, error)        { return 1400, nil }
func (d *Device) Name() (string, error)    { return "memory0", nil }
func (d *Device) Events() <-chan tun.Event { return nil }
func (d *Device) BatchSize() int           { return 32 }
