package control

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// firstReason is what the owner learns first: of the call, if there was one, else of the
// connection.
func firstReason(t *testing.T, events []Event) error {
	t.Helper()
	for _, e := range events {
		switch e := e.(type) {
		case CallDown:
			return e.Reason
		case Closed:
			return e.Reason
		}
	}
	require.FailNow(t, "nothing has ended")
	return nil
}

var callUp = []Message{startOK, OutgoingCallReply{CallID: 1, PeerCallID: 7, Result: CallConnected}}

// TestWordsOfAClient has every way in which a server can end or refuse a control connection or a
// call, or fail to.
func TestWordsOfAClient(t *testing.T) {
	after := func(messages ...Message) func(*PNS) { return func(p *PNS) { tell(p, epoch, messages...) } }
	up := func(m Message) func(*PNS) { return after(append(append([]Message(nil), callUp...), m)...) }
	dialled := func(m Message) func(*PNS) { return after(startOK, m) }
	silent := func(messages ...Message) func(*PNS) {
		return func(p *PNS) {
			tell(p, epoch, messages...)
			for range 3 {
				if at, ok := p.Deadline(); ok {
					p.Tick(at)
				}
			}
		}
	}
	lost := func(err error, messages ...Message) func(*PNS) {
		return func(p *PNS) {
			tell(p, epoch, messages...)
			p.Lost(epoch, err)
		}
	}
	speaks := func(text string) func(*PNS) { return func(p *PNS) { p.Input(epoch, []byte(text)) } }
	type row struct {
		name string
		do   func(*PNS)
		kind error
		want string
	}
	rows := []row{
		{"hung up before answering", lost(io.EOF), ErrLost, "the server hung up before answering: mostly it does not serve this address, or the port is not that of a PPTP server"},
		{"reset before answering", lost(syscall.ECONNRESET), ErrLost, "the server hung up before answering: mostly it does not serve this address, or the port is not that of a PPTP server"},
		{"closed without a word", lost(nil, callUp...), ErrLost, "the server closed the control connection without a word, as when its program is killed"},
		{"reset", lost(syscall.ECONNRESET, callUp...), ErrLost, "the server reset the control connection, as when its program is killed or its machine restarts"},
		{"TCP gives up", lost(syscall.ETIMEDOUT, callUp...), ErrLost, "the control connection to the server broke: connection timed out"},
		{"no way", lost(syscall.EHOSTUNREACH, callUp...), ErrLost, "the control connection to the server broke: no route to host"},
		{"says nothing", silent(), ErrTimeout, "the server accepts the connection and says nothing: no Start-Control-Connection message within 10s: is it a PPTP server?"},
		{"does not answer the call", silent(startOK), ErrTimeout, "the server does not answer the request for a call (Outgoing-Call-Request) within 10s"},
		{"does not answer echoes", silent(callUp...), ErrTimeout, "the server does not answer any more: no reply to an Echo-Request on the control connection within 1m0s"},
		{"another version", after(StartReply{Version: 0x0200, Result: StartOK}, StopReply{Result: 1}), ErrRefused, "the server speaks PPTP version 0x0200, not 0x0100"},
		{"call cleared", up(CallClearRequest{CallID: 1}), ErrPeerClosed, "the server ended the call"},
		{"off the protocol later", func(p *PNS) { tell(p, epoch, startOK); p.Input(epoch, []byte("GET / HTTP")) }, ErrProtocol,
			"the server broke the protocol: message length 18245, want 12 to 220"},
		{"SSH", speaks("SSH-2.0-OpenSSH_9.2\r\n"), ErrProtocol, "the server does not speak PPTP on this port: what it says is SSH"},
		{"HTTP", speaks("HTTP/1.1 400 Bad Request\r\n"), ErrProtocol, "the server does not speak PPTP on this port: what it says is HTTP"},
		{"HTTP 2", speaks("\x00\x00\x06\x04\x00\x00"), ErrProtocol, `the server does not speak PPTP on this port: it begins with bytes 000006040000`},
		{"TLS", speaks("\x15\x03\x01\x00\x02\x02\x46"), ErrProtocol, "the server does not speak PPTP on this port: what it says is TLS"},
		{"SMTP", speaks("220 mail.example.net ESMTP\r\n"), ErrProtocol, "the server does not speak PPTP on this port: what it says is SMTP or FTP"},
		{"POP3", speaks("+OK ready\r\n"), ErrProtocol, "the server does not speak PPTP on this port: what it says is POP3"},
		{"IMAP", speaks("* OK IMAP4rev1\r\n"), ErrProtocol, "the server does not speak PPTP on this port: what it says is IMAP"},
		{"VNC", speaks("RFB 003.008\n"), ErrProtocol, "the server does not speak PPTP on this port: what it says is VNC"},
		{"telnet", speaks("\xFF\xFD\x18\xFF\xFD\x20"), ErrProtocol, "the server does not speak PPTP on this port: what it says is telnet"},
		{"text", speaks("login: "), ErrProtocol, `the server does not speak PPTP on this port: it begins with "login: "`},
		{"nonsense", speaks("\xDE\xAD\xBE\xEF\x00"), ErrProtocol, "the server does not speak PPTP on this port: it begins with bytes deadbeef00"},
		{"long nonsense", speaks(strings.Repeat("x", 1000)), ErrProtocol, `the server does not speak PPTP on this port: it begins with "` + strings.Repeat("x", shownFirst) + `"`},
	}
	for code, text := range map[uint8]string{
		2: "general error: insufficient resources at the moment", 3: "a control connection already exists", 4: "not authorized to open a control connection: this address may be banned for a while after failed logins",
		5: "protocol version not supported", 9: "unknown result code 9",
	} {
		m := StartReply{Version: Version, Result: code}
		codes := fmt.Sprintf("result %d", code)
		if code == ResultGeneralError {
			m.Error, codes = ErrorNoResource, codes+", error 4"
		}
		rows = append(rows, row{fmt.Sprintf("Start-Control-Connection-Reply %d", code), after(m), ErrRefused,
			fmt.Sprintf("the server refuses the control connection: %s (Start-Control-Connection-Reply, %s)", text, codes)})
	}
	for code, text := range map[uint8]string{
		0: "unknown result code 0", 3: "no carrier", 4: "busy", 5: "no dial tone", 6: "the call was not answered in time", 7: "calls are administratively prohibited",
	} {
		rows = append(rows, row{fmt.Sprintf("Outgoing-Call-Reply %d", code), dialled(OutgoingCallReply{PeerCallID: 7, Result: code, Cause: 17}), ErrRefused,
			fmt.Sprintf("the server refuses the call: %s (Outgoing-Call-Reply, result %d, cause 17)", text, code)})
	}
	for general, text := range generalErrors {
		codes := "result 2"
		if general != 0 {
			codes += fmt.Sprintf(", error %d", general)
		}
		rows = append(rows, row{fmt.Sprintf("Outgoing-Call-Reply 2, error %d", general),
			dialled(OutgoingCallReply{PeerCallID: 7, Result: ResultGeneralError, Error: general}), ErrRefused,
			fmt.Sprintf("the server refuses the call: general error: %s (Outgoing-Call-Reply, %s)", text, codes)})
	}
	for code, text := range map[uint8]string{
		0: "unknown result code 0", 1: "the carrier was lost", 3: "shut down by its administrator", 4: "as was requested",
	} {
		rows = append(rows, row{fmt.Sprintf("Call-Disconnect-Notify %d", code), up(CallDisconnectNotify{CallID: 1, Result: code}), ErrPeerClosed,
			fmt.Sprintf("the server ended the call: %s (Call-Disconnect-Notify, result %d)", text, code)})
	}
	rows = append(rows, row{"Call-Disconnect-Notify with words", up(CallDisconnectNotify{CallID: 1, Result: 3, Cause: 16, Statistics: " go \"away\"\n "}), ErrPeerClosed,
		`the server ended the call: shut down by its administrator: "go \"away\"?" (Call-Disconnect-Notify, result 3, cause 16)`})
	for code, text := range map[uint8]string{
		0: "unknown result code 0", 1: "no reason given", 2: "general error: no error named", 3: "it is shutting down",
	} {
		if code == StopProtocol {
			text = "protocol version not supported"
		}
		rows = append(rows, row{fmt.Sprintf("Stop-Control-Connection-Request %d", code), up(StopRequest{Reason: code}), ErrPeerClosed,
			fmt.Sprintf("the server ended the control connection: %s (Stop-Control-Connection-Request, reason %d)", text, code)})
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			p := NewPNS(PNSConfig{CallID: func() uint16 { return 7 }})
			p.Start(epoch)
			r.do(p)
			reason := firstReason(t, p.Events())
			assert.Equal(t, r.want, reason.Error())
			assert.ErrorIs(t, reason, r.kind)
			var e *EndError
			assert.True(t, errors.As(reason, &e))
		})
	}
}

