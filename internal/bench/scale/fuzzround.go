package scale

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/arc4tun/arc4tun/internal/lab/memnet"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/trace"
)

// fuzzRound is one round: a server, a legitimate client, and everybody else.
type fuzzRound struct {
	cfg        FuzzConfig
	bed        *testbed
	counts     hostileCounts
	peerNumber uint64 // counts hostile peers, each with random numbers of its own

	hostileClientCount, hostileServerCount, forgedNear, victimCalls atomic.Uint64
	traceLines                                                      atomic.Uint64
	refused, calls, packets                                         uint64
	arrived                                                         atomic.Uint64 // GRE packets that were put into the server's queue

	mu     sync.Mutex
	faults []string
}

func (f *fuzzRound) fault(format string, values ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, fmt.Sprintf(format, values...))
}

// sum adds a round to the result.
func (f *fuzzRound) sum(r *FuzzResult) {
	r.Lives += f.hostileClientCount.Load()
	r.ServerLives += f.hostileServerCount.Load()
	r.Connections += f.counts.connections.Load()
	r.Refused += f.refused
	r.Calls += f.calls
	r.Links += f.counts.links.Load()
	r.Messages += f.counts.messages.Load()
	r.Frames += f.counts.frames.Load()
	r.Forged += f.counts.forged.Load()
	r.ForgedNear += f.forgedNear.Load()
	r.Falls += f.victimCalls.Load()
	r.Packets += f.packets
	r.Traced += f.traceLines.Load()
	r.Faults = append(r.Faults, f.faults...)
}

// run plays the round, and judges the legitimate session.
func (f *fuzzRound) run(ctx context.Context, lasts time.Duration) error {
	if err := f.open(ctx); err != nil {
		return err
	}
	legitimate := f.bed.clients[0]
	before := f.session()
	if f.cfg.sabotage != nil {
		f.cfg.sabotage(f.bed)
	}
	legitimate.device.start(legitimateWindow)
	playing, stop := context.WithTimeout(ctx, lasts)
	defer stop()
	var all sync.WaitGroup
	for range f.cfg.Peers {
		all.Go(func() { f.runHostileClients(playing) })
	}
	all.Go(func() { f.runHostileServers(playing) })
	all.Go(func() { f.runVictim(playing) })
	all.Go(func() { f.forgePackets(playing) })
	all.Go(func() { f.watchTrace(playing) })
	all.Wait()
	legitimate.device.pause()
	settled := f.bed.settle(context.WithoutCancel(ctx))
	f.judge(before, settled)
	_, err := f.bed.close()
	if err != nil {
		f.fault("ending everything: %v", err)
	}
	return ctx.Err()
}

// judge demands that the legitimate session is the one that it was, and that none of its packets is
// missing.
func (f *fuzzRound) judge(before sessionID, settled error) {
	cl := f.bed.clients[0]
	if settled != nil {
		f.fault("packets of the legitimate session: %v", settled)
	}
	if err := errors.Join(cl.device.firstFailure(), f.bed.device.firstFailure()); err != nil {
		f.fault("packets of the legitimate session: %v", err)
	}
	if after := f.session(); after != before {
		f.fault("the legitimate session was %v and is %v", before, after)
	}
	select {
	case err := <-cl.ended:
		cl.ended <- err
		f.fault("the legitimate client has ended: %v", err)
	default:
	}
	back, _ := cl.device.returnedAndAway()
	f.packets = back
	if back == 0 {
		f.fault("the legitimate session has carried nothing")
	}
	snapshot := f.bed.server.Snapshot()
	f.calls, f.refused = snapshot.Totals.Sessions, snapshot.Refused["connections"]
	for _, s := range append(snapshot.Sessions, cl.tunnel.Snapshot().Sessions...) {
		if (s.User == cl.user) && (s.Window.Lost > 0 || s.PacketsIn != back || s.PacketsOut != back) {
			f.fault("the legitimate session has lost packets: %d in, %d out, %d lost, where %d went there and back", s.PacketsIn, s.PacketsOut, s.Window.Lost, back)
		}
	}
}

// open starts the server and the legitimate client.
func (f *fuzzRound) open(ctx context.Context) error {
	cfg, err := Config{Sessions: 1, Bytes: fuzzSize, Log: f.cfg.Log}.withDefaults()
	if err != nil {
		return err
	}
	var wires *memnet.Network
	f.bed, err = newTestbed(cfg, memnet.Options{Queue: queueRoom, Carry: func(from, to netip.Addr, packets [][]byte) {
		if to == serverOuter {
			f.arrived.Add(uint64(len(packets)))
		}
		wires.Arrive(from, to, packets...)
	}})
	if err != nil {
		return err
	}
	wires = f.bed.network
	c := f.bed
	c.device.others = true
	c.extraSessions, c.settleTimeout, c.trace = 4096, f.cfg.leakTimeout, trace.New(nil)
	for _, user := range []string{hostileUser, victimUser} {
		c.accounts[user] = tunnel.Account{Account: ppp.Account{Password: c.password}}
	}
	if err := c.open(ctx); err != nil {
		return err
	}
	cl, err := newClient(0, cfg, c.network, c.address, c.password, newClientDevice(c.cfg.deviceBatch(), fuzzSize))
	if err != nil {
		return err
	}
	cl.device.gap = legitimateGap
	c.clients = append(c.clients, cl)
	_, err = c.setUp(ctx)
	return err
}

// watchTrace reads the trace of all real ends, as somebody does who looks for what is wrong:
// nobody's password is in it, and nothing that does not print.
func (f *fuzzRound) watchTrace(ctx context.Context) {
	tap := f.bed.trace.Open(netip.Addr{})
	defer tap.Close()
	for ctx.Err() == nil {
		for _, l := range tap.Next(ctx) {
			f.traceLines.Add(1)
			if strings.Contains(l.Text, f.bed.password) || strings.ContainsFunc(l.Text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				f.fault("the trace shows %q", l.Text)
			}
		}
	}
}

// sessionID tells a session from any other.
type sessionID struct {
	client, server     string
	clientUp, serverUp time.Time
}

// session is the legitimate one, as both ends know it.
func (f *fuzzRound) session() (id sessionID) {
	cl := f.bed.clients[0]
	for _, s := range cl.tunnel.Snapshot().Sessions {
		id.client, id.clientUp = s.ID+" "+s.State, s.Since
	}
	for _, s := range f.bed.server.Snapshot().Sessions {
		if s.User == cl.user {
			id.server, id.serverUp = s.ID+" "+s.State, s.Since
		}
	}
	return id
}

// waitForRoom waits until the server's socket has some.
func (f *fuzzRound) waitForRoom() {
	for f.arrived.Load() > (*f.bed.socket.Load()).Stats().Received+queueRoom/4 {
		time.Sleep(time.Millisecond)
	}
}
