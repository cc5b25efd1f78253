// Package probe walks to a PPTP server as a client does, one step after the other, as far as it
// gets, and notes what it finds for package diagnosis. It makes no device and no routes: all it
// opens is the control connection, raw sockets for GRE and one that counts packets.
package probe

import (
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"time"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/diagnosis"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// Options of Run.
type Options struct {
	Server         string // HOST:PORT
	User, Password string // User is empty: nobody logs in
	Auth           []ppp.AuthMethod
	MPPE           ppp.MPPEPolicy
	MTU            int           // the largest IP packet in the tunnel, bytes
	Echoes         int           // how many measure the path
	Limit          time.Duration // from the beginning until the measuring; 0: each step has its own

	// Begun is told of each step that is about to be taken, Judged of what became of it.
	Begun  func(diagnosis.Step)
	Judged func(diagnosis.Verdict)
}

// errSlow is why the context of a walk ends that takes longer than Options.Limit.
var errSlow = errors.New("the time is up")

// walk is one run.
type walk struct {
	Options
	facts  diagnosis.Facts
	began  time.Time
	server netip.AddrPort
}

// Run goes through the steps until one fails, all are taken or ctx ends, and gives what is known.
func Run(ctx context.Context, o Options) *diagnosis.Facts {
	w := &walk{Options: o, began: time.Now()}
	w.facts.Policy = diagnosis.Policy{Login: o.User != "", Auth: o.Auth, MPPE: o.MPPE, MTU: o.MTU}
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var timer *time.Timer
	if o.Limit > 0 {
		timer = time.AfterFunc(o.Limit, func() { cancel(errSlow) })
		defer timer.Stop()
	}
	if !w.step(limited, diagnosis.Name, w.lookUp) || !w.step(limited, diagnosis.RouteTo, w.askRoute) {
		return &w.facts
	}
	c := &call{walk: w, ctx: limited, limit: timer}
	defer c.close()
	if w.step(limited, diagnosis.Port, c.connect) {
		c.walkOn()
	}
	return &w.facts
}

// step takes one, and reports whether the next makes sense. What was interrupted is not judged.
func (w *walk) step(ctx context.Context, s diagnosis.Step, take func(context.Context)) bool {
	w.Begun(s)
	take(ctx)
	return w.judge(ctx, s)
}

func (w *walk) judge(ctx context.Context, s diagnosis.Step) bool {
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errSlow) {
		return false
	}
	v := diagnosis.Judge(s, &w.facts)
	w.Judged(v)
	return v.State != diagnosis.Fail
}

// link makes the PPP link of the walk; who does not log in needs a name all the same.
func (w *walk) link(send func([]byte), event func(ppp.Event), forbidden netip.Addr) (*ppp.Link, error) {
	user := w.User
	if user == "" {
		user = "check"
	}
	return ppp.New(ppp.Config{
		Auth: w.Auth, MPPE: w.MPPE, User: user, Password: w.Password, RequestDNS: true, Forbidden: []netip.Addr{forbidden},
		MRU: w.MTU + mppeOverhead, EchoInterval: -1, Rand: rand.Reader, Send: send, Event: event,
	})
}

// mppeOverhead is MPPE's header and the protocol inside, in bytes.
const mppeOverhead = 4
