package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/proxy"
	"golang.org/x/sync/errgroup"

	"github.com/arc4tun/arc4tun/internal/httpproxy"
	"github.com/arc4tun/arc4tun/internal/socks5"
	"github.com/arc4tun/arc4tun/tunnel/netstack"
)

const patience = time.Minute

// loopback is a network that is this machine's own.
type loopback struct{ *net.Dialer }

func (loopback) ListenPacket(_ context.Context, network, _ string) (net.PacketConn, error) {
	if network == "udp6" {
		return nil, errors.New("no IPv6")
	}
	return net.ListenPacket("udp4", "127.0.0.1:0")
}

func (loopback) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if host == "inside.example" {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	return nil, &net.DNSError{Name: host, IsNotFound: true}
}

// start has a server listen, for both protocols.
func start(t *testing.T, c Config) (*Server, string) {
	t.Helper()
	if c.Network == nil {
		c.Network = loopback{new(net.Dialer)}
	}
	if c.Limits == (Limits{}) {
		c.Limits = LimitsOf(false)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := New(c)
	l := listenHere(t)
	s.Serve(l, Protocols{SOCKS5: true, HTTP: true})
	t.Cleanup(s.Close)
	return s, l.Addr().String()
}

func listenHere(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// echo gives the address of a server that says what it hears.
func echo(t *testing.T) string {
	t.Helper()
	l := listenHere(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func through(t *testing.T, at string) proxy.Dialer {
	t.Helper()
	d, err := proxy.SOCKS5("tcp", at, nil, proxy.Direct)
	require.NoError(t, err)
	return d
}

// sums sends bytes to an echo, and compares the checksum of what comes back.
func sums(c net.Conn, size int64, seed byte) error {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	var g errgroup.Group
	sent, got := sha256.New(), sha256.New()
	g.Go(func() error {
		_, err := io.CopyN(io.MultiWriter(c, sent), rand.NewChaCha8([32]byte{seed}), size)
		return errors.Join(err, c.(interface{ CloseWrite() error }).CloseWrite())
	})
	n, err := io.Copy(got, c)
	if err = errors.Join(err, g.Wait()); err != nil {
		return err
	}
	if n != size || !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
		return fmt.Errorf("%d bytes of %d have come, or others", n, size)
	}
	return nil
}

// TestThousandConnections: at once, each with its checksum.
func TestThousandConnections(t *testing.T) {
	s, at := start(t, Config{})
	to := echo(t)
	const connections = 1000
	var g errgroup.Group
	open := make(chan struct{}, connections)
	begin := make(chan struct{})
	for i := range connections {
		g.Go(func() error {
			d, err := proxy.SOCKS5("tcp", at, nil, proxy.Direct)
			if err != nil {
				return err
			}
			c, err := d.Dial("tcp", to)
			open <- struct{}{}
			if err != nil {
				return err
			}
			<-begin
			return sums(c, 8<<10, byte(i))
		})
	}
	for range connections {
		<-open
	}
	assert.EqualValues(t, connections, s.Status()[0].Open)
	close(begin)
	require.NoError(t, g.Wait())
	assert.Eventually(t, func() bool { return s.Status()[0].Open == 0 }, patience, time.Millisecond)
	assert.EqualValues(t, connections*8<<10, s.Status()[0].BytesIn)
	assert.EqualValues(t, connections*8<<10, s.Status()[0].BytesOut)
}

// TestOneStream: more than any buffer holds, both ways at once, by SOCKS5 and by CONNECT.
func TestOneStream(t *testing.T) {
	_, at := start(t, Config{})
	to := echo(t)
	const size = 32 << 20
	t.Run("socks5", func(t *testing.T) {
		c, err := through(t, at).Dial("tcp", to)
		require.NoError(t, err)
		require.NoError(t, sums(c, size, 'a'))
	})
	t.Run("connect", func(t *testing.T) {
		c, err := net.Dial("tcp", at)
		require.NoError(t, err)
		_, err = fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\n\r\n", to)
		require.NoError(t, err)
		answer := make([]byte, len("HTTP/1.1 200 Connection established\r\n\r\n"))
		_, err = io.ReadFull(c, answer)
		require.NoError(t, err)
		require.Contains(t, string(answer), " 200 ")
		require.NoError(t, sums(c, size, 'b'))
	})
}

// TestForward: both ways, with the bytes counted as the tunnel has them.
func TestForward(t *testing.T) {
	s, _ := start(t, Config{})
	to := echo(t)
	near, far := listenHere(t), listenHere(t)
	s.Forward(near, to)
	s.Reverse(far, to)
	for i, l := range []net.Listener{near, far} {
		c, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		require.NoError(t, sums(c, 1<<20, byte(i)))
	}
	all := s.Status()
	assert.Equal(t, []string{"socks5 and http", "forward", "reverse"}, []string{all[0].Kind, all[1].Kind, all[2].Kind})
	assert.Equal(t, []string{to, to}, []string{all[1].To, all[2].To})
	assert.EqualValues(t, 1<<20, all[1].BytesIn)
}

// down is a network that nothing reaches, for a reason.
type down struct {
	loopback
	err error
}

func (d down) DialContext(context.Context, string, string) (net.Conn, error) { return nil, d.err }
func (d down) ListenPacket(context.Context, string, string) (net.PacketConn, error) {
	return nil, d.err
}

func TestReasons(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		reply socks5.Reply
		code  string
	}{
		"the tunnel is down": {netstack.ErrDown, socks5.NetworkUnreachable, "503"},
		"refused":            {netstack.ErrRefused, socks5.NotAllowed, "403"},
		"no name server":     {netstack.ErrNoNameServer, socks5.HostUnreachable, "502"},
		"no such name":       {&net.DNSError{IsNotFound: true}, socks5.HostUnreachable, "502"},
		"nobody listens":     {syscall.ECONNREFUSED, socks5.ConnectionRefused, "502"},
		"no IPv6":            {syscall.ENETUNREACH, socks5.NetworkUnreachable, "502"},
		"no answer":          {context.DeadlineExceeded, socks5.HostUnreachable, "504"},
		"something else":     {errors.New("else"), socks5.GeneralFailure, "502"},
	} {
		t.Run(name, func(t *testing.T) {
			s, at := start(t, Config{Network: down{err: c.err}})
			for command, says := range map[byte]byte{1: byte(c.reply), 3: byte(c.reply), 2: byte(socks5.CommandNotSupported)} {
				got := talk(t, at, "\x05\x01\x00\x05"+string(command)+"\x00\x01\x0a\x00\x00\x07\x00\x16")
				require.Greater(t, len(got), 3)
				assert.Equal(t, says, got[3], "command %d", command)
			}
			assert.Contains(t, talk(t, at, "CONNECT h.example:1 HTTP/1.1\r\n\r\n"), "HTTP/1.1 "+c.code)
			assert.EqualValues(t, 3, s.Status()[0].Failed)
		})
	}
}

// talk says something to a proxy, and gives all that it answers.
func talk(t *testing.T, at, words string) string {
	t.Helper()
	c, err := net.Dial("tcp", at)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(c, words)
	require.NoError(t, err)
	got, _ := io.ReadAll(c)
	return string(got)
}

func TestLogin(t *testing.T) {
	s, at := start(t, Config{User: "bob", Password: "builder"})
	to := echo(t)
	for name, c := range map[string]struct {
		auth *proxy.Auth
		ok   bool
	}{
		"right": {&proxy.Auth{User: "bob", Password: "builder"}, true},
		"wrong": {&proxy.Auth{User: "bob", Password: "wrecker"}, false},
		"none":  {nil, false},
	} {
		d, err := proxy.SOCKS5("tcp", at, c.auth, proxy.Direct)
		require.NoError(t, err)
		conn, err := d.Dial("tcp", to)
		if assert.Equal(t, c.ok, err == nil, name); c.ok {
			conn.Close()
		}
	}
	assert.Contains(t, talk(t, at, "CONNECT "+to+" HTTP/1.1\r\n\r\n"), "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic ")
	assert.EqualValues(t, 3, s.Status()[0].Unauthorized)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", Config{Password: "builder"}, Config{Password: "builder"}, Config{Password: "builder"}), "builder")
}

// TestHostileClients: who says nothing makes room for the next, and there is an end to how many
// there are.
func TestHostileClients(t *testing.T) {
	limits := LimitsOf(false)
	limits.Handshakes, limits.Connections = 4, 6
	var said bytes.Buffer
	s, at := start(t, Config{Limits: limits, Log: slog.New(slog.NewTextHandler(&said, nil))})
	to := echo(t)
	for range 20 {
		c, err := net.Dial("tcp", at)
		require.NoError(t, err)
		defer c.Close()
	}
	require.Eventually(t, func() bool { return s.Status()[0].Accepted == 20 && s.Status()[0].Open <= 4 }, patience, time.Millisecond)
	var kept []net.Conn
	for range 6 {
		c, err := through(t, at).Dial("tcp", to)
		if err == nil {
			kept = append(kept, c)
			defer c.Close()
		}
	}
	assert.NotEmpty(t, kept)
	assert.LessOrEqual(t, s.Status()[0].Open, uint64(6))
	for _, words := range []string{"\x04\x01\x00\x50", "\x16\x03\x01\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"} {
		c, err := net.Dial("tcp", at)
		require.NoError(t, err)
		_, _ = io.WriteString(c, words)
		c.Close()
	}
	require.Eventually(t, func() bool { return s.Status()[0].Malformed+s.Status()[0].Full >= 3 }, patience, time.Millisecond)
	s.Close()
	assert.Zero(t, s.Status()[0].Open)
	assert.Equal(t, 1, strings.Count(said.String(), "there are more connections than the proxies hold"), said.String())
}

// associated asks for an association, and gives a client's socket and where its datagrams go.
func associated(t *testing.T, at string) (control net.Conn, client *net.UDPConn, relay *net.UDPAddr) {
	t.Helper()
	control, err := net.Dial("tcp", at)
	require.NoError(t, err)
	t.Cleanup(func() { control.Close() })
	require.NoError(t, control.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(control, "\x05\x01\x00\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00")
	require.NoError(t, err)
	answer := make([]byte, 2+10)
	_, err = io.ReadFull(control, answer)
	require.NoError(t, err)
	require.Equal(t, byte(socks5.Succeeded), answer[3])
	relay = &net.UDPAddr{IP: answer[6:10], Port: int(answer[10])<<8 | int(answer[11])}
	return control, here(t), relay
}

func here(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// TestAssociation: datagrams to addresses and names and back, of the client alone and of whom it
// has sent to alone, until its connection ends.
func TestAssociation(t *testing.T) {
	s, at := start(t, Config{})
	control, client, relay := associated(t, at)
	peer, stranger := here(t), here(t)
	to := peer.LocalAddr().(*net.UDPAddr).AddrPort()
	name := append(append([]byte("\x00\x00\x00\x03\x0einside.example"), byte(to.Port()>>8), byte(to.Port())), "by name"...)
	buf := make([]byte, 2048)
	var outside *net.UDPAddr
	for words, packet := range map[string][]byte{
		"by address": append(socks5.AppendDatagramHeader(nil, to), "by address"...),
		"by name":    name,
	} {
		_, err := client.WriteToUDP(packet, relay)
		require.NoError(t, err)
		n, from, err := peer.ReadFromUDP(buf)
		require.NoError(t, err)
		assert.Equal(t, words, string(buf[:n]))
		outside = from
		_, err = peer.WriteToUDP([]byte("back"), from)
		require.NoError(t, err)
		n, err = client.Read(buf)
		require.NoError(t, err)
		d, err := socks5.ParseDatagram(buf[:n])
		require.NoError(t, err)
		assert.Equal(t, "back", string(d.Data))
		assert.Equal(t, to.Port(), d.Address.Port)
	}

	// Another socket of the same machine is not the client; fragments and rubbish are nobody's.
	for from, packet := range map[*net.UDPConn][]byte{
		stranger: append(socks5.AppendDatagramHeader(nil, to), "stranger"...),
		client:   []byte("\x00\x00\x01\x01rubbish"),
	} {
		_, err := from.WriteToUDP(packet, relay)
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return s.Status()[0].Dropped == 2 }, patience, time.Millisecond)

	control.Close()
	require.Eventually(t, func() bool { return s.Status()[0].Open == 0 }, patience, time.Millisecond)
	_, err := net.ListenUDP("udp4", outside)
	assert.NoError(t, err, "its sockets are closed")
}

// TestHalfOpen: a connection of which one end is done and the other says nothing ends, however much
// others of the same listener carry.
func TestHalfOpen(t *testing.T) {
	limits := LimitsOf(false)
	limits.HalfOpen = 300 * time.Millisecond
	_, at := start(t, Config{Limits: limits})
	silent := listenHere(t)
	go func() {
		for {
			c, err := silent.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	}()
	busy, err := through(t, at).Dial("tcp", echo(t))
	require.NoError(t, err)
	defer busy.Close()
	go func() {
		b := []byte("busy")
		for {
			if _, err := busy.Write(b); err != nil {
				return
			}
			if _, err := io.ReadFull(busy, b); err != nil {
				return
			}
		}
	}()
	c, err := net.Dial("tcp", at)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	_, err = fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\n\r\n", silent.Addr())
	require.NoError(t, err)
	require.NoError(t, c.(*net.TCPConn).CloseWrite())
	_, err = io.Copy(io.Discard, c)
	assert.NotErrorIs(t, err, os.ErrDeadlineExceeded)
}

// TestAssociationsHaveAnEnd: they hold memory whether they are used or not, and so there are fewer
// than connections.
func TestAssociationsHaveAnEnd(t *testing.T) {
	limits := LimitsOf(false)
	limits.Associations = 2
	s, at := start(t, Config{Limits: limits})
	first, _, _ := associated(t, at)
	associated(t, at)
	const request = "\x05\x01\x00\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00"
	assert.Equal(t, byte(socks5.GeneralFailure), talk(t, at, request)[3])
	assert.EqualValues(t, 1, s.Status()[0].Full)
	first.Close()
	require.Eventually(t, func() bool { return s.Status()[0].Open == 1 }, patience, time.Millisecond)
	associated(t, at)
}

// TestHeadOfAMessage: it ends with the first empty line, wherever a reader's buffer ends.
func TestHeadOfAMessage(t *testing.T) {
	long := "X: " + strings.Repeat("x", longestRead)
	for name, c := range map[string]struct {
		said, head string
		err        error
	}{
		"both":              {"GET / HTTP/1.1\r\nA: b\r\n\r\nbody\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n\r\n", nil},
		"line feeds":        {"GET / HTTP/1.1\nA: b\n\nbody", "GET / HTTP/1.1\nA: b\n\n", nil},
		"longer than reads": {long + "\r\n" + long + "\n\nbody", long + "\r\n" + long + "\n\n", nil},
		"many lines":        {strings.Repeat("a\n", 1000) + "\n\n", strings.Repeat("a\n", 1000) + "\n", nil},
		"no end":            {"GET / HTTP/1.1\r\n", "", io.EOF},
		"too long":          {strings.Repeat("a\n", httpproxy.MaxHead), "", errLongHead},
	} {
		t.Run(name, func(t *testing.T) {
			head, err := readHead(bufio.NewReaderSize(strings.NewReader(c.said), longestRead))
			assert.Equal(t, c.head, string(head))
			assert.Equal(t, c.err, err)
		})
	}
}

// TestReverseLeavesRoom: who comes through the tunnel, as often as there is room, does not keep
// this machine's programs out.
func TestReverseLeavesRoom(t *testing.T) {
	limits := LimitsOf(false)
	limits.Connections = 8
	s, at := start(t, Config{Limits: limits})
	to := echo(t)
	one, two := listenHere(t), listenHere(t)
	s.Reverse(one, to)
	s.Reverse(two, to)
	for i := range 8 {
		c, err := net.Dial("tcp", []net.Listener{one, two}[i%2].Addr().String())
		require.NoError(t, err)
		defer c.Close()
	}
	full := func() uint64 { all := s.Status(); return all[1].Full + all[2].Full }
	require.Eventually(t, func() bool { return full() == 4 }, patience, time.Millisecond)
	for range 4 {
		c, err := through(t, at).Dial("tcp", to)
		require.NoError(t, err)
		defer c.Close()
	}
}
