package control

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var startRequest = StartRequest{Version: Version, HostName: "client"}

func startedPAC(t testing.TB, cfg PACConfig, messages ...Message) *PAC {
	p := NewPAC(cfg)
	p.Start(epoch)
	tell(p, epoch, startRequest)
	require.Equal(t, TypeStartReply, said(t, p)[0].Type())
	p.Events()
	tell(p, epoch, messages...)
	return p
}

func TestPACSaysWhatPeersExpect(t *testing.T) {
	p := NewPAC(PACConfig{HostName: "server"})
	p.Start(epoch)
	assert.Empty(t, p.Output(), "the peer speaks first")
	tell(p, epoch, startRequest)
	assert.Equal(t, []Message{StartReply{Version: 0x0100, Result: 1, Framing: 3, Bearer: 3, MaxChannels: 8, Firmware: 1, HostName: "server", Vendor: "arc4"}}, said(t, p))
	// What a Windows client asks for.
	tell(p, epoch, OutgoingCallRequest{CallID: 0, MinBPS: 300, MaxBPS: 100_000_000, Bearer: 3, Framing: 3, Window: 64})
	assert.Equal(t, []Message{OutgoingCallReply{CallID: 1, PeerCallID: 0, Result: 1, ConnectSpeed: 100_000_000, Window: 512}}, said(t, p))
}

func TestPACRefusesAnotherVersion(t *testing.T) {
	for _, version := range []uint16{0x0000, 0x0200, 0x00FF} {
		p := NewPAC(PACConfig{})
		p.Start(epoch)
		tell(p, epoch, StartRequest{Version: version})
		messages := said(t, p)
		require.Len(t, messages, 1)
		assert.EqualValues(t, StartBadVersion, messages[0].(StartReply).Result)
		assert.EqualValues(t, Version, messages[0].(StartReply).Version)
		assert.ErrorIs(t, closedReason(t, p), ErrProtocol)
	}
	p := NewPAC(PACConfig{})
	tell(p, epoch, StartRequest{Version: 0x0101})
	assert.IsType(t, Started{}, p.Events()[0], "a revision is not another version")
}

func TestPACDropsASilentPeer(t *testing.T) {
	for _, tc := range []struct {
		name string
		send []byte
	}{{"not a byte", nil}, {"half a message", startRequest.AppendTo(nil)[:100]}, {"only echoes", EchoRequest{ID: 1}.AppendTo(nil)}} {
		t.Run(tc.name, func(t *testing.T) {
			p := NewPAC(PACConfig{})
			p.Start(epoch)
			p.Input(epoch.Add(9*time.Second), tc.send)
			at, ok := p.Deadline()
			require.True(t, ok)
			assert.Equal(t, epoch.Add(10*time.Second), at)
			p.Tick(at)
			assert.ErrorIs(t, closedReason(t, p), ErrTimeout)
		})
	}
}

func TestPACAnswersASecondStartRequest(t *testing.T) {
	p := startedPAC(t, PACConfig{}, OutgoingCallRequest{CallID: 1}, startRequest)
	messages := said(t, p)
	require.Len(t, messages, 2)
	assert.EqualValues(t, StartChannelExists, messages[1].(StartReply).Result)
	assert.Len(t, p.Calls(), 1, "nothing else changes")
}

func TestPACTakesSeveralCallsUpToItsLimit(t *testing.T) {
	p := startedPAC(t, PACConfig{MaxCalls: 2},
		OutgoingCallRequest{CallID: 10}, OutgoingCallRequest{CallID: 11}, OutgoingCallRequest{CallID: 12})
	messages := said(t, p)
	require.Len(t, messages, 3)
	assert.Equal(t, OutgoingCallReply{PeerCallID: 12, Result: ResultGeneralError, Error: ErrorNoResource}, messages[2])
	assert.Equal(t, []uint16{1, 2}, p.Calls())
	assert.Len(t, p.Events(), 2)
	tell(p, epoch, CallClearRequest{CallID: 10}, OutgoingCallRequest{CallID: 12})
	assert.Equal(t, []uint16{2, 3}, p.Calls(), "there is room again")
	assert.EqualValues(t, 1, p.Stats().CallsRefused)
}

func TestPACBoundsCallsByDefault(t *testing.T) {
	p := startedPAC(t, PACConfig{})
	for i := range uint16(1000) {
		tell(p, epoch, OutgoingCallRequest{CallID: i})
	}
	assert.Len(t, p.Calls(), DefaultMaxCalls)
}

func TestPACRefusesACallIDThatIsUp(t *testing.T) {
	p := startedPAC(t, PACConfig{}, OutgoingCallRequest{CallID: 10}, OutgoingCallRequest{CallID: 10})
	assert.Equal(t, OutgoingCallReply{PeerCallID: 10, Result: ResultGeneralError, Error: ErrorBadCallID}, said(t, p)[1])
}

