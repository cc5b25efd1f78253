package soak

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/arc4tun/arc4tun/internal/bench/leakcheck"
	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// SceneResult is what came of a scene.
type SceneResult struct {
	Number   int              `json:"number"`
	Kind     string           `json:"kind"`
	Scene    string           `json:"scene"`
	Took     time.Duration    `json:"took_ns"`  // with all that follows it
	Sessions uint64           `json:"sessions"` // that began in it
	Memory   leakcheck.Memory `json:"memory"`   // after it
	Traffic  [2]Traffic       `json:"traffic"`  // download, upload
	Faults   []string         `json:"faults,omitempty"`
}

// Traffic is what one direction has carried.
type Traffic struct {
	Datagrams       uint64 `json:"datagrams"` // sent
	Delivered       uint64 `json:"delivered"` // of those, to the socket at the other end
	StreamBytes     uint64 `json:"stream_bytes"`
	GRE             uint64 `json:"gre"` // packets
	Lost            uint64 `json:"gre_lost"`
	Duplicated      uint64 `json:"gre_duplicated"`
	Reordered       uint64 `json:"window_buffered"` // packets that waited for others
	LostNumbers     uint64 `json:"window_lost"`
	Late            uint64 `json:"window_under"`
	Twice           uint64 `json:"window_duplicated"` // and those that MPPE knew
	SequenceWraps   uint64 `json:"sequence_wraps"`
	CoherencyWraps  uint64 `json:"coherency_wraps"`
	OvertakenBefore uint64 `json:"disordered_before"` // datagrams that were late already when the tunnel took them
	lateCounts      lateCounts
}

func (t Traffic) minus(o Traffic) Traffic {
	return Traffic{
		t.Datagrams - o.Datagrams, t.Delivered - o.Delivered, t.StreamBytes - o.StreamBytes, t.GRE - o.GRE, t.Lost - o.Lost,
		t.Duplicated - o.Duplicated, t.Reordered - o.Reordered, t.LostNumbers - o.LostNumbers, t.Late - o.Late, t.Twice - o.Twice,
		t.SequenceWraps - o.SequenceWraps, t.CoherencyWraps - o.CoherencyWraps, t.OvertakenBefore - o.OvertakenBefore, t.lateCounts.minus(o.lateCounts),
	}
}

func (t Traffic) plus(o Traffic) Traffic { return t.minus(Traffic{}.minus(o)) }

// traffic reads the sums of a direction.
func (tb *testbed) traffic(direction int, b directionAccount) Traffic {
	sunk, _, _ := tb.received[direction].snapshot()
	from := tb.end(direction)
	return Traffic{
		Datagrams: tb.flows[direction].sent.Load(), Delivered: sunk.received, StreamBytes: tb.streams.received[direction].Load(),
		GRE: b.link.Sent, Lost: b.link.Lost + b.link.Overflowed, Duplicated: b.link.Duplicated,
		Reordered: b.to.tunnel["window_buffered"], LostNumbers: b.to.tunnel["window_lost"], Late: b.to.tunnel["window_under"],
		Twice:         b.to.tunnel["window_duplicated"] + b.to.tunnel["in_repeated"],
		SequenceWraps: from.gre.sequenceWraps.Load(), CoherencyWraps: from.gre.coherencyWraps.Load(), OvertakenBefore: tb.lateCounts(direction).taken, lateCounts: tb.lateCounts(direction),
	}
}

