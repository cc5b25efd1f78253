package scale

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/cputime"
	"github.com/arc4tun/arc4tun/internal/lab/memnet"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// ReceiveConfig says how a server's receiving is measured: packets that clients have
// sent are recorded, and then handed to the server as fast as it reads them. So no
// client takes time of the processors meanwhile, nor does the network.
type ReceiveConfig struct {
	Config
	Readers int // of the server's address; the calls are spread over them
	Packets int // in all; they are kept in memory
	// Sockets has the packets wait in the kernel, in raw sockets of the server's
	// with buffers for all of them, and not in lists. It takes the right to such
	// sockets, and to buffers of any size.
	Sockets bool
}

// ReceiveRow is what came of it.
type ReceiveRow struct {
	Sessions, Readers, Cores int
	Sockets                  bool
	Packets, Bytes           int
	Duration, CPU            time.Duration
}

// PacketsPerSecond is the rate of the server's receiving, from its sockets to its
// device.
func (r ReceiveRow) PacketsPerSecond() float64 { return float64(r.Packets) / r.Duration.Seconds() }

// recorder keeps what clients send to a server, and feeds the server with it.
type recorder struct {
	gre.Conn // of the network
	network  *memnet.Network
	readers  []*replayReader

	mu      sync.Mutex
	taking  bool
	data    int                     // packets with data that were recorded
	from    map[netip.Addr][][]byte // what each client sent
	packets []gre.Packet            // in the order of the feeding
	sockets gre.Conn                // nil: the feeders have lists
	senders map[netip.Addr]gre.Conn // to the sockets
}

// replayReader is one of the server's readers: of the network, and once it feeds of what was
// recorded.
type replayReader struct {
	network, socket gre.Reader
	replaying       atomic.Bool
	packets         []gre.Packet
	next            int
}

func newRecorder(h *memnet.Network, readers int) (*recorder, error) {
	conn, err := h.ListenShared(serverOuter, readers)
	if err != nil {
		return nil, err
	}
	r := &recorder{Conn: conn, network: h, from: make(map[netip.Addr][][]byte), senders: make(map[netip.Addr]gre.Conn)}
	for _, q := range gre.Readers(conn) {
		r.readers = append(r.readers, &replayReader{network: q})
	}
	return r, nil
}

// Readers gives the feeders.
func (r *recorder) Readers() (all []gre.Reader) {
	for _, f := range r.readers {
		all = append(all, f)
	}
	return all
}

// take records packets; false while it is off.
func (r *recorder) take(from netip.Addr, packets [][]byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.taking {
		return false
	}
	for _, p := range packets {
		r.from[from] = append(r.from[from], append([]byte(nil), p...))
		if carriesData(p) {
			r.data++
		}
	}
	return true
}

// recorded is how many packets with data there are; acknowledgments may come between them.
func (r *recorder) recorded() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.data
}

// carriesData reports whether a GRE packet has an MPPE packet in it.
func carriesData(p []byte) bool {
	_, payload, err := gre.Parse(p)
	if err != nil {
		return false
	}
	protocol, _, err := ppp.ParseFrame(payload)
	return err == nil && protocol == ppp.ProtoCompressed
}

// runLength is how many packets of one session come after one another.
const runLength = 4

// shuffle puts the packets of all clients into one row, a few of each in turn.
func (r *recorder) shuffle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taking = false
	for more := true; more; {
		more = false
		for a, ps := range r.from {
			n := min(runLength, len(ps))
			for _, p := range ps[:n] {
				r.packets = append(r.packets, gre.Packet{Addr: a, Data: p})
			}
			r.from[a] = ps[n:]
			more = more || len(ps) > n
		}
	}
}

// distribute gives every feeder a list of its packets.
func (r *recorder) distribute() {
	for _, p := range r.packets {
		f := r.readers[gre.ReaderOf(binary.BigEndian.Uint16(p.Data[6:]), len(r.readers))]
		f.packets = append(f.packets, p)
	}
}

// startReplay begins the replay: a packet of no session ends the wait of each reader.
func (r *recorder) startReplay() {
	for _, f := range r.readers {
		f.replaying.Store(true)
	}
	for id := range r.readers {
		r.network.Arrive(serverInner, r.LocalAddr(), gre.AckOnly(uint16(id), 0).AppendTo(nil))
	}
}

func (f *replayReader) ReadBatch(pkts []gre.Packet) (int, error) {
	switch {
	case !f.replaying.Load():
		return f.network.ReadBatch(pkts)
	case f.socket != nil:
		n, err := f.socket.ReadBatch(pkts)
		if !errors.Is(err, net.ErrClosed) {
			return n, err
		}
		f.replaying.Store(false)
		return f.network.ReadBatch(pkts)
	}
	n := 0
	for n < len(pkts) && f.next < len(f.packets) {
		p := &f.packets[f.next]
		pkts[n].Addr, pkts[n].Data = p.Addr, pkts[n].Buf[:copy(pkts[n].Buf, p.Data)]
		n++
		f.next++
	}
	if f.next == len(f.packets) {
		f.replaying.Store(false)
	}
	return n, nil
}

