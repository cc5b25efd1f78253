package decrypt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/decrypt/recording"
	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/internal/mschap"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

const user, password = `OFFICE\alice`, "correct horse"

// hashOf knows one user.
func hashOf(name, password string) func(string) [][16]byte {
	return func(u string) [][16]byte {
		if u != name {
			return nil
		}
		return [][16]byte{mschap.NTPasswordHash(password)}
	}
}

// inner makes the nth packet that is sent inside.
func inner(n, size int) []byte {
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(n * (i + 7))
	}
	return recording.IPv4(netip.MustParseAddr("10.99.0.100"), netip.MustParseAddr("10.99.0.1"), ippkt.UDP, uint16(n), body)
}

// follow gives what comes out of a capture, by the addresses outside.
type followed struct {
	report Report
	plain  map[netip.Addr][][]byte
	times  map[netip.Addr][]time.Time
	infos  []Plain
}

func follow(t testing.TB, hash func(string) [][16]byte, packets []recording.Packet) *followed {
	got := &followed{plain: make(map[netip.Addr][][]byte), times: make(map[netip.Addr][]time.Time)}
	f := New(Options{Hashes: hash, Emit: func(p Plain) error {
		got.plain[p.From] = append(got.plain[p.From], bytes.Clone(p.IP))
		got.times[p.From] = append(got.times[p.From], p.At)
		p.IP = nil
		got.infos = append(got.infos, p)
		return nil
	}})
	for _, p := range packets {
		before := bytes.Clone(p.IP)
		require.NoError(t, f.Packet(p.At, p.IP, false))
		require.Equal(t, before, p.IP, "a packet of the capture stays as it is")
	}
	require.NoError(t, f.Finish())
	got.report = f.Report()
	for _, c := range got.report.Calls {
		for _, d := range c.Directions {
			require.Equal(t, d.Packets, d.Negotiation+d.Plain+d.Deciphered+d.Left(), "every packet is accounted for once: %+v", d)
		}
	}
	return got
}

var (
	client = netip.MustParseAddr("192.0.2.2")
	server = netip.MustParseAddr("192.0.2.1")
)

// dial records a call.
func dial(t testing.TB, rec *recording.Recording, opt recording.Options) *recording.Call {
	if opt.User == "" {
		opt.User, opt.Password = user, password
	}
	if opt.ClientID == 0 {
		opt.ClientID, opt.ServerID = 11, 22
	}
	c, err := rec.Dial(opt)
	require.NoError(t, err)
	return c
}

// talk has both ends send packets of many sizes, in turns.
func talk(c *recording.Call, n int) {
	for i := range n {
		c.Send(0, inner(i, i%1300))
		c.Send(1, inner(i+30000, (i*37)%1300))
	}
}

// policies are all ways in which a call can be encrypted.
var policies = []struct {
	name  string
	mppe  ppp.MPPEPolicy
	linux bool
}{
	{"128 stateless", ppp.MPPEPolicy{}, false},
	{"56 stateless", ppp.MPPEPolicy{Mode: ppp.Require, Strengths: []int{56}}, false},
	{"40 stateless", ppp.MPPEPolicy{Mode: ppp.Require, Strengths: []int{40}}, false},
	{"128 stateful", ppp.MPPEPolicy{Stateful: ppp.StatefulRequired}, false},
	{"40 stateful", ppp.MPPEPolicy{Mode: ppp.Require, Strengths: []int{40}, Stateful: ppp.StatefulRequired}, false},
	{"128 stateful, as Linux resets", ppp.MPPEPolicy{Stateful: ppp.StatefulRequired}, true},
}

