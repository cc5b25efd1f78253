//go:build !purego

package asm

// lane is one stream of six. Its size keeps permutations from lying a power of
// two apart, because processors take addresses for the same at first if they
// agree in their lower bits.
type lane struct {
	perm
	_ [56]byte
}

const (
	width = 6

	// narrow is how many streams are still done sooner one after another.
	narrow = 4

	// longRun is how many blocks the lanes do in one go. The scheduler cannot
	// interrupt it, and lanes without work need as much spare memory.
	longRun = 128
)

// setLanesSSE2 runs the key set-up of six lanes. keys points to 16 bytes for the
// first 16 steps of each lane, keys+stride to those for the next, and so on.
//
//go:noescape
func setLanesSSE2(lanes *lane, keys *byte, stride int)

// setLanesAVX512 is the same.
//
//go:noescape
func setLanesAVX512(lanes *lane, keys *byte, stride int)

// xorLanesSSE41 XORs so many blocks of 16 bytes, blocks > 0, in each of six
// lanes, whose dst and src are the first of six slices.
//
//go:noescape
func xorLanesSSE41(lanes *lane, dst, src *[]byte, blocks int)

// xorLanesAVX512 is the same.
//
//go:noescape
func xorLanesAVX512(lanes *lane, dst, src *[]byte, blocks int)

// byteLanes are six lanes on permutations of bytes.
type byteLanes struct {
	room [2][width]lane
	busy *[width]lane // being worked on: one of room, and wait is the other
	wait *[width]lane
	// keys has 16 bytes of each key, then the next 16 of each.
	keys [256 / keyBlock][width][keyBlock]byte
	long bool // keys has been used beyond its first 16 bytes of each

	setLanes func(lanes *lane, keys *byte, stride int)
	xorLanes func(lanes *lane, dst, src *[]byte, blocks int)
	xorBytes func(s *perm, dst, src *byte, n int)

	// dst and src are those of all lanes; lanes without work have idle.
	dst, src [width][]byte
	idle     [longRun * keyBlock]byte
}

// ready completes b, whose routines are set.
func (b *byteLanes) ready() Lanes {
	b.busy, b.wait = &b.room[0], &b.room[1]
	return b
}

// Width implements [Lanes].
func (b *byteLanes) Width() int { return width }

// SetKeys implements [Lanes].
func (b *byteLanes) SetKeys(keys [][]byte) {
	if len(keys) <= narrow {
		for n, key := range keys {
			b.wait[n].setKey(key)
		}
		return
	}
	// A key whose length divides keyBlock is the same in every block.
	blocks, stride := 1, 0
	for _, key := range keys {
		if keyBlock%len(key) != 0 {
			blocks, stride = len(b.keys), len(b.keys[0])*keyBlock
			b.long = true
		}
	}
	for n, key := range keys {
		if len(key) == keyBlock && blocks == 1 {
			b.keys[0][n] = [keyBlock]byte(key)
			continue
		}
		k := 0
		for block := range blocks {
			at := b.keys[block][n][:]
			for len(at) > 0 {
				c := copy(at, key[k:])
				at = at[c:]
				if k += c; k == len(key) {
					k = 0
				}
			}
		}
	}
	b.setLanes(&b.wait[0], &b.keys[0][0][0], stride)
}

// Start implements [Lanes].
func (b *byteLanes) Start(lane, n int) { b.busy[lane].perm = b.wait[n].perm }

// StartAll puts the streams of all places into their lanes: the waiting room and
// the lanes change places.
func (b *byteLanes) StartAll() { b.busy, b.wait = b.wait, b.busy }

// Move implements [Lanes].
func (b *byteLanes) Move(to, from int) { b.busy[to].perm = b.busy[from].perm }

// XORBlocks implements [Lanes].
func (b *byteLanes) XORBlocks(dst, src [][]byte, blocks int) {
	if len(dst) <= narrow {
		for l := range dst {
			b.xorLane(l, dst[l][:blocks*keyBlock], src[l][:blocks*keyBlock])
		}
		return
	}
	if len(dst) == width && blocks <= longRun {
		b.xorLanes(&b.busy[0], &dst[0], &src[0], blocks)
		return
	}
	copy(b.dst[:], dst)
	copy(b.src[:], src)
	for l := len(dst); l < width; l++ {
		b.dst[l], b.src[l] = b.idle[:], b.idle[:]
	}
	for blocks > longRun {
		b.xorLanes(&b.busy[0], &b.dst[0], &b.src[0], longRun)
		for l := range dst {
			b.dst[l], b.src[l] = b.dst[l][longRun*keyBlock:], b.src[l][longRun*keyBlock:]
		}
		blocks -= longRun
	}
	b.xorLanes(&b.busy[0], &b.dst[0], &b.src[0], blocks)
	clear(b.dst[:])
	clear(b.src[:])
}

// Wipe implements [Lanes].
func (b *byteLanes) Wipe(n int) {
	clear(b.room[0][:n])
	clear(b.room[1][:n])
	clear(b.keys[0][:n])
	if b.long {
		clear(b.keys[1:])
		b.long = false
	}
}

// xorLane does one lane as a stream of its own.
func (b *byteLanes) xorLane(l int, dst, src []byte) {
	for len(src) > stretch {
		b.xorBytes(&b.busy[l].perm, &dst[0], &src[0], stretch)
		dst, src = dst[stretch:], src[stretch:]
	}
	b.xorBytes(&b.busy[l].perm, &dst[0], &src[0], len(src))
}
