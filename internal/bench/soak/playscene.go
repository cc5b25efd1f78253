package soak

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// SceneResult is what came of a scene.
type SceneResult struct {
	Number   int           `json:"number"`
	Kind     string        `json:"kind"`
	Scene    string        `json:"scene"`
	Took     time.Duration `json:"took_ns"`  // with all that follows it
	Sessions uint64        `json:"sessions"` // that began in it
	Memory   Memory        `json:"memory"`   // after it
	Traffic  [2]Traffic    `json:"traffic"`  // download, upload
	Faults   []string      `json:"faults,omitempty"`
}

// Traffic is what one direction has carried.
type Traffic struct {
	Datagrams   uint64 `json:"datagrams"` // sent
	Delivered   uint64 `json:"delivered"` // of those, to the socket at the other end
	StreamBytes uint64 `json:"stream_bytes"`
	GRE         uint64 `json:"gre"` // packets
	Lost        uint64 `json:"gre_lost"`
	Duplicated  uint64 `json:"gre_duplicated"`
	Reordered   uint64 `json:"window_buffered"` // packets that waited for others
	LostNumbers uint64 `json:"window_lost"`
	Late        uint64 `json:"window_under"`
	Twice       uint64 `json:"window_duplicated"` // and those that MPPE knew
	Wraps       uint64 `json:"sequence_wraps"`
	Turns       uint64 `json:"coherency_wraps"`
	Before      uint64 `json:"disordered_before"` // datagrams that were late already when the tunnel took them
	late        late
}

func (t Traffic) minus(o Traffic) Traffic {
	return Traffic{
		t.Datagrams - o.Datagrams, t.Delivered - o.Delivered, t.StreamBytes - o.StreamBytes, t.GRE - o.GRE, t.Lost - o.Lost,
		t.Duplicated - o.Duplicated, t.Reordered - o.Reordered, t.LostNumbers - o.LostNumbers, t.Late - o.Late, t.Twice - o.Twice,
		t.Wraps - o.Wraps, t.Turns - o.Turns, t.Before - o.Before, t.late.since(o.late),
	}
}

func (t Traffic) plus(o Traffic) Traffic { return t.minus(Traffic{}.minus(o)) }

// traffic reads the sums of a direction.
func (w *world) traffic(direction int, b way) Traffic {
	sunk, _, _ := w.sinks[direction].snapshot()
	from := w.end(direction)
	return Traffic{
		Datagrams: w.flows[direction].sent.Load(), Delivered: sunk.came, StreamBytes: w.streams.received[direction].Load(),
		GRE: b.link.Sent, Lost: b.link.Lost + b.link.Overflowed, Duplicated: b.link.Duplicated,
		Reordered: b.to.tunnel["window_buffered"], LostNumbers: b.to.tunnel["window_lost"], Late: b.to.tunnel["window_under"],
		Twice: b.to.tunnel["window_duplicated"] + b.to.tunnel["in_repeated"],
		Wraps: from.gre.wraps.Load(), Turns: from.gre.turns.Load(), Before: w.late(direction).taken, late: w.late(direction),
	}
}

