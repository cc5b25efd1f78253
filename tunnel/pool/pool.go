// Package pool hands out the tunnel addresses of a server's clients.
package pool

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
	"strings"
	"sync"
)

// Pool is a range of IPv4 addresses, each with one client at a time. A user who comes back gets
// the last address again, if nobody has it, so that TCP connections in the tunnel live on. Its
// memory grows with the clients, not with the range. Its methods may be called from any goroutine.
type Pool struct {
	text        string
	first, last uint32
	excluded    map[uint32]bool // those within the range

	mu    sync.Mutex
	inUse map[uint32]string // by address: the user, "" for one that was reserved
	used  uint64            // how many of inUse are within the range
	next  uint32            // where the search for a free address starts
	left  memory            // the free ones that had a client, all within the range
}

// exhaustedError is a pool whose every address has a client.
type exhaustedError struct {
	Pool  string // as the user wrote it
	InUse uint64 // clients with an address of the pool
}

func (e *exhaustedError) Error() string {
	return fmt.Sprintf("address pool %s is exhausted (%d in use): enlarge --pool, or lower --max-sessions", e.Pool, e.InUse)
}

// notAllowedError is a pool that has free addresses, none of which the client may have.
type notAllowedError struct {
	Pool string
}

func (e *notAllowedError) Error() string {
	return fmt.Sprintf("address pool %s has no free address that this user may have: change the address column of the user's line in the secrets file", e.Pool)
}

// Parse reads a pool as FIRST-LAST, both included, as a CIDR, or as one address. Of a CIDR
// shorter than /31 the network and the broadcast address are left out (RFC 3021 section 2.1).
// The excluded addresses, such as the server's own in the tunnel, are never given. Errors
// name the value and the remedy.
func Parse(text string, exclude ...netip.Addr) (*Pool, error) {
	text = strings.TrimSpace(text)
	first, last, err := parseRange(text)
	if err != nil {
		return nil, err
	}
	p := &Pool{text: text, first: first, last: last, next: first, excluded: map[uint32]bool{}, inUse: map[uint32]string{}, left: newMemory()}
	for _, addr := range exclude {
		if n, ok := number(addr); ok && p.within(n) {
			p.excluded[n] = true
		}
	}
	if p.Size() == 0 {
		return nil, fmt.Errorf("address pool %s has no address left besides the server's own: enlarge it, or choose another --local-ip", text)
	}
	return p, nil
}

func parseRange(text string) (first, last uint32, err error) {
	if from, to, isRange := strings.Cut(text, "-"); isRange {
		return parseFirstLast(text, strings.TrimSpace(from), strings.TrimSpace(to))
	}
	if strings.Contains(text, "/") {
		return parseCIDR(text)
	}
	if first, err = parseAddr(text, text); err != nil {
		return 0, 0, err
	}
	return first, first, usable(text, first, first)
}

func parseFirstLast(text, from, to string) (first, last uint32, err error) {
	if first, err = parseAddr(text, from); err != nil {
		return 0, 0, err
	}
	if last, err = parseAddr(text, to); err != nil {
		return 0, 0, err
	}
	if last < first {
		return 0, 0, fmt.Errorf("address pool %q ends before it begins: write %s-%s", text, to, from)
	}
	return first, last, usable(text, first, last)
}

func parseCIDR(text string) (first, last uint32, err error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil || !prefix.Addr().Is4() {
		return 0, 0, malformed(text, text)
	}
	if prefix != prefix.Masked() {
		return 0, 0, fmt.Errorf("address pool %q has bits set behind the mask: write %v", text, prefix.Masked())
	}
	first, _ = number(prefix.Addr())
	last = first | uint32(1<<(32-prefix.Bits())-1)
	if prefix.Bits() < 31 {
		first, last = first+1, last-1
	}
	return first, last, usable(text, first, last)
}

func parseAddr(text, part string) (uint32, error) {
	addr, err := netip.ParseAddr(part)
	if err != nil || !addr.Is4() {
		return 0, malformed(text, part)
	}
	n, _ := number(addr)
	return n, nil
}

func malformed(text, part string) error {
	return fmt.Errorf("address pool %q: %q is no IPv4 address or network: write FIRST-LAST, as in 10.99.0.100-10.99.0.120, or a network, as in 10.99.0.0/24", text, part)
}

// usable refuses ranges that touch what no host may have: 0/8, loopback, and multicast and
// everything above (RFC 6890).
func usable(text string, first, last uint32) error {
	const loopback, loopbackEnd, multicast = 127 << 24, 128<<24 - 1, 224 << 24
	if first < 1<<24 || last >= multicast || first <= loopbackEnd && last >= loopback {
		return fmt.Errorf("address pool %q has addresses in it that no client can use (0.x, 127.x, 224.x and above): take a private range, as in 10.99.0.100-10.99.0.120", text)
	}
	return nil
}

