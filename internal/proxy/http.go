package proxy

import (
	"bufio"
	"errors"
	"io"
	"net"
	"time"

	"github.com/arc4tun/arc4tun/internal/httpproxy"
)

func (s *Server) serveHTTP(c *conn, r *bufio.Reader) {
	head, err := readHead(r)
	if err != nil {
		c.on.malformed.Add(1)
		if errors.Is(err, errLongHead) {
			s.answer(c, 431, "the head of the request is too long")
		}
		return
	}
	request, err := httpproxy.Parse(head)
	var wrong *httpproxy.Error
	if err == nil || errors.As(err, &wrong) {
		// Nobody hears what is wrong with a request who may not make one.
		if s.login.wanted && !(request.Authorized && s.login.admits(request.User, request.Password)) {
			if request.Authorized {
				s.unauthorized(c)
			} else {
				c.on.unauthorized.Add(1) // curl and browsers ask so what they need
			}
			s.answer(c, 407, "user and password are needed")
			return
		}
	}
	if err != nil {
		c.on.malformed.Add(1)
		s.answer(c, wrong.Code, wrong.Text)
		return
	}
	if !s.agreed(c) {
		return
	}
	far, err := s.dial(request.Address, s.network.DialContext)
	if err != nil {
		s.failed(c, request.Address, err)
		_, code := reason(err)
		s.answer(c, code, request.Address+" is not reached through the tunnel: "+oneLine(err))
		return
	}
	if request.Connect() {
		if _, err := c.Write(httpproxy.Established()); err != nil {
			far.Close()
			return
		}
		s.relay(c.Conn, rest(r, c), far, far, &c.on.in, &c.on.out)
		return
	}
	s.passOn(c, r, request, far)
}

// passOn carries one request and its answer.
func (s *Server) passOn(c *conn, r *bufio.Reader, request httpproxy.Request, far net.Conn) {
	_ = far.SetWriteDeadline(time.Now().Add(s.limits.Dial))
	_, err := far.Write(request.Head)
	_ = far.SetWriteDeadline(time.Time{})
	if err != nil {
		far.Close()
		s.answer(c, 502, "the connection to "+request.Address+" has failed")
		return
	}
	c.on.out.Add(uint64(len(request.Head)))
	from := rest(r, c)
	if request.Body != httpproxy.UntilEnd {
		from = &bodyReader{from, request.Body}
	}
	s.relay(c.Conn, from, far, &answerReader{conn: far}, &c.on.in, &c.on.out)
}

// answer ends a connection with a message of the proxy's own.
func (s *Server) answer(c *conn, code int, text string) {
	_ = c.SetDeadline(time.Now().Add(s.limits.Handshake))
	if _, err := c.Write(httpproxy.Answer(code, text)); err != nil || !closeWrite(c.Conn) {
		return
	}
	// What is not read when a socket is closed makes the kernel reset it: the answer would be lost.
	_, _ = io.CopyN(io.Discard, c, httpproxy.MaxHead)
}

var errLongHead = errors.New("a head that is too long")

// longestEnd is the longest that ends a head, in bytes.
const longestEnd = len("\r\n\r\n")

// readHead reads the head of a message, with the empty line that ends it.
func readHead(r *bufio.Reader) ([]byte, error) {
	var head []byte
	for {
		line, err := r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if head = append(head, line...); len(head) > httpproxy.MaxHead {
			return nil, errLongHead
		}
		// No line before this one has ended it: to look at all of them again for each would be much
		// work for little that is said.
		if end := head[max(0, len(head)-longestEnd):]; httpproxy.HeadEnd(end) == len(end) {
			return head, nil
		}
	}
}

// bodyReader gives the body of one request. What a client says after it is of another, which it is
// told not to make, and only shows when the client ends.
type bodyReader struct {
	from io.Reader
	left int64
}

func (b *bodyReader) Read(p []byte) (int, error) {
	for {
		n, err := b.from.Read(p)
		body := int(min(int64(n), b.left))
		b.left -= int64(body)
		if body > 0 || err != nil {
			return body, err
		}
	}
}

// answerReader gives what a server says, with its head as the client is to have it.
type answerReader struct {
	conn  net.Conn
	from  *bufio.Reader
	ready []byte // of heads
	final bool
}

func (a *answerReader) Read(p []byte) (int, error) {
	if len(a.ready) == 0 && !a.final {
		if a.from == nil {
			a.from = bufio.NewReaderSize(a.conn, longestRead)
		}
		head, err := readHead(a.from)
		if err != nil {
			return 0, err
		}
		if a.ready, a.final, err = httpproxy.Response(head); err != nil {
			return 0, err
		}
	}
	switch {
	case len(a.ready) > 0:
		n := copy(p, a.ready)
		a.ready = a.ready[n:]
		return n, nil
	case a.from.Buffered() > 0:
		return a.from.Read(p)
	}
	return a.conn.Read(p)
}

// oneLine is an error's text in one line, for a message in plain text.
func oneLine(err error) string {
	b := []byte(err.Error())
	for i, c := range b {
		if c < ' ' || c == 0x7F {
			b[i] = ' '
		}
	}
	return string(b)
}
