package main

import (
	"log/slog"

	"github.com/arc4tun/arc4tun/internal/killswitch"
	"github.com/arc4tun/arc4tun/internal/nameservice"
	"github.com/arc4tun/arc4tun/internal/serverroute"
)

// removeLeftovers takes away what runs of this program have left on the machine that were killed,
// and that no other run puts back. It takes nothing that belongs to a process that lives: each
// part tells the two apart by a mark of its own. What cannot be removed is a line in the log, and
// keeps nobody from going on.
func removeLeftovers(log *slog.Logger) {
	for _, part := range []struct {
		what   string // for the log
		remove func(*slog.Logger) error
	}{
		{"routes and addresses", serverroute.Sweep},
		{"kill switch", killswitch.Sweep},
		{"name servers", nameservice.Sweep},
	} {
		if err := part.remove(log); err != nil {
			log.Warn("removing what a killed run has left", "what", part.what, "error", err)
		}
	}
}
