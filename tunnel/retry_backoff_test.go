package tunnel

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// TestPausesGrowUntilTheTunnelWasUp: an attempt that fails after half a minute is not a tunnel that
// was up so long.
func TestPausesGrowUntilTheTunnelWasUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := new(logbook)
		client, err := NewClient(ClientConfig{
			Options: Options{Log: slog.New(slog.NewTextHandler(book, nil)), Rand: noChance{}}, Server: "192.0.2.1", User: "alice", Password: "secret", Reconnect: true,
			Bring: func(context.Context, Network) (netdev.Device, error) { return nil, errors.New("never asked") },
			Dial: func(context.Context, string) (net.Conn, error) {
				time.Sleep(40 * time.Second)
				return nil, errors.New("no way")
			},
		})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		require.Equal(t, ClassAdmin, ClassOf(client.Run(ctx)))
		var pauses []string
		for _, m := range regexp.MustCompile(` in=(\S+)`).FindAllStringSubmatch(book.String(), -1) {
			pauses = append(pauses, m[1])
		}
		require.Equal(t, []string{"1s", "2s", "4s", "8s", "16s", "32s", "1m0s", "1m0s", "1m0s"}, pauses)
	})
}
