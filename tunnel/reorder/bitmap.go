package reorder

// bitmap has a bit for each of Size sequence numbers in a row, at the number modulo Size.
type bitmap struct {
	bits []uint64
	mask uint32
}

func newBitmap(size int) bitmap {
	return bitmap{bits: make([]uint64, (size+63)/64), mask: uint32(size - 1)}
}

func (b *bitmap) has(seq uint32) bool {
	i := seq & b.mask
	return b.bits[i/64]&(1<<(i%64)) != 0
}

func (b *bitmap) set(seq uint32) {
	i := seq & b.mask
	b.bits[i/64] |= 1 << (i % 64)
}

func (b *bitmap) clear(seq uint32) {
	i := seq & b.mask
	b.bits[i/64] &^= 1 << (i % 64)
}

// clearRange clears n numbers from seq on and returns how many words it wrote.
func (b *bitmap) clearRange(seq, n uint32) (words uint64) {
	if n > b.mask {
		clear(b.bits)
		return uint64(len(b.bits))
	}
	for n > 0 {
		i := seq & b.mask
		from := i % 64
		// A step ends with its word, or with the ring where that is shorter.
		step := min(64-from, b.mask+1-i, n)
		b.bits[i/64] &^= (^uint64(0) >> (64 - step)) << from
		seq += step
		n -= step
		words++
	}
	return words
}
