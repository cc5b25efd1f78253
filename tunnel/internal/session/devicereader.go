package session

import (
	"errors"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"golang.zx2c4.com/wireguard/tun"

	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// DeviceReader reads the local device and has what it reads sent.
type DeviceReader struct {
	dev   netdev.Device
	sizes memory.Sizes
	outgoing
	more gatherer
}

// Routing says whose the packets from a device are, and counts those that are nobody's.
type Routing struct {
	Session func(ip []byte) *Session // whose a packet is, or nil
	// Unclaimed, if not nil, may keep a copy of a packet for no session, and reports whether it has
	// seen to it.
	Unclaimed func(ip []byte) bool
	Unrouted  *atomic.Uint64 // other packets for no session; nil: nobody counts them
	Loop      LoopCheck      // nil: no packet can be one that carries a tunnel
	Looped    *atomic.Uint64 // such packets, which are dropped
}

// NewDeviceReader makes a reader of a device.
func NewDeviceReader(dev netdev.Device, r Routing, sizes memory.Sizes) *DeviceReader {
	return &DeviceReader{dev: dev, sizes: sizes, outgoing: outgoing{Routing: r}}
}

// A device's MTU is anybody's to change, so a buffer takes the largest packet there is; what is
// never touched takes no memory. An odd number of cache lines from one to the next keeps their
// beginnings out of each other's way.
const readStride = headroom + 1<<16

// maxReadErrors is how many errors in a row are those of packets, or of what the device listens to
// besides; one more is its own.
const maxReadErrors = 16

// Run reads until the device is closed.
func (r *DeviceReader) Run() error {
	r.more = newGatherer(r.dev)
	// One read may fill as many as the device's batch size, after those that were gathered.
	bufs := make([][]byte, r.dev.BatchSize()+maxGather)
	slab, free := newSlab(readStride*len(bufs), r.sizes.OffHeap)
	defer free()
	for i := range bufs {
		bufs[i] = slab[i*readStride:][:readStride:readStride]
	}
	sizes := make([]int, len(bufs))
	var rest coalescer
	for failures := 0; ; {
		n, err := r.read(bufs, sizes)
		if n > 0 {
			r.sendThenRest(bufs[:n], sizes[:n], &rest)
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

// sendThenRest sends a batch. On a machine with one processor it may then pause, as the reader of
// the socket does anywhere: who makes the packets stops there as soon as one is read, so that they
// come in the smallest batches just when there are many.
func (r *DeviceReader) sendThenRest(bufs [][]byte, sizes []int, rest *coalescer) {
	if processors > 1 || !rest.eager(len(bufs)) {
		r.send(bufs, sizes)
		return
	}
	begun := time.Now()
	r.send(bufs, sizes)
	nap(rest.pause(begun, time.Now()))
}

// processors is how many the machine has.
var processors = runtime.NumCPU()

// read waits for packets, and takes what has come besides if they are few.
func (r *DeviceReader) read(bufs [][]byte, sizes []int) (n int, err error) {
	n, err = r.dev.Read(bufs, sizes, headroom)
	for err == nil && n < maxGather && r.more.waiting() {
		var next int
		next, err = r.dev.Read(bufs[n:], sizes[n:], headroom)
		n += next
	}
	return n, err
}
