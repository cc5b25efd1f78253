package tunnel

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/control"
)

// TestAgeOfAStranger: a control connection without a user is closed in time, though there is a call
// on it at that moment.
func TestAgeOfAStranger(t *testing.T) {
	for limit := 300 * time.Millisecond; ; limit *= 2 { // until it is longer than a call takes here
		s := newSite(t, func(c *ServerConfig) { c.Guard.Handshake = limit })
		c := s.knock("127.0.0.6")
		reply := c.ask()
		if reply != nil {
			require.Zero(t, reply.Error)
		}
		s.hungUp(c.tcp)
		s.refused("late", 1)
		s.empty()
		s.close()
		if reply != nil {
			return
		}
		require.Less(t, limit, timeout, "no call is answered")
	}
}

// leaves logs a user in on a new control connection and out again, and keeps the connection.
func (s *site) leaves(from string) *caller {
	s.t.Helper()
	c := s.caller(from)
	before := s.pool.InUse()
	stop, left := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(left)
		c.logIn("alice", "secret", stop)
	}()
	s.eventually(func() bool { return s.pool.InUse() == before+1 }, "a user is logged in")
	close(stop)
	<-left
	s.eventually(func() bool { return s.pool.InUse() == before }, "the user has gone")
	return c
}

// TestConnectionsThatAUserLeaves: a user has only so many control connections without a call, from
// wherever they come.
func TestConnectionsThatAUserLeaves(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) {
		c.Guard = GuardLimits{StartingPerUser: 3}
		c.restartTimer = 50 * time.Millisecond
	})
	var all []*caller
	for i := range 10 {
		all = append(all, s.leaves(fmt.Sprintf("127.0.%d.6", i)))
	}
	for _, c := range all[:7] {
		s.hungUp(c.tcp)
	}
	s.refused("evicted", 7)
	require.Equal(t, 3, s.server.guard.starting())
	s.close()
}

// TestConnectionWhoseUserHasGone: a control connection on which nobody is logged in any more is
// closed in time, like one on which nobody ever was; one with a user is not asked for its age.
func TestConnectionWhoseUserHasGone(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) {
		c.Guard.Handshake = 2 * time.Second
		c.restartTimer = 50 * time.Millisecond
	})
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	c := s.leaves("127.0.0.6")
	s.hungUp(c.tcp)
	s.refused("late", 1)
	g.exchange(10)
	g.quit()
	s.empty()
	s.close()
}

// TestEvictedPeerThatDoesNotRead: who fills the server's socket with answers that he does not read
// is got rid of all the same.
func TestEvictedPeerThatDoesNotRead(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) { c.Guard = GuardLimits{StartingPerAddr: 2} })
	says := control.StartRequest{Version: control.Version}.AppendTo(nil)
	for range 1000 {
		says = control.EchoRequest{ID: 1}.AppendTo(says)
	}
	deaf := s.stranger("127.0.0.6", says)
	require.NoError(t, deaf.(*net.TCPConn).SetReadBuffer(4096))
	stuffed := make(chan struct{})
	go func() {
		defer close(stuffed)
		for range 1000 {
			if _, err := deaf.Write(says[156:]); err != nil {
				return
			}
		}
	}()
	s.stranger("127.0.0.6", nil)
	s.stranger("127.0.0.6", nil)
	s.refused("evicted", 1)
	select {
	case <-stuffed: // the server has closed the connection, or has read everything
	case <-time.After(timeout):
		require.FailNow(t, "the connection is still there")
	}
	s.close()
}

// TestKnocksDoNotFillTheLog: whatever strangers do, the lines about them are few: knocks at many of
// our addresses, calls, wrong passwords.
func TestKnocksDoNotFillTheLog(t *testing.T) {
	book := new(logbook)
	s := newSite(t, func(c *ServerConfig) {
		c.Log = slog.New(slog.NewTextHandler(book, nil))
		c.Guard = GuardLimits{Penalty: -1}
		c.restartTimer = 20 * time.Millisecond
	})
	c := s.caller("127.0.0.6")
	for i := range strangerLines {
		c.logIn(fmt.Sprint("mallory ", i), "guess", nil)
		c.ask()
		c.hangUp()
	}
	s.eventually(func() bool { return len(s.server.Snapshot().Sessions) == 0 }, "the calls are over")
	require.NoError(t, c.tcp.Close())
	s.empty()
	s.close()
	text := book.String()
	lines := strings.Count(text, "\n")
	assert.Greater(t, lines, strangerLines)
	assert.Less(t, lines, strangerLines+60, "of %d that were caused", 7*strangerLines)
	assert.Equal(t, 1, strings.Count(text, "lines about peers without a user were left out"), "and it says how many")
	t.Logf("%d lines of some %d", lines, 7*strangerLines)
}
