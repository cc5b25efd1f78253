package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// ping sends ICMP echoes from the machine until one is answered. size is that of the IP packet,
// which may not be fragmented.
func (m *machine) ping(t *testing.T, to string, size int) {
	t.Helper()
	m.pingWith(t, unfragmented, to, size)
}

// pingWith is ping over a socket of one's own kind.
func (m *machine) pingWith(t *testing.T, sockets net.ListenConfig, to string, size int) {
	t.Helper()
	var c net.PacketConn
	m.Must(t, func() (err error) {
		c, err = sockets.ListenPacket(t.Context(), "ip4:icmp", "0.0.0.0")
		return err
	})
	defer c.Close()
	id := rand.IntN(1 << 16)
	waitFor(t, "an answer to a ping from "+to, func() error { return pingOnce(c, to, id, size) })
}

// unfragmented sets the don't-fragment bit and takes no notice of path MTUs learnt before.
var unfragmented = net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
	var err error
	return errors.Join(c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO)
	}), err)
}}

func pingOnce(c net.PacketConn, to string, id, size int) error {
	data := make([]byte, size-20-8)
	for i := range data {
		data[i] = byte(i)
	}
	request := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: id, Seq: 1, Data: data}}
	b, err := request.Marshal(nil)
	if err != nil {
		return err
	}
	if _, err := c.WriteTo(b, &net.IPAddr{IP: net.ParseIP(to)}); err != nil {
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	buf := make([]byte, 2048)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return err
		}
		answer, err := icmp.ParseMessage(1, buf[:n])
		if err != nil || answer.Type != ipv4.ICMPTypeEchoReply || from.String() != to {
			continue
		}
		if echo, ok := answer.Body.(*icmp.Echo); ok && echo.ID == id {
			if !bytes.Equal(echo.Data, data) {
				return errors.New("the answer is not what was sent")
			}
			return nil
		}
	}
}

// tooLong holds the machine to refusing a packet above the tunnel's MTU.
func (m *machine) tooLong(t *testing.T, to string, size int) {
	t.Helper()
	var c net.PacketConn
	m.Must(t, func() (err error) {
		c, err = unfragmented.ListenPacket(t.Context(), "ip4:icmp", "0.0.0.0")
		return err
	})
	defer c.Close()
	require.ErrorIs(t, pingOnce(c, to, 1, size), unix.EMSGSIZE)
}

// exchange moves size bytes each way at once over one TCP connection that from opens to an address
// of to, and compares the hashes.
func exchange(t *testing.T, from, to *machine, address string, size int) {
	t.Helper()
	var listener net.Listener
	to.Must(t, func() (err error) {
		listener, err = net.Listen("tcp", net.JoinHostPort(address, "0"))
		return err
	})
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	exchangeWith(t, from, listener, net.JoinHostPort(address, port), size)
}

// exchangeWith is exchange with a listener that is there already.
func exchangeWith(t *testing.T, from *machine, listener net.Listener, address string, size int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	result := make(chan error, 2)
	go func() {
		c, err := listener.Accept()
		if err == nil {
			err = half(c, 'B', 'A', size)
		}
		result <- err
	}()
	var c net.Conn
	from.Must(t, func() (err error) {
		var d net.Dialer
		c, err = d.DialContext(ctx, "tcp", address)
		return err
	})
	go func() { result <- half(c, 'A', 'B', size) }()
	for range 2 {
		require.NoError(t, <-result, "%d bytes to and from %s", size, address)
	}
}

// half is one end of an exchange: it sends the bytes that seed send makes and expects those of
// receive.
func half(c net.Conn, send, receive byte, size int) error {
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() {
		_, err := io.CopyN(c, stream(send), int64(size))
		if tcp, ok := c.(*net.TCPConn); ok && err == nil {
			err = tcp.CloseWrite()
		}
		sent <- err
	}()
	want, got := sha256.New(), sha256.New()
	_, _ = io.CopyN(want, stream(receive), int64(size)) // neither ever fails
	n, err := io.Copy(got, c)
	if err == nil && (n != int64(size) || !bytes.Equal(want.Sum(nil), got.Sum(nil))) {
		err = fmt.Errorf("received %d of %d bytes, and they differ from those sent", n, size)
	}
	return errors.Join(err, <-sent)
}

func stream(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

// exists reports whether the machine has a file.
func (m *machine) exists(t *testing.T, name string) (there bool) {
	t.Helper()
	m.Must(t, func() error {
		_, err := os.Stat(name)
		there = err == nil
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	})
	return there
}
