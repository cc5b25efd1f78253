package session

import (
	"sync"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// acknowledgments are those of the packets that came (RFC 2637 section 4.1), which ride on those
// that leave: both ways have them.
type acknowledgments struct {
	mu    sync.Mutex
	acker gre.Acker
}

// received notes sequence numbers that are to be acknowledged.
func (a *acknowledgments) received(now time.Time, numbers []uint32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, seq := range numbers {
		a.acker.Received(now, seq)
	}
}

// piggyback gives the acknowledgment that is due to ride on the next packet, if any.
func (a *acknowledgments) piggyback() (ack uint32, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.acker.Piggyback()
}

// due gives the acknowledgment that can wait for no packet any more, if any.
func (a *acknowledgments) due(now time.Time) (ack uint32, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.acker.Due(now)
}

// deadline is when due will have one.
func (a *acknowledgments) deadline() (at time.Time, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.acker.Deadline()
}
