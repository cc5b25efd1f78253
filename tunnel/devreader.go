package tunnel

import (
	"errors"
	"os"

	"golang.zx2c4.com/wireguard/tun"

	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// deviceReader reads the local device and has what it reads sent.
type deviceReader struct {
	dev netdev.Device
	dispatch
	more gatherer
}

// A device's MTU is anybody's to change, so a buffer takes the largest packet there is; what is
// never touched takes no memory. An odd number of cache lines from one to the next keeps their
// beginnings out of each other's way.
const readStride = headroom + 1<<16

// maxReadErrors is how many errors in a row are those of packets, or of what the device listens to
// besides; one more is its own.
const maxReadErrors = 16

// run reads until the device is closed.
func (r *deviceReader) run() error {
	r.more = newGatherer(r.dev)
	// One read may fill as many as the device's batch size, after those that were gathered.
	bufs := make([][]byte, r.dev.BatchSize()+maxGather)
	slab := make([]byte, readStride*len(bufs))
	for i := range bufs {
		bufs[i] = slab[i*readStride:][:readStride:readStride]
	}
	sizes := make([]int, len(bufs))
	for failures := 0; ; {
		n, err := r.read(bufs, sizes)
		if n > 0 {
			r.send(bufs[:n], sizes[:n])
		}
		switch {
		case err == nil, errors.Is(err, tun.ErrTooManySegments):
			failures = 0
		case errors.Is(err, os.ErrClosed):
			return nil
		case errors.Is(err, netdev.ErrDeleted):
			return err
		default:
			if failures++; failures > maxReadErrors {
				return err
			}
		}
	}
}

// read waits for packets, and takes what has come besides if they are few.
func (r *deviceReader) read(bufs [][]byte, sizes []int) (n int, err error) {
	n, err = r.dev.Read(bufs, sizes, headroom)
	for err == nil && n < maxGather && r.more.waiting() {
		var next int
		next, err = r.dev.Read(bufs[n:], sizes[n:], headroom)
		n += next
	}
	return n, err
}
