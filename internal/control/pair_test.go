package control

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var epoch = time.Unix(1000, 0)

// machine is what PNS and PAC have in common.
type machine interface {
	Start(now time.Time)
	Input(now time.Time, data []byte)
	Output() []byte
	Events() []Event
	Deadline() (time.Time, bool)
	Tick(now time.Time)
	Shutdown(now time.Time)
	Lost(now time.Time, cause error)
	Stats() Stats
}

// pair is a PNS and a PAC on one TCP connection in memory.
type pair struct {
	t         *testing.T
	pns       *PNS
	pac       *PAC
	now       time.Time
	split     int // bytes a read; 0: all there are
	pnsEvents []Event
	pacEvents []Event
}

func newPair(t *testing.T, split int) *pair {
	ids := uint16(500)
	p := &pair{
		t: t, now: epoch, split: split,
		pns: NewPNS(PNSConfig{HostName: "client", Vendor: "v1", CallID: func() uint16 { return 0 }}),
		pac: NewPAC(PACConfig{HostName: "server", Vendor: "v2", CallID: func() (uint16, bool) { ids++; return ids, true }}),
	}
	p.pac.Start(p.now)
	p.pns.Start(p.now)
	return p
}

// settle carries bytes both ways until none are left.
func (p *pair) settle() {
	for {
		fromPNS, fromPAC := p.pns.Output(), p.pac.Output()
		p.feed(p.pac, fromPNS)
		p.feed(p.pns, fromPAC)
		p.pnsEvents = append(p.pnsEvents, p.pns.Events()...)
		p.pacEvents = append(p.pacEvents, p.pac.Events()...)
		if len(fromPNS)+len(fromPAC) == 0 {
			return
		}
	}
}

func (p *pair) feed(m machine, data []byte) {
	for len(data) > 0 {
		n := len(data)
		if p.split > 0 {
			n = min(n, p.split)
		}
		m.Input(p.now, data[:n])
		data = data[n:]
	}
}

// advance moves the time to the next deadline of either end, and acts on it.
func (p *pair) advance() {
	p.t.Helper()
	a, okA := p.pns.Deadline()
	b, okB := p.pac.Deadline()
	require.True(p.t, okA || okB)
	if !okA || okB && b.Before(a) {
		a = b
	}
	p.now = a
	p.pns.Tick(p.now)
	p.pac.Tick(p.now)
	p.settle()
}

// take returns the events so far and forgets them.
func (p *pair) take() (pns, pac []Event) {
	pns, pac = p.pnsEvents, p.pacEvents
	p.pnsEvents, p.pacEvents = nil, nil
	return pns, pac
}

func (p *pair) connect() {
	p.t.Helper()
	p.settle()
	pns, pac := p.take()
	require.Len(p.t, pns, 2)
	require.Len(p.t, pac, 2)
	require.IsType(p.t, CallUp{}, pns[1])
	require.IsType(p.t, CallUp{}, pac[1])
}

// eachSplit runs f with the stream whole and in pieces, down to single bytes.
func eachSplit(t *testing.T, f func(t *testing.T, p *pair)) {
	for name, split := range map[string]int{"whole": 0, "every byte": 1, "13 bytes": 13} {
		t.Run(name, func(t *testing.T) { f(t, newPair(t, split)) })
	}
}

func TestCallComesUp(t *testing.T) {
	eachSplit(t, func(t *testing.T, p *pair) {
		p.settle()
		pns, pac := p.take()
		assert.Equal(t, []Event{
			Started{HostName: "server", Vendor: "v2", Firmware: 1, MaxChannels: 8, Framing: 3, Bearer: 3},
			CallUp{CallID: 0, PeerCallID: 501, PeerWindow: 512, ConnectSpeed: 1_000_000_000, HostName: "server", Vendor: "v2"},
		}, pns)
		assert.Equal(t, []Event{
			Started{HostName: "client", Vendor: "v1", Firmware: 1, Framing: 3, Bearer: 3},
			CallUp{CallID: 501, PeerCallID: 0, PeerWindow: 512, ConnectSpeed: 1_000_000_000, HostName: "client", Vendor: "v1"},
		}, pac)
		assert.Equal(t, []uint16{501}, p.pac.Calls())
	})
}

