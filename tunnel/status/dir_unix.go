//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package status

import (
	"io/fs"
	"os"
	"syscall"
	"time"
)

// lockDir waits, for so long at most, until no other process starts a server in dir. The lock is on
// the directory itself, so it leaves no file behind; but whoever may read the directory can hold
// it.
func lockDir(dir string, wait time.Duration) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(wait); ; time.Sleep(lockPause) {
		err = syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { d.Close() }, nil
		}
		if err != syscall.EINTR && (err != syscall.EWOULDBLOCK || time.Now().After(deadline)) {
			d.Close()
			return nil, err
		}
	}
}

// lockPause is between two attempts to lock: making a socket takes less.
const lockPause = 5 * time.Millisecond

// owner is the user a file belongs to.
func owner(info fs.FileInfo) (uid int, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}
