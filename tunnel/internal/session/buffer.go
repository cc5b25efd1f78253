package session

import (
	"sync"

	"github.com/arc4tun/arc4tun/internal/memory"
)

// The layout of every packet buffer. A packet's IP header begins at headroom, and everything that
// is put before it on its way out fits there: GRE (16), FF 03 and the PPP protocol (4), the MPPE
// header (2), the encrypted PPP protocol (2); 40 bytes remain for the outer IP and Ethernet headers
// of a link-layer sender and for the virtio header of a TUN.
const (
	headroom   = 64
	bufferSize = memory.PacketBuffer
	// maxPacket is the largest IP packet that crosses the tunnel, in bytes.
	maxPacket = bufferSize - headroom - 64
)

// buffer holds one packet. Its first byte, in the headroom, says what a packet held by the reorder
// window is.
type buffer [bufferSize]byte

// seqAt is where in the headroom a held MPPE packet keeps its GRE sequence number, 4 bytes.
const seqAt = 4

// What lies in a buffer that waits in the reorder window (its byte 0).
const (
	holdsIP   = iota // an IP packet at headroom
	holdsMPPE        // a stateful MPPE packet at headroom-4, decrypted when its turn comes
)

// buffers recycles packet buffers between the two packet paths of all sessions.
var buffers = sync.Pool{New: func() any { return new(buffer) }}

func getBuffer() *buffer { return buffers.Get().(*buffer) }

// putBuffer takes back the buffer a slice was cut from; p must begin where the buffer begins.
func putBuffer(p []byte) {
	if cap(p) < bufferSize {
		return // a place-holder, not one of ours
	}
	buffers.Put((*buffer)(p[:bufferSize]))
}
