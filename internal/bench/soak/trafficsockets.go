package soak

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/arc4tun/arc4tun/internal/lab"
)

// trafficSockets is where the traffic of one end begins and ends: a UDP socket and a TCP listener
// on the end's device. It is opened and closed with the device.
type trafficSockets struct {
	received *datagramChecker // the datagrams that arrive
	accept   func(net.Conn)   // takes a connection

	mu      sync.Mutex // guards what follows
	udp     net.PacketConn
	tcp     net.Listener
	lastUDP net.Addr // of udp, the last one that there was
	lastTCP string   // of tcp, the same
	work    *sync.WaitGroup
}

// open makes the sockets, and takes what comes there until close.
func (p *trafficSockets) open(h lab.Host) error {
	udp, err := h.ListenPackets(lab.Tunnel)
	if err != nil {
		return err
	}
	tcp, err := h.Listen(lab.Tunnel, 0)
	if err != nil {
		return errors.Join(err, udp.Close())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.udp, p.tcp, p.lastUDP, p.lastTCP, p.work = udp, tcp, udp.LocalAddr(), tcp.Addr().String(), new(sync.WaitGroup)
	p.work.Go(func() { p.receiveUDP(udp) })
	p.work.Go(func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			p.accept(c)
		}
	})
	return nil
}

func (p *trafficSockets) receiveUDP(udp net.PacketConn) {
	buf := make([]byte, 2048)
	for {
		n, _, err := udp.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// The socket of a stack that is gone says so in words of its own.
			p.mu.Lock()
			gone := p.udp != udp
			p.mu.Unlock()
			if gone {
				return
			}
			time.Sleep(time.Millisecond)
			continue
		}
		p.received.datagram(buf[:n])
	}
}

// close closes the sockets and waits for those who read them.
func (p *trafficSockets) close() {
	p.mu.Lock()
	udp, tcp, work := p.udp, p.tcp, p.work
	p.udp, p.tcp, p.work = nil, nil, nil
	p.mu.Unlock()
	if udp == nil {
		return
	}
	_ = udp.Close()
	_ = tcp.Close()
	work.Wait()
}

// udpSocket gives the UDP socket, or nil, and the address of the last one.
func (p *trafficSockets) udpSocket() (udp net.PacketConn, to net.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.udp, p.lastUDP
}

// tcpAddress gives the address of the last TCP listener.
func (p *trafficSockets) tcpAddress() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lastTCP
}
