package soak

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/lab"
	"github.com/arc4tun/arc4tun/internal/lab/link"
)

// testbed is a lab with a server, a client and traffic between them.
type testbed struct {
	lab            *lab.Lab
	server, client *endpoint
	settings       [2]endSettings // of the server and the client as they are
	serverAt       serverAddress
	backend        *arc4.Backend
	log            *slog.Logger
	flows          [2]*datagramSender  // download, upload
	received       [2]*datagramChecker // where they end
	delivered      [2]*datagramChecker // where the tunnel delivers them
	streams        *streams
	pressure       memoryPressure
	stopSenders    context.CancelFunc
	senders        sync.WaitGroup
	balanceTimeout time.Duration // how long accounts may take to add up
	unheard        [2]uint64     // of each direction, what no socket has heard

	mu     sync.Mutex
	faults []string
}

// The directions.
const (
	download = iota
	upload
)

var directionNames = [...]string{"download", "upload"}

// openTestbed makes a lab and everything in it, and returns when the tunnel is up.
func openTestbed(ctx context.Context, cfg Config, server, client endSettings, seed uint64) (*testbed, error) {
	l, err := lab.New(ctx, lab.Config{
		Mode: cfg.Mode, Why: cfg.Why, Backend: cfg.Backend,
		Download: link.Config{Seed: 2*seed + 1}, Upload: link.Config{Seed: 2*seed + 2},
	})
	if err != nil {
		return nil, err
	}
	tb := &testbed{lab: l, settings: [2]endSettings{server, client}, backend: cfg.Backend, log: cfg.Log, balanceTimeout: cfg.balanceTimeout}
	contents := [2]*content{newContent(2 * seed), newContent(2*seed + 1)}
	for i := range contents {
		tb.received[i], tb.delivered[i] = newDatagramChecker(contents[i]), newDatagramChecker(contents[i])
	}
	tb.server = newEnd("server", l.Server(), tb.delivered[upload], newDatagramChecker(contents[download]), tb.received[upload], tb.fault)
	tb.client = newEnd("client", l.Client(), tb.delivered[download], newDatagramChecker(contents[upload]), tb.received[download], tb.fault)
	tb.client.wrapDevice = cfg.wrapDevice
	tb.streams = newStreams(tb.client.host, tb.server.traffic)
	tb.server.traffic.accept = tb.streams.accept
	tb.client.traffic.accept = resetConn
	tb.flows[download] = &datagramSender{content: contents[download], from: tb.server.traffic, to: tb.client.traffic}
	tb.flows[upload] = &datagramSender{content: contents[upload], from: tb.client.traffic, to: tb.server.traffic}
	senders, stop := context.WithCancel(context.Background())
	tb.stopSenders = stop
	for _, f := range tb.flows {
		tb.senders.Go(func() { f.run(senders) })
	}
	if err := tb.begin(ctx); err != nil {
		return nil, errors.Join(err, tb.close())
	}
	return tb, nil
}

// end gives the sender of a direction.
func (tb *testbed) end(direction int) *endpoint { return [2]*endpoint{tb.server, tb.client}[direction] }

// begin starts both ends and waits until traffic passes.
func (tb *testbed) begin(ctx context.Context) error {
	if err := tb.startServer(); err != nil {
		return err
	}
	if err := tb.startClient(); err != nil {
		return err
	}
	if err := tb.waitForTraffic(ctx); err != nil {
		return err
	}
	tb.pause()
	_, err := tb.balance(ctx, false)
	return err
}

func newEnd(name string, host lab.Host, from, to, sink *datagramChecker, fault func(string, ...any)) *endpoint {
	return &endpoint{name: name, host: host, clock: newClock(), device: deviceTap{delivered: from, accepted: to}, traffic: &trafficSockets{received: sink}, fault: fault}
}

// fault notes what must not happen.
func (tb *testbed) fault(format string, values ...any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.faults = append(tb.faults, fmt.Sprintf(format, values...))
}

// takeFaults gives what was noted, and forgets it.
func (tb *testbed) takeFaults() (faults []string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	faults, tb.faults = tb.faults, nil
	return faults
}

