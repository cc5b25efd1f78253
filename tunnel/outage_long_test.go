package tunnel

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestLongOutage: however many packets of one direction are swallowed, stateless and stateful
// sessions alike, each finds its place in the key chain again by itself, within a bounded number of
// packets and without negotiating anew.
func TestLongOutage(t *testing.T) {
	const (
		pause = 5 * time.Millisecond // between two packets after the outage: the way back is walked by a timer
		most  = 3000                 // packets that the way back may take
	)
	for _, stateful := range []bool{false, true} {
		for _, swallowed := range []int{2000, 4096, 100_000} {
			t.Run(fmt.Sprintf("stateful %t/%d packets", stateful, swallowed), func(t *testing.T) {
				noLeaks(t)
				tap, book := newWireTap(), new(logbook)
				w := newWorld(t, tap.use, book.keep, func(c *ClientConfig, s *ServerConfig, _ *wireOptions) {
					for _, o := range []*Options{&c.Options, &s.Options} {
						o.Reorder.Timeout = 20 * time.Millisecond
						if stateful {
							o.MPPE = ppp.MPPEPolicy{Mode: ppp.Require, Stateful: ppp.StatefulRequired}
						}
					}
				})
				w.waitUp()
				w.exchange(20)
				client, server := w.clientSession(), w.serverSession()

				lost := 0
				tap.losing(func(from netip.Addr, packet []byte) bool {
					if from != clientOuter || !carriesData(packet) {
						return false
					}
					lost++
					return true
				})
				for i := range swallowed {
					w.clientDev.Put(packet(clientIP, serverIP, uint32(i), 60))
				}
				w.eventually(func() bool {
					tap.mu.Lock()
					defer tap.mu.Unlock()
					return lost == swallowed
				}, "all are swallowed")
				tap.losing(nil)
				require.Empty(t, w.serverDev.Got)

				const first = 1 << 24
				sent, got := uint32(first), uint32(0)
				require.Eventually(t, func() bool {
					w.clientDev.Put(packet(clientIP, serverIP, sent, 60))
					sent++
					if len(w.serverDev.Got) > 0 {
						got = number(<-w.serverDev.Got)
					}
					return got >= first
				}, timeout, pause, "packets pass again")
				t.Logf("packet %d after the outage was the first to arrive; %d were sent by then", got-first+1, sent-first)
				require.LessOrEqual(t, sent-first, uint32(most))
				for got < sent-1 {
					got = number(w.expect(w.serverDev))
				}
				w.exchange(100)
				w.untouched(client, server)
				require.Equal(t, 2, strings.Count(book.String(), "msg=encrypted"), "each end has encrypted once")
				w.stop()
			})
		}
	}
}
