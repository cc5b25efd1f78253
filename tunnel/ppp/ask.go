package ppp

import "time"

// ask is what the owner of a link wants to know of the peer now, and not when the next Echo-Request
// is due.
type ask struct {
	caughtUp echoIDs // Echo-Requests whose answer is CaughtUp
	since    time.Time
	by       time.Time // when the peer must have given a sign of life; zero: it need not
	again    time.Time // when it is asked once more
	why      string    // why it was asked, for people
}

// askAgain is the time between two Echo-Requests of Prove.
const askAgain = time.Second

// Ask sends an Echo-Request. CaughtUp comes when the peer has answered it: it has worked off then
// what was sent before. Neither is certain to happen: links without LCP echoes have none.
func (l *Link) Ask(now time.Time) {
	if !l.mayAsk() {
		return
	}
	defer l.enter(now)()
	l.lcp.askEcho(&l.asks.caughtUp)
}

// Prove ends the link, as one whose peer is gone, if the peer gives no sign of life within a time,
// which why explains: "since this machine woke up". Links without LCP echoes go on.
func (l *Link) Prove(now time.Time, within time.Duration, why string) {
	if !l.mayAsk() {
		return
	}
	defer l.enter(now)()
	l.asks.since, l.asks.by, l.asks.again, l.asks.why = l.now, l.now.Add(within), l.now.Add(askAgain), why
	l.lcp.askEcho(&l.lcp.alive.asked)
}

// mayAsk reports whether an Echo-Request can be sent.
func (l *Link) mayAsk() bool {
	return !l.ended && !l.closing && l.lcp.state == stOpened && l.cfg.EchoInterval > 0 && !l.lcp.alive.refused
}

// proved notes a sign of life.
func (l *Link) proved(at time.Time) {
	if !at.Before(l.asks.since) {
		l.asks.by, l.asks.again = time.Time{}, time.Time{}
	}
}

// expireAsk asks once more, or gives the peer up.
func (l *Link) expireAsk() {
	if l.asks.by.IsZero() || l.now.Before(l.asks.again) {
		return
	}
	if !l.mayAsk() {
		l.asks.by, l.asks.again = time.Time{}, time.Time{}
		return
	}
	if at := l.lastData(); at.After(l.asks.since) {
		l.lcp.lives(at)
		return
	}
	if !l.now.Before(l.asks.by) {
		l.fail(down(ClassTimeout, "the peer is gone: no LCP echo was answered in %s %s", l.asks.by.Sub(l.asks.since), l.asks.why))
		l.asks.by, l.asks.again = time.Time{}, time.Time{}
		return
	}
	l.asks.again = l.now.Add(askAgain)
	if l.asks.by.Before(l.asks.again) {
		l.asks.again = l.asks.by
	}
	l.lcp.askEcho(&l.lcp.alive.asked)
}
