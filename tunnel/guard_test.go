package tunnel

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	alice = netip.MustParseAddr("192.0.2.10")
	bob   = netip.MustParseAddr("192.0.2.11")
)

func TestGuardBoundsHandshakes(t *testing.T) {
	now := time.Unix(1000, 0)
	g := newGuard(GuardLimits{Starting: 3, StartingPerAddr: 2})
	admitted := func(a netip.Addr) bool { ok, _ := g.admit(now, a); return ok }
	require.True(t, admitted(alice))
	require.True(t, admitted(alice))
	require.False(t, admitted(alice), "two from one address")
	require.True(t, admitted(bob))
	require.False(t, admitted(bob), "three in all")
	g.release(alice)
	require.True(t, admitted(bob))
	g.release(alice)
	g.release(bob)
	g.release(bob)
	require.Empty(t, g.perAddr, "nothing is remembered of those who have gone")
	require.Zero(t, g.starting)
}

func TestGuardLocksOutGuessers(t *testing.T) {
	now := time.Unix(1000, 0)
	g := newGuard(GuardLimits{Failures: 2, Penalty: time.Minute})
	for range 2 {
		ok, _ := g.admit(now, alice)
		require.True(t, ok)
		g.release(alice)
		g.failed(now, alice)
	}
	ok, why := g.admit(now, alice)
	require.False(t, ok)
	require.Contains(t, why, "authentications")
	ok, _ = g.admit(now, bob)
	require.True(t, ok, "others are not locked out")
	ok, _ = g.admit(now.Add(61*time.Second), alice)
	require.True(t, ok, "the penalty ends")
}

func TestGuardForgetsFailuresAfterSuccess(t *testing.T) {
	now := time.Unix(1000, 0)
	g := newGuard(GuardLimits{Failures: 2})
	g.failed(now, alice)
	g.succeeded(alice)
	g.failed(now, alice)
	ok, _ := g.admit(now, alice)
	require.True(t, ok)
}

func TestGuardMemoryIsBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	g := newGuard(GuardLimits{})
	for i := range maxFailureRuns + 100 {
		g.failed(now.Add(time.Duration(i)), netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	require.Len(t, g.failures, maxFailureRuns)
	require.NotContains(t, g.failures, netip.AddrFrom4([4]byte{10, 0, 0, 0}), "the oldest goes first")
}
