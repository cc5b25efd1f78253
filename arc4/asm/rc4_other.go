//go:build purego || !(amd64 || mipsle)

package asm

import "github.com/arc4tun/arc4tun/arc4/generic"

// Arch is empty: this build has no assembly.
const Arch = ""

// State is a portable stand-in, so that callers compile everywhere.
type State = generic.Reference
