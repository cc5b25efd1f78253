//go:build !noproxy

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/proxy"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

// proxyAt is where proxies listen in these tests, on machines of their own.
const proxyAt = "127.0.0.1:1080"

// insideSite has a name server and a web server behind the tunnel, and a name server outside of it
// that is this machine's, and that nobody may ask about the inside.
type insideSite struct {
	*testbed
	inside, outside *nameServer
	page            []byte
}

const insidePort = "8080"

func newInsideSite(t *testing.T) *insideSite {
	t.Helper()
	l := newTestbed(t)
	for _, a := range []string{insideServer, insideAnswer} {
		l.server.Must(t, func() error { return netns.AddAddress("lo", a+"/32") })
	}
	s := &insideSite{testbed: l, page: make([]byte, 3<<20)}
	_, _ = io.ReadFull(stream('p'), s.page)
	s.inside = l.server.nameServer(t, insideServer, insideAnswer)
	s.inside.knows(insideName)
	s.outside = l.client.nameServer(t, "127.0.0.1", serverOuter)
	l.client.resolves(t, "127.0.0.1")
	l.server.Must(t, func() error {
		listener, err := net.Listen("tcp4", insideAnswer+":"+insidePort)
		if err != nil {
			return err
		}
		web := &http.Server{Handler: http.HandlerFunc(s.web), ReadHeaderTimeout: patience}
		t.Cleanup(func() { _ = web.Close() })
		go func() { _ = web.Serve(listener) }()
		return nil
	})
	return s
}

// web gives a page, and the checksum of what it is sent.
func (s *insideSite) web(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		_, _ = w.Write(s.page)
		return
	}
	sum := sha256.New()
	_, _ = io.Copy(sum, r.Body)
	fmt.Fprintf(w, "%s %x", r.Header.Get("Proxy-Authorization"), sum.Sum(nil))
}

// curl runs it on the client, and gives what it has got and its exit code.
func (s *insideSite) curl(t *testing.T, stdin io.Reader, args ...string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "curl", append([]string{"--silent", "--noproxy", "", "--max-time", "60"}, args...)...)
	var out strings.Builder
	cmd.Stdin, cmd.Stdout = stdin, &out
	require.NoError(t, s.client.Start(cmd))
	_ = cmd.Wait()
	return out.String(), cmd.ProcessState.ExitCode()
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// socks is a client of a SOCKS5 proxy, on a machine.
func (m *machine) socks(t *testing.T, auth *proxy.Auth, at string) proxy.ContextDialer {
	t.Helper()
	d, err := proxy.SOCKS5("tcp", at, auth, machineDialer{m, t})
	require.NoError(t, err)
	return d.(proxy.ContextDialer)
}

// machineDialer dials from a machine.
type machineDialer struct {
	*machine
	t *testing.T
}

func (d machineDialer) Dial(network, address string) (c net.Conn, err error) {
	return d.DialContext(context.Background(), network, address)
}

func (d machineDialer) DialContext(ctx context.Context, network, address string) (c net.Conn, err error) {
	d.Must(d.t, func() error {
		var dialer net.Dialer
		c, err = dialer.DialContext(ctx, network, address)
		return nil
	})
	return c, err
}

