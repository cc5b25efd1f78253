//go:build !linux

package lab

import (
	"context"
	"runtime"
)

// Enter does nothing on a system without network namespaces, and says so: why is
// the reason for userspace mode.
func Enter(context.Context) (done bool, code int, why string) {
	return false, 0, runtime.GOOS + " has no network namespaces"
}
