//go:build libcrypto && cgo

package libcrypto

// The functions are declared deprecated since OpenSSL 3.0, in favour of ones that are slower: an
// API level of 1.1.1 declares them as they were.

// #cgo CFLAGS: -std=c11 -O2 -Wall -Wextra -DOPENSSL_API_COMPAT=10101
// #cgo LDFLAGS: -lcrypto
// #include "loops.h"
import "C"

import (
	"strings"
	"unsafe"
)

// Built reports whether this build has libcrypto.
const Built = true

// Version is OpenSSL's own name and version, and which of its RC4 implementations it picked for
// this processor.
func Version() string {
	version := C.GoString(C.OpenSSL_version(C.OPENSSL_VERSION))
	return strings.TrimSpace(version) + ", " + C.GoString(C.RC4_options())
}

// KeySize is the length of all keys, in bytes.
const KeySize = C.LOOPS_KEY

// State, sessions and keys share a page, and a packet begins at an offset of its page that the
// state does not have: a processor takes a load for one that depends on an unfinished store at the
// same offset of another page.
const (
	pageSize       = 4096
	sessionsOffset = 1280
	maxSessions    = 8
	keysOffset     = 2560
	maxPackets     = 64
	packetsOffset  = pageSize + 1088
)

// The state and the sessions fit in front of what follows them; a constant that is negative does
// not compile.
const (
	_ uint = sessionsOffset - C.sizeof_RC4_KEY
	_ uint = keysOffset - sessionsOffset - maxSessions*C.sizeof_struct_loops_session
	_ uint = pageSize - keysOffset - maxPackets*KeySize
)

// Loops is libcrypto's state together with what it works on. Everything is done in place.
type Loops struct {
	memory  []byte // begins at a page
	random  C.uint64_t
	layout  C.struct_loops_packets
	lengths []C.uint32_t
	size    int
	session int // how many
}

// Layout says what lies where.
type Layout struct {
	// Random is the state of the generator of keys, not 0.
	Random uint64
	// Packets is how many packets a call processes, 1 to 64; Stride is the distance from one to the
	// next, in bytes.
	Packets, Stride int
	// Lengths are those of the packets, in bytes; they come round again. There are as many as
	// Packets, or a multiple.
	Lengths []int
	// Keys are the start keys of the sessions, 16 bytes each: 0 to 8, and Packets is a multiple of
	// how many there are. For [Loops.Stream] the first is the stream's key.
	Keys [][]byte
}

// New makes room for the layout and sets the keys.
func New(l Layout) *Loops {
	raw := make([]byte, packetsOffset+l.Packets*l.Stride+pageSize)
	start := -int(uintptr(unsafe.Pointer(unsafe.SliceData(raw)))) & (pageSize - 1)
	p := &Loops{memory: raw[start:], random: C.uint64_t(l.Random), size: l.Lengths[0], session: len(l.Keys)}
	p.layout = C.struct_loops_packets{count: C.size_t(l.Packets), stride: C.size_t(l.Stride), lengths: C.size_t(len(l.Lengths))}
	for _, n := range l.Lengths {
		p.lengths = append(p.lengths, C.uint32_t(n))
	}
	for i, key := range l.Keys {
		C.loops_session_start(p.sessionAt(i), (*C.uchar)(unsafe.SliceData(key)))
	}
	if len(l.Keys) > 0 {
		C.RC4_set_key(p.state(), KeySize, (*C.uchar)(unsafe.SliceData(l.Keys[0])))
	}
	return p
}

func (p *Loops) state() *C.RC4_KEY { return (*C.RC4_KEY)(unsafe.Pointer(&p.memory[0])) }

func (p *Loops) sessionAt(i int) *C.struct_loops_session {
	return (*C.struct_loops_session)(unsafe.Pointer(&p.memory[sessionsOffset+i*C.sizeof_struct_loops_session]))
}

func (p *Loops) keys() *C.uchar { return (*C.uchar)(&p.memory[keysOffset]) }

func (p *Loops) packets() *C.uchar { return (*C.uchar)(&p.memory[packetsOffset]) }

// Memory is packet i, and for [Loops.MPPE] the packet behind its header.
func (p *Loops) Memory(i int) []byte {
	at := packetsOffset + i*int(p.layout.stride)
	return p.memory[at : at+int(p.layout.stride)]
}

// Stream encrypts n blocks of the first length with one key stream.
func (p *Loops) Stream(n int) int {
	C.loops_stream(p.state(), p.packets(), C.size_t(p.size), C.uint64_t(n))
	return n
}

// KeySetup sets n fresh keys.
func (p *Loops) KeySetup(n int) int {
	C.loops_key_setup(p.state(), &p.random, p.keys(), C.uint64_t(n))
	return n
}

// Packets encrypts at least n packets, a fresh key each, and returns how many.
func (p *Loops) Packets(n int) int {
	calls := p.calls(n)
	C.loops_packets(p.state(), &p.random, p.keys(), p.packets(), &p.layout, unsafe.SliceData(p.lengths), C.uint64_t(calls))
	return calls * int(p.layout.count)
}

// MPPE encrypts at least n packets of the first length as stateless 128-bit MPPE, equal shares of
// the sessions in every call, and returns how many.
func (p *Loops) MPPE(n int) int {
	calls := p.calls(n)
	C.loops_mppe(p.state(), p.sessionAt(0), C.size_t(p.session), p.packets(),
		p.layout.count, p.layout.stride, C.size_t(p.size), C.uint64_t(calls))
	return calls * int(p.layout.count)
}

// calls is how many calls have n packets or more.
func (p *Loops) calls(n int) int {
	count := int(p.layout.count)
	return (n + count - 1) / count
}
