package speed

import (
	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/mppe"
)

// mppeHeader is the length in bytes of MPPE's header (RFC 3078, section 3.1).
const mppeHeader = mppe.HeaderSize

// mppeWork is [MPPE]: one session that encrypts in place, as a tunnel does. The key of every packet is derived from the
// last one's (RFC 3078, section 7.3), so none comes back.
type mppeWork struct {
	encrypter *mppe.Encrypter
	out       []byte // empty, with the capacity for header and packet
	packet    []byte // behind the header's place
}

func newMPPEWork(b *arc4.Backend, size int, keys *keySource) (work, error) {
	e, err := newEncrypter(b, keys)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, mppeHeader+size)
	return &mppeWork{encrypter: e, out: buf[:0], packet: buf[mppeHeader:]}, nil
}

func (w *mppeWork) run(n int) int {
	for range n {
		w.encrypter.Encrypt(w.out, w.packet)
	}
	return n
}
