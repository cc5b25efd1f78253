package capture

import (
	"encoding/binary"
	"sync"
	"time"
)

// queueSize is what may wait to be written, in bytes; as much again is being written. It is some
// tenths of a second of a busy tunnel.
const queueSize = 8 << 20

// queue holds what is to be written. Whoever fills it waits for nothing but a copy.
type queue struct {
	ready chan struct{} // has room for one: there is something to take

	mu      sync.Mutex
	filling []byte // records, one after the other; never grows beyond its capacity
	off     bool
	missed  [interfaces]uint64 // packets that found no room, since the last take
}

// record is one packet, or a comment on the next one.
type record struct {
	on      int // the interface; of no meaning for a comment
	sent    bool
	at      int64  // nanoseconds since 1970
	length  uint32 // of the packet; data may be less
	data    []byte
	comment bool
}

// recordHeader is what stands before the data of a record in the queue: interface, flags, two bytes
// of nothing, length of the data, length of the packet, time.
const recordHeader = 20

const (
	flagSent    = 1
	flagComment = 2
)

func newQueue(size int) *queue {
	return &queue{ready: make(chan struct{}, 1), filling: make([]byte, 0, size)}
}

// add takes a packet, or a comment, in two parts, of which keep bytes are kept. A comment for which
// there is no room is in the log all the same.
func (q *queue) add(on int, flags byte, at time.Time, keep int, a, b []byte) {
	length := len(a) + len(b)
	keep = min(keep, length)
	q.mu.Lock()
	if q.off {
		q.mu.Unlock()
		return
	}
	if recordHeader+keep > cap(q.filling)-len(q.filling) {
		if flags&flagComment == 0 {
			q.missed[on]++
		}
		q.mu.Unlock()
		return
	}
	var h [recordHeader]byte
	h[0], h[1] = byte(on), flags
	binary.NativeEndian.PutUint32(h[4:], uint32(keep))
	binary.NativeEndian.PutUint32(h[8:], uint32(length))
	binary.NativeEndian.PutUint64(h[12:], uint64(at.UnixNano()))
	q.filling = append(q.filling, h[:]...)
	for _, part := range [...][]byte{a, b} {
		n := min(keep, len(part))
		q.filling = append(q.filling, part[:n]...)
		keep -= n
	}
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take gives what has come, and how many packets found no room, against an empty buffer of the same
// size.
func (q *queue) take(empty []byte) (full []byte, missed [interfaces]uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	full, q.filling = q.filling, empty[:0]
	missed, q.missed = q.missed, missed
	return full, missed
}

// shut takes nothing any more.
func (q *queue) shut() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.off = true
}

// next splits the first record off what take gave.
func next(b []byte) (r record, rest []byte) {
	size := binary.NativeEndian.Uint32(b[4:])
	r = record{
		on: int(b[0]), sent: b[1]&flagSent != 0, comment: b[1]&flagComment != 0,
		length: binary.NativeEndian.Uint32(b[8:]), at: int64(binary.NativeEndian.Uint64(b[12:])),
		data: b[recordHeader : recordHeader+size],
	}
	return r, b[recordHeader+size:]
}
