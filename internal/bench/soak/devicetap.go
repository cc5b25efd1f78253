package soak

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// deviceTap counts what passes the local devices of one end, one after another, and
// looks at what the tunnel delivers.
type deviceTap struct {
	delivered, accepted *datagramChecker // the datagrams that the tunnel delivers here; those it takes here

	packetsTaken     atomic.Uint64 // packets that the tunnel read
	packetsDelivered atomic.Uint64 // packets that it delivered
	unsound          atomic.Uint64 // of those, with a checksum that is wrong
	sample           atomic.Pointer[string]
}

// tappedDevice is a device whose packets are counted.
type tappedDevice struct {
	netdev.Device
	tap *deviceTap
}

func (d *tappedDevice) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	n, err := d.Device.Read(bufs, sizes, offset)
	for i := range n {
		d.tap.accepted.packet(bufs[i][offset:][:sizes[i]])
	}
	d.tap.packetsTaken.Add(uint64(n))
	return n, err
}

// Write looks before the device does, which may join packets.
func (d *tappedDevice) Write(bufs [][]byte, offset int) (int, error) {
	for _, b := range bufs {
		ip := b[offset:]
		if err := checkSums(ip); err != nil {
			d.tap.unsound.Add(1)
			text := err.Error()
			d.tap.sample.Store(&text)
			continue
		}
		d.tap.delivered.packet(ip)
	}
	d.tap.packetsDelivered.Add(uint64(len(bufs)))
	return d.Device.Write(bufs, offset)
}

const (
	protocolTCP = 6
	protocolUDP = 17
)

// checkSums verifies the checksums of an IPv4 packet (RFC 791, RFC 9293, RFC 768).
func checkSums(ip []byte) error {
	if len(ip) < 20 || ip[0]>>4 != 4 {
		return fmt.Errorf("%d bytes that are no IPv4 packet", len(ip))
	}
	header := int(ip[0]&15) * 4
	if header < 20 || header > len(ip) || int(binary.BigEndian.Uint16(ip[2:])) != len(ip) {
		return fmt.Errorf("lengths: header %d, total %d, packet %d", header, binary.BigEndian.Uint16(ip[2:]), len(ip))
	}
	if s := fold(sumOf(0, ip[:header])); s != 0xFFFF {
		return fmt.Errorf("IP header checksum is off by %04x", ^s)
	}
	body := ip[header:]
	// Only the first fragment has a transport header, and only a whole packet all that its sum is
	// over.
	fragment := binary.BigEndian.Uint16(ip[6:])&0x3FFF != 0
	switch {
	case fragment, ip[9] != protocolTCP && ip[9] != protocolUDP, ip[9] == protocolUDP && len(body) >= 8 && binary.BigEndian.Uint16(body[6:]) == 0:
		return nil
	}
	pseudo := sumOf(uint64(ip[9])+uint64(len(body)), ip[12:20])
	if s := fold(sumOf(pseudo, body)); s != 0xFFFF {
		return fmt.Errorf("checksum of protocol %d is off by %04x, %d bytes", ip[9], ^s, len(body))
	}
	return nil
}

// sumOf adds 16-bit words to a sum (RFC 1071), four at a time.
func sumOf(sum uint64, p []byte) uint64 {
	for ; len(p) >= 8; p = p[8:] {
		w := binary.BigEndian.Uint64(p)
		sum += w>>48 + w>>32&0xFFFF + w>>16&0xFFFF + w&0xFFFF
	}
	for ; len(p) >= 2; p = p[2:] {
		sum += uint64(binary.BigEndian.Uint16(p))
	}
	if len(p) == 1 {
		sum += uint64(p[0]) << 8
	}
	return sum
}

func fold(sum uint64) uint16 {
	for sum > 0xFFFF {
		sum = sum>>16 + sum&0xFFFF
	}
	return uint16(sum)
}
