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

// world is a lab with a server, a client and traffic between them.
type world struct {
	lab            *lab.Lab
	server, client *end
	settings       [2]Settings // of the server and the client as they are
	at             address
	backend        *arc4.Backend
	log            *slog.Logger
	flows          [2]*datagrams // download, upload
	sinks          [2]*numbers   // where they end
	exits          [2]*numbers   // where the tunnel delivers them
	streams        *streams
	pressure       pressure
	stopSenders    context.CancelFunc
	senders        sync.WaitGroup
	books          time.Duration // how long accounts may take to add up
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

// openWorld makes a lab and everything in it, and returns when the tunnel is up.
func openWorld(ctx context.Context, cfg Config, server, client Settings, seed uint64) (*world, error) {
	l, err := lab.New(ctx, lab.Config{
		Mode: cfg.Mode, Why: cfg.Why, Backend: cfg.Backend,
		Download: link.Config{Seed: 2*seed + 1}, Upload: link.Config{Seed: 2*seed + 2},
	})
	if err != nil {
		return nil, err
	}
	w := &world{lab: l, settings: [2]Settings{server, client}, backend: cfg.Backend, log: cfg.Log, books: cfg.books}
	contents := [2]*content{newContent(2 * seed), newContent(2*seed + 1)}
	for i := range contents {
		w.sinks[i], w.exits[i] = newNumbers(contents[i]), newNumbers(contents[i])
	}
	w.server = newEnd("server", l.Server(), w.exits[upload], newNumbers(contents[download]), w.sinks[upload], w.fault)
	w.client = newEnd("client", l.Client(), w.exits[download], newNumbers(contents[upload]), w.sinks[download], w.fault)
	w.client.plant = cfg.plant
	w.streams = newStreams(w.client.host, w.server.port)
	w.server.port.accept = w.streams.accept
	w.client.port.accept = abort
	w.flows[download] = &datagrams{content: contents[download], from: w.server.port, to: w.client.port}
	w.flows[upload] = &datagrams{content: contents[upload], from: w.client.port, to: w.server.port}
	senders, stop := context.WithCancel(context.Background())
	w.stopSenders = stop
	for _, f := range w.flows {
		w.senders.Go(func() { f.run(senders) })
	}
	if err := w.begin(ctx); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// end gives the sender of a direction.
func (w *world) end(direction int) *end { return [2]*end{w.server, w.client}[direction] }

// begin starts both ends and waits until traffic passes.
func (w *world) begin(ctx context.Context) error {
	if err := w.startServer(); err != nil {
		return err
	}
	if err := w.startClient(); err != nil {
		return err
	}
	if err := w.live(ctx); err != nil {
		return err
	}
	w.pause()
	_, err := w.balance(ctx, false)
	return err
}

func newEnd(name string, host lab.Host, from, to, sink *numbers, fault func(string, ...any)) *end {
	return &end{name: name, host: host, clock: newClock(), local: local{from: from, to: to}, port: &port{sink: sink}, fault: fault}
}

// fault notes what must not happen.
func (w *world) fault(format string, values ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, fmt.Sprintf(format, values...))
}

// takeFaults gives what was noted, and forgets it.
func (w *world) takeFaults() (faults []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	faults, w.faults = w.faults, nil
	return faults
}

// close ends everything in order.
func (w *world) close() error {
	w.pressure.end()
	for _, f := range w.flows {
		f.set(0, 1)
	}
	w.stopSenders()
	w.senders.Wait()
	err := w.lab.SetLink(link.Config{}, link.Config{})
	for _, e := range []*end{w.client, w.server} {
		if len(e.lives) > 0 {
			e.finish(false)
		}
	}
	return errors.Join(err, w.lab.Close())
}

func (w *world) startServer() error {
	return startServer(w.server, &w.at, w.settings[0], w.backend, w.log, w.client.host)
}

func (w *world) startClient() error {
	return startClient(w.client, &w.at, w.settings[1], w.backend, w.log)
}

// patience bounds every wait for what must come once the link is good again. It is far more than
// the longest timer of TCP and PPP together, for machines that have much else to do.
const patience = 3 * time.Minute

// booksPatience is how long accounts may take to add up: what waits anywhere goes on within a
// second.
const booksPatience = patience / 4

// live returns when datagrams that are sent from now on have come through both ways, to the sockets
// at the ends. No end need send an echo then: what deciphers is a sign of life.
func (w *world) live(ctx context.Context) error {
	var from [2]uint64
	for i, f := range w.flows {
		from[i] = f.newest.Load()
		f.set(50, 1)
	}
	return until(ctx, patience, "no packet passes the tunnel", func() (string, bool) {
		for i := range from {
			if _, newest, _ := w.sinks[i].snapshot(); newest <= from[i] {
				return directionNames[i], false
			}
		}
		return "", true
	})
}

// until polls. The error says what was awaited, and how things stood.
func until(ctx context.Context, patience time.Duration, what string, done func() (state string, ok bool)) error {
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
func (w *world) pause() {
	for _, f := range w.flows {
		f.pause()
	}
}

// account reads every counter of both directions.
func (w *world) account() (down, up way) {
	s, c := w.server.account(), w.client.account()
	dl, ul := w.lab.GRE()
	return way{directionNames[download], s, c, dl, w.unheard[download]}, way{directionNames[upload], c, s, ul, w.unheard[upload]}
}

func (e *end) account() *side {
	t := e.tally()
	wr := &e.gre.written
	return &side{
		taken: e.local.taken.Load(), given: e.local.given.Load(), tunnel: t,
		data: wr.data.Load(), control: wr.control.Load(), acks: wr.acks.Load(), closed: wr.closed.Load(),
		read: e.gre.read.Load(), socket: e.gre.stats(),
	}
}

// settled is for how many looks in a row the books must balance: nothing is under way then.
const settled = 3

// balance waits until all books balance with nothing under way, and gives them.
func (w *world) balance(ctx context.Context, socketsClosed bool, more ...func(down, up way) []Line) (books [2]way, err error) {
	good := 0
	err = until(ctx, w.books, "the accounts do not add up", func() (string, bool) {
		down, up := w.account()
		books = [2]way{down, up}
		state := ""
		lines := append(down.lines(socketsClosed), up.lines(socketsClosed)...)
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
		return state, good >= settled
	})
	if err == nil && socketsClosed {
		for i, b := range books {
			w.unheard[i] = b.link.Delivered - b.heard()
		}
	}
	return books, err
}