// play plays a scene and checks all that is demanded after it. What is wrong is in the result; the
// error is that it cannot go on: the tunnel does not come back, or ctx has ended.
func (w *world) play(ctx context.Context, s Scene) (r SceneResult, err error) {
	r = SceneResult{Number: s.Number, Kind: s.Kind}
	began := time.Now()
	defer func() {
		w.pressure.end()
		r.Took = time.Since(began)
		r.Faults = append(r.Faults, w.takeFaults()...)
	}()
	before, err := w.prepare(ctx, s)
	if err != nil {
		return r, err
	}
	was := [2]Traffic{w.traffic(download, before[0]), w.traffic(upload, before[1])}
	var open []*stream
	for i := range was {
		one, err := w.streams.start(ctx, i == upload, s.Load.Stream)
		if err != nil {
			return r, err
		}
		open = append(open, one)
		w.flows[i].set(s.Load.Datagrams, s.Load.Burst)
	}
	err = w.act(ctx, s)
	acted := [2]late{w.late(download), w.late(upload)}
	// Whatever has happened: the link is good again now, and everybody is there.
	err = errors.Join(err, w.calm(), w.live(ctx))
	for _, one := range open {
		one.stop.Store(true)
	}
	for _, one := range open {
		if streamErr := w.streams.finish(one, s.losesDevices() || err != nil); streamErr != nil && err == nil {
			w.fault("%v", streamErr)
		}
	}
	w.pause()
	if err != nil {
		return r, err
	}
	w.check(ctx, s, before, was, &r)
	for i := range was {
		w.checkOrder(i, s, acted[i].since(was[i].late), w.late(i).since(acted[i]))
	}
	return r, nil
}

// late counts the datagrams of a direction that a later one has overtaken, at three places.
type late struct{ taken, delivered, received uint64 }

func (l late) since(o late) late {
	return late{l.taken - o.taken, l.delivered - o.delivered, l.received - o.received}
}

// added is how many have come late that were not so when the tunnel took them. A stack with several
// senders at once does not keep their order either: each of them hands on some other's packet.
func (l late) added() uint64 {
	return max(l.delivered, l.received) - min(l.taken, max(l.delivered, l.received))
}

func (w *world) late(direction int) late {
	taken, _, _ := w.end(direction).local.to.snapshot()
	delivered, _, _ := w.exits[direction].snapshot()
	received, _, _ := w.sinks[direction].snapshot()
	return late{taken.overtaken, delivered.overtaken, received.overtaken}
}

// checkOrder demands that none came late during the scene or after it, where that is forbidden.
func (w *world) checkOrder(direction int, s Scene, during, after late) {
	policy := w.policy(direction)
	if policy == reorder.Immediate {
		if s.overtakes() {
			return
		}
		if s.delays() {
			// What is sent when the delay is gone overtakes what was sent before.
			after = late{}
		}
	}
	if during.added()+after.added() > 0 {
		_, _, sample := w.exits[direction].snapshot()
		w.fault("%s: datagrams came late, %+v in the scene and %+v after it, which policy %v on this link forbids: %s",
			directionNames[direction], during, after, policy, sample)
	}
}

// policy is that of the receiver of a direction.
func (w *world) policy(direction int) reorder.Policy { return w.settings[1-direction].Policy }

// prepare starts ends anew if the scene says so, and gives the books before it.
func (w *world) prepare(ctx context.Context, s Scene) (books [2]way, err error) {
	if s.Client != nil || s.Server != nil {
		w.client.finish(false)
		if s.Server != nil {
			w.server.finish(false)
			w.settings[0] = *s.Server
			if err := w.startServer(); err != nil {
				return books, err
			}
		}
		if s.Client != nil {
			w.settings[1] = *s.Client
		}
		if err := w.startClient(); err != nil {
			return books, err
		}
		if err := w.live(ctx); err != nil {
			return books, err
		}
		w.pause()
	}
	return w.balance(ctx, s.Client != nil || s.Server != nil)
}

// act lets the scene's time pass, with its events.
func (w *world) act(ctx context.Context, s Scene) error {
	if err := w.lab.SetLink(s.Download, s.Upload); err != nil {
		return err
	}
	began := time.Now()
	wait := func(until time.Duration) error {
		timer := time.NewTimer(until - time.Since(began))
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return nil
		}
	}
	for _, e := range s.Events {
		if err := wait(e.At); err != nil {
			return err
		}
		if err := w.happen(s, e); err != nil {
			return fmt.Errorf("%v: %w", e, err)
		}
	}
	return wait(s.Lasts)
}