// TestEveryEncryption: every packet inside comes out as it was sent, with the time of the packet
// that carried it.
func TestEveryEncryption(t *testing.T) {
	for _, p := range policies {
		for _, how := range []string{"", "no control connection", "incoming call", "by EAP"} {
			t.Run(p.name+" "+how, func(t *testing.T) {
				rec := recording.New(1)
				auth := ppp.MSCHAPv2
				if how == "by EAP" {
					auth = ppp.EAPMSCHAPv2
				}
				c := dial(t, rec, recording.Options{Auth: auth, MPPE: p.mppe, LinuxReset: p.linux, NoControl: how == "no control connection", Incoming: how == "incoming call"})
				talk(c, 700) // key changes of stateful mode among them
				got := follow(t, hashOf(user, password), rec.Packets)
				assert.Equal(t, c.Sent[0], got.plain[client])
				assert.Equal(t, c.Sent[1], got.plain[server])
				require.Len(t, got.report.Calls, 1)
				call := got.report.Calls[0]
				assert.Equal(t, how != "no control connection", call.Control)
				assert.Equal(t, [3]any{LoginRight, auth.String(), user}, [3]any{call.Login, call.Method, call.User})
				bits := 128
				if len(p.mppe.Strengths) > 0 {
					bits = p.mppe.Strengths[0]
				}
				for i, from := range []netip.Addr{client, server} {
					d := call.Directions[i]
					assert.Equal(t, from, d.From)
					assert.Equal(t, [2]uint16{22, 11}[i], d.CallID)
					assert.Equal(t, uint64(700), d.Deciphered)
					assert.Zero(t, d.Left())
					assert.Equal(t, bits, d.Bits)
					assert.Equal(t, p.mppe.Stateful == ppp.StatefulRequired, d.Stateful)
					var times []time.Time
					for _, p := range rec.Packets {
						if p.Data && ippkt.IPv4(p.IP).Source() == from {
							times = append(times, p.At)
						}
					}
					assert.Equal(t, times, got.times[from])
				}
			})
		}
	}
}

// TestPlainCalls: of a call without encryption the packets come out as well, and its login says why
// there is none.
func TestPlainCalls(t *testing.T) {
	for auth, want := range map[ppp.AuthMethod]Login{ppp.MSCHAPv2: LoginRight, ppp.EAPMSCHAPv2: LoginRight, ppp.CHAPMD5: LoginKeyless, ppp.PAP: LoginKeyless} {
		t.Run(auth.String(), func(t *testing.T) {
			rec := recording.New(1)
			c := dial(t, rec, recording.Options{Auth: auth, MPPE: ppp.MPPEPolicy{Mode: ppp.Off}})
			talk(c, 50)
			got := follow(t, hashOf(user, password), rec.Packets)
			assert.Equal(t, c.Sent[0], got.plain[client])
			assert.Equal(t, c.Sent[1], got.plain[server])
			call := got.report.Calls[0]
			assert.Equal(t, [3]any{want, auth.String(), user}, [3]any{call.Login, call.Method, call.User})
			assert.Equal(t, uint64(50), call.Directions[0].Plain)
			assert.Zero(t, call.Directions[0].Deciphered)
		})
	}
}

// TestPasswords: the login itself says whether the password is right.
func TestPasswords(t *testing.T) {
	for name, c := range map[string]struct {
		hash  func(string) [][16]byte
		login Login
		why   Reason
	}{
		"wrong":           {hashOf(user, "wrong horse"), LoginWrong, WrongPassword},
		"of another user": {hashOf("bob", password), LoginUnknown, UnknownUser},
		"one of several": {func(string) [][16]byte {
			return [][16]byte{{1}, mschap.NTPasswordHash(password), {2}}
		}, LoginRight, Reasons},
		"right, by another name": {func(string) [][16]byte { return [][16]byte{mschap.NTPasswordHash(password)} }, LoginRight, Reasons},
	} {
		t.Run(name, func(t *testing.T) {
			rec := recording.New(1)
			talk(dial(t, rec, recording.Options{}), 20)
			got := follow(t, c.hash, rec.Packets)
			call := got.report.Calls[0]
			assert.Equal(t, c.login, call.Login)
			if c.why == Reasons {
				assert.Equal(t, uint64(20), call.Directions[0].Deciphered)
				return
			}
			assert.Empty(t, got.infos)
			assert.Equal(t, uint64(20), call.Directions[0].Missed[c.why])
			assert.Equal(t, uint64(20), call.Directions[1].Missed[c.why])
		})
	}
}

