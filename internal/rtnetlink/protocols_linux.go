package rtnetlink

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// KernelHas reports whether the kernel has a protocol of netlink(7) now, such as
// unix.NETLINK_NETFILTER, in the network namespace of the calling thread. A socket of one that is
// a module has the kernel run modprobe(8), even where there is no such module, and wait for it; who
// looks for what somebody may have left there need not, since nothing can be left in what is not
// there. Where /proc does not say, it has.
func KernelHas(protocol int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/net/netlink", unix.Gettid()))
	return err != nil || len(text) == 0 || ListsProtocol(text, protocol)
}

// ListsProtocol reports whether the kernel has a protocol of netlink(7), by the text of
// /proc/net/netlink, where it has a socket of its own for each.
func ListsProtocol(text []byte, protocol int) bool {
	want := []byte(strconv.Itoa(protocol))
	for line := range bytes.Lines(text) {
		if f := bytes.Fields(line); len(f) > 1 && bytes.Equal(f[1], want) {
			return true
		}
	}
	return false
}
