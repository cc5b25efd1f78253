package pool

import "container/list"

// maxLeft bounds what is remembered of addresses that were given back; past it the one that has
// been free for longest is as good as any other that is free.
const maxLeft = 1 << 14

// left is an address that was given back.
type left struct {
	number uint32
	user   string // who had it, or ""
}

// memory knows the addresses that were given back, and who had them.
type memory struct {
	order    *list.List // of left, that which has been free for longest first
	byNumber map[uint32]*list.Element
	byUser   map[string][]*list.Element // latest last
}

func newMemory() memory {
	return memory{order: list.New(), byNumber: make(map[uint32]*list.Element), byUser: make(map[string][]*list.Element)}
}

// keep remembers an address that was given back.
func (m *memory) keep(number uint32, user string) {
	m.forget(number)
	if m.order.Len() >= maxLeft {
		m.forget(m.order.Front().Value.(left).number)
	}
	e := m.order.PushBack(left{number, user})
	m.byNumber[number] = e
	if user != "" {
		m.byUser[user] = append(m.byUser[user], e)
	}
}

// forget removes an address, if it is there.
func (m *memory) forget(number uint32) {
	e := m.byNumber[number]
	if e == nil {
		return
	}
	user := e.Value.(left).user
	m.order.Remove(e)
	delete(m.byNumber, number)
	all := m.byUser[user]
	for i := range all {
		if all[i] == e {
			all = append(all[:i], all[i+1:]...)
			break
		}
	}
	if len(all) == 0 {
		delete(m.byUser, user)
	} else {
		m.byUser[user] = all
	}
}

func (m *memory) has(number uint32) bool { return m.byNumber[number] != nil }

// lastOf goes through a user's last addresses, the latest first, until f is content with one.
func (m *memory) lastOf(user string, f func(uint32) bool) (number uint32, found bool) {
	all := m.byUser[user]
	for i := len(all) - 1; i >= 0; i-- {
		if n := all[i].Value.(left).number; f(n) {
			return n, true
		}
	}
	return 0, false
}

// oldest goes through all addresses, that which has been free for longest first, until f is content
// with one.
func (m *memory) oldest(f func(uint32) bool) (number uint32, found bool) {
	for e := m.order.Front(); e != nil; e = e.Next() {
		if n := e.Value.(left).number; f(n) {
			return n, true
		}
	}
	return 0, false
}
