package tunnel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/status"
)

// Run keeps the tunnel until it ends, and gives the reason, an *Error. With Reconnect a tunnel that
// has been up once comes back from every end but these: ctx is done, the server refuses the account
// when the client logs in again (unless RetryAuth asks for another try), the user has logged in
// elsewhere and the server allows no more, nothing passed for IdleTimeout, or MaxFail attempts in a
// row gave no tunnel. With OnDemand each attempt waits for a packet. Before it has been up, a
// refused account, ends that do not agree on authentication or encryption, and a missing permission
// are final too. Close what Bring made only after Run has returned.
func (c *Client) Run(ctx context.Context) error {
	pauses := backoff{fixed: c.cfg.HoldOff, rand: c.cfg.Rand}
	c.anew()
	for {
		err := c.awaitPacket(ctx)
		if err == nil {
			c.attempt()
			err = c.call(ctx)
		}
		up, everUp := c.wasUp()
		e := outcome{class: ClassOf(err), stopped: ctx.Err() != nil, everUp: everUp, refused: refusedInAnswer(err), retryAuth: c.cfg.RetryAuth}
		switch {
		case e.stopped:
			return failure(ClassAdmin, nil, "stopped")
		case e.class == ClassIdle && c.demand != nil:
			c.cfg.Log.Info("the tunnel is idle: it is down until a packet asks for it", "reason", err)
			c.idled(err)
			pauses.reset()
			continue
		case !c.cfg.Reconnect && c.demand == nil || e.final():
			return err
		}
		if failed := c.failed(); c.cfg.MaxFail > 0 && failed >= c.cfg.MaxFail {
			return gaveUp(failed, err)
		}
		if up > steady {
			pauses.reset()
		}
		pause, news := pauses.pause(), c.pause
		if e.refused {
			// Another network makes the password no better, and changes may come often.
			pause, news = pauses.afterRefusal(pause), c.pauseWhatever
		}
		if c.demand != nil {
			c.demand.rest()
		}
		attempts := c.waiting(err, pause)
		if c.cfg.Retrying != nil {
			c.cfg.Retrying(err)
		}
		c.cfg.Log.Warn("tunnel is down; trying again", "reason", err, "in", pause, "attempt", attempts+1)
		if news(ctx, pause) {
			pauses.reset()
		}
		if ctx.Err() != nil {
			return failure(ClassAdmin, nil, "stopped")
		}
	}
}

// gaveUp is the end after MaxFail attempts: the last one's, with their number.
func gaveUp(failed int, last error) error {
	attempts := fmt.Sprintf("%d attempts", failed)
	if failed == 1 {
		attempts = "1 attempt"
	}
	end := Error{Class: ClassOf(last)}
	var e *Error
	if errors.As(last, &e) {
		end = *e
	}
	end.Text, end.Err = "given up after "+attempts+" without a tunnel; the last one", last
	return &end
}

// pause waits before the next attempt, and no longer than until the network has changed or this
// machine has woken up, which it reports.
func (c *Client) pause(ctx context.Context, d time.Duration) (news bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	if c.pauseWhatever(ctx, min(leastPause, d)); ctx.Err() != nil {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return false
	case <-c.cfg.NetworkChanged:
		c.cfg.Log.Info("the network has changed: trying again now")
	case slept := <-c.cfg.Woken:
		c.cfg.Log.Info("this machine was suspended: trying again now", "suspended", slept)
	}
	return true
}

// pauseWhatever waits before the next attempt, and there is no news that would end that.
func (c *Client) pauseWhatever(ctx context.Context, d time.Duration) (news bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}

// anew forgets what an earlier Run has seen.
func (c *Client) anew() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.everUp, c.since = false, time.Time{}
	c.trying = status.Client{}
}

// wasUp is how long the tunnel has been up in the attempt that is over, and whether it has been up
// in any.
func (c *Client) wasUp() (lately time.Duration, ever bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.since.IsZero() {
		lately = c.cfg.Now().Sub(c.since)
		c.since = time.Time{}
	}
	return lately, c.everUp
}

// attempt notes for status that another attempt begins.
func (c *Client) attempt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Now()
	limit := dialTimeout
	if c.cfg.ConnectTimeout > 0 {
		limit = min(limit, c.cfg.ConnectTimeout)
	}
	c.trying.State, c.trying.Since, c.trying.NextAttempt = status.Connecting, now, time.Time{}
	c.trying.WaitsFor, c.trying.Until = status.ForServer, now.Add(limit)
	c.trying.Attempts++
}

// waitsFor notes for status what an attempt waits for, and until when at most; zero: nothing here
// limits it.
func (c *Client) waitsFor(what string, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trying.WaitsFor, c.trying.Until = what, until
}

// waiting notes for status that an attempt has ended, and when the next one comes; attempts is how
// many there were since the tunnel was up.
func (c *Client) waiting(reason error, pause time.Duration) (attempts uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Now()
	c.trying.State, c.trying.Since = status.Reconnecting, now
	c.trying.Reason, c.trying.NextAttempt = reason.Error(), now.Add(pause)
	c.trying.WaitsFor, c.trying.Until = status.ForPause, c.trying.NextAttempt
	return c.trying.Attempts
}

// idled notes for status why the tunnel is down, which is nobody's fault.
func (c *Client) idled(reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trying.Reason = reason.Error()
}

// failed is how many attempts in a row have given no tunnel.
func (c *Client) failed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int(c.trying.Attempts)
}
