package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestE2EDefaultRouteWithIPv6: IPv6 opens before IPv4, and the routes of IPv4 must not be asked for before it has an
// address.
func TestE2EDefaultRouteWithIPv6(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	before := l.client.snapshot(t)
	server := l.serve(t, "--listen", serverFar, "--ipv6")
	client := l.connectTo(t, serverFar, "wonderland", "--default-route", "--ipv6").up(t)
	l.client.ping(t, serverInner, 1400)
	client.stop(t, syscall.SIGTERM)
	assert.Equal(t, 1, strings.Count(client.stderr.String(), "tunnel is up"))
	assert.Equal(t, 1, strings.Count(server.stderr.String(), "tunnel is up"))
	assert.Equal(t, before, l.client.snapshot(t))
}
