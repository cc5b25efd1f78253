package session

import (
	"time"

	"github.com/arc4tun/arc4tun/mppe"
)

// The life of the way in, on the session's own goroutine.

// lastOf is when the peer last sent data of a family that proved itself, the zero time if never.
func (in *inbound) lastOf(family int) time.Time {
	after := in.lastData[family].Load()
	if after == 0 {
		return time.Time{}
	}
	return in.began.Add(time.Duration(after)) // with began's monotonic reading: clocks are set
}

// install puts keys in place of those there were. From here on nothing is taken in clear.
func (in *inbound) install(dec *mppe.Decrypter, stateless bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.dec != nil {
		in.dec.Wipe()
	}
	in.dec, in.stateless, in.clear = dec, stateless, false
	in.data = belief{reach: in.data.reach}
}

// wipe overwrites the keys for good.
func (in *inbound) wipe() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.over = true
	if in.dec != nil {
		in.dec.Wipe()
	}
}

// open lets IP packets enter.
func (in *inbound) open(o opening) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.opening = o
	in.up = true
}

// shut stops IP packets, and lets go of what the window holds. What comes until it is opened again
// passes the window by.
func (in *inbound) shut() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.up = false
	in.win.Restart(func(p []byte) {
		in.stats.NotUp++
		putBuffer(p)
	})
	in.account()
}

// expire lets go of what has waited long enough in the window.
func (in *inbound) expire(now time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if at, ok := in.win.Deadline(); !ok || now.Before(at) {
		return
	}
	w := deviceWriters.Get().(*deviceWriter)
	defer deviceWriters.Put(w)
	in.writer, w.mostWide = w, in.sizes.WideBuffers
	in.win.Expire(now, in.deliverFn)
	in.account()
	in.acknowledge(now)
	in.flush()
	in.writer = nil
}

// deadline is when expire or catchUp has something to do.
func (in *inbound) deadline() (at time.Time, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	at, ok = in.win.Deadline()
	if in.behind && (!ok || in.turn.Before(at)) {
		return in.turn, true
	}
	return at, ok
}

// waitsForReset reports whether stateful MPPE still waits for a Reset-Ack.
func (in *inbound) waitsForReset() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.dec.NeedReset()
}

// answer writes an ICMP message, at headroom in p, to the device.
func (in *inbound) answer(p []byte) {
	in.mu.Lock()
	dev := in.dev
	in.mu.Unlock()
	if dev == nil {
		return
	}
	if _, err := dev.Write([][]byte{p}, headroom); err != nil {
		in.mu.Lock()
		in.stats.DeviceErrors++
		in.mu.Unlock()
	}
}
