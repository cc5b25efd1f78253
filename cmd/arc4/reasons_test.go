package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/report"
	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/pool"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// reason is one way in which a call ends, or never begins, and what each reader reads of it.
type reason struct {
	name    string
	prepare func(*stage) // before anything is started
	act     func(*stage) // once the tunnel is up; nil: it never comes up
	client  string       // what the client prints at its end
	code    int          // its exit code
	server  string       // the reason in the server's line "session ended"; "": there is no session
	final   bool         // with --reconnect too
}

// mschapFailure is the data of a Failure (RFC 2759 section 6).
func mschapFailure(code int) []byte {
	return fmt.Appendf(nil, "E=%d R=0 C=00000000000000000000000000000000 V=3 M=see the administrator", code)
}

// refusing has the server refuse the account with a number.
func refusing(code int) func(*stage) {
	return func(s *stage) {
		s.clientCf.Password = "wrong"
		s.carrying(rewriting(ppp.ProtoCHAP, 4, mschapFailure(code)))
	}
}

// windows has the server end the link with an error number of Windows' Remote Access Service.
func windows(code uint16) func(*stage) {
	return func(s *stage) {
		s.carrying(rewriting(ppp.ProtoLCP, 5, []byte{1, 2, 3, 4, 0x00, 0x3C, 0xCD, 0x74, 0, 0, byte(code >> 8), byte(code)}))
	}
}

// speaking has another program behind the port, which says something at once, and hangs up.
func speaking(text string) func(*stage) {
	return scripted(func(c net.Conn) {
		_, _ = io.WriteString(c, text)
		c.Close()
	})
}

// scripted puts something else in the place of the server.
func scripted(script func(net.Conn)) func(*stage) {
	return func(s *stage) {
		go func() {
			for {
				c, err := s.listener.Accept()
				if err != nil {
					return
				}
				go script(c)
			}
		}()
		s.foreign = true
	}
}

// answering is a server of messages: to each one that comes it gives the next answers, those about
// a call with its ID.
func answering(answers ...[]control.Message) func(*stage) {
	return scripted(func(c net.Conn) {
		var f control.Framer
		buf := make([]byte, 1024)
		for _, a := range answers {
			var asked control.Message
			for asked == nil {
				n, err := c.Read(buf)
				if err != nil {
					return
				}
				if raw, _, _ := f.Next(buf[:n]); raw != nil {
					asked, _ = control.Parse(raw)
				}
			}
			for _, m := range a {
				if r, isReply := m.(control.OutgoingCallReply); isReply {
					r.PeerCallID = asked.(control.OutgoingCallRequest).CallID
					m = r
				}
				_, _ = c.Write(m.AppendTo(nil))
			}
		}
		_, _ = io.Copy(io.Discard, c)
	})
}

func ok() []control.Message {
	return []control.Message{control.StartReply{Version: control.Version, Result: control.StartOK}}
}

