package ppp

import "time"

// Phase is where a link stands (RFC 1661 section 3.2).
type Phase int

// The phases.
const (
	PhaseDead Phase = iota
	PhaseEstablish
	PhaseAuthenticate
	PhaseNetwork
	PhaseTerminate
)

// Link is one end of a PPP link. It must not be used by two goroutines at once.
type Link struct {
	cfg   Config
	phase Phase
	stats Stats
}

// New makes a link in phase Dead. The error names the setting that cannot work.
func New(cfg Config) (*Link, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Link{cfg: cfg}, nil
}

// Open starts the link: the call below is up. It does nothing the second time.
func (l *Link) Open(now time.Time) {}

// Close ends the link in order; LinkDown with class ClassAdmin follows. reason
// is for the message and goes to the peer in the Terminate-Request.
func (l *Link) Close(now time.Time, reason string) {}

// LowerDown ends the link at once: the call below is gone.
func (l *Link) LowerDown(now time.Time) {}

// Input takes one frame from the peer, which it does not keep.
func (l *Link) Input(now time.Time, frame []byte) {}

// Tick does what is due.
func (l *Link) Tick(now time.Time) {}

// Deadline is when Tick has something to do, false if never.
func (l *Link) Deadline() (time.Time, bool) { return time.Time{}, false }

// RequestReset asks the peer to start its encrypter over (stateful MPPE). At
// most one request is outstanding; it is repeated every second until the
// Reset-Ack comes or ResetDone is called.
func (l *Link) RequestReset(now time.Time) {}

// ResetDone ends an outstanding Reset-Request: a FLUSHED packet has arrived,
// which is an answer as good as a Reset-Ack (RFC 3078 section 8.2).
func (l *Link) ResetDone(now time.Time) {}

// Reject answers a frame of a protocol nobody negotiated with a Protocol-Reject,
// at a limited rate and only while LCP is open. info is the frame's information field.
func (l *Link) Reject(now time.Time, protocol uint16, info []byte) {}

// Phase is where the link stands.
func (l *Link) Phase() Phase { return l.phase }

// Stats is a copy of the counters.
func (l *Link) Stats() Stats { return l.stats }
