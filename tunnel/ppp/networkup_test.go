package ppp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bothNetworks opens a pair with IPv4 and IPv6 over a network.
func bothNetworks(t *testing.T, network func(toServer bool, frame []byte) []time.Duration) *pair {
	client, server := clientConfig(), serverConfig()
	client.IPv6, server.IPv6 = true, true
	p := newPair(t, client, server)
	p.network = network
	p.open()
	return p
}

// without is a network that loses every frame of a protocol.
func without(proto uint16) func(bool, []byte) []time.Duration {
	return func(_ bool, frame []byte) []time.Duration {
		if got, _, err := ParseFrame(frame); err != nil || got == proto {
			return nil
		}
		return []time.Duration{time.Millisecond}
	}
}

// TestIPv6AloneIsNotTheNetworkYet: IPV6CP needs one exchange and IPCP two, so it opens first; the
// network is reported when IPCP has opened too, with all addresses, and once.
func TestIPv6AloneIsNotTheNetworkYet(t *testing.T) {
	p := bothNetworks(t, nil)
	p.run(10 * time.Second)
	p.requireUp(true)
	for _, e := range []*end{p.client, p.server} {
		up := only[NetworkUp](e)
		assert.True(t, up.Local.IsValid() && up.Remote.IsValid(), "%+v", up)
		assert.True(t, up.LocalIPv6.IsValid() && up.RemoteIPv6.IsValid(), "%+v", up)
	}
}

// TestIPv4WaitsForIPv6NoLongerThanATry: a peer that answers IPV6CP with silence does not keep IPv4
// from its users.
func TestIPv4WaitsForIPv6NoLongerThanATry(t *testing.T) {
	p := bothNetworks(t, without(ProtoIPV6CP))
	p.run(2900 * time.Millisecond)
	require.Empty(t, eventsOf[NetworkUp](p.client))
	p.run(200 * time.Millisecond)
	p.requireUp(true)
	for _, e := range []*end{p.client, p.server} {
		assert.False(t, only[NetworkUp](e).LocalIPv6.IsValid())
	}
	// It may come later.
	p.network = nil
	p.run(10 * time.Second)
	for _, e := range []*end{p.client, p.server} {
		up := eventsOf[NetworkUp](e)
		require.Len(t, up, 2)
		assert.True(t, up[1].LocalIPv6.IsValid())
	}
}

// TestIPv4DoesNotWaitForIPv6ThatIsRefused: who is told no waits for nothing.
func TestIPv4DoesNotWaitForIPv6ThatIsRefused(t *testing.T) {
	client, server := clientConfig(), serverConfig()
	client.IPv6 = true
	p := newPair(t, client, server)
	p.open()
	p.run(time.Second)
	p.requireUp(true)
	assert.False(t, only[NetworkUp](p.client).LocalIPv6.IsValid())
}

// TestIPv6AloneIsTheNetworkWithoutIPCP: where IPCP comes to its end, what there is is reported.
func TestIPv6AloneIsTheNetworkWithoutIPCP(t *testing.T) {
	p := bothNetworks(t, without(ProtoIPCP))
	p.run(29 * time.Second)
	require.Empty(t, eventsOf[NetworkUp](p.client))
	p.run(10 * time.Second)
	for _, e := range []*end{p.client, p.server} {
		up := only[NetworkUp](e)
		assert.False(t, up.Local.IsValid())
		assert.True(t, up.LocalIPv6.IsValid())
		require.Empty(t, eventsOf[LinkDown](e))
	}
}
