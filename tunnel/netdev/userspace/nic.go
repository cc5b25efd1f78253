package userspace

import (
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

// nic is the stack's only interface. Its queue is bounded and makes who sends wait, as a
// drop inside one machine would only be sent again; after close it takes nothing more and
// nobody waits. The channel is never closed: the stack's own goroutines may still be on
// their way to it when the device ends.
type nic struct {
	*channel.Endpoint // all of an interface but its queue
	packets           chan []byte
	free              chan []byte // buffers to use again
	closing           chan struct{}
}

// queued is how many packets may wait for the device's reader.
const queued = 2 * batch

func newNIC(mtu int) *nic {
	return &nic{
		Endpoint: channel.New(0, uint32(mtu), ""),
		packets:  make(chan []byte, queued),
		free:     make(chan []byte, queued+batch),
		closing:  make(chan struct{}),
	}
}

// WritePackets takes what the stack sends; the packets stay the stack's.
func (n *nic) WritePackets(packets stack.PacketBufferList) (int, tcpip.Error) {
	for i, p := range packets.AsSlice() {
		buf, ok := n.copied(p)
		if !ok {
			return i, &tcpip.ErrMessageTooLong{}
		}
		if n.closed() {
			return i, &tcpip.ErrClosedForSend{}
		}
		select {
		case n.packets <- buf:
		case <-n.closing:
			return i, &tcpip.ErrClosedForSend{}
		}
	}
	return packets.Len(), nil
}

// copied is a packet in a buffer of our own; false if it is longer than the MTU.
func (n *nic) copied(p *stack.PacketBuffer) ([]byte, bool) {
	if p.Size() > int(n.MTU()) {
		return nil, false
	}
	buf := n.buffer()[:0]
	views, unused := p.AsViewList() // room for headers that were not needed
	for v := views.Front(); v != nil; v = v.Next() {
		part := v.AsSlice()
		skip := min(unused, len(part))
		unused -= skip
		buf = append(buf, part[skip:]...)
	}
	return buf, true
}

// receive hands the stack a packet that came over the tunnel. One that is neither IPv4 nor
// IPv6 is passed over, as a kernel device does.
func (n *nic) receive(packet []byte) {
	protocol := header.IPv4ProtocolNumber
	switch ippkt.Version(packet) {
	case 4:
	case 6:
		protocol = header.IPv6ProtocolNumber
	default:
		return
	}
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(packet)})
	defer p.DecRef()
	n.InjectInbound(protocol, p)
}

func (n *nic) buffer() []byte {
	select {
	case buf := <-n.free:
		return buf[:cap(buf)]
	default:
		return make([]byte, n.MTU())
	}
}

func (n *nic) recycle(buf []byte) {
	select {
	case n.free <- buf:
	default:
	}
}

func (n *nic) closed() bool {
	select {
	case <-n.closing:
		return true
	default:
		return false
	}
}
