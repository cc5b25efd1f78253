package mppe

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/arc4tun/arc4tun/arc4"
)

// A Reserve keeps keystreamSize bytes for a packet, the largest that a link has as a rule; a longer
// one has only its key there. keystreamStride is how far apart the keystreams lie: an odd number of
// cache lines keeps their beginnings out of each other's way.
const (
	keystreamSize   = 1504
	keystreamStride = (keystreamSize+63)&^63 | 64
)

// adaptEvery is after how many packets a Reserve looks how long they were.
const adaptEvery = 256

// Reserve is what packets of one direction will need, made before they come: neither the keys nor
// the keystream of stateless mode depend on the data. With it a packet costs one XOR; what is not
// there is made as ever, so that the bytes are the same in any case. It is for a processor that has
// nothing else to do: some goroutine calls Fill now and then.
//
// Fill is safe for concurrent use with the Encrypter or Decrypter that the Reserve belongs to, but
// not with itself. Neither ever waits for the other, but for an exchange of a few words; Wipe alone
// waits for Fill.
type Reserve struct {
	slots []slot
	slab  []byte // the slots' keystreams, keystreamStride bytes apart

	// head is the lowest index that may still be asked for, as far as Fill has been told; it is the
	// user's. made is the index after the last one that is there; it is Fill's. They lie apart, so
	// that neither side's writes slow the other.
	_    [64]byte
	head atomic.Int64
	_    [64]byte
	made atomic.Int64
	_    [64]byte

	// want is how long keystreams should be, seekTo where Fill is to go on if its chain is behind
	// that, with the key before.
	want    atomic.Int64
	seeking atomic.Bool
	mu      sync.Mutex
	seekTo  int64
	seekKey key
	_       [64]byte

	// Fill's own, while it holds filling: the chain, whose last key is that of index made-1.
	filling sync.Mutex
	wiped   bool
	keys    *keyChanger
	tip     key
	jobs    [chainWidth]arc4.Job
	_       [64]byte

	// The user's own: the true head, made as last seen, how many packets were noted since the last
	// look at their lengths, the longest of those, and the longest of those before.
	first, seen           int64
	noted, longest, older int
}

// slot is what is there for packet n: its key, and how many bytes of keystream.
type slot struct {
	n      int64
	key    key
	length int
}

// zeros is what RC4 is XORed to for its keystream alone.
var zeros [keystreamSize]byte

// newReserve gives the reserve that cfg asks for, or nil.
func newReserve(cfg Config) (*Reserve, error) {
	if cfg.Reserve <= 0 || !cfg.Stateless {
		return nil, nil
	}
	keys, session, err := newKeyChanger(cfg)
	if err != nil {
		return nil, err
	}
	r := &Reserve{slots: make([]slot, cfg.Reserve), slab: make([]byte, keystreamStride*cfg.Reserve), keys: keys, tip: session}
	for i := range r.slots {
		r.slots[i].n = -1
	}
	r.want.Store(keystreamSize)
	return r, nil
}

// ReserveBytes gives how many bytes of memory a Reserve for that many packets takes.
func ReserveBytes(packets int) int {
	return packets * (keystreamStride + int(unsafe.Sizeof(slot{})))
}

// Fill makes what the next few packets need and returns for how many; 0 if there is room for none.
// It takes as long as encrypting those packets.
func (r *Reserve) Fill() (made int) {
	r.filling.Lock()
	defer r.filling.Unlock()
	if r.wiped {
		return 0
	}
	next := r.made.Load()
	if r.seeking.Load() {
		r.mu.Lock()
		if r.seekTo > next {
			next, r.tip = r.seekTo, r.seekKey
			r.made.Store(next)
		}
		r.seeking.Store(false)
		r.mu.Unlock()
	}
	n := min(int64(sideBySide(r.keys.packets)), r.head.Load()+int64(len(r.slots))-next)
	if n <= 0 {
		return 0
	}
	length := min(int(r.want.Load()), keystreamSize)
	for i := range n {
		r.keys.change(&r.tip)
		at := int((next + i) % int64(len(r.slots)))
		s := &r.slots[at]
		*s = slot{n: next + i, key: r.tip, length: length}
		r.jobs[i] = arc4.Job{Key: s.key.b[:r.keys.length], Dst: r.slab[at*keystreamStride:][:length], Src: zeros[:length]}
	}
	r.keys.packets.XORKeyStreams(r.jobs[:n])
	r.made.Store(next + n)
	return int(n)
}

// reaches reports whether what was made goes as far as packet n.
func (r *Reserve) reaches(n int64) bool {
	if n >= r.seen {
		r.seen = r.made.Load()
	}
	return n < r.seen
}

// slot gives what is there for packet n, or nil. It stays as it is until n has passed.
func (r *Reserve) slot(n int64) *slot {
	if r == nil || n < r.first || !r.reaches(n) {
		return nil
	}
	if s := &r.slots[n%int64(len(r.slots))]; s.n == n {
		return s
	}
	return nil
}

// stream gives at least length bytes of keystream for packet n if they are there, or nil. They stay
// until n has passed.
func (r *Reserve) stream(n int64, length int) []byte {
	if s := r.slot(n); s != nil && length <= s.length {
		return r.slab[int(n%int64(len(r.slots)))*keystreamStride:][:s.length]
	}
	return nil
}

// take replaces k, the key before that of packet n, by it, and reports whether it is there. It
// counts as a change of keys: somebody has made it.
func (r *Reserve) take(n int64, keys *keyChanger, k *key) bool {
	s := r.slot(n)
	if s == nil {
		return false
	}
	*k = s.key
	keys.rekeys++
	return true
}

// passed notes that no packet before n will be asked for. Fill is told now and then only: it costs
// both sides.
func (r *Reserve) passed(n int64) {
	r.first = max(r.first, n)
	if r.first-r.head.Load() > int64(len(r.slots)/8) {
		r.head.Store(r.first)
	}
}

// follow has Fill go on at packet n, which comes next, if it has not come so far; k is the key of
// the one before.
func (r *Reserve) follow(n int64, k *key) {
	if r.reaches(n - 1) {
		return
	}
	r.mu.Lock()
	r.seekTo, r.seekKey = n, *k
	r.mu.Unlock()
	r.seeking.Store(true)
}

// moved notes that packet n, with key k, has become the furthest one received. Those a little
// before it may be late.
func (r *Reserve) moved(n int64, k *key, length int) {
	r.note(length)
	r.passed(n + 1 - int64(len(r.slots)/4))
	r.follow(n+1, k)
}

// note takes down that a packet had length bytes. Keystreams are made as long as the longest
// packets of late: those of acknowledgments would otherwise take longer to make than to do without.
func (r *Reserve) note(length int) {
	r.longest = max(r.longest, length)
	if r.noted++; r.noted == adaptEvery {
		r.older, r.longest, r.noted = r.longest, 0, 0
	}
	want := int64(max(r.longest, r.older)+63) &^ 63
	if r.noted == 0 || want > r.want.Load() {
		r.want.Store(want)
	}
}
