package tunnel

import "sync"

// abandonment cuts farewells short.
type abandonment struct {
	once sync.Once
	now  chan struct{} // closed by call
}

func newAbandonment() *abandonment { return &abandonment{now: make(chan struct{})} }

func (a *abandonment) call() { a.once.Do(func() { close(a.now) }) }

// Abandon has a Run whose context has ended return at once: what the farewells have not told the
// server by then, it finds out by itself. A Run that goes on loses its call.
func (c *Client) Abandon() { c.abandoned.call() }

// Abandon has a Serve whose context has ended return at once: what the farewells have not told the
// clients by then, they find out by themselves. A Serve that goes on loses its sessions.
func (v *Server) Abandon() { v.abandoned.call() }
