package tunnel

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/internal/session"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// caller is a client by hand: one control connection with as many calls as it likes.
type caller struct {
	*site
	outer  netip.Addr
	tcp    net.Conn
	framer control.Framer
	unread []byte
	r      *session.Receiver
	last   uint16 // call ID
}

// caller opens a control connection from an address, and has it established.
func (s *site) caller(outer string) *caller {
	s.t.Helper()
	c := s.knock(outer)
	require.IsType(s.t, control.StartReply{}, c.read())
	return c
}

// knock is the same, but for the answer, which is not waited for.
func (s *site) knock(outer string) *caller {
	s.t.Helper()
	c := &caller{site: s, outer: netip.MustParseAddr(outer)}
	conn, err := s.net.listenBehind(c.outer) // where several may be
	require.NoError(s.t, err)
	c.r = session.NewReceiver(conn, time.Now, new(atomic.Uint64), memory.SizesOf(false))
	go func() { _ = c.r.Run() }()
	c.tcp = s.stranger(outer, control.StartRequest{Version: control.Version}.AppendTo(nil))
	s.t.Cleanup(func() { conn.Close() })
	return c
}

// read gives the next control message, or nil when the server has hung up.
func (c *caller) read() control.Message {
	c.t.Helper()
	require.NoError(c.t, c.tcp.SetReadDeadline(time.Now().Add(timeout)))
	for {
		message, rest, err := c.framer.Next(c.unread)
		require.NoError(c.t, err)
		c.unread = rest
		if message != nil {
			m, err := control.Parse(message)
			require.NoError(c.t, err)
			return m
		}
		buf := make([]byte, 1024)
		n, err := c.tcp.Read(buf)
		if n == 0 && err != nil {
			return nil
		}
		c.unread = buf[:n]
	}
}

// ask makes a call and gives the server's reply, or nil when it has hung up.
func (c *caller) ask() *control.OutgoingCallReply {
	c.t.Helper()
	c.last++
	_, _ = c.tcp.Write(control.OutgoingCallRequest{CallID: c.last, Window: 64}.AppendTo(nil))
	for {
		switch m := c.read().(type) {
		case control.OutgoingCallReply:
			if m.PeerCallID == c.last {
				return &m
			}
		case nil:
			return nil
		}
	}
}

// hangUp ends the last call.
func (c *caller) hangUp() {
	_, _ = c.tcp.Write(control.CallClearRequest{CallID: c.last}.AppendTo(nil))
}

// logIn makes a call and works its link with a user's name and password until the link is down, or
// stop is closed. The reason is nil when the server did not take the call.
func (c *caller) logIn(user, password string, stop <-chan struct{}) (*ppp.DownError, bool) {
	c.t.Helper()
	reply := c.ask()
	if reply == nil || reply.Result != control.CallConnected {
		return nil, false
	}
	o, err := Options{Log: c.log.With("end", c.outer), restartTimer: 50 * time.Millisecond}.withDefaults()
	require.NoError(c.t, err)
	pc := o.pppConfig()
	pc.User, pc.Password = user, password
	s, err := session.New(o.sessionConfig(false), c.r.Conn(), serverOuter, c.last, reply.CallID, pc, noOwner{newMemDevice()})
	require.NoError(c.t, err)
	c.r.Add(s)
	defer c.r.Remove(s)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-stop:
			cancel()
		case <-s.Done():
		}
	}()
	return s.Run(ctx), true
}

// noOwner is told everything and does nothing.
type noOwner struct{ dev netdev.Device }

func (noOwner) AuthSucceeded(*session.Session, ppp.AuthSucceeded)                  {}
func (noOwner) AuthFailed(*session.Session, ppp.AuthFailed)                        {}
func (o noOwner) NetworkUp(*session.Session, ppp.NetworkUp) (netdev.Device, error) { return o.dev, nil }
func (noOwner) Opened(*session.Session)                                            {}
func (noOwner) NetworkDown(*session.Session)                                       {}
