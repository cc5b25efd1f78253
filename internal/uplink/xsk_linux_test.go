package uplink

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

// withLink runs f on a thread of its own in a network namespace with an Ethernet link, and gives it
// the link's index.
func withLink(t *testing.T, f func(link int) error) {
	t.Helper()
	h := labtest.NewHost(t, "host")
	require.NoError(t, netns.Join(netns.End{Host: h.Host, Name: "wire"}, netns.End{Host: h.Host, Name: "other"}))
	h.Must(t, func() error {
		return labtest.Change("wire", func(l netlink.Link) error { return f(l.Attrs().Index) })
	})
}

// withoutLocking takes the right to lock memory from the calling thread for good, but for some
// bytes, and returns how to put the limit back.
func withoutLocking(bytes uint64) (undo func(), err error) {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return nil, err
	}
	data[0].Effective &^= 1 << unix.CAP_IPC_LOCK
	if err := unix.Capset(&hdr, &data[0]); err != nil {
		return nil, err
	}
	var old unix.Rlimit
	if err := unix.Prlimit(0, unix.RLIMIT_MEMLOCK, nil, &old); err != nil {
		return nil, err
	}
	if err := unix.Prlimit(0, unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: bytes, Max: old.Max}, nil); err != nil {
		return nil, err
	}
	return func() { _ = unix.Prlimit(0, unix.RLIMIT_MEMLOCK, &old, nil) }, nil
}

func TestLockedMemory(t *testing.T) {
	for _, tc := range []struct {
		name   string
		bytes  uint64
		frames int // 0: none can be had
	}{
		{"room for all", 8 << 20, defaultFrames},
		{"room for a part", 1 << 20, 512},
		{"room for little", minFrames * frameSize, minFrames},
		{"room for nothing", 64 << 10, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			withLink(t, func(link int) error {
				undo, err := withoutLocking(tc.bytes)
				if err != nil {
					return err
				}
				defer undo()
				// What an earlier socket had locked is given back a moment after it was closed.
				var x *xsk
				for range 1000 {
					if x, err = openXSK(link, defaultFrames); err == nil && len(x.umem) == tc.frames*frameSize || tc.frames == 0 {
						break
					}
					if err == nil {
						x.close()
					}
					time.Sleep(time.Millisecond)
				}
				if tc.frames == 0 {
					assert.ErrorIs(t, err, unix.ENOBUFS)
					assert.EqualError(t, err, "registering memory for 128 frames: no buffer space available")
					return nil
				}
				if err != nil {
					return err
				}
				defer x.close()
				assert.Len(t, x.umem, tc.frames*frameSize)
				return nil
			})
		})
	}
}

func TestXSKRefuses(t *testing.T) {
	withLink(t, func(link int) error {
		x, err := openXSK(link, defaultFrames)
		if err != nil {
			return err
		}
		assert.Equal(t, "queue 0", x.note())
		_, err = openXSK(link, defaultFrames)
		assert.ErrorIs(t, err, unix.EBUSY)
		_, err = openXSK(link+1000, defaultFrames)
		assert.ErrorIs(t, err, unix.ENODEV)
		_, err = openPacket(link + 1000)
		assert.ErrorIs(t, err, unix.ENODEV)
		x.close()
		x.close() // twice is harmless
		x.tend()
		_, err = x.send(&route{}, [][]byte{{1}})
		assert.Equal(t, errClosed, err)
		p, err := openPacket(link)
		if err != nil {
			return err
		}
		p.close()
		p.close()
		_, err = p.send(&route{}, [][]byte{{1}})
		assert.Equal(t, errClosed, err)
		return nil
	})
}

// TestListsXDP: in the form of /proc/net/protocols, with AF_XDP and without.
func TestListsXDP(t *testing.T) {
	const head = "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re bi br ha uh gp em\n"
	assert.True(t, listsXDP([]byte(head+"XDP       1088      0      -1   NI       0   no   kernel      n  n\nUNIX      1024     12      -1   NI       0   yes  kernel      y  y\n")))
	assert.True(t, listsXDP([]byte(head+"UNIX      1024     12      -1   NI       0   yes  kernel      y  y\nXDP       1088      0      -1   NI       0   no   kernel      n  n\n")))
	assert.False(t, listsXDP([]byte(head+"UNIX      1024     12      -1   NI       0   yes  kernel      y  y\n")))
	assert.False(t, listsXDP(nil))
	var denied unix.Errno
	fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
	}
	assert.Equal(t, kernelHasXDP(), !errors.As(err, &denied) || denied != unix.EAFNOSUPPORT, "this kernel says of a socket: %v", err)
}
