package proxy

import (
	"bufio"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/arc4tun/arc4tun/internal/socks5"
)

// longestRead is what is read ahead of a client that has not said yet what it wants, in bytes.
const longestRead = 4096

// serve finds out what a client speaks.
func (s *Server) serve(c *conn, p Protocols) {
	r := bufio.NewReaderSize(c, longestRead)
	first, err := r.Peek(1)
	switch {
	case err != nil:
		c.on.malformed.Add(1)
	case first[0] == socks5.Version && p.SOCKS5:
		s.serveSOCKS(c, r)
	case p.HTTP:
		s.serveHTTP(c, r)
	default:
		c.on.malformed.Add(1)
	}
}

func (s *Server) serveSOCKS(c *conn, r *bufio.Reader) {
	if !s.socksLogin(c, r) {
		return
	}
	request, err := socks5.ReadRequest(r)
	switch {
	case errors.Is(err, socks5.ErrAddressType):
		s.reply(c, socks5.AddressTypeNotSupported)
	case errors.Is(err, socks5.ErrMalformed):
		s.reply(c, socks5.GeneralFailure)
	}
	if err != nil {
		c.on.malformed.Add(1)
		return
	}
	if !s.agreed(c) {
		return
	}
	switch request.Command {
	case socks5.Connect:
		s.socksConnect(c, r, request.Address)
	case socks5.UDPAssociate:
		s.associate(c, r, request.Address)
	default:
		s.reply(c, socks5.CommandNotSupported)
	}
}

// reply answers without an address.
func (s *Server) reply(c *conn, reply socks5.Reply) bool {
	_ = c.SetWriteDeadline(time.Now().Add(s.limits.Handshake))
	_, err := c.Write(socks5.AppendReply(nil, reply, netip.AddrPort{}))
	_ = c.SetWriteDeadline(time.Time{})
	return err == nil
}

// socksLogin agrees on a method, and has the client log in.
func (s *Server) socksLogin(c *conn, r *bufio.Reader) bool {
	offered, err := socks5.ReadMethods(r)
	if err != nil {
		c.on.malformed.Add(1)
		return false
	}
	method := socks5.NoneAcceptable
	switch {
	case !s.login.wanted && slices.Contains(offered, socks5.NoAuthentication):
		method = socks5.NoAuthentication
	case slices.Contains(offered, socks5.UserPassword):
		method = socks5.UserPassword // of clients that offer nothing else, too, whatever they say
	}
	if _, err := c.Write(socks5.AppendMethod(nil, method)); err != nil {
		return false
	}
	switch method {
	case socks5.NoneAcceptable:
		s.unauthorized(c)
		return false
	case socks5.NoAuthentication:
		return true
	}
	user, password, err := socks5.ReadUserPassword(r)
	if err != nil {
		c.on.malformed.Add(1)
		return false
	}
	ok := s.login.admits(user, password)
	if !ok {
		s.unauthorized(c)
	}
	_, err = c.Write(socks5.AppendAuthStatus(nil, ok))
	return ok && err == nil
}

// wrongFor is how long a client waits that has not the right password: nobody tries many.
const wrongFor = time.Second

// unauthorized counts a client that may not, and has it wait, in the time that it has for its
// handshake.
func (s *Server) unauthorized(c *conn) {
	c.on.unauthorized.Add(1)
	host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	s.complain.say("somebody without the right user and password was refused by the proxy", "address", host)
	select {
	case <-time.After(wrongFor):
	case <-s.ctx.Done():
	}
}

func (s *Server) socksConnect(c *conn, r *bufio.Reader, to socks5.Address) {
	far, err := s.dial(to.String(), s.network.DialContext)
	if err != nil {
		s.failed(c, to.String(), err)
		reply, _ := reason(err)
		s.reply(c, reply)
		return
	}
	if !s.reply(c, socks5.Succeeded) {
		far.Close()
		return
	}
	s.relay(c.Conn, rest(r, c), far, far, &c.on.in, &c.on.out)
}
