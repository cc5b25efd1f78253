package soak

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// datagramSender sends those of one direction.
type datagramSender struct {
	content  *content
	from, to *trafficSockets

	mu   sync.Mutex // one sender at a time
	next uint64
	buf  [maxDatagram]byte

	newest atomic.Uint64 // number of the newest that was made
	sent   atomic.Uint64 // taken by a socket
	rate   atomic.Int64  // a second; 0: none
	burst  atomic.Int64
}

// set chooses how many are sent.
func (d *datagramSender) set(rate, burst int) {
	d.burst.Store(int64(max(1, burst)))
	d.rate.Store(int64(rate))
}

// pause stops run, and waits for what it is sending.
func (d *datagramSender) pause() {
	d.set(0, 1)
	d.mu.Lock()
	defer d.mu.Unlock()
}

// run sends what set has chosen until ctx ends. A sender that was late leaves out what it has
// missed.
func (d *datagramSender) run(ctx context.Context) {
	const idle = 10 * time.Millisecond
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for {
		wait := idle
		if rate := d.rate.Load(); rate > 0 {
			burst := d.burst.Load()
			d.send(int(burst))
			wait = time.Duration(burst) * time.Second / time.Duration(rate)
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
	}
}

// send sends so many at once. Without a device nothing is sent.
func (d *datagramSender) send(count int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	socket, _ := d.from.udpSocket()
	_, to := d.to.udpSocket()
	if socket == nil || to == nil {
		return
	}
	for range count {
		d.next++
		d.newest.Store(d.next)
		if _, err := socket.WriteTo(d.content.fill(d.buf[:], d.next), to); err == nil {
			d.sent.Add(1)
		}
	}
}
