package tunnel

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/control"
)

// controlMachine is what the state machines of both roles have in common.
type controlMachine interface {
	Input(now time.Time, data []byte)
	Output() []byte
	Events() []control.Event
	Tick(now time.Time)
	Deadline() (time.Time, bool)
	Shutdown(now time.Time)
	Lost(now time.Time, cause error)
}

// controlLink joins the state machine of a control connection to its TCP connection. Everything but
// the reading of TCP happens on the goroutine that owns it.
type controlLink struct {
	machine  controlMachine
	tcp      net.Conn
	now      func() time.Time
	received chan []byte // from TCP; closed at its end
	readErr  error       // why, once received is closed
	done     chan struct{}
	close    sync.Once
	hurried  atomic.Bool
	lost     bool // a write has failed, and the machine has something to say about it
}

const (
	// shutdownTime bounds a write and the teardown of a control connection whose peer is there.
	shutdownTime = 3 * time.Second
	// shortShutdown bounds the teardown where somebody waits for it, or nobody may be there.
	shortShutdown = 300 * time.Millisecond
	// stopTimeout is how long a peer that we leave may take for each of its answers on the control
	// connection.
	stopTimeout = time.Second
)

// moment bounds a write to a peer that is being got rid of.
const moment = 50 * time.Millisecond

func newControlLink(m controlMachine, tcp net.Conn, now func() time.Time) *controlLink {
	l := &controlLink{machine: m, tcp: tcp, now: now, received: make(chan []byte, 16), done: make(chan struct{})}
	go l.read()
	return l
}

// read hands what comes to the owner until that is done.
func (l *controlLink) read() {
	defer close(l.received)
	buf := make([]byte, 1024)
	for {
		n, err := l.tcp.Read(buf)
		if n > 0 {
			select {
			case l.received <- append([]byte(nil), buf[:n]...):
			case <-l.done:
				return
			}
		}
		if err != nil {
			l.readErr = err
			return
		}
	}
}

// write sends what the state machine has to say. A peer that does not read for so long is gone: the
// machine is told, once it has had what the peer said last, which is often why.
func (l *controlLink) write() {
	out := l.machine.Output()
	if len(out) == 0 {
		return
	}
	timeout := shutdownTime
	if l.hurried.Load() {
		timeout = moment
	}
	err := l.tcp.SetWriteDeadline(time.Now().Add(timeout))
	if timeout != moment && l.hurried.Load() {
		l.hurry() // its deadline has just been overwritten
	}
	if err == nil {
		_, err = l.tcp.Write(out)
	}
	if err == nil {
		return
	}
	l.lost = true // the owner has events to take
	rest := shortShutdown
	if l.hurried.Load() {
		rest = 0
	}
	last := time.After(rest)
	for {
		select {
		case data, ok := <-l.received:
			l.input(data, ok)
			if ok {
				continue
			}
		case <-last:
			l.machine.Lost(l.now(), err)
		}
		return
	}
}

// input gives the machine what came from TCP, or the connection's end.
func (l *controlLink) input(data []byte, ok bool) {
	if !ok {
		l.received = nil
		l.machine.Lost(l.now(), l.readErr)
		return
	}
	l.machine.Input(l.now(), data)
}

// hurry gives what is being written, and what is yet to be, a moment alone: the peer may not read.
// It may be called from any goroutine.
func (l *controlLink) hurry() {
	l.hurried.Store(true)
	_ = l.tcp.SetWriteDeadline(time.Now().Add(moment)) // fails when it is closed, which is as good
}

// wait is how long the owner may sleep.
func (l *controlLink) wait(now time.Time) time.Duration {
	at, ok := l.machine.Deadline()
	if l.lost {
		return 0
	}
	if !ok {
		return time.Hour
	}
	return max(0, at.Sub(now))
}

// shutdown ends the connection in order: the call, then the connection (RFC 2637 sections 2.12 and
// 2.3), unless it is cut short. What the machine still reports goes to note.
func (l *controlLink) shutdown(limit time.Duration, cut *abandonment, note func(control.Event)) {
	l.machine.Shutdown(l.now())
	timer := time.After(limit)
	for {
		l.write()
		for _, e := range l.machine.Events() {
			note(e)
			if _, closed := e.(control.Closed); closed {
				l.write()
				return
			}
		}
		select {
		case data, ok := <-l.received:
			l.input(data, ok)
		case <-timer:
			return
		case <-cut.now:
			return
		}
	}
}

// end closes the TCP connection and lets the reader go.
func (l *controlLink) end() {
	l.close.Do(func() {
		close(l.done)
		l.tcp.Close()
	})
}
