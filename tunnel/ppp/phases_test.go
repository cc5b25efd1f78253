package ppp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPeerSilentOnCCP: where the link may do without encryption, IPCP does not wait for a peer that
// leaves CCP unanswered, and what comes of CCP later is taken.
func TestPeerSilentOnCCP(t *testing.T) {
	optional := func() (client, server Config) {
		client, server = clientConfig(), serverConfig()
		client.MPPE.Mode, server.MPPE.Mode = Allow, Allow
		return client, server
	}
	t.Run("it goes on to IPCP", func(t *testing.T) {
		client, server := optional()
		client.MPPE.Mode = Off
		p := newPair(t, client, server)
		p.network = without(ProtoCCP)
		p.open()
		p.run(100 * time.Millisecond)
		p.requireUp(false)
		assert.Zero(t, p.server.link.Stats().Retransmissions)
	})
	t.Run("it waits for us", func(t *testing.T) {
		client, server := optional()
		p := newPair(t, client, server)
		p.network = without(ProtoCCP)
		p.open()
		p.run(defaultRestartTimer - time.Millisecond)
		require.Empty(t, eventsOf[NetworkUp](p.client))
		p.run(100 * time.Millisecond)
		p.requireUp(false)
	})
	t.Run("it comes to CCP late", func(t *testing.T) {
		client, server := optional()
		p := newPair(t, client, server)
		p.network = without(ProtoCCP)
		p.open()
		p.run(defaultRestartTimer + 100*time.Millisecond)
		p.requireUp(false)
		p.network = nil
		p.run(time.Minute)
		for _, e := range []*end{p.client, p.server} {
			only[EncryptionUp](e)
			assert.Len(t, eventsOf[NetworkUp](e), 2, "encryption takes room in every packet")
			assert.Empty(t, eventsOf[LinkDown](e))
		}
	})
	t.Run("not where encryption is required", func(t *testing.T) {
		client, server := optional()
		client.MPPE.Mode, server.MPPE.Mode = Allow, Require128
		p := newPair(t, client, server)
		p.network = without(ProtoCCP)
		p.open()
		p.run(time.Hour)
		assert.Empty(t, eventsOf[NetworkUp](p.server))
		assert.Equal(t, ClassPolicy, p.server.reason().Class)
	})
	t.Run("not where there was encryption", func(t *testing.T) {
		client, server := optional()
		p := newPair(t, client, server)
		p.open()
		p.run(time.Second)
		p.requireUp(true)
		p.network = without(ProtoCCP)
		p.server.startOver(p.now, &p.server.link.lcp.automaton)
		p.run(time.Hour)
		assert.Len(t, eventsOf[NetworkUp](p.client), 1)
		assert.Len(t, eventsOf[NetworkUp](p.server), 1)
	})
}

// TestLoginsBeforeTheNetworkAreFew: a peer that negotiates LCP anew after each login gets some, and
// no more.
func TestLoginsBeforeTheNetworkAreFew(t *testing.T) {
	p := newPair(t, clientConfig(), serverConfig())
	p.network = without(ProtoIPCP)
	p.open()
	for n := 0; len(eventsOf[LinkDown](p.server)) == 0; n++ {
		require.Less(t, n, 1000)
		p.run(20 * time.Millisecond)
		p.client.link.logins.refill() // it is the one that starts over
		p.client.startOver(p.now, &p.client.link.lcp.automaton)
	}
	assert.Equal(t, ClassPeer, p.server.reason().Class)
	assert.Contains(t, p.server.reason().Message, "over and over")
	assert.LessOrEqual(t, len(eventsOf[AuthSucceeded](p.server)), loginBurst)
}

// TestInterfaceIDOfAnother: a peer that asks for an identifier that another link has gets a free
// one suggested; one that insists has IPv4 alone.
func TestInterfaceIDOfAnother(t *testing.T) {
	taken := [8]byte{2, 0, 0, 0, 0, 0, 0, 7}
	for name, insists := range map[string]bool{"who takes another": false, "who insists": true} {
		t.Run(name, func(t *testing.T) {
			client, server := clientConfig(), serverConfig()
			client.IPv6, server.IPv6 = true, true
			server.InterfaceIDTaken = func(id [8]byte) bool { return id == taken }
			if insists {
				client.InterfaceID = taken
			}
			p := newPair(t, client, server)
			p.client.link.ipv6cp.local = taken
			p.open()
			p.run(time.Minute)
			p.requireUp(true)
			ups := eventsOf[NetworkUp](p.server)
			assert.Equal(t, !insists, ups[len(ups)-1].RemoteIPv6.IsValid())
			assert.NotEqual(t, LinkLocal(taken), ups[len(ups)-1].RemoteIPv6)
		})
	}
	t.Run("found out too late", func(t *testing.T) {
		p := bothNetworks(t, nil)
		p.run(time.Second)
		p.requireUp(true)
		p.server.link.CloseIPv6(p.now)
		p.run(time.Minute)
		p.requireUp(true)
		for _, e := range []*end{p.client, p.server} {
			ups := eventsOf[NetworkUp](e)
			assert.False(t, ups[len(ups)-1].RemoteIPv6.IsValid())
		}
	})
}
