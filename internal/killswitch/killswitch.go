package killswitch

import (
	"log/slog"
	"net/netip"
)

// Config says what may leave.
type Config struct {
	Mark     uint32         // the firewall mark of what carries the tunnel; not 0
	Excluded []netip.Prefix // networks that are reached outside the tunnel
	Log      *slog.Logger
}