// MeasureReceive measures a server's receiving alone.
func MeasureReceive(ctx context.Context, cfg ReceiveConfig) (ReceiveRow, error) {
	var err error
	if cfg.Config, err = cfg.withDefaults(); err != nil {
		return ReceiveRow{}, err
	}
	if cfg.Readers < 1 || cfg.Readers > gre.MaxReaders || cfg.Packets < cfg.Sessions {
		return ReceiveRow{}, fmt.Errorf("scale: %d readers and %d packets for %d sessions: must be 1 to %d readers, and a packet for each session", cfg.Readers, cfg.Packets, cfg.Sessions, gre.MaxReaders)
	}
	c, err := openReplay(ctx, cfg)
	if err != nil {
		return ReceiveRow{}, fmt.Errorf("scale: the way in: %w", err)
	}
	row := ReceiveRow{
		Sessions: cfg.Sessions, Readers: cfg.Readers, Cores: runtime.GOMAXPROCS(0), Sockets: cfg.Sockets, Bytes: cfg.Bytes,
	}
	if _, err = c.setUp(ctx); err == nil {
		err = c.record(ctx, cfg.Packets/cfg.Sessions)
	}
	if err == nil {
		c.recorder.distribute()
		if cfg.Sockets {
			err = c.recorder.fillSockets()
		}
		runtime.GC()
	}
	if err == nil {
		err = c.replay(ctx, &row)
	}
	closeErr := c.recorder.closeSockets()
	_, err2 := c.close()
	if err = errors.Join(err, closeErr, err2); err != nil {
		return row, fmt.Errorf("scale: the way in: %w", err)
	}
	return row, nil
}

// openReplay opens a server that receives from a recorder.
func openReplay(ctx context.Context, cfg ReceiveConfig) (*testbed, error) {
	var c *testbed
	carry := func(from, to netip.Addr, packets [][]byte) {
		if to != serverOuter || !c.recorder.take(from, packets) {
			c.network.Arrive(from, to, packets...)
		}
	}
	c, err := newTestbed(cfg.Config, memnet.Options{Queue: 2 * maxUnderWay, Carry: carry})
	if err != nil {
		return nil, err
	}
	if c.recorder, err = newRecorder(c.network, cfg.Readers); err != nil {
		return nil, err
	}
	c.device.discard = true
	return c, c.open(ctx)
}

// record has every client send so many packets, none of which arrives yet.
func (c *testbed) record(ctx context.Context, each int) error {
	r := c.recorder
	r.mu.Lock()
	r.taking = true
	r.mu.Unlock()
	for _, cl := range c.clients {
		cl.device.start(each)
	}
	for limit := time.Now().Add(callTimeout); ; pause(ctx, time.Millisecond) {
		n := r.recorded()
		switch {
		case n >= each*len(c.clients):
			r.shuffle()
			return nil
		case time.Now().After(limit) || ctx.Err() != nil:
			return errors.Join(ctx.Err(), fmt.Errorf("%d of %d packets were recorded", n, each*len(c.clients)))
		}
	}
}

// replay hands over what was recorded, and measures until all of it is at the device.
func (c *testbed) replay(ctx context.Context, row *ReceiveRow) error {
	for _, cl := range c.clients {
		_, sent := cl.device.returnedAndAway()
		row.Packets += int(sent)
	}
	c.device.expect(row.Packets)
	began, spent := time.Now(), cputime.Process()
	c.recorder.startReplay()
	select {
	case <-c.device.all:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(2 * callTimeout):
		return fmt.Errorf("%d packets did not come through", c.device.missing.Load())
	}
	row.Duration, row.CPU = time.Since(began), cputime.Process()-spent
	return nil
}

// receiveCount is what a device counts that sends nothing back.
type receiveCount struct {
	discard bool
	missing atomic.Int64
	all     chan struct{} // closed when none is missing any more
}

func (c *receiveCount) expect(packets int) {
	c.all = make(chan struct{})
	c.missing.Store(int64(packets))
}

// count takes packets off; their numbers must count up in every session.
func (d *serverDevice) count(bufs [][]byte, offset int) {
	for _, b := range bufs {
		p := b[offset:]
		session := binary.BigEndian.Uint32(p[12:]) - d.first
		if session < uint32(len(d.next)) && binary.BigEndian.Uint64(p[payloadAt:]) == d.next[session] {
			d.next[session]++
			continue
		}
		d.mu.Lock()
		d.fail("server: number %d of session %d is not the next", binary.BigEndian.Uint64(p[payloadAt:]), session)
		d.mu.Unlock()
	}
	if d.missing.Add(-int64(len(bufs))) == 0 {
		close(d.all)
	}
}
