package main

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestE2EMemory: a tunnel that holds little carries the same, and both ends say how much they have.
// A server with room for few sessions says so at its start.
func TestE2EMemory(t *testing.T) {
	t.Parallel()
	for mode, log := range map[string]string{"small": `memory.*mode=small.*why="--memory small"`, "normal": ""} {
		t.Run(mode, func(t *testing.T) {
			l := newTestbed(t)
			server := l.serve(t, "--memory", mode)
			client := l.connect(t, "--memory", mode).up(t)
			exchange(t, l.client, l.server, tunnelLocal, 1<<20)
			for _, m := range []*machine{l.client, l.server} {
				s := m.status(t).Process.Memory
				assert.Equal(t, mode, s.Mode)
				assert.Equal(t, "--memory "+mode, s.Why)
				assert.Positive(t, s.Resident)
				assert.GreaterOrEqual(t, s.Peak, s.Resident)
				assert.Greater(t, s.Usable, s.Resident)
				if mode == "small" {
					assert.Positive(t, s.CollectorLimit)
				}
			}
			if log != "" {
				client.waitLog(t, log, 1)
				server.waitLog(t, log, 1)
			}
			client.stop(t, syscall.SIGTERM)
			server.stop(t, syscall.SIGTERM)
		})
	}
}
