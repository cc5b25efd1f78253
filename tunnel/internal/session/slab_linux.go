package session

import "golang.org/x/sys/unix"

func mapSlab(size int) (slab []byte, free func(), err error) {
	slab, err = unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, nil, err
	}
	// A huge page for every packet would be touched whole.
	_ = unix.Madvise(slab, unix.MADV_NOHUGEPAGE)
	return slab, func() { _ = unix.Munmap(slab) }, nil
}
