package session

import (
	"time"

	"golang.org/x/sys/unix"
)

// nap sleeps for a time too short for time.Sleep, which may round it up to a millisecond.
func nap(d time.Duration) {
	if d <= 0 {
		return
	}
	ts := unix.NsecToTimespec(int64(d))
	// A signal may end it early, which costs nothing but one small batch.
	_ = unix.Nanosleep(&ts, nil)
}