// playScene plays a scene and checks all that is demanded after it. What is wrong is in the result;
// the error is that it cannot go on: the tunnel does not come back, or ctx has ended.
func (tb *testbed) playScene(ctx context.Context, s Scene) (r SceneResult, err error) {
	r = SceneResult{Number: s.Number, Kind: s.Kind}
	began := time.Now()
	defer func() {
		tb.pressure.end()
		r.Took = time.Since(began)
		r.Faults = append(r.Faults, tb.takeFaults()...)
	}()
	before, err := tb.prepare(ctx, s)
	if err != nil {
		return r, err
	}
	was := [2]Traffic{tb.traffic(download, before[0]), tb.traffic(upload, before[1])}
	var open []*stream
	for i := range was {
		one, err := tb.streams.start(ctx, i == upload, s.Load.Stream)
		if err != nil {
			return r, err
		}
		open = append(open, one)
		tb.flows[i].set(s.Load.Datagrams, s.Load.Burst)
	}
	err = tb.runEvents(ctx, s)
	acted := [2]lateCounts{tb.lateCounts(download), tb.lateCounts(upload)}
	// Whatever has happened: the link is good again now, and everybody is there.
	err = errors.Join(err, tb.restoreLink(), tb.waitForTraffic(ctx))
	for _, one := range open {
		one.stop.Store(true)
	}
	for _, one := range open {
		if streamErr := tb.streams.finish(one, s.losesDevices() || err != nil); streamErr != nil && err == nil {
			tb.fault("%v", streamErr)
		}
	}
	tb.pause()
	if err != nil {
		return r, err
	}
	tb.check(ctx, s, before, was, &r)
	for i := range was {
		tb.checkOrder(i, s, acted[i].minus(was[i].lateCounts), tb.lateCounts(i).minus(acted[i]))
	}
	return r, nil
}

// lateCounts counts the datagrams of a direction that a later one has overtaken, at three places.
type lateCounts struct{ taken, delivered, received uint64 }

func (l lateCounts) minus(o lateCounts) lateCounts {
	return lateCounts{l.taken - o.taken, l.delivered - o.delivered, l.received - o.received}
}

// added is how many have come late that were not so when the tunnel took them. A stack with several
// senders at once does not keep their order either: each of them hands on some other's packet.
func (l lateCounts) added() uint64 {
	return max(l.delivered, l.received) - min(l.taken, max(l.delivered, l.received))
}

func (tb *testbed) lateCounts(direction int) lateCounts {
	taken, _, _ := tb.end(direction).device.accepted.snapshot()
	delivered, _, _ := tb.delivered[direction].snapshot()
	received, _, _ := tb.received[direction].snapshot()
	return lateCounts{taken.overtaken, delivered.overtaken, received.overtaken}
}

// checkOrder demands that none came late during the scene or after it, where that is forbidden.
func (tb *testbed) checkOrder(direction int, s Scene, during, after lateCounts) {
	policy := tb.policy(direction)
	if policy == reorder.Immediate {
		if s.overtakes() {
			return
		}
		if s.delays() {
			// What is sent when the delay is gone overtakes what was sent before.
			after = lateCounts{}
		}
	}
	if during.added()+after.added() > 0 {
		_, _, sample := tb.delivered[direction].snapshot()
		tb.fault("%s: datagrams came late, %+v in the scene and %+v after it, which policy %v on this link forbids: %s",
			directionNames[direction], during, after, policy, sample)
	}
}

// policy is that of the receiver of a direction.
func (tb *testbed) policy(direction int) reorder.Policy { return tb.settings[1-direction].Policy }

// prepare starts ends anew if the scene says so, and gives the accounts before it.
func (tb *testbed) prepare(ctx context.Context, s Scene) (accounts [2]directionAccount, err error) {
	if s.Client != nil || s.Server != nil {
		tb.client.finish(false)
		if s.Server != nil {
			tb.server.finish(false)
			tb.settings[0] = *s.Server
			if err := tb.startServer(); err != nil {
				return accounts, err
			}
		}
		if s.Client != nil {
			tb.settings[1] = *s.Client
		}
		if err := tb.startClient(); err != nil {
			return accounts, err
		}
		if err := tb.waitForTraffic(ctx); err != nil {
			return accounts, err
		}
		tb.pause()
	}
	return tb.balance(ctx, s.Client != nil || s.Server != nil)
}

// runEvents lets the scene's time pass, with its events.
func (tb *testbed) runEvents(ctx context.Context, s Scene) error {
	if err := tb.lab.SetLink(s.Download, s.Upload); err != nil {
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
		if err := tb.apply(s, e); err != nil {
			return fmt.Errorf("%v: %tb", e, err)
		}
	}
	return wait(s.Lasts)
}

