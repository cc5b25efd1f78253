package tunnel

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// TestMemoryBoundsSessions: a server with little memory refuses the session that has no room in it,
// and says why; and so many strangers as it has room for may try to log in.
func TestMemoryBoundsSessions(t *testing.T) {
	s := newSite(t, func(c *ServerConfig) {
		c.Small, c.SessionMemory = true, memory.SharedBytes+2*memory.SessionBytes(reorder.DefaultSize)-1
	})
	require.Equal(t, 1, s.server.cfg.MaxSessions)
	require.Equal(t, leastStarting, s.server.cfg.Guard.Starting)
	require.Equal(t, memoryTaken, s.server.noRoom)
	first := s.guest("127.0.0.3", nil)
	first.waitUp()
	assert.ErrorContains(t, s.guest("127.0.0.4", nil).waitEnd(), "insufficient resources")
	s.refused("connections", 1)
	first.exchange(20)
	first.quit()
	s.empty()
	second := s.guest("127.0.0.4", nil)
	second.waitUp()
	second.quit()
	s.close()
}

// TestRoom: memory bounds what MaxSessions does not, in small mode.
func TestRoom(t *testing.T) {
	enough := memory.SharedBytes + 20*memory.SessionBytes(reorder.DefaultSize)
	for name, tc := range map[string]struct {
		cfg      ServerConfig
		sessions int
		why      string
		starting int
	}{
		"normal":                 {ServerConfig{MaxSessions: 1024, SessionMemory: enough}, 1024, placesTaken, 0},
		"small without a bound":  {ServerConfig{MaxSessions: 1024, Options: Options{Small: true}}, 1024, placesTaken, 0},
		"memory for twenty":      {ServerConfig{MaxSessions: 1024, SessionMemory: enough, Options: Options{Small: true}}, 20, memoryTaken, 20},
		"places for ten":         {ServerConfig{MaxSessions: 10, SessionMemory: enough, Options: Options{Small: true}}, 10, placesTaken, 20},
		"windows twice as large": {ServerConfig{MaxSessions: 1024, SessionMemory: enough, Options: Options{Small: true, Reorder: reorder.Config{Size: 4096}}}, 13, memoryTaken, 16},
		"memory for none":        {ServerConfig{MaxSessions: 1024, SessionMemory: 1, Options: Options{Small: true}}, 1, memoryTaken, 16},
		"few strangers are wanted": {ServerConfig{MaxSessions: 1024, SessionMemory: enough, Options: Options{Small: true}, Guard: GuardLimits{Starting: 4}},
			20, memoryTaken, 4},
	} {
		t.Run(name, func(t *testing.T) {
			tc.cfg.Log = slog.New(slog.DiscardHandler)
			assert.Equal(t, tc.why, tc.cfg.room())
			assert.Equal(t, tc.sessions, tc.cfg.MaxSessions)
			assert.Equal(t, tc.starting, tc.cfg.Guard.Starting)
			assert.NoError(t, tc.cfg.Guard.withDefaults().validate())
		})
	}
}
