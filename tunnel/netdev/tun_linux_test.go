package netdev

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

func TestCreateTUN(t *testing.T) {
	labtest.Enter(t)
	dev, name, err := CreateTUN(DefaultName, 1400)
	require.NoError(t, err)
	defer dev.Close()
	assert.Equal(t, "arc40", name)
	mtu, err := dev.MTU()
	require.NoError(t, err)
	assert.Equal(t, 1400, mtu)

	link, err := netlink.LinkByName(name)
	require.NoError(t, err)
	require.NoError(t, netlink.LinkSetUp(link))

	// A packet written to the device arrives in the stack: it answers a ping to its address.
	addr, err := netlink.ParseAddr("10.9.0.1/24")
	require.NoError(t, err)
	require.NoError(t, netlink.AddrAdd(link, addr))
	ping := []byte{
		0x45, 0, 0, 28, 0, 0, 0x40, 0, 64, 1, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1,
		8, 0, 0xf7, 0xfd, 0, 1, 0, 1,
	}
	sum := uint32(0)
	for i := 0; i < 20; i += 2 {
		sum += uint32(ping[i])<<8 | uint32(ping[i+1])
	}
	sum = sum&0xffff + sum>>16
	ping[10], ping[11] = ^byte(sum>>8), ^byte(sum)
	const headroom = 16
	_, err = dev.Write([][]byte{append(make([]byte, headroom), ping...)}, headroom)
	require.NoError(t, err)

	bufs := make([][]byte, dev.BatchSize())
	for i := range bufs {
		bufs[i] = make([]byte, 65535+headroom)
	}
	sizes := make([]int, len(bufs))
	for answered := false; !answered; {
		n, err := dev.Read(bufs, sizes, headroom)
		require.NoError(t, err)
		for i := range n {
			p := bufs[i][headroom : headroom+sizes[i]]
			answered = answered || len(p) == 28 && p[9] == 1 && p[20] == 0
		}
	}
}

func TestCreateTUNLeavesNothingBehind(t *testing.T) {
	labtest.Enter(t)
	before := snapshot(t)
	ignore := goleak.IgnoreCurrent()
	dev, name, err := CreateTUN("gone0", 1400)
	require.NoError(t, err)
	link, err := netlink.LinkByName(name)
	require.NoError(t, err)
	// More events than the device's own queue holds, none of them read.
	for range 10 {
		require.NoError(t, netlink.LinkSetUp(link))
		require.NoError(t, netlink.LinkSetDown(link))
	}
	require.NoError(t, dev.Close())
	require.NoError(t, dev.Close())
	for range dev.Events() { // ends, because Close closes it
	}
	assert.Equal(t, before, snapshot(t))
	goleak.VerifyNone(t, ignore)
}

func TestCreateTUNNameTaken(t *testing.T) {
	labtest.Enter(t)
	held := tunDevice(t, "held0")
	_, _, err := CreateTUN(held, 1400)
	require.ErrorIs(t, err, unix.EBUSY)
	assert.ErrorContains(t, err, `"held0" is in use by another program`)

	_, _, err = CreateTUN("lo", 1400)
	require.Error(t, err)
	assert.ErrorContains(t, err, `"lo" is taken by an interface of another kind`)
	assert.ErrorContains(t, err, "choose another name")
}

func TestCreateTUNWithoutPermission(t *testing.T) {
	labtest.Enter(t)
	// Capabilities belong to the thread, which labtest.Enter has locked; dropping one from the
	// effective set can be taken back.
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	require.NoError(t, unix.Capget(&hdr, &caps[0]))
	less := caps
	less[0].Effective &^= 1 << unix.CAP_NET_ADMIN
	require.NoError(t, unix.Capset(&hdr, &less[0]))
	defer func() { require.NoError(t, unix.Capset(&hdr, &caps[0])) }()
	_, _, err := CreateTUN("noperm0", 1400)
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.ErrorContains(t, err, "CAP_NET_ADMIN")
	assert.ErrorContains(t, err, "noperm0")
}

