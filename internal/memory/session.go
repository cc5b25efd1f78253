package memory

import "math"

// What one session of a server takes at most in small mode, in bytes. A session in order holds the
// first of these and little of the others.
const (
	// sessionIdle is a session that is up: its PPP link, control connection, ciphers and the stacks
	// of its goroutines (make bench-server measures it, on 64 bits).
	sessionIdle = 48 << 10
	// slotBytes is what one place in a reorder window takes on 64 bits; a window has as many as it
	// has once reached over.
	slotBytes = 48
	// keyBytes is what each kept key takes: as many as the window reaches over are kept, and half
	// as many ahead.
	keyBytes = 16
	// leastHistory is for how many packets keys are kept at least.
	leastHistory = 2048
)

// SessionBytes is what one session of a server takes at most in small mode, with a reorder window
// of so many packets, beside what all windows share. It includes what somebody takes who is about
// to log in.
func SessionBytes(window int) int {
	return 2*sessionIdle + window*slotBytes + max(window, leastHistory)*keyBytes*3/2 + small.HeldByEvery*PacketBuffer
}

// SharedBytes is what the windows of all sessions share in small mode.
const SharedBytes = heldByAll * PacketBuffer

// sessionShare of the usable memory is a server's for its sessions.
const sessionShare = 8

// SessionMemory is what all sessions of a server may take, in bytes; 0: no bound.
func (p Plan) SessionMemory() int {
	usable := p.Machine.Usable()
	if !p.Small || usable == 0 {
		return 0
	}
	return int(min(usable, math.MaxInt32) / sessionShare)
}

// SessionsIn is how many sessions there is room for in so many bytes, each with a reorder window of
// so many packets; at least one.
func SessionsIn(bytes, window int) int {
	return max(1, (bytes-SharedBytes)/SessionBytes(window))
}
