package ppp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// startOver has an end renegotiate a protocol, as pppd does when it wants to.
func (e *end) startOver(now time.Time, a *automaton) {
	done := e.link.enter(now)
	a.handle(evRTA)
	done()
}

// TestEncryptionIsNotLostByRenegotiation: where encryption is a matter of what the peer wants, a
// link that had it goes on with it or not at all.
func TestEncryptionIsNotLostByRenegotiation(t *testing.T) {
	for name, who := range map[string]func(*pair) (downgrades, refuses *end){
		"by the server": func(p *pair) (*end, *end) { return p.server, p.client },
		"by the client": func(p *pair) (*end, *end) { return p.client, p.server },
	} {
		t.Run(name, func(t *testing.T) {
			client, server := clientConfig(), serverConfig()
			client.MPPE.Mode, server.MPPE.Mode = Allow, Allow
			p := newPair(t, client, server)
			p.open()
			p.run(10 * time.Second)
			p.requireUp(true)
			downgrades, refuses := who(p)
			downgrades.link.cfg.MPPE.Mode, downgrades.link.wasEncrypted = Off, false
			downgrades.startOver(p.now, &downgrades.link.lcp.automaton)
			p.run(time.Minute)
			require.Len(t, eventsOf[NetworkUp](refuses), 1, "no network again")
			assert.Equal(t, ClassPolicy, refuses.reason().Class)
			assert.Contains(t, refuses.reason().Message, "encryption")
		})
	}
}

// TestEndlessRenegotiation: a peer that starts over again and again costs lines in the log and
// changes of the system each time; it gets some, and a link of years gets its own. More are
// ignored: each may be forged.
func TestEndlessRenegotiation(t *testing.T) {
	for name, which := range map[string]func(*Link) *automaton{
		"of LCP":    func(l *Link) *automaton { return &l.lcp.automaton },
		"of IPCP":   func(l *Link) *automaton { return &l.ipcp.automaton },
		"of IPV6CP": func(l *Link) *automaton { return &l.ipv6cp.automaton },
	} {
		t.Run(name, func(t *testing.T) {
			p := bothNetworks(t, nil)
			p.server.link.changes.burst = 1000 // it is the one that starts over
			p.run(10 * time.Second)
			for range 100 {
				p.run(time.Hour)
				p.server.startOver(p.now, which(p.server.link))
			}
			p.run(time.Minute)
			p.requireUp(true)
			ups := len(eventsOf[NetworkUp](p.client))
			for range 100 {
				if len(eventsOf[LinkDown](p.client)) > 0 {
					break
				}
				p.server.startOver(p.now, which(p.server.link))
				p.run(time.Second)
			}
			p.run(time.Minute)
			// Each is one report without the protocol and one with it.
			assert.LessOrEqual(t, len(eventsOf[NetworkUp](p.client))-ups, 2*changeBurst)
			assert.NotZero(t, p.client.link.Stats().TooOften)
			assert.Empty(t, eventsOf[LinkDown](p.client), "anybody could end it so")
		})
	}
}
