package gre

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
)

// Packet is one GRE packet on its way through a Conn.
type Packet struct {
	// Addr is the peer: where a packet came from, or goes to. IPv4.
	Addr netip.Addr
	// Buf is the memory a packet is received into; the caller gives it, and owns it again after
	// ReadBatch. It must also hold the IP header (20 to 60 bytes): 2048 is enough for any PPTP
	// packet.
	Buf []byte
	// Data is the GRE header and payload. ReadBatch sets it to a part of Buf; WriteBatch sends it.
	Data []byte
}

// Conn moves GRE packets in batches. All methods may be called from several goroutines at once;
// neither direction allocates per packet.
type Conn interface {
	// ReadBatch waits for at least one packet, fills pkts from the front and returns how many there
	// are. Buffers may be exchanged among pkts, none is lost. After Close the error is
	// net.ErrClosed. Where there are several Readers it is the first of them.
	ReadBatch(pkts []Packet) (n int, err error)
	// WriteBatch sends pkts and returns how many the system took. What a system refuses (no buffer,
	// no route, too long, filtered, ...) is lost as on any network: counted in Stats, and the rest
	// of the batch goes on. The error is net.ErrClosed after Close, otherwise nil.
	WriteBatch(pkts []Packet) (n int, err error)
	// LocalAddr is the address given to Listen.
	LocalAddr() netip.Addr
	Stats() Stats
	// Close ends blocked calls.
	Close() error
}

// Options of Listen. The zero value is good.
type Options struct {
	// Peer, if valid, is the only address from which packets are accepted.
	Peer netip.Addr
	// RecvBuffer is the size of the receive buffer in bytes; 0 means DefaultBuffer. The system may
	// grant less without CAP_NET_ADMIN.
	RecvBuffer int
	// SendBuffer is the same of the send buffer.
	SendBuffer int
	// Frames is how many packets an AF_XDP socket has room for, a power of two; 0: 2,048.
	Frames int
	// Readers is how many sockets share the packets that come, each with a reader of its own (see
	// Readers); 0 and 1: one. At most MaxReaders, and one where the system cannot have more.
	Readers int
	// IO says how a Sender's packets may go. WriteBatch always goes by the raw socket.
	IO Mode
	// RawWhy is why IO is ModeRaw, for Sender.Status; empty: it was asked for.
	RawWhy string
	// Carry, if not nil, is given a function that has what is sent leave by the interface with an
	// index, whatever other routes there are; 0: by the routes alone. Nothing else changes: neither
	// the source address nor what is received. Who follows the way to the peer calls it now and
	// whenever that leads by another interface; Close calls release. On systems other than Linux
	// nothing is called.
	Carry func(leaveBy func(ifindex int) error) (release func())
	// Mark is the firewall mark of what is sent (SO_MARK in socket(7)); 0: none. It takes Linux and
	// CAP_NET_ADMIN.
	Mark uint32
	// Log hears of ways that fail; nil: slog.Default.
	Log *slog.Logger
}

func (o Options) logger() *slog.Logger {
	if o.Log == nil {
		return slog.Default()
	}
	return o.Log
}

// DefaultBuffer is the size in bytes asked for each socket buffer: some thousands of full packets.
const DefaultBuffer = 4 << 20

// maxReadErrors is the number of socket errors in a row that ReadBatch survives.
const maxReadErrors = 64

var errNoBuffer = errors.New("gre: a packet given to ReadBatch has no buffer")

// Stats counts what passed a Conn, in packets unless the name says bytes.
type Stats struct {
	Received, ReceivedBytes uint64 // handed to the caller; bytes of GRE header and payload
	Malformed               uint64 // unsound IP header or length
	Truncated               uint64 // longer than the buffer given for it
	Foreign                 uint64 // not from Options.Peer
	Overflowed              uint64 // lost because the receive buffer was full
	ReadErrors              uint64 // errors of the socket that a read survived

	Sent, SentBytes uint64 // taken by the system
	NoBuffers       uint64 // ENOBUFS: the interface's queue is full
	TooBig          uint64 // EMSGSIZE
	Refused         uint64 // ECONNREFUSED: an ICMP protocol unreachable came for an earlier packet
	Unreachable     uint64 // EHOSTUNREACH, ENETUNREACH, ENETDOWN
	Forbidden       uint64 // EPERM, EACCES: a local firewall
	BadAddress      uint64 // the packet's Addr is not IPv4
	OtherErrors     uint64
}

