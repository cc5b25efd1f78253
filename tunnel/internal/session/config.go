package session

import (
	"log/slog"
	"time"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
	"github.com/arc4tun/arc4tun/tunnel/trace"
)

// MinMTU is the least that a peer's MRU can make of a session's MTU, in bytes.
const MinMTU = 576

// MPPEOverhead is what MPPE adds to an IP packet, in bytes: its header and the PPP protocol field,
// which is encrypted (RFC 3078 section 3).
const MPPEOverhead = 4

// Config is what the sessions of one client or server have in common.
type Config struct {
	Backend    *arc4.Backend
	MPPE       ppp.MPPEPolicy
	LinuxReset bool // stateful MPPE as the Linux kernel does it (mppe.Config.LinuxReset)
	IPv6       bool // IPV6CP is negotiated

	MTU           int // of an IP packet, bytes
	Reorder       reorder.Config
	FirstSequence *uint32 // of our GRE packets; nil: gre.DefaultFirstSeq
	CheckSource   bool    // take only packets whose source is the peer's tunnel address

	Sizes  memory.Sizes
	Shared *Shared
	Now    func() time.Time // monotonic
	Log    *slog.Logger
	Trace  *trace.Trace // nil: nobody watches
}

// Shared is what all sessions of a client or server share a processor's time and memory for.
type Shared struct {
	reserves *reserves
	turns    catchUpTurns
	held     *heldPackets // nil: without bound
}

// NewShared has a second processor make the keys and the keystream of so many packets of each
// direction ahead; 0: none.
func NewShared(reserve int, sizes memory.Sizes) *Shared {
	return &Shared{reserves: newReserves(reserve, sizes.Reserves), held: newHeldPackets(sizes)}
}

func (c *Config) sequencer() *gre.Sequencer {
	if c.FirstSequence != nil {
		return gre.NewSequencer(*c.FirstSequence)
	}
	return gre.NewSequencer(gre.DefaultFirstSeq)
}
