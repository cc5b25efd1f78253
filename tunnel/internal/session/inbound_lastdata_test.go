package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLastDataOutlivesAClockThatIsSet: when the peer's last data came is told apart from now by the
// monotonic clock; by the wall clock alone a peer whose data flow would be dead, or live for hours,
// when that is set.
func TestLastDataOutlivesAClockThatIsSet(t *testing.T) {
	for family := range 2 {
		s := newTestSession(t, Config{}, &wire{}, 7)
		last := func(family int) time.Time {
			ipv4, ipv6 := s.lastData()
			return [...]time.Time{ipv4, ipv6}[family]
		}
		require.Zero(t, last(family))
		for _, at := range []time.Time{s.since.Add(-time.Millisecond), s.since, s.since.Add(3 * time.Second)} {
			s.in.proven(1, family)
			s.in.acknowledge(at)
			require.WithinDuration(t, at, last(family), 2*time.Millisecond)
			require.Contains(t, last(family).String(), " m=", "it has a monotonic reading")
			require.Zero(t, last(1-family), "the other family has not been heard")
		}
	}
}

// TestFamilyOfData: the protocol field, in one byte or two, says which family has been heard.
func TestFamilyOfData(t *testing.T) {
	for name, c := range map[string]struct {
		payload []byte
		family  int
	}{
		"IPv4":             {[]byte{0, 0x21, 0x45}, isIPv4},
		"IPv4, compressed": {[]byte{0x21, 0x45, 0}, isIPv4},
		"IPv6":             {[]byte{0, 0x57, 0x60}, isIPv6},
		"IPv6, compressed": {[]byte{0x57, 0x60, 0}, isIPv6},
		"too short":        {[]byte{0x57}, isIPv4},
	} {
		require.Equal(t, c.family, familyIn(c.payload), name)
	}
}
