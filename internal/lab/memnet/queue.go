package memnet

import (
	"net"
	"net/netip"
	"sync"

	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// queue is what has come to a socket for one of its readers.
type queue struct {
	socket *socket

	mu     sync.Mutex // guards what follows
	ready  sync.Cond
	ring   []arrived // a ring of 2^n slots, which keep their memory
	head   uint32
	length int
	closed bool
}

// arrived is a packet that waits.
type arrived struct {
	from netip.Addr
	data []byte
}

// firstSlots is how many slots a queue begins with; an idle one should cost little.
const firstSlots = 4

// arrive queues packets; false if the queue is closed.
func (q *queue) arrive(from netip.Addr, packets [][]byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	for i, p := range packets {
		if q.length >= q.socket.network.opt.Queue {
			q.socket.stats.overflowed.Add(uint64(len(packets) - i))
			break
		}
		if q.length == len(q.ring) {
			q.grow()
		}
		slot := &q.ring[(q.head+uint32(q.length))&uint32(len(q.ring)-1)]
		slot.from, slot.data = from, append(slot.data[:0], p...)
		q.length++
	}
	q.ready.Signal()
	return true
}

// grow doubles the ring.
func (q *queue) grow() {
	bigger := make([]arrived, max(firstSlots, 2*len(q.ring)))
	for i := range q.length {
		bigger[i] = q.ring[(q.head+uint32(i))&uint32(len(q.ring)-1)]
	}
	q.ring, q.head = bigger, 0
}

// ReadBatch is that of a gre.Conn.
func (q *queue) ReadBatch(pkts []gre.Packet) (int, error) {
	if len(pkts) == 0 {
		return 0, nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		for q.length == 0 && !q.closed {
			q.ready.Wait()
		}
		if q.closed {
			return 0, net.ErrClosed
		}
		if n := q.take(pkts); n > 0 {
			return n, nil
		}
	}
}

// take moves waiting packets into pkts.
func (q *queue) take(pkts []gre.Packet) int {
	stats := &q.socket.stats
	n, size := 0, 0
	for n < len(pkts) && q.length > 0 {
		slot := &q.ring[q.head&uint32(len(q.ring)-1)]
		q.head++
		q.length--
		p := &pkts[n]
		if len(slot.data) > len(p.Buf) {
			stats.truncated.Add(1)
			continue
		}
		p.Addr, p.Data = slot.from, p.Buf[:copy(p.Buf, slot.data)]
		size += len(p.Data)
		n++
	}
	stats.received.Add(uint64(n))
	stats.receivedBytes.Add(uint64(size))
	return n
}

func (q *queue) over() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

// close ends those who wait, and says how many packets nobody has read.
func (q *queue) close() (unread int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	unread = q.length
	q.closed, q.ring, q.length = true, nil, 0
	q.ready.Broadcast()
	return unread
}
