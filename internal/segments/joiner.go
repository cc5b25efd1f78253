package segments

import (
	"encoding/binary"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

// Joiner joins the TCP segments of a batch of packets that follow each other. The zero value is
// ready, and meant to be used again and again; it is not safe for concurrent use.
//
// The kernel takes the checksums of what was joined for right, so a segment is joined only if they
// are: what came wrong goes on as it is, and it is for the kernel to drop it.
type Joiner struct {
	bufs   [][]byte
	offset int
	next   []int // the packet that follows each in its group; 0: none
	groups []group
	parts  [][]byte
}

// group is the packets that become one.
type group struct {
	segment     // of the first
	first   int // packets
	last    int
	total   int    // bytes of the whole
	end     uint32 // the sequence number after it
	joins   bool   // others can be joined
	sound   bool   // the first one's checksums were found right
	many    bool
}

const (
	// maxOpen is how many groups back a segment looks for its own: flows that take turns.
	maxOpen = 8
	maxSize = 65_535
)

// Join takes a batch of IP packets, bufs[i][offset:], whose buffers have HeaderLen bytes before
// that, and returns how many it makes of them. The buffers must stay as they are until those are
// written: Parts gives them.
func (j *Joiner) Join(bufs [][]byte, offset int) (n int) {
	j.bufs, j.offset, j.next, j.groups = bufs, offset, j.next[:0], j.groups[:0]
	for i := range bufs {
		j.next = append(j.next, 0)
		j.add(i)
	}
	for i := range j.groups {
		j.finish(&j.groups[i])
	}
	return len(j.groups)
}

// packet is the IP packet i.
func (j *Joiner) packet(i int) []byte { return j.bufs[i][j.offset:] }

func (j *Joiner) add(i int) {
	j.groups = append(j.groups, group{first: i, last: i})
	g := &j.groups[len(j.groups)-1]
	p := j.packet(i)
	g.total = len(p)
	if !g.parse(p) {
		return
	}
	g.joins, g.end = !g.push, g.seq+uint32(g.size)
	for k := len(j.groups) - 2; k >= max(0, len(j.groups)-1-maxOpen); k-- {
		before := &j.groups[k]
		if before.size == 0 || !g.sameFlow(p, &before.segment, j.packet(before.first)) {
			continue
		}
		if j.join(before, g, p) {
			j.groups = j.groups[:len(j.groups)-1]
		}
		// What comes later of the flow comes behind this one.
		return
	}
}

// join joins the segment that alone is to group g, if it can be.
func (j *Joiner) join(g, alone *group, p []byte) bool {
	first := j.packet(g.first)
	if !g.joins || alone.seq != g.end || alone.size > g.size || g.total+alone.size > maxSize ||
		!alone.sameHeaders(p, &g.segment, first) {
		return false
	}
	if !g.sound {
		if g.sound = g.isSound(first); !g.sound {
			g.joins = false
			return false
		}
	}
	if !alone.isSound(p) {
		return false
	}
	j.next[g.last], g.last = alone.first, alone.first
	g.many = true
	g.total += alone.size
	g.end += uint32(alone.size)
	g.push = g.push || alone.push
	// Only the last may be shorter.
	g.joins = !alone.push && alone.size == g.size
	return true
}

// finish writes the headers of a group.
func (j *Joiner) finish(g *group) {
	room := j.bufs[g.first][j.offset-HeaderLen:]
	if !g.many {
		clear(room[:HeaderLen])
		return
	}
	h := virtioHeader{flags: needsChecksum, kind: kindTCP4, headers: g.head, size: g.size, checksumFrom: g.ip, checksumAfter: tcpChecksum}
	p := j.packet(g.first)
	if g.ip == ippkt.IPv6Len {
		h.kind = kindTCP6
		binary.BigEndian.PutUint16(p[4:], uint16(g.total-g.ip))
	} else {
		binary.BigEndian.PutUint16(p[2:], uint16(g.total))
		ippkt.IPv4(p).PutChecksum()
	}
	h.put(room)
	tcp := p[g.ip:]
	if g.push {
		tcp[tcpFlags] |= ippkt.FlagPSH
	}
	// Whoever computes the checksum begins with what stands there.
	sum := pseudoHeader(p, g.ip) + uint32(g.total-len(p))
	binary.BigEndian.PutUint16(tcp[tcpChecksum:], ippkt.Fold(sum))
}

// Parts gives packet i of those that Join made, with its virtio header, in parts that follow each
// other; at most one for each packet of the batch. They are good until the next call.
func (j *Joiner) Parts(i int) [][]byte {
	g := &j.groups[i]
	j.parts = append(j.parts[:0], j.bufs[g.first][j.offset-HeaderLen:])
	for k := j.next[g.first]; k != 0; k = j.next[k] {
		j.parts = append(j.parts, j.bufs[k][j.offset+g.head:])
	}
	return j.parts
}

// Forget lets go of the buffers.
func (j *Joiner) Forget() {
	j.bufs = nil
	clear(j.parts[:cap(j.parts)])
}
