package netstack

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sync/errgroup"

	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/netdev/userspace"
)

const patience = time.Minute

var (
	insideAddr = netip.MustParseAddr("10.99.0.1")
	ours       = tunnel.Network{Local: netip.MustParseAddr("10.99.0.100"), DNS: []netip.Addr{insideAddr}, MTU: 1400}
)

// lab is a Dialer, and another stack behind it.
type lab struct {
	*Dialer
	t      *testing.T
	inside *userspace.Stack
	device netdev.Device
	cfg    tunnel.ClientConfig
	on     netdev.Device // ours, that is joined to the inside
	pipes  errgroup.Group
	// unknown is what its name server answers about names that it does not know.
	unknown dnsmessage.RCode
}

func newLab(t *testing.T, c Config) *lab {
	t.Helper()
	c.Log = slog.New(slog.DiscardHandler)
	l := &lab{t: t, Dialer: NewDialer(c), unknown: dnsmessage.RCodeNameError}
	l.Attach(&l.cfg)
	var err error
	l.device, l.inside, err = userspace.NewUserspace([]netip.Addr{insideAddr}, 1400)
	require.NoError(t, err)
	t.Cleanup(func() {
		l.Close()
		l.device.Close()
		_ = l.pipes.Wait()
	})
	return l
}

// up has the tunnel come up with a network.
func (l *lab) up(n tunnel.Network) {
	l.t.Helper()
	dev, err := l.cfg.Bring(l.t.Context(), n)
	require.NoError(l.t, err)
	if dev != l.on {
		l.on = dev
		l.pipe(dev, l.device)
		l.pipe(l.device, dev)
	}
	l.cfg.Changed(true, n)
}

func (l *lab) down() { l.cfg.Changed(false, tunnel.Network{}) }

// pipe carries packets until one of the devices is closed.
func (l *lab) pipe(from, to netdev.Device) {
	l.pipes.Go(func() error {
		bufs, sizes := make([][]byte, from.BatchSize()), make([]int, from.BatchSize())
		for i := range bufs {
			bufs[i] = make([]byte, 2000)
		}
		for {
			n, err := from.Read(bufs, sizes, 0)
			if err != nil {
				return err
			}
			for i := range n {
				if _, err := to.Write([][]byte{bufs[i][:sizes[i]]}, 0); err != nil {
					return err
				}
			}
		}
	})
}

// answers is a name server on the inside: of a name it gives addresses, or a code.
func (l *lab) answers(names map[string][]string) {
	l.t.Helper()
	conn, err := l.inside.ListenUDP(netip.AddrPortFrom(insideAddr, 53))
	require.NoError(l.t, err)
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil {
				continue
			}
			q := m.Questions[0]
			m.Response = true
			addresses, known := names[q.Name.String()]
			if !known {
				m.RCode = l.unknown
			}
			for _, a := range addresses {
				m.Answers = append(m.Answers, dnsmessage.Resource{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: dnsmessage.TypeA, Class: q.Class},
					Body:   &dnsmessage.AResource{A: netip.MustParseAddr(a).As4()},
				})
			}
			forged := m
			forged.ID++
			for _, m := range []dnsmessage.Message{forged, m} {
				b, _ := m.Pack()
				_, _ = conn.WriteTo(b, from)
			}
		}
	}()
}

func TestLookUps(t *testing.T) {
	l := newLab(t, Config{})
	l.answers(map[string][]string{"files.office.example.": {"10.99.0.1", "10.0.0.2"}, "empty.example.": nil})
	l.up(ours)
	got, err := l.LookupNetIP(t.Context(), "ip", "files.office.example")
	require.NoError(t, err)
	assert.Equal(t, []netip.Addr{insideAddr, netip.MustParseAddr("10.0.0.2")}, got)
	for name, host := range map[string]string{
		"no such name": "nobody.example", "no address": "empty.example", "an empty part": "a..b", "too long": string(make([]byte, 300)), "a space": "a b.example",
	} {
		_, err := l.LookupNetIP(t.Context(), "ip", host)
		var dns *net.DNSError
		require.ErrorAs(t, err, &dns, name)
		assert.True(t, dns.IsNotFound, name)
	}
	_, err = l.LookupNetIP(t.Context(), "ip", "x.LOCALHOST.")
	require.ErrorIs(t, err, ErrRefused)
}

