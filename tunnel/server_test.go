package tunnel

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/internal/session"
	"github.com/arc4tun/arc4tun/tunnel/pool"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

func TestMaxSessions(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) { c.MaxSessions = 1 })
	first := s.guest("127.0.0.3", nil)
	first.waitUp()

	second := s.guest("127.0.0.4", nil)
	err := second.waitEnd()
	assert.ErrorContains(t, err, "the server refuses the call: general error: insufficient resources at the moment")
	assert.ErrorContains(t, err, "insufficient resources")
	assert.Equal(t, ClassPeer, ClassOf(err))
	s.refused("connections", 1)
	first.exchange(20)

	first.quit()
	s.empty()
	second = s.guest("127.0.0.4", nil)
	second.waitUp()
	second.exchange(5)
	second.quit()
	s.close()
}

func TestPoolExhausted(t *testing.T) {
	small, err := pool.Parse("10.99.0.200")
	require.NoError(t, err)
	s := newSite(t, func(c *ServerConfig) { c.Pool = small })
	s.pool = small
	first := s.guest("127.0.0.3", nil)
	require.Equal(t, "10.99.0.200", first.waitUp().Local.String())

	second := s.guest("127.0.0.4", nil)
	err = second.waitEnd()
	assert.Equal(t, ClassPeer, ClassOf(err), "%v", err)
	assert.ErrorContains(t, err, "no tunnel address for the peer: the server has no address to give")
	s.eventually(func() bool { return len(s.server.Snapshot().Sessions) == 1 }, "the second session is gone")
	first.exchange(20)

	first.quit()
	s.empty()
	second = s.guest("127.0.0.4", nil)
	require.Equal(t, "10.99.0.200", second.waitUp().Local.String())
	second.exchange(5)
	second.quit()
	s.close()
}

func TestThreeClientsAtOnce(t *testing.T) {
	s := newSite(t, nil)
	guests := []*guest{s.guest("127.0.0.3", nil), s.guest("127.0.0.4", nil), s.guest("127.0.0.5", nil)}
	addresses := map[netip.Addr]bool{}
	for _, g := range guests {
		addresses[g.waitUp().Local] = true
	}
	require.Len(t, addresses, 3)
	require.Equal(t, 3, s.pool.InUse())

	// Every client sends at once, and the device holds packets for all of them in one batch.
	const n = 100
	for i := range uint32(n) {
		for _, g := range guests {
			g.dev.Put(packet(g.network.Local, serverIP, i, 0))
			s.dev.Put(packet(serverIP, g.network.Local, i, 0))
		}
	}
	for _, g := range guests {
		for i := range uint32(n) {
			require.Equal(t, packet(serverIP, g.network.Local, i, 0), arrived(t, g.dev))
		}
		require.Empty(t, g.dev.Got)
	}
	next := map[netip.Addr]uint32{}
	for range 3 * n {
		p := arrived(t, s.dev)
		from := netip.AddrFrom4([4]byte(p[12:16]))
		require.Equal(t, packet(from, serverIP, next[from], 0), p)
		next[from]++
	}
	require.Len(t, next, 3)

	// One goes; the others stay, and what is for the first goes nowhere.
	guests[0].quit()
	s.eventually(func() bool { return s.pool.InUse() == 2 }, "the first one's address is free")
	s.dev.Put(packet(serverIP, guests[0].network.Local, 1, 0))
	guests[1].exchange(20)
	guests[2].exchange(20)
	guests[1].quit()
	guests[2].quit()
	s.empty()
	s.close()
}

// TestSpoofedSource: a client speaks for its own address alone.
func TestSpoofedSource(t *testing.T) {
	s := newSite(t, nil)
	victim, g := s.guest("127.0.0.3", nil), s.guest("127.0.0.4", nil)
	victim.waitUp()
	g.waitUp()
	for i, from := range []netip.Addr{serverIP, victim.network.Local, netip.MustParseAddr("192.0.2.7"), {}} {
		if !from.IsValid() {
			from = netip.IPv4Unspecified()
		}
		g.dev.Put(packet(from, serverIP, uint32(i), 0))
	}
	g.exchange(10) // what came before these would have arrived before them
	require.Empty(t, s.dev.Got)
	for _, v := range s.server.Snapshot().Sessions {
		want := uint64(0)
		if v.Peer == "127.0.0.4" {
			want = 4
		}
		assert.Equal(t, want, v.Counters["in_spoofed"], v.Peer)
	}
	victim.exchange(10)
	victim.quit()
	g.quit()
	s.empty()
	s.close()
}