func TestEchoKeepsTheConnectionForHours(t *testing.T) {
	eachSplit(t, func(t *testing.T, p *pair) {
		p.connect()
		for p.now.Before(epoch.Add(3 * time.Hour)) {
			p.advance()
		}
		pns, pac := p.take()
		assert.Empty(t, pns)
		assert.Empty(t, pac)
		a, b := p.pns.Stats(), p.pac.Stats()
		assert.NotZero(t, a.EchoRequests+b.EchoRequests)
		assert.Equal(t, a.EchoRequests, a.EchoReplies)
		assert.Equal(t, b.EchoRequests, b.EchoReplies)
		assert.LessOrEqual(t, a.EchoRequests+b.EchoRequests, uint64(2*3*60), "not more often than once a minute")
	})
}

func TestPNSShutsDownInOrder(t *testing.T) {
	eachSplit(t, func(t *testing.T, p *pair) {
		p.connect()
		p.pns.Shutdown(p.now)
		p.settle()
		pns, pac := p.take()
		require.Len(t, pns, 2)
		assert.ErrorIs(t, pns[0].(CallDown).Reason, ErrLocalClosed)
		assert.ErrorIs(t, pns[1].(Closed).Reason, ErrLocalClosed)
		require.Len(t, pac, 2)
		assert.ErrorIs(t, pac[0].(CallDown).Reason, ErrPeerClosed)
		assert.ErrorIs(t, pac[1].(Closed).Reason, ErrPeerClosed)
		assert.EqualValues(t, 501, pac[0].(CallDown).CallID)
		assert.Empty(t, p.pac.Calls())
	})
}

func TestPACShutsDownInOrder(t *testing.T) {
	eachSplit(t, func(t *testing.T, p *pair) {
		p.connect()
		p.pac.Shutdown(p.now)
		p.settle()
		pns, pac := p.take()
		require.Len(t, pac, 2)
		assert.ErrorIs(t, pac[0].(CallDown).Reason, ErrLocalClosed)
		assert.ErrorIs(t, pac[1].(Closed).Reason, ErrLocalClosed)
		require.Len(t, pns, 2)
		assert.ErrorIs(t, pns[0].(CallDown).Reason, ErrPeerClosed)
		assert.ErrorContains(t, pns[0].(CallDown).Reason, "shut down by its administrator")
		assert.ErrorIs(t, pns[1].(Closed).Reason, ErrPeerClosed)
	})
}

func TestPACClearsOneCall(t *testing.T) {
	eachSplit(t, func(t *testing.T, p *pair) {
		p.connect()
		p.pac.ClearCall(p.now, 999, DisconnectLostCarrier)
		p.settle()
		pns, pac := p.take()
		require.Empty(t, pns)
		require.Empty(t, pac)
		p.pac.ClearCall(p.now, 501, DisconnectLostCarrier)
		p.settle()
		pns, pac = p.take()
		require.Len(t, pns, 2, "a PNS has one call, and no use for the connection after it")
		assert.ErrorContains(t, pns[0].(CallDown).Reason, "the carrier was lost")
		require.Len(t, pac, 2)
		assert.IsType(t, CallDown{}, pac[0])
		assert.IsType(t, Closed{}, pac[1])
	})
}

func TestPNSSetsLinkInfo(t *testing.T) {
	p := newPair(t, 1)
	p.pns.SetLinkInfo(1, 1) // too early: nothing
	p.connect()
	p.pns.SetLinkInfo(0xFFFFFFFF, 0xFFFFFFFF)
	p.settle()
	assert.EqualValues(t, 1, p.pac.Stats().LinkInfos)
	pns, pac := p.take()
	assert.Empty(t, pns)
	assert.Empty(t, pac, "its values are ignored")
}

func TestBothShutDownAtOnce(t *testing.T) {
	p := newPair(t, 0)
	p.connect()
	p.pns.Shutdown(p.now)
	p.pac.Shutdown(p.now)
	p.settle()
	pns, pac := p.take()
	assert.IsType(t, Closed{}, pns[len(pns)-1])
	assert.IsType(t, Closed{}, pac[len(pac)-1])
}

func TestLostConnectionEndsEverything(t *testing.T) {
	p := newPair(t, 0)
	p.connect()
	p.pns.Lost(p.now, nil)
	p.pac.Lost(p.now, assert.AnError)
	p.settle()
	pns, pac := p.take()
	require.Len(t, pns, 2)
	assert.ErrorIs(t, pns[0].(CallDown).Reason, ErrLost)
	assert.ErrorContains(t, pns[1].(Closed).Reason, "closed the control connection without a word")
	require.Len(t, pac, 2)
	assert.ErrorIs(t, pac[1].(Closed).Reason, ErrLost)
	assert.ErrorIs(t, pac[1].(Closed).Reason, assert.AnError)
	p.pns.Lost(p.now, nil)
	assert.Empty(t, p.pns.Events(), "only once")
}
