package generic

//go:generate go run ./gen -o kernels.go

// maxWidth is the most lanes that kernels are written for.
const maxWidth = 4

// Lanes works on several key streams in turn, a step of each: while the loads
// of one wait for its stores, the processor has the others' to do. So nothing
// looks ahead here. Blocks begin where a stream's i is a multiple of 16, and the
// entries of their steps are found without arithmetic.
//
// On Intel's Sapphire Rapids a byte takes 0.83 ns with three lanes and 0.86 with
// two, against 1.17 in a stream of its own, and a key set-up 188 ns against 312.
// With four, the 14 registers that Go leaves on amd64 are too few, and a byte
// takes 0.97; with permutations of bytes it takes 0.94 in four lanes, 0.99 in
// three and 2.3 in two. See width.
type Lanes struct {
	busy, wait [maxWidth]lane
	keys       [maxWidth]spreadKey
}

// lane is a key stream. Permutations must not lie a multiple of 4096 bytes
// apart, nor a large fraction of it, because processors take addresses for the
// same at first if they agree in their lower bits.
type lane struct {
	Unrolled
	_ [60]byte
}

// take copies the key stream of other. An assignment of the whole would take
// twice as long, as the compiler copies it in small pieces.
func (l *lane) take(other *lane) {
	copy(l.s[:], other.s[:])
	l.i, l.j = other.i, other.j
}

// Width is the number of lanes, and of places in the waiting room.
func (l *Lanes) Width() int { return width }

// SetKeys runs the key set-up for 1 to Width keys of 1 to 256 bytes;
// afterwards place n of the waiting room holds the start of keys[n]'s stream.
func (l *Lanes) SetKeys(keys [][]byte) {
	switch len(keys) {
	case 4:
		l.setFour(keys)
	case 3:
		l.setThree(keys)
	default:
		for n, key := range keys {
			l.wait[n].SetKey(key)
		}
	}
}

// begin gives place n of the waiting room the permutation that the key set-up
// starts with, and writes its key out: the bytes for the steps from i are then
// at i&mask.
func (l *Lanes) begin(n int, key []byte) (mask int) {
	w := &l.wait[n]
	copy(w.s[:], ordered[:])
	w.i, w.j = 0, 0
	return l.keys[n].set(key)
}

// Start puts a copy of what waits at place n into a lane.
func (l *Lanes) Start(lane, n int) { l.busy[lane].take(&l.wait[n]) }

// Move puts a copy of what is in lane from into lane to.
func (l *Lanes) Move(to, from int) { l.busy[to].take(&l.busy[from]) }

// Wipe overwrites the keys and permutations in the first n lanes and in the
// first n places of the waiting room; afterwards they hold nothing of use.
func (l *Lanes) Wipe(n int) {
	clear(l.busy[:n])
	clear(l.wait[:n])
	clear(l.keys[:n])
}

// XORBlocks sets dst[n] to src[n] XORed with the next 16*blocks bytes of the
// stream in lane n, for every n below len(dst), which is 1 to Width. All slices
// have at least that many bytes; blocks is at least 1.
func (l *Lanes) XORBlocks(dst, src [][]byte, blocks int) {
	switch len(dst) {
	case 4:
		l.xorFour(dst, src, blocks)
	case 3:
		l.xorThree(dst, src, blocks)
	case 2:
		l.xorTwo(dst, src, blocks)
	default:
		l.busy[0].XORKeyStream(dst[0][:16*blocks], src[0][:16*blocks])
	}
}
