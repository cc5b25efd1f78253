package mppe

import (
	"slices"

	"github.com/arc4tun/arc4tun/arc4"
)

// batchSize is how many packets are handed to the RC4 backend at once at most.
const batchSize = 128

// fullBatch is batchSize, or a little less: as many packets as leave none of the backend's streams
// without work at the end, if they are of the same length.
func fullBatch(packets *arc4.Backend) int {
	return batchSize - batchSize%max(1, min(packets.Streams(), batchSize))
}

// SendBatch encrypts packets of several sessions together: their key chains take their steps side
// by side, and so do the packets. The zero value is empty and ready; it is some 13 KiB large, is
// meant to be used again and again, and is not safe for concurrent use.
type SendBatch struct {
	runs   []sendRun
	chains chains
	keys   [batchSize]key
	jobs   [batchSize]arc4.Job
	n      int // jobs that wait
	next   int // the run whose chain steps next
}

// sendRun is what is left to do of one session's packets.
type sendRun struct {
	enc          *Encrypter
	dst, packets [][]byte
}

// Add takes in packets of one session, for which Encrypt will do dst[i] = enc.Encrypt(dst[i],
// packets[i]), with the same bytes as result. Until then neither enc nor any of the slices may be
// touched. No packet and no room for one may overlap another one's.
//
// What cannot wait is done at once: packets in stateful mode, which depend on each other, and what
// was added before, if the session is in already or has another RC4 backend.
func (b *SendBatch) Add(enc *Encrypter, dst, packets [][]byte) {
	if !enc.stateless {
		for i, p := range packets {
			dst[i] = enc.Encrypt(dst[i], p)
		}
		return
	}
	if len(packets) == 0 {
		return
	}
	if enc.queued || len(b.runs) > 0 && b.runs[0].enc.keys.packets != enc.keys.packets {
		b.Encrypt()
	}
	enc.queued = true
	b.runs = append(b.runs, sendRun{enc, dst, packets})
}

// Encrypt encrypts all that was added, and leaves the batch empty.
func (b *SendBatch) Encrypt() {
	for len(b.runs) > 0 {
		packets := b.runs[0].enc.keys.packets
		width, full := sideBySide(packets), fullBatch(packets)
		for len(b.runs) > 0 && b.n < full {
			if last := &b.runs[len(b.runs)-1]; len(b.runs) < width || width < 2 || last.enc.reserve != nil {
				b.alone(last, full-b.n)
			} else {
				b.round(min(width, full-b.n))
			}
			b.finish()
		}
		packets.XORKeyStreams(b.jobs[:b.n])
		// The jobs must not keep the caller's buffers alive, nor the keys outlive their session.
		clear(b.jobs[:b.n])
		clear(b.keys[:b.n])
		b.n = 0
	}
}

// alone prepares the next packets of one run, at most n.
func (b *SendBatch) alone(r *sendRun, n int) {
	n = min(n, len(r.packets))
	for i := range n {
		r.enc.nextKey()
		b.job(r, i)
	}
	if e := r.enc; e.reserve != nil {
		e.reserve.follow(e.next, &e.session)
	}
	r.dst, r.packets = r.dst[n:], r.packets[n:]
}

// round prepares the next packet of width of the runs.
func (b *SendBatch) round(width int) {
	for i := range width {
		e := b.runs[(b.next+i)%len(b.runs)].enc
		b.chains.add(link{keys: e.keys, key: &e.session})
	}
	b.chains.step()
	for i := range width {
		r := &b.runs[(b.next+i)%len(b.runs)]
		b.job(r, 0)
		r.dst, r.packets = r.dst[1:], r.packets[1:]
	}
	b.next += width
}

// job makes a job of packet i of the run, whose session key is there.
func (b *SendBatch) job(r *sendRun, i int) {
	all, out := r.enc.frame(r.dst[i], r.packets[i], true)
	r.dst[i] = all
	if r.enc.reserve != nil && r.enc.fromReserve(out, r.packets[i]) {
		return
	}
	k := &b.keys[b.n]
	*k = r.enc.session
	b.jobs[b.n] = arc4.Job{Key: k.b[:r.enc.keys.length], Dst: out, Src: r.packets[i]}
	b.n++
}

// finish takes off the runs that have no packets left.
func (b *SendBatch) finish() {
	b.runs = slices.DeleteFunc(b.runs, func(r sendRun) bool {
		if len(r.packets) > 0 {
			return false
		}
		r.enc.queued = false
		return true
	})
	b.next %= max(1, len(b.runs))
}
