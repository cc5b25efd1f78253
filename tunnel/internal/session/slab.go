package session

// newSlab makes a large block of memory that is used from its beginning on, and of which most is
// never touched. On the heap what is not touched takes no memory either, but the garbage collector
// counts it, and lets as much garbage gather before it looks: with offHeap the block comes from the
// system where that is possible. Nobody may use it after free.
func newSlab(size int, offHeap bool) (slab []byte, free func()) {
	if offHeap {
		if slab, free, err := mapSlab(size); err == nil {
			return slab, free
		}
	}
	return make([]byte, size), func() {}
}
