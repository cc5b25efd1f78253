package tunneltest

import (
	"errors"
	"os"
	"sync"

	"golang.zx2c4.com/wireguard/tun"
)

// MemDevice is a tun.Device in memory. What the tunnel delivers comes out of Got; what is sent with
// put goes into the tunnel.
type MemDevice struct {
	Got    chan []byte
	In     chan []byte
	Closed chan struct{}
	once   sync.Once
}

// NewMemDevice makes one with nothing in it.
func NewMemDevice() *MemDevice {
	return &MemDevice{Got: make(chan []byte, 100000), In: make(chan []byte, 1000), Closed: make(chan struct{})}
}

// Put has the tunnel read a copy of an IP packet.
func (d *MemDevice) Put(p []byte) { d.In <- append([]byte(nil), p...) }

func (d *MemDevice) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	select {
	case <-d.Closed:
		return 0, os.ErrClosed
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

func (d *MemDevice) Write(bufs [][]byte, offset int) (int, error) {
	for _, b := range bufs {
		select {
		case d.Got <- append([]byte(nil), b[offset:]...):
		default:
			return 0, errors.New("nobody reads")
		}
	}
	return len(bufs), nil
}

func (d *MemDevice) File() *os.File           { return nil }
func (d *MemDevice) MTU() (int, error)        { return 1400, nil }
func (d *MemDevice) Name() (string, error)    { return "mem0", nil }
func (d *MemDevice) Events() <-chan tun.Event { return nil }
func (d *MemDevice) BatchSize() int           { return 32 }
func (d *MemDevice) Close() error             { d.once.Do(func() { close(d.Closed) }); return nil }
