package tunnel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLastDataOutlivesAClockThatIsSet: when the peer's last data came is told apart from now by the monotonic clock; by the
// wall clock alone a peer whose data flow would be dead, or live for hours, when that is set.
func TestLastDataOutlivesAClockThatIsSet(t *testing.T) {
	s := &Session{since: time.Now()}
	require.Zero(t, s.lastData())
	for _, at := range []time.Time{s.since.Add(-time.Millisecond), s.since, s.since.Add(3 * time.Second)} {
		s.in.alive = true
		s.acknowledge(at)
		require.WithinDuration(t, at, s.lastData(), 2*time.Millisecond)
		require.Contains(t, s.lastData().String(), " m=", "it has a monotonic reading")
	}
}
