package decrypt

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/arc4tun/arc4tun/mppe"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

const (
	// maxFailed is after how many packets none of which deciphered nobody tries any more.
	maxFailed = 4096
	// restart is after how many of them the keys are tried from their start again.
	restart = 32
	// maxSteps bounds the key changes that a packet may cost which claims to come after many that
	// are missing.
	maxSteps = 1 << 13
	// maxChanges bounds the key changes that all such packets of a capture may cost at a time,
	// until one of them deciphers; each packet of the capture adds changesPerPacket.
	maxChanges       = 1 << 22
	changesPerPacket = 128
	// memory is of how many packets it is remembered whether they were deciphered, by their
	// sequence numbers; a power of two.
	memory = 4096
)

// window has stateful packets put in order, where the capture has them out of it. One that is
// missing is waited for until the bytes are there, as a rule.
var window = reorder.Config{Size: 256, Timeout: 500 * time.Millisecond, Fixed: true, MaxBytes: 96 << 10, MaxPackets: 128}

// plausible judges what comes out.
var plausible = mppe.PlausiblePPP(true, true)

// encryption is how one flow is encrypted.
type encryption struct {
	// What CCP has agreed on, and the GRE sequence number of that, if it was heard.
	agreed         bool
	agreedAt       uint32
	bits           int
	stateless      bool
	stale          bool         // there is a login, or an agreement, that fresh does not know of
	current, fresh []*candidate // who deciphers; who might, from the next packet on
	failed         int          // packets in a row that nobody has deciphered
	window         *reorder.Window
	seen           *[memory]uint32
}

// candidate is one way in which a flow may be encrypted. Of stateful MPPE there are two, which
// differ in what a reset does, and go side by side until one is seen (mppe.Config.LinuxReset).
type candidate struct {
	decrypter *mppe.Decrypter
	bits      int
	stateless bool
	base      uint32 // sequence number that the first packet's comes after
	spent     int    // key changes on the way through an outage that has not ended
}

// take takes an encrypted packet.
func (e *encryption) take(fl *flow, at time.Time, seq uint32, info []byte) {
	if e.current == nil {
		e.renew(fl)
	}
	if !e.ordered() {
		e.flush(fl)
		e.decrypt(fl, at, seq, info)
		return
	}
	if e.window == nil {
		e.window, _ = reorder.New(window) // whose Config is right
		e.window.Begin(at, e.base(fl)+1)
	}
	before := e.window.Stats()
	e.window.Push(at, seq, pack(at, seq, info), e.deliver(fl))
	after := e.window.Stats()
	fl.count.Missed[Duplicate] += after.Duplicated - before.Duplicated
	fl.count.Missed[Late] += after.UnderWindow - before.UnderWindow
}

// pack puts a packet's time and number before it, for the window, and keeps it.
func pack(at time.Time, seq uint32, info []byte) []byte {
	b := make([]byte, 0, 16+len(info))
	b = binary.BigEndian.AppendUint64(b, uint64(at.Unix()))
	b = binary.BigEndian.AppendUint32(b, uint32(at.Nanosecond()))
	b = binary.BigEndian.AppendUint32(b, seq)
	return append(b, info...)
}

func (e *encryption) deliver(fl *flow) func([]byte) {
	return func(b []byte) {
		at := time.Unix(int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint32(b[8:]))).UTC()
		e.decrypt(fl, at, binary.BigEndian.Uint32(b[12:]), b[16:])
	}
}

// mark says that a sequence number was no data.
func (e *encryption) mark(fl *flow, seq uint32) {
	if e.window != nil {
		e.window.Mark(seq, e.deliver(fl))
	}
}

// flush gives what waits to be put in order.
func (e *encryption) flush(fl *flow) {
	if w := e.window; w != nil {
		e.window = nil
		w.Restart(e.deliver(fl))
	}
}

// ordered reports whether packets have to be in order.
func (e *encryption) ordered() bool {
	for _, list := range [][]*candidate{e.current, e.fresh} {
		for _, c := range list {
			if !c.stateless {
				return true
			}
		}
	}
	return false
}

// decrypt takes an encrypted packet whose turn it is.
func (e *encryption) decrypt(fl *flow, at time.Time, seq uint32, info []byte) {
	if e.deciphered(seq) {
		fl.miss(Duplicate)
		return
	}
	plain, by, err := e.try(fl, &e.current, seq, info)
	if err != nil {
		e.renew(fl)
		var next []byte
		var wrong error
		if next, by, wrong = e.try(fl, &e.fresh, seq, info); wrong == nil {
			e.settle()
			plain, err = next, nil
		} else if err == errNobody {
			err = wrong
		}
	}
	if err != nil {
		e.fail()
		fl.miss(reasonOf(err))
		return
	}
	e.failed = 0
	e.note(seq)
	fl.count.Bits, fl.count.Stateful = by.bits, !by.stateless
	if _, ip, err := ppp.ParseFrame(plain); err != nil || !fl.follower.emit(fl, at, ip, by) {
		fl.miss(NotIP)
		return
	}
	fl.count.Deciphered++
}

// errNobody: there is no candidate.
var errNobody = errors.New("no candidate")

