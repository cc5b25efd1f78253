package rtnetlink

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const (
	protocolsWithout = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n" +
		"00000000ba786e43 0   6          00000000 0        0        0     2        0        4       \n"
	protocolsWith = protocolsWithout + "00000000fad5082a 6   0          00000000 0        0        0     2        0        1504    \n"
)

func TestListsProtocol(t *testing.T) {
	assert.False(t, ListsProtocol([]byte(protocolsWithout), unix.NETLINK_XFRM))
	assert.True(t, ListsProtocol([]byte(protocolsWith), unix.NETLINK_XFRM))
	assert.False(t, ListsProtocol(nil, unix.NETLINK_XFRM))
	text, err := os.ReadFile("/proc/net/netlink")
	require.NoError(t, err)
	assert.True(t, ListsProtocol(text, unix.NETLINK_ROUTE), "this kernel's own: %s", text)
}

func TestKernelHas(t *testing.T) {
	assert.True(t, KernelHas(unix.NETLINK_ROUTE))
	assert.False(t, KernelHas(31), "the last number there can be, which nobody has")
}
