package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/netns"
	"github.com/arc4tun/arc4tun/internal/uplink"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// bareGRE sends GRE packets from the near end to the far one, with nothing in them and nothing done
// to them.
type bareGRE struct {
	*pair
	from, to gre.Conn
	sender   gre.Sender
	way      string
	next     uint32
	packets  atomic.Uint64 // that arrived
	bytes    atomic.Uint64 // of their payload
	reading  sync.WaitGroup
}

const (
	greBatch  = 64
	greCallID = 7
	// shortBatch is the number of packets that are too few for a read; a pause lets more come.
	shortBatch = 32
	pause      = 50 * time.Microsecond
)

func newBareGRE(way string) (runningCandidate, error) {
	mode, err := uplink.ParseMode(way)
	if err != nil {
		return nil, err
	}
	p, err := newPair()
	if err != nil {
		return nil, err
	}
	s := &bareGRE{pair: p, way: way}
	near, far := netip.MustParseAddr(nearOuter), netip.MustParseAddr(farOuter)
	err = p.near.Do(func() (err error) { s.from, err = gre.Listen(near, gre.Options{Peer: far, IO: mode}); return err })
	if err == nil {
		err = p.far.Do(func() (err error) {
			s.to, err = gre.Listen(far, gre.Options{Peer: near, IO: uplink.Raw})
			return err
		})
	}
	if err != nil {
		s.close()
		return nil, err
	}
	s.sender = gre.NewSender(s.from, far)
	s.sender.Established()
	s.reading.Go(s.countAndAcknowledge)
	s.reading.Go(s.readAcknowledgments)
	if err := s.warmUp(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *bareGRE) close() {
	if s.from != nil {
		_ = s.from.Close()
	}
	if s.to != nil {
		_ = s.to.Close()
	}
	s.reading.Wait()
	s.pair.close()
}

// warmUp sends until the way is in use.
func (s *bareGRE) warmUp() error {
	for range 1000 {
		if err := s.batch(make([][]byte, 0, 1), 1, 100); err != nil {
			return err
		}
		if s.sender.Status().Way == s.way {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("packets go by %s: %s", s.sender.Status().Way, s.sender.Status().Why)
}

// countAndAcknowledge counts, and acknowledges each batch.
func (s *bareGRE) countAndAcknowledge() {
	pkts := packets(128)
	ack := []gre.Packet{{Data: make([]byte, gre.AckOnlyLen)}}
	for {
		n, err := s.to.ReadBatch(pkts)
		if err != nil {
			return
		}
		size, last := 0, uint32(0)
		for _, p := range pkts[:n] {
			if h, payload, err := gre.Parse(p.Data); err == nil {
				size += len(payload)
				last = h.Seq
			}
		}
		s.packets.Add(uint64(n))
		s.bytes.Add(uint64(size))
		gre.AckOnly(greCallID, last).Put(ack[0].Data)
		ack[0].Addr = pkts[0].Addr
		if _, err := s.to.WriteBatch(ack); err != nil {
			return
		}
		if n < shortBatch {
			ts := unix.NsecToTimespec(int64(pause))
			_ = unix.Nanosleep(&ts, nil)
		}
	}
}

// readAcknowledgments hears the acknowledgments.
func (s *bareGRE) readAcknowledgments() {
	pkts := packets(128)
	for {
		n, err := s.from.ReadBatch(pkts)
		if err != nil {
			return
		}
		for _, p := range pkts[:n] {
			if h, _, err := gre.Parse(p.Data); err == nil && h.HasAck {
				s.sender.Acknowledged(h.Ack)
			}
		}
	}
}

func packets(n int) []gre.Packet {
	all := make([]gre.Packet, n)
	for i := range all {
		all[i].Buf = make([]byte, 2048)
	}
	return all
}

// batch sends n packets, which out has room for, with payloads of a size.
func (s *bareGRE) batch(out [][]byte, n, size int) error {
	for i := range n {
		h := gre.Header{CallID: greCallID, PayloadLen: uint16(size), HasSeq: true, Seq: s.next, HasAck: i == 0}
		s.next++
		out = append(out, append(h.AppendTo(nil), make([]byte, size)...))
	}
	_, err := s.sender.Send(out)
	return err
}

func (s *bareGRE) pinged() (*netns.Host, string) { return s.near, farOuter }

// bulk counts as data what a tunnel with that MTU would carry of TCP: less headers of 52 bytes.
func (s *bareGRE) bulk(ctx context.Context, d time.Duration) (flow, error) {
	f, err := s.flood(ctx, d, tunnelMTU)
	f.bytes *= float64(tunnelMTU-52) / tunnelMTU
	return f, err
}

func (s *bareGRE) small(ctx context.Context, d time.Duration) (flow, error) {
	return s.flood(ctx, d, 64)
}

// flood sends for a time.
func (s *bareGRE) flood(ctx context.Context, d time.Duration, size int) (flow, error) {
	var out [greBatch][]byte
	for i := range out {
		h := gre.Header{CallID: greCallID, PayloadLen: uint16(size), HasSeq: true, HasAck: i == 0}
		out[i] = append(h.AppendTo(nil), make([]byte, size)...)
	}
	packets, bytes, began := s.packets.Load(), s.bytes.Load(), time.Now()
	for time.Since(began) < d {
		for i := range out {
			binary.BigEndian.PutUint32(out[i][gre.MinHeader:], s.next)
			s.next++
		}
		if _, err := s.sender.Send(out[:]); err != nil {
			return flow{}, err
		}
		if ctx.Err() != nil {
			return flow{}, ctx.Err()
		}
	}
	f := flow{
		seconds: time.Since(began).Seconds(),
		packets: float64(s.packets.Load() - packets), bytes: float64(s.bytes.Load() - bytes),
	}
	if now := s.sender.Status(); now.Way != s.way {
		return f, errors.New("packets went by " + now.Way + ": " + now.Why)
	}
	return f, nil
}