// stranger opens a control connection from an address, and says what comes first.
func (s *site) stranger(from string, says []byte) net.Conn {
	s.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: netip.MustParseAddr(from).AsSlice()}, Timeout: timeout}
	conn, err := d.Dial("tcp4", s.address)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { conn.Close() })
	_, _ = conn.Write(says) // the server may have hung up before it has read all
	return conn
}

// refused waits until the server has turned away so many, and demands no more.
func (s *site) refused(what string, n uint64) {
	s.t.Helper()
	s.eventually(func() bool { return s.server.Snapshot().Refused[what] >= n }, "the server has turned them away: "+what)
	require.Equal(s.t, n, s.server.Snapshot().Refused[what])
}

// hungUp waits until the server has closed a connection.
func (s *site) hungUp(conn net.Conn) {
	s.t.Helper()
	require.NoError(s.t, conn.SetReadDeadline(time.Now().Add(timeout)))
	_, err := io.Copy(io.Discard, conn)
	require.NotErrorIs(s.t, err, os.ErrDeadlineExceeded)
}

func TestControlConnectionsThatAreNone(t *testing.T) {
	start := control.StartRequest{Version: 0x0100, HostName: "x"}.AppendTo(nil)
	call := control.OutgoingCallRequest{CallID: 7, Window: 64}.AppendTo(nil)
	changed := func(at int, b byte) []byte {
		m := bytes.Clone(start)
		m[at] = b
		return m
	}
	const hangsUp, goes, stops = "the server hangs up", "the stranger goes", "the server stops"
	for name, c := range map[string]struct {
		says []byte
		then string
	}{
		"nothing":                       {nil, stops},
		"one byte":                      {start[:1], goes},
		"half a message":                {start[:len(start)/2], goes},
		"a message and a half":          {append(bytes.Clone(start), call[:20]...), stops},
		"a call before the start":       {call, goes},
		"ones":                          {bytes.Repeat([]byte{0xFF}, 1000), hangsUp},
		"zeros":                         {make([]byte, 1000), hangsUp},
		"a web browser":                 {[]byte("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"), hangsUp},
		"a megabyte":                    {bytes.Repeat([]byte("junk"), 1<<18), hangsUp},
		"a length of nothing":           {changed(1, 0), hangsUp},
		"a length without end":          {changed(0, 0xFF), hangsUp},
		"another cookie":                {changed(4, 0), hangsUp},
		"a start, and then junk":        {append(bytes.Clone(start), bytes.Repeat([]byte{0xAA}, 200)...), hangsUp},
		"a call that says no word more": {append(bytes.Clone(start), call...), goes},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(c *ServerConfig) { c.restartTimer = 50 * time.Millisecond })
			conn := s.stranger("127.0.0.6", c.says)
			if c.then == hangsUp {
				s.hungUp(conn)
			}
			g := s.guest("127.0.0.3", nil)
			g.waitUp()
			g.exchange(10)
			g.quit()
			if c.then == stops {
				s.close()
				s.hungUp(conn)
				return
			}
			require.NoError(t, conn.Close())
			s.empty()
			s.close()
		})
	}
}

// TestFloodOfConnections: strangers from one address take no place from clients elsewhere, nor from
// one beside them.
func TestFloodOfConnections(t *testing.T) {
	const flood = 300
	s := newSite(t, nil)
	limit := GuardLimits{}.withDefaults().StartingPerAddr
	conns := make([]net.Conn, flood)
	for i := range conns {
		conns[i] = s.stranger("127.0.0.6", []byte{0, 156})
	}
	s.refused("evicted", uint64(flood-limit))
	require.EqualValues(t, flood, s.server.counted.connections.Load())
	require.Equal(t, limit, s.server.guard.starting())

	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	g.exchange(10)
	late := s.guest("127.0.0.6", nil)
	late.waitUp()
	late.exchange(10)
	require.Equal(t, limit-2, s.server.guard.starting(), "two strangers went for it")
	for _, c := range conns {
		require.NoError(t, c.Close())
	}
	s.eventually(func() bool { return s.server.guard.starting() == 0 }, "the server has let them all go")
	g.quit()
	late.quit()
	s.empty()
	s.close()
}

// TestFloodFromEverywhere: the limit over all addresses holds too, and keeps no client out.
func TestFloodFromEverywhere(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) { c.Guard = GuardLimits{Starting: 8, StartingPerAddr: 4} })
	early := s.guest("127.0.0.3", nil)
	early.waitUp() // it has authenticated, and counts no more
	var conns []net.Conn
	for i := range 40 {
		conns = append(conns, s.stranger(fmt.Sprintf("127.0.1.%d", 1+i%4), nil))
	}
	s.refused("evicted", 32)
	g := s.guest("127.0.0.4", nil)
	g.waitUp()
	g.exchange(10)
	early.exchange(10)
	require.Equal(t, 6, s.server.guard.starting())
	for _, c := range conns {
		require.NoError(t, c.Close())
	}
	g.quit()
	early.quit()
	s.empty()
	s.close()
}

