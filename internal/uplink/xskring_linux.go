package uplink

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ring is one of an AF_XDP socket's rings (linux/if_xdp.h), which the kernel shares with us:
// entries of type T, a number of which is a power of two, the count of those that were ever put in
// and of those that were taken out.
type ring[T any] struct {
	mem      []byte
	producer *uint32
	consumer *uint32
	entries  []T
	mask     uint32
}

// mapRing maps the ring of n entries at a socket's page offset.
func mapRing[T any](fd int, page int64, off unix.XDPRingOffset, n int) (ring[T], error) {
	var entry T
	mem, err := unix.Mmap(fd, page, int(off.Desc)+n*int(unsafe.Sizeof(entry)), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return ring[T]{}, err
	}
	base := unsafe.Pointer(&mem[0])
	return ring[T]{
		mem:      mem,
		producer: (*uint32)(unsafe.Add(base, off.Producer)),
		consumer: (*uint32)(unsafe.Add(base, off.Consumer)),
		entries:  unsafe.Slice((*T)(unsafe.Add(base, off.Desc)), n),
		mask:     uint32(n - 1),
	}, nil
}

func (r *ring[T]) unmap() {
	if r.mem != nil {
		_ = unix.Munmap(r.mem)
		*r = ring[T]{}
	}
}

// at is the entry with a count.
func (r *ring[T]) at(count uint32) *T { return &r.entries[count&r.mask] }

// waiting is how many entries were put in and not taken out.
func (r *ring[T]) waiting() uint32 {
	return atomic.LoadUint32(r.producer) - atomic.LoadUint32(r.consumer)
}

// room is how many more can be put in.
func (r *ring[T]) room() int { return len(r.entries) - int(r.waiting()) }