// apply lets one event happen.
func (tb *testbed) apply(s Scene, e event) error {
	switch e.Kind {
	case linkDown:
		down, up := s.Download, s.Upload
		if e.Only != uploadOnly {
			down.Loss = 1
		}
		if e.Only != downloadOnly {
			up.Loss = 1
		}
		return tb.lab.SetLink(down, up)
	case linkUp:
		return tb.lab.SetLink(s.Download, s.Upload)
	case killServer:
		tb.server.finish(true)
	case stopServer:
		tb.server.finish(false)
	case restartServer:
		return tb.startServer()
	case dieSilently:
		tb.client.finish(true)
		return tb.startClient()
	case jumpServer:
		tb.server.clock.jump(e.By)
	case jumpClient:
		tb.client.clock.jump(e.By)
	case pressureOn:
		tb.pressure.begin()
	case pressureOff:
		tb.pressure.end()
	case burstOfTraffic:
		for _, f := range tb.flows {
			f.send(e.Count)
		}
	}
	return nil
}

// restoreLink makes the link perfect and memory plenty.
func (tb *testbed) restoreLink() error {
	tb.pressure.end()
	return tb.lab.SetLink(link.Config{}, link.Config{})
}

// check demands what a scene must leave behind.
func (tb *testbed) check(ctx context.Context, s Scene, before [2]directionAccount, was [2]Traffic, r *SceneResult) {
	ended := func(accounts [2]directionAccount) bool {
		return accounts[0].from.tunnel["sessions"] != before[0].from.tunnel["sessions"] ||
			accounts[0].to.tunnel["sessions"] != before[0].to.tunnel["sessions"]
	}
	numbered := func(down, up directionAccount) []equation {
		// In an outage numbers may leave the window, and a new session has a new window.
		if s.linkGoesDown() || ended([2]directionAccount{down, up}) {
			return nil
		}
		return []equation{down.sequenceNumbers(before[0]), up.sequenceNumbers(before[1])}
	}
	accounts, err := tb.balance(ctx, s.breaksSessions(), numbered)
	if err != nil {
		tb.fault("%v", err)
	}
	tb.server.foldEnded()
	tb.client.foldEnded()
	r.Sessions = accounts[0].from.tunnel["sessions"] - before[0].from.tunnel["sessions"]
	if ended(accounts) && !s.breaksSessions() {
		tb.fault("a session ended: the server has had %d before and %d after, the client %d and %d",
			before[0].from.tunnel["sessions"], accounts[0].from.tunnel["sessions"], before[0].to.tunnel["sessions"], accounts[0].to.tunnel["sessions"])
	}
	for i := range was {
		r.Traffic[i] = tb.traffic(i, accounts[i]).minus(was[i])
		tb.checkDatagrams(i)
	}
}

// checkDatagrams demands that none came altered or twice.
func (tb *testbed) checkDatagrams(direction int) {
	to := tb.end(1 - direction)
	for _, place := range []struct {
		name string
		at   *datagramChecker
	}{{"what the tunnel takes", tb.end(direction).device.accepted}, {"what the tunnel delivers", tb.delivered[direction]}, {"what the socket gets", tb.received[direction]}} {
		count, _, sample := place.at.snapshot()
		if count.duplicated+count.altered+count.tooOld > 0 {
			tb.fault("%s, %s: of %d datagrams %d came twice, %d were altered, %d came too late to tell; the last: %s",
				directionNames[direction], place.name, count.received, count.duplicated, count.altered, count.tooOld, sample)
		}
	}
	if n := to.device.unsound.Load(); n > 0 {
		tb.fault("%s: the tunnel delivered %d packets with wrong checksums: %s", directionNames[direction], n, *to.device.sample.Load())
	}
	given, _, _ := tb.delivered[direction].snapshot()
	taken, _, _ := tb.end(direction).device.accepted.snapshot()
	got, _, _ := tb.received[direction].snapshot()
	if sent := tb.flows[direction].sent.Load(); sent < taken.received || taken.received < given.received || given.received < got.received {
		tb.fault("%s: %d datagrams sent, %d taken by the tunnel, %d delivered by it, %d received: there are more than before at one place",
			directionNames[direction], sent, taken.received, given.received, got.received)
	}
}
