package control

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// said parses what a machine has to write.
func said(t testing.TB, m machine) []Message {
	t.Helper()
	var f Framer
	raw, err := cut(&f, m.Output(), maxMessageLen)
	require.NoError(t, err)
	require.Zero(t, f.n)
	var messages []Message
	for _, b := range raw {
		m, err := Parse(b)
		require.NoError(t, err)
		messages = append(messages, m)
	}
	return messages
}

func tell(m machine, now time.Time, messages ...Message) {
	var b []byte
	for _, msg := range messages {
		b = msg.AppendTo(b)
	}
	m.Input(now, b)
}

func closedReason(t testing.TB, m machine) error {
	t.Helper()
	events := m.Events()
	require.NotEmpty(t, events)
	require.IsType(t, Closed{}, events[len(events)-1])
	return events[len(events)-1].(Closed).Reason
}

var startOK = StartReply{Version: Version, Result: StartOK, HostName: "server"}

// dialledPNS returns a PNS with our call ID 7, in the state after the messages given.
func dialledPNS(t testing.TB, replies ...Message) *PNS {
	p := NewPNS(PNSConfig{CallID: func() uint16 { return 7 }})
	p.Start(epoch)
	said(t, p)
	tell(p, epoch, replies...)
	return p
}

func TestPNSSaysWhatPeersExpect(t *testing.T) {
	p := NewPNS(PNSConfig{CallID: func() uint16 { return 7 }, Window: 3, Phone: "office"})
	assert.Empty(t, p.Output())
	p.Start(epoch)
	p.Start(epoch)
	assert.Equal(t, []Message{StartRequest{Version: 0x0100, Framing: 3, Bearer: 3, Firmware: 1, HostName: "local", Vendor: "arc4"}}, said(t, p))
	tell(p, epoch, startOK)
	assert.Equal(t, []Message{OutgoingCallRequest{CallID: 7, MinBPS: 2400, MaxBPS: 1_000_000_000, Bearer: 3, Framing: 3, Window: 64, PhoneLength: 6, Phone: "office"}}, said(t, p))
}

func TestPNSTimesOut(t *testing.T) {
	t.Run("no start reply", func(t *testing.T) {
		p := dialledPNS(t)
		at, ok := p.Deadline()
		require.True(t, ok)
		assert.Equal(t, epoch.Add(10*time.Second), at)
		p.Tick(at.Add(-1))
		require.Empty(t, p.Events())
		p.Tick(at)
		assert.ErrorIs(t, closedReason(t, p), ErrTimeout)
		_, ok = p.Deadline()
		assert.False(t, ok)
	})
	t.Run("no call reply", func(t *testing.T) {
		p := dialledPNS(t, startOK)
		said(t, p)
		at, _ := p.Deadline()
		assert.Equal(t, epoch.Add(10*time.Second), at)
		p.Tick(at)
		assert.Equal(t, []Message{StopRequest{Reason: StopGeneral}}, said(t, p))
		at, _ = p.Deadline()
		p.Tick(at)
		assert.ErrorIs(t, closedReason(t, p), ErrTimeout)
	})
	t.Run("no echo reply", func(t *testing.T) {
		p := dialledPNS(t, startOK, OutgoingCallReply{CallID: 1, PeerCallID: 7, Result: CallConnected})
		said(t, p)
		at, _ := p.Deadline()
		assert.Equal(t, epoch.Add(60*time.Second), at)
		p.Tick(at)
		require.Equal(t, []Message{EchoRequest{ID: 1}}, said(t, p))
		tell(p, at, EchoReply{ID: 2, Result: 1}, EchoRequest{ID: 9}) // neither is the answer
		at, _ = p.Deadline()
		assert.Equal(t, epoch.Add(120*time.Second), at)
		p.Tick(at)
		assert.ErrorIs(t, closedReason(t, p), ErrTimeout)
	})
	t.Run("nobody answers the shutdown", func(t *testing.T) {
		p := dialledPNS(t, startOK, OutgoingCallReply{CallID: 1, PeerCallID: 7, Result: CallConnected})
		said(t, p)
		p.Shutdown(epoch)
		assert.Equal(t, []Message{CallClearRequest{CallID: 7}}, said(t, p))
		at, _ := p.Deadline()
		assert.Equal(t, epoch.Add(3*time.Second), at)
		p.Tick(at)
		assert.Equal(t, []Message{StopRequest{Reason: StopLocalShutdown}}, said(t, p))
		at, _ = p.Deadline()
		assert.Equal(t, epoch.Add(6*time.Second), at)
		p.Tick(at)
		assert.ErrorIs(t, closedReason(t, p), ErrLocalClosed)
	})
}