// reasons are all of them.
var reasons = []reason{
	// The account.
	{name: "wrong password", prepare: func(s *stage) { s.clientCf.Password = "wrong" },
		client: "arc4: authentication failed: 691: wrong user name or password",
		code:   exit.Auth,
		server: "authentication failed: wrong user name or password",
		final:  true},
	{name: "unknown user", prepare: func(s *stage) { s.clientCf.User = "mallory" },
		client: "arc4: authentication failed: 691: wrong user name or password",
		code:   exit.Auth,
		server: "authentication failed: wrong user name or password",
		final:  true},
	{name: "wrong password in EAP", prepare: func(s *stage) {
		s.serverCf.Auth = []ppp.AuthMethod{ppp.EAPMSCHAPv2}
		s.clientCf.Password = "wrong"
	},
		client: "arc4: authentication failed: 691: wrong user name or password",
		code:   exit.Auth,
		server: "authentication failed: wrong user name or password",
		final:  true},
	{name: "the server proves nothing in EAP", prepare: func(s *stage) {
		s.serverCf.Auth = []ppp.AuthMethod{ppp.EAPMSCHAPv2}
		s.carrying(func(_ *stage, from netip.Addr, _ gre.Header, frame []byte) [][]byte {
			p, info, err := ppp.ParseFrame(frame)
			if chap, ok := ppp.MSCHAPv2InEAP(info); err == nil && p == ppp.ProtoEAP && ok && chap[0] == 3 {
				frame = pppFrame(p, 1, info[1], []byte("\x1a\x03\x01\x00\x30S=0000000000000000000000000000000000000000 M="))
			}
			return [][]byte{frame}
		})
	},
		client: "arc4: authentication failed: the server does not prove that it knows the password: its authenticator response is wrong",
		code:   exit.Auth,
		server: `the peer closed the link: "authentication failed: the server does not prove that it knows the password: its authenticator response is wrong"`,
		final:  true},
	{name: "the server has EAP-TLS alone", prepare: func(s *stage) {
		s.serverCf.Auth = []ppp.AuthMethod{ppp.EAPMSCHAPv2}
		s.carrying(func(_ *stage, from netip.Addr, _ gre.Header, frame []byte) [][]byte {
			p, info, err := ppp.ParseFrame(frame)
			if err == nil && p == ppp.ProtoEAP && info[0] == 1 && info[4] == 26 {
				frame = pppFrame(p, 1, info[1], []byte{13, 0x20})
			}
			return [][]byte{frame}
		})
	},
		client: "arc4: the server insists on EAP-TLS (type 13), which arc4 does not have: it has MS-CHAPv2, in CHAP and as EAP-MSCHAPv2 (type 26)",
		code:   exit.Policy,
		server: "the client wants EAP-MSCHAPv2 (type 26), and is offered EAP-MSCHAPv2 (type 26) alone",
		final:  true},
	{name: "646", prepare: refusing(646),
		client: "arc4: authentication failed: 646: the account may not log on at this time of day (the server says: see the administrator)",
		code:   exit.Auth,
		server: "authentication failed: wrong user name or password",
		final:  true},
	{name: "647", prepare: refusing(647),
		client: "arc4: authentication failed: 647: the account is disabled (the server says: see the administrator)",
		code:   exit.Auth,
		server: "authentication failed: wrong user name or password",
		final:  true},
	{name: "648", prepare: refusing(648),
		client: "arc4: authentication failed: 648: the password has expired (the server says: see the administrator)",
		code:   exit.Auth,
		server: "authentication failed: wrong user name or password",
		final:  true},
	{name: "649", prepare: refusing(649),
		client: "arc4: authentication failed: 649: the account has no permission to dial in (the server says: see the administrator)",
		code:   exit.Auth,
		server: "authentication failed: wrong user name or password",
		final:  true},
	{name: "691 of another server", prepare: refusing(691),
		client: "arc4: authentication failed: 691: wrong user name or password (the server says: see the administrator)",
		code:   exit.Auth,
		server: "authentication failed: wrong user name or password",
		final:  true},
	{name: "the server proves nothing", prepare: func(s *stage) {
		s.carrying(rewriting(ppp.ProtoCHAP, 3, []byte("S=0000000000000000000000000000000000000000 M=welcome")))
	},
		client: "arc4: authentication failed: the server does not prove that it knows the password: its authenticator response is wrong",
		code:   exit.Auth,
		server: `the peer closed the link: "authentication failed: the server does not prove that it knows the password: its authenticator response is wrong"`,
		final:  true},
	{name: "the user is banned", prepare: func(s *stage) { s.failing = 1; s.serverCf.Guard.Failures = 1 },
		client: `arc4: the peer closed the link: "banned after failed logins, for 61 s more"`,
		code:   exit.Network,
		server: "banned after failed logins, for 61 s more"},
	{name: "the address is banned", prepare: func(s *stage) { s.failing = 3; s.serverCf.Guard.Failures = 1; s.serverCf.Guard.FailuresPerAddr = 3 },
		client: "arc4: the server refuses the control connection: not authorized to open a control connection: this address may be banned for a while after failed logins (Start-Control-Connection-Reply, result 4)",
		code:   exit.Network},
	// What the two do not agree on.
	{name: "MS-CHAPv2 is not spoken by the server", prepare: func(s *stage) {
		s.serverCf.Auth, s.serverCf.MPPE = []ppp.AuthMethod{ppp.PAP}, ppp.MPPEPolicy{Mode: ppp.Off}
	},
		client: `arc4: the peer closed the link: "the peer accepts none of the authentication methods allowed here (PAP); it offers MS-CHAPv2"; it wants PAP authentication, which is not allowed (allowed: MS-CHAPv2, EAP-MSCHAPv2)`,
		code:   exit.Policy,
		server: "the peer accepts none of the authentication methods allowed here (PAP); it offers MS-CHAPv2",
		final:  true},
	{name: "encryption is off at the server", prepare: func(s *stage) { s.serverCf.MPPE.Mode = ppp.Off },
		client: "arc4: encryption is required, but the peer does not know CCP",
		code:   exit.Policy,
		server: `the peer closed the link: "encryption is required, but the peer does not know CCP"; it wants encryption, which is off here`,
		final:  true},
	{name: "encryption is off at the client", prepare: func(s *stage) { s.clientCf.MPPE.Mode = ppp.Off },
		client: `arc4: the peer closed the link: "encryption is required, but the peer does not know CCP"; it wants encryption, which is off here`,
		code:   exit.Policy,
		server: "encryption is required, but the peer does not know CCP",
		final:  true},
	{name: "40 bits only at the server", prepare: func(s *stage) {
		s.serverCf.MPPE = ppp.MPPEPolicy{Mode: ppp.Require, Strengths: []int{40}}
	},
		client: "arc4: encryption is required, but the peer does not agree to a strength of encryption allowed here: it offers 40-bit stateless",
		code:   exit.Policy,
		server: "encryption is required, but the peer does not agree to a strength of encryption allowed here: it offers 128-bit stateless",
		final:  true},
	{name: "LCP does not converge", prepare: func(s *stage) {
		s.carrying(func(_ *stage, from netip.Addr, _ gre.Header, frame []byte) [][]byte {
			p, info, err := ppp.ParseFrame(frame)
			switch ack := err == nil && p == ppp.ProtoLCP && info[0] == 2; {
			case ack && from == stageClient:
				return nil // the server does not open
			case ack: // and its every Ack becomes a Nak
				frame = pppFrame(p, 3, info[1], []byte{1, 4, 2, 0})
			}
			return [][]byte{frame}
		})
	},
		client: "arc4: LCP negotiation does not converge: the peer refused 21 requests",
		code:   exit.Network,
		server: "the peer closed the link"},
	{name: "IPCP does not converge", prepare: func(s *stage) {
		n := byte(0)
		s.carrying(func(_ *stage, from netip.Addr, _ gre.Header, frame []byte) [][]byte {
			p, info, err := ppp.ParseFrame(frame)
			if err == nil && from == stageServer && p == ppp.ProtoIPCP && info[0] >= 2 && info[0] <= 4 {
				n++
				frame = pppFrame(p, 3, info[1], []byte{3, 6, 10, 99, 1, n})
			}
			return [][]byte{frame}
		})
	},
		client: "arc4: IPCP does not converge: the peer refused 21 requests",
		code:   exit.Network,
		server: "the peer closed the link"},
	// The server's means.
	{name: "the server is full", prepare: func(s *stage) {
		s.serverCf.MaxSessions = 1
		s.occupied = true
	},
		client: "arc4: the server refuses the call: general error: insufficient resources at the moment (Outgoing-Call-Reply, result 2, error 4)",
		code:   exit.Network},
	{name: "no address is left", prepare: func(s *stage) {
		one, err := pool.Parse("10.99.0.100-10.99.0.100")
		require.NoError(s.t, err)
		s.serverCf.Pool = one
		s.occupied = true
	},
		client: `arc4: the peer closed the link: "no tunnel address for the peer: the server has no address to give"`,
		code:   exit.Network,
		server: "no tunnel address for the peer: the server has no address to give"},
	// Ends that somebody wants.
	{name: "control-C at the client", act: func(s *stage) { s.leave() },
		server: `the peer closed the link: "shutting down"`,
		final:  true},
	{name: "the server is stopped", act: func(s *stage) { s.stop() },
		client: `arc4: the peer closed the link: "shutting down"`,
		code:   exit.Network,
		server: "shutting down"},
	{name: "Windows hangs up", prepare: windows(0), act: func(s *stage) { s.stop() },
		client: "arc4: the peer closed the link", code: exit.Network, server: "shutting down"},
	{name: "Windows says 691", prepare: windows(691), act: func(s *stage) { s.stop() },
		client: "arc4: the peer closed the link: 691: wrong user name or password", code: exit.Auth, server: "shutting down"},
	{name: "Windows says 742", prepare: windows(742), act: func(s *stage) { s.stop() },
		client: "arc4: the peer closed the link: 742: the remote computer does not support the encryption that is required", code: exit.Policy, server: "shutting down"},
	{name: "Windows says 828", prepare: windows(828), act: func(s *stage) { s.stop() },
		client: "arc4: the peer closed the link: 828: the connection was idle for too long", code: exit.Network, server: "shutting down"},
	{name: "Windows says 930", prepare: windows(930), act: func(s *stage) { s.stop() },
		client: "arc4: the peer closed the link: 930: the authentication server does not answer", code: exit.Network, server: "shutting down"},
	{name: "the user logs in elsewhere", prepare: func(s *stage) { s.serverCf.SessionsPerUser = 1 }, act: func(s *stage) { s.another("alice") },
		client: "arc4: the server ended this session because the user has logged in again elsewhere, and it allows no more sessions at once",
		code:   exit.Policy,
		server: "the user has logged in again",
		final:  true},
	{name: "the server clears the call", act: func(s *stage) { s.say(control.CallDisconnectNotify{CallID: s.callID(), Result: 1}) },
		client: "arc4: the server ended the call: the carrier was lost (Call-Disconnect-Notify, result 1)",
		code:   exit.Network,
		server: "the client ended the control connection: no reason given (Stop-Control-Connection-Request, reason 1)"},
	{name: "the server ends the control connection", act: func(s *stage) { s.say(control.StopRequest{Reason: 3}) },
		client: "arc4: the server ended the control connection: it is shutting down (Stop-Control-Connection-Request, reason 3)",
		code:   exit.Network,
		server: "the client closed the control connection without a word, as when its program is killed"},
	// Programs and machines that are gone.
	{name: "the other end is killed", act: func(s *stage) { s.tcp.fail(io.EOF) },
		client: "arc4: the server closed the control connection without a word, as when its program is killed",
		code:   exit.Network,
		server: "the client closed the control connection without a word, as when its program is killed"},
	{name: "the other end's machine restarts", act: func(s *stage) { s.tcp.fail(syscall.ECONNRESET) },
		client: "arc4: the server reset the control connection, as when its program is killed or its machine restarts",
		code:   exit.Network,
		server: "the client reset the control connection, as when its program is killed or its machine restarts"},
	{name: "TCP gives up", act: func(s *stage) { s.tcp.fail(syscall.ETIMEDOUT) },
		client: "arc4: the control connection to the server broke: connection timed out",
		code:   exit.Network,
		server: "the control connection to the client broke: connection timed out"},
	{name: "the peer falls silent", prepare: func(s *stage) { s.clientCf.EchoInterval, s.serverCf.EchoInterval = 20*time.Second, -1 }, act: func(s *stage) { s.carrying(nothing); s.tcp.cut() },
		client: "arc4: the peer is gone: 4 LCP echoes without an answer in 1m20s",
		code:   exit.Network,
		server: "the client closed the control connection without a word, as when its program is killed"},
	{name: "GRE alone falls silent", prepare: func(s *stage) { s.serverCf.EchoInterval = -1 }, act: func(s *stage) { s.carrying(nothing) },
		client: "arc4: the peer is gone: 4 LCP echoes without an answer in 2m0s",
		code:   exit.Network,
		server: "the client ended the call"},
	{name: "no echoes, and TCP is cut", prepare: func(s *stage) { s.clientCf.EchoInterval, s.serverCf.EchoInterval = -1, -1 }, act: func(s *stage) { s.tcp.cut() },
		client: "arc4: the server does not answer any more: no reply to an Echo-Request on the control connection within 1m0s",
		code:   exit.Network,
		server: "the client does not answer any more: no reply to an Echo-Request on the control connection within 1m0s"},
	{name: "our own address is gone", prepare: func(s *stage) {
		s.clientCf.CheckWay = func(local, _ netip.Addr) error {
			return fmt.Errorf("%s is no address of this machine any more", local)
		}
	}, act: func(s *stage) { s.changed <- struct{}{} },
		client: "arc4: the way to the server is gone: 198.51.100.7 is no address of this machine any more",
		code:   exit.Network,
		server: "the client closed the control connection without a word, as when its program is killed"},
	{name: "our own link is down", prepare: func(s *stage) {
		s.serverCf.EchoInterval = -1
		s.clientCf.CheckWay = func(netip.Addr, netip.Addr) error { return errors.New("eth0 is down") }
	}, act: func(s *stage) { s.carrying(nothing); s.tcp.cut() },
		client: "arc4: the way to the server is gone: eth0 is down",
		code:   exit.Network,
		server: "the client does not answer any more: no reply to an Echo-Request on the control connection within 1m0s"},
	{name: "our own frames come back", prepare: func(s *stage) {
		s.carrying(func(s *stage, from netip.Addr, h gre.Header, frame []byte) [][]byte {
			if from == stageClient {
				h.CallID = s.clientCall()
				h.PayloadLen = uint16(len(frame))
				s.network.Arrive(stageServer, stageClient, append(h.AppendTo(nil), frame...))
			}
			return nil
		})
	},
		client: "arc4: the link is looped back: our own requests come back",
		code:   exit.Network,
		server: "the client ended the call"},
	// This machine's own.
	{name: "the device is deleted", act: func(s *stage) { s.dev.End = errors.New("read arc40: file descriptor in bad state"); s.dev.Close() },
		client: "arc4: local end: the device failed: read arc40: file descriptor in bad state",
		code:   exit.Failure,
		server: `the peer closed the link: "the local device failed"`},
	{name: "no permission for the device", prepare: func(s *stage) {
		s.clientCf.Bring = func(context.Context, tunnel.Network) (netdev.Device, error) {
			return nil, &tunnel.Error{Class: tunnel.ClassPermission, Text: "no TUN device: operation not permitted"}
		}
	},
		client: "arc4: no TUN device: operation not permitted",
		code:   exit.Permission,
		server: `the peer closed the link: "the local end could not be set up"`,
		final:  true},
	{name: "the device cannot be set up", prepare: func(s *stage) {
		s.clientCf.Bring = func(context.Context, tunnel.Network) (netdev.Device, error) {
			return nil, &tunnel.Error{Class: tunnel.ClassOther, Text: "address 10.99.0.100: no buffer space available"}
		}
	},
		client: "arc4: address 10.99.0.100: no buffer space available",
		code:   exit.Failure,
		server: `the peer closed the link: "the local end could not be set up"`},
	// What never begins.
	{name: "GRE is blocked", prepare: func(s *stage) { s.carrying(nothing) },
		client: `arc4: the control connection to 192.0.2.1 is up, but no GRE packet came back: GRE (IP protocol 47) is blocked on the way; on a router or firewall between, allow it and load the helper: modprobe nf_conntrack_pptp, and in nftables: ct helper set "pptp"`,
		code:   exit.Network,
		server: "the peer does not answer LCP: not one PPP frame came in 30s"},
	{name: "nobody listens", prepare: func(s *stage) { s.dialErr = syscall.ECONNREFUSED },
		client: "arc4: server 192.0.2.1:1723 refuses TCP connections: no PPTP server listens there",
		code:   exit.Network},
	{name: "no way", prepare: func(s *stage) { s.dialErr = syscall.EHOSTUNREACH },
		client: "arc4: server 192.0.2.1:1723 cannot be reached: no route to host",
		code:   exit.Network},
	{name: "no such name", prepare: func(s *stage) { s.dialErr = &net.DNSError{Err: "no such host", IsNotFound: true} },
		client: "arc4: server 192.0.2.1:1723: no such host",
		code:   exit.Network},
	{name: "no answer on TCP", prepare: func(s *stage) { s.dialErr = errHang },
		client: "arc4: server 192.0.2.1:1723 does not answer on TCP within 15s: is it up, and is port 1723 open on the way?",
		code:   exit.Network},
	{name: "no permission for the raw socket", prepare: func(s *stage) {
		s.clientCf.ListenGRE = func(netip.Addr, netip.Addr) (gre.Conn, error) {
			return nil, fmt.Errorf("raw socket: %w", syscall.EPERM)
		}
	},
		client: "arc4: GRE socket: raw socket: operation not permitted",
		code:   exit.Permission,
		final:  true},
	{name: "hangs up at once", prepare: speaking(""),
		client: "arc4: 192.0.2.1: the server hung up before answering: mostly it does not serve this address, or the port is not that of a PPTP server",
		code:   exit.Network},
	{name: "says nothing", prepare: scripted(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }),
		client: "arc4: 192.0.2.1: the server accepts the connection and says nothing: no Start-Control-Connection message within 10s: is it a PPTP server?",
		code:   exit.Network},
	{name: "SSH", prepare: speaking("SSH-2.0-OpenSSH_9.2p1\r\n"),
		client: "arc4: 192.0.2.1: the server does not speak PPTP on this port: what it says is SSH",
		code:   exit.Network},
	{name: "a web server", prepare: speaking("HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n"),
		client: "arc4: 192.0.2.1: the server does not speak PPTP on this port: what it says is HTTP",
		code:   exit.Network},
	{name: "TLS", prepare: speaking("\x15\x03\x01\x00\x02\x02\x46"),
		client: "arc4: 192.0.2.1: the server does not speak PPTP on this port: what it says is TLS",
		code:   exit.Network},
	{name: "something else", prepare: speaking("hello, who are you?\n"),
		client: `arc4: 192.0.2.1: the server does not speak PPTP on this port: it begins with "hello, who are you?\n"`,
		code:   exit.Network},
	{name: "not authorized", prepare: answering([]control.Message{control.StartReply{Version: control.Version, Result: control.StartNotAuthorized}}),
		client: "arc4: the server refuses the control connection: not authorized to open a control connection: this address may be banned for a while after failed logins (Start-Control-Connection-Reply, result 4)",
		code:   exit.Network},
	{name: "busy", prepare: answering(ok(), []control.Message{control.OutgoingCallReply{Result: control.CallBusy, Cause: 17}}),
		client: "arc4: the server refuses the call: busy (Outgoing-Call-Reply, result 4, cause 17)",
		code:   exit.Network},
	{name: "no answer to the call", prepare: answering(ok()),
		client: "arc4: 192.0.2.1: the server does not answer the request for a call (Outgoing-Call-Request) within 10s",
		code:   exit.Network},
	{name: "stopped while it calls", prepare: answering(ok(), []control.Message{control.StopRequest{Reason: 3}}),
		client: "arc4: the server ended the control connection: it is shutting down (Stop-Control-Connection-Request, reason 3)",
		code:   exit.Network},
}