// TestWordsOfAServer has every way in which a client can end a call or a control connection, or
// fail to.
func TestWordsOfAServer(t *testing.T) {
	call := OutgoingCallRequest{CallID: 7}
	for _, r := range []struct {
		name string
		do   func(*PAC)
		kind error
		want string
	}{
		{"the call is cleared", func(p *PAC) { tell(p, epoch, startRequest, call, CallClearRequest{CallID: 7}) }, ErrPeerClosed, "the client ended the call"},
		{"a Call-Disconnect-Notify", func(p *PAC) { tell(p, epoch, startRequest, call, CallDisconnectNotify{CallID: 1, Result: 1}) }, ErrPeerClosed,
			"the client ended the call: the carrier was lost (Call-Disconnect-Notify, result 1)"},
		{"stopped", func(p *PAC) { tell(p, epoch, startRequest, call, StopRequest{Reason: 3}) }, ErrPeerClosed,
			"the client ended the control connection: it is shutting down (Stop-Control-Connection-Request, reason 3)"},
		{"closed without a word", func(p *PAC) { tell(p, epoch, startRequest, call); p.Lost(epoch, io.EOF) }, ErrLost,
			"the client closed the control connection without a word, as when its program is killed"},
		{"reset", func(p *PAC) { tell(p, epoch, startRequest, call); p.Lost(epoch, syscall.ECONNRESET) }, ErrLost,
			"the client reset the control connection, as when its program is killed or its machine restarts"},
		{"TCP gives up", func(p *PAC) { tell(p, epoch, startRequest, call); p.Lost(epoch, syscall.ETIMEDOUT) }, ErrLost,
			"the control connection to the client broke: connection timed out"},
		{"hung up at once", func(p *PAC) { p.Lost(epoch, io.EOF) }, ErrLost, "the client hung up before saying anything"},
		{"says nothing", func(p *PAC) { at, _ := p.Deadline(); p.Tick(at) }, ErrTimeout,
			"the client connected and says nothing: no Start-Control-Connection message within 10s: is it a PPTP client?"},
		{"does not answer echoes", func(p *PAC) {
			tell(p, epoch, startRequest, call)
			for range 2 {
				at, _ := p.Deadline()
				p.Tick(at)
			}
		}, ErrTimeout, "the client does not answer any more: no reply to an Echo-Request on the control connection within 1m0s"},
		{"another version", func(p *PAC) { tell(p, epoch, StartRequest{Version: 0x0200}) }, ErrProtocol, "the client speaks PPTP version 0x0200, not 0x0100"},
		{"a browser", func(p *PAC) { p.Input(epoch, []byte("GET / HTTP/1.1\r\n")) }, ErrProtocol, "the client does not speak PPTP on this port: what it says is HTTP"},
		{"a browser, byte by byte", func(p *PAC) {
			for _, b := range []byte("GET / HTTP/1.1\r\n") {
				p.Input(epoch, []byte{b})
			}
		}, ErrProtocol, "the client does not speak PPTP on this port: what it says is HTTP"},
		{"does not read", func(p *PAC) {
			tell(p, epoch, startRequest, call)
			for i := range uint32(100_000) {
				tell(p, epoch, EchoRequest{ID: i})
			}
		}, ErrLost, "the client does not read what it asks for: more than 262144 bytes of answers wait"},
	} {
		t.Run(r.name, func(t *testing.T) {
			p := NewPAC(PACConfig{})
			p.Start(epoch)
			r.do(p)
			reason := firstReason(t, p.Events())
			assert.Equal(t, r.want, reason.Error())
			assert.ErrorIs(t, reason, r.kind)
		})
	}
}

