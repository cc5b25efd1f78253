package session

import (
	"time"

	"github.com/arc4tun/arc4tun/internal/serial"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// control takes a PPP control frame, from its address or protocol field on.
func (in *inbound) control(now time.Time, seq uint32, frame []byte) {
	if !in.ctl.isNear(seq) && !in.data.isWithin(seq, FrameNear) {
		// While data has its own proof (it decrypts), a far control frame is not believed, not
		// even before the first data, unless it has a proof too; without that it may be the first
		// of a stream that has moved.
		switch {
		case in.isEcho(seq, frame):
			in.ctl.last = seq
		case in.stateless || in.ctl.judge(seq) == disbelieved:
			in.stats.Disbelieved++
			in.trace.far(frame, seq, in.ctl.last)
			return
		}
	}
	if in.seen.repeated(seq, frame) {
		in.stats.RepeatedFrames++
		in.trace.dropped(frame, "it came before")
		return
	}
	in.ctl.follow(seq)
	if in.data.started && in.data.isNear(seq) {
		in.win.Mark(seq, in.deliverFn)
	}
	if in.mayAcknowledge(now, seq, frame) {
		in.believed = append(in.believed, seq)
	}
	in.stats.Frames++
	in.queue(frame)
}

// mayAcknowledge reports whether the number of a control frame is acknowledged. Once data has come
// that is what proves a number, and a frame ahead of it must prove itself: as an echo of the
// peer's, and no further ahead than the frames of the time since the last data can have led.
func (in *inbound) mayAcknowledge(now time.Time, seq uint32, frame []byte) bool {
	ahead := serial.Diff(seq, in.data.last)
	if !in.data.started || ahead <= 0 {
		return true
	}
	return in.isPeersEcho(frame) && time.Duration(ahead) <= stride*(1+now.Sub(in.dataAt)/time.Second)
}

// isEcho reports whether a frame is an echo that can follow an outage: further on, and of the
// peer's. Without it a session that is idle after an outage would stay deaf.
func (in *inbound) isEcho(seq uint32, frame []byte) bool {
	return in.isPeersEcho(frame) && serial.Diff(seq, in.ctl.last) > 0
}

// isPeersEcho reports whether a frame is an echo with what only the peer knows, and who has seen it
// on the wire: its magic number, or, for some peers fill in another one than was agreed on, what
// our own Echo-Requests have in them.
func (in *inbound) isPeersEcho(frame []byte) bool {
	if magic, ok := ppp.EchoMagic(frame); ok && magic != 0 && magic == in.magic {
		return true
	}
	nonce, ok := ppp.EchoNonce(frame)
	return ok && nonce != 0 && nonce == in.nonce
}

// frameQueue is how many control frames may wait for the session's goroutine.
const frameQueue = 64

// queue gives a control frame to the session's goroutine.
func (in *inbound) queue(frame []byte) {
	// Nobody else puts frames into the queue, so there is room when it has some.
	if len(in.frames) == cap(in.frames) {
		in.stats.Overrun++
		in.trace.dropped(frame, "frames come faster than they can be answered")
		return
	}
	in.trace.frame(false, frame) // before there can be an answer
	in.frames <- append([]byte(nil), frame...)
}
