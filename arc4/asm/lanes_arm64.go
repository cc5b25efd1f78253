//go:build !purego

package asm

// lane is one stream of four. Its size keeps permutations from lying a power of
// two apart, because processors take addresses for the same at first if they
// agree in their lower bits.
type lane struct {
	perm
	_ [56]byte
}

const (
	width = 4

	// narrow is how many streams are sooner done one after another.
	narrow = 2

	// longRun is how many blocks the lanes do in one go. The scheduler cannot
	// interrupt it, and a lane without work needs as much spare memory.
	longRun = 128
)

// setLanes runs the key set-up of four lanes. keys points to 16 bytes for the
// first 16 steps of the first lane, keys+stride to those for the next, and so
// on; the next lane's are 256 bytes further.
//
//go:noescape
func setLanes(lanes *lane, keys *byte, stride int)

// xorLanes XORs so many blocks of 16 bytes, blocks > 0, in each of four lanes,
// whose dst and src are the first of four slices.
//
//go:noescape
func xorLanes(lanes *lane, dst, src *[]byte, blocks int)

// quad is four lanes.
type quad struct {
	room [2][width]lane
	busy *[width]lane // being worked on: one of room, and wait is the other
	wait *[width]lane
	// keys are those of the key set-up, written out; see spread.
	keys [width][256]byte

	// setKey and xorBytes work on a stream by itself.
	setKey   func(perm *[256]byte, key *byte, stride int)
	xorBytes func(s *perm, dst, src *byte, n int)

	// dst and src are those of all lanes; a lane without work has idle.
	dst, src [width][]byte
	idle     [longRun * keyBlock]byte
}

func newQuad(setKey func(perm *[256]byte, key *byte, stride int), xorBytes func(s *perm, dst, src *byte, n int)) Lanes {
	q := &quad{setKey: setKey, xorBytes: xorBytes}
	q.busy, q.wait = &q.room[0], &q.room[1]
	return q
}

// Width implements [Lanes].
func (q *quad) Width() int { return width }

// SetKeys implements [Lanes].
func (q *quad) SetKeys(keys [][]byte) {
	if len(keys) <= narrow {
		for n, key := range keys {
			first, stride := blocks(key, &q.keys[n])
			w := &q.wait[n]
			q.setKey(&w.s, first, stride)
			w.i, w.j = 0, 0
		}
		return
	}
	setLanes(&q.wait[0], &q.keys[0][0], q.spread(keys))
}

// spread writes the keys out for the assembly, each as far as it does not
// repeat from block to block, and returns how far apart the blocks are.
func (q *quad) spread(keys [][]byte) (stride int) {
	end := keyBlock
	for _, key := range keys {
		if keyBlock%len(key) != 0 {
			end, stride = len(q.keys[0]), keyBlock
		}
	}
	for l, key := range keys {
		to := q.keys[l][:end]
		for n := copy(to, key); n < end; n *= 2 {
			copy(to[n:], to[:n])
		}
	}
	return stride
}

// Start implements [Lanes].
func (q *quad) Start(lane, n int) { q.busy[lane].perm = q.wait[n].perm }

// StartAll puts the streams of all places into their lanes: the waiting room and
// the lanes change places.
func (q *quad) StartAll() { q.busy, q.wait = q.wait, q.busy }

// Move implements [Lanes].
func (q *quad) Move(to, from int) { q.busy[to].perm = q.busy[from].perm }

// XORBlocks implements [Lanes].
func (q *quad) XORBlocks(dst, src [][]byte, blocks int) {
	if len(dst) <= narrow {
		for l := range dst {
			q.xorLane(l, dst[l][:blocks*keyBlock], src[l][:blocks*keyBlock])
		}
		return
	}
	if len(dst) == width && blocks <= longRun {
		xorLanes(&q.busy[0], &dst[0], &src[0], blocks)
		return
	}
	copy(q.dst[:], dst)
	copy(q.src[:], src)
	for l := len(dst); l < width; l++ {
		q.dst[l], q.src[l] = q.idle[:], q.idle[:]
	}
	for blocks > longRun {
		xorLanes(&q.busy[0], &q.dst[0], &q.src[0], longRun)
		for l := range dst {
			q.dst[l], q.src[l] = q.dst[l][longRun*keyBlock:], q.src[l][longRun*keyBlock:]
		}
		blocks -= longRun
	}
	xorLanes(&q.busy[0], &q.dst[0], &q.src[0], blocks)
	clear(q.dst[:])
	clear(q.src[:])
}

// Wipe implements [Lanes].
func (q *quad) Wipe(n int) {
	clear(q.room[0][:n])
	clear(q.room[1][:n])
	clear(q.keys[:n])
}

// xorLane does one lane as a stream of its own.
func (q *quad) xorLane(l int, dst, src []byte) {
	for len(src) > stretch {
		q.xorBytes(&q.busy[l].perm, &dst[0], &src[0], stretch)
		dst, src = dst[stretch:], src[stretch:]
	}
	q.xorBytes(&q.busy[l].perm, &dst[0], &src[0], len(src))
}