// TestTruncatedAnswer: what a name server has cut short by UDP it is asked for by TCP, which an
// answer of any length fits.
func TestTruncatedAnswer(t *testing.T) {
	l := newLab(t, Config{})
	at := netip.AddrPortFrom(insideAddr, 53)
	datagrams, err := l.inside.ListenUDP(at)
	require.NoError(t, err)
	streams, err := l.inside.ListenTCP(at)
	require.NoError(t, err)
	reply := func(b []byte, truncated bool, addresses ...string) []byte {
		var m dnsmessage.Message
		if m.Unpack(b) != nil || len(m.Questions) != 1 {
			return nil
		}
		m.Response, m.Truncated = true, truncated
		for _, a := range addresses {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET},
				Body:   &dnsmessage.AResource{A: netip.MustParseAddr(a).As4()},
			})
		}
		b, _ = m.Pack()
		return b
	}
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := datagrams.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = datagrams.WriteTo(reply(buf[:n], true, "10.0.0.9"), from)
		}
	}()
	asked := make(chan error, 1)
	go func() {
		c, err := streams.Accept()
		if err != nil {
			asked <- err
			return
		}
		defer c.Close()
		b := make([]byte, 2)
		if _, err = io.ReadFull(c, b); err == nil {
			b = make([]byte, binary.BigEndian.Uint16(b))
			_, err = io.ReadFull(c, b)
		}
		b = reply(b, false, "10.0.0.1", "10.0.0.2", "10.0.0.3")
		for _, part := range [][]byte{binary.BigEndian.AppendUint16(nil, uint16(len(b))), b[:5], b[5:]} {
			_, err2 := c.Write(part)
			err = errors.Join(err, err2)
		}
		asked <- err
	}()
	l.up(ours)
	got, err := l.LookupNetIP(t.Context(), "ip4", "many.office.example")
	require.NoError(t, err)
	require.NoError(t, <-asked)
	assert.Equal(t, []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")}, got)
}

// TestNameServerRefuses: who asks hears in words what the name server answers.
func TestNameServerRefuses(t *testing.T) {
	for code, want := range map[dnsmessage.RCode]string{
		dnsmessage.RCodeFormatError: "FORMERR", dnsmessage.RCodeServerFailure: "SERVFAIL", dnsmessage.RCodeNotImplemented: "NOTIMP",
		dnsmessage.RCodeRefused: "REFUSED", 9: "code 9",
	} {
		l := newLab(t, Config{})
		l.unknown = code
		l.answers(nil)
		l.up(ours)
		_, err := l.LookupNetIP(t.Context(), "ip", "files.office.example")
		require.ErrorContains(t, err, want)
		var dns *net.DNSError
		require.ErrorAs(t, err, &dns)
		assert.False(t, dns.IsNotFound, want)
	}
}

func TestNoNameServer(t *testing.T) {
	n := ours
	n.DNS = []netip.Addr{netip.MustParseAddr("127.0.0.1"), {}}
	l := newLab(t, Config{})
	l.up(n)
	_, err := l.DialContext(t.Context(), "tcp", "files.office.example:80")
	require.ErrorIs(t, err, ErrNoNameServer)
}

func TestDialErrors(t *testing.T) {
	l := newLab(t, Config{Wait: time.Millisecond})
	_, err := l.DialContext(t.Context(), "tcp", "10.99.0.1:9")
	require.ErrorIs(t, err, ErrDown)
	l.up(ours)
	for address, want := range map[string]error{
		"10.99.0.1:9": syscall.ECONNREFUSED, "127.0.0.1:9": ErrRefused, "224.0.0.1:9": ErrRefused, "[::1]:9": ErrRefused, "[fd00::1]:9": syscall.ENETUNREACH,
	} {
		_, err := l.DialContext(t.Context(), "tcp", address)
		assert.ErrorIs(t, err, want, address)
	}
	_, err = l.DialContext(t.Context(), "ip", "10.99.0.1:9")
	require.ErrorAs(t, err, new(net.UnknownNetworkError))
	_, err = l.cfg.Bring(t.Context(), tunnel.Network{Local: netip.MustParseAddr("127.0.0.5"), MTU: 1400})
	assert.Equal(t, tunnel.ClassPolicy, tunnel.ClassOf(err))
}

