package proxy

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// forward connects a client to a fixed address.
func (s *Server) forward(c *conn, to string, dial func(context.Context, string, string) (net.Conn, error)) {
	if !s.agreed(c) {
		return
	}
	far, err := s.dial(to, dial)
	if err != nil {
		s.failed(c, to, err)
		return
	}
	in, out := &c.on.in, &c.on.out
	if c.on.isReverse() {
		in, out = out, in
	}
	s.relay(c.Conn, c.Conn, far, far, in, out)
}

func (s *Server) dial(to string, dial func(context.Context, string, string) (net.Conn, error)) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.limits.Dial)
	defer cancel()
	return dial(ctx, "tcp", to)
}

// relay carries bytes both ways until both ends are done, or one fails, and closes both. What is
// said by near is read from fromNear, and by far from fromFar; in counts what goes to near.
func (s *Server) relay(near net.Conn, fromNear io.Reader, far net.Conn, fromFar io.Reader, in, out *atomic.Uint64) {
	defer far.Close()
	defer near.Close()
	ended := make(chan bool, 2) // whether the other way may go on
	var passed atomic.Uint64    // bytes of this connection; in and out have those of others, too
	go func() { ended <- s.carry(far, fromNear, out, &passed) && closeWrite(far) }()
	go func() { ended <- s.carry(near, fromFar, in, &passed) && closeWrite(near) }()
	for goesOn := <-ended; goesOn; {
		before := passed.Load()
		select {
		case <-ended:
			return
		case <-s.ctx.Done():
			goesOn = false
		case <-time.After(s.limits.HalfOpen):
			goesOn = passed.Load() != before
		}
	}
	near.Close()
	far.Close()
	<-ended
}

// carry copies until the end, and reports whether that is what came. A connection that is silent
// holds a small buffer, a busy one a large one.
func (s *Server) carry(to io.Writer, from io.Reader, count, passed *atomic.Uint64) bool {
	small := make([]byte, 2048)
	buf := small
	var large *[]byte
	defer func() {
		if large != nil {
			s.buffers.Put(large)
		}
	}()
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return false
			}
			count.Add(uint64(n))
			passed.Add(uint64(n))
		}
		switch {
		case err != nil:
			return err == io.EOF
		case n == len(small) && large == nil:
			large = s.buffers.Get().(*[]byte)
			buf = *large
		case n < len(small) && large != nil:
			s.buffers.Put(large)
			large, buf = nil, small
		}
	}
}

// closeWrite tells the other end that no more comes, where that can be told without closing.
func closeWrite(c net.Conn) bool {
	half, can := c.(interface{ CloseWrite() error })
	return can && half.CloseWrite() == nil
}

// rest is what a buffered reader has read ahead, and then the connection that it reads from.
func rest(b *bufio.Reader, c net.Conn) io.Reader {
	n := b.Buffered()
	if n == 0 {
		return c
	}
	ahead, _ := b.Peek(n)
	return io.MultiReader(bytes.NewReader(bytes.Clone(ahead)), c)
}
