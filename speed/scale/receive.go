package scale

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/speed/hub"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// ReceiveConfig says how a server's way in is measured: packets that clients have
// sent are recorded, and then handed to the server's sockets as fast as it reads
// them. So no client takes time of the processors meanwhile, nor does the network.
type ReceiveConfig struct {
	Config
	Readers int // sockets, each with a goroutine that reads it; the sessions are spread over them
	Cores   int // that Go may use; 0: as it is
	Packets int // in all; they are kept in memory
}

// ReceiveRow is what came of it.
type ReceiveRow struct {
	Sessions, Readers, Cores int
	Packets, Bytes           int
	Duration, CPU            time.Duration
}

// PacketsPerSecond is the rate of the server's way in, from its sockets to its
// device.
func (r ReceiveRow) PacketsPerSecond() float64 { return float64(r.Packets) / r.Duration.Seconds() }

// recorder keeps what clients send to a server, and feeds the server with it.
type recorder struct {
	gre.Conn
	hub *hub.Hub

	mu      sync.Mutex
	taking  bool
	from    map[netip.Addr][][]byte // what each client sent
	feed    []gre.Packet            // in the order of the feeding
	feeding atomic.Bool
	next    int
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
	}
	return true
}

// feedRun is how many packets of one session come after one another.
const feedRun = 4

// shuffle puts the packets of all clients into one row, a few of each in turn.
func (r *recorder) shuffle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taking = false
	for more := true; more; {
		more = false
		for a, ps := range r.from {
			n := min(feedRun, len(ps))
			for _, p := range ps[:n] {
				r.feed = append(r.feed, gre.Packet{Addr: a, Data: p})
			}
			r.from[a] = ps[n:]
			more = more || len(ps) > n
		}
	}
}

// start begins the feeding: a packet for nobody ends the wait of the reader.
func (r *recorder) start() {
	r.feeding.Store(true)
	r.hub.Arrive(serverInner, r.LocalAddr(), make([]byte, 8))
}

func (r *recorder) ReadBatch(pkts []gre.Packet) (int, error) {
	if !r.feeding.Load() {
		return r.Conn.ReadBatch(pkts)
	}
	n := 0
	for n < len(pkts) && r.next < len(r.feed) {
		p := &r.feed[r.next]
		pkts[n].Addr, pkts[n].Data = p.Addr, pkts[n].Buf[:copy(pkts[n].Buf, p.Data)]
		n++
		r.next++
	}
	if r.next == len(r.feed) {
		r.feeding.Store(false)
	}
	return n, nil
}

// MeasureReceive measures a server's way in.
func MeasureReceive(ctx context.Context, cfg ReceiveConfig) (ReceiveRow, error) {
	var err error
	if cfg.Config, err = cfg.withDefaults(); err != nil {
		return ReceiveRow{}, err
	}
	if cfg.Readers < 1 || cfg.Readers > cfg.Sessions || cfg.Packets < cfg.Sessions {
		return ReceiveRow{}, fmt.Errorf("scale: %d readers and %d packets for %d sessions: must be 1 reader, and a packet for each session, at least", cfg.Readers, cfg.Packets, cfg.Sessions)
	}
	c, err := openReceivers(ctx, cfg)
	if err != nil {
		return ReceiveRow{}, fmt.Errorf("scale: the way in: %w", err)
	}
	row := ReceiveRow{Sessions: cfg.Sessions, Readers: cfg.Readers, Bytes: cfg.Bytes}
	if _, err = c.setUp(ctx); err == nil {
		err = c.record(ctx, cfg.Packets/cfg.Sessions)
	}
	if err == nil {
		if cfg.Cores > 0 {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cfg.Cores))
		}
		row.Cores = runtime.GOMAXPROCS(0)
		err = c.feed(ctx, &row)
	}
	_, closeErr := c.close()
	if err = errors.Join(err, closeErr); err != nil {
		return row, fmt.Errorf("scale: the way in: %w", err)
	}
	return row, nil
}

// openReceivers opens a server with an address, and so a socket and a reader, for
// each of so many parts of the clients.
func openReceivers(ctx context.Context, cfg ReceiveConfig) (*crowd, error) {
	var c *crowd
	recorders := make(map[netip.Addr]*recorder)
	carry := func(from, to netip.Addr, packets [][]byte) {
		if r := recorders[to]; r == nil || !r.take(from, packets) {
			c.hub.Arrive(from, to, packets...)
		}
	}
	c, err := newCrowd(cfg.Config, hub.Options{Queue: 2 * maxUnderWay, Carry: carry})
	if err != nil {
		return nil, err
	}
	a := serverOuter
	for range cfg.Readers {
		conn, err := c.hub.Listen(a)
		if err != nil {
			return nil, err
		}
		r := &recorder{Conn: conn, hub: c.hub, from: make(map[netip.Addr][][]byte)}
		recorders[a], c.recorders = r, append(c.recorders, r)
		a = a.Next()
	}
	c.dev.discard = true
	return c, c.open(ctx)
}

// record has every client send so many packets, none of which arrives yet.
func (c *crowd) record(ctx context.Context, each int) error {
	for _, r := range c.recorders {
		r.mu.Lock()
		r.taking = true
		r.mu.Unlock()
	}
	for _, g := range c.guests {
		g.dev.start(each)
	}
	for limit := time.Now().Add(patience); ; pause(ctx, time.Millisecond) {
		n := 0
		for _, r := range c.recorders {
			r.mu.Lock()
			for _, ps := range r.from {
				n += len(ps)
			}
			r.mu.Unlock()
		}
		switch {
		case n >= each*len(c.guests):
			for _, r := range c.recorders {
				r.shuffle()
			}
			runtime.GC()
			return nil
		case time.Now().After(limit) || ctx.Err() != nil:
			return errors.Join(ctx.Err(), fmt.Errorf("%d of %d packets were recorded", n, each*len(c.guests)))
		}
	}
}

// feed hands over what was recorded, and measures until all of it is at the device.
func (c *crowd) feed(ctx context.Context, row *ReceiveRow) error {
	for _, g := range c.guests {
		_, sent := g.dev.rounds()
		row.Packets += int(sent)
	}
	c.dev.expect(row.Packets)
	began, spent := time.Now(), cpuTime()
	for _, r := range c.recorders {
		r.start()
	}
	select {
	case <-c.dev.all:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(2 * patience):
		return fmt.Errorf("%d packets did not come through", c.dev.missing.Load())
	}
	row.Duration, row.CPU = time.Since(began), cpuTime()-spent
	return nil
}

// counting is what a device counts that sends nothing back.
type counting struct {
	discard bool
	missing atomic.Int64
	all     chan struct{} // closed when none is missing any more
}

func (c *counting) expect(packets int) {
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
		d.complain("server: number %d of session %d is not the next", binary.BigEndian.Uint64(p[payloadAt:]), session)
		d.mu.Unlock()
	}
	if d.missing.Add(-int64(len(bufs))) == 0 {
		close(d.all)
	}
}
