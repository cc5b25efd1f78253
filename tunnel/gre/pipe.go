package gre

import (
	"net"
	"net/netip"
	"sync"
)

// PipeOptions of Pipe. The zero value is good.
type PipeOptions struct {
	// A and B are the addresses of the two ends; by default 192.0.2.1 and 192.0.2.2.
	A, B netip.Addr
	// Queue is the number of packets that may wait at each end before more are lost, as in a
	// socket's receive buffer; 0 means 4096.
	Queue int
	// Impair, if not nil, stands between the ends: it gets every packet written, and calls deliver
	// with what arrives at the other end, at once or later, from any goroutine, no time, once or
	// several times. It must copy a packet it keeps; deliver copies what it is given. It may be
	// called from several goroutines.
	Impair func(from netip.Addr, packet []byte, deliver func(packet []byte))
}

// Pipe returns the two ends of an in-memory network of GRE packets, for tests and for tunnels
// within one process. Like the network it never blocks a sender: what finds its queue full is lost
// and counted there (Stats.Overflowed). A packet for any other address than the other end's is
// counted as Stats.Unreachable. Closing one end leaves the other open.
func Pipe(opts PipeOptions) (a, b Conn) {
	if !opts.A.IsValid() {
		opts.A = netip.AddrFrom4([4]byte{192, 0, 2, 1})
	}
	if !opts.B.IsValid() {
		opts.B = netip.AddrFrom4([4]byte{192, 0, 2, 2})
	}
	if opts.Queue <= 0 {
		opts.Queue = 4096
	}
	ea, eb := newPipeEnd(opts.A, opts), newPipeEnd(opts.B, opts)
	ea.connect(eb)
	eb.connect(ea)
	return ea, eb
}

// pipeEnd is one end: the packets that wait to be read there, and the way to the other end.
type pipeEnd struct {
	addr    netip.Addr
	other   *pipeEnd
	impair  func(from netip.Addr, packet []byte, deliver func([]byte))
	deliver func(packet []byte) // into other's queue
	count   counters

	mu     sync.Mutex // guards what follows
	ready  sync.Cond
	queue  [][]byte // a ring; its slots keep their memory
	head   int
	length int
	closed bool
}

func newPipeEnd(addr netip.Addr, opts PipeOptions) *pipeEnd {
	e := &pipeEnd{addr: addr, impair: opts.Impair, queue: make([][]byte, opts.Queue)}
	e.ready.L = &e.mu
	return e
}

func (e *pipeEnd) connect(other *pipeEnd) {
	e.other = other
	e.deliver = other.arrive
}

func (e *pipeEnd) arrive(packet []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
	case e.length == len(e.queue):
		e.count.overflowed.Add(1)
	default:
		slot := &e.queue[(e.head+e.length)%len(e.queue)]
		*slot = append((*slot)[:0], packet...)
		e.length++
		e.ready.Signal()
	}
}

func (e *pipeEnd) ReadBatch(pkts []Packet) (int, error) {
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
func (e *pipeEnd) take(pkts []Packet) int {
	n, size := 0, 0
	for n < len(pkts) && e.length > 0 {
		packet := e.queue[e.head]
		e.head = (e.head + 1) % len(e.queue)
		e.length--
		p := &pkts[n]
		if len(packet) > len(p.Buf) {
			e.count.truncated.Add(1)
			continue
		}
		p.Addr = e.other.addr
		p.Data = p.Buf[:copy(p.Buf, packet)]
		size += len(packet)
		n++
	}
	e.count.received.Add(uint64(n))
	e.count.receivedBytes.Add(uint64(size))
	return n
}

func (e *pipeEnd) WriteBatch(pkts []Packet) (int, error) {
	e.mu.Lock()
	closed := e.closed
	e.mu.Unlock()
	if closed {
		return 0, net.ErrClosed
	}
	sent, size := 0, 0
	for i := range pkts {
		if pkts[i].Addr.Unmap() != e.other.addr {
			e.count.unreachable.Add(1)
			continue
		}
		if e.impair != nil {
			e.impair(e.addr, pkts[i].Data, e.deliver)
		} else {
			e.deliver(pkts[i].Data)
		}
		sent++
		size += len(pkts[i].Data)
	}
	e.count.sent.Add(uint64(sent))
	e.count.sentBytes.Add(uint64(size))
	return sent, nil
}

func (e *pipeEnd) LocalAddr() netip.Addr { return e.addr }
func (e *pipeEnd) Stats() Stats          { return e.count.snapshot() }

func (e *pipeEnd) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.queue, e.length, e.head = nil, 0, 0
	e.ready.Broadcast()
	return nil
}
