package serverroute

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// groups tell of all that a path rests on.
var groups = []uint{unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV6_RULE}

// concerns reports whether a change may be one of the path. Routes are many on a router, and most
// lead elsewhere; links and addresses are few.
func (f *Follower) concerns(n rtnetlink.Notification) bool {
	if n.Type != unix.RTM_NEWROUTE && n.Type != unix.RTM_DELROUTE {
		return true
	}
	r, err := n.Route()
	if err != nil {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.server.IsValid() || r.Dst.Contains(f.server)
}

// poke has the follower look.
func (f *Follower) poke() {
	select {
	case f.kick <- struct{}{}:
	default:
	}
}

// subscribe subscribes in the follower's network namespace; nil, and a line in the log: it cannot
// be done. To enter another takes CAP_SYS_ADMIN, so it is entered only if this thread is not there.
func (f *Follower) subscribe() *rtnetlink.Subscription {
	news, err := f.subscribeThere()
	if err != nil {
		level := slog.LevelWarn
		if f.deaf {
			level = slog.LevelDebug // once is enough
		}
		f.log.Log(context.Background(), level, "no news of routes, links or addresses: they are looked at now and then", "every", f.every, "error", err)
	}
	f.deaf = err != nil
	return news
}

func (f *Follower) subscribeThere() (*rtnetlink.Subscription, error) {
	runtime.LockOSThread()
	here, err := rtnetlink.ThisNamespace()
	if err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	defer here.Close()
	if !here.Equal(f.where) {
		if err := f.where.Enter(); err != nil {
			runtime.UnlockOSThread()
			return nil, err
		}
		defer func() {
			if here.Enter() == nil {
				runtime.UnlockOSThread() // else the thread ends with its goroutine
			}
		}()
	} else {
		defer runtime.UnlockOSThread()
	}
	return rtnetlink.Subscribe(groups...)
}

// again is how long a subscription that has ended waits until it is made anew.
const again = 100 * time.Millisecond

// hear listens until the follower is closed. A subscription that has ended is made anew, and while
// there is none the regular look has to do. News that were lost may have been anything.
func (f *Follower) hear(news *rtnetlink.Subscription) {
	for {
		pause := f.every
		if news != nil {
			pause = again
			f.listen(news)
		}
		select {
		case <-f.done:
			return
		case <-time.After(pause):
		}
		news = f.subscribe()
		f.poke() // what has changed in between is in no news
	}
}

// listen pokes the follower at news that concern it, until it is closed or the subscription ends.
func (f *Follower) listen(news *rtnetlink.Subscription) {
	ended := make(chan struct{})
	defer close(ended)
	f.ended.Go(func() {
		select {
		case <-f.done:
		case <-ended:
		}
		news.Close()
	})
	err := news.Listen(func(n rtnetlink.Notification) {
		if f.concerns(n) {
			f.poke()
		}
	}, func(err error) {
		f.log.Debug("news of routes, links and addresses were lost", "error", err)
		f.poke()
	})
	select {
	case <-f.done:
	default:
		f.log.Debug("news of routes, links and addresses have ended", "error", err)
	}
}
