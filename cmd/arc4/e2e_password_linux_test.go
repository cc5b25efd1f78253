package main

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// asks starts a client on a terminal, which asks for alice's password.
func (l *testbed) asks(t *testing.T, args ...string) (*program, *terminal) {
	t.Helper()
	cmd := command(t, append([]string{"connect", serverOuter, "--user", "alice"}, args...)...)
	x := onTerminal(t, cmd)
	client := l.client.run(t, cmd)
	x.waitPrompt(t, 1)
	return client, x
}

// waitPrompt waits until the password has been asked for so many times, and the terminal shows no
// keys.
func (x *terminal) waitPrompt(t *testing.T, times int) {
	t.Helper()
	x.waitScreen(t, "Password of alice: ", times)
	waitFor(t, "the silent terminal", func() error {
		if x.echoes(t) {
			return os.ErrExist
		}
		return nil
	})
}

// TestE2EPasswordPrompt types all that one types at a prompt.
func TestE2EPasswordPrompt(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t)
	before := l.client.snapshot(t)
	for name, end := range map[string]func(*testing.T, *program, *terminal){
		"control-C":               func(t *testing.T, _ *program, x *terminal) { x.typed(t, "\x03") },
		"control-C, and typed on": func(t *testing.T, _ *program, x *terminal) { x.typed(t, "wonder\x03pwd\n") },
		"control-C in the word":   func(t *testing.T, _ *program, x *terminal) { x.typed(t, "wonder\x03") },
		"control-D":               func(t *testing.T, _ *program, x *terminal) { x.typed(t, "\x04") },
		"SIGTERM":                 func(t *testing.T, p *program, _ *terminal) { p.signal(t, syscall.SIGTERM) },
		"control-C after a refusal": func(t *testing.T, _ *program, x *terminal) {
			x.typed(t, "wrong\n")
			x.waitPrompt(t, 2)
			x.typed(t, "\x03")
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, x := l.asks(t)
			end(t, client, x)
			assert.Equal(t, exit.Interrupted, client.wait(t))
			x.waitScreen(t, "arc4: no password was given", 1)
			assert.True(t, x.echoes(t), "the terminal is as it was")
			x.typed(t, "ls\n") // for the shell
			want := "ls\n"
			if strings.HasSuffix(name, "typed on") {
				want = "pwd\n"
			}
			assert.Equal(t, want, strings.ReplaceAll(x.waiting(t), "\r", "\n"))
			assert.Equal(t, before, l.client.snapshot(t))
		})
	}
	t.Run("an empty line", func(t *testing.T) {
		client, x := l.asks(t)
		x.typed(t, "\n")
		x.waitPrompt(t, 2)
		x.typed(t, "wonderland\n")
		x.waitScreen(t, "tunnel is up", 1)
		client.stop(t, syscall.SIGTERM)
	})
	t.Run("the third is right", func(t *testing.T) {
		client, x := l.asks(t, "--reconnect")
		x.typed(t, "wrong\n")
		x.waitPrompt(t, 2)
		x.typed(t, "wrong again\n")
		x.waitPrompt(t, 3)
		x.typed(t, "wonderland\n")
		x.waitScreen(t, "tunnel is up", 1)
		client.stop(t, syscall.SIGTERM)
		assert.NotContains(t, x.screen.String(), "wonderland")
	})
	t.Run("three wrong ones", func(t *testing.T) {
		client, x := l.asks(t)
		for n := range maxAsked {
			x.waitPrompt(t, n+1)
			x.typed(t, "wrong\n")
		}
		assert.Equal(t, exit.Auth, client.wait(t))
		x.waitScreen(t, "arc4: ", 1)
		assert.NotContains(t, x.screen.String(), "wrong\n")
	})
	t.Run("a wrong one in the environment", func(t *testing.T) {
		cmd := command(t, "connect", serverOuter, "--user", "alice")
		cmd.Env = append(cmd.Env, "ARC4_PASSWORD=wrong")
		x := onTerminal(t, cmd)
		client := l.client.run(t, cmd)
		assert.Equal(t, exit.Auth, client.wait(t))
		assert.NotContains(t, x.screen.String(), "Password of")
	})
	require.Equal(t, before, l.client.snapshot(t))
}
