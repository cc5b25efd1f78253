//go:build unix

package secrets

import (
	"time"

	"golang.org/x/sys/unix"
)

// changeTime is when a file or what is known of it changed last: nobody can set that back, as one
// can the other time. Zero when it cannot be told.
func changeTime(path string) time.Time {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return time.Time{}
	}
	return time.Unix(st.Ctim.Unix())
}
