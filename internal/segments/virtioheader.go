package segments

import "encoding/binary"

// HeaderLen is the length of the virtio header in bytes.
const HeaderLen = 10

// The flags and kinds of the header (linux/virtio_net.h).
const (
	needsChecksum = 1 // of flags
	kindNone      = 0
	kindTCP4      = 1
	kindTCP6      = 4
	kindECN       = 0x80 // a flag of kinds
)

// virtioHeader is struct virtio_net_hdr, whose numbers have the processor's byte order.
type virtioHeader struct {
	flags, kind   byte
	headers       int // the length of all headers: advice, which may be wrong
	size          int // of a segment's data
	checksumFrom  int // where the sum begins
	checksumAfter int // where it is written, from there on
}

func (h *virtioHeader) parse(b []byte) {
	h.flags, h.kind = b[0], b[1]
	h.headers = int(binary.NativeEndian.Uint16(b[2:]))
	h.size = int(binary.NativeEndian.Uint16(b[4:]))
	h.checksumFrom = int(binary.NativeEndian.Uint16(b[6:]))
	h.checksumAfter = int(binary.NativeEndian.Uint16(b[8:]))
}

func (h *virtioHeader) put(b []byte) {
	b[0], b[1] = h.flags, h.kind
	binary.NativeEndian.PutUint16(b[2:], uint16(h.headers))
	binary.NativeEndian.PutUint16(b[4:], uint16(h.size))
	binary.NativeEndian.PutUint16(b[6:], uint16(h.checksumFrom))
	binary.NativeEndian.PutUint16(b[8:], uint16(h.checksumAfter))
}
