package uplink

import (
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/serial"
)

// transmitter puts frames on one link. It may be used by several goroutines at once.
type transmitter interface {
	// send sends packets in order, each behind r's header, and returns how many the link took. What
	// is left with errFull is to be given up; with any other error the transmitter is of no more
	// use, and what is left may go another way.
	send(r *route, packets [][]byte) (int, error)
	// tend moves what a full link has left behind.
	tend()
	// note says more of it than its name does, for status.
	note() string
	close()
}

var (
	errFull   = errors.New("the link takes no more packets")
	errClosed = errors.New("closed")
)

// route is what a path sends by. It does not change, but for what was sent.
type route struct {
	header header
	mtu    int // the longest IP packet, bytes
	link   int
	tx     transmitter
	ids    *atomic.Uint32 // IPv4 identification, shared by all that goes out

	sent  atomic.Uint64 // packets
	first atomic.Uint64 // the first sequence number, and numbered
	last  atomic.Uint64 // the same of the last
	reach atomic.Uint64 // the same of the last that was about to be sent
	acked atomic.Uint64 // the same of the last that was acknowledged
}

// believes reports whether an acknowledgment can be one of what went this way: anybody can forge
// one, and it must not hide those of the peer.
func (r *route) believes(ack uint32) bool {
	low, high := r.acked.Load(), r.reach.Load()
	if low == 0 {
		low = r.first.Load()
	}
	return low != 0 && high != 0 && serial.Diff(ack, uint32(low)) >= 0 && serial.Diff(uint32(high), ack) >= 0
}

// numbered marks a sequence number that is there.
const numbered = 1 << 32

// What a full link is waited for: a frame of 1,500 bytes takes 120 us at 100 Mb/s.
const (
	firstNap = 20 * time.Microsecond
	longNap  = time.Millisecond
	maxWait  = 50 * time.Millisecond
)

// waiting is the pauses of one wait.
type waiting struct{ next, sum time.Duration }

// more pauses, each time longer, until the wait has been long enough.
func (w *waiting) more() bool {
	if w.sum >= maxWait {
		return false
	}
	w.next = min(max(2*w.next, firstNap), longNap)
	w.sum += w.next
	ts := unix.NsecToTimespec(int64(w.next))
	// A signal may end it early, which costs another turn.
	_ = unix.Nanosleep(&ts, nil)
	return true
}
