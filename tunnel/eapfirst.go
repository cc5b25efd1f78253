package tunnel

import (
	"context"
	"slices"

	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// call makes one call and works it until it ends, and calls again where the server had asked for
// EAP and has nothing that is preferred to it. It is not taken at once, for Windows asks for EAP
// first by itself and may mean a type of it that is not spoken here, after which it hangs up; pppd,
// asked for another method, forgets that it wanted EAP. What works is tried first the next time.
func (c *Client) call(ctx context.Context) error {
	first := c.eapFirst
	err := c.onceForEAP(ctx)
	if first || !c.askedEAP || ctx.Err() != nil {
		return err
	}
	c.cfg.Log.Info("the server wants to authenticate by EAP and by nothing else: calling again for that", "server", c.cfg.Server)
	c.eapFirst = true
	c.pauseWhatever(ctx, firstBackoff) // pptpd is not ready at once
	return c.onceForEAP(ctx)
}

// onceForEAP makes one call, and forgets that EAP comes first if that was of no use.
func (c *Client) onceForEAP(ctx context.Context) error {
	c.askedEAP, c.loggedIn = false, false
	err := c.once(ctx)
	c.eapFirst = c.eapFirst && c.loggedIn
	return err
}

// eapInFront is the methods, with EAP before all others.
func eapInFront(methods []ppp.AuthMethod) []ppp.AuthMethod {
	rest := slices.DeleteFunc(slices.Clone(methods), func(m ppp.AuthMethod) bool { return m == ppp.EAPMSCHAPv2 })
	if len(methods) == 0 {
		rest = []ppp.AuthMethod{ppp.MSCHAPv2}
	}
	return append([]ppp.AuthMethod{ppp.EAPMSCHAPv2}, rest...)
}