// try has all candidates of a list decrypt a packet, and leaves those in it that agree with the
// first that does, if one does.
func (e *encryption) try(fl *flow, list *[]*candidate, seq uint32, info []byte) (plain []byte, by *candidate, err error) {
	err = errNobody
	right := 0
	for i, c := range *list {
		room := fl.follower.scratch[:0]
		if right > 0 {
			room = fl.follower.spare[:0] // a packet that fails leaves traces in it
		}
		out, wrong := c.decrypt(room, info, seq, &fl.follower.changes)
		switch {
		case wrong == nil && right > 0:
			(*list)[right], (*list)[i] = c, (*list)[right]
			right++
		case wrong == nil:
			plain, by = out, c
			(*list)[right], (*list)[i] = c, (*list)[right]
			right++
		case err == errNobody:
			err = wrong
		}
	}
	if right == 0 {
		return nil, nil, err
	}
	for _, c := range *list { // it was worth it
		fl.follower.changes, c.spent = min(fl.follower.changes+c.spent, maxChanges), 0
	}
	wipe((*list)[right:])
	*list = (*list)[:right]
	return plain, by, nil
}

// decrypt decrypts one packet, on the way through an outage if need be, for which there are so many
// key changes left.
func (c *candidate) decrypt(dst, info []byte, seq uint32, left *int) ([]byte, error) {
	out, err := c.decrypter.Decrypt(dst, info, seq-c.base)
	if err != mppe.ErrOutOfRange {
		return out, err
	}
	before := c.decrypter.Stats().Rekeys
	c.decrypter.CatchUp(min(maxSteps, *left))
	made := int(c.decrypter.Stats().Rekeys - before)
	*left, c.spent = max(0, *left-made), c.spent+made
	return c.decrypter.Decrypt(dst, info, seq-c.base)
}

// settle makes those of fresh the current ones.
func (e *encryption) settle() {
	wipe(e.current)
	e.current, e.fresh = e.fresh, nil
}

// fail counts a packet that nobody has deciphered.
func (e *encryption) fail() {
	e.failed++
	switch {
	case e.current == nil && e.failed >= maxFailed:
		wipe(e.fresh)
		e.fresh = nil
	case e.current != nil && e.failed == restart:
		e.stale = true // perhaps CCP was opened again, and that is not in the capture
	}
}

// base is a sequence number that no data can have come before.
func (e *encryption) base(fl *flow) uint32 {
	if e.agreed {
		return e.agreedAt
	}
	return fl.seq
}

// renew makes the candidates, where there is something new to make them of.
func (e *encryption) renew(fl *flow) {
	if !e.stale {
		return
	}
	e.stale = false
	wipe(e.fresh)
	e.fresh = nil
	logins := fl.call.logins.usable()
	if e.agreed {
		for _, l := range logins {
			e.add(fl, l, e.bits, e.stateless)
		}
		return
	}
	// What was agreed on is not in the capture: it is what fits.
	if len(logins) == 0 {
		return
	}
	for _, bits := range []int{128, 40, 56} {
		e.add(fl, logins[0], bits, true)
		e.add(fl, logins[0], bits, false)
	}
}

// add adds the candidates of a login.
func (e *encryption) add(fl *flow, l *login, bits int, stateless bool) {
	for _, hashHash := range l.hashHashes {
		e.addKeys(fl, l, hashHash, bits, stateless)
	}
}

func (e *encryption) addKeys(fl *flow, l *login, hashHash [16]byte, bits int, stateless bool) {
	keys, err := mppe.KeysFromMSCHAPv2(hashHash, l.response, bits, true)
	if err != nil {
		return // of a strength that there is not
	}
	key := keys.Send
	if l.from == fl {
		key = keys.Recv
	}
	for _, linux := range []bool{false, true} {
		if linux && stateless {
			continue
		}
		d, err := mppe.NewDecrypter(mppe.Config{
			Key: key, Strength: bits, Stateless: stateless, LinuxReset: linux,
			Backend: fl.follower.opt.Backend, Plausible: plausible,
		})
		if err == nil {
			e.fresh = append(e.fresh, &candidate{decrypter: d, bits: bits, stateless: stateless, base: e.base(fl)})
		}
	}
	clear(keys.Send)
	clear(keys.Recv)
}

// deciphered reports whether a packet with a sequence number was deciphered.
func (e *encryption) deciphered(seq uint32) bool {
	return e.seen != nil && e.seen[seq%memory] == ^seq
}

// note remembers that; the complement is kept, so that nothing is no number but the last.
func (e *encryption) note(seq uint32) {
	if e.seen == nil {
		e.seen = new([memory]uint32)
	}
	e.seen[seq%memory] = ^seq
}

func (e *encryption) wipe() {
	wipe(e.current)
	wipe(e.fresh)
	e.current, e.fresh = nil, nil
}

func wipe(list []*candidate) {
	for _, c := range list {
		c.decrypter.Wipe()
	}
}

// reasonOf is the reason for an error of mppe.
func reasonOf(err error) Reason {
	switch err {
	case mppe.ErrDuplicate:
		return Duplicate
	case mppe.ErrLate:
		return Late
	case mppe.ErrNeedReset:
		return Waiting
	case mppe.ErrOutOfRange:
		return Beyond
	case mppe.ErrTruncated:
		return Malformed
	}
	return Implausible
}
