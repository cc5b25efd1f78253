package netns

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Host is a network namespace without a name: an OS thread that has entered it and
// serves calls there. Sockets and devices opened in a call stay in the namespace,
// whichever thread uses them later. The namespace is gone with the thread and
// the last of them.
type Host struct {
	calls   chan func()
	done    chan struct{}
	buffers [2]string // tcp_rmem and tcp_wmem as the kernel made them
}

// NewHost makes a namespace; the error tells what right was missing.
func NewHost() (*Host, error) {
	h := &Host{calls: make(chan func()), done: make(chan struct{})}
	started := make(chan error, 1)
	go h.run(started)
	if err := <-started; err != nil {
		return nil, err
	}
	if err := h.Do(h.prepare); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// run serves calls until the host is closed. It never unlocks its thread, which
// therefore ends with it and is not used again in the wrong namespace.
func (h *Host) run(started chan error) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		// The first thread of a process outlives its goroutine: leave it.
		elsewhere := make(chan error, 1)
		go h.run(elsewhere)
		started <- <-elsewhere
		runtime.UnlockOSThread()
		return
	}
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		started <- fmt.Errorf("new network namespace: %w", err)
		return
	}
	started <- nil
	for call := range h.calls {
		call()
	}
	close(h.done)
}

// Do runs f on the host's thread.
func (h *Host) Do(f func() error) error {
	result := make(chan error, 1)
	h.calls <- func() { result <- f() }
	return <-result
}

// Close ends the thread.
func (h *Host) Close() {
	close(h.calls)
	<-h.done
}

const (
	readBuffers  = "/proc/sys/net/ipv4/tcp_rmem"
	writeBuffers = "/proc/sys/net/ipv4/tcp_wmem"
)

// prepare sets what is the namespace's own. None of it is needed for correctness,
// and a read-only /proc refuses it.
func (h *Host) prepare() error {
	for i, name := range []string{readBuffers, writeBuffers} {
		text, _ := os.ReadFile(name)
		h.buffers[i] = strings.TrimSpace(string(text))
	}
	// Each transfer starts anew instead of from what the last one knew of the path.
	_ = os.WriteFile("/proc/sys/net/ipv4/tcp_no_metrics_save", []byte("1"), 0)
	handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer handle.Close()
	lo, err := handle.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("loopback interface: %w", err)
	}
	if err := handle.LinkSetUp(lo); err != nil {
		return fmt.Errorf("loopback interface up: %w", err)
	}
	return nil
}

// SetWindow gives the TCP sockets that are opened next in the namespace a window,
// in bytes. It says whether the kernel allowed it. It is for the host's thread.
func (h *Host) SetWindow(window int) (done bool) {
	values := h.buffers
	if window > 0 {
		// Half of a receive buffer is window (tcp_adv_win_scale 1), the rest overhead.
		size := fmt.Sprintf("4096 %d %d", 2*window, 2*window)
		values = [2]string{size, size}
	}
	return os.WriteFile(readBuffers, []byte(values[0]), 0) == nil && os.WriteFile(writeBuffers, []byte(values[1]), 0) == nil
}

// LimitWindow sets one socket's window to at most so many bytes; when the
// namespace could not give it the buffers for that, it asks for them too, as far
// as the system lets it.
func LimitWindow(fd, window int, buffers bool) error {
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

// CongestionControl is the namespace's default.
const CongestionControl = "/proc/sys/net/ipv4/tcp_congestion_control"

// SetCongestion gives a socket its congestion control; "" leaves it the namespace's.
func SetCongestion(fd int, name string) error {
	if name == "" {
		return nil
	}
	if err := unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, name); err != nil {
		return fmt.Errorf("congestion control %q: %w; net.ipv4.tcp_available_congestion_control has the kernel's", name, err)
	}
	return nil
}
