package probe

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/diagnosis"
	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// call is the control connection and what goes on over it. All of it belongs to one goroutine; two
// others only read.
type call struct {
	*walk
	ctx   context.Context
	limit *time.Timer // of the walk, or nil

	tcp     net.Conn
	said    chan []byte // over TCP; closed at its end
	readErr error       // why, once said is closed
	pns     *control.PNS
	over    bool // the control connection is

	conn     gre.Conn
	out      *sender
	arrivals *arrivals
	packets  chan packet
	gone     chan struct{} // closed when the call is, and nobody takes anything any more

	link     *ppp.Link
	linkOver bool
	acker    gre.Acker
	seq      *gre.Sequencer
	toServer uint16 // the call ID in packets to the server
	toUs     uint16

	acked, agreed bool // LCP: the server has agreed to our request, we have to its own
	magic         uint32
	heardSeq      bool // lastSeq is the server's furthest number
	lastSeq       uint32
	echoes        echoes
}

// packet is one of the server's, with the time when it came.
type packet struct {
	data []byte
	at   time.Time
}

const (
	// silence is how long GRE may take to pass both ways.
	silence = 6 * time.Second
	// farewellTime is how long a server may take to end a call that it was asked to end by GRE:
	// pppd asks twice whether the other end agrees, three seconds apart.
	farewellTime = 10 * time.Second
	// closeTime is how long ending the link, and then the call, may take.
	closeTime = 700 * time.Millisecond
)

// walkOn takes the steps behind the TCP connection.
func (c *call) walkOn() {
	c.listen()
	c.pns = control.NewPNS(control.PNSConfig{CallID: func() uint16 { return c.toUs }, StopTimeout: time.Second})
	c.said = make(chan []byte, 16)
	go readTCP(c.tcp, c.said, c.gone, &c.readErr)
	f := &c.facts
	c.Begun(diagnosis.Answer)
	c.pns.Start(time.Now())
	c.until(control.DefaultReplyTimeout+time.Second, func() bool { return f.Control.Started != nil })
	if !c.judge(c.ctx, diagnosis.Answer) {
		return
	}
	c.Begun(diagnosis.Call)
	c.until(control.DefaultReplyTimeout+time.Second, func() bool { return f.Control.Call != nil })
	if !c.judge(c.ctx, diagnosis.Call) {
		return
	}
	if c.passGRE() && c.negotiate() && c.ctx.Err() == nil {
		if c.limit != nil {
			c.limit.Stop() // the measuring has a time of its own
		}
		c.measure()
	}
}

// listen opens what GRE takes, before the server sends any.
func (c *call) listen() {
	var id [2]byte
	_, _ = rand.Read(id[:]) // never fails
	c.toUs = binary.BigEndian.Uint16(id[:]) | 1
	c.gone = make(chan struct{})
	local, err := netip.ParseAddrPort(c.tcp.LocalAddr().String())
	if err == nil {
		err = c.openSockets(local.Addr().Unmap())
	}
	c.facts.GRE.Permission = err
}

func (c *call) openSockets(local netip.Addr) (err error) {
	peer := c.server.Addr()
	if c.conn, err = gre.Listen(local, gre.Options{Peer: peer, IO: gre.ModeRaw, RecvBuffer: 256 << 10, SendBuffer: 64 << 10}); err != nil {
		return err
	}
	_ = gre.AcceptCalls(c.conn, c.toUs) // where there is no filter, take looks
	if c.out, err = newSender(local, peer, c.conn); err != nil {
		return err
	}
	c.arrivals, _ = countArrivals(peer) // without it only less is known
	c.packets = make(chan packet, 256)
	go readGRE(c.conn, c.packets, c.gone)
	return nil
}

func readTCP(tcp net.Conn, said chan<- []byte, gone <-chan struct{}, why *error) {
	defer close(said)
	buf := make([]byte, 1024)
	for {
		n, err := tcp.Read(buf)
		if n > 0 {
			select {
			case said <- append([]byte(nil), buf[:n]...):
			case <-gone:
				return
			}
		}
		if err != nil {
			*why = err
			return
		}
	}
}

func readGRE(conn gre.Conn, packets chan<- packet, gone <-chan struct{}) {
	batch := make([]gre.Packet, 16)
	for i := range batch {
		batch[i].Buf = make([]byte, 2048)
	}
	for {
		n, err := conn.ReadBatch(batch)
		if err != nil {
			return
		}
		at := time.Now()
		for _, p := range batch[:n] {
			select {
			case packets <- packet{append([]byte(nil), p.Data...), at}:
			case <-gone:
				return
			}
		}
	}
}

