//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package capture

import (
	"io/fs"
	"os"
	"syscall"
)

// noFollow has opening a symbolic link fail, and a pipe not wait.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// ownAlone reports whether a file is this user's, under one name.
func ownAlone(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid() && s.Nlink == 1
}

// lock keeps other captures out until the file is closed.
func lock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