// Take gives an address to a client of a user: the last that this user had, if it is free and
// allowed; else one that nobody has had yet, in turn; else the one that has been free for longest,
// so that those of users who may come back stay free. allowed may be nil. Errors are
// *exhaustedError and *notAllowedError.
//
// allowed is asked about at most maxTries free addresses, so that a list which allows almost
// nothing of a huge pool does not stall the server; name single addresses in such a list.
func (p *Pool) Take(user string, allowed func(netip.Addr) bool) (netip.Addr, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used == p.Size() {
		return netip.Addr{}, &exhaustedError{p.text, p.used}
	}
	refused := 0
	suits := func(n uint32) bool {
		if refused >= maxTries {
			return false
		}
		if allowed == nil || allowed(address(n)) {
			return true
		}
		refused++
		return false
	}
	n, found := p.left.lastOf(user, suits)
	if !found {
		n, found = p.fresh(suits, &refused)
	}
	if !found {
		n, found = p.left.oldest(suits)
	}
	if !found {
		return netip.Addr{}, &notAllowedError{p.text}
	}
	p.mark(n, user)
	return address(n), nil
}

// fresh searches for an address that nobody has had, as far as is remembered.
func (p *Pool) fresh(suits func(uint32) bool, refused *int) (n uint32, found bool) {
	if p.used+uint64(p.left.order.Len()) == p.Size() {
		return 0, false
	}
	n = p.next
	// Every step is over a used, left or excluded address, or a refusal, which is bounded too.
	for steps := uint64(0); steps <= uint64(p.last-p.first) && *refused < maxTries; steps++ {
		if p.free(n) && !p.left.has(n) && suits(n) {
			p.next = p.after(n)
			return n, true
		}
		n = p.after(n)
	}
	return 0, false
}

// maxTries takes some tens of milliseconds.
const maxTries = 1 << 20

// Reserve takes exactly addr, of the range or outside it: a user's fixed address. It reports
// false when a client has it, or it is excluded.
func (p *Pool) Reserve(addr netip.Addr) bool {
	n, ok := number(addr)
	if !ok {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken(n) || p.excluded[n] {
		return false
	}
	p.mark(n, "")
	return true
}

// Give returns an address that Take or Reserve gave. It reports false, and changes nothing,
// for any other.
func (p *Pool) Give(addr netip.Addr) bool {
	n, ok := number(addr)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !ok || !p.taken(n) {
		return false
	}
	user := p.inUse[n]
	delete(p.inUse, n)
	if p.within(n) {
		p.used--
		p.left.keep(n, user)
	}
	return true
}

// Size is how many addresses the pool can give.
func (p *Pool) Size() uint64 { return uint64(p.last-p.first) + 1 - uint64(len(p.excluded)) }

// InUse is how many addresses have a client, those outside the range included.
func (p *Pool) InUse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.inUse)
}

// Contains reports whether addr is one the pool could give.
func (p *Pool) Contains(addr netip.Addr) bool {
	n, ok := number(addr)
	return ok && p.within(n) && !p.excluded[n]
}

// Prefixes are the server's routes to its clients: the network as written, or the fewest
// networks that cover exactly the range.
func (p *Pool) Prefixes() []netip.Prefix {
	if network, err := netip.ParsePrefix(p.text); err == nil {
		return []netip.Prefix{network}
	}
	var list []netip.Prefix
	for n := uint64(p.first); n <= uint64(p.last); {
		// The largest block that starts here: as aligned as n, and not past the end.
		size := min(bits.TrailingZeros64(n|1<<32), bits.Len64(uint64(p.last)-n+1)-1)
		list = append(list, netip.PrefixFrom(address(uint32(n)), 32-size))
		n += 1 << size
	}
	return list
}

// String is the pool as the user wrote it.
func (p *Pool) String() string { return p.text }

func (p *Pool) mark(n uint32, user string) {
	p.inUse[n] = user
	if p.within(n) {
		p.used++
		p.left.forget(n)
	}
}

func (p *Pool) taken(n uint32) bool {
	_, taken := p.inUse[n]
	return taken
}

func (p *Pool) within(n uint32) bool { return n >= p.first && n <= p.last }

func (p *Pool) free(n uint32) bool { return p.within(n) && !p.excluded[n] && !p.taken(n) }

func (p *Pool) after(n uint32) uint32 {
	if n == p.last {
		return p.first
	}
	return n + 1
}

func number(addr netip.Addr) (uint32, bool) {
	addr = addr.Unmap()
	if !addr.Is4() {
		return 0, false
	}
	b := addr.As4()
	return binary.BigEndian.Uint32(b[:]), true
}

func address(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}
