package reorder

// history remembers which of the last Size sequence numbers behind the head
// were delivered: one bit each, at the number modulo Size.
type history struct {
	bits []uint64
	mask uint32
}

func newHistory(size int) history {
	return history{bits: make([]uint64, (size+63)/64), mask: uint32(size - 1)}
}

func (h *history) has(seq uint32) bool {
	i := seq & h.mask
	return h.bits[i/64]&(1<<(i%64)) != 0
}

func (h *history) set(seq uint32) {
	i := seq & h.mask
	h.bits[i/64] |= 1 << (i % 64)
}

func (h *history) clear(seq uint32) {
	i := seq & h.mask
	h.bits[i/64] &^= 1 << (i % 64)
}

// clearRange clears n numbers from seq on and returns how many words it wrote.
func (h *history) clearRange(seq, n uint32) (words uint64) {
	if n > h.mask {
		clear(h.bits)
		return uint64(len(h.bits))
	}
	for n > 0 {
		i := seq & h.mask
		from := i % 64
		// A step ends with its word, or with the ring where that is shorter.
		step := min(64-from, h.mask+1-i, n)
		h.bits[i/64] &^= (^uint64(0) >> (64 - step)) << from
		seq += step
		n -= step
		words++
	}
	return words
}
