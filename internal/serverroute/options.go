package serverroute

import "log/slog"

// Options of Open.
type Options struct {
	Log *slog.Logger // nil: slog.Default
	// Mark is the firewall mark of all sockets that carry the tunnel; 0: none, or where Marked
	// says that there has to be one, a number that no other process of this program has.
	Mark   uint32
	Marked bool
	// Interface is the one that carries the tunnel, whatever others there are; empty: the one that
	// leads to the server.
	Interface string
	// Everything says that the tunnel will take in everything, by rules or by routes: another
	// program's rules that take in everything, too (wg-quick's, say), do not count for what
	// carries it then, or each would carry the other.
	Everything bool
	// Blocked says that nothing leaves this machine but what is marked: names are looked up by
	// marked sockets from the first time on.
	Blocked bool
	// NoRoute says that another program sees to the host route: none is added.
	NoRoute bool
	// ReadOnly says that no tunnel has a device, and that nothing of this machine may change: what
	// killed runs have left stays.
	ReadOnly bool
}
