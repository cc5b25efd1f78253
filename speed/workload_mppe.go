package speed

import (
	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/timing"
	"github.com/arc4tun/arc4tun/mppe"
)

const (
	mppeHeader = mppe.HeaderSize
	// sessionsPerCall is how many sessions the packets of a call of [MPPESessions] belong to.
	sessionsPerCall = 8
)

// newEncrypter starts a session with a fresh start key. The key of every packet is derived from the
// last one's (RFC 3078, section 7.3), so none comes back.
func newEncrypter(b *arc4.Backend, keys *timing.Keys) (*mppe.Encrypter, error) {
	key := make([]byte, timing.KeySize)
	keys.Fill(key)
	return mppe.NewEncrypter(mppe.Config{Key: key, Strength: 128, Stateless: true, Backend: b})
}

// newMPPEWork is [MPPE]: one session that encrypts in place, as a tunnel does.
func newMPPEWork(b *arc4.Backend, size int, keys *timing.Keys) (timing.Work, error) {
	e, err := newEncrypter(b, keys)
	frame := make([]byte, mppeHeader+size)
	return timing.Calls(1, func() { e.Encrypt(frame[:0], frame[mppeHeader:]) }), err
}

// newMPPEBatchWork is [MPPEBatch].
func newMPPEBatchWork(b *arc4.Backend, size int, keys *timing.Keys) (timing.Work, error) {
	return newMPPEFrames(size).work(b, 1, keys)
}

// newMPPESessionsWork is [MPPESessions]: what a server's tunnel device hands over, sorted by
// session.
func newMPPESessionsWork(b *arc4.Backend, size int, keys *timing.Keys) (timing.Work, error) {
	return newMPPEFrames(size).work(b, sessionsPerCall, keys)
}

// mppeFrames are 64 packets behind room for their headers.
type mppeFrames struct {
	// out are empty, with the capacity for header and packet; a call makes frames of them.
	out     [packetsPerCall][]byte
	packets [packetsPerCall][]byte
}

func newMPPEFrames(size int) *mppeFrames {
	f := new(mppeFrames)
	frame := mppeHeader + size
	stride := timing.Stride(frame)
	buf := make([]byte, packetsPerCall*stride)
	for i := range f.out {
		f.out[i] = buf[i*stride:][:0:frame]
		f.packets[i] = f.out[i][mppeHeader:frame]
	}
	return f
}

// empty takes the frames of the last call for packets of the next.
func (f *mppeFrames) empty() {
	for i := range f.out {
		f.out[i] = f.out[i][:0]
	}
}

// work is the work of encrypting as many packets in each of so many sessions.
func (f *mppeFrames) work(b *arc4.Backend, sessions int, keys *timing.Keys) (timing.Work, error) {
	encrypters := make([]*mppe.Encrypter, sessions)
	for i := range encrypters {
		e, err := newEncrypter(b, keys)
		if err != nil {
			return nil, err
		}
		encrypters[i] = e
	}
	share := packetsPerCall / sessions
	batch := new(mppe.SendBatch)
	return timing.Calls(packetsPerCall, func() {
		f.empty()
		for i, e := range encrypters {
			batch.Add(e, f.out[i*share:(i+1)*share], f.packets[i*share:(i+1)*share])
		}
		batch.Encrypt()
	}), nil
}
