package session

import (
	"sync/atomic"

	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// heldPackets bounds what the reorder windows of all sessions hold together. A session that goes
// beyond the bound gives up its own oldest gaps until it holds no more than is left, or than every
// session may hold in any case: so nobody's disorder costs another more than the common part.
type heldPackets struct {
	most, every int64
	now         atomic.Int64
}

func newHeldPackets(sizes memory.Sizes) *heldPackets {
	if sizes.HeldByAll == 0 {
		return nil
	}
	return &heldPackets{most: int64(sizes.HeldByAll), every: int64(sizes.HeldByEvery)}
}

// account notes how many packets a window holds now, in place of counted, and has it give up what
// is beyond the bound. It returns what is to be counted the next time.
func (h *heldPackets) account(win *reorder.Window, counted int, deliver func([]byte)) int {
	held, _ := win.Held()
	if h == nil || held == counted {
		return held
	}
	over := h.now.Add(int64(held-counted)) - h.most
	if over <= 0 || int64(held) <= h.every {
		return held
	}
	win.Trim(int(max(h.every, int64(held)-over)), deliver)
	left, _ := win.Held()
	h.now.Add(int64(left - held))
	return left
}