// close ends everything in order.
func (tb *testbed) close() error {
	tb.pressure.end()
	for _, f := range tb.flows {
		f.set(0, 1)
	}
	tb.stopSenders()
	tb.senders.Wait()
	err := tb.lab.SetLink(link.Config{}, link.Config{})
	for _, e := range []*endpoint{tb.client, tb.server} {
		if len(e.instances) > 0 {
			e.finish(false)
		}
	}
	return errors.Join(err, tb.lab.Close())
}

func (tb *testbed) startServer() error {
	return startServer(tb.server, &tb.serverAt, tb.settings[0], tb.backend, tb.log, tb.client.host)
}

func (tb *testbed) startClient() error {
	return startClient(tb.client, &tb.serverAt, tb.settings[1], tb.backend, tb.log)
}

// recoveryTimeout bounds every wait for what must come once the link is good again. It is far more
// than the longest timer of TCP and PPP together, for machines that have much else to do.
const recoveryTimeout = 3 * time.Minute

// balanceTimeout is how long accounts may take to add up: what waits anywhere goes on within a
// second.
const balanceTimeout = recoveryTimeout / 4

// waitForTraffic returns when datagrams that are sent from now on have come through both ways, to
// the sockets at the ends. No end need send an echo then: what decrypts is a sign of life.
func (tb *testbed) waitForTraffic(ctx context.Context) error {
	var from [2]uint64
	for i, f := range tb.flows {
		from[i] = f.newest.Load()
		f.set(50, 1)
	}
	return poll(ctx, recoveryTimeout, "no packet passes the tunnel", func() (string, bool) {
		for i := range from {
			if _, newest, _ := tb.received[i].snapshot(); newest <= from[i] {
				return directionNames[i], false
			}
		}
		return "", true
	})
}

// poll waits until done reports true. The error says what was awaited, and how things stood.
func poll(ctx context.Context, patience time.Duration, what string, done func() (state string, ok bool)) error {
	limit := time.Now().Add(patience)
	for {
		state, ok := done()
		switch {
		case ok:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(limit):
			return fmt.Errorf("%s, after %v of waiting: %s", what, patience, state)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// pause stops the datagrams.
func (tb *testbed) pause() {
	for _, f := range tb.flows {
		f.pause()
	}
}

// accounts reads every counter of both directions.
func (tb *testbed) accounts() (down, up directionAccount) {
	s, c := tb.server.account(), tb.client.account()
	dl, ul := tb.lab.GRE()
	return directionAccount{directionNames[download], s, c, dl, tb.unheard[download]}, directionAccount{directionNames[upload], c, s, ul, tb.unheard[upload]}
}

func (e *endpoint) account() *endCounters {
	t := e.counters()
	wr := &e.gre.written
	return &endCounters{
		taken: e.device.packetsTaken.Load(), given: e.device.packetsDelivered.Load(), tunnel: t,
		data: wr.data.Load(), control: wr.control.Load(), acks: wr.acks.Load(), closed: wr.closed.Load(),
		read: e.gre.read.Load(), socket: e.gre.stats(),
	}
}

// balancedLooks is for how many looks in a row all equations must hold: nothing is under way then.
const balancedLooks = 3

// balance waits until all equations hold with nothing under way, and gives the accounts.
func (tb *testbed) balance(ctx context.Context, socketsClosed bool, more ...func(down, up directionAccount) []equation) (accounts [2]directionAccount, err error) {
	good := 0
	err = poll(ctx, tb.balanceTimeout, "the accounts do not add up", func() (string, bool) {
		down, up := tb.accounts()
		accounts = [2]directionAccount{down, up}
		state := ""
		lines := append(down.equations(socketsClosed), up.equations(socketsClosed)...)
		for _, m := range more {
			lines = append(lines, m(down, up)...)
		}
		for _, l := range lines {
			if !l.Balanced() {
				state += l.String() + "; "
			}
		}
		if held := down.to.tunnel["window_held"] + up.to.tunnel["window_held"]; held > 0 {
			state += fmt.Sprintf("%d packets wait in windows; ", held)
		}
		if good++; state != "" {
			good = 0
		}
		return state, good >= balancedLooks
	})
	if err == nil && socketsClosed {
		for i, b := range accounts {
			tb.unheard[i] = b.link.Delivered - b.heard()
		}
	}
	return accounts, err
}
