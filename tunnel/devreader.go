package tunnel

import (
	"errors"
	"os"

	"golang.zx2c4.com/wireguard/tun"

	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// deviceReader reads the local device and hands each run of packets for one session to that session.
type deviceReader struct {
	dev   netdev.Device
	route func(ip []byte) *Session // whose a packet is, or nil
}

// run reads until the device is closed.
func (r *deviceReader) run() error {
	bufs := make([][]byte, r.dev.BatchSize())
	for i := range bufs {
		bufs[i] = make([]byte, bufferSize)
	}
	sizes := make([]int, len(bufs))
	for {
		n, err := r.dev.Read(bufs, sizes, headroom)
		if err != nil && !errors.Is(err, tun.ErrTooManySegments) {
			if errors.Is(err, os.ErrClosed) {
				return nil
			}
			return err
		}
		if n > 0 {
			r.dispatch(bufs[:n], sizes[:n])
		}
	}
}

func (r *deviceReader) dispatch(bufs [][]byte, sizes []int) {
	for i := 0; i < len(bufs); {
		s := r.route(bufs[i][headroom : headroom+sizes[i]])
		end := i + 1
		for end < len(bufs) && r.route(bufs[end][headroom:headroom+sizes[end]]) == s {
			end++
		}
		if s != nil {
			s.sendPackets(bufs[i:end], sizes[i:end])
		}
		i = end
	}
}
