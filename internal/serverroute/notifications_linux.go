package serverroute

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// topic is one kind of change that the kernel tells of, to a channel that is closed when the
// subscription has ended, as it does when more has changed than its buffer holds (ENOBUFS).
type topic func(f *Follower, where *netns.NsHandle, done <-chan struct{}) (closed <-chan struct{}, err error)

// topics are all that a path rests on. Routes are many on a router, and most lead elsewhere; the
// others are few.
var topics = []topic{routeNews, linkNews, addressNews}

func routeNews(f *Follower, where *netns.NsHandle, done <-chan struct{}) (<-chan struct{}, error) {
	news := make(chan netlink.RouteUpdate, 64)
	err := netlink.RouteSubscribeWithOptions(news, done, netlink.RouteSubscribeOptions{Namespace: where, ErrorCallback: f.deaf})
	return listen(f, news, err, func(u netlink.RouteUpdate) bool { return f.concerns(&u.Route) })
}

func linkNews(f *Follower, where *netns.NsHandle, done <-chan struct{}) (<-chan struct{}, error) {
	news := make(chan netlink.LinkUpdate, 64)
	err := netlink.LinkSubscribeWithOptions(news, done, netlink.LinkSubscribeOptions{Namespace: where, ErrorCallback: f.deaf})
	return listen(f, news, err, func(netlink.LinkUpdate) bool { return true })
}

func addressNews(f *Follower, where *netns.NsHandle, done <-chan struct{}) (<-chan struct{}, error) {
	news := make(chan netlink.AddrUpdate, 64)
	err := netlink.AddrSubscribeWithOptions(news, done, netlink.AddrSubscribeOptions{Namespace: where, ErrorCallback: f.deaf})
	return listen(f, news, err, func(u netlink.AddrUpdate) bool { return u.LinkAddress.IP.To4() != nil })
}

// listen has the follower look after news that concern it.
func listen[News any](f *Follower, news <-chan News, err error, concerns func(News) bool) (<-chan struct{}, error) {
	if err != nil {
		return nil, err
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		for n := range news {
			if concerns(n) {
				f.poke()
			}
		}
	}()
	return closed, nil
}

// concerns reports whether a route that came or went may be the server's.
func (f *Follower) concerns(r *netlink.Route) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Dst == nil {
		return true // the default route
	}
	if r.Dst.IP.To4() == nil {
		return false
	}
	return !f.server.IsValid() || r.Dst.Contains(f.server.AsSlice())
}

// deaf hears of a subscription's errors: it goes on, or ends and is made anew.
func (f *Follower) deaf(err error) {
	select {
	case <-f.done:
	default:
		f.log.Debug("news of routes, links and addresses", "error", err)
		f.poke()
	}
}

// poke has the follower look.
func (f *Follower) poke() {
	select {
	case f.kick <- struct{}{}:
	default:
	}
}

// subscribe makes a subscription in the follower's network namespace. To enter another takes
// CAP_SYS_ADMIN, so it is entered only if this thread is not there.
func (f *Follower) subscribe(to topic, done <-chan struct{}) (<-chan struct{}, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	here, err := namespace()
	if err != nil {
		return nil, err
	}
	defer here.Close()
	if here.Equal(f.where) {
		return to(f, nil, done)
	}
	return to(f, &f.where, done)
}

// again is how long a subscription that has ended waits until it is made anew.
const again = 100 * time.Millisecond

// hear keeps a subscription until the follower is closed. first is closed when it has been made, or
// cannot be: then the regular look has to do until it can.
func (f *Follower) hear(subscribe topic, first chan<- struct{}) {
	defer f.ended.Done()
	for level := slog.LevelWarn; ; {
		stop := make(chan struct{})
		closed, err := f.subscribe(subscribe, stop)
		if err != nil {
			f.log.Log(context.Background(), level, "no news of routes, links or addresses: they are looked at now and then", "every", f.every, "error", err)
			level = slog.LevelDebug // once is enough
		}
		if first != nil {
			close(first)
			first = nil
		}
		f.poke() // what has changed in between is in no news
		select {
		case <-f.done:
			close(stop)
			if err == nil {
				<-closed
			}
			return
		case <-closed: // never, after an error
		case <-f.after(err):
		}
		close(stop)
		select {
		case <-f.done:
			return
		case <-time.After(again):
		}
	}
}

// after is when to try again what has failed; never if it has not.
func (f *Follower) after(err error) <-chan time.Time {
	if err == nil {
		return nil
	}
	return time.After(f.every)
}