func TestPNSEchoTimersAreConfigurable(t *testing.T) {
	up := []Message{startOK, OutgoingCallReply{CallID: 1, PeerCallID: 1, Result: CallConnected}}
	p := NewPNS(PNSConfig{EchoInterval: 5 * time.Second, EchoTimeout: 2 * time.Second})
	p.Start(epoch)
	tell(p, epoch.Add(time.Second), up...)
	at, _ := p.Deadline()
	assert.Equal(t, epoch.Add(6*time.Second), at)
	p.Tick(at)
	at, _ = p.Deadline()
	assert.Equal(t, epoch.Add(8*time.Second), at)

	p = NewPNS(PNSConfig{EchoInterval: -1})
	p.Start(epoch)
	tell(p, epoch, up...)
	_, ok := p.Deadline()
	assert.False(t, ok, "never")
}

func TestPNSIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name    string
		replies []Message
		class   error
		want    string
		says    []Message
	}{
		{"not authorized", []Message{StartReply{Version: Version, Result: 4}}, ErrRefused, "not authorized", nil},
		{"version not supported", []Message{StartReply{Version: Version, Result: 5}}, ErrRefused, "version not supported", nil},
		{"general error", []Message{StartReply{Version: Version, Result: 2, Error: 4}}, ErrRefused, "insufficient resources", nil},
		{"a version we do not speak", []Message{StartReply{Version: 0x0200, Result: 1}, StopReply{Result: 1}}, ErrRefused, "version 0x0200", []Message{StopRequest{Reason: StopProtocol}}},
		{"busy", []Message{startOK, OutgoingCallReply{PeerCallID: 7, Result: CallBusy}, StopReply{Result: 1}}, ErrRefused, "busy", nil},
		{"no resources", []Message{startOK, OutgoingCallReply{PeerCallID: 7, Result: 2, Error: 4}, StopReply{Result: 1}}, ErrRefused, "insufficient resources", nil},
		{"result 0 of a call", []Message{startOK, OutgoingCallReply{PeerCallID: 7}, StopReply{Result: 1}}, ErrRefused, "unknown result code 0", nil},
		{"disconnected before the reply", []Message{startOK, CallDisconnectNotify{CallID: 99, Result: 2, Error: 6}, StopReply{Result: 1}}, ErrPeerClosed, "vendor-specific", nil},
		{"stopped", []Message{startOK, StopRequest{Reason: 3}}, ErrPeerClosed, "it is shutting down", nil},
		{"stopped before the start", []Message{StopRequest{Reason: 1}}, ErrPeerClosed, "no reason given", []Message{StopReply{Result: 1}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := dialledPNS(t, tc.replies...)
			if tc.says != nil {
				assert.Equal(t, tc.says, said(t, p))
			}
			reason := closedReason(t, p)
			assert.ErrorIs(t, reason, tc.class)
			assert.ErrorContains(t, reason, tc.want)
		})
	}
}

func TestPNSTakesResultZeroForAStart(t *testing.T) {
	p := dialledPNS(t, StartReply{Version: Version})
	assert.Equal(t, TypeOutgoingCallRequest, said(t, p)[0].Type())
}

func TestPNSRefusedCallReportsItOnce(t *testing.T) {
	p := dialledPNS(t, startOK, OutgoingCallReply{PeerCallID: 7, Result: CallBusy}, OutgoingCallReply{PeerCallID: 7, Result: CallBusy})
	events := p.Events()
	require.Len(t, events, 2)
	assert.IsType(t, Started{}, events[0])
	assert.EqualValues(t, 7, events[1].(CallDown).CallID)
	assert.EqualValues(t, 1, p.Stats().CallsRefused)
}

func TestPNSAcceptsEitherIDInDisconnectNotify(t *testing.T) {
	up := OutgoingCallReply{CallID: 1000, PeerCallID: 7, Result: CallConnected}
	for _, tc := range []struct {
		name string
		id   uint16
		down bool
	}{{"the PAC's own, as the RFC says", 1000, true}, {"ours, as some servers say", 7, true}, {"neither", 8, false}} {
		t.Run(tc.name, func(t *testing.T) {
			p := dialledPNS(t, startOK, up)
			p.Events()
			tell(p, epoch, CallDisconnectNotify{CallID: tc.id, Result: DisconnectAdminShutdown})
			events := p.Events()
			if !tc.down {
				assert.Empty(t, events)
				assert.EqualValues(t, 1, p.Stats().UnknownCall)
				return
			}
			require.Len(t, events, 1)
			assert.ErrorIs(t, events[0].(CallDown).Reason, ErrPeerClosed)
		})
	}
}