func TestPACOwnerHasNoMoreRoom(t *testing.T) {
	p := startedPAC(t, PACConfig{CallID: func() (uint16, bool) { return 0, false }}, OutgoingCallRequest{CallID: 10})
	assert.Equal(t, []Message{OutgoingCallReply{PeerCallID: 10, Result: ResultGeneralError, Error: ErrorNoResource}}, said(t, p))
	assert.Empty(t, p.Events())
}

func TestPACCallIDsWrapPastThoseThatAreUp(t *testing.T) {
	p := startedPAC(t, PACConfig{}, OutgoingCallRequest{CallID: 1})
	p.Events()
	for range 1<<16 + 5 {
		tell(p, epoch, OutgoingCallRequest{CallID: 2}, CallClearRequest{CallID: 2})
		p.Output()
		for _, e := range p.Events() {
			if up, ok := e.(CallUp); ok {
				require.NotEqualValues(t, 1, up.CallID)
			}
		}
	}
}

func TestPACConnectSpeed(t *testing.T) {
	for _, tc := range []struct{ asked, want uint32 }{{0, 1_000_000_000}, {64000, 64000}, {0xFFFFFFFF, 1_000_000_000}} {
		p := startedPAC(t, PACConfig{}, OutgoingCallRequest{MaxBPS: tc.asked})
		assert.Equal(t, tc.want, said(t, p)[0].(OutgoingCallReply).ConnectSpeed)
	}
}

func TestPACAcceptsEitherIDInCallClearRequest(t *testing.T) {
	ids := []uint16{100, 200}
	next := func() (uint16, bool) {
		id := ids[0]
		ids = append(ids[1:], id)
		return id, true
	}
	for _, tc := range []struct {
		name  string
		id    uint16
		clear []uint16 // what is left
		want  CallDisconnectNotify
	}{
		{"the PNS's own, as the RFC says", 7, []uint16{200}, CallDisconnectNotify{CallID: 100, Result: DisconnectRequest}},
		{"ours, as some clients say", 200, []uint16{100}, CallDisconnectNotify{CallID: 200, Result: DisconnectRequest}},
		{"neither", 9, []uint16{100, 200}, CallDisconnectNotify{CallID: 9, Result: ResultGeneralError, Error: ErrorBadCallID}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := startedPAC(t, PACConfig{CallID: next}, OutgoingCallRequest{CallID: 7}, OutgoingCallRequest{CallID: 8})
			said(t, p)
			tell(p, epoch, CallClearRequest{CallID: tc.id})
			assert.Equal(t, []Message{tc.want}, said(t, p))
			assert.Equal(t, tc.clear, p.Calls())
		})
	}
}

func TestPACClearIsAnsweredTwice(t *testing.T) {
	p := startedPAC(t, PACConfig{}, OutgoingCallRequest{CallID: 7})
	said(t, p)
	tell(p, epoch, CallClearRequest{CallID: 7}, CallClearRequest{CallID: 7})
	assert.Len(t, said(t, p), 2)
	downs := 0
	for _, e := range p.Events() {
		if _, ok := e.(CallDown); ok {
			downs++
		}
	}
	assert.Equal(t, 1, downs)
}

func TestPACBeforeTheStartRequest(t *testing.T) {
	p := NewPAC(PACConfig{})
	p.Start(epoch)
	tell(p, epoch, OutgoingCallRequest{CallID: 7}, IncomingCallRequest{CallID: 8}, CallClearRequest{CallID: 9}, SetLinkInfo{}, EchoRequest{ID: 3}, StartReply{Result: 1})
	assert.Equal(t, []Message{
		OutgoingCallReply{PeerCallID: 7, Result: ResultGeneralError, Error: ErrorNotConnected},
		IncomingCallReply{PeerCallID: 8, Result: ResultGeneralError, Error: ErrorNotConnected},
		CallDisconnectNotify{CallID: 9, Result: ResultGeneralError, Error: ErrorBadCallID},
		EchoReply{ID: 3, Result: 1},
	}, said(t, p))
	assert.Empty(t, p.Events())
}

func TestPACRefusesIncomingCalls(t *testing.T) {
	p := startedPAC(t, PACConfig{}, IncomingCallRequest{CallID: 5}, IncomingCallReply{Result: 1}, IncomingCallConnected{}, OutgoingCallReply{Result: 1}, WANErrorNotify{})
	assert.Equal(t, []Message{IncomingCallReply{PeerCallID: 5, Result: IncomingDoNotAccept}}, said(t, p))
	assert.Empty(t, p.Events())
	assert.EqualValues(t, 4, p.Stats().Unexpected)
}

