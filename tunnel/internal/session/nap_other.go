//go:build !linux

package session

import "time"

// nap does nothing where there is no sleep as short as it needs.
func nap(time.Duration) {}
