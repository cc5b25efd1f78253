package uplink

import (
	"encoding/binary"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestCountOfAPathThatEnded: what a session has sent past the kernel is part of the totals, which
// never fall, when it has ended too.
func TestCountOfAPathThatEnded(t *testing.T) {
	for name, end := range map[string]func(p *Path){
		"closed":                     (*Path).Close,
		"closed twice":               func(p *Path) { p.Close(); p.Close() },
		"closed after the link left": func(p *Path) { p.leave(p.cur.Load()); p.Close() },
		"ended with all others":      (*Path).end,
	} {
		t.Run(name, func(t *testing.T) {
			u := &Uplink{paths: map[*Path]struct{}{}, links: map[int]*link{}}
			p := &Path{u: u}
			u.paths[p] = struct{}{}
			p.past.Store(3)
			r := &route{}
			r.sent.Store(40)
			p.cur.Store(r)
			assert.EqualValues(t, 43, p.Status().Fast)
			end(p)
			assert.EqualValues(t, 43, p.Status().Fast)
			assert.Equal(t, Raw.String(), p.Status().Way)
		})
	}
}

// TestLongPacketsStayWhole: where the link takes longer packets than a frame does, those go by the
// raw socket.
func TestLongPacketsStayWhole(t *testing.T) {
	for _, tc := range []struct {
		mtu, packet int
		fits        bool
	}{{1500, 1480, true}, {1500, 1481, false}, {9000, 2014, true}, {9000, 2015, false}, {9000, 8000, false}} {
		u := &Uplink{paths: map[*Path]struct{}{}, links: map[int]*link{}, wake: make(chan struct{}, 1)}
		p := &Path{u: u}
		r := &route{mtu: routeFacts{link: linkFacts{mtu: tc.mtu}}.wholeFrame()}
		p.cur.Store(r)
		packet := make([]byte, tc.packet)
		packet[0] = sequenceBit
		n := p.fitting(r, [][]byte{packet})
		assert.Equal(t, tc.fits, n == 1, "%d bytes where the link takes %d", tc.packet, tc.mtu)
		if n == 1 {
			assert.LessOrEqual(t, headerLen+len(packet), frameSize)
		}
	}
}

// wire takes every packet.
type wire struct{ transmitter }

func (wire) send(_ *route, packets [][]byte) (int, error) { return len(packets), nil }
func (wire) close()                                       {}

// numberedGRE is a GRE packet with a sequence number.
func numberedGRE(n uint32) []byte {
	p := make([]byte, 60)
	p[0] = sequenceBit
	binary.BigEndian.PutUint32(p[sequenceAt:], n)
	return p
}

// TestForgedAcknowledgments: whoever forges acknowledgments of what was never sent, more often than
// the peer acknowledges, does not make it seem that nothing arrives.
func TestForgedAcknowledgments(t *testing.T) {
	for name, forged := range map[string][]uint32{
		"none": nil, "zero": {0}, "ahead": {5000, 0x7FFFFFFF}, "behind": {99, 0xFFFFFFFF, 0x80000000}, "the first, again and again": {100},
	} {
		t.Run(name, func(t *testing.T) {
			u := &Uplink{cfg: Config{Log: slog.New(slog.DiscardHandler)}, paths: map[*Path]struct{}{}, links: map[int]*link{1: {index: 1}}, wake: make(chan struct{}, 1)}
			p := &Path{u: u, up: true}
			p.Acknowledged(98) // of what went by the raw socket
			r := &route{mtu: 1500, link: 1, tx: wire{}}
			p.cur.Store(r)
			now, next := time.Unix(1000, 0), uint32(100)
			for second := range 20 {
				for range 50 {
					n, _ := p.Send([][]byte{numberedGRE(next), numberedGRE(next + 1)})
					assert.Equal(t, 2, n)
					next += 2
				}
				p.Acknowledged(next - 10)
				for _, ack := range forged {
					p.Acknowledged(ack)
				}
				now = now.Add(time.Second)
				u.examine(now, p)
				assert.Same(t, r, p.cur.Load())
				assert.Empty(t, p.ban, "second %d", second)
				assert.Empty(t, p.held, "second %d", second)
				assert.True(t, p.delivery.proven)
			}
		})
	}
}

// TestForgedAcknowledgmentsProveNothing: numbers that were never sent do not make a way seem to
// work either; it is left, and tried again after a while.
func TestForgedAcknowledgmentsProveNothing(t *testing.T) {
	u := &Uplink{cfg: Config{Log: slog.New(slog.DiscardHandler)}, paths: map[*Path]struct{}{}, links: map[int]*link{1: {index: 1}}, wake: make(chan struct{}, 1)}
	p := &Path{u: u, up: true}
	p.cur.Store(&route{mtu: 1500, link: 1, tx: wire{}})
	now, next := time.Unix(1000, 0), uint32(100)
	for range 3 {
		p.Send([][]byte{numberedGRE(next)})
		next++
		p.Acknowledged(next + 1000)
		p.Acknowledged(99)
		now = now.Add(time.Second)
		u.examine(now, p)
	}
	assert.NotEmpty(t, p.ban)
	assert.False(t, p.banned.allows(now.Add(firstBan-time.Second)))
	assert.True(t, p.banned.allows(now.Add(firstBan)))
	p.leave(p.cur.Load())
	p.dirty = false
	u.examine(now.Add(time.Minute), p)
	assert.False(t, p.dirty)
	u.examine(now.Add(firstBan), p)
	assert.True(t, p.dirty, "it is looked at again")
}

// TestBarredLinkIsTriedAgain: by one path, which blames it anew if nothing comes back.
func TestBarredLinkIsTriedAgain(t *testing.T) {
	l, now := &link{}, time.Unix(1000, 0)
	for range maxUndelivered {
		assert.False(t, l.isBarred(now))
		l.noteUndelivered(now, "why")
	}
	assert.True(t, l.isBarred(now.Add(firstBan-time.Second)))
	now = now.Add(firstBan)
	assert.False(t, l.isBarred(now))
	l.noteUndelivered(now, "why")
	assert.True(t, l.isBarred(now.Add(firstBan)), "for twice as long")
	l.proven = true
	assert.False(t, l.isBarred(now))
}
