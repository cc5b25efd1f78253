package tunnel

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestGuessingPasswordsOnOneConnection: a user whose password was wrong too often is not heard from
// there any more, on a control connection that is there already, whatever the password; who tries
// many users gets no call at all.
func TestGuessingPasswordsOnOneConnection(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) {
		c.Guard = GuardLimits{Failures: 3, FailuresPerAddr: 5, Penalty: time.Hour}
		c.restartTimer = 50 * time.Millisecond
	})
	c := s.caller("127.0.0.6")
	fails := func(user, password string, class ppp.Class) *ppp.DownError {
		down, taken := c.logIn(user, password, nil)
		require.True(t, taken)
		require.Equal(t, class, down.Class)
		return down
	}
	for i := range uint64(3) {
		assert.Contains(t, fails("alice", "guess", ppp.ClassAuth).Message, "wrong user name or password")
		s.refused("authentication", i+1)
	}
	for range 3 {
		assert.Contains(t, fails("alice", "secret", ppp.ClassPeer).Message, "banned after failed logins, for 3")
	}
	s.refused("banned", 3)
	fails("bob", "guess", ppp.ClassAuth)
	fails("carol", "guess", ppp.ClassAuth)
	s.refused("authentication", 5)
	for range 3 {
		_, taken := c.logIn("alice", "secret", nil)
		assert.False(t, taken)
	}
	s.refused("banned", 6)
	s.refused("authentication", 5)
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	g.exchange(10)
	g.quit()
	require.NoError(t, c.tcp.Close())
	s.empty()
	s.close()
}

// TestStrangersTakeNoPlace: calls without a user, however many, leave the sessions to those who
// have one.
func TestStrangersTakeNoPlace(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) { c.MaxSessions = 2 })
	callers := []*caller{s.caller("127.0.0.6"), s.caller("127.0.0.6"), s.caller("127.0.0.7")}
	for _, c := range callers {
		for range 5 {
			require.NotNil(t, c.ask())
		}
	}
	first, second := s.guest("127.0.0.3", nil), s.guest("127.0.0.4", nil)
	first.waitUp()
	second.waitUp()
	first.exchange(10)
	second.exchange(10)
	third := s.guest("127.0.0.5", nil).waitEnd()
	assert.Equal(t, ClassPeer, ClassOf(third))
	assert.ErrorContains(t, third, "insufficient resources")
	first.quit()
	second.quit()
	for _, c := range callers {
		require.NoError(t, c.tcp.Close())
	}
	s.empty()
	s.close()
}

// TestPlaceIsTakenByTheUser: of two clients that call while one place is left, the one that
// authenticates later is told.
func TestPlaceIsTakenByTheUser(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) { c.MaxSessions, c.restartTimer = 1, 50*time.Millisecond })
	c := s.caller("127.0.0.6")
	stop := make(chan struct{})
	first := make(chan *ppp.DownError, 1)
	go func() {
		down, _ := c.logIn("alice", "secret", stop)
		first <- down
	}()
	late := s.caller("127.0.0.7")
	reply := late.ask() // perhaps before the first has authenticated
	s.eventually(func() bool {
		s.server.mu.RLock()
		defer s.server.mu.RUnlock()
		return s.server.places == 1
	}, "the place is taken")
	if reply.Error == 0 {
		late.hangUp()
	}
	_, taken := late.logIn("alice", "secret", nil)
	assert.False(t, taken)
	close(stop)
	<-first
	s.eventually(func() bool { return s.pool.InUse() == 0 }, "the place is free")
	require.NoError(t, c.tcp.Close())
	require.NoError(t, late.tcp.Close())
	s.empty()
	s.close()
}

// TestCallsOfOneAddressAreFew: what has not authenticated counts together, connections and the
// calls on them.
func TestCallsOfOneAddressAreFew(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) { c.Guard = GuardLimits{StartingPerAddr: 6} })
	first, second := s.caller("127.0.0.6"), s.caller("127.0.0.6")
	for range 4 {
		require.Zero(t, first.ask().Error)
	}
	require.Equal(t, 6, s.server.guard.starting())
	require.Zero(t, second.ask().Error, "the first one, which is older, makes room")
	s.hungUp(first.tcp)
	s.eventually(func() bool { return s.server.guard.starting() == 2 }, "and its calls are gone with it")
	s.refused("evicted", 1)
	require.NoError(t, second.tcp.Close())
	s.empty()
	s.close()
}

// TestServerStopsUnderCalls: a peer that makes call after call does not keep the server from
// stopping.
func TestServerStopsUnderCalls(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) { c.restartTimer = 200 * time.Millisecond })
	c := s.caller("127.0.0.6")
	require.NotNil(t, c.ask())
	s.stop()
	for c.ask() != nil { // until the server ends the connection; what it had not heard of the stop it may still take
	}
	s.close()
}

// TestStrangersDoNotFillTheLog: who makes calls and clears them, as fast as he can, gets so many
// lines and no more; who authenticates is in the log all the same.
func TestStrangersDoNotFillTheLog(t *testing.T) {
	book := new(logbook)
	s := newSite(t, func(c *ServerConfig) { c.Log = slog.New(slog.NewTextHandler(book, nil)) })
	c := s.caller("127.0.0.6")
	for range strangerLines {
		require.NotNil(t, c.ask())
		c.hangUp()
		s.eventually(func() bool { return len(s.server.Snapshot().Sessions) == 0 }, "the call is over")
	}
	g := s.guest("127.0.0.3", nil)
	g.waitUp()
	g.quit()
	require.NoError(t, c.tcp.Close())
	s.empty()
	text := book.String()
	assert.InDelta(t, strangerLines, strings.Count(text, "call accepted")+strings.Count(text, "session ended"), 20)
	assert.Equal(t, 1, strings.Count(text, "are left out"))
	assert.Equal(t, 1, strings.Count(text, "msg=authenticated"))
	assert.Equal(t, 1, strings.Count(text, "tunnel is up"))
	assert.Equal(t, 1, strings.Count(text, "user=alice bytes_in"))
	s.close()
}

// TestFailedUserIsNamed: the last line about a session says who it was that failed, quoted as any
// word of a stranger.
func TestFailedUserIsNamed(t *testing.T) {
	book := new(logbook)
	s := newSite(t, func(c *ServerConfig) { c.Log = slog.New(slog.NewTextHandler(book, nil)) })
	g := s.guest("127.0.0.6", func(c *ClientConfig) { c.User, c.Log = "mallory\nmsg=forged", slog.New(slog.NewTextHandler(book, nil)) })
	require.Equal(t, ClassAuth, ClassOf(g.waitEnd()))
	s.empty()
	s.close()
	ends := 0
	for _, line := range strings.Split(strings.TrimSpace(book.String()), "\n") {
		require.True(t, strings.HasPrefix(line, "time="), line)
		if strings.Contains(line, "session ended") {
			assert.Contains(t, line, `user="mallory\nmsg=forged"`)
			ends++
		}
	}
	assert.Equal(t, 2, ends)
}
