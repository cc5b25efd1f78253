package tunnel

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// What a call takes when its user is known, and gives back when it is over: a place among the
// sessions and the lease of an address.

// errFull is what a client is told for which there is no place.
var errFull = errors.New("all sessions of the server are in use")

// assign takes a place and an address for an authenticated user.
func (c *serverCall) assign(user string) (local, remote netip.Addr, err error) {
	v := c.k.v
	c.k.login(c, user)
	a, ok := v.cfg.Lookup(user)
	if !ok {
		return local, remote, fmt.Errorf("user %q is gone from the secrets file", user)
	}
	if !c.takePlace(user) {
		c.session.Log().Warn("no place for a client: "+v.noRoom, "user", user, "sessions", v.cfg.MaxSessions)
		return local, remote, errFull
	}
	if remote, err = c.lease(a); err != nil {
		// The remedy is the operator's business; the client learns only that there is none.
		c.session.Log().Error("no address for a client", "user", user, "error", err)
		return local, remote, errors.New("the server has no address to give")
	}
	return v.cfg.LocalIP, remote, nil
}

// takePlace takes one of the places there are for sessions of users. Where that user has too many,
// the oldest session ends: it is often one that the client has lost and the server still believes
// in, and who comes back must not have to wait until it is missed.
func (c *serverCall) takePlace(user string) bool {
	oldest, ok := c.replaceOldest(user)
	if oldest != nil {
		// Not under the server's lock, which every packet from the device needs: a log may be slow.
		oldest.session.Log().Info("session ends for a later one of its user", "user", user, "sessions_per_user", c.k.v.cfg.SessionsPerUser)
		oldest.session.Close(loggedInAgain)
	}
	return ok
}

// replaceOldest takes the place, and gives the call that must end for this one, or nil.
func (c *serverCall) replaceOldest(user string) (oldest *serverCall, ok bool) {
	v := c.k.v
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.places >= v.cfg.MaxSessions {
		return nil, false
	}
	v.places++
	c.placed, c.user = true, user
	v.users[user] = append(v.users[user], c)
	if most := v.cfg.SessionsPerUser; most > 0 && len(v.users[user]) > most {
		oldest = v.users[user][0]
		oldest.leaveUser()
		c.replaces = oldest
	}
	return oldest, true
}

// leaveUser takes the call off its user's list. The caller holds the server's lock.
func (c *serverCall) leaveUser() {
	users := c.k.v.users
	left := slices.DeleteFunc(users[c.user], func(other *serverCall) bool { return other == c })
	if len(left) == 0 {
		delete(users, c.user)
		return
	}
	users[c.user] = left
}

// lease takes the user's own address, or one of the pool, the user's last if that is free. A user
// whose session ends for this one, or whose only address is that of a session left behind, as when
// the network broke and the server has not noticed yet, takes it over from that.
func (c *serverCall) lease(a Account) (netip.Addr, error) {
	pool := c.k.v.cfg.Pool
	if a.Preferred.IsValid() && pool.Reserve(a.Preferred) {
		return c.leased(a.Preferred), nil
	}
	if last := c.addressOfReplaced(); last.IsValid() && (a.Allowed == nil || a.Allowed(last)) && c.takeOver(last) {
		return last, nil
	}
	other, err := pool.Take(c.user, a.Allowed)
	switch {
	case err == nil:
		return c.leased(other), nil
	case a.Preferred.IsValid() && c.takeOver(a.Preferred):
		return a.Preferred, nil
	case a.Preferred.IsValid() && pool.Reserve(a.Preferred): // it was given back just now
		return c.leased(a.Preferred), nil
	}
	return netip.Addr{}, err
}

// addressOfReplaced is the address of the session that ends for this one.
func (c *serverCall) addressOfReplaced() netip.Addr {
	v := c.k.v
	v.mu.Lock()
	defer v.mu.Unlock()
	if c.replaces == nil {
		return netip.Addr{}
	}
	return c.replaces.address
}

func (c *serverCall) leased(a netip.Addr) netip.Addr {
	v := c.k.v
	v.mu.Lock()
	defer v.mu.Unlock()
	c.address, v.leases[a] = a, c
	return a
}

// takeOver moves the lease of an address from an earlier call of the same user, which ends.
func (c *serverCall) takeOver(a netip.Addr) bool {
	earlier := c.takeLease(a)
	if earlier == nil {
		return false
	}
	earlier.session.Close(loggedInAgain)
	return true
}

// takeLease moves the lease, and gives the call that had it, or nil if it is no call of this
// user's.
func (c *serverCall) takeLease(a netip.Addr) (earlier *serverCall) {
	v := c.k.v
	v.mu.Lock()
	defer v.mu.Unlock()
	if earlier = v.leases[a]; earlier == nil || earlier.user != c.user {
		return nil
	}
	earlier.address = netip.Addr{}
	c.address, v.leases[a] = a, c
	return earlier
}

// giveBack returns the place and the address.
func (c *serverCall) giveBack() {
	v := c.k.v
	v.mu.Lock()
	a := c.address
	if c.placed {
		v.places--
		c.leaveUser()
	}
	if a.IsValid() {
		delete(v.leases, a)
	}
	c.placed, c.address, c.replaces = false, netip.Addr{}, nil
	v.mu.Unlock()
	if a.IsValid() {
		v.cfg.Pool.Give(a)
	}
}
