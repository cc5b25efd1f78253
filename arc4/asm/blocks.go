//go:build !purego && (amd64 || arm || arm64 || mips || mipsle)

package asm

const (
	// keyBlock is how many steps of the key set-up the assembly unrolls.
	keyBlock = 16

	// stretch is how many bytes the assembly does in one go. The scheduler
	// cannot interrupt it, and a slow router needs 2 ms for this many. It is a
	// multiple of the 16 bytes the assembly unrolls, so that one stretch ends
	// where the next can begin at full speed.
	stretch = 1 << 16
)

// blocks returns the key as the unrolled key set-up reads it, keyBlock bytes a
// round: the first bytes, and how far the next ones are from them. A key whose
// length divides keyBlock repeats within the block and has a stride of 0; any
// other is written out over spread.
func blocks(key []byte, spread *[256]byte) (first *byte, stride int) {
	if len(key) == keyBlock {
		return &key[0], 0
	}
	end := len(spread)
	stride = keyBlock
	if keyBlock%len(key) == 0 {
		end, stride = keyBlock, 0
	}
	for n := copy(spread[:end], key); n < end; n *= 2 {
		copy(spread[n:end], spread[:n])
	}
	return &spread[0], stride
}
