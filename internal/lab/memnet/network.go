// Package memnet is a network of GRE packets in memory, with any number of ends,
// each at an address of its own. Ends come and go as sockets do: one that is
// closed can be opened again at the same address, and packets that come
// meanwhile find nobody. Tunnels whose two ends are in one process use it where
// no raw socket is to be had, or where there are too many of them.
package memnet

import (
	"encoding/binary"
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
func (h *Hub) Listen(a netip.Addr) (gre.Conn, error) { return h.ListenShared(a, 1) }

// ListenShared opens an end from which several readers take the packets (gre.Readers).
func (h *Hub) ListenShared(a netip.Addr, readers int) (gre.Conn, error) {
	a = a.Unmap()
	if !a.Is4() {
		return nil, fmt.Errorf("hub: address %s is not IPv4", a)
	}
	if readers < 1 || readers > gre.MaxReaders {
		return nil, fmt.Errorf("hub: %d readers: must be 1 to %d", readers, gre.MaxReaders)
	}
	e := &end{hub: h, addr: a, queues: make([]queue, readers)}
	for i := range e.queues {
		q := &e.queues[i]
		q.end, q.ready.L = e, &q.mu
	}
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
	hub    *Hub
	addr   netip.Addr
	stats  stats
	queues []queue // by gre.ReaderOf

	writeMu sync.Mutex // guards run
	run     [][]byte
}

// stats are of the fields of gre.Stats that can occur here.
type stats struct {
	received, receivedBytes, truncated, overflowed atomic.Uint64
	sent, sentBytes, badAddress                    atomic.Uint64
}

// arrive queues packets; false if the end is closed.
func (e *end) arrive(from netip.Addr, packets [][]byte) bool {
	if len(e.queues) == 1 {
		return e.queues[0].arrive(from, packets)
	}
	open := true
	for i := 0; i < len(packets); {
		q, n := e.queueOf(packets[i]), 1
		for i+n < len(packets) && e.queueOf(packets[i+n]) == q {
			n++
		}
		open = q.arrive(from, packets[i:i+n]) && open
		i += n
	}
	return open
}

// queueOf gives the queue of a packet; the first has those too short for a call ID.
func (e *end) queueOf(packet []byte) *queue {
	if len(packet) < gre.MinHeader {
		return &e.queues[0]
	}
	return &e.queues[gre.ReaderOf(binary.BigEndian.Uint16(packet[6:]), len(e.queues))]
}

// Readers gives the queues.
func (e *end) Readers() []gre.Reader {
	var all []gre.Reader
	for i := range e.queues {
		all = append(all, &e.queues[i])
	}
	return all
}

func (e *end) ReadBatch(pkts []gre.Packet) (int, error) { return e.queues[0].ReadBatch(pkts) }

// WriteBatch sends runs of packets to the same address together.
func (e *end) WriteBatch(pkts []gre.Packet) (int, error) {
	if e.queues[0].over() {
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
	for i := range e.queues {
		if unread := e.queues[i].close(); unread > 0 {
			e.hub.count(e.addr, 0, unread)
		}
	}
	return nil
}
