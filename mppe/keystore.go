package mppe

import "math/bits"

// The keys of the last packets and of the look-ahead are kept in blocks of blockSize keys, and so
// is which of the packets came. A block whose packets all came is given back at once, so that a
// stream in order holds one or two blocks (1 KiB each); only gaps and look-ahead hold more, at most
// 66 with the least history.
const (
	// leastHistory is how far behind the furthest packet the coherency count alone tells where a
	// packet belongs.
	leastHistory = countSpace / 2
	// mostHistory is what a Config may ask for.
	mostHistory = 1 << 20
	blockSize   = 64
)

// block holds the session keys of blockSize packets that follow each other.
type block [blockSize]key

// indexSet is a set of indices that lie within one window of each other, with a word for every
// block; how many there are is a power of two.
type indexSet []uint64

func (s indexSet) slot(n int64) int64 { return n >> 6 & int64(len(s)-1) }
func (s indexSet) has(n int64) bool   { return s[s.slot(n)]>>(n&(blockSize-1))&1 != 0 }
func (s indexSet) add(n int64)        { s[s.slot(n)] |= 1 << (n & (blockSize - 1)) }
func (s indexSet) remove(n int64)     { s[s.slot(n)] &^= 1 << (n & (blockSize - 1)) }

// keyStore is the chain of session keys of a stateless session, each derived once. Packets are
// known by their index: the coherency count, counted on beyond 12 bits.
type keyStore struct {
	keys *keyChanger
	// history is how far behind the furthest packet keys are kept.
	history int64
	// reserve is nil if there is none.
	reserve *Reserve
	// tip is the index of the last key derived, tipKey that key; tip is -1 when there is only the
	// initial session key.
	tip    int64
	tipKey key
	// floor is the lowest index whose key was ever stored, oldest the lowest block that is not
	// given back for its age.
	floor  int64
	oldest int64
	blocks []*block // as many as used has words
	// used has the packets that were decrypted.
	used  indexSet
	spare []*block
}

// newKeyStore is one that begins with the initial session key and keeps the keys of that many
// packets, at least.
func newKeyStore(keys *keyChanger, reserve *Reserve, session key, history int) keyStore {
	history = (max(history, leastHistory) + blockSize - 1) / blockSize * blockSize
	// A power of two above the blocks that the window can touch.
	slots := 1 << bits.Len(uint((history+lookAhead)/blockSize+1))
	return keyStore{
		keys: keys, reserve: reserve, tip: -1, tipKey: session, history: int64(history),
		blocks: make([]*block, slots), used: make(indexSet, slots),
	}
}

// at gives the key of packet n, which must not be below floor, nor too old, nor used. It derives
// what is missing up to n.
func (s *keyStore) at(n int64) *key {
	s.derive(n)
	return &s.blocks[s.used.slot(n)][n&(blockSize-1)]
}

// derive derives what is missing up to the key of packet n.
func (s *keyStore) derive(n int64) {
	for s.tip < n {
		if s.reserve == nil || !s.reserve.take(s.tip+1, s.keys, &s.tipKey) {
			s.keys.change(&s.tipKey)
		}
		s.grown()
	}
}

// grown takes in that tipKey has become the key after the one that it was.
func (s *keyStore) grown() {
	s.tip++
	s.store()
}

// store puts tipKey into its block.
func (s *keyStore) store() {
	slot := s.used.slot(s.tip)
	b := s.blocks[slot]
	if b == nil {
		if last := len(s.spare) - 1; last >= 0 {
			b, s.spare = s.spare[last], s.spare[:last]
		} else {
			b = new(block)
		}
		s.blocks[slot] = b
	}
	b[s.tip&(blockSize-1)] = s.tipKey
}

// use marks packet n as decrypted.
func (s *keyStore) use(n int64) {
	s.used.add(n)
	slot := s.used.slot(n)
	if s.used[slot] == ^uint64(0) {
		s.giveBack(slot)
	}
}

// forget gives back the blocks that lie before packet n altogether.
func (s *keyStore) forget(n int64) {
	for ; s.oldest < n>>6; s.oldest++ {
		slot := s.used.slot(s.oldest * blockSize)
		s.giveBack(slot)
		s.used[slot] = 0
	}
}

func (s *keyStore) giveBack(slot int64) {
	if b := s.blocks[slot]; b != nil {
		s.spare = append(s.spare, b)
		s.blocks[slot] = nil
	}
}

// restart continues the chain at packet n with its key k; everything before is gone.
func (s *keyStore) restart(n int64, k key) {
	for slot := range int64(len(s.blocks)) {
		s.giveBack(slot)
		s.used[slot] = 0
	}
	s.tip, s.tipKey, s.floor, s.oldest = n, k, n, n>>6
	// The block is complete without those before n, which can no longer come.
	s.used[s.used.slot(n)] = 1<<(n&(blockSize-1)) - 1
	s.store()
}
