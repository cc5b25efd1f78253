package tunnel

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// outcome is how one attempt of a client ended: all that decides whether there is another.
type outcome struct {
	class Class
	// stopped: this end was asked to stop.
	stopped bool
	// everUp: packets have passed, in this attempt or in an earlier one of the same Run.
	everUp bool
	// refused: the server refused the account in answer to the login of this attempt. What a
	// running session hears is not that: anyone who can forge GRE can challenge it and say Failure;
	// nor is a Terminate-Request that speaks of the account.
	refused bool
	// retryAuth: the user wants to be refused again.
	retryAuth bool
}

// final reports whether a client that is to reconnect ends here all the same. Until a tunnel has
// been up, whatever the user has to change first is final: a refused password could lock an
// account. After that the same words may be those of a server that is stopping, or forged, and the
// account, the policies and this machine's permissions were good enough: every end is a broken
// link, with exceptions that come from the user, from a login, or over TCP, where they cannot be
// forged blindly.
func (o outcome) final() bool {
	switch {
	case o.stopped, o.class == ClassReplaced, o.class == ClassIdle:
		return true
	case o.class == ClassAuth && o.refused:
		return !o.retryAuth
	case o.everUp:
		return false
	}
	return o.class == ClassAuth || o.class == ClassPolicy || o.class == ClassPermission
}

const (
	firstBackoff = time.Second
	lastBackoff  = time.Minute
	// steady is how long a tunnel must have been up for the next pause to start small again.
	steady = 30 * time.Second
	// leastPause is between two attempts whatever happens: a network may change many times a
	// second.
	leastPause = 250 * time.Millisecond
)

// Limits of the times in a ClientConfig.
const (
	MinHoldOff        = time.Second
	MaxHoldOff        = 24 * time.Hour
	MinConnectTimeout = time.Second
	MaxConnectTimeout = time.Hour
	MinIdleTimeout    = time.Second
	MaxIdleTimeout    = 7 * 24 * time.Hour
)

// backoff gives the pauses between the attempts of a client: a fixed one, or such that double from
// firstBackoff to lastBackoff, each shortened by up to a quarter at random, so that the clients of
// a server that was restarted do not all come at once.
type backoff struct {
	fixed time.Duration // 0: growing
	grown time.Duration // the last pause, before chance
	rand  io.Reader
}

// pause gives the next one.
func (b *backoff) pause() time.Duration {
	if b.fixed > 0 {
		return b.fixed
	}
	b.grown = min(max(2*b.grown, firstBackoff), lastBackoff)
	var n [4]byte
	if _, err := io.ReadFull(b.rand, n[:]); err != nil {
		return b.grown
	}
	less := time.Duration(float64(b.grown/4) * float64(binary.BigEndian.Uint32(n[:])) / (1 << 32))
	return (b.grown - less).Round(time.Millisecond)
}

// reset makes the next pause a short one.
func (b *backoff) reset() { b.grown = 0 }

// afterRefusal gives the pause after a refused login, in the place of pause: servers lock accounts.
func (b *backoff) afterRefusal(pause time.Duration) time.Duration {
	if b.fixed > 0 {
		return b.fixed
	}
	return max(pause, lastBackoff)
}

// checkTimes names a time, or a number of attempts, that cannot be.
func (c *ClientConfig) checkTimes() error {
	for _, t := range []struct {
		name             string
		value, low, high time.Duration
		without          string
	}{
		{"HoldOff", c.HoldOff, MinHoldOff, MaxHoldOff, "pauses that grow"},
		{"ConnectTimeout", c.ConnectTimeout, MinConnectTimeout, MaxConnectTimeout, "no limit"},
		{"IdleTimeout", c.IdleTimeout, MinIdleTimeout, MaxIdleTimeout, "none"},
	} {
		if t.value != 0 && (t.value < t.low || t.value > t.high) {
			return fmt.Errorf("%s %v: must be %v to %v, or 0 for %s", t.name, t.value, t.low, t.high, t.without)
		}
	}
	if c.MaxFail < 0 {
		return fmt.Errorf("MaxFail %d: must be 1 or more, or 0 for any number of attempts", c.MaxFail)
	}
	return nil
}
