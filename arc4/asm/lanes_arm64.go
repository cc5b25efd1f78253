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

	// longRun is how many blocks four lanes do in one go: together a stretch.
	longRun = stretch / keyBlock / width
)

// setLanes4 runs the key set-up of four lanes. keys points to 16 bytes for the
// first 16 steps of the first lane, keys+stride to those for the next, and so
// on; the next lane's are 256 bytes further.
//
//go:noescape
func setLanes4(lanes *lane, keys *byte, stride int)

// setLanes2 does it for two lanes.
//
//go:noescape
func setLanes2(lanes *lane, keys *byte, stride int)

// xorLanes4 XORs so many blocks of 16 bytes, blocks > 0, in each of four lanes,
// whose dst and src are the first of four slices.
//
//go:noescape
func xorLanes4(lanes *lane, dst, src *[]byte, blocks int)

// xorLanes2 does it in two lanes.
//
//go:noescape
func xorLanes2(lanes *lane, dst, src *[]byte, blocks int)

// quad is four lanes.
type quad struct {
	room [2][width]lane
	busy *[width]lane // being worked on: one of room, and wait is the other
	wait *[width]lane
	// keys are those of the key set-up, written out; see spread.
	keys [width][256]byte
	// dst and src are those of all lanes.
	dst, src [width][]byte
}

func newQuad() Lanes {
	q := new(quad)
	q.busy, q.wait = &q.room[0], &q.room[1]
	return q
}

// Width implements [Lanes].
func (q *quad) Width() int { return width }

// SetKeys implements [Lanes].
func (q *quad) SetKeys(keys [][]byte) {
	if len(keys) == 1 {
		setKeyOf(&q.wait[0].perm, keys[0])
		return
	}
	stride := q.spread(keys)
	if len(keys) == width {
		setLanes4(&q.wait[0], &q.keys[0][0], stride)
		return
	}
	setLanes2(&q.wait[0], &q.keys[0][0], stride)
	if len(keys) == 3 {
		setKeyOf(&q.wait[2].perm, keys[2])
	}
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
	if len(dst) == width && blocks <= longRun {
		xorLanes4(&q.busy[0], &dst[0], &src[0], blocks)
		return
	}
	n := copy(q.dst[:], dst)
	copy(q.src[:], src)
	for {
		run := min(blocks, longRun)
		q.xorRun(n, run)
		if blocks -= run; blocks == 0 {
			break
		}
		for l := range n {
			q.dst[l], q.src[l] = q.dst[l][run*keyBlock:], q.src[l][run*keyBlock:]
		}
	}
	clear(q.dst[:])
	clear(q.src[:])
}

// xorRun does so many blocks of the first n lanes.
func (q *quad) xorRun(n, blocks int) {
	if n == width {
		xorLanes4(&q.busy[0], &q.dst[0], &q.src[0], blocks)
		return
	}
	l := 0
	if n >= 2 {
		xorLanes2(&q.busy[0], &q.dst[0], &q.src[0], blocks)
		l = 2
	}
	if l < n {
		xorBytes(&q.busy[l].perm, &q.dst[l][0], &q.src[l][0], blocks*keyBlock)
	}
}
