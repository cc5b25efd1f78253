package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// learn waits for a data packet to peer on the interface; if none carries MPPE
// within the time, it takes one that does not.
func learn(iface string, peer netip.Addr, wait time.Duration) (live, error) {
	dev, err := net.InterfaceByName(iface)
	if err != nil {
		return live{}, fmt.Errorf("-iface: %w", err)
	}
	ipv4Protocol := binary.NativeEndian.Uint16([]byte{unix.ETH_P_IP >> 8, unix.ETH_P_IP & 0xff})
	// Only ETH_P_ALL sockets see what this machine sends.
	all := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL & 0xff})
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(all))
	if err != nil {
		return live{}, fmt.Errorf("packet socket (CAP_NET_RAW is needed): %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: dev.Index}); err != nil {
		return live{}, fmt.Errorf("packet socket on %s: %w", iface, err)
	}
	timeout := unix.NsecToTimeval(int64(100 * time.Millisecond))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return live{}, err
	}
	var found live
	seen := false
	buf := make([]byte, 2048)
	for deadline := time.Now().Add(wait); time.Now().Before(deadline); {
		n, from, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
				continue
			}
			return live{}, err
		}
		link, ok := from.(*unix.SockaddrLinklayer)
		if !ok || link.Pkttype != unix.PACKET_OUTGOING || link.Protocol != ipv4Protocol {
			continue
		}
		header := int(buf[0]&0xf) * 4
		if n < 20 || n < header || buf[9] != unix.IPPROTO_GRE || netip.AddrFrom4([4]byte(buf[16:20])) != peer {
			continue
		}
		if l, ok := parseLive(buf[header:n]); ok {
			found, seen = l, true
			if l.mppe {
				return l, nil
			}
		}
	}
	if !seen {
		return live{}, fmt.Errorf("no GRE packet to %s on %s within %v", peer, iface, wait)
	}
	return found, nil
}

// send sends the packets in batches, with a pause after each so that the
// receiver's socket buffer holds them all.
func send(to netip.Addr, packets [][]byte) error {
	raw, err := net.ListenPacket("ip4:gre", "0.0.0.0")
	if err != nil {
		return err
	}
	defer raw.Close()
	conn := ipv4.NewPacketConn(raw)
	addr := &net.IPAddr{IP: to.AsSlice()}
	const batch = 64
	for len(packets) > 0 {
		n := min(batch, len(packets))
		messages := make([]ipv4.Message, n)
		for i := range messages {
			messages[i] = ipv4.Message{Buffers: [][]byte{packets[i]}, Addr: addr}
		}
		for sent := 0; sent < n; {
			m, err := conn.WriteBatch(messages[sent:], 0)
			if err != nil {
				return fmt.Errorf("sending: %w", err)
			}
			sent += m
		}
		packets = packets[n:]
		time.Sleep(2 * time.Millisecond)
	}
	return nil
}