// TestGuessingPasswords: six wrong passwords behind a NAT ban that user there and nobody else; one
// user after the other bans the address, which is told so, with everybody behind it who has not
// logged in from there.
func TestGuessingPasswords(t *testing.T) {
	book := new(logbook)
	s := newSite(t, func(c *ServerConfig) {
		c.Log = slog.New(slog.NewTextHandler(book, nil))
		c.Guard = GuardLimits{Failures: 6, FailuresPerAddr: 8, Penalty: time.Hour}
		c.Explain = func(user string) string { return map[string]string{"dave": "the line is for another server"}[user] }
		c.Lookup = func(user string) (Account, bool) {
			return Account{Account: ppp.Account{Password: "secret"}}, user == "alice" || user == "bob"
		}
	})
	const nat = "127.0.0.6"
	behindNAT := func(user, password string) *guest {
		t.Helper()
		return s.guest(nat, func(c *ClientConfig) {
			c.User, c.Password = user, password
			c.ListenGRE = func(local, _ netip.Addr) (gre.Conn, error) { return s.net.listenBehind(local) }
		})
	}
	fails := func(user, password string) error {
		t.Helper()
		err := behindNAT(user, password).waitEnd()
		require.Error(t, err)
		return err
	}
	for i := range uint64(6) {
		require.Equal(t, ClassAuth, ClassOf(fails("bob", "guess")))
		s.refused("authentication", i+1)
	}
	err := fails("bob", "secret")
	require.Equal(t, ClassPeer, ClassOf(err), "which is not final for who reconnects")
	require.ErrorContains(t, err, "banned after failed logins, for 3")
	t.Log("the user reads:", err)
	colleague := behindNAT("alice", "secret")
	colleague.waitUp()
	colleague.exchange(10)

	bans := s.server.Snapshot().Bans
	require.Len(t, bans, 1)
	require.Equal(t, []any{nat, "bob", 6}, []any{bans[0].Address, bans[0].User, bans[0].Failures})
	fails("carol", "guess")
	fails("dave", "guess")
	require.Len(t, s.server.Snapshot().Bans, 2)
	require.ErrorContains(t, fails("erin", "secret"), "banned after failed logins")
	colleague.quit()
	again := behindNAT("alice", "secret") // has logged in from there
	again.waitUp()
	again.quit()

	// From an address where nobody has, it is the whole address.
	const lonely = "127.0.0.7"
	for i := range 8 {
		s.guest(lonely, func(c *ClientConfig) { c.User = fmt.Sprint("user ", i) }).waitEnd()
	}
	err = s.guest(lonely, nil).waitEnd()
	require.ErrorContains(t, err, "not authorized")
	t.Log("the user reads:", err)
	s.empty()
	s.close()
	text := book.String()
	for _, line := range []string{
		`msg="user banned at an address" peer=127.0.0.6 user=bob failures=6 for=1h0m0s`,
		`msg="address banned" peer=127.0.0.6 failures=8 for=1h0m0s`,
		`msg="address banned" peer=127.0.0.7 failures=8 for=1h0m0s`,
		`msg="login refused" peer=127.0.0.6`,
		`user=dave method=MS-CHAPv2 reason="wrong user name or password" because="the line is for another server"`,
	} {
		require.Contains(t, text, line)
	}
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "banned at") {
			t.Log("the log says:", line)
		}
	}
}

