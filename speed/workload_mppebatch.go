package speed

import (
	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/mppe"
)

// mppeFrames are 64 packets behind room for their headers.
type mppeFrames struct {
	out     [packetsPerCall][]byte // empty, with the capacity for header and packet; a call makes frames of them
	packets [packetsPerCall][]byte
}

func newMPPEFrames(size int) *mppeFrames {
	f := new(mppeFrames)
	stride := packetStride(mppeHeader + size)
	buf := make([]byte, packetsPerCall*stride)
	for i := range f.out {
		frame := buf[i*stride : i*stride+mppeHeader+size : i*stride+mppeHeader+size]
		f.out[i], f.packets[i] = frame[:0], frame[mppeHeader:]
	}
	return f
}

// empty takes the frames of the last call for packets of the next.
func (f *mppeFrames) empty() {
	for i := range f.out {
		f.out[i] = f.out[i][:0]
	}
}

// newEncrypter starts a session with a fresh start key.
func newEncrypter(b *arc4.Backend, keys *keySource) (*mppe.Encrypter, error) {
	key := make([]byte, keySize)
	keys.fill(key)
	return mppe.NewEncrypter(mppe.Config{Key: key, Strength: 128, Stateless: true, Backend: b})
}

// mppeBatchWork is [MPPEBatch].
type mppeBatchWork struct {
	encrypter *mppe.Encrypter
	batch     mppe.SendBatch
	frames    *mppeFrames
}

func newMPPEBatchWork(b *arc4.Backend, size int, keys *keySource) (work, error) {
	e, err := newEncrypter(b, keys)
	if err != nil {
		return nil, err
	}
	return &mppeBatchWork{encrypter: e, frames: newMPPEFrames(size)}, nil
}

func (w *mppeBatchWork) run(n int) int {
	done := 0
	for done < n {
		w.frames.empty()
		w.batch.Add(w.encrypter, w.frames.out[:], w.frames.packets[:])
		w.batch.Encrypt()
		done += packetsPerCall
	}
	return done
}
