package lab

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

// host is one whose TCP can be set.
type host struct {
	*netns.Host
	buffers [2]string // tcp_rmem and tcp_wmem as the kernel made them
}

const (
	readBuffers  = "/proc/sys/net/ipv4/tcp_rmem"
	writeBuffers = "/proc/sys/net/ipv4/tcp_wmem"
)

// newHost makes a host. What it sets is the namespace's own; none of that is needed for
// correctness, and a read-only /proc refuses it.
func newHost() (*host, error) {
	n, err := netns.NewHost()
	if err != nil {
		return nil, err
	}
	h := &host{Host: n}
	return h, h.Do(func() error {
		for i, name := range []string{readBuffers, writeBuffers} {
			text, _ := os.ReadFile(name)
			h.buffers[i] = strings.TrimSpace(string(text))
		}
		// Each transfer starts anew instead of from what the last one knew of the path.
		_ = os.WriteFile("/proc/sys/net/ipv4/tcp_no_metrics_save", []byte("1"), 0)
		return nil
	})
}

// setWindow gives the TCP sockets that are opened next in the namespace a window,
// in bytes. It reports whether the kernel allowed it. It is for the host's thread.
func (h *host) setWindow(window int) (done bool) {
	values := h.buffers
	if window > 0 {
		// Half of a receive buffer is window (tcp_adv_win_scale 1), the rest overhead.
		size := fmt.Sprintf("4096 %d %d", 2*window, 2*window)
		values = [2]string{size, size}
	}
	return os.WriteFile(readBuffers, []byte(values[0]), 0) == nil && os.WriteFile(writeBuffers, []byte(values[1]), 0) == nil
}

// apply sets what tcp says on a socket; buffers is what setWindow reported.
func (tcp TCP) apply(c syscall.RawConn, buffers bool) error {
	var err error
	if outer := c.Control(func(fd uintptr) {
		err = errors.Join(limitWindow(int(fd), tcp.Window, buffers), setCongestion(int(fd), tcp.Congestion))
	}); outer != nil {
		return outer
	}
	return err
}

// limitWindow sets one socket's window to at most so many bytes; when the
// namespace could not give it the buffers for that, it asks for them too, as far
// as the system lets it.
func limitWindow(fd, window int, buffers bool) error {
	if window == 0 {
		return nil
	}
	if !buffers {
		for force, polite := range map[int]int{unix.SO_RCVBUFFORCE: unix.SO_RCVBUF, unix.SO_SNDBUFFORCE: unix.SO_SNDBUF} {
			if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, window) != nil {
				_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, polite, window)
			}
		}
	}
	return os.NewSyscallError("setsockopt TCP_WINDOW_CLAMP", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_WINDOW_CLAMP, window))
}

// congestionControl is the namespace's default.
const congestionControl = "/proc/sys/net/ipv4/tcp_congestion_control"

// setCongestion gives a socket its congestion control; "" leaves it the namespace's.
func setCongestion(fd int, name string) error {
	if name == "" {
		return nil
	}
	if err := unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, name); err != nil {
		return fmt.Errorf("congestion control %q: %w; net.ipv4.tcp_available_congestion_control has the kernel's", name, err)
	}
	return nil
}
