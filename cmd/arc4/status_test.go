package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// TestStatusAsksARunningTunnel goes the whole way, over a socket.
func TestStatusAsksARunningTunnel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	ctx, cancel := context.WithCancel(context.Background())
	server, err := status.Listen(path)
	require.NoError(t, err)
	done := make(chan error)
	go func() {
		done <- server.Serve(ctx, func() status.Snapshot {
			return status.Snapshot{Sessions: []status.Session{{ID: "1", User: "alice"}}}
		})
	}()

	var out bytes.Buffer
	require.NoError(t, statusOptions{socket: path}.run(context.Background(), &out))
	assert.Contains(t, out.String(), "alice")

	// Watching ends without an error when interrupted, and with one when the tunnel ends.
	watched, interrupt := context.WithCancel(context.Background())
	lines := &interruptingWriter{after: 2, do: interrupt}
	require.NoError(t, statusOptions{socket: path, watch: true, json: true, interval: time.Millisecond}.run(watched, lines))
	assert.Equal(t, 2, strings.Count(lines.String(), "\n"))

	lines = &interruptingWriter{after: 1, do: func() {
		cancel()
		assert.NoError(t, <-done)
	}}
	err = statusOptions{socket: path, watch: true, interval: time.Millisecond}.run(context.Background(), lines)
	require.ErrorIs(t, err, status.ErrNoTunnel)
	assert.Equal(t, exit.Failure, exit.CodeOf(err))
	assert.NoFileExists(t, path)
}

// interruptingWriter does something after so many writes.
type interruptingWriter struct {
	bytes.Buffer
	after int
	do    func()
}

func (w *interruptingWriter) Write(p []byte) (int, error) {
	if w.after--; w.after == 0 {
		w.do()
	}
	return w.Buffer.Write(p)
}