func TestCreateTUNOpenErrors(t *testing.T) {
	for errno, want := range map[error]string{
		unix.ENOENT: "modprobe tun",
		unix.ENODEV: "modprobe tun",
		unix.EACCES: "CAP_NET_ADMIN",
		unix.EMFILE: "too many open files",
	} {
		err := openError("x0", errno)
		assert.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, `"x0"`)
		assert.ErrorContains(t, err, cloneDevice)
		assert.ErrorIs(t, err, errno)
	}
}

// childEnv makes the test binary act as a child that holds a device until it is killed.
const childEnv = "ARC4_TEST_HOLD_TUN"

// A killed process leaves no device: the kernel removes it with the descriptor.
func TestCreateTUNSurvivesKill(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		_, name, err := CreateTUN("kill%d", 1400)
		if err != nil {
			os.Stdout.WriteString("error " + err.Error() + "\n")
			os.Exit(1)
		}
		os.Stdout.WriteString("holding " + name + "\n")
		select {}
	}
	labtest.Enter(t)
	before := snapshot(t)
	cmd := exec.Command(os.Args[0], "-test.run", "^TestCreateTUNSurvivesKill$")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start()) // on this thread, and so in this namespace
	line := make([]byte, 64)
	n, err := out.Read(line)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(line[:n]), "holding kill0"), "%s", line[:n])
	require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
	var exit *exec.ExitError
	require.True(t, errors.As(cmd.Wait(), &exit))
	assert.Equal(t, before, snapshot(t))
	runtime.KeepAlive(cmd)
}

// endingTUN is a device whose reads fail the way wireguard's do while it is being closed.
type endingTUN struct {
	tun.Device
	events chan tun.Event
}

func (e endingTUN) Read([][]byte, []int, int) (int, error) {
	return 0, errors.New("netlink socket closed: resource temporarily unavailable")
}
func (e endingTUN) File() *os.File           { return nil }
func (e endingTUN) Events() <-chan tun.Event { return e.events }
func (e endingTUN) Close() error             { close(e.events); return nil }

func TestReadOfClosedDeviceSaysClosed(t *testing.T) {
	d := newKernelDevice(endingTUN{events: make(chan tun.Event)})
	_, err := d.Read(nil, nil, 0)
	require.EqualError(t, err, "netlink socket closed: resource temporarily unavailable")
	require.NoError(t, d.Close())
	_, err = d.Read(nil, nil, 0)
	require.ErrorIs(t, err, os.ErrClosed)
}

func TestWaitingTellsOfPacketsThatWait(t *testing.T) {
	labtest.Enter(t)
	made, name, err := CreateTUN(DefaultName, 1400)
	require.NoError(t, err)
	defer made.Close()
	dev := made.(*kernelDevice)
	link, err := netlink.LinkByName(name)
	require.NoError(t, err)
	// Nothing but what follows: no router solicitations.
	require.NoError(t, os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", []byte("1"), 0o644))
	addr, err := netlink.ParseAddr("10.9.0.1/24")
	require.NoError(t, err)
	require.NoError(t, netlink.AddrAdd(link, addr))
	require.NoError(t, netlink.LinkSetUp(link))
	assert.False(t, dev.Waiting())

	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	require.NoError(t, err)
	defer unix.Close(s)
	to := &unix.SockaddrInet4{Port: 9, Addr: [4]byte{10, 9, 0, 2}}
	for range 2 {
		require.NoError(t, unix.Sendto(s, []byte("something"), 0, to))
	}
	buf, sizes := [][]byte{make([]byte, 1<<16)}, make([]int, 1)
	for range 2 {
		assert.True(t, dev.Waiting())
		_, err := dev.Read(buf, sizes, 16)
		require.NoError(t, err)
	}
	assert.False(t, dev.Waiting())
	assert.Zero(t, testing.AllocsPerRun(100, func() { dev.Waiting() }))
	require.NoError(t, dev.Close())
	assert.False(t, dev.Waiting(), "closed")
}
