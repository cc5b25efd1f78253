package soak

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab"
	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// balancedAccount is a direction's, balanced, with something in most counters.
func balancedAccount() directionAccount {
	return directionAccount{
		name: "download",
		from: &endCounters{
			taken:  110,
			tunnel: counters{"packets_out": 100, "out_not_up": 4, "no_session": 6, "control_frames_out": 7, "acks_out": 3},
			data:   100, control: 7, acks: 3, closed: 2,
			socket: gre.Stats{Sent: 107, NoBuffers: 1},
		},
		link: lab.GREAccount{
			Stats:   link.Stats{Sent: 107, Duplicated: 10, Delivered: 97, Lost: 15, Overflowed: 5},
			Unheard: 2, UnheardKnown: true,
		},
		to: &endCounters{
			given: 70,
			tunnel: counters{
				"packets_in": 70, "acks_in": 3, "control_frames_in": 6, "window_under": 2, "window_duplicated": 1, "strays": 4,
				"in_repeated": 5, "in_not_up": 1, "in_late": 1, "window_accepted": 72,
			},
			read:   93,
			socket: gre.Stats{Received: 93, Overflowed: 2},
		},
	}
}

func unbalanced(lines []equation) (names []string) {
	for _, l := range lines {
		if !l.Balanced() {
			names = append(names, l.Name)
		}
	}
	return names
}

// One packet that is lost, or that there is too much, anywhere shows at its place.
func TestAccountsShowOnePacket(t *testing.T) {
	require.Empty(t, unbalanced(balancedAccount().equations(false)))
	for name, c := range map[string]struct {
		change func(a *directionAccount)
		where  string
	}{
		"the tunnel loses what it takes":     {func(a *directionAccount) { a.from.taken++ }, "device to tunnel"},
		"the tunnel sends what it never got": {func(a *directionAccount) { a.from.taken-- }, "device to tunnel"},
		"a packet is not written":            {func(a *directionAccount) { a.from.tunnel["acks_out"]++ }, "tunnel to socket"},
		"a frame is written twice":           {func(a *directionAccount) { a.from.tunnel["control_frames_out"]-- }, "tunnel to socket"},
		"the socket loses one":               {func(a *directionAccount) { a.from.closed-- }, "socket to system"},
		"the wire loses one":                 {func(a *directionAccount) { a.link.Sent--; a.link.Lost-- }, "system to link"},
		"the link loses one":                 {func(a *directionAccount) { a.link.Delivered--; a.to.socket.Overflowed-- }, "link"},
		"one is under way":                   {func(a *directionAccount) { a.link.Lost-- }, "link"},
		"nobody has heard one":               {func(a *directionAccount) { a.link.Unheard-- }, "link to socket"},
		"the socket swallows one":            {func(a *directionAccount) { a.to.read--; a.to.tunnel["strays"]-- }, "socket to reader"},
		"the tunnel swallows one":            {func(a *directionAccount) { a.to.tunnel["in_late"]-- }, "reader to tunnel"},
		"the tunnel doubles one":             {func(a *directionAccount) { a.to.given++ }, "tunnel to device"},
		"the tunnel does not deliver one":    {func(a *directionAccount) { a.to.given-- }, "tunnel to device"},
	} {
		a := balancedAccount()
		c.change(&a)
		assert.Equal(t, []string{"download, " + c.where}, unbalanced(a.equations(false)), name)
	}
}

// A kernel does not tell what came to a closed socket; but it is never less than nothing, and only
// then.
func TestAccountsWithoutTheUnheard(t *testing.T) {
	a := balancedAccount()
	a.link.Unheard, a.link.UnheardKnown = 0, false
	assert.Empty(t, unbalanced(a.equations(true)))
	assert.Equal(t, []string{"download, link to socket"}, unbalanced(a.equations(false)))
	a.unheard = 2 // as was found out then
	assert.Empty(t, unbalanced(a.equations(false)))
	a.to.socket.Overflowed += 5
	assert.Equal(t, []string{"download, link to socket"}, unbalanced(a.equations(true)), "more than the link has delivered")
}

// What a kernel drops before the wire is known to be at most so many.
func TestAccountsOfTheLink(t *testing.T) {
	a := balancedAccount()
	a.from.socket.Sent, a.from.closed = 109, 0
	assert.Equal(t, []string{"download, system to link"}, unbalanced(a.equations(false)))
	a.link.Unsent = 2
	assert.Empty(t, unbalanced(a.equations(false)))
	a.link.Unsent = 1
	assert.Equal(t, []string{"download, system to link"}, unbalanced(a.equations(false)))
}

func TestAccountsOfSequenceNumbers(t *testing.T) {
	before, after := balancedAccount(), balancedAccount()
	after.from.data += 50
	after.from.control += 2
	after.from.acks += 9 // have no number
	after.to.tunnel["window_accepted"] += 45
	after.to.tunnel["window_lost"] += 6
	after.to.tunnel["window_marked"]++
	assert.True(t, after.sequenceNumbers(before).Balanced(), after.sequenceNumbers(before))
	after.to.tunnel["window_lost"]--
	assert.False(t, after.sequenceNumbers(before).Balanced(), "a number of which nothing became")
	after.to.tunnel["window_lost"] += 2
	assert.False(t, after.sequenceNumbers(before).Balanced(), "a number too much")
	assert.Contains(t, after.sequenceNumbers(before).String(), "lost 7")
}
