package uplink

import (
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

const (
	netlinksWithout = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n" +
		"00000000ba786e43 0   6          00000000 0        0        0     2        0        4       \n"
	netlinksWith = netlinksWithout + "00000000fad5082a 6   0          00000000 0        0        0     2        0        1504    \n"
)

// netlinks is /proc/net/netlink as a test has it.
type netlinks struct{ io.ReaderAt }

func (n *netlinks) set(text string) { n.ReaderAt = strings.NewReader(text) }

// TestIPsecAppears: nothing is asked of a kernel that has no IPsec, and when it has, what it wants
// counts.
func TestIPsecAppears(t *testing.T) {
	labtest.Enter(t)
	if _, err := os.Stat("/proc/net/pfkey"); err == nil {
		t.Skip("this kernel has PF_KEY")
	}
	local, peer := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("192.0.2.1")
	h, err := openHost()
	require.NoError(t, err)
	defer h.close()
	file := new(netlinks)
	file.set(netlinksWithout)
	h.ipsec.close()
	h.ipsec = &ipsec{netlinks: file}
	assert.False(t, h.ipsec.appear())
	whole := h.whole(0)
	assert.True(t, whole.checked)
	assert.False(t, whole.ipsec(local, peer))

	output, err := exec.Command("ip", "xfrm", "policy", "add", "src", "10.0.0.0/8", "dst", "192.0.2.0/24", "proto", "gre", "dir", "out").CombinedOutput()
	require.NoError(t, err, "%s", output)
	file.set(netlinksWith)
	assert.True(t, h.ipsec.appear())
	assert.False(t, h.ipsec.appear(), "once")
	whole = h.whole(0)
	assert.True(t, whole.checked)
	assert.True(t, whole.ipsec(local, peer))
}

// TestIPsecNotToBeAsked: where it is there and does not answer, nobody knows what it wants.
func TestIPsecNotToBeAsked(t *testing.T) {
	labtest.Enter(t)
	h, err := openHost()
	require.NoError(t, err)
	defer h.close()
	h.ipsec.close()
	h.ipsec = &ipsec{failed: unix.EPERM}
	assert.False(t, h.ipsec.appear())
	assert.False(t, h.whole(0).checked)
}

// TestIPsecWithoutProc: where /proc does not say whether it is there, it is asked.
func TestIPsecWithoutProc(t *testing.T) {
	labtest.Enter(t)
	assert.True(t, new(ipsec).loaded())
	assert.True(t, (&ipsec{netlinks: strings.NewReader("")}).loaded())
}

// TestUplinkAwaitsIPsec: an uplink that was open before IPsec came hears of its policies.
func TestUplinkAwaitsIPsec(t *testing.T) {
	labtest.Enter(t)
	u, err := Open(Config{Local: netip.MustParseAddr("127.0.0.1"), Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer u.Close()
	file := new(netlinks)
	file.set(netlinksWithout)
	u.mu.Lock()
	for _, s := range u.news[1:] {
		s.Close()
	}
	u.news = u.news[:1]
	u.host.ipsec.close()
	u.host.ipsec = &ipsec{netlinks: file}
	u.whole = nil
	u.awaitIPsec()
	assert.Len(t, u.news, 1)
	before := u.host.whole(0)
	u.whole = &before
	file.set(netlinksWith)
	u.awaitIPsec()
	assert.Len(t, u.news, 2, "changes of policies are told")
	assert.Nil(t, u.whole, "what was known is asked again")
	u.mu.Unlock()
}
