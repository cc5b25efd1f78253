package capture

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

// Conn gives a control connection that does all that tcp does, and is captured: the handshake that
// has been, what is read and written, and the end, as TCP segments. Only what is not known of them
// is made up: numbers begin with 0, and nothing is sent twice.
func (c *Capture) Conn(tcp net.Conn) net.Conn {
	local, err1 := netip.ParseAddrPort(tcp.LocalAddr().String())
	peer, err2 := netip.ParseAddrPort(tcp.RemoteAddr().String())
	local, peer = unmapped(local), unmapped(peer)
	if err1 != nil || err2 != nil || !local.Addr().Is4() || !peer.Addr().Is4() {
		return tcp // no connection that PPTP can have
	}
	t := &tcpConn{Conn: tcp, c: c, ends: [2]netip.AddrPort{local, peer}}
	t.segment(ours, ippkt.FlagSYN, nil)
	t.segment(theirs, ippkt.FlagSYN|ippkt.FlagACK, nil)
	t.segment(ours, ippkt.FlagACK, nil)
	return t
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// The sides of a connection.
const (
	ours = iota
	theirs
)

// maxSegment is how much goes into one segment.
const maxSegment = 1448

type tcpConn struct {
	net.Conn
	c    *Capture
	ends [2]netip.AddrPort // by side

	mu    sync.Mutex
	seq   [2]uint32 // the next number of each side
	ended [2]bool
}

func (t *tcpConn) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	if n > 0 {
		t.data(theirs, b[:n])
	}
	switch {
	case errors.Is(err, io.EOF):
		t.segment(theirs, ippkt.FlagFIN|ippkt.FlagACK, nil)
	case err != nil && !errors.Is(err, net.ErrClosed):
		t.segment(theirs, ippkt.FlagRST|ippkt.FlagACK, nil)
	}
	return n, err
}

func (t *tcpConn) Write(b []byte) (int, error) {
	t.data(ours, b) // before the answer can come
	return t.Conn.Write(b)
}

func (t *tcpConn) Close() error {
	t.segment(ours, ippkt.FlagFIN|ippkt.FlagACK, nil)
	return t.Conn.Close()
}

func (t *tcpConn) data(side int, b []byte) {
	for len(b) > 0 {
		n := min(len(b), maxSegment)
		t.segment(side, ippkt.FlagPSH|ippkt.FlagACK, b[:n])
		b = b[n:]
	}
}

// segment captures one, and counts on. After its end a side says nothing.
func (t *tcpConn) segment(side int, flags byte, data []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended[side] {
		return
	}
	var header [ippkt.IPv4Len + ippkt.TCPLen]byte
	from, to := t.ends[side], t.ends[1-side]
	putIPv4(header[:ippkt.IPv4Len], from.Addr(), to.Addr(), ippkt.TCP, ippkt.TCPLen+len(data))
	tcp := header[ippkt.IPv4Len:]
	binary.BigEndian.PutUint16(tcp, from.Port())
	binary.BigEndian.PutUint16(tcp[2:], to.Port())
	binary.BigEndian.PutUint32(tcp[4:], t.seq[side])
	if flags&ippkt.FlagACK != 0 {
		binary.BigEndian.PutUint32(tcp[8:], t.seq[1-side])
	}
	tcp[12], tcp[13] = ippkt.TCPLen/4<<4, flags
	binary.BigEndian.PutUint16(tcp[14:], 0xFFFF) // window
	sum := ippkt.Sum(ippkt.TCP+uint32(ippkt.TCPLen+len(data)), header[12:ippkt.IPv4Len])
	sum = ippkt.Sum(sum, tcp)
	binary.BigEndian.PutUint16(tcp[16:], ^ippkt.Fold(ippkt.Sum(sum, data)))
	t.c.add(onControl, side == ours, t.c.cfg.now(), header[:], data)
	t.seq[side] += uint32(len(data))
	if flags&(ippkt.FlagSYN|ippkt.FlagFIN) != 0 {
		t.seq[side]++
	}
	t.ended[side] = flags&(ippkt.FlagFIN|ippkt.FlagRST) != 0
}

// putIPv4 writes a header as one that was never fragmented, and of which no more is known.
func putIPv4(b []byte, from, to netip.Addr, protocol byte, carried int) {
	ippkt.IPv4Header{From: from, To: to, Protocol: protocol, Fragment: ippkt.DontFragment}.Put(b, carried)
}