// TestWhyGoesWithTheCall: whichever end clears the call that the server is ending, the client
// learns why, over TCP.
func TestWhyGoesWithTheCall(t *testing.T) {
	why := "the user has logged in again"
	cfg := PACConfig{Why: func(id uint16) string {
		if id == 1 {
			return why
		}
		return ""
	}}
	calls := []Message{OutgoingCallRequest{CallID: 7}, OutgoingCallRequest{CallID: 8}}
	want := CallDisconnectNotify{CallID: 1, Result: DisconnectAdminShutdown, Statistics: why}

	p := startedPAC(t, cfg, calls...)
	said(t, p)
	p.ClearCall(epoch, 1, DisconnectAdminShutdown)
	assert.Equal(t, []Message{want}, said(t, p))

	p = startedPAC(t, cfg, calls...)
	said(t, p)
	tell(p, epoch, CallClearRequest{CallID: 7}, CallClearRequest{CallID: 8})
	assert.Equal(t, []Message{want, CallDisconnectNotify{CallID: 2, Result: DisconnectRequest}}, said(t, p))

	// And a client that has begun to leave hears it all the same.
	n := dialledPNS(t, callUp...)
	n.Events()
	n.Shutdown(epoch)
	tell(n, epoch, want)
	var e *EndError
	require.ErrorAs(t, firstReason(t, n.Events()), &e)
	assert.Equal(t, why, e.Said)
	assert.ErrorIs(t, e, ErrPeerClosed)
}
