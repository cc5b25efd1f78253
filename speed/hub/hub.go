// Package hub is a network of GRE packets in memory, with any number of ends,
// each at an address of its own. Ends come and go as sockets do: one that is
// closed can be opened again at the same address, and packets that come
// meanwhile find nobody. Tunnels whose two ends are in one process use it where
// no raw socket is to be had, or where there are too many of them.
package hub

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// DefaultQueue is how many packets may wait at an end when Options do not say.
const DefaultQueue = 4096

// Options of a Hub. The zero value is good.
type Options struct {
	// Queue is how many packets may wait at an end before more are lost, as in a
	// socket's receive buffer; 0: DefaultQueue.
	Queue int
	// Carry, if not nil, stands between the ends: it gets every run of packets
	// that an end sends to an address, and calls Arrive with what comes there. The
	// packets are valid during the call. It may be called from several goroutines.
	Carry func(from, to netip.Addr, packets [][]byte)
}

// Hub joins its ends. Its methods may be called from any goroutine.
type Hub struct {
	opt Options

	mu    sync.RWMutex
	ends  map[netip.Addr]*end
	stats map[netip.Addr]Stats // of addresses for which there is something to count
}

// New makes a hub without ends.
func New(opt Options) *Hub {
	if opt.Queue <= 0 {
		opt.Queue = DefaultQueue
	}
	return &Hub{opt: opt, ends: make(map[netip.Addr]*end), stats: make(map[netip.Addr]Stats)}
}

// Stats counts packets that no end has in its own account.
type Stats struct {
	Nobody uint64 // came to an address without an end
	Unread uint64 // waited at an end when that was closed
}

// Stats gives the counters of an address.
func (h *Hub) Stats(a netip.Addr) Stats {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.stats[a]
}

func (h *Hub) count(a netip.Addr, nobody, unread int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stats[a]
	s.Nobody += uint64(nobody)
	s.Unread += uint64(unread)
	h.stats[a] = s
}

// Listen opens the end at an IPv4 address. The error is that there is one already.
func (h *Hub) Listen(a netip.Addr) (gre.Conn, error) {
	a = a.Unmap()
	if !a.Is4() {
		return nil, fmt.Errorf("hub: address %s is not IPv4", a)
	}
	e := &end{hub: h, addr: a}
	e.ready.L = &e.mu
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ends[a] != nil {
		return nil, fmt.Errorf("hub: the end at %s is open already", a)
	}
	h.ends[a] = e
	return e, nil
}

// Arrive hands packets that came from an address to the end at another.
func (h *Hub) Arrive(from, to netip.Addr, packets ...[]byte) {
	h.mu.RLock()
	e := h.ends[to]
	h.mu.RUnlock()
	if e == nil || !e.arrive(from, packets) {
		h.count(to, len(packets), 0)
	}
}

func (h *Hub) send(from, to netip.Addr, packets [][]byte) {
	if h.opt.Carry != nil {
		h.opt.Carry(from, to, packets)
		return
	}
	h.Arrive(from, to, packets...)
}

func (h *Hub) remove(e *end) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ends[e.addr] == e {
		delete(h.ends, e.addr)
	}
}

// end is a gre.Conn at one address.
type end struct {
	hub   *Hub
	addr  netip.Addr
	stats stats

	mu     sync.Mutex // guards what follows
	ready  sync.Cond
	ring   []arrived // a ring of 2^n slots, which keep their memory
	head   uint32
	length int
	closed bool

	writeMu sync.Mutex // guards run
	run     [][]byte
}

// arrived is a packet that waits.
type arrived struct {
	from netip.Addr
	data []byte
}

// stats are of the fields of gre.Stats that can occur here.
type stats struct {
	received, receivedBytes, truncated, overflowed atomic.Uint64
	sent, sentBytes, badAddress                    atomic.Uint64
}

// firstSlots is how many slots an end begins with; an idle one should cost little.
const firstSlots = 4

// arrive queues packets; false if the end is closed.
func (e *end) arrive(from netip.Addr, packets [][]byte) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	for i, p := range packets {
		if e.length >= e.hub.opt.Queue {
			e.stats.overflowed.Add(uint64(len(packets) - i))
			break
		}
		if e.length == len(e.ring) {
			e.grow()
		}
		slot := &e.ring[(e.head+uint32(e.length))&uint32(len(e.ring)-1)]
		slot.from, slot.data = from, append(slot.data[:0], p...)
		e.length++
	}
	e.ready.Signal()
	return true
}

// grow doubles the ring.
func (e *end) grow() {
	bigger := make([]arrived, max(firstSlots, 2*len(e.ring)))
	for i := range e.length {
		bigger[i] = e.ring[(e.head+uint32(i))&uint32(len(e.ring)-1)]
	}
	e.ring, e.head = bigger, 0
}

func (e *end) ReadBatch(pkts []gre.Packet) (int, error) {
	if len(pkts) == 0 {
		return 0, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		for e.length == 0 && !e.closed {
			e.ready.Wait()
		}
		if e.closed {
			return 0, net.ErrClosed
		}
		if n := e.take(pkts); n > 0 {
			return n, nil
		}
	}
}

// take moves waiting packets into pkts.
func (e *end) take(pkts []gre.Packet) int {
	n, size := 0, 0
	for n < len(pkts) && e.length > 0 {
		slot := &e.ring[e.head&uint32(len(e.ring)-1)]
		e.head++
		e.length--
		p := &pkts[n]
		if len(slot.data) > len(p.Buf) {
			e.stats.truncated.Add(1)
			continue
		}
		p.Addr, p.Data = slot.from, p.Buf[:copy(p.Buf, slot.data)]
		size += len(p.Data)
		n++
	}
	e.stats.received.Add(uint64(n))
	e.stats.receivedBytes.Add(uint64(size))
	return n
}

// WriteBatch sends runs of packets to the same address together.
func (e *end) WriteBatch(pkts []gre.Packet) (int, error) {
	e.mu.Lock()
	closed := e.closed
	e.mu.Unlock()
	if closed {
		return 0, net.ErrClosed
	}
	e.writeMu.Lock()
	defer e.writeMu.Unlock()
	sent, size := 0, 0
	for i := 0; i < len(pkts); {
		to := pkts[i].Addr
		e.run = e.run[:0]
		for ; i < len(pkts) && pkts[i].Addr == to; i++ {
			e.run = append(e.run, pkts[i].Data)
		}
		if to = to.Unmap(); !to.Is4() {
			e.stats.badAddress.Add(uint64(len(e.run)))
			continue
		}
		e.hub.send(e.addr, to, e.run)
		sent += len(e.run)
		for _, p := range e.run {
			size += len(p)
		}
	}
	e.stats.sent.Add(uint64(sent))
	e.stats.sentBytes.Add(uint64(size))
	return sent, nil
}

func (e *end) LocalAddr() netip.Addr { return e.addr }

func (e *end) Stats() gre.Stats {
	s := &e.stats
	return gre.Stats{
		Received: s.received.Load(), ReceivedBytes: s.receivedBytes.Load(),
		Truncated: s.truncated.Load(), Overflowed: s.overflowed.Load(),
		Sent: s.sent.Load(), SentBytes: s.sentBytes.Load(), BadAddress: s.badAddress.Load(),
	}
}

func (e *end) Close() error {
	e.hub.remove(e)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.length > 0 {
		e.hub.count(e.addr, 0, e.length)
	}
	e.closed, e.ring, e.length = true, nil, 0
	e.ready.Broadcast()
	return nil
}
