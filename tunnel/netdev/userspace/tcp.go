package userspace

import (
	"fmt"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// SetWindow gives the TCP connections that are opened or accepted next, a listener's by when
// it began to listen, a largest window in bytes, and a send buffer that fills the same; 0
// gives back the stack's own, which begin at 512 KB and grow with need.
func (s *Stack) SetWindow(bytes int) error {
	// Half of a receive buffer is window, the rest overhead.
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: tcp.MinBufferSize, Default: 2 * bytes, Max: 2 * bytes}
	send := tcpip.TCPSendBufferSizeRangeOption{Min: tcp.MinBufferSize, Default: 2 * bytes, Max: 2 * bytes}
	if bytes == 0 {
		receive.Default, receive.Max = tcp.DefaultReceiveBufferSize, tcp.MaxBufferSize
		send.Default, send.Max = tcp.DefaultSendBufferSize, tcp.MaxBufferSize
	}
	if receive.Default < receive.Min {
		return fmt.Errorf("TCP window of %d bytes: the userspace stack's smallest is %d", bytes, tcp.MinBufferSize/2)
	}
	grows := tcpip.TCPModerateReceiveBufferOption(bytes == 0)
	for _, option := range []tcpip.SettableTransportProtocolOption{&receive, &send, &grows} {
		if err := s.inner.SetTransportProtocolOption(tcp.ProtocolNumber, option); err != nil {
			return fmt.Errorf("TCP window of %d bytes: userspace stack: %v", bytes, err)
		}
	}
	return nil
}

// DefaultCongestion is the congestion control of a stack's TCP that is not told otherwise.
const DefaultCongestion = "reno"

// SetCongestion gives the TCP connections that are opened or accepted next their congestion
// control: reno or cubic.
func (s *Stack) SetCongestion(name string) error {
	option := tcpip.CongestionControlOption(name)
	if err := s.inner.SetTransportProtocolOption(tcp.ProtocolNumber, &option); err != nil {
		return fmt.Errorf("congestion control %q: the userspace stack has reno and cubic", name)
	}
	return nil
}
