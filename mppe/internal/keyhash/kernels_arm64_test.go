//go:build !purego

package keyhash

func kernels() map[string]func(h *Hasher, sum, session *[Size]byte) {
	all := map[string]func(h *Hasher, sum, session *[Size]byte){
		"plain": func(h *Hasher, sum, session *[Size]byte) { sumPlain(&h.accelerated, sum, session) },
	}
	if hasSHA1 {
		all["SHA1"] = func(h *Hasher, sum, session *[Size]byte) { sumSHA1(&h.accelerated, sum, session) }
	}
	return all
}
