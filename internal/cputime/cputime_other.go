//go:build !(linux || darwin || freebsd)

package cputime

import "time"

// Known reports whether this system tells CPU time.
const Known = false

// Thread is 0.
func Thread() time.Duration { return 0 }

// Process is 0.
func Process() time.Duration { return 0 }
