package soak

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/lab"
)

// streamPeriod is a prime, so that a piece that is lost, doubled or moved shows at once, whatever
// its length is in.
const streamPeriod = 65521

// streamBlock is what every stream repeats.
var streamBlock = func() []byte {
	block := make([]byte, 2*streamPeriod)
	_, _ = rand.NewChaCha8([32]byte{'s', 't', 'r', 'e', 'a', 'm'}).Read(block[:streamPeriod]) // never fails
	copy(block[streamPeriod:], block)
	return block
}()

// streamChunk is what one write or read moves at most.
const streamChunk = 16 << 10

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// streams are the TCP connections of a scene, one in each direction. The client opens all of them,
// as behind a NAT.
type streams struct {
	client   lab.Host
	port     *trafficSockets // of the server
	received [2]atomic.Uint64

	mu   sync.Mutex
	open map[uint64]*stream
	next uint64
}

// stream is a connection with what its ends have counted.
type stream struct {
	id       uint64
	upload   bool
	rate     int // bytes a second; 0: what goes through
	received *atomic.Uint64

	stop    atomic.Bool // the sender comes to an end
	ends    [2]half     // sender, receiver
	mu      sync.Mutex
	conns   []net.Conn
	aborted bool
}

// half is what one end of a stream knows.
type half struct {
	begun bool // under the stream's lock
	done  chan struct{}
	bytes uint64
	sum   uint32
	err   error
}

func newStreams(client lab.Host, server *trafficSockets) *streams {
	return &streams{client: client, port: server, open: map[uint64]*stream{}}
}

// streamHeader is what a client sends first: the stream's number, and nothing else.
const streamHeader = 8

// start opens a stream.
func (t *streams) start(ctx context.Context, upload bool, rate int) (*stream, error) {
	t.mu.Lock()
	t.next++
	s := &stream{id: t.next, upload: upload, rate: rate, received: &t.received[0]}
	if upload {
		s.received = &t.received[1]
	}
	for i := range s.ends {
		s.ends[i].done = make(chan struct{})
	}
	t.open[s.id] = s
	t.mu.Unlock()
	c, err := t.client.Dial(ctx, lab.Tunnel, t.port.tcpAddress())
	if err == nil {
		_, err = c.Write(binary.BigEndian.AppendUint64(nil, s.id))
		if err != nil {
			resetConn(c)
		}
	}
	if err != nil {
		t.forget(s)
		return nil, fmt.Errorf("opening a stream: %w", err)
	}
	go s.work(c, upload)
	return s, nil
}

// accept takes a connection at the server.
func (t *streams) accept(c net.Conn) {
	var head [streamHeader]byte
	_ = c.SetReadDeadline(time.Now().Add(recoveryTimeout))
	if _, err := io.ReadFull(c, head[:]); err != nil {
		resetConn(c)
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	t.mu.Lock()
	s := t.open[binary.BigEndian.Uint64(head[:])]
	t.mu.Unlock()
	if s == nil {
		resetConn(c)
		return
	}
	go s.work(c, !s.upload)
}

func (t *streams) forget(s *stream) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, s.id)
}

// work is one end of a stream.
func (s *stream) work(c net.Conn, sends bool) {
	defer c.Close()
	i := 1
	if sends {
		i = 0
	}
	h := &s.ends[i]
	s.mu.Lock()
	if s.aborted {
		s.mu.Unlock()
		resetConn(c)
		return
	}
	s.conns = append(s.conns, c)
	h.begun = true
	s.mu.Unlock()
	defer close(h.done)
	if sends {
		h.err = s.send(c, h)
		return
	}
	h.err = s.receive(c, h)
}

// pace is how often a sender with a rate sends.
const pace = 20 * time.Millisecond

// send sends until the stream is to stop, at least once, and waits for the receiver to have it all.
func (s *stream) send(c net.Conn, h *half) error {
	for first := true; first || !s.stop.Load(); first = false {
		size := streamChunk
		if s.rate > 0 {
			size = min(size, max(1, int(int64(s.rate)*int64(pace)/int64(time.Second))))
			time.Sleep(pace)
		}
		n, err := c.Write(streamBlock[h.bytes%streamPeriod:][:size])
		h.sum = crc32.Update(h.sum, castagnoli, streamBlock[h.bytes%streamPeriod:][:n])
		h.bytes += uint64(n)
		if err != nil {
			return err
		}
	}
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return err
	}
	if n, err := io.Copy(io.Discard, c); n > 0 || err != nil {
		return fmt.Errorf("%d bytes came back: %w", n, err)
	}
	return nil
}

// receive takes what comes until the sender's end, and compares it with what must come.
func (s *stream) receive(c net.Conn, h *half) error {
	buf := make([]byte, streamChunk)
	for {
		n, err := c.Read(buf)
		if !bytes.Equal(buf[:n], streamBlock[h.bytes%streamPeriod:][:n]) {
			return fmt.Errorf("%w: other bytes than those that were sent, within %d bytes after byte %d", errAltered, n, h.bytes)
		}
		h.sum = crc32.Update(h.sum, castagnoli, buf[:n])
		h.bytes += uint64(n)
		s.received.Add(uint64(n))
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// errAltered is what no network may do to TCP.
var errAltered = errors.New("the stream is altered")

// finish ends a stream in order and compares its ends. One whose connection may have been lost
// needs not arrive.
func (t *streams) finish(s *stream, mayBeLost bool) error {
	defer t.forget(s)
	s.stop.Store(true)
	if mayBeLost {
		s.abort()
	}
	late := time.NewTimer(recoveryTimeout)
	defer late.Stop()
	var waited error
	for i := range s.ends {
		select {
		case <-s.ends[i].done:
		case <-late.C:
			waited = fmt.Errorf("%v: not at its end %v after the link was good again", s, recoveryTimeout)
			s.abort()
		}
	}
	if waited != nil {
		<-s.ends[0].done
		<-s.ends[1].done
		return waited
	}
	from, to := &s.ends[0], &s.ends[1]
	switch {
	case mayBeLost && !errors.Is(to.err, errAltered):
		return nil
	case from.err != nil || to.err != nil:
		return fmt.Errorf("%v: sender %v, receiver %v", s, from.err, to.err)
	case from.bytes != to.bytes || from.sum != to.sum:
		return fmt.Errorf("%v: %d bytes with checksum %08x were sent, %d with %08x came", s, from.bytes, from.sum, to.bytes, to.sum)
	}
	return nil
}

// abort ends both connections at once. An end that has not begun by then never does.
func (s *stream) abort() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aborted {
		return
	}
	s.aborted = true
	for _, c := range s.conns {
		resetConn(c)
	}
	for i := range s.ends {
		if h := &s.ends[i]; !h.begun {
			h.err = errors.New("never began")
			close(h.done)
		}
	}
}

func (s *stream) String() string {
	if s.upload {
		return "upload stream"
	}
	return "download stream"
}