// TestRefusedLogin: a client that was refused, and then came with the right password.
func TestRefusedLogin(t *testing.T) {
	rec := recording.New(1)
	refused := dial(t, rec, recording.Options{ServerPassword: "another", ClientID: 1, ServerID: 2})
	require.True(t, refused.Failed)
	c := dial(t, rec, recording.Options{ClientID: 1, ServerID: 2})
	talk(c, 5)
	got := follow(t, hashOf(user, password), rec.Packets)
	require.Len(t, got.report.Calls, 2)
	assert.Equal(t, LoginRefused, got.report.Calls[0].Login)
	assert.Equal(t, LoginRight, got.report.Calls[1].Login)
	assert.Equal(t, c.Sent[0], got.plain[client])
}

// TestSeveralCalls: of several users between the same hosts, of several clients, one after the
// other under the same IDs, and two at a time.
func TestSeveralCalls(t *testing.T) {
	for _, control := range []bool{true, false} {
		t.Run(fmt.Sprintf("control=%v", control), func(t *testing.T) {
			rec := recording.New(1)
			other := netip.MustParseAddr("198.51.100.9")
			a := dial(t, rec, recording.Options{NoControl: !control})
			b := dial(t, rec, recording.Options{NoControl: !control, ClientID: 12, ServerID: 23, User: "bob", Password: "bob's"})
			c := dial(t, rec, recording.Options{NoControl: !control, Client: other, Server: server})
			for range 10 {
				talk(a, 10)
				talk(b, 10)
				talk(c, 10)
			}
			rec.Now = rec.Now.Add(time.Hour)
			d := dial(t, rec, recording.Options{NoControl: !control, Client: other, Server: server})
			talk(d, 10)
			got := follow(t, func(u string) [][16]byte {
				return [][16]byte{mschap.NTPasswordHash(map[string]string{user: password, "bob": "bob's"}[u])}
			}, rec.Packets)
			require.Len(t, got.report.Calls, 4)
			for i, call := range got.report.Calls {
				assert.Equal(t, LoginRight, call.Login)
				want := uint64(100)
				if i == 3 {
					want = 10
				}
				assert.Equal(t, want, call.Directions[0].Deciphered, "call %d", i)
				assert.Equal(t, want, call.Directions[1].Deciphered, "call %d", i)
			}
			assert.Equal(t, "bob", got.report.Calls[1].User)
			assert.Equal(t, append(slices.Clone(c.Sent[0]), d.Sent[0]...), got.plain[other])
		})
	}
}

// isControl reports whether a packet is of a control connection.
func isControl(p recording.Packet) bool { return ippkt.IPv4(p.IP).Protocol() == ippkt.TCP }

// without drops packets from a capture.
func without(packets []recording.Packet, drop func(i int, p recording.Packet) bool) (rest []recording.Packet) {
	for i, p := range packets {
		if !drop(i, p) {
			rest = append(rest, p)
		}
	}
	return rest
}

// TestLoginMissing: without the login nothing can be done, and that is said.
func TestLoginMissing(t *testing.T) {
	rec := recording.New(1)
	talk(dial(t, rec, recording.Options{}), 20)
	got := follow(t, hashOf(user, password), without(rec.Packets, func(_ int, p recording.Packet) bool { return !p.Data }))
	assert.Empty(t, got.infos)
	require.Len(t, got.report.Calls, 1, "the two directions are one call")
	call := got.report.Calls[0]
	assert.Equal(t, LoginMissing, call.Login)
	for _, d := range call.Directions {
		assert.Equal(t, uint64(20), d.Missed[NoLogin])
	}
}

