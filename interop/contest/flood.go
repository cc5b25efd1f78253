//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

const (
	// smallPacket is what a packet of the flood carries: with the headers of UDP and IPv4 it is 64
	// bytes long.
	smallPacket = 64 - 8 - 20
	// perCall is how many packets one system call sends, because a call that sends one takes the
	// guest longer than a tunnel takes for the packet. They are packets of their own: UDP
	// segmentation offload is refused where a device cannot do checksums, which PPP's cannot.
	perCall = 32
	// fullQueueWait is how long the flood waits where the system has no room for more.
	fullQueueWait = time.Millisecond
)

// flood sends small packets for a time and prints how many it sent.
func flood(to string, d time.Duration) error {
	a, err := netip.ParseAddrPort(to)
	if err != nil {
		return err
	}
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(a))
	if err != nil {
		return err
	}
	defer c.Close()
	out, data := ipv4.NewPacketConn(c), make([]byte, smallPacket)
	messages := make([]ipv4.Message, perCall)
	for i := range messages {
		messages[i].Buffers = [][]byte{data}
	}
	sent := 0
	for end := time.Now().Add(d); time.Now().Before(end); {
		n, err := out.WriteBatch(messages, 0)
		switch {
		case errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.EAGAIN):
			time.Sleep(fullQueueWait)
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNREFUSED):
		case err != nil:
			return fmt.Errorf("sending to %s: %w", to, err)
		default:
			sent += n
		}
	}
	fmt.Println(sent)
	return nil
}

// hold has a port, so that the packets which come there are not answered by errors, and leaves them
// unread.
func hold(at string) error {
	c, err := net.ListenPacket("udp4", at)
	if err != nil {
		return err
	}
	defer c.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGTERM, unix.SIGINT)
	<-stop
	return nil
}
