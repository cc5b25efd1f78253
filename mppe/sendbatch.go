package mppe

import (
	"slices"

	"github.com/arc4tun/arc4tun/arc4"
)

// batchSize is how many packets are handed to the RC4 backend at once.
const batchSize = 64

// SendBatch encrypts packets of several sessions together: their key chains take their steps side by side, and so do the
// packets. What comes out is what each session's EncryptBatch would have given. The zero value is empty and ready; it is
// some 8 KiB large, is meant to be used again and again, and is not safe for concurrent use.
type SendBatch struct {
	runs   []sendRun
	chains chains
	keys   [batchSize]key
	jobs   [batchSize]arc4.Job
	n      int // jobs that wait
}

// sendRun is what is left to do of one session's packets.
type sendRun struct {
	enc          *Encrypter
	dst, packets [][]byte
}

// Add takes in packets of one session, for which Encrypt will do what enc.EncryptBatch(dst, packets) does. Until then
// neither enc nor any of the slices may be touched. No packet and no room for one may overlap another one's.
//
// What cannot wait is done at once: packets in stateful mode, which depend on each other, and what was added before,
// if the session is in already or has another RC4 backend.
func (b *SendBatch) Add(enc *Encrypter, dst, packets [][]byte) {
	if !enc.stateless {
		enc.EncryptBatch(dst, packets)
		return
	}
	if len(packets) == 0 {
		return
	}
	if enc.queued || len(b.runs) > 0 && b.runs[0].enc.keys.backend != enc.keys.backend {
		b.Encrypt()
	}
	enc.queued = true
	b.runs = append(b.runs, sendRun{enc, dst, packets})
}

// Encrypt does all that was added, and leaves the batch empty.
func (b *SendBatch) Encrypt() {
	for len(b.runs) > 0 {
		backend := b.runs[0].enc.keys.backend
		b.round(b.runs[:min(len(b.runs), chainWidth, batchSize-b.n)])
		if b.n == batchSize || len(b.runs) == 0 {
			backend.XORKeyStreams(b.jobs[:b.n])
			// The jobs must not keep the caller's buffers alive.
			clear(b.jobs[:b.n])
			b.n = 0
		}
	}
}

// round prepares the next packet of every run: its key, its header, its job.
func (b *SendBatch) round(runs []sendRun) {
	for i := range runs {
		e := runs[i].enc
		b.chains.add(link{keys: e.keys, key: &e.session})
	}
	b.chains.step()
	finished := false
	for i := range runs {
		r := &runs[i]
		all, out := r.enc.frame(r.dst[0], r.packets[0], true)
		k := &b.keys[b.n]
		*k = r.enc.session
		b.jobs[b.n] = arc4.Job{Key: k[:r.enc.keys.length], Dst: out, Src: r.packets[0]}
		b.n++
		r.dst[0] = all
		r.dst, r.packets = r.dst[1:], r.packets[1:]
		finished = finished || len(r.packets) == 0
	}
	if finished {
		b.runs = slices.DeleteFunc(b.runs, func(r sendRun) bool {
			if len(r.packets) > 0 {
				return false
			}
			r.enc.queued = false
			return true
		})
	}
}
