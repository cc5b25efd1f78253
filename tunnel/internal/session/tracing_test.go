package session

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/trace"
)

// TestTraceOffAllocatesNothing: where nobody watches, control packets cost what they did.
func TestTraceOffAllocatesNothing(t *testing.T) {
	s := &Session{cfg: Config{Trace: trace.New(nil)}}
	frame := controlFrame(ppp.ProtoLCP, 9, 1, make([]byte, 4))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		s.trace.frame(true, frame)
		s.trace.far(frame, 1, 2)
		s.trace.dropped(frame, "it came before")
	}))
}