// TestPiecesMissing takes parts of the set-up away: what is left suffices as long as the client's
// response is there.
func TestPiecesMissing(t *testing.T) {
	for _, p := range policies {
		for name, missing := range map[string]func(o ppp.Overheard, proto uint16) bool{
			"LCP":           func(_ ppp.Overheard, proto uint16) bool { return proto == ppp.ProtoLCP },
			"the challenge": func(o ppp.Overheard, _ uint16) bool { return o.Kind == ppp.OverheardChallenge },
			"the success":   func(o ppp.Overheard, _ uint16) bool { return o.Kind == ppp.OverheardSuccess },
			"CCP":           func(_ ppp.Overheard, proto uint16) bool { return proto == ppp.ProtoCCP },
			"all but the response": func(o ppp.Overheard, _ uint16) bool {
				return o.Kind != ppp.OverheardResponse
			},
		} {
			for _, control := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/control=%v", p.name, name, control), func(t *testing.T) {
					rec := recording.New(1)
					c := dial(t, rec, recording.Options{MPPE: p.mppe, LinuxReset: p.linux, NoControl: !control})
					talk(c, 100)
					got := follow(t, hashOf(user, password), without(rec.Packets, func(_ int, p recording.Packet) bool {
						if p.Data || isControl(p) {
							return false
						}
						header := ippkt.IPv4Len + 12
						if p.IP[ippkt.IPv4Len+1]&0x80 != 0 {
							header += 4
						}
						proto, info, err := ppp.ParseFrame(p.IP[header:])
						require.NoError(t, err)
						return missing(ppp.Overhear(proto, info), proto)
					}))
					assert.Equal(t, c.Sent[0], got.plain[client])
					assert.Equal(t, c.Sent[1], got.plain[server])
					require.Len(t, got.report.Calls, 1)
				})
			}
		}
	}
}

// TestLateData: the login is there, and then a part of the capture is missing.
func TestLateData(t *testing.T) {
	for _, p := range policies {
		for _, gap := range []int{1, 100, 3000, 9000} {
			t.Run(fmt.Sprintf("%s, %d missing", p.name, gap), func(t *testing.T) {
				rec := recording.New(1)
				c := dial(t, rec, recording.Options{MPPE: p.mppe, LinuxReset: p.linux})
				for i := range gap + 1000 {
					c.Send(0, inner(i, 100))
				}
				n := 0
				got := follow(t, hashOf(user, password), without(rec.Packets, func(_ int, p recording.Packet) bool {
					if p.Data {
						n++
					}
					return p.Data && n <= gap
				}))
				// Stateless goes on at once, or, where the count does not tell how many are
				// missing, after a few; stateful with the next change of tables, of which there
				// is one in 256.
				lost := 0
				switch {
				case p.mppe.Stateful == ppp.StatefulRequired:
					lost = 256 - gap%256
				case gap > 2047:
					lost = 4
				}
				plain := got.plain[client]
				require.GreaterOrEqual(t, len(plain), 1000-lost)
				assert.Equal(t, c.Sent[0][len(c.Sent[0])-len(plain):], plain)
			})
		}
	}
}

// TestManyCalls: no more are followed than there is room for, and no more listed; none is
// forgotten.
func TestManyCalls(t *testing.T) {
	f := New(Options{Hashes: hashOf(user, password)})
	header := []byte{0x30, 0x01, 0x88, 0x0B, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0x21, 0, 0}
	for i := range 15_000 {
		p := recording.IPv4(client, server, ippkt.GRE, 1, header)
		binary.BigEndian.PutUint16(p[ippkt.IPv4Len+6:], uint16(i))
		require.NoError(t, f.Packet(time.Unix(int64(i), 0), p, false))
		require.LessOrEqual(t, len(f.calls.flows), maxFlows)
	}
	require.NoError(t, f.Finish())
	r := f.Report()
	assert.Len(t, r.Calls, MaxCalls)
	assert.Equal(t, 15_000-MaxCalls, r.Unlisted)
}

// TestEmitFails: the error ends the following.
func TestEmitFails(t *testing.T) {
	rec := recording.New(1)
	talk(dial(t, rec, recording.Options{}), 2)
	failed := 0
	f := New(Options{Hashes: hashOf(user, password), Emit: func(Plain) error { failed++; return assert.AnError }})
	var err error
	for _, p := range rec.Packets {
		err = f.Packet(p.At, p.IP, false)
	}
	assert.Equal(t, assert.AnError, err)
	assert.Equal(t, 1, failed)
}
