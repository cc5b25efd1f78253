package uplink

// Status of a path.
type Status struct {
	Way   string // xsk, packet or raw
	Why   string
	Fast  uint64 // packets that went past the kernel
	Lost  uint64 // packets that a full link did not take
	Falls uint64 // times a fast way was left
}