// TestE2EProxy: a user that is not root, with CAP_NET_RAW and nothing else, no TUN device, and
// nothing that is set on this machine: curl and a client of Go's get through the tunnel, both ways,
// and names are asked inside alone.
func TestE2EProxy(t *testing.T) {
	t.Parallel()
	l := newInsideSite(t)
	l.client.ownCloneDevice(t, 0o600)
	before := l.client.snapshot(t)
	l.serve(t, "--dns", insideServer)
	cmd := nobody(t, "connect", serverOuter, "--user", "alice", "--socks5", "1080", "--http-proxy", ":1080", "--status-socket", "none",
		"--forward", "8081="+insideName+":"+insidePort, "--reverse", "8082=127.0.0.1:8083")
	cmd.Env = append(cmd.Env, "ARC4_PASSWORD=wonderland")
	cmd.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_NET_RAW}
	client := l.client.run(t, cmd).up(t)
	assert.Equal(t, before, l.client.snapshot(t), "nothing is set on this machine")

	url := "http://" + insideName + ":" + insidePort + "/"
	for name, args := range map[string][]string{
		"socks5":       {"--socks5-hostname", proxyAt, url},
		"http":         {"--proxy", "http://" + proxyAt, url},
		"http connect": {"--proxy", "http://" + proxyAt, "--proxytunnel", url},
		"forward":      {"http://127.0.0.1:8081/"},
	} {
		got, code := l.curl(t, nil, args...)
		assert.Zero(t, code, name)
		assert.Equal(t, hexSum(l.page), hexSum([]byte(got)), name)
	}
	for name, args := range map[string][]string{
		"a body of known length": {"--data-binary", "@-"},
		"a body in chunks":       {"--header", "Transfer-Encoding: chunked", "--data-binary", "@-"},
	} {
		got, code := l.curl(t, strings.NewReader(string(l.page)), append(args, "--proxy", "http://any:body@"+proxyAt, url)...)
		assert.Zero(t, code, name)
		assert.Equal(t, " "+hexSum(l.page), got, "%s; and nobody hears of the proxy's password", name)
	}
	assert.Positive(t, l.inside.questions())

	for name, args := range map[string][]string{
		"socks5: no such name":     {"--socks5-hostname", proxyAt, "http://nobody.example:80/"},
		"socks5: nobody listens":   {"--socks5-hostname", proxyAt, "http://" + insideAnswer + ":9/"},
		"socks5: this machine":     {"--socks5-hostname", proxyAt, "http://127.0.0.1:1080/"},
		"connect: nobody listens":  {"--proxy", "http://" + proxyAt, "--proxytunnel", "http://" + insideAnswer + ":9/"},
		"http proxy: no such name": {"--fail", "--proxy", "http://" + proxyAt, "http://nobody.example/"},
	} {
		_, code := l.curl(t, nil, args...)
		assert.NotZero(t, code, name)
	}
	assert.Zero(t, l.outside.questions(), "names are asked inside alone")

	through := l.client.socks(t, nil, proxyAt)
	listener := l.server.listens(t, insideAnswer)
	exchangeBy(t, through.DialContext, listener, 4<<20)

	// And back: from the other end's network to this machine.
	back := l.client.listensAt(t, "127.0.0.1:8083")
	exchangeBy(t, machineDialer{l.server, t}.DialContext, listenerAt{back, "10.99.0.100:8082"}, 1<<20)

	client.stop(t, syscall.SIGTERM)
	assert.Equal(t, before, l.client.snapshot(t))
	l.server.noSessions(t)
}

// listens is a listener of the machine at an address, and listensAt one at a port, too.
func (m *machine) listens(t *testing.T, address string) net.Listener {
	t.Helper()
	return m.listensAt(t, net.JoinHostPort(address, "0"))
}

func (m *machine) listensAt(t *testing.T, at string) (l net.Listener) {
	t.Helper()
	m.Must(t, func() (err error) {
		l, err = net.Listen("tcp", at)
		return err
	})
	t.Cleanup(func() { l.Close() })
	return l
}

// listenerAt is a listener that is reached by another address than its own.
type listenerAt struct {
	net.Listener
	at string
}

func (l listenerAt) Addr() net.Addr {
	a, err := net.ResolveTCPAddr("tcp", l.at)
	if err != nil {
		panic(err)
	}
	return a
}

// exchangeBy moves size bytes each way at once over a connection that dial opens, and compares the
// hashes.
func exchangeBy(t *testing.T, dial func(context.Context, string, string) (net.Conn, error), l net.Listener, size int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	result := make(chan error, 2)
	go func() {
		c, err := l.Accept()
		if err == nil {
			err = half(c, 'B', 'A', size)
		}
		result <- err
	}()
	c, err := dial(ctx, "tcp", l.Addr().String())
	require.NoError(t, err)
	go func() { result <- half(c, 'A', 'B', size) }()
	for range 2 {
		require.NoError(t, <-result, "%d bytes to and from %s", size, l.Addr())
	}
}