// happen lets one event happen.
func (w *world) happen(s Scene, e Event) error {
	switch e.Kind {
	case linkDown:
		down, up := s.Download, s.Upload
		if e.Only != uploadOnly {
			down.Loss = 1
		}
		if e.Only != downloadOnly {
			up.Loss = 1
		}
		return w.lab.SetLink(down, up)
	case linkUp:
		return w.lab.SetLink(s.Download, s.Upload)
	case killServer:
		w.server.finish(true)
	case stopServer:
		w.server.finish(false)
	case restartServer:
		return w.startServer()
	case dieSilently:
		w.client.finish(true)
		return w.startClient()
	case jumpServer:
		w.server.clock.jump(e.By)
	case jumpClient:
		w.client.clock.jump(e.By)
	case pressureOn:
		w.pressure.begin()
	case pressureOff:
		w.pressure.end()
	case burstOfTraffic:
		for _, f := range w.flows {
			f.send(e.Count)
		}
	}
	return nil
}

// calm makes the link perfect and memory plenty.
func (w *world) calm() error {
	w.pressure.end()
	return w.lab.SetLink(link.Config{}, link.Config{})
}

// check demands what a scene must leave behind.
func (w *world) check(ctx context.Context, s Scene, before [2]way, was [2]Traffic, r *SceneResult) {
	ended := func(books [2]way) bool {
		return books[0].from.tunnel["sessions"] != before[0].from.tunnel["sessions"] ||
			books[0].to.tunnel["sessions"] != before[0].to.tunnel["sessions"]
	}
	numbered := func(down, up way) []Line {
		// In an outage numbers may leave the window, and a new session has a new window.
		if s.linkGoesDown() || ended([2]way{down, up}) {
			return nil
		}
		return []Line{down.numbered(before[0]), up.numbered(before[1])}
	}
	books, err := w.balance(ctx, s.breaksSessions(), numbered)
	if err != nil {
		w.fault("%v", err)
	}
	w.server.closeAccounts()
	w.client.closeAccounts()
	r.Sessions = books[0].from.tunnel["sessions"] - before[0].from.tunnel["sessions"]
	if ended(books) && !s.breaksSessions() {
		w.fault("a session ended: the server has had %d before and %d after, the client %d and %d",
			before[0].from.tunnel["sessions"], books[0].from.tunnel["sessions"], before[0].to.tunnel["sessions"], books[0].to.tunnel["sessions"])
	}
	for i := range was {
		r.Traffic[i] = w.traffic(i, books[i]).minus(was[i])
		w.checkDatagrams(i)
	}
}

// checkDatagrams demands that none came altered or twice.
func (w *world) checkDatagrams(direction int) {
	to := w.end(1 - direction)
	for _, place := range []struct {
		name string
		at   *numbers
	}{{"what the tunnel takes", w.end(direction).local.to}, {"what the tunnel delivers", w.exits[direction]}, {"what the socket gets", w.sinks[direction]}} {
		count, _, sample := place.at.snapshot()
		if count.repeated+count.altered+count.ancient > 0 {
			w.fault("%s, %s: of %d datagrams %d came twice, %d were altered, %d came too late to tell; the last: %s",
				directionNames[direction], place.name, count.came, count.repeated, count.altered, count.ancient, sample)
		}
	}
	if n := to.local.unsound.Load(); n > 0 {
		w.fault("%s: the tunnel delivered %d packets with wrong checksums: %s", directionNames[direction], n, *to.local.sample.Load())
	}
	given, _, _ := w.exits[direction].snapshot()
	taken, _, _ := w.end(direction).local.to.snapshot()
	got, _, _ := w.sinks[direction].snapshot()
	if sent := w.flows[direction].sent.Load(); sent < taken.came || taken.came < given.came || given.came < got.came {
		w.fault("%s: %d datagrams sent, %d taken by the tunnel, %d delivered by it, %d received: there are more than before at one place",
			directionNames[direction], sent, taken.came, given.came, got.came)
	}
}
