package memory

// PacketBuffer is what a packet takes that is under way, in bytes, whatever its length.
const PacketBuffer = 2048

// Sizes are how much the parts of a tunnel hold at most.
type Sizes struct {
	SocketBatch  int  // packets that one read of a GRE socket takes
	SocketBuffer int  // bytes asked for each way of a GRE socket, of the kernel's memory
	Frames       int  // of an AF_XDP socket, each of 2,048 bytes, a power of two
	WideBuffers  int  // of 64 KB, in which a write to the device joins TCP segments
	WindowHeld   int  // packets that wait in one session's reorder window; 0: as many as it reaches over
	Reserves     int  // bytes that the reserves of keys and keystream may take, over all sessions
	OffHeap      bool // what is large and seldom touched is no business of the garbage collector

	// A server's, over all sessions; 0 is no bound.
	HeldByAll   int // packets that wait in all reorder windows
	HeldByEvery int // packets that each session may hold all the same
}

// heldByAll packets are 2 MB.
const heldByAll = 1024

var (
	normal = Sizes{
		SocketBatch:  128,
		SocketBuffer: 4 * MiB, // some thousands of full packets
		Frames:       2048,    // 4 MB, of the 8 MB that a user may lock as a rule
		WideBuffers:  32,
		Reserves:     32 * MiB,
	}
	small = Sizes{
		SocketBatch:  64,
		SocketBuffer: MiB / 2,
		Frames:       256,
		WideBuffers:  4,
		Reserves:     MiB,
		WindowHeld:   512, // 1 MB; 170 ms at 3,000 packets a second
		OffHeap:      true,
		HeldByAll:    heldByAll,
		HeldByEvery:  16,
	}
)

// SizesOf gives the sizes of small and of normal mode.
func SizesOf(isSmall bool) Sizes {
	if isSmall {
		return small
	}
	return normal
}
