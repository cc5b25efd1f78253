package ppp

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestMatrix(t *testing.T) {
	networks := map[string]func(seed uint64) func(bool, []byte) []time.Duration{
		"perfect": func(uint64) func(bool, []byte) []time.Duration { return nil },
		"loss": func(seed uint64) func(bool, []byte) []time.Duration {
			r := rand.New(rand.NewPCG(seed, 1))
			return func(bool, []byte) []time.Duration {
				if r.IntN(100) < 15 {
					return nil
				}
				return []time.Duration{20 * time.Millisecond}
			}
		},
		"duplication": func(seed uint64) func(bool, []byte) []time.Duration {
			r := rand.New(rand.NewPCG(seed, 2))
			return func(bool, []byte) []time.Duration {
				if r.IntN(2) == 0 {
					return []time.Duration{5 * time.Millisecond, 5 * time.Millisecond}
				}
				return []time.Duration{5 * time.Millisecond}
			}
		},
		"late copies": func(seed uint64) func(bool, []byte) []time.Duration {
			r := rand.New(rand.NewPCG(seed, 3))
			return func(bool, []byte) []time.Duration {
				return []time.Duration{5 * time.Millisecond, time.Duration(r.IntN(100)) * time.Millisecond}
			}
		},
		"reordering": func(seed uint64) func(bool, []byte) []time.Duration {
			r := rand.New(rand.NewPCG(seed, 4))
			return func(bool, []byte) []time.Duration {
				return []time.Duration{time.Duration(1+r.IntN(8)) * time.Millisecond}
			}
		},
	}
	for _, method := range []AuthMethod{MSCHAPv2, CHAPMD5, PAP} {
		for _, mode := range []MPPEMode{Require128, Require, Allow, Off} {
			for _, stateful := range []StatefulMode{StatefulNever, StatefulAllowed, StatefulRequired} {
				for name, network := range networks {
					if method != MSCHAPv2 && mode <= Require {
						continue // TestConfigErrors: it is refused
					}
					t.Run(fmt.Sprintf("%s/%s/stateful=%s/%s", method, mode, stateful, name), func(t *testing.T) {
						for seed := range uint64(4) {
							matrixCell(t, method, MPPEPolicy{Mode: mode, Stateful: stateful}, network(seed))
						}
					})
				}
			}
		}
	}
}

func matrixCell(t *testing.T, method AuthMethod, policy MPPEPolicy, network func(bool, []byte) []time.Duration) {
	c, s := clientConfig(), serverConfig()
	c.Auth, s.Auth = []AuthMethod{method}, []AuthMethod{method}
	c.MPPE, s.MPPE = policy, policy
	p := newPair(t, c, s)
	p.network = network
	p.open()
	p.run(80 * time.Second)
	encrypted := method == MSCHAPv2 && policy.Mode != Off
	p.requireUp(encrypted)
	if encrypted {
		up := eventsOf[EncryptionUp](p.client)
		assert.Equal(t, 128, up[0].Send.Strength)
		assert.Len(t, up[0].Send.Key, 16)
		assert.Equal(t, policy.Stateful != StatefulRequired, up[0].Send.Stateless)
	}
	assert.Equal(t, []netip.Addr{dns1, dns2}, eventsOf[NetworkUp](p.client)[0].DNS)
	p.network = nil
	p.client.link.Close(p.now, "done")
	p.run(20 * time.Second)
	assert.Equal(t, ClassAdmin, p.client.reason().Class)
	assert.Equal(t, ClassPeer, p.server.reason().Class)
	assert.Contains(t, p.server.reason().Message, "done")
	assert.NotEmpty(t, eventsOf[NetworkDown](p.client))
	assert.NotEmpty(t, eventsOf[NetworkDown](p.server))
	_, more := p.client.link.Deadline()
	assert.False(t, more)
}

