package tunnel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestToldWhenPacketsPass: who is told that the tunnel is up, and sends at once, loses nothing.
func TestToldWhenPacketsPass(t *testing.T) {
	noLeaks(t)
	counted := make(chan [2]uint64, 1)
	var w *world
	made := make(chan struct{})
	w = newWorld(t, func(c *ClientConfig, _ *ServerConfig, _ *wireOptions) {
		told := c.Changed
		c.Changed = func(up bool, n Network) {
			<-made
			if up {
				w.clientDev.Put(packet(n.Local, serverIP, 1, 100))
				for limit := time.Now().Add(timeout); time.Now().Before(limit); time.Sleep(time.Millisecond) {
					s := w.client.Snapshot().Sessions[0]
					if out := [2]uint64{s.PacketsOut, s.Counters["out_not_up"]}; out != [2]uint64{} {
						counted <- out
						break
					}
				}
			}
			told(up, n)
		}
	})
	close(made)
	w.waitUp()
	require.Equal(t, [2]uint64{1, 0}, <-counted)
	w.stop()
}
