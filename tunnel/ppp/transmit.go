package ppp

import "time"

// The link is the carrier of its automata.

// automatonFor makes an automaton of the link.
func (l *Link) automatonFor(proto uint16, of layer) automaton {
	return automaton{
		proto: proto,
		layer: of,
		via:   l,
		lim: limits{
			restart:      l.cfg.RestartTimer,
			terminate:    min(terminateTimer, l.cfg.RestartTimer),
			maxConfigure: maxConfigure,
			maxTerminate: maxTerminate,
			maxFails:     maxFailure,
		},
	}
}

func (l *Link) clock() time.Time { return l.now }
func (l *Link) mayReject() bool  { return l.rejects.take(l.now) }
func (l *Link) peerMRU() int     { return l.lcp.his.mru }
func (l *Link) counters() *Stats { return &l.stats }

// transmit sends a packet of a control protocol. Only the address and control
// fields can be left out: no control protocol has a one-byte number.
func (l *Link) transmit(proto uint16, code, id byte, data []byte) {
	if l.reason != nil && proto != ProtoLCP {
		return // on the way down only LCP speaks
	}
	acfc := l.lcp.state == stOpened && l.lcp.his.acfc
	frame := AppendHeader(make([]byte, 0, 8+len(data)), proto, false, acfc)
	head := len(frame)
	frame = appendPacket(frame, code, id, data)
	l.sentOf(proto).add(frame[head:])
	l.stats.FramesOut++
	l.out.pushFrame(frame)
}
