//go:build !noproxy

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/arc4tun/arc4tun/internal/socks5"
)

// datagrams is a client of an association of SOCKS5 (RFC 1928 section 7).
type datagrams struct {
	control net.Conn
	socket  *net.UDPConn
	relay   *net.UDPAddr
}

// associates asks a proxy on the machine for an association.
func (m *machine) associates(t *testing.T, at string) *datagrams {
	t.Helper()
	control, err := machineDialer{m, t}.Dial("tcp", at)
	require.NoError(t, err)
	t.Cleanup(func() { control.Close() })
	require.NoError(t, control.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(control, "\x05\x01\x00\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00")
	require.NoError(t, err)
	answer := make([]byte, 2+10) // the method, and a reply with an IPv4 address
	_, err = io.ReadFull(control, answer)
	require.NoError(t, err)
	require.Equal(t, []byte{socks5.Version, byte(socks5.Succeeded), 0, 1}, answer[2:6])
	return &datagrams{
		control: control, socket: m.bindsUDP(t, "127.0.0.1:0"),
		relay: &net.UDPAddr{IP: answer[6:10], Port: int(answer[10])<<8 | int(answer[11])},
	}
}

// bindsUDP opens a socket of the machine's.
func (m *machine) bindsUDP(t *testing.T, at string) (c *net.UDPConn) {
	t.Helper()
	m.Must(t, func() error {
		packets, err := net.ListenPacket("udp", at)
		if err == nil {
			c = packets.(*net.UDPConn)
		}
		return err
	})
	t.Cleanup(func() { c.Close() })
	return c
}

func (d *datagrams) send(t *testing.T, header, data []byte) {
	t.Helper()
	_, err := d.socket.WriteToUDP(append(header, data...), d.relay)
	require.NoError(t, err)
}

// receive gives the next datagram that comes.
func (d *datagrams) receive(t *testing.T) socks5.Datagram {
	t.Helper()
	require.NoError(t, d.socket.SetReadDeadline(time.Now().Add(patience)))
	buf := make([]byte, 1<<16)
	n, from, err := d.socket.ReadFromUDP(buf)
	require.NoError(t, err)
	require.Equal(t, d.relay.String(), from.String())
	got, err := socks5.ParseDatagram(buf[:n])
	require.NoError(t, err)
	return got
}

// echoesUDP sends back to whom it came from what comes to the socket, and tells from where it came.
func echoesUDP(c net.PacketConn) (seen chan net.Addr) {
	seen = make(chan net.Addr, 100)
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			seen <- from
			_, _ = c.WriteTo(buf[:n], from)
		}
	}()
	return seen
}

// toName is what stands before a datagram to a name.
func toName(name string, port uint16) []byte {
	return append(append([]byte{0, 0, 0, 3, byte(len(name))}, name...), byte(port>>8), byte(port))
}

// TestE2EProxyDatagrams: an association's datagrams get through a real tunnel, to an address, to a
// name, and in fragments where they are longer than a packet; a name server behind the tunnel
// answers through it; and what is not the client's, or from whom it has not sent to, is dropped.
func TestE2EProxyDatagrams(t *testing.T) {
	t.Parallel()
	l := newInsideSite(t)
	l.serve(t, "--dns", insideServer)
	client := l.connect(t, "--socks5", "1080").up(t)
	echo := l.server.bindsUDP(t, insideAnswer+":0")
	seen := echoesUDP(echo)
	to := netip.MustParseAddrPort(echo.LocalAddr().String())
	d := l.client.associates(t, proxyAt)
	var from net.Addr
	for name, c := range map[string]struct{ header, data []byte }{
		"to an address":   {socks5.AppendDatagramHeader(nil, to), []byte("to an address")},
		"to a name":       {toName(insideName, to.Port()), []byte("to a name")},
		"in fragments":    {socks5.AppendDatagramHeader(nil, to), bytes.Repeat([]byte("fragment"), 500)},
		"with no content": {socks5.AppendDatagramHeader(nil, to), nil},
	} {
		d.send(t, c.header, c.data)
		got := d.receive(t)
		assert.Equal(t, string(c.data), string(got.Data), name)
		assert.Equal(t, to, netip.AddrPortFrom(got.Address.IP, got.Address.Port), name)
		from = <-seen
		assert.True(t, strings.HasPrefix(from.String(), "10.99.0.10"), "%s: %s comes from this end's address in the tunnel", name, from)
	}

	question := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 4711, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(insideName + "."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}
	packed, err := question.Pack()
	require.NoError(t, err)
	d.send(t, socks5.AppendDatagramHeader(nil, netip.MustParseAddrPort(insideServer+":53")), packed)
	var answer dnsmessage.Message
	require.NoError(t, answer.Unpack(d.receive(t).Data))
	require.Len(t, answer.Answers, 1)
	assert.Equal(t, question.ID, answer.ID)
	assert.Equal(t, insideAnswer, netip.AddrFrom4(answer.Answers[0].Body.(*dnsmessage.AResource).A).String())
	assert.Zero(t, l.outside.questions(), "names are asked inside alone")

	// A stranger behind the tunnel, one on this machine, and a fragment of SOCKS5's. What is
	// dropped has come by then, and the client hears its own alone.
	dropped := l.client.status(t).Proxy.Listeners[0].Dropped
	drops := func(n uint64) {
		waitFor(t, fmt.Sprintf("%d more to be dropped", n), func() error {
			if got := l.client.status(t).Proxy.Listeners[0].Dropped - dropped; got != n {
				return fmt.Errorf("%d are", got)
			}
			return nil
		})
	}
	stranger := l.server.bindsUDP(t, serverInner+":0")
	_, err = stranger.WriteTo([]byte("from a stranger"), from)
	require.NoError(t, err)
	drops(1)
	_, err = l.client.bindsUDP(t, "127.0.0.1:0").WriteToUDP(append(socks5.AppendDatagramHeader(nil, to), "another's"...), d.relay)
	require.NoError(t, err)
	drops(2)
	d.send(t, append([]byte{0, 0, 1}, socks5.AppendDatagramHeader(nil, to)[3:]...), []byte("a fragment"))
	drops(3)
	d.send(t, socks5.AppendDatagramHeader(nil, to), []byte("the last"))
	assert.Equal(t, "the last", string(d.receive(t).Data))
	assert.Equal(t, from.String(), (<-seen).String())
	assert.Empty(t, seen, "nothing of another's, or of a fragment, has come there")

	// Without its connection there is no association.
	require.NoError(t, d.control.Close())
	waitFor(t, "the association to end", func() error {
		if n := l.client.status(t).Proxy.Listeners[0].Open; n != 0 {
			return fmt.Errorf("%d connections", n)
		}
		return nil
	})
	client.stop(t, syscall.SIGTERM)
}
