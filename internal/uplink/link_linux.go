package uplink

import (
	"fmt"
	"strings"
	"time"
)

// link is an interface with the transmitter that is in use on it.
type link struct {
	index int
	name  string
	tx    transmitter // nil: none
	way   Mode        // tx's

	tries  [Raw]backoff // by way
	reason [Raw]string  // why it could not be opened, or failed, the last time
	said   [Raw]string  // the reason that was logged

	proven      bool   // some path's packets have arrived by it
	undelivered int    // paths whose packets have not
	barred      string // enough have not, and none has
	pause       backoff
	idle        int // looks since a path has used tx
}

// maxUndelivered paths that nothing came back for, and none that something did, make others not try
// a link.
const maxUndelivered = 3

// opener makes the transmitter of a way.
type opener func(way Mode, link int) (transmitter, error)

// transmitters gives an opener, with so many frames for AF_XDP at most.
func transmitters(frames int) opener {
	return func(way Mode, link int) (transmitter, error) { return openTransmitter(way, link, frames) }
}

func openTransmitter(way Mode, link, frames int) (transmitter, error) {
	if way == XSK {
		x, err := openXSK(link, frames)
		if err != nil {
			return nil, err
		}
		return x, nil
	}
	a, err := openPacket(link)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// choose opens the best of the ways that can be had now, and keeps what is open if nothing better
// can. It returns the transmitter that it has replaced, which is to be closed when no path uses it.
func (l *link) choose(now time.Time, ways []Mode, open opener) (old transmitter) {
	for _, way := range ways {
		if l.tx != nil && l.way == way {
			return nil
		}
		if !l.tries[way].allows(now) {
			continue
		}
		tx, err := open(way, l.index)
		if err != nil {
			l.failed(now, way, err)
			continue
		}
		l.reason[way] = ""
		old, l.tx, l.way = l.tx, tx, way
		return old
	}
	return nil
}

// due reports whether a way that is better than what is open may be tried again.
func (l *link) due(now time.Time, ways []Mode) bool {
	for _, way := range ways {
		if l.tx != nil && l.way == way {
			return false
		}
		if l.reason[way] != "" && l.tries[way].allows(now) {
			return true
		}
	}
	return false
}

// failed notes why a way does not work at the moment.
func (l *link) failed(now time.Time, way Mode, err error) {
	l.tries[way].failed(now)
	l.reason[way] = err.Error()
}

// noteUndelivered notes that nothing came back for a path, and why others are not to try the link
// if that were enough.
func (l *link) noteUndelivered(now time.Time, why string) {
	if l.undelivered++; !l.proven && l.undelivered >= maxUndelivered {
		l.barred = why
		l.pause.banned(now)
	}
}

// isBarred reports whether no path is to try the link. When the pause is over, one may.
func (l *link) isBarred(now time.Time) bool {
	if l.barred != "" && !l.proven && !l.pause.allows(now) {
		return true
	}
	if l.barred != "" {
		l.barred, l.undelivered = "", maxUndelivered-1
	}
	return false
}

// drop closes the transmitter because of an error of its own.
func (l *link) drop(now time.Time, err error) {
	l.failed(now, l.way, err)
	l.shut()
}

func (l *link) shut() {
	if l.tx != nil {
		l.tx.close()
		l.tx = nil
	}
}

// unsaid gives a reason that has not been logged, and takes it as logged.
func (l *link) unsaid(ways []Mode) string {
	var parts []string
	for _, way := range ways {
		if r := l.reason[way]; r != "" && r != l.said[way] {
			parts = append(parts, fmt.Sprintf("%v: %s", way, r))
		}
		l.said[way] = l.reason[way]
	}
	return strings.Join(parts, "; ")
}

// reasons says why none of the ways is open.
func (l *link) reasons(ways []Mode) string {
	var parts []string
	for _, way := range ways {
		if l.reason[way] != "" {
			parts = append(parts, fmt.Sprintf("%v on %s: %s", way, l.name, l.reason[way]))
		}
	}
	return strings.Join(parts, "; ")
}

// describe says how packets go by the link, for status.
func (l *link) describe(nextHop string) string {
	s := l.name
	if note := l.tx.note(); note != "" {
		s += " " + note
	}
	return s + ", next hop " + nextHop
}