// TestRedial: with the same address a connection goes on, with another it ends, and what listens in
// the tunnel listens again.
func TestRedial(t *testing.T) {
	l := newLab(t, Config{})
	inside, err := l.inside.ListenTCP(netip.AddrPortFrom(insideAddr, 7))
	require.NoError(t, err)
	accepted := make(chan net.Conn, 10)
	go func() {
		for {
			c, err := inside.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	here, err := l.Listen("tcp", ":8022")
	require.NoError(t, err)
	came := make(chan net.Conn, 10)
	go func() {
		for {
			c, err := here.Accept()
			if err != nil {
				close(came)
				return
			}
			came <- c
		}
	}()
	l.up(ours)
	conn, err := l.DialContext(t.Context(), "tcp4", "10.99.0.1:7")
	require.NoError(t, err)
	far := <-accepted
	passes(t, conn, far)

	l.down()
	l.up(ours)
	passes(t, conn, far)
	reach(t, l, "10.99.0.100:8022", came)

	l.down()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = l.DialContext(ctx, "tcp4", "10.99.0.1:7")
	require.ErrorIs(t, err, ErrDown)
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	require.NoError(t, here.Close())
	_, open := <-came
	assert.False(t, open)

	n := ours
	n.Local = netip.MustParseAddr("10.99.0.101")
	_, err = l.cfg.Bring(t.Context(), n)
	require.NoError(t, err)
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
	assert.False(t, errors.Is(err, os.ErrDeadlineExceeded))
	assert.Equal(t, n.Local, l.Network().Local)
}

// reach connects to what listens in the tunnel, as soon as it does.
func reach(t *testing.T, l *lab, at string, came chan net.Conn) {
	t.Helper()
	require.Eventually(t, func() bool {
		c, err := l.inside.DialTCP(t.Context(), netip.MustParseAddrPort(at))
		if err != nil {
			return false
		}
		passes(t, c, <-came)
		return true
	}, patience, 10*time.Millisecond)
}

// passes sends a few bytes from one end to the other.
func passes(t *testing.T, from, to net.Conn) {
	t.Helper()
	require.NoError(t, to.SetDeadline(time.Now().Add(patience)))
	_, err := from.Write([]byte("words"))
	require.NoError(t, err)
	got := make([]byte, 5)
	_, err = to.Read(got)
	require.NoError(t, err)
	assert.Equal(t, "words", string(got))
}

func TestWindowFor(t *testing.T) {
	for _, small := range []bool{true, false} {
		held := 0
		for open := range 4096 {
			if small && open == 256 {
				break
			}
			held += 4 * windowFor(open, small)
		}
		assert.LessOrEqual(t, held, map[bool]int{true: 20 << 20, false: 1300 << 20}[small], "what all hold at the worst")
	}
}

func FuzzAnswer(f *testing.F) {
	q, err := newQuestion("files.office.example.", typeA)
	require.NoError(f, err)
	f.Add(q.packed)
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: q.id, Response: true}, Questions: []dnsmessage.Question{q.asks}, Answers: []dnsmessage.Resource{{
		Header: dnsmessage.ResourceHeader{Name: q.asks.Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}, Body: &dnsmessage.AResource{A: [4]byte{10, 0, 0, 1}},
	}}}
	b, err := m.Pack()
	require.NoError(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1 {
			b[0], b[1] = byte(q.id>>8), byte(q.id)
		}
		a, err := q.read(b)
		if err == nil {
			assert.LessOrEqual(t, len(a.addresses), mostAddresses)
		}
	})
}
