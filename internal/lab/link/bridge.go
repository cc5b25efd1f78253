package link

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"golang.zx2c4.com/wireguard/tun"
)

// wireguard's TUN writes a virtio header of 10 bytes before each packet.
const deviceHeadroom = 16

// The largest IP packet; merged segments of a TCP stream reach it.
const devicePacket = 1<<16 - 1

// Bridge joins two TUN devices by an emulated link.
type Bridge struct {
	a, b   *end
	ab, ba *Runner
}

// end is one of the devices.
type end struct {
	dev    tun.Device
	once   sync.Once
	failed atomic.Uint64
}

// Join joins a and b until ctx is done; it is [NewBridge] and [Bridge.Run].
func Join(ctx context.Context, a, b tun.Device, ab, ba Config) error {
	bridge, err := NewBridge(a, b, ab, ba, Options{})
	if err != nil {
		return err
	}
	return bridge.Run(ctx)
}

// NewBridge prepares to carry what is read from a to b by a link ab, and back by
// ba. Of opt, Headroom and Capacity are the bridge's own.
func NewBridge(a, b tun.Device, ab, ba Config, opt Options) (*Bridge, error) {
	opt.Headroom, opt.Capacity = deviceHeadroom, deviceHeadroom+devicePacket
	br := &Bridge{a: &end{dev: a}, b: &end{dev: b}}
	var err error
	if br.ab, err = newDirection(ab, br.b, opt); err != nil {
		return nil, err
	}
	if br.ba, err = newDirection(ba, br.a, opt); err != nil {
		return nil, err
	}
	return br, nil
}

func newDirection(cfg Config, to *end, opt Options) (*Runner, error) {
	l, err := New(cfg)
	if err != nil {
		return nil, err
	}
	return NewRunner(l, to.write, opt)
}

// Run carries packets until ctx is done, which returns nil, or until a device
// fails. It takes the devices over: it drains their events, and closes both
// before it returns.
func (br *Bridge) Run(ctx context.Context) error {
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	var drains, feeds, runs sync.WaitGroup
	for _, e := range []*end{br.a, br.b} {
		drains.Go(func() {
			for range e.dev.Events() {
			}
		})
	}
	var errs [4]error
	half := func(i int, from *end, r *Runner) {
		feeds.Go(func() {
			defer cancel()
			if err := r.Feed(from.reader()); work.Err() == nil {
				errs[2*i] = err
			}
		})
		runs.Go(func() {
			defer cancel()
			errs[2*i+1] = r.Run(work)
		})
	}
	half(0, br.a, br.ab)
	half(1, br.b, br.ba)
	// Nobody may write to a device that is being closed: wireguard's userspace
	// one would panic. A blocked read, though, ends by the closing only.
	runs.Wait()
	br.a.close()
	br.b.close()
	feeds.Wait()
	drains.Wait()
	return errors.Join(errs[:]...)
}

// Runners gives the two directions, for their Stats and Reconfigure.
func (br *Bridge) Runners() (ab, ba *Runner) { return br.ab, br.ba }

// Failed counts the batches that a and b did not take whole, as a device that is
// down does not.
func (br *Bridge) Failed() (a, b uint64) { return br.a.failed.Load(), br.b.failed.Load() }

func (e *end) close() { e.once.Do(func() { _ = e.dev.Close() }) }

// reader reads whole batches into buffers of its own.
func (e *end) reader() func() ([][]byte, error) {
	batch := max(1, e.dev.BatchSize())
	bufs, sizes, packets := make([][]byte, batch), make([]int, batch), make([][]byte, batch)
	for i := range bufs {
		bufs[i] = make([]byte, deviceHeadroom+devicePacket)
	}
	return func() ([][]byte, error) {
		n, err := e.dev.Read(bufs, sizes, deviceHeadroom)
		for i := range n {
			packets[i] = bufs[i][deviceHeadroom:][:sizes[i]]
		}
		if errors.Is(err, tun.ErrTooManySegments) {
			// The device has dropped what did not fit, and goes on.
			err = nil
		}
		if errors.Is(err, os.ErrClosed) {
			// Its owner closed it; some devices panic when closed twice.
			e.once.Do(func() {})
		}
		if err != nil {
			err = fmt.Errorf("link: reading %s: %w", e.name(), err)
		}
		return packets[:n], err
	}
}

// write hands a batch to the device. Only a closed device is an error: one that
// is down, or has no room, loses packets as real ones do.
func (e *end) write(batch [][]byte) error {
	// What Write counts is bytes for some devices and packets for others.
	_, err := e.dev.Write(batch, deviceHeadroom)
	if errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("link: writing %s: %w", e.name(), err)
	}
	if err != nil {
		e.failed.Add(1)
	}
	return nil
}

func (e *end) name() string {
	name, err := e.dev.Name()
	if err != nil {
		return "a device"
	}
	return name
}
