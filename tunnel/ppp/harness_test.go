package ppp

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	testUser     = "lab"
	testPassword = "lab-pass-1"
)

var (
	serverAddr = netip.MustParseAddr("10.99.0.1")
	clientAddr = netip.MustParseAddr("10.99.0.100")
	dns1       = netip.MustParseAddr("10.99.0.53")
	dns2       = netip.MustParseAddr("10.99.1.53")
	epoch      = time.Unix(1_000_000, 0)
)

// testRand is a random source that always gives the same.
func testRand(seed uint64) *rand.ChaCha8 {
	var s [32]byte
	s[0], s[1] = byte(seed), byte(seed>>8)
	return rand.NewChaCha8(s)
}

// end is one link with what came out of it.
type end struct {
	t      testing.TB
	link   *Link
	events []Event
	frames [][]byte
	onSend func(frame []byte)
}

// newEnd makes a link; what cfg leaves out for the callbacks is filled in.
func newEnd(t testing.TB, cfg Config, seed uint64) *end {
	e := &end{t: t}
	if cfg.Rand == nil {
		cfg.Rand = testRand(seed)
	}
	cfg.Send = func(f []byte) {
		e.frames = append(e.frames, f)
		if e.onSend != nil {
			e.onSend(f)
		}
	}
	cfg.Event = func(ev Event) { e.events = append(e.events, ev) }
	var err error
	e.link, err = New(cfg)
	require.NoError(t, err)
	return e
}

// clientConfig and serverConfig agree with each other by default.
func clientConfig() Config {
	return Config{User: testUser, Password: testPassword, RequestDNS: true, EchoInterval: -1}
}

func serverConfig() Config {
	return Config{
		Server: true,
		Lookup: func(user string) (Account, bool) {
			if user == testUser {
				return Account{Password: testPassword}, true
			}
			return Account{}, false
		},
		Assign: func(string) (netip.Addr, netip.Addr, error) {
			return serverAddr, clientAddr, nil
		},
		Name:         "lab-server",
		DNS:          []netip.Addr{dns1, dns2},
		EchoInterval: -1,
	}
}

// events of one type, in order.
func eventsOf[T Event](e *end) []T {
	var out []T
	for _, ev := range e.events {
		if x, ok := ev.(T); ok {
			out = append(out, x)
		}
	}
	return out
}

// only is the one event of a type.
func only[T Event](e *end) T {
	e.t.Helper()
	all := eventsOf[T](e)
	require.Len(e.t, all, 1, "events of type %T among %#v", *new(T), e.events)
	return all[0]
}

// reason is why the link went down.
func (e *end) reason() *DownError {
	e.t.Helper()
	return only[LinkDown](e).Reason
}

// pair is two links with a network between them and one clock.
type pair struct {
	t              testing.TB
	now            time.Time
	client, server *end
	wire           []delivery
	// network says when copies of a frame arrive, as delays; none: it is lost.
	network func(toServer bool, frame []byte) []time.Duration
	sent    int
}

// delivery is a frame on its way.
type delivery struct {
	at       time.Time
	order    int
	toServer bool
	frame    []byte
}

// newPair wires two configurations together over a perfect network.
func newPair(t testing.TB, client, server Config) *pair {
	p := &pair{t: t, now: epoch}
	p.client, p.server = newEnd(t, client, 1), newEnd(t, server, 2)
	p.client.onSend = func(f []byte) { p.carry(true, f) }
	p.server.onSend = func(f []byte) { p.carry(false, f) }
	return p
}

// carry puts a frame on the wire.
func (p *pair) carry(toServer bool, f []byte) {
	delays := []time.Duration{time.Millisecond}
	if p.network != nil {
		delays = p.network(toServer, f)
	}
	for _, d := range delays {
		p.sent++
		p.wire = append(p.wire, delivery{at: p.now.Add(d), order: p.sent, toServer: toServer, frame: f})
	}
}

// open opens both ends.
func (p *pair) open() {
	p.client.link.Open(p.now)
	p.server.link.Open(p.now)
}

// step moves the clock to the next thing that happens, false if nothing does
// before the limit.
func (p *pair) step(limit time.Time) bool {
	next := -1
	for i, d := range p.wire {
		if next < 0 || d.at.Before(p.wire[next].at) || d.at.Equal(p.wire[next].at) && d.order < p.wire[next].order {
			next = i
		}
	}
	var due time.Time
	for _, e := range []*end{p.client, p.server} {
		if t, ok := e.link.Deadline(); ok && (due.IsZero() || t.Before(due)) {
			due = t
		}
	}
	if next >= 0 && (due.IsZero() || !p.wire[next].at.After(due)) {
		d := p.wire[next]
		if d.at.After(limit) {
			return false
		}
		p.wire = slices.Delete(p.wire, next, next+1)
		p.now = d.at
		if d.toServer {
			p.server.link.Input(p.now, d.frame)
		} else {
			p.client.link.Input(p.now, d.frame)
		}
		return true
	}
	if due.IsZero() || due.After(limit) {
		return false
	}
	p.now = due
	p.client.link.Tick(p.now)
	p.server.link.Tick(p.now)
	return true
}

// run lets d pass.
func (p *pair) run(d time.Duration) {
	limit := p.now.Add(d)
	for n := 0; p.step(limit); n++ {
		if n > 200_000 {
			p.t.Fatal("the links never come to rest")
		}
	}
	p.now = limit
}

