package tunnel

import (
	"cmp"

	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// Why a server has no room for another session, for the log.
const (
	placesTaken = "all sessions are in use"
	memoryTaken = "the memory is for no more sessions"
)

// room bounds the sessions of a server with little memory, and those that nobody has logged in to,
// and says what bounds them. Places, if any, are what MaxSessions says.
func (c *ServerConfig) room() (why string) {
	if !c.Small || c.SessionMemory <= 0 {
		return placesTaken
	}
	n := memory.SessionsIn(c.SessionMemory, cmp.Or(c.Reorder.Size, reorder.DefaultSize))
	g := c.Guard.withDefaults()
	g.Starting = min(g.Starting, max(leastStarting, n))
	g.StartingPerAddr = min(g.StartingPerAddr, g.Starting)
	g.StartingPerUser = min(g.StartingPerUser, g.Starting)
	c.Guard = g
	if n >= c.MaxSessions {
		return placesTaken
	}
	c.Log.Info("memory bounds the sessions", "sessions", n, "max_sessions", c.MaxSessions, "memory", memory.Text(uint64(c.SessionMemory)))
	c.MaxSessions = n
	return memoryTaken
}

// leastStarting is how many startups there may be however little memory there is: eight clients
// that log in at once.
const leastStarting = 16
