package tunnel

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/internal/session"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
	"github.com/arc4tun/arc4tun/tunnel/trace"
)

// Limits of Options.MTU, in bytes. An outer packet of 1,500 bytes holds an IP packet of 1,456 at
// most; larger ones are carried in fragments, and packet buffers end the range.
const (
	MinMTU     = session.MinMTU
	MaxMTU     = 1500
	DefaultMTU = 1400
)

// MinEchoInterval is the least of Options.EchoInterval: four times that without a sign of life end
// a link, and answers take their time.
const MinEchoInterval = 100 * time.Millisecond

// Options are what both ends of a tunnel share. The zero value of each field but Log is usable.
type Options struct {
	Backend *arc4.Backend // RC4 for MPPE; nil: the selected one

	Auth       []ppp.AuthMethod // allowed methods, preferred first; empty: MS-CHAPv2, then EAP-MSCHAPv2
	MPPE       ppp.MPPEPolicy   // zero: 128 bits, stateless, required
	Reserve    int              // packets of each direction whose keys and keystream a second processor makes ahead; 0: none
	LinuxReset bool             // stateful MPPE as the Linux kernel does it (mppe.Config.LinuxReset)
	IPv6       bool             // negotiate IPV6CP too

	MTU     int            // the largest IP packet in the tunnel, bytes; 0: DefaultMTU
	Reorder reorder.Config // the window; Release is set by this package

	EchoInterval  time.Duration // silence before an LCP Echo-Request; 0: 30 s, negative: never, else at least MinEchoInterval
	EchoFailures  int           // so many times EchoInterval without a sign of life end the link; 0: 4
	FirstSequence *uint32       // of our GRE packets; nil: gre.DefaultFirstSeq

	// Small bounds what buffers, windows and sockets hold, for a machine with little memory: a
	// reorder window holds 512 packets (1 MB), the windows of all sessions 1,024.
	Small bool

	IO gre.Mode // how GRE packets are sent, where the package opens the socket itself

	shared       *session.Shared // of the sessions that these options are for
	restartTimer time.Duration   // of the PPP link (ppp.Config.RestartTimer); 0: its default

	Now  func() time.Time // nil: the system's, monotonic; one that is set back goes on from where it stood
	Rand io.Reader        // nil: crypto/rand
	Log  *slog.Logger     // nil: slog.Default

	// Trace is shown every control message and PPP control frame, in words (ppp.Words,
	// control.Words); nil: nobody.
	Trace *trace.Trace
}

// withDefaults fills in what was left out and names the first value that cannot work.
func (o Options) withDefaults() (Options, error) {
	if o.Backend == nil {
		b, err := arc4.Lookup("")
		if err != nil {
			return o, err
		}
		o.Backend = b
	}
	if o.MTU == 0 {
		o.MTU = DefaultMTU
	}
	if o.MTU < MinMTU || o.MTU > MaxMTU {
		return o, fmt.Errorf("MTU %d: must be %d to %d bytes (%d suits most paths)", o.MTU, MinMTU, MaxMTU, DefaultMTU)
	}
	if o.EchoInterval > 0 && o.EchoInterval < MinEchoInterval {
		return o, fmt.Errorf("EchoInterval %v: must be at least %v, or negative for no echoes", o.EchoInterval, MinEchoInterval)
	}
	if _, err := reorder.New(o.Reorder); err != nil {
		return o, err
	}
	o.shared = session.NewShared(o.Reserve, o.sizes())
	if o.Now == nil {
		o.Now = monotonic()
	} else {
		o.Now = neverBack(o.Now)
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o, nil
}

// monotonic is a clock that reads only the system's monotonic one, once: time.Now reads two, which
// is half of a packet's cost where a clock is a system call.
func monotonic() func() time.Time {
	start := time.Now()
	return func() time.Time { return start.Add(time.Since(start)) }
}

// neverBack makes a clock that goes on from where it stood when the other one is set back: every
// timer of a session that is set by then would wait for as much longer, the keep-alive among them.
func neverBack(now func() time.Time) func() time.Time {
	var mu sync.Mutex
	var last time.Time
	var behind time.Duration
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		t := now().Add(behind)
		if t.Before(last) {
			behind += last.Sub(t)
			t = last
		}
		last = t
		return t
	}
}

// sizes are those of what a tunnel holds.
func (o Options) sizes() memory.Sizes { return memory.SizesOf(o.Small) }

// listenOptions are those of a GRE socket.
func (o Options) listenOptions() gre.Options {
	s := o.sizes()
	return gre.Options{IO: o.IO, Log: o.Log, RecvBuffer: s.SocketBuffer, SendBuffer: s.SocketBuffer, Frames: s.Frames}
}

// mru is the PPP information field that carries our MTU: MPPE adds its header and the encrypted
// protocol field (RFC 3078 section 3), and pppd takes that off the MRU.
func (o Options) mru() int { return o.MTU + session.MPPEOverhead }

// sessionConfig is what the sessions of a client or server have in common; checkSource has them
// take only packets whose source is the peer's tunnel address.
func (o Options) sessionConfig(checkSource bool) session.Config {
	return session.Config{
		Backend: o.Backend, MPPE: o.MPPE, LinuxReset: o.LinuxReset, IPv6: o.IPv6,
		MTU: o.MTU, Reorder: o.Reorder, FirstSequence: o.FirstSequence, CheckSource: checkSource,
		Sizes: o.sizes(), Shared: o.shared, Now: o.Now, Log: o.Log, Trace: o.Trace,
	}
}

// pppConfig is the part of a PPP link's settings that both roles share.
func (o Options) pppConfig() ppp.Config {
	return ppp.Config{
		Auth: o.Auth, MPPE: o.MPPE, IPv6: o.IPv6, MRU: o.mru(),
		EchoInterval: o.EchoInterval, EchoFailures: o.EchoFailures,
		RestartTimer: o.restartTimer, Rand: o.Rand,
	}
}
