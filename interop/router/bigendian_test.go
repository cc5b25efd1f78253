//go:build router && linux

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/netns"
	"github.com/arc4tun/arc4tun/internal/malta"
)

const (
	datagrams    = 1000
	datagramSize = 1000
	patience     = 2 * time.Minute
)

// TestBigEndian has the router build for big-endian MIPS be the client of a server of this
// machine's architecture, with the kernel's TUN device and raw sockets: Debian has no big-endian
// kernel any more, so it runs under qemu-user. A megabyte goes each way, in datagrams that are
// compared.
//
// They are UDP without a checksum, because of the emulator: the kernel writes the numbers before a
// packet of a TUN device in its own byte order, which is not the program's. Without checksums to
// fill in and without segments to join they are all zero.
func TestBigEndian(t *testing.T) {
	if reason := unable(); reason != "" {
		require.NotEqual(t, "true", os.Getenv("CI"), reason)
		t.Skip(reason)
	}
	dir := t.TempDir()
	ours, mips := filepath.Join(dir, "arc4"), filepath.Join(dir, "arc4-mips")
	build := exec.Command("go", "build", "-o", ours, "./cmd/arc4")
	build.Dir = root
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.NoError(t, malta.Build(t.Context(), root, "mips", mips, false))

	server, client := host(t), host(t)
	require.NoError(t, netns.Join(netns.End{Host: server, Name: "s0", Address: "192.0.2.1/24"}, netns.End{Host: client, Name: "c0", Address: "192.0.2.2/24"}))
	secrets, password := filepath.Join(dir, "secrets"), filepath.Join(dir, "password")
	require.NoError(t, os.WriteFile(secrets, []byte("lab * lab-pass-1 *\n"), 0o600))
	require.NoError(t, os.WriteFile(password, []byte("lab-pass-1\n"), 0o600))
	start(t, server, exec.Command(ours, "serve", "--listen", "192.0.2.1", "--local-ip", "10.99.0.1", "--pool", "10.99.0.100-10.99.0.100",
		"--secrets", secrets, "--socket", filepath.Join(dir, "serve.sock")))
	within(t, "the server listens", func() error {
		return client.Do(func() error {
			c, err := net.DialTimeout("tcp4", "192.0.2.1:1723", time.Second)
			if err == nil {
				c.Close()
			}
			return err
		})
	})
	connect := start(t, client, exec.Command("qemu-mips-static", "-cpu", "24Kf", mips, "connect", "192.0.2.1", "--user", "lab",
		"--password-file", password, "--socket", filepath.Join(dir, "connect.sock")))

	var at, from *net.UDPConn
	within(t, "the tunnel is up", func() error {
		return client.Do(func() (err error) { from, err = listen("10.99.0.100:7001"); return err })
	})
	within(t, "the server's end is there", func() error { return server.Do(func() (err error) { at, err = listen("10.99.0.1:7001"); return err }) })
	go echo(at)
	sent, back := sha256.New(), sha256.New()
	for i := range datagrams {
		data := make([]byte, datagramSize)
		rand.Read(data)
		copy(data, fmt.Sprintf("%8d", i))
		sent.Write(data)
		back.Write(roundTrip(t, from, at.LocalAddr(), data, i))
	}
	assert.Equal(t, sent.Sum(nil), back.Sum(nil), "SHA-256 of %d bytes, there and back", datagrams*datagramSize)
	at.Close()
	from.Close()
	require.NoError(t, connect.Process.Signal(syscall.SIGTERM))
	assert.NoError(t, connect.Wait(), "the client's exit code")
}

// unable says what this machine lacks.
func unable() string {
	switch {
	case os.Geteuid() != 0:
		return "needs root"
	case exec.Command("qemu-mips-static", "-version").Run() != nil:
		return "needs qemu-mips-static (apt-get install qemu-user-static)"
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		return err.Error()
	}
	return ""
}

func host(t *testing.T) *netns.Host {
	h, err := netns.NewHost()
	require.NoError(t, err)
	t.Cleanup(h.Close)
	return h
}

// start starts a program on a host, and shows what it said where the test fails.
func start(t *testing.T, h *netns.Host, cmd *exec.Cmd) *exec.Cmd {
	var said bytes.Buffer
	cmd.Stderr = &said
	require.NoError(t, h.Start(cmd))
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		if t.Failed() {
			t.Logf("%s:\n%s", cmd, said.String())
		}
	})
	return cmd
}

func within(t *testing.T, what string, f func() error) {
	t.Helper()
	var err error
	for limit := time.Now().Add(patience); time.Now().Before(limit); time.Sleep(50 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	require.NoError(t, err, what)
}

// listen opens a socket that sends datagrams without a checksum.
func listen(address string) (*net.UDPConn, error) {
	var refused error
	c, err := (&net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		if err := raw.Control(func(fd uintptr) { refused = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_NO_CHECK, 1) }); err != nil {
			return err
		}
		return refused
	}}).ListenPacket(context.Background(), "udp4", address)
	if err != nil {
		return nil, err
	}
	return c.(*net.UDPConn), nil
}

// echo sends every datagram back, until the socket is closed.
func echo(c *net.UDPConn) {
	data := make([]byte, 2*datagramSize)
	for {
		n, from, err := c.ReadFromUDPAddrPort(data)
		if err != nil {
			return
		}
		_, _ = c.WriteToUDPAddrPort(data[:n], from)
	}
}

// roundTrip sends a datagram until it comes back, which its first eight bytes tell.
func roundTrip(t *testing.T, c *net.UDPConn, to net.Addr, data []byte, number int) []byte {
	t.Helper()
	got := make([]byte, 2*datagramSize)
	for limit := time.Now().Add(patience); time.Now().Before(limit); {
		if _, err := c.WriteTo(data, to); err != nil {
			time.Sleep(50 * time.Millisecond) // the address was there before the route
			continue
		}
		_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
		for {
			n, _, err := c.ReadFrom(got)
			if err != nil {
				break // and once more
			}
			if n >= 8 && bytes.Equal(got[:8], data[:8]) {
				return got[:n]
			}
		}
	}
	require.Fail(t, "no answer", "datagram %d of %d", number, datagrams)
	return nil
}
