//go:build linux && !nodns

package nameservice

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// The files of a machine may be those of several network namespaces, and what is asked in one is
// not reached from another. ip-netns(8) mounts a resolv.conf of a namespace over that of the
// machine, if there is one in /etc/netns/NAME, and nothing else: /etc and /run are everybody's.

// own gives places with the backups of the resolv.conf that this process sees. One that is mounted
// there has others than that below it, told apart by its inode, which stays the same since nobody
// can rename what is mounted.
func (p places) own() places {
	if p.mounted = mountedAt(p.resolvConf); p.mounted == "" {
		return p
	}
	backups := make([]string, len(p.backups))
	for i, b := range p.backups {
		backups[i] = b + "-" + p.mounted
	}
	p.backups = backups
	return p
}

// mountedAt is the inode of what is mounted at a path; empty: nothing is, or the kernel does not
// say so (before Linux 5.8).
func mountedAt(path string) string {
	var info unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_INO, &info)
	if err != nil || info.Attributes&info.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT == 0 {
		return ""
	}
	return strconv.FormatUint(info.Ino, 10)
}

// isUnmounted reports whether the resolv.conf that was mounted here is so no more, as the kernel
// has it when somebody replaces the one below in another namespace. Whoever mounts it again finds
// its backup.
func (p places) isUnmounted() bool { return p.mounted != "" && mountedAt(p.resolvConf) != p.mounted }

// identity tells the resolv.conf that this process sees from those that others see, whatever is
// written to it.
func (p places) identity() string {
	var info unix.Stat_t
	if unix.Stat(filepath.Dir(p.resolvConf), &info) != nil {
		return ""
	}
	return fmt.Sprintf("%d-%d-%s", info.Dev, info.Ino, p.mounted)
}

// checkNamespace says why resolv.conf must stay as it is, or nil: it is also that of the machine's
// first process, which is in another network namespace, and would ask servers that it does not
// reach.
func (p places) checkNamespace() error {
	ours, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		return nil
	}
	theirs, err := os.Readlink(filepath.Join(p.init, "ns/net"))
	if err != nil || ours == theirs {
		return nil // not everybody may see that
	}
	there, err := os.Lstat(filepath.Join(p.init, "root", p.resolvConf))
	if err != nil {
		return nil
	}
	if here, err := os.Lstat(p.resolvConf); err == nil && os.SameFile(here, there) {
		return fmt.Errorf("%s is also that of programs outside of this network namespace: give it one of its own, /etc/netns/NAME/resolv.conf (ip-netns(8)), or give --dns off", p.resolvConf)
	}
	return nil
}
