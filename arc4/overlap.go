package arc4

import "unsafe"

// checkBuffers returns dst cut to the length of src, which is not empty. It
// panics where crypto/rc4 would.
func checkBuffers(dst, src []byte) []byte {
	if len(dst) < len(src) {
		panic("arc4: output smaller than input")
	}
	dst = dst[:len(src)]
	d := uintptr(unsafe.Pointer(unsafe.SliceData(dst)))
	s := uintptr(unsafe.Pointer(unsafe.SliceData(src)))
	// Of two equally long buffers that share a byte, one starts less than a
	// length after the other: differences that are negative wrap to huge ones.
	if d != s && (d-s < uintptr(len(src)) || s-d < uintptr(len(src))) {
		panic("arc4: invalid buffer overlap")
	}
	return dst
}
