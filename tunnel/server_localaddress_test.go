package tunnel

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// everywhere moves a site to all addresses of the machine.
func (s *site) everywhere() {
	s.t.Helper()
	s.close()
	_, port, err := net.SplitHostPort(s.address)
	require.NoError(s.t, err)
	s.address = "0.0.0.0:" + port
	s.open()
	s.address = net.JoinHostPort(serverOuter.String(), port)
}

// sockets is how many GRE sockets the server has open.
func (s *site) sockets() int {
	s.server.sockets.Lock()
	defer s.server.sockets.Unlock()
	return len(s.server.receivers)
}

// TestSocketOfEveryLocalAddress: a server on all addresses has a raw socket for each that a client
// calls, and not for longer: this machine has 2^24 of them on its loopback alone. Who only knocks
// gets none.
func TestSocketOfEveryLocalAddress(t *testing.T) {
	s := newSite(t, nil)
	s.everywhere()
	_, port, err := net.SplitHostPort(s.address)
	require.NoError(t, err)
	for i := range 20 {
		conn, err := net.Dial("tcp4", fmt.Sprintf("127.0.2.%d:%s", i+1, port))
		require.NoError(t, err)
		_, err = conn.Write(control.StartRequest{Version: control.Version}.AppendTo(nil))
		require.NoError(t, err)
		_, err = io.ReadFull(conn, make([]byte, control.TypeStartReply.Len()))
		require.NoError(t, err)
		require.Zero(t, s.sockets())
		_, err = conn.Write(control.OutgoingCallRequest{CallID: 1, Window: 64}.AppendTo(nil))
		require.NoError(t, err)
		s.eventually(func() bool { return s.sockets() == 1 }, "a socket for it")
		require.NoError(t, conn.Close())
		s.eventually(func() bool { return s.sockets() == 0 }, "its socket is closed")
	}
	// Two clients share the socket, and the second keeps it.
	first, second := s.guest("127.0.0.3", nil), s.guest("127.0.0.4", nil)
	first.waitUp()
	second.waitUp()
	require.Equal(t, 1, s.sockets())
	first.quit()
	s.eventually(func() bool { return len(s.server.Snapshot().Sessions) == 1 }, "the first is gone")
	second.exchange(10)
	second.quit()
	s.empty()
	s.close()
}

// TestOpeningASocketHoldsUpNobody: whoever calls at an address that nobody has called yet makes the
// server open sockets there, as often as it likes. The packets of others do not wait for that.
func TestOpeningASocketHoldsUpNobody(t *testing.T) {
	opening, goOn := make(chan struct{}), make(chan struct{})
	slow := netip.MustParseAddr("127.0.2.1")
	s := newSite(t, func(c *ServerConfig) {
		listen := c.ListenGRE
		c.ListenGRE = func(local netip.Addr) (gre.Conn, error) {
			if local == slow {
				close(opening)
				<-goOn
			}
			return listen(local)
		}
	})
	s.everywhere()
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	_, port, err := net.SplitHostPort(s.address)
	require.NoError(t, err)
	conn, err := net.Dial("tcp4", net.JoinHostPort(slow.String(), port))
	require.NoError(t, err)
	for _, m := range [][]byte{control.StartRequest{Version: control.Version}.AppendTo(nil), control.OutgoingCallRequest{CallID: 1, Window: 64}.AppendTo(nil)} {
		_, err = conn.Write(m)
		require.NoError(t, err)
	}
	<-opening
	g.exchange(100)
	require.Equal(t, "up", s.alone().State)
	close(goOn)
	s.eventually(func() bool { return s.sockets() == 2 }, "the socket is open")
	require.NoError(t, conn.Close())
	s.eventually(func() bool { return s.sockets() == 1 }, "and closed again")
	g.quit()
	s.empty()
	s.close()
}

// brittle is a GRE socket whose reading fails when it is told to.
type brittle struct {
	gre.Conn
	mu     sync.Mutex
	broken bool
}

func (b *brittle) ReadBatch(pkts []gre.Packet) (int, error) {
	n, err := b.Conn.ReadBatch(pkts)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken {
		return 0, errors.New("the socket is broken")
	}
	return n, err
}

// TestBrokenSocketIsReplaced: when the socket of an address fails, the next client there gets
// another.
func TestBrokenSocketIsReplaced(t *testing.T) {
	sockets := make(chan *brittle, 10)
	s := newSite(t, func(c *ServerConfig) {
		listen := c.ListenGRE
		c.ListenGRE = func(local netip.Addr) (gre.Conn, error) {
			conn, err := listen(local)
			b := &brittle{Conn: conn}
			sockets <- b
			return b, err
		}
	})
	first := <-sockets
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	first.mu.Lock()
	first.broken = true
	first.mu.Unlock()
	g.dev.Put(packet(g.network.Local, serverIP, 1, 0))
	s.eventually(func() bool { return s.sockets() == 0 }, "the broken socket is put away")
	g.quit()
	s.empty()
	g = s.guest("127.0.0.4", nil)
	g.waitUp()
	g.exchange(10)
	g.quit()
	s.close()
}
