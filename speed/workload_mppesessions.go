package speed

import (
	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/mppe"
)

// sessionsPerCall is how many sessions the packets of a call of [MPPESessions] belong to.
const sessionsPerCall = 8

// mppeSessionsWork is [MPPESessions]: what a server's tunnel device hands over, sorted by session.
type mppeSessionsWork struct {
	encrypters [sessionsPerCall]*mppe.Encrypter
	batch      mppe.SendBatch
	frames     *mppeFrames
}

func newMPPESessionsWork(b *arc4.Backend, size int, keys *keySource) (work, error) {
	w := &mppeSessionsWork{frames: newMPPEFrames(size)}
	for i := range w.encrypters {
		e, err := newEncrypter(b, keys)
		if err != nil {
			return nil, err
		}
		w.encrypters[i] = e
	}
	return w, nil
}

func (w *mppeSessionsWork) run(n int) int {
	const share = packetsPerCall / sessionsPerCall
	done := 0
	for done < n {
		w.frames.empty()
		for i, e := range w.encrypters {
			w.batch.Add(e, w.frames.out[i*share:(i+1)*share], w.frames.packets[i*share:(i+1)*share])
		}
		w.batch.Encrypt()
		done += packetsPerCall
	}
	return done
}