// TestE2EProxyRefusesWithoutRaw: CAP_NET_RAW is what it takes, and the message asks for no more.
func TestE2EProxyRefusesWithoutRaw(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	cmd := nobody(t, "connect", serverOuter, "--user", "alice", "--socks5", "1080", "--status-socket", "none")
	cmd.Env = append(cmd.Env, "ARC4_PASSWORD=wonderland")
	last := l.client.run(t, cmd).fails(t, exit.Permission)
	assert.Contains(t, last, "setcap cap_net_raw+ep ")
	assert.NotContains(t, last, "cap_net_admin")
}

// TestE2EProxyRedials: listeners stay while the tunnel is down, a connection with the same address
// goes on, one with another ends, and who comes meanwhile hears why it does not get through.
func TestE2EProxyRedials(t *testing.T) {
	t.Parallel()
	l := newInsideSite(t)
	server := l.serve(t, "--dns", insideServer, "--pool", "10.99.0.100-10.99.0.100")
	client := l.connect(t, "--socks5", "1080", "--http-proxy", "8080", "--reconnect", "--hold-off", "1").up(t)
	through := l.client.socks(t, nil, proxyAt)
	echo := l.server.listens(t, insideAnswer)
	go echoAll(echo)
	conn, err := through.DialContext(t.Context(), "tcp", echo.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	echoes(t, conn, "before")

	server.killed(t)
	client.waitLog(t, "trying again", 1)
	code := make(chan int, 1) // each of the two waits for the tunnel as long as it may
	go func() {
		defer close(code)
		_, c := l.curl(t, nil, "--socks5-hostname", proxyAt, "http://"+insideName+"/")
		code <- c
	}()
	got, _ := l.curl(t, nil, "--proxy", "http://127.0.0.1:8080", "--write-out", "%{http_code}", "http://"+insideName+"/")
	assert.Equal(t, curlProxyError, <-code)
	assert.Contains(t, got, "503")
	assert.Contains(t, got, "the tunnel is down")

	server = l.serve(t, "--dns", insideServer, "--pool", "10.99.0.100-10.99.0.100")
	client.waitLog(t, "tunnel is up", 2)
	echoes(t, conn, "the same address")
	exchangeBy(t, through.DialContext, l.server.listens(t, insideAnswer), 1<<20)

	server.killed(t)
	client.waitLog(t, "trying again", 2)
	l.serve(t, "--dns", insideServer, "--pool", "10.99.0.110-10.99.0.110")
	client.waitLog(t, "tunnel is up", 3)
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
	var late net.Error
	assert.False(t, errors.As(err, &late) && late.Timeout(), "a connection of the old address ends by itself")
	exchangeBy(t, through.DialContext, l.server.listens(t, insideAnswer), 1<<20)
	client.stop(t, syscall.SIGTERM)
}

// curlProxyError is curl's exit code for a proxy that refuses (CURLE_PROXY, 97).
const curlProxyError = 97

func echoAll(l net.Listener) {
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
}

// echoes sends words to an echo, and waits for them.
func echoes(t *testing.T, c net.Conn, words string) {
	t.Helper()
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	_, err := io.WriteString(c, words)
	require.NoError(t, err)
	got := make([]byte, len(words))
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	assert.Equal(t, words, string(got))
}

// TestE2EProxyPassword: user and password, from a file; another address than loopback without them
// warns; and status tells what goes on.
func TestE2EProxyPassword(t *testing.T) {
	t.Parallel()
	l := newInsideSite(t)
	l.serve(t, "--dns", insideServer)
	client := l.connect(t, "--socks5", clientOuter+":1080", "--http-proxy", clientOuter+":1080",
		"--proxy-user", "bob", "--proxy-password-file", secretsFile(t, "builder\n")).up(t)
	assert.NotContains(t, client.stderr.String(), "can use the tunnel")
	at, url := clientOuter+":1080", "http://"+insideName+":"+insidePort+"/"
	for name, c := range map[string]struct {
		args []string
		ok   bool
	}{
		"socks5, right": {[]string{"--proxy-user", "bob:builder", "--socks5-hostname", at, url}, true},
		"socks5, wrong": {[]string{"--proxy-user", "bob:wrecker", "--socks5-hostname", at, url}, false},
		"socks5, none":  {[]string{"--socks5-hostname", at, url}, false},
		"http, right":   {[]string{"--fail", "--proxy-user", "bob:builder", "--proxy", "http://" + at, url}, true},
		"http, wrong":   {[]string{"--fail", "--proxy-user", "eve:builder", "--proxy", "http://" + at, url}, false},
		"http, none":    {[]string{"--fail", "--proxy", "http://" + at, url}, false},
	} {
		got, code := l.curl(t, nil, c.args...)
		assert.Equal(t, c.ok, code == 0, name)
		if c.ok {
			assert.Equal(t, hexSum(l.page), hexSum([]byte(got)), name)
		}
	}
	now := l.client.status(t)
	require.NotNil(t, now.Proxy)
	assert.Equal(t, []string{insideServer}, now.Proxy.NameServers)
	require.Len(t, now.Proxy.Listeners, 1)
	assert.Equal(t, "socks5 and http", now.Proxy.Listeners[0].Kind)
	assert.Equal(t, at, now.Proxy.Listeners[0].Address)
	assert.Greater(t, now.Proxy.Listeners[0].BytesIn, uint64(2*len(l.page)))
	assert.Equal(t, uint64(4), now.Proxy.Listeners[0].Unauthorized)
	for _, said := range []string{client.stderr.String(), client.stdout.String(), fmt.Sprintf("%+v", now)} {
		assert.NotContains(t, said, "builder")
	}
	table := l.client.start(t, "status")
	require.Equal(t, exit.OK, table.wait(t))
	assert.Contains(t, table.stdout.String(), "socks5 and http  "+at)
	client.stop(t, syscall.SIGTERM)

	open := l.connect(t, "--socks5", "0.0.0.0:1080").up(t)
	assert.Contains(t, open.stderr.String(), "whoever reaches this address can use the tunnel")
	assert.Equal(t, "0.0.0.0:1080", l.client.status(t).Proxy.Listeners[0].Address, "IPv4 was asked for, and not IPv6")
	taken := l.connect(t, "--forward", "1080="+insideAnswer+":80", "--status-socket", "none")
	assert.Contains(t, taken.fails(t, exit.Network), "--forward 127.0.0.1:1080: another program listens there already")
	open.stop(t, syscall.SIGTERM)
}

// TestE2EProxyWithoutNameServers: nobody outside is asked when the server assigns none, and who
// asks hears so; with --dns names work.
func TestE2EProxyWithoutNameServers(t *testing.T) {
	t.Parallel()
	l := newInsideSite(t)
	l.serve(t)
	url := "http://" + insideName + ":" + insidePort + "/"
	client := l.connect(t, "--http-proxy", "1080").up(t)
	got, _ := l.curl(t, nil, "--proxy", "http://"+proxyAt, url)
	assert.Contains(t, got, "the server has assigned no name server")
	client.waitLog(t, "--dns ADDRESS names one", 1)
	client.stop(t, syscall.SIGTERM)

	client = l.connect(t, "--http-proxy", "1080", "--dns", insideServer).up(t)
	got, code := l.curl(t, nil, "--proxy", "http://"+proxyAt, url)
	assert.Zero(t, code)
	assert.Equal(t, hexSum(l.page), hexSum([]byte(got)))
	client.stop(t, syscall.SIGTERM)
	assert.Zero(t, l.outside.questions())
}