func TestPACTakesDisconnectNotifyForAClear(t *testing.T) {
	p := startedPAC(t, PACConfig{}, OutgoingCallRequest{CallID: 7}, CallDisconnectNotify{CallID: 7, Result: DisconnectLostCarrier}, CallDisconnectNotify{CallID: 7})
	assert.Empty(t, p.Calls())
	assert.Len(t, p.Events(), 2)
}

func TestPACStopEndsAllCalls(t *testing.T) {
	p := startedPAC(t, PACConfig{}, OutgoingCallRequest{CallID: 7}, OutgoingCallRequest{CallID: 8})
	said(t, p)
	p.Events()
	tell(p, epoch, StopRequest{Reason: StopGeneral}, OutgoingCallRequest{CallID: 9})
	assert.Equal(t, []Message{StopReply{Result: 1}}, said(t, p))
	events := p.Events()
	require.Len(t, events, 3)
	assert.EqualValues(t, 7, events[0].(CallDown).PeerCallID)
	assert.EqualValues(t, 8, events[1].(CallDown).PeerCallID)
	assert.ErrorIs(t, events[2].(Closed).Reason, ErrPeerClosed)
	p.Input(epoch, StartRequest{Version: Version}.AppendTo(nil))
	p.Tick(epoch.Add(time.Hour))
	p.Shutdown(epoch)
	assert.Empty(t, p.Events(), "after Closed nothing happens")
	assert.Empty(t, p.Output())
	assert.EqualValues(t, 1, p.Stats().AfterClose)
}

func TestPACShutdown(t *testing.T) {
	p := startedPAC(t, PACConfig{}, OutgoingCallRequest{CallID: 7}, OutgoingCallRequest{CallID: 8})
	said(t, p)
	p.Events()
	p.Shutdown(epoch)
	p.Shutdown(epoch)
	assert.Equal(t, []Message{
		CallDisconnectNotify{CallID: 1, Result: DisconnectAdminShutdown},
		CallDisconnectNotify{CallID: 2, Result: DisconnectAdminShutdown},
		StopRequest{Reason: StopLocalShutdown},
	}, said(t, p))
	tell(p, epoch, OutgoingCallRequest{CallID: 9}, startRequest, EchoRequest{ID: 4})
	assert.Equal(t, []Message{OutgoingCallReply{PeerCallID: 9, Result: ResultGeneralError, Error: ErrorNotConnected}, EchoReply{ID: 4, Result: 1}}, said(t, p))
	at, _ := p.Deadline()
	assert.Equal(t, epoch.Add(3*time.Second), at)
	p.Tick(at)
	assert.ErrorIs(t, closedReason(t, p), ErrLocalClosed)
}

func TestUnknownTypesAreIgnoredWithACounter(t *testing.T) {
	p := startedPAC(t, PACConfig{})
	p.Input(epoch, []byte{0, 13, 0, 1, 0x1A, 0x2B, 0x3C, 0x4D, 0, 99, 0, 0, 42})
	p.Input(epoch, []byte{0, 12, 0, 2, 0x1A, 0x2B, 0x3C, 0x4D, 0, 1, 0, 0})
	assert.Empty(t, p.Output())
	assert.Empty(t, p.Events())
	assert.EqualValues(t, 2, p.Stats().Unknown)
}

func TestAWrongStreamClosesWithAReason(t *testing.T) {
	p := startedPAC(t, PACConfig{}, OutgoingCallRequest{CallID: 7})
	p.Events()
	p.Input(epoch, []byte("GET / HTTP/1.1\r\n"))
	events := p.Events()
	require.Len(t, events, 2)
	assert.IsType(t, CallDown{}, events[0])
	assert.ErrorIs(t, events[1].(Closed).Reason, ErrProtocol)
	assert.ErrorContains(t, events[1].(Closed).Reason, "message length 18245")
}

func TestAPeerThatDoesNotReadIsCutOff(t *testing.T) {
	p := startedPAC(t, PACConfig{}, OutgoingCallRequest{CallID: 7})
	for i := range uint32(100_000) {
		tell(p, epoch, EchoRequest{ID: i})
	}
	assert.ErrorIs(t, closedReason(t, p), ErrLost)
	assert.LessOrEqual(t, len(p.Output()), maxOutput)
	assert.Empty(t, p.Calls())
}

func TestPNSAnswersASimultaneousStart(t *testing.T) {
	p := dialledPNS(t, startRequest)
	messages := said(t, p)
	require.Len(t, messages, 1)
	assert.EqualValues(t, StartOK, messages[0].(StartReply).Result)
	tell(p, epoch, startOK)
	assert.IsType(t, Started{}, p.Events()[0], "its own request is answered as ever")
}
