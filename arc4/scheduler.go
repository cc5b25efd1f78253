package arc4

import "math/bits"

// lanes is what an implementation with several streams at once provides; its
// methods are those of [asm.Lanes], which says what each does.
type lanes interface {
	Width() int
	SetKeys(keys [][]byte)
	Start(lane, n int)
	Move(to, from int)
	XORBlocks(dst, src [][]byte, blocks int)
	Wipe(n int)
}

// fullStart is what lanes may have besides: StartAll puts what waits at each
// place into the lane of that number, for less than starting them singly. The
// waiting room is empty afterwards.
type fullStart interface {
	StartAll()
}

const (
	// blockSize is what lanes count in, in bytes.
	blockSize = 16
	// maxWidth is the most lanes an implementation has.
	maxWidth = 16
	// maxRound is how many jobs are put in order at a time.
	maxRound = 256
	// sizeClasses is how many lengths are told apart when jobs are put in order.
	sizeClasses = 16
)

// scheduler brings jobs of unequal length to lanes. All lanes run until the
// first has no whole block left; that one does its last, partial block in a
// buffer of its own, while the others go on with a block of theirs, and takes
// the next job. Long jobs go first, so that towards the end, when there are
// more lanes than jobs, there is little left to do.
type scheduler struct {
	lanes lanes
	all   fullStart // nil if lanes has it not
	width int

	// jobs in the order that order gives; next is the first that does not wait yet.
	jobs  []Job
	order [maxRound]uint16
	next  int
	count int

	// The waiting room has the states of jobs whose key set-up is done: jobs
	// waiting[first] to waiting[filled-1], at the same places.
	waiting       [maxWidth]*Job
	keys          [maxWidth][]byte
	first, filled int

	// active lanes are 0 to active-1. out is where a lane's partial block goes
	// when it is done; nil while the lane has whole blocks.
	active   int
	dst, src [maxWidth][]byte
	out      [maxWidth][]byte
	partial  [maxWidth][blockSize]byte

	// used is how many lanes, and places of the waiting room, have had a key.
	used int
}

func newScheduler(l lanes) *scheduler {
	all, _ := l.(fullStart)
	return &scheduler{lanes: l, all: all, width: l.Width()}
}

// run does all jobs. It keeps no reference to them, and nothing of their keys: a
// scheduler may lie in its pool for as long as the program runs.
func (s *scheduler) run(jobs []Job) {
	for len(jobs) > 0 {
		n := min(len(jobs), maxRound)
		s.round(jobs[:n])
		jobs = jobs[n:]
	}
	s.jobs = nil
	clear(s.waiting[:])
	clear(s.keys[:])
	clear(s.dst[:])
	clear(s.src[:])
	clear(s.out[:])
	clear(s.partial[:s.used])
	s.lanes.Wipe(s.used)
	s.used = 0
}

func (s *scheduler) round(jobs []Job) {
	s.jobs = jobs
	s.sort()
	for s.begin() {
		least := len(s.src[0])
		for l := 1; l < s.active; l++ {
			least = min(least, len(s.src[l]))
		}
		blocks := least / blockSize
		s.lanes.XORBlocks(s.dst[:s.active], s.src[:s.active], blocks)
		s.advance(blocks * blockSize)
	}
}

// sort puts the jobs in order, longest first, by the number of bits in their
// length: a job in a class is at most twice as long as another. Empty ones are
// left out.
func (s *scheduler) sort() {
	s.next, s.count = 0, 0
	classes := [sizeClasses]uint16{}
	for n := range s.jobs {
		if len(s.jobs[n].Src) > 0 {
			classes[class(&s.jobs[n])]++
			s.order[s.count] = uint16(n)
			s.count++
		}
	}
	if s.count == 0 || int(classes[class(&s.jobs[s.order[0]])]) == s.count {
		return // one class, as the packets of a bulk transfer are
	}
	start := uint16(0)
	for c, n := range classes {
		classes[c], start = start, start+n
	}
	for n := range s.jobs {
		if len(s.jobs[n].Src) > 0 {
			c := class(&s.jobs[n])
			s.order[classes[c]] = uint16(n)
			classes[c]++
		}
	}
}

// class is 0 for the longest jobs and sizeClasses-1 for those under a block.
func class(j *Job) int {
	return sizeClasses - 1 - min(bits.Len(uint(len(j.Src)/blockSize)), sizeClasses-1)
}

// begin gives all lanes work, if there is any, when none has. It is false if
// nothing is left to do.
func (s *scheduler) begin() bool {
	if s.active > 0 {
		return true
	}
	if s.all != nil && s.prepare() && s.first == 0 {
		for l := range s.filled {
			s.assign(l, s.waiting[l])
		}
		s.first, s.active = s.filled, s.filled
		s.all.StartAll()
	}
	for s.active < s.width && s.start(s.active) {
		s.active++
	}
	return s.active > 0
}

// start gives the lane the next job. It is false if there is none.
func (s *scheduler) start(l int) bool {
	if !s.prepare() {
		return false
	}
	s.lanes.Start(l, s.first)
	s.assign(l, s.waiting[s.first])
	s.first++
	return true
}

// assign makes j the lane's work.
func (s *scheduler) assign(l int, j *Job) {
	s.dst[l], s.src[l], s.out[l] = j.Dst[:len(j.Src)], j.Src, nil
	s.split(l)
}

// prepare sees to it that a job waits with its key set up, if there is one
// left. The waiting room is filled when it is empty, because key set-ups are
// cheapest side by side too.
func (s *scheduler) prepare() bool {
	if s.first < s.filled {
		return true
	}
	n := min(s.count-s.next, s.width)
	if n == 0 {
		return false
	}
	for k := range n {
		j := &s.jobs[s.order[s.next]]
		s.next++
		s.waiting[k], s.keys[k] = j, j.Key
	}
	s.lanes.SetKeys(s.keys[:n])
	s.first, s.filled = 0, n
	s.used = max(s.used, n)
	return true
}

// advance takes n bytes off the work of every lane. If that leaves no lane any
// work, begin starts them all; otherwise each that has none gets the next job, or
// goes out of use.
func (s *scheduler) advance(n int) {
	var ended [maxWidth]uint8
	count := 0
	for l := range s.active {
		switch {
		case s.out[l] != nil:
			copy(s.out[l], s.partial[l][:])
		case len(s.src[l]) > n:
			s.dst[l], s.src[l] = s.dst[l][n:], s.src[l][n:]
			s.split(l)
			continue
		}
		ended[count] = uint8(l)
		count++
	}
	if count == s.active {
		s.active = 0
		return
	}
	// From the last, because free moves the last lane.
	for count > 0 {
		count--
		if l := int(ended[count]); !s.start(l) {
			s.free(l)
		}
	}
}

// split moves what is left of the lane's work into its partial block, if it is
// less than a block.
func (s *scheduler) split(l int) {
	if len(s.src[l]) < blockSize {
		copy(s.partial[l][:], s.src[l])
		s.out[l] = s.dst[l]
		s.dst[l], s.src[l] = s.partial[l][:], s.partial[l][:]
	}
}

// free takes the lane out of use, and the last one moves to its place.
func (s *scheduler) free(l int) {
	last := s.active - 1
	if l != last {
		s.lanes.Move(l, last)
		s.dst[l], s.src[l], s.out[l] = s.dst[last], s.src[last], s.out[last]
		if s.out[l] != nil {
			s.partial[l] = s.partial[last]
			s.dst[l], s.src[l] = s.partial[l][:], s.partial[l][:]
		}
	}
	s.active = last
}
