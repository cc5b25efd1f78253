//go:build purego || !(amd64 || arm || arm64 || mips || mipsle)

package keyhash

// usable is false: there is no assembly here.
const usable = false

type accelerated struct{}

func (h *Hasher) accelerate() {}

func (h *Hasher) sumAccelerated(sum, session *[Size]byte) { h.sumPortable(sum, session) }
