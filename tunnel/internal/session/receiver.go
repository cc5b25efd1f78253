package session

import (
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// Receiver reads the GRE packets of one address of ours for all sessions on it, in as many
// socketReaders as the connection has readers.
type Receiver struct {
	conn    gre.Conn
	readers []*socketReader // by gre.ReaderOf
}

// NewReceiver makes a receiver; strays, its owner's, counts packets for no session of ours.
func NewReceiver(conn gre.Conn, now func() time.Time, strays *atomic.Uint64, sizes memory.Sizes) *Receiver {
	r := &Receiver{conn: conn}
	for _, reader := range gre.Readers(conn) {
		r.readers = append(r.readers, &socketReader{reader: reader, now: now, strays: strays, sizes: sizes, sessions: make(map[callKey]*Session)})
	}
	return r
}

// of gives the reader that has the packets with a call ID.
func (r *Receiver) of(id uint16) *socketReader { return r.readers[gre.ReaderOf(id, len(r.readers))] }

// Conn is the connection that it reads.
func (r *Receiver) Conn() gre.Conn { return r.conn }

// Await has packets kept that come before the first session does, until that is added or EndWait is
// called.
func (r *Receiver) Await() {
	for _, s := range r.readers {
		s.await = true
	}
}

// EndWait counts the packets that were kept for a session that does not come.
func (r *Receiver) EndWait() {
	for _, s := range r.readers {
		s.endWait()
	}
}

// Add lets s have its packets, those that came early first.
func (r *Receiver) Add(s *Session) {
	r.of(s.callID).add(s)
	r.EndWait()
}

// Remove takes s off, which has had its last packet when remove returns.
func (r *Receiver) Remove(s *Session) { r.of(s.callID).remove(callKey{s.peer, s.callID}) }

// Run reads until the connection is closed, which the first reader that fails does.
func (r *Receiver) Run() error {
	errs := make(chan error, len(r.readers))
	for _, s := range r.readers[1:] {
		go func() { errs <- r.read(s) }()
	}
	errs <- r.read(r.readers[0])
	var first error
	for range r.readers {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}

func (r *Receiver) read(s *socketReader) error {
	err := s.run()
	if err != nil {
		r.conn.Close()
	}
	return err
}