// TestReasons plays every one of them, and compares what is printed and logged to the word.
func TestReasons(t *testing.T) {
	for _, r := range reasons {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := r.begin(t, false)
				printed, code, took := s.waitEnd()
				time.Sleep(2 * time.Minute) // for the server to notice
				synctest.Wait()
				server := strings.Join(s.serverLn.of("session ended: "), "; ")
				t.Logf("after %v: %s (exit %d); server: %s", took, printed, code, server)
				assert.Equal(t, r.client, printed)
				assert.Equal(t, r.code, code)
				assert.Equal(t, r.server, server)
				s.end()
			})
			synctest.Test(t, func(t *testing.T) {
				s := r.begin(t, true)
				c := s.client.Snapshot().Client
				for range 3600 {
					if c = s.client.Snapshot().Client; c.State == status.Reconnecting || len(s.ended) > 0 {
						break
					}
					time.Sleep(100 * time.Millisecond)
				}
				if assert.Equal(t, r.final, len(s.ended) > 0, "final") && !r.final {
					assert.Equal(t, strings.TrimPrefix(r.client, "arc4: "), c.Reason)
					var out bytes.Buffer
					report.WriteTables(&out, []status.Result{{Snapshot: s.client.Snapshot()}})
					assert.Contains(t, out.String(), "the last one ended: "+c.Reason+"\n")
				}
				s.end()
				synctest.Wait()
			})
		})
	}
}

// begin plays a reason up to where it takes its course.
func (r *reason) begin(t *testing.T, reconnect bool) *stage {
	s := newStage(t)
	s.clientCf.Reconnect = reconnect
	if r.prepare != nil {
		r.prepare(s)
	}
	s.play()
	if r.act != nil {
		s.waitUp()
		r.act(s)
	}
	return s
}
