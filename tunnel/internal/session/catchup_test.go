package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
)

// TestCatchingUpEndsWithItsTurn: on a machine where a key change takes long, the way back takes its
// time and no more of the processor, and the session is woken for its next turn, not before.
func TestCatchingUpEndsWithItsTurn(t *testing.T) {
	p := lostPeer(t)
	now := time.Unix(1000, 0)
	slow := now
	p.b.in.now = func() time.Time {
		slow = slow.Add(catchUpFor / 2)
		return slow
	}
	rekeys := func() uint64 { return p.b.in.dec.Stats().Rekeys }
	before := rekeys()
	p.b.in.catchUp(now)
	require.EqualValues(t, catchUpStep, rekeys()-before)
	p.b.in.catchUp(now)
	require.EqualValues(t, catchUpStep, rekeys()-before, "it is not its turn")
	require.Equal(t, catchUpEvery, p.b.next(now))
	p.b.in.catchUp(now.Add(catchUpEvery))
	require.EqualValues(t, 2*catchUpStep, rekeys()-before)
	require.True(t, p.b.in.behind)
}

// lostPeer is a pair whose b looks for a on the way back from a long outage.
func lostPeer(t *testing.T) *pair {
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	p := newPair(t, backend, 4, 64)
	now := time.Unix(1000, 0)
	p.cross(now)
	p.swallow(100_000)
	p.cross(now)
	require.True(t, p.b.in.behind)
	return p
}

// TestSessionsShareTheTurns: packets that claim outages for many sessions at once get no more of a
// processor than those for one, and every session has its turns.
func TestSessionsShareTheTurns(t *testing.T) {
	const sessions = 8
	begin := time.Unix(1000, 0)
	now, worked := begin, time.Duration(0)
	pairs := make([]*pair, sessions)
	before := make([]uint64, sessions)
	turns := new(catchUpTurns)
	for i := range pairs {
		pairs[i] = lostPeer(t)
		pairs[i].b.in.turns = turns
		before[i] = pairs[i].b.in.dec.Stats().Rekeys
		pairs[i].b.in.now = func() time.Time {
			worked += catchUpFor / 4
			return now.Add(worked)
		}
	}
	for ; now.Before(begin.Add(time.Second)); now = now.Add(time.Millisecond) {
		for _, p := range pairs {
			p.b.in.catchUp(now)
		}
	}
	assert.Less(t, worked, time.Second/3, "of a second; each session for itself would take two")
	for i, p := range pairs {
		assert.GreaterOrEqual(t, p.b.in.dec.Stats().Rekeys-before[i], uint64(5*catchUpStep), "session %d", i)
	}
}
