package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"

	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

// pingEvery is the time between two pings. The ping program burns most of a processor at such a
// rate, for it spins where it would have to wait for less than 10 ms.
const pingEvery = 10 * time.Millisecond

// pinger measures round trips under load by ICMP echoes (RFC 792).
type pinger struct {
	socket *icmp.PacketConn
	to     net.Addr
	id     int

	mu   sync.Mutex
	sent map[int]time.Time // by sequence number, unanswered
	all  []time.Duration
}

// newPinger opens a pinger on a host.
func newPinger(from *netns.Host, to string) (*pinger, error) {
	p := &pinger{to: &net.IPAddr{IP: net.ParseIP(to)}, id: os.Getpid() & 0xFFFF, sent: make(map[int]time.Time)}
	err := from.Do(func() (err error) {
		p.socket, err = icmp.ListenPacket("ip4:icmp", "0.0.0.0")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("socket for pings: %w", err)
	}
	return p, nil
}

// run pings for a time and returns the round trips of those that were answered within it.
func (p *pinger) run(ctx context.Context, d time.Duration) ([]time.Duration, error) {
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		p.readReplies()
	}()
	err := p.sendRequests(ctx, d)
	_ = p.socket.Close()
	<-heard
	return p.all, err
}

func (p *pinger) sendRequests(ctx context.Context, d time.Duration) error {
	tick, over := time.NewTicker(pingEvery), time.After(d)
	defer tick.Stop()
	for seq := 1; ; seq++ {
		m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: p.id, Seq: seq & 0xFFFF, Data: make([]byte, 56)}}
		b, err := m.Marshal(nil)
		if err != nil {
			return err
		}
		p.mu.Lock()
		p.sent[seq&0xFFFF] = time.Now()
		p.mu.Unlock()
		if _, err := p.socket.WriteTo(b, p.to); err != nil {
			return fmt.Errorf("ping: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over:
			return nil
		case <-tick.C:
		}
	}
}

// readReplies notes replies until the socket is closed.
func (p *pinger) readReplies() {
	b := make([]byte, 1500)
	for {
		n, _, err := p.socket.ReadFrom(b)
		if err != nil {
			return
		}
		now := time.Now()
		if n < 8 || b[0] != 0 || int(binary.BigEndian.Uint16(b[4:])) != p.id {
			continue
		}
		seq := int(binary.BigEndian.Uint16(b[6:]))
		p.mu.Lock()
		if at, ok := p.sent[seq]; ok {
			delete(p.sent, seq)
			p.all = append(p.all, now.Sub(at))
		}
		p.mu.Unlock()
	}
}
