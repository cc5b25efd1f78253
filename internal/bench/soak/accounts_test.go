package soak

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab"
	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// books is a direction's, balanced, with something in most counters.
func books() way {
	return way{
		name: "download",
		from: &side{
			taken:  110,
			tunnel: tally{"packets_out": 100, "out_not_up": 4, "no_session": 6, "control_frames_out": 7, "acks_out": 3},
			data:   100, control: 7, acks: 3, closed: 2,
			socket: gre.Stats{Sent: 107, NoBuffers: 1},
		},
		link: lab.GREAccount{
			Stats:   link.Stats{Sent: 107, Duplicated: 10, Delivered: 97, Lost: 15, Overflowed: 5},
			Unheard: 2, UnheardKnown: true,
		},
		to: &side{
			given: 70,
			tunnel: tally{
				"packets_in": 70, "acks_in": 3, "control_frames_in": 6, "window_under": 2, "window_duplicated": 1, "strays": 4,
				"in_repeated": 5, "in_not_up": 1, "in_late": 1, "window_accepted": 72,
			},
			read:   93,
			socket: gre.Stats{Received: 93, Overflowed: 2},
		},
	}
}

func unbalanced(lines []Line) (names []string) {
	for _, l := range lines {
		if !l.Balanced() {
			names = append(names, l.Name)
		}
	}
	return names
}

// One packet that is lost, or that there is too much, anywhere shows at its place.
func TestBooksShowOnePacket(t *testing.T) {
	require.Empty(t, unbalanced(books().lines(false)))
	for name, c := range map[string]struct {
		change func(w *way)
		where  string
	}{
		"the tunnel loses what it takes":     {func(w *way) { w.from.taken++ }, "device to tunnel"},
		"the tunnel sends what it never got": {func(w *way) { w.from.taken-- }, "device to tunnel"},
		"a packet is not written":            {func(w *way) { w.from.tunnel["acks_out"]++ }, "tunnel to socket"},
		"a frame is written twice":           {func(w *way) { w.from.tunnel["control_frames_out"]-- }, "tunnel to socket"},
		"the socket loses one":               {func(w *way) { w.from.closed-- }, "socket to system"},
		"the wire loses one":                 {func(w *way) { w.link.Sent--; w.link.Lost-- }, "system to link"},
		"the link loses one":                 {func(w *way) { w.link.Delivered--; w.to.socket.Overflowed-- }, "link"},
		"one is under way":                   {func(w *way) { w.link.Lost-- }, "link"},
		"nobody has heard one":               {func(w *way) { w.link.Unheard-- }, "link to socket"},
		"the socket swallows one":            {func(w *way) { w.to.read--; w.to.tunnel["strays"]-- }, "socket to reader"},
		"the tunnel swallows one":            {func(w *way) { w.to.tunnel["in_late"]-- }, "reader to tunnel"},
		"the tunnel doubles one":             {func(w *way) { w.to.given++ }, "tunnel to device"},
		"the tunnel does not deliver one":    {func(w *way) { w.to.given-- }, "tunnel to device"},
	} {
		w := books()
		c.change(&w)
		assert.Equal(t, []string{"download, " + c.where}, unbalanced(w.lines(false)), name)
	}
}

// A kernel does not tell what came to a closed socket; but it is never less than nothing, and only
// then.
func TestBooksWithoutTheUnheard(t *testing.T) {
	w := books()
	w.link.Unheard, w.link.UnheardKnown = 0, false
	assert.Empty(t, unbalanced(w.lines(true)))
	assert.Equal(t, []string{"download, link to socket"}, unbalanced(w.lines(false)))
	w.unheard = 2 // as was found out then
	assert.Empty(t, unbalanced(w.lines(false)))
	w.to.socket.Overflowed += 5
	assert.Equal(t, []string{"download, link to socket"}, unbalanced(w.lines(true)), "more than the link has delivered")
}

// What a kernel drops before the wire is known to be at most so many.
func TestBooksOfTheWire(t *testing.T) {
	w := books()
	w.from.socket.Sent, w.from.closed = 109, 0
	assert.Equal(t, []string{"download, system to link"}, unbalanced(w.lines(false)))
	w.link.Unsent = 2
	assert.Empty(t, unbalanced(w.lines(false)))
	w.link.Unsent = 1
	assert.Equal(t, []string{"download, system to link"}, unbalanced(w.lines(false)))
}

func TestBooksOfNumbers(t *testing.T) {
	before, after := books(), books()
	after.from.data += 50
	after.from.control += 2
	after.from.acks += 9 // have no number
	after.to.tunnel["window_accepted"] += 45
	after.to.tunnel["window_lost"] += 6
	after.to.tunnel["window_marked"]++
	assert.True(t, after.numbered(before).Balanced(), after.numbered(before))
	after.to.tunnel["window_lost"]--
	assert.False(t, after.numbered(before).Balanced(), "a number of which nothing became")
	after.to.tunnel["window_lost"] += 2
	assert.False(t, after.numbered(before).Balanced(), "a number too much")
	assert.Contains(t, after.numbered(before).String(), "lost 7")
}
