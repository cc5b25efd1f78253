package asm

// Stream is one RC4 key stream.
type Stream interface {
	// SetKey starts the key stream of key, which is 1 to 256 bytes long.
	SetKey(key []byte)
	// XORKeyStream sets dst to src XORed with the next len(src) bytes of the
	// key stream. Neither may be empty.
	XORKeyStream(dst, src []byte)
	// Wipe overwrites the permutation. Nothing but SetKey may follow.
	Wipe()
}

// Lanes is several key streams that are worked on side by side: one step of
// each, then the next of each, so that a step has the processor to itself while
// the others wait for their loads. Every key stream starts in the waiting room
// and then moves into a lane.
//
// An implementation may also have a method StartAll() that puts what waits at
// each place into the lane of that number, for less than starting them singly.
type Lanes interface {
	// Width is the number of lanes, and of places in the waiting room.
	Width() int
	// SetKeys runs the key set-up for 1 to Width keys of 1 to 256 bytes;
	// afterwards place n of the waiting room holds the start of keys[n]'s stream,
	// and those from len(keys) on nothing of use.
	SetKeys(keys [][]byte)
	// Start puts a copy of what waits at place n into a lane.
	Start(lane, n int)
	// Move puts a copy of what is in lane from into lane to.
	Move(to, from int)
	// XORBlocks sets dst[l] to src[l] XORed with the next 16*blocks bytes of the
	// stream in lane l, for every l below len(dst), which is 1 to Width. All
	// slices have at least that many bytes; blocks is at least 1. Afterwards
	// lanes from len(dst) on hold nothing of use.
	XORBlocks(dst, src [][]byte, blocks int)
	// Wipe overwrites the keys and permutations in the first n lanes and in the
	// first n places of the waiting room; afterwards they hold nothing of use.
	Wipe(n int)
}

// Backend is one implementation.
type Backend struct {
	// Name is what callers choose it by.
	Name string
	// Missing says what the processor lacks for it; empty if nothing.
	Missing string
	// NewStream makes a stream without a key.
	NewStream func() Stream
	// NewLanes makes lanes with nothing in them; nil if it has none.
	NewLanes func() Lanes
}

// Backends lists the implementations for this architecture, including those
// that its processor cannot run. It is empty where there is none, or where the
// build tag purego asks for none.
func Backends() []Backend { return backends() }
