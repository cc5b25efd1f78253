//go:build !purego && (mips || mipsle)

package keyhash

func kernels() map[string]func(h *Hasher, sum, session *[Size]byte) {
	all := map[string]func(h *Hasher, sum, session *[Size]byte){}
	if usable {
		all["r1"] = func(h *Hasher, sum, session *[Size]byte) { sumR1(&h.accelerated, sum, session) }
	}
	if rotates {
		all["r2"] = func(h *Hasher, sum, session *[Size]byte) { sumR2(&h.accelerated, sum, session) }
	}
	return all
}
