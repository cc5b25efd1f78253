package session

import (
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// afterSetting is what time.Now gives at the moment at, once the machine's clock has been set
// forward by d: no constructor of package time makes such a Time.
func afterSetting(t *testing.T, at time.Time, d time.Duration) time.Time {
	t.Helper()
	const nanoseconds = 30 // bits of a Time's first word below the seconds
	*(*uint64)(unsafe.Pointer(&at)) += uint64(d/time.Second) << nanoseconds
	return at
}

// TestDeadlinesOutliveAClockThatIsSet: the session's goroutine is woken when a deadline of the
// packet paths comes before it would wake by itself, also when the machine's clock has been set
// meanwhile.
func TestDeadlinesOutliveAClockThatIsSet(t *testing.T) {
	for name, by := range map[string]time.Duration{"not at all": 0, "forward": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			backend, err := arc4.Lookup("")
			require.NoError(t, err)
			p := newPair(t, backend, 4, 64)
			began := time.Now()
			p.b.since = began
			p.b.armed.Store(p.b.after(began.Add(time.Minute))) // as run does
			now := afterSetting(t, began.Add(time.Second), by)
			require.Equal(t, time.Second, now.Sub(began), "the monotonic clock goes on")
			require.Equal(t, began.Add(time.Second+by).Unix(), now.Unix(), "the other one is set")
			require.Empty(t, p.b.wake)
			p.cross(now)
			require.Len(t, p.b.wake, 1, "an acknowledgment is due long before a minute has passed")
			<-p.b.wake
			p.b.armed.Store(p.b.after(began.Add(time.Second)))
			p.b.receive(now, []gre.Packet{}, p.w)
			require.Empty(t, p.b.wake, "it wakes soon enough by itself")
		})
	}
}