// requireUp checks that both ends agree on everything.
func (p *pair) requireUp(encrypted bool) {
	p.t.Helper()
	c, s := eventsOf[NetworkUp](p.client), eventsOf[NetworkUp](p.server)
	require.NotEmpty(p.t, c, "client events: %#v", p.client.events)
	require.NotEmpty(p.t, s, "server events: %#v", p.server.events)
	cu, su := c[len(c)-1], s[len(s)-1]
	require.Equal(p.t, clientAddr, cu.Local)
	require.Equal(p.t, serverAddr, cu.Remote)
	require.Equal(p.t, serverAddr, su.Local)
	require.Equal(p.t, clientAddr, su.Remote)
	require.Empty(p.t, eventsOf[LinkDown](p.client))
	require.Empty(p.t, eventsOf[LinkDown](p.server))
	require.Equal(p.t, phaseNetwork, p.client.link.phase)
	ce, se := eventsOf[EncryptionUp](p.client), eventsOf[EncryptionUp](p.server)
	if !encrypted {
		require.Empty(p.t, ce)
		require.Empty(p.t, se)
		return
	}
	require.NotEmpty(p.t, ce)
	require.NotEmpty(p.t, se)
	require.Equal(p.t, ce[len(ce)-1].Send, se[len(se)-1].Recv)
	require.Equal(p.t, ce[len(ce)-1].Recv, se[len(se)-1].Send)
	require.NotEqual(p.t, ce[len(ce)-1].Recv.Key, ce[len(ce)-1].Send.Key)
	for _, e := range []*end{p.client, p.server} {
		enc := slices.IndexFunc(e.events, func(ev Event) bool { _, ok := ev.(EncryptionUp); return ok })
		net := slices.IndexFunc(e.events, func(ev Event) bool { _, ok := ev.(NetworkUp); return ok })
		require.Less(p.t, enc, net, "encryption comes before the network")
	}
}

// proto is the protocol of a frame and its packet.
func parse(t testing.TB, frame []byte) (uint16, packet) {
	proto, info, err := ParseFrame(frame)
	require.NoError(t, err)
	p, err := parsePacket(info)
	require.NoError(t, err)
	return proto, p
}

// frameOf builds a frame.
func frameOf(proto uint16, code, id byte, data []byte) []byte {
	return appendPacket(AppendHeader(nil, proto, false, false), code, id, data)
}

// script plays the peer by hand against one end.
type script struct {
	*end
	now  time.Time
	next int // the first frame not looked at yet
}

// newScript opens a link that nobody else is wired to.
func newScript(t testing.TB, cfg Config) *script {
	s := &script{end: newEnd(t, cfg, 7), now: epoch}
	s.link.Open(s.now)
	return s
}

// in gives the link a frame.
func (s *script) in(proto uint16, code, id byte, data []byte) {
	s.link.Input(s.now, frameOf(proto, code, id, data))
}

// wait lets time pass, with every tick on the way.
func (s *script) wait(d time.Duration) {
	limit := s.now.Add(d)
	for n := 0; ; n++ {
		t, ok := s.link.Deadline()
		if !ok || t.After(limit) {
			break
		}
		require.Less(s.t, n, 100_000, "the deadline does not move")
		s.now = t
		s.link.Tick(t)
	}
	s.now = limit
}

// expect is the next frame, which must be of this protocol and code. Before an answer to the first
// request of a protocol our own comes again; TestRequestGoesAgainOnce is about that.
func (s *script) expect(proto uint16, code byte) packet {
	s.t.Helper()
	if s.next < len(s.frames) && code != codeConfigureRequest && s.isCopy(s.next) {
		s.next++
	}
	require.Less(s.t, s.next, len(s.frames), "no frame left, wanted 0x%04x code %d; events %#v", proto, code, s.events)
	gotProto, p := parse(s.t, s.frames[s.next])
	s.next++
	require.Equal(s.t, [2]int{int(proto), int(code)}, [2]int{int(gotProto), int(p.code)}, "frame %x", s.frames[s.next-1])
	return p
}

// isCopy reports whether a frame is a Configure-Request that went out before.
func (s *script) isCopy(n int) bool {
	_, p := parse(s.t, s.frames[n])
	return p.code == codeConfigureRequest && slices.ContainsFunc(s.frames[:n], func(f []byte) bool { return bytes.Equal(f, s.frames[n]) })
}

// quiet checks that nothing more was sent.
func (s *script) quiet() {
	s.t.Helper()
	require.Empty(s.t, s.frames[s.next:])
}

// skip forgets what was sent so far.
func (s *script) skip() { s.next = len(s.frames) }

// openLCP completes LCP with the given options of the peer, for a fresh script.
func (s *script) openLCP(options []byte) {
	s.t.Helper()
	ours := s.expect(ProtoLCP, codeConfigureRequest)
	s.in(ProtoLCP, codeConfigureAck, ours.id, ours.data)
	s.in(ProtoLCP, codeConfigureRequest, 1, options)
	ack := s.expect(ProtoLCP, codeConfigureAck)
	require.Equal(s.t, string(options), string(ack.data))
}

// brokenRand fails.
type brokenRand struct{}

func (brokenRand) Read([]byte) (int, error) { return 0, errors.New("no entropy here") }
