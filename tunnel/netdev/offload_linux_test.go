package netdev

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/raceflag"
)

// mirror gives back every packet of a device with its two addresses exchanged, which leaves the
// checksums right: who connects to 10.9.0.2 comes to itself, from there.
type mirror struct {
	dev   Device
	read  atomic.Int64 // packets
	large atomic.Int64 // reads of several
}

func (m *mirror) run() {
	bufs := make([][]byte, 128)
	for i := range bufs {
		bufs[i] = make([]byte, 64+1<<16)
	}
	sizes, packets := make([]int, len(bufs)), make([][]byte, len(bufs))
	for {
		n, err := m.dev.Read(bufs, sizes, 64)
		if err != nil {
			return
		}
		m.read.Add(int64(n))
		if n > 1 {
			m.large.Add(1)
		}
		for i := range n {
			packets[i] = bufs[i][:64+sizes[i]]
			ip, size := packets[i][64:], 4
			src := ip[12:]
			if ip[0]>>4 == 6 {
				src, size = ip[8:], 16
			}
			for k := range size {
				src[k], src[size+k] = src[size+k], src[k]
			}
		}
		if _, err := m.dev.Write(packets[:n], 64); err != nil {
			return
		}
	}
}

// TestOffload sends TCP through a device into itself, with either end's kernel as the judge of what
// is taken apart and joined.
func TestOffload(t *testing.T) {
	for _, tt := range []struct{ name, local, remote string }{
		{"IPv4", "10.9.0.1/24", "10.9.0.2"},
		{"IPv6", "fd00::1/64", "fd00::2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			labtest.Enter(t)
			dev, name, err := createTUN(DefaultName, 1400, newOffload)
			require.NoError(t, err)
			require.True(t, dev.(*kernelDevice).JoinsInPlace())
			link, err := netlink.LinkByName(name)
			require.NoError(t, err)
			addr, err := netlink.ParseAddr(tt.local)
			require.NoError(t, err)
			addr.Flags = 0x02 // IFA_F_NODAD
			require.NoError(t, netlink.AddrAdd(link, addr))
			require.NoError(t, netlink.LinkSetUp(link))
			l, err := net.Listen("tcp", net.JoinHostPort(addr.IP.String(), "0"))
			require.NoError(t, err)
			defer l.Close()
			m := &mirror{dev: dev}
			done := make(chan struct{})
			go func() { m.run(); close(done) }()

			sent := make([]byte, 4<<20)
			random := rand.NewChaCha8([32]byte{})
			_, _ = random.Read(sent)
			_, port, _ := net.SplitHostPort(l.Addr().String())
			conn, err := net.Dial("tcp", net.JoinHostPort(tt.remote, port))
			require.NoError(t, err)
			go func() {
				_, _ = conn.Write(sent)
				conn.Close()
			}()
			from, err := l.Accept()
			require.NoError(t, err)
			assert.Equal(t, tt.remote, from.RemoteAddr().(*net.TCPAddr).IP.String())
			got, err := io.ReadAll(from)
			require.NoError(t, err)
			require.Equal(t, sha256.Sum256(sent), sha256.Sum256(got))
			assert.Positive(t, m.large.Load(), "the kernel has handed over no large segment in %d packets", m.read.Load())
			require.NoError(t, dev.Close())
			<-done
		})
	}
}

// TestOffloadTellsOfTheEnd: a device that was closed or deleted ends its reader.
func TestOffloadTellsOfTheEnd(t *testing.T) {
	for name, want := range map[string]error{"closed": os.ErrClosed, "deleted": ErrDeleted} {
		t.Run(name, func(t *testing.T) {
			labtest.Enter(t)
			dev, real, err := createTUN(DefaultName, 1400, newOffload)
			require.NoError(t, err)
			defer dev.Close()
			ended := make(chan error, 1)
			go func() {
				bufs := [][]byte{make([]byte, 64+1<<16)}
				for {
					if _, err := dev.Read(bufs, make([]int, 1), 64); err != nil {
						ended <- err
						return
					}
				}
			}()
			if want == ErrDeleted {
				link, err := netlink.LinkByName(real)
				require.NoError(t, err)
				require.NoError(t, netlink.LinkDel(link))
			} else {
				require.NoError(t, dev.Close())
				want = os.ErrClosed
			}
			require.ErrorIs(t, <-ended, want)
			if want == ErrDeleted {
				_, err = dev.Write([][]byte{make([]byte, 64+40)}, 64)
				require.Error(t, err)
			}
		})
	}
}

// TestOffloadSaysTheSame of itself as WireGuard's device, whose place it takes.
func TestOffloadSaysTheSame(t *testing.T) {
	labtest.Enter(t)
	for name, fromFD := range map[string]func(fd int) (tun.Device, string, error){"own0": newOffload, "wg0": tun.CreateUnmonitoredTUNFromFD} {
		dev, real, err := createTUN(name, 1234, fromFD)
		require.NoError(t, err)
		assert.Equal(t, name, real)
		said, err := dev.Name()
		require.NoError(t, err)
		assert.Equal(t, name, said)
		mtu, err := dev.MTU()
		require.NoError(t, err)
		assert.Equal(t, 1234, mtu)
		assert.Equal(t, 128, dev.BatchSize())
		assert.NotNil(t, dev.File())
		link, err := netlink.LinkByName(name)
		require.NoError(t, err)
		require.NoError(t, netlink.LinkDel(link))
		_, err = dev.MTU()
		require.ErrorIs(t, err, unix.ENODEV, "deleted")
		require.NoError(t, dev.Close())
		_, more := <-dev.Events()
		assert.False(t, more)
		require.NoError(t, dev.Close(), "again")
	}
}

// TestOffloadOfManyWriters: every session of a server writes, each on goroutines of its own.
func TestOffloadOfManyWriters(t *testing.T) {
	labtest.Enter(t)
	dev, name, err := createTUN(DefaultName, 1400, newOffload)
	require.NoError(t, err)
	defer dev.Close()
	link, err := netlink.LinkByName(name)
	require.NoError(t, err)
	require.NoError(t, netlink.LinkSetUp(link))
	const size = 40
	var writers sync.WaitGroup
	for k := range 8 {
		writers.Go(func() {
			// No two can be joined, so that each is written with its virtio header.
			var packets [][]byte
			for range 1 + 16*k {
				p := make([]byte, 64+size)
				p[64] = 0x45
				packets = append(packets, p)
			}
			for range 100 {
				n, err := dev.Write(packets, 64)
				if !assert.NoError(t, err) || !assert.Equal(t, len(packets)*(10+size), n) {
					return
				}
			}
		})
	}
	writers.Wait()
}

func TestOffloadAllocatesNothing(t *testing.T) {
	if raceflag.Enabled {
		t.Skip("the race detector allocates")
	}
	labtest.Enter(t)
	dev, name, err := createTUN(DefaultName, 1400, newOffload)
	require.NoError(t, err)
	defer dev.Close()
	link, err := netlink.LinkByName(name)
	require.NoError(t, err)
	require.NoError(t, netlink.LinkSetUp(link))
	// What is no packet the kernel refuses, which is all the same to the way there.
	p := [][]byte{make([]byte, 64+40), make([]byte, 64+40)}
	write := func() { _, _ = dev.Write(p, 64) }
	write()
	// An error is one that is made.
	assert.LessOrEqual(t, testing.AllocsPerRun(100, write), 1.0)
}