func TestPNSIgnoresAReplyForAnotherCall(t *testing.T) {
	p := dialledPNS(t, startOK, OutgoingCallReply{CallID: 3, PeerCallID: 8, Result: CallConnected})
	assert.Len(t, p.Events(), 1)
	assert.EqualValues(t, 1, p.Stats().UnknownCall)
}

func TestPNSRefusesWhatItDoesNotServe(t *testing.T) {
	p := dialledPNS(t, startOK, OutgoingCallReply{CallID: 1000, PeerCallID: 7, Result: CallConnected})
	p.Events()
	said(t, p)
	tell(p, epoch,
		IncomingCallRequest{CallID: 5}, OutgoingCallRequest{CallID: 6}, IncomingCallReply{}, IncomingCallConnected{},
		startOK, StartRequest{Version: Version}, StopReply{Result: 1}, CallClearRequest{CallID: 55}, WANErrorNotify{CRC: 1}, SetLinkInfo{})
	assert.Equal(t, []Message{
		IncomingCallReply{PeerCallID: 5, Result: IncomingDoNotAccept},
		OutgoingCallReply{PeerCallID: 6, Result: CallDoNotAccept},
	}, said(t, p))
	assert.Empty(t, p.Events())
	s := p.Stats()
	assert.EqualValues(t, 8, s.Unexpected)
	assert.EqualValues(t, 1, s.WANErrors)
	assert.EqualValues(t, 1, s.LinkInfos)
}

func TestPNSTakesCallClearRequestForADisconnect(t *testing.T) {
	p := dialledPNS(t, startOK, OutgoingCallReply{CallID: 1000, PeerCallID: 7, Result: CallConnected})
	said(t, p)
	tell(p, epoch, CallClearRequest{CallID: 1000})
	assert.Equal(t, []Message{CallDisconnectNotify{CallID: 7, Result: DisconnectRequest}, StopRequest{Reason: StopGeneral}}, said(t, p))
}

func TestPNSShutdownBeforeTheConnectionIsUp(t *testing.T) {
	p := NewPNS(PNSConfig{})
	p.Shutdown(epoch)
	assert.ErrorIs(t, closedReason(t, p), ErrLocalClosed)
	p = dialledPNS(t)
	p.Shutdown(epoch)
	assert.ErrorIs(t, closedReason(t, p), ErrLocalClosed)
	assert.Empty(t, said(t, p))
	p.Shutdown(epoch)
	p.Start(epoch)
	assert.Empty(t, p.Events())
}

func TestPNSShutdownWhileTheCallIsAnswered(t *testing.T) {
	p := dialledPNS(t, startOK)
	said(t, p)
	p.Shutdown(epoch)
	assert.Equal(t, []Message{CallClearRequest{CallID: 7}}, said(t, p))
	tell(p, epoch, OutgoingCallReply{CallID: 1000, PeerCallID: 7, Result: CallConnected}) // they cross
	tell(p, epoch, CallDisconnectNotify{CallID: 1000, Result: DisconnectRequest}, StopReply{Result: 1})
	assert.Equal(t, []Message{StopRequest{Reason: StopLocalShutdown}}, said(t, p))
	events := p.Events()
	require.Len(t, events, 3)
	assert.IsType(t, Started{}, events[0])
	assert.EqualValues(t, 1000, events[1].(CallDown).PeerCallID)
	assert.IsType(t, Closed{}, events[2])
}

func TestPNSShutdownTwiceDoesNotWaitForTheCall(t *testing.T) {
	p := dialledPNS(t, startOK, OutgoingCallReply{CallID: 1000, PeerCallID: 7, Result: CallConnected})
	said(t, p)
	p.Shutdown(epoch)
	p.Shutdown(epoch)
	assert.Equal(t, []Message{CallClearRequest{CallID: 7}, StopRequest{Reason: StopLocalShutdown}}, said(t, p))
}

func TestPNSPeerClosesTCPInsteadOfAnsweringStop(t *testing.T) {
	p := dialledPNS(t, startOK, OutgoingCallReply{CallID: 1000, PeerCallID: 7, Result: CallConnected})
	p.Shutdown(epoch)
	p.Shutdown(epoch)
	p.Lost(epoch, nil)
	assert.ErrorIs(t, closedReason(t, p), ErrLocalClosed)
}