// until works the call until done reports so, the time is up, the walk ends or nothing is left that
// could change anything; false: done did not.
func (c *call) until(atMost time.Duration, done func() bool) bool {
	timer := time.NewTimer(0)
	defer timer.Stop()
	end := time.Now().Add(atMost)
	for {
		c.work()
		now := time.Now()
		switch {
		case done():
			return true
		case c.over && (c.link == nil || c.linkOver) || c.link != nil && c.linkOver || !now.Before(end) || c.ctx.Err() != nil:
			if errors.Is(context.Cause(c.ctx), errSlow) {
				c.facts.Link.Slow, c.facts.Link.Waited = true, c.Limit
			}
			return false
		}
		timer.Reset(min(end.Sub(now), c.wait(now)))
		select {
		case <-c.ctx.Done():
		case <-timer.C:
		case data, more := <-c.said:
			c.hear(data, more)
		case p := <-c.packets:
			c.take(p)
		}
	}
}

// work does what is due, and says what there is to say.
func (c *call) work() {
	now := time.Now()
	if !c.over {
		c.pns.Tick(now)
		c.speak()
		for _, e := range c.pns.Events() {
			c.event(e)
		}
		c.speak()
	}
	if c.link == nil || c.linkOver {
		return
	}
	c.link.Tick(now)
	if ack, due := c.acker.Due(now); due {
		_ = c.out.send(gre.AckOnly(c.toServer, ack).AppendTo(nil), false)
	}
}

// wait is how long there is nothing to do.
func (c *call) wait(now time.Time) time.Duration {
	wait := time.Second
	soon := func(at time.Time, some bool) {
		if some {
			wait = min(wait, max(0, at.Sub(now)))
		}
	}
	soon(c.pns.Deadline())
	if c.link != nil {
		soon(c.link.Deadline())
		soon(c.acker.Deadline())
	}
	return wait
}

// speak writes what the control connection has to say.
func (c *call) speak() {
	out := c.pns.Output()
	if len(out) == 0 {
		return
	}
	_ = c.tcp.SetWriteDeadline(time.Now().Add(closeTime))
	_, _ = c.tcp.Write(out) // what is wrong, reading finds
}

// hear takes what came over TCP, or its end.
func (c *call) hear(data []byte, more bool) {
	if !more {
		c.said = nil
		c.pns.Lost(time.Now(), c.readErr)
		return
	}
	c.pns.Input(time.Now(), data)
}

// event takes one of the control connection's.
func (c *call) event(e control.Event) {
	f := &c.facts.Control
	switch e := e.(type) {
	case control.Started:
		f.Started = &e
	case control.CallUp:
		f.Call = &e
		c.toServer = e.PeerCallID
	case control.CallDown:
		c.ended(e.Reason)
	case control.Closed:
		c.over = true
		c.ended(e.Reason)
	}
}

// ended takes why the server has ended the call; only the first reason counts.
func (c *call) ended(why error) {
	f := &c.facts
	if f.Control.Err == nil {
		f.Control.Err = why
	}
	if f.Control.Call == nil {
		return
	}
	if f.GRE.Farewell {
		f.GRE.HungUp = true
	}
	if f.Link.Ended == nil {
		f.Link.Ended = why
	}
	if c.link != nil {
		c.link.LowerDownFor(time.Now(), why.Error())
	}
}

// close ends the link and the call in order, within moments.
func (c *call) close() {
	c.ctx = context.Background()
	if c.link != nil && !c.linkOver && !c.over {
		c.link.Close(time.Now(), "the check is done")
		c.until(closeTime, func() bool { return c.linkOver })
	}
	if c.pns != nil && !c.over {
		c.linkOver = c.link == nil // for until: TCP goes on
		c.link = nil
		c.pns.Shutdown(time.Now())
		c.until(closeTime, func() bool { return c.over })
	}
	if c.gone != nil {
		close(c.gone)
	}
	if c.tcp != nil {
		c.tcp.Close()
	}
	if c.conn != nil {
		_ = c.conn.Close()
	}
	if c.out != nil {
		c.out.close()
	}
	c.arrivals.close()
}
