package gre

import (
	"cmp"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// portableConn is a Conn by the means of package net alone: one packet a system call, and one
// allocation for each received. It serves systems that have neither recvmmsg nor Linux's socket
// options.
type portableConn struct {
	ip    *net.IPConn
	local netip.Addr
	peer  netip.Addr // invalid: anyone
	count counters
	close sync.Once
	err   error
}

func listenPortable(local netip.Addr, opts Options) (Conn, error) {
	local, peer, err := checkAddresses(local, opts.Peer)
	if err != nil {
		return nil, err
	}
	pc, err := net.ListenPacket("ip4:47", local.String())
	if err != nil {
		return nil, openError(local, err)
	}
	c := &portableConn{ip: pc.(*net.IPConn), local: local, peer: peer}
	// A smaller buffer than asked for costs packets, not correctness.
	_ = c.ip.SetReadBuffer(cmp.Or(opts.RecvBuffer, DefaultBuffer))
	_ = c.ip.SetWriteBuffer(DefaultBuffer)
	return c, nil
}

func (c *portableConn) LocalAddr() netip.Addr { return c.local }
func (c *portableConn) Stats() Stats          { return c.count.snapshot() }

func (c *portableConn) Close() error {
	c.close.Do(func() { c.err = c.ip.Close() })
	return c.err
}

func (c *portableConn) ReadBatch(pkts []Packet) (int, error) {
	if len(pkts) == 0 {
		return 0, nil
	}
	p := &pkts[0]
	if len(p.Buf) == 0 {
		return 0, errNoBuffer
	}
	for failures := 0; ; {
		n, from, err := c.ip.ReadFromIP(p.Buf)
		if errors.Is(err, net.ErrClosed) {
			return 0, net.ErrClosed
		}
		if err != nil {
			c.count.readErrors.Add(1)
			if failures++; failures > maxReadErrors {
				return 0, err
			}
			continue
		}
		failures = 0
		addr, ok := netip.AddrFromSlice(from.IP)
		addr = addr.Unmap()
		switch {
		case !ok || n == 0:
			c.count.malformed.Add(1)
		case c.peer.IsValid() && addr != c.peer:
			c.count.foreign.Add(1)
		default:
			p.Addr, p.Data = addr, p.Buf[:n]
			c.count.received.Add(1)
			c.count.receivedBytes.Add(uint64(n))
			return 1, nil
		}
	}
}

func (c *portableConn) WriteBatch(pkts []Packet) (int, error) {
	sent := 0
	for i := range pkts {
		addr := pkts[i].Addr.Unmap()
		if !addr.Is4() || len(pkts[i].Data) == 0 {
			c.count.badAddress.Add(1)
			continue
		}
		n, err := c.ip.WriteToIP(pkts[i].Data, &net.IPAddr{IP: addr.AsSlice()})
		if errors.Is(err, net.ErrClosed) {
			return sent, net.ErrClosed
		}
		if err != nil {
			var errno syscall.Errno
			errors.As(err, &errno)
			c.count.sendError(errno)
			continue
		}
		sent++
		c.count.sent.Add(1)
		c.count.sentBytes.Add(uint64(n))
	}
	return sent, nil
}
