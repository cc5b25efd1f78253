package generic

// Reference is RC4 as the textbooks write it: a permutation of bytes, one byte
// of output at a time. The other implementations are judged by it.
type Reference struct {
	s    [256]byte
	i, j byte
}

// SetKey starts the key stream of key, which is 1 to 256 bytes long.
func (r *Reference) SetKey(key []byte) {
	for i := range r.s {
		r.s[i] = byte(i)
	}
	var j byte
	for i := range r.s {
		j += r.s[i] + key[i%len(key)]
		r.s[i], r.s[j] = r.s[j], r.s[i]
	}
	r.i, r.j = 0, 0
}

// Wipe overwrites the permutation. Nothing but SetKey may follow.
func (r *Reference) Wipe() { *r = Reference{} }

// XORKeyStream sets dst to src XORed with the next len(src) bytes of the key
// stream.
func (r *Reference) XORKeyStream(dst, src []byte) {
	for n, in := range src {
		r.i++
		r.j += r.s[r.i]
		r.s[r.i], r.s[r.j] = r.s[r.j], r.s[r.i]
		dst[n] = in ^ r.s[r.s[r.i]+r.s[r.j]]
	}
}