func TestIPv6(t *testing.T) {
	own := netip.MustParseAddr("fe80::5:6:7:8")
	tap := newWireTap()
	tap.secret = [][]byte{marker}
	s := newSite(t, func(c *ServerConfig) { c.IPv6, c.LocalIP6 = true, own })
	s.net.passing(func(from, _ netip.Addr, packet []byte) bool {
		tap.pass(from, packet, func([]byte) {})
		return true
	})
	on := func(c *ClientConfig) { c.IPv6 = true }
	guests := []*guest{s.guest("127.0.0.3", on), s.guest("127.0.0.4", on)}
	for _, g := range guests {
		g.waitUp()
		// Each of the two network protocols reports the network as it opens.
		for !g.network.LocalIPv6.IsValid() || !g.network.Local.IsValid() {
			select {
			case g.network = <-g.up:
			case <-time.After(timeout):
				require.FailNow(t, "IPv6 does not come up")
			}
		}
		require.Equal(t, own, g.network.RemoteIPv6)
		require.True(t, g.network.LocalIPv6.IsLinkLocalUnicast())
		s.eventually(g.ready6, "both ends pass IPv6")
	}
	require.NotEqual(t, guests[0].network.LocalIPv6, guests[1].network.LocalIPv6)
	for i := range 50 {
		for _, g := range guests {
			up := packet6(g.network.LocalIPv6, own, uint32(i), 44+i*31%1357)
			down := packet6(own, g.network.LocalIPv6, uint32(i), 44+i*53%1357)
			g.dev.Put(up)
			s.dev.Put(down)
			require.Equal(t, up, arrived(t, s.dev))
			require.Equal(t, down, arrived(t, g.dev))
		}
	}
	// Neither the other client's address, nor a global one.
	guests[1].dev.Put(packet6(guests[0].network.LocalIPv6, own, 1, 0))
	guests[1].dev.Put(packet6(netip.MustParseAddr("2001:db8::1"), own, 2, 0))
	for _, g := range guests {
		g.exchange(20)
	}
	for _, v := range s.server.Snapshot().Sessions {
		want := uint64(0)
		if v.Peer == "127.0.0.4" {
			want = 2
		}
		assert.Equal(t, want, v.Counters["in_spoofed"], v.Peer)
	}
	for _, g := range guests {
		g.quit()
	}
	s.empty()
	s.close()
	for _, from := range []netip.Addr{serverOuter, guests[0].outer, guests[1].outer} {
		require.Zero(t, tap.count(from, ppp.ProtoIPv4, 0)+tap.count(from, ppp.ProtoIPv6, 0))
		require.Positive(t, tap.count(from, ppp.ProtoCompressed, 0))
	}
	tap.requireNoFault(t)
}

// ready6 reports whether both data paths of a guest take IPv6.
func (g *guest) ready6() bool {
	g.client.mu.Lock()
	mine := g.client.session
	g.client.mu.Unlock()
	if mine == nil || !passes6(mine) {
		return false
	}
	theirs := g.server.route(packet6(netip.Addr{}, g.network.LocalIPv6, 0, 0))
	return theirs != nil && passes6(theirs) && g.server.route(packet(serverIP, g.network.Local, 0, 0)) == theirs
}

// passes6 reports whether both data paths of a session take IPv6.
func passes6(s *session.Session) bool {
	n, up := s.Network()
	return up && n.LocalIPv6.IsValid()
}

// TestIPv6AtOneEnd: who did not ask for IPv6 gets none, and IPv4 does not suffer.
func TestIPv6AtOneEnd(t *testing.T) {
	own := netip.MustParseAddr("fe80::1")
	for name, c := range map[string]struct{ client, server bool }{
		"client": {true, false}, "server": {false, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(sc *ServerConfig) { sc.IPv6, sc.LocalIP6 = c.server, own })
			g := s.guest("127.0.0.3", func(cc *ClientConfig) { cc.IPv6 = c.client })
			require.False(t, g.waitUp().LocalIPv6.IsValid())
			g.dev.Put(packet6(netip.MustParseAddr("fe80::2"), own, 1, 0))
			g.exchange(20)
			require.Empty(t, s.dev.Got)
			require.EqualValues(t, 1, g.client.Snapshot().Sessions[0].Counters["out_not_ip"])
			g.quit()
			s.empty()
			s.close()
		})
	}
}

// TestGREFromAStranger: a packet that carries a client's call ID, but comes from elsewhere, is
// nobody's.
func TestGREFromAStranger(t *testing.T) {
	s := newSite(t, nil)
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	id := uint16(s.alone().Counters["call_id"])
	other := s.listen("127.0.0.6")
	var pkts []gre.Packet
	for i := range uint32(100) {
		b := make([]byte, gre.MaxHeader+4)
		n := gre.Header{CallID: id, PayloadLen: 4, HasSeq: true, Seq: i}.Put(b)
		copy(b[n:], []byte{0xFF, 0x03, 0xC0, 0x21})
		pkts = append(pkts, gre.Packet{Addr: serverOuter, Data: b[:n+4]})
	}
	before := s.alone().Counters["control_frames_in"]
	_, err := other.WriteBatch(pkts)
	require.NoError(t, err)
	s.refused("gre_no_session", 100)
	g.exchange(20)
	require.Equal(t, before, s.alone().Counters["control_frames_in"])
	g.quit()
	s.empty()
	s.close()
}
