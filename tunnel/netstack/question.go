package netstack

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Numbers of DNS (RFC 1035 sections 3.2.2 and 4.1.1, RFC 3596 section 2.1).
const (
	typeA          = uint16(dnsmessage.TypeA)
	typeAAAA       = uint16(dnsmessage.TypeAAAA)
	codeNone       = int(dnsmessage.RCodeSuccess)
	codeNoSuchName = int(dnsmessage.RCodeNameError)
)

// codeText is an answer's code in words (RFC 1035 section 4.1.1).
func codeText(code int) string {
	switch dnsmessage.RCode(code) {
	case dnsmessage.RCodeFormatError:
		return "the question is malformed (FORMERR)"
	case dnsmessage.RCodeServerFailure:
		return "it cannot find out (SERVFAIL)"
	case dnsmessage.RCodeNotImplemented:
		return "it does not know such questions (NOTIMP)"
	case dnsmessage.RCodeRefused:
		return "it refuses to look this name up (REFUSED)"
	}
	return "code " + strconv.Itoa(code)
}

// question is one to a name server.
type question struct {
	id     uint16
	asks   dnsmessage.Question
	packed []byte
}

func newQuestion(name string, kind uint16) (question, error) {
	var q question
	var id [2]byte
	_, _ = rand.Read(id[:]) // never fails
	q.id = binary.BigEndian.Uint16(id[:])
	n, err := dnsmessage.NewName(name)
	if err != nil {
		return q, err
	}
	q.asks = dnsmessage.Question{Name: n, Type: dnsmessage.Type(kind), Class: dnsmessage.ClassINET}
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: q.id, RecursionDesired: true}, Questions: []dnsmessage.Question{q.asks}}
	q.packed, err = m.Pack()
	return q, err
}

// answer is what a name server says.
type answer struct {
	addresses []netip.Addr
	code      int
	truncated bool
}

// errNotOurs is an answer to something else, or to nothing.
var errNotOurs = errors.New("not an answer to the question")

// read reads an answer to q. What does not answer it is errNotOurs.
func (q question) read(b []byte) (answer, error) {
	var p dnsmessage.Parser
	head, err := p.Start(b)
	if err != nil || !head.Response || head.ID != q.id {
		return answer{}, errNotOurs
	}
	asked, err := p.Question()
	if err != nil || asked.Type != q.asks.Type || asked.Class != q.asks.Class || !strings.EqualFold(asked.Name.String(), q.asks.Name.String()) {
		return answer{}, errNotOurs
	}
	a := answer{code: int(head.RCode), truncated: head.Truncated}
	if err := p.SkipAllQuestions(); err != nil {
		return answer{}, errNotOurs
	}
	for len(a.addresses) < mostAddresses {
		h, err := p.AnswerHeader()
		if err != nil { // the end, or what is malformed: what came before it counts
			break
		}
		switch {
		case h.Class == dnsmessage.ClassINET && h.Type == dnsmessage.TypeA && q.asks.Type == dnsmessage.TypeA:
			r, err := p.AResource()
			if err != nil {
				return a, nil
			}
			a.addresses = append(a.addresses, netip.AddrFrom4(r.A))
		case h.Class == dnsmessage.ClassINET && h.Type == dnsmessage.TypeAAAA && q.asks.Type == dnsmessage.TypeAAAA:
			r, err := p.AAAAResource()
			if err != nil {
				return a, nil
			}
			a.addresses = append(a.addresses, netip.AddrFrom16(r.AAAA).Unmap())
		default: // the way there: CNAMEs
			if err := p.SkipAnswer(); err != nil {
				return a, nil
			}
		}
	}
	return a, nil
}

// longestAnswer is what an answer by UDP may have without EDNS (RFC 1035 section 4.2.1), and some
// servers do not keep to.
const longestAnswer = 4096

// askByUDP takes the first answer to the question; others may be forged.
func (s *stack) askByUDP(ctx context.Context, server netip.AddrPort, q question) (answer, error) {
	conn, err := s.DialUDP(server)
	if err != nil {
		return answer{}, err
	}
	defer conn.Close()
	defer endWith(ctx, conn)()
	if _, err := conn.Write(q.packed); err != nil {
		return answer{}, err
	}
	b := make([]byte, longestAnswer)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return answer{}, err
		}
		if a, err := q.read(b[:n]); err == nil {
			return a, nil
		}
	}
}

// askByTCP asks for what did not fit into a datagram.
func (s *stack) askByTCP(ctx context.Context, server netip.AddrPort, q question) (answer, error) {
	conn, err := s.DialTCP(ctx, server)
	if err != nil {
		return answer{}, err
	}
	defer conn.Close()
	defer endWith(ctx, conn)()
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(q.packed))), q.packed...)); err != nil {
		return answer{}, err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return answer{}, err
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, b); err != nil {
		return answer{}, err
	}
	a, err := q.read(b)
	a.truncated = false
	return a, err
}

// endWith has what is read and written end with the context, until it is told to stop that.
func endWith(ctx context.Context, conn net.Conn) (stop func()) {
	end := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	return func() { end() }
}