// SendErrors is the number of packets that were not sent, for whatever reason.
func (s Stats) SendErrors() uint64 {
	return s.NoBuffers + s.TooBig + s.Refused + s.Unreachable + s.Forbidden + s.BadAddress + s.OtherErrors
}

// addReceived adds what another socket has received.
func (s *Stats) addReceived(o Stats) {
	s.Received += o.Received
	s.ReceivedBytes += o.ReceivedBytes
	s.Malformed += o.Malformed
	s.Truncated += o.Truncated
	s.Foreign += o.Foreign
	s.Overflowed += o.Overflowed
	s.ReadErrors += o.ReadErrors
}

// counters is Stats while it is being counted.
type counters struct {
	received, receivedBytes, malformed, truncated, foreign, overflowed, readErrors atomic.Uint64

	sent, sentBytes                                                             atomic.Uint64
	noBuffers, tooBig, refused, unreachable, forbidden, badAddress, otherErrors atomic.Uint64
}

func (c *counters) snapshot() Stats {
	return Stats{
		Received: c.received.Load(), ReceivedBytes: c.receivedBytes.Load(),
		Malformed: c.malformed.Load(), Truncated: c.truncated.Load(), Foreign: c.foreign.Load(),
		Overflowed: c.overflowed.Load(), ReadErrors: c.readErrors.Load(),
		Sent: c.sent.Load(), SentBytes: c.sentBytes.Load(),
		NoBuffers: c.noBuffers.Load(), TooBig: c.tooBig.Load(), Refused: c.refused.Load(),
		Unreachable: c.unreachable.Load(), Forbidden: c.forbidden.Load(), BadAddress: c.badAddress.Load(),
		OtherErrors: c.otherErrors.Load(),
	}
}

// sendError counts a packet that the system refused.
func (c *counters) sendError(errno syscall.Errno) {
	switch errno {
	case syscall.ENOBUFS, syscall.ENOMEM:
		c.noBuffers.Add(1)
	case syscall.EMSGSIZE:
		c.tooBig.Add(1)
	case syscall.ECONNREFUSED:
		c.refused.Add(1)
	case syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN:
		c.unreachable.Add(1)
	case syscall.EPERM, syscall.EACCES:
		c.forbidden.Add(1)
	default:
		c.otherErrors.Add(1)
	}
}

// checkAddresses judges what Listen was given and returns both as plain IPv4.
func checkAddresses(local, peer netip.Addr) (netip.Addr, netip.Addr, error) {
	local, peer = local.Unmap(), peer.Unmap()
	if !local.Is4() {
		return local, peer, fmt.Errorf("gre: local address %s is not IPv4: PPTP runs over IPv4 only", local)
	}
	if peer.IsValid() && !peer.Is4() {
		return local, peer, fmt.Errorf("gre: peer address %s is not IPv4: PPTP runs over IPv4 only", peer)
	}
	return local, peer, nil
}

// checkReaders judges Options.Readers.
func checkReaders(n int) error {
	if n < 0 || n > MaxReaders {
		return fmt.Errorf("gre: %d readers: must be 1 to %d, or 0 for one", n, MaxReaders)
	}
	return nil
}

// openError names the address, the reason and the remedy of a raw socket that could not be opened.
func openError(local netip.Addr, err error) error {
	reason := err
	var errno syscall.Errno
	if errors.As(err, &errno) {
		reason = errno
	}
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("gre: raw socket on %s: %w: needs CAP_NET_RAW (run as root, or setcap cap_net_raw,cap_net_admin+ep arc4)", local, reason)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("gre: raw socket on %s: %w: no interface of this machine has that address", local, reason)
	}
	return fmt.Errorf("gre: raw socket on %s: %w", local, reason)
}