func TestSeveralPolicies(t *testing.T) {
	for name, c := range map[string]struct {
		client, server MPPEPolicy
		strength       int // 0: in clear
		stateful       bool
		class          Class // not 0: the link goes down
	}{
		"the strongest of several":        {MPPEPolicy{Mode: Require}, MPPEPolicy{Mode: Require}, 128, false, 0},
		"40 bits both":                    {MPPEPolicy{Mode: Require, Strengths: []int{40}}, MPPEPolicy{Mode: Require, Strengths: []int{40}}, 40, false, 0},
		"client takes all, server 56":     {MPPEPolicy{Mode: Require}, MPPEPolicy{Mode: Require, Strengths: []int{56}}, 56, false, 0},
		"client 56, server takes all":     {MPPEPolicy{Mode: Require, Strengths: []int{56}}, MPPEPolicy{Mode: Require}, 56, false, 0},
		"client 40 or 56, server 40, 128": {MPPEPolicy{Mode: Require, Strengths: []int{40, 56}}, MPPEPolicy{Mode: Require, Strengths: []int{128, 40}}, 40, false, 0},
		"stateful asked by the server":    {MPPEPolicy{Stateful: StatefulAllowed}, MPPEPolicy{Stateful: StatefulRequired}, 128, true, 0},
		"stateful asked by the client":    {MPPEPolicy{Stateful: StatefulRequired}, MPPEPolicy{Stateful: StatefulAllowed}, 128, true, 0},
		"allowed stays stateless":         {MPPEPolicy{Stateful: StatefulAllowed}, MPPEPolicy{Stateful: StatefulAllowed}, 128, false, 0},
		"one allows":                      {MPPEPolicy{Mode: Allow}, MPPEPolicy{Mode: Require128}, 128, false, 0},
		"allow meets off":                 {MPPEPolicy{Mode: Allow}, MPPEPolicy{Mode: Off}, 0, false, 0},
		"off meets allow":                 {MPPEPolicy{Mode: Off}, MPPEPolicy{Mode: Allow}, 0, false, 0},
		"allow meets allow, no strength":  {MPPEPolicy{Mode: Allow, Strengths: []int{40}}, MPPEPolicy{Mode: Allow, Strengths: []int{128}}, 0, false, 0},
		"client requires, server off":     {MPPEPolicy{}, MPPEPolicy{Mode: Off}, 0, false, ClassPolicy},
		"server requires, client off":     {MPPEPolicy{Mode: Off}, MPPEPolicy{}, 0, false, ClassPolicy},
		"no strength in common":           {MPPEPolicy{}, MPPEPolicy{Mode: Require, Strengths: []int{40}}, 0, false, ClassPolicy},
		"stateful against stateless":      {MPPEPolicy{Stateful: StatefulRequired}, MPPEPolicy{}, 0, false, ClassPolicy},
		"stateless against stateful":      {MPPEPolicy{}, MPPEPolicy{Stateful: StatefulRequired}, 0, false, ClassPolicy},
	} {
		t.Run(name, func(t *testing.T) {
			cc, sc := clientConfig(), serverConfig()
			cc.MPPE, sc.MPPE = c.client, c.server
			p := newPair(t, cc, sc)
			p.open()
			p.run(60 * time.Second)
			if c.class != 0 {
				classes := []Class{p.client.reason().Class, p.server.reason().Class}
				assert.Contains(t, classes, c.class, "%v / %v", p.client.reason(), p.server.reason())
				assert.Empty(t, eventsOf[NetworkUp](p.client))
				assert.Empty(t, eventsOf[NetworkUp](p.server))
				return
			}
			p.requireUp(c.strength != 0)
			if c.strength != 0 {
				up := only[EncryptionUp](p.client)
				assert.Equal(t, c.strength, up.Send.Strength)
				assert.Equal(t, c.strength, up.Recv.Strength)
				assert.Equal(t, !c.stateful, up.Send.Stateless)
				want := 16
				if c.strength != 128 {
					want = 8
				}
				assert.Len(t, up.Send.Key, want)
			}
		})
	}
}

func TestRenegotiationOfLCP(t *testing.T) {
	p := newPair(t, clientConfig(), serverConfig())
	p.open()
	p.run(10 * time.Second)
	p.requireUp(true)
	old := only[EncryptionUp](p.client)
	p.server.startOver(p.now, &p.server.link.lcp.automaton)
	p.run(20 * time.Second)
	p.requireUp(true)
	for _, e := range []*end{p.client, p.server} {
		assert.Len(t, eventsOf[NetworkDown](e), 1)
		assert.Len(t, eventsOf[NetworkUp](e), 2)
		assert.Len(t, eventsOf[EncryptionUp](e), 2)
		assert.Equal(t, uint64(1), e.link.Stats().Renegotiations)
	}
	assert.NotEqual(t, old.Send.Key, eventsOf[EncryptionUp](p.client)[1].Send.Key, "new authentication, new keys")
}

func TestRenegotiationOfIPCP(t *testing.T) {
	p := newPair(t, clientConfig(), serverConfig())
	p.open()
	p.run(10 * time.Second)
	p.server.startOver(p.now, &p.server.link.ipcp.automaton)
	p.run(20 * time.Second)
	p.requireUp(true)
	assert.Len(t, eventsOf[NetworkUp](p.client), 2)
	assert.Len(t, eventsOf[EncryptionUp](p.client), 1)
}
