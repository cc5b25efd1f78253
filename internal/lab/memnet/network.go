// Package memnet is a network in memory: it joins GRE sockets, each at an address of its own, and
// has a device for the local end of a tunnel. Tunnels whose two ends are in one process use it
// where no raw socket is to be had, or where there are too many of them.
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

// DefaultQueue is how many packets may wait at a socket when Options do not say.
const DefaultQueue = 4096

// Options of a Network. The zero value is good.
type Options struct {
	// Queue is how many packets may wait at a socket before more are lost, as in a receive
	// buffer; 0: DefaultQueue.
	Queue int
	// Carry, if not nil, stands between the sockets: it gets every run of packets that one sends
	// to an address, and calls Arrive with what comes there. The packets are valid during the
	// call. It may be called from several goroutines.
	Carry func(from, to netip.Addr, packets [][]byte)
}

// Network carries packets between its sockets, which come and go: one that is closed can be opened
// again at the same address, and packets that come meanwhile find nobody. The methods may be called
// from any goroutine.
type Network struct {
	opt Options

	mu      sync.RWMutex
	sockets map[netip.Addr]*socket
	stats   map[netip.Addr]Stats // of addresses for which there is something to count
}

// New makes a network without sockets.
func New(opt Options) *Network {
	if opt.Queue <= 0 {
		opt.Queue = DefaultQueue
	}
	return &Network{opt: opt, sockets: make(map[netip.Addr]*socket), stats: make(map[netip.Addr]Stats)}
}

// Stats counts packets that no socket has in its own account.
type Stats struct {
	Nobody uint64 // came to an address without a socket
	Unread uint64 // waited at a socket when that was closed
}

// Stats gives the counters of an address.
func (n *Network) Stats(a netip.Addr) Stats {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.stats[a]
}

func (n *Network) count(a netip.Addr, nobody, unread int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.stats[a]
	s.Nobody += uint64(nobody)
	s.Unread += uint64(unread)
	n.stats[a] = s
}

// Listen opens the socket at an IPv4 address. The error is that there is one already.
func (n *Network) Listen(a netip.Addr) (gre.Conn, error) { return n.ListenShared(a, 1) }

// ListenShared opens a socket from which several readers take the packets (gre.Readers).
func (n *Network) ListenShared(a netip.Addr, readers int) (gre.Conn, error) {
	a = a.Unmap()
	if !a.Is4() {
		return nil, fmt.Errorf("memnet: address %s is not IPv4", a)
	}
	if readers < 1 || readers > gre.MaxReaders {
		return nil, fmt.Errorf("memnet: %d readers: must be 1 to %d", readers, gre.MaxReaders)
	}
	s := &socket{network: n, addr: a, queues: make([]queue, readers)}
	for i := range s.queues {
		q := &s.queues[i]
		q.socket, q.ready.L = s, &q.mu
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.sockets[a] != nil {
		return nil, fmt.Errorf("memnet: the socket at %s is open already", a)
	}
	n.sockets[a] = s
	return s, nil
}

// Arrive hands packets that came from an address to the socket at another.
func (n *Network) Arrive(from, to netip.Addr, packets ...[]byte) {
	n.mu.RLock()
	s := n.sockets[to]
	n.mu.RUnlock()
	if s == nil || !s.arrive(from, packets) {
		n.count(to, len(packets), 0)
	}
}

func (n *Network) send(from, to netip.Addr, packets [][]byte) {
	if n.opt.Carry != nil {
		n.opt.Carry(from, to, packets)
		return
	}
	n.Arrive(from, to, packets...)
}

func (n *Network) remove(s *socket) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.sockets[s.addr] == s {
		delete(n.sockets, s.addr)
	}
}

// socket is a gre.Conn at one address.
type socket struct {
	network *Network
	addr    netip.Addr
	stats   stats
	queues  []queue // by gre.ReaderOf

	writeMu sync.Mutex // guards run
	run     [][]byte
}

// stats are of the fields of gre.Stats that can occur here.
type stats struct {
	received, receivedBytes, truncated, overflowed atomic.Uint64
	sent, sentBytes, badAddress                    atomic.Uint64
}

// arrive queues packets; false if the socket is closed.
func (s *socket) arrive(from netip.Addr, packets [][]byte) bool {
	if len(s.queues) == 1 {
		return s.queues[0].arrive(from, packets)
	}
	open := true
	for i := 0; i < len(packets); {
		q, n := s.queueOf(packets[i]), 1
		for i+n < len(packets) && s.queueOf(packets[i+n]) == q {
			n++
		}
		open = q.arrive(from, packets[i:i+n]) && open
		i += n
	}
	return open
}

// queueOf gives the queue of a packet; the first has those too short for a call ID.
func (s *socket) queueOf(packet []byte) *queue {
	if len(packet) < gre.MinHeader {
		return &s.queues[0]
	}
	return &s.queues[gre.ReaderOf(binary.BigEndian.Uint16(packet[6:]), len(s.queues))]
}

// Readers gives the queues.
func (s *socket) Readers() []gre.Reader {
	var all []gre.Reader
	for i := range s.queues {
		all = append(all, &s.queues[i])
	}
	return all
}

func (s *socket) ReadBatch(pkts []gre.Packet) (int, error) { return s.queues[0].ReadBatch(pkts) }

// WriteBatch sends runs of packets to the same address together.
func (s *socket) WriteBatch(pkts []gre.Packet) (int, error) {
	if s.queues[0].over() {
		return 0, net.ErrClosed
	}
	s.writeMu.Lock()
	defer s.writeMu.Unlock()
	sent, size := 0, 0
	for i := 0; i < len(pkts); {
		to := pkts[i].Addr
		s.run = s.run[:0]
		for ; i < len(pkts) && pkts[i].Addr == to; i++ {
			s.run = append(s.run, pkts[i].Data)
		}
		if to = to.Unmap(); !to.Is4() {
			s.stats.badAddress.Add(uint64(len(s.run)))
			continue
		}
		s.network.send(s.addr, to, s.run)
		sent += len(s.run)
		for _, p := range s.run {
			size += len(p)
		}
	}
	s.stats.sent.Add(uint64(sent))
	s.stats.sentBytes.Add(uint64(size))
	return sent, nil
}

func (s *socket) LocalAddr() netip.Addr { return s.addr }

func (s *socket) Stats() gre.Stats {
	c := &s.stats
	return gre.Stats{
		Received: c.received.Load(), ReceivedBytes: c.receivedBytes.Load(),
		Truncated: c.truncated.Load(), Overflowed: c.overflowed.Load(),
		Sent: c.sent.Load(), SentBytes: c.sentBytes.Load(), BadAddress: c.badAddress.Load(),
	}
}

func (s *socket) Close() error {
	s.network.remove(s)
	for i := range s.queues {
		if unread := s.queues[i].close(); unread > 0 {
			s.network.count(s.addr, 0, unread)
		}
	}
	return nil
}
