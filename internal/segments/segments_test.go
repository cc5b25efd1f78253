package segments

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

const offset = 64

// spec is a TCP segment; the zero values are those of a plain one.
type spec struct {
	v6         bool
	port       uint16
	seq        uint32
	flags      byte // besides ACK
	id         uint16
	ttl, tos   byte
	window     uint16
	ack        uint32
	timestamps uint32
	size       int
}

// packet makes the segment, with checksums by gVisor.
func (s spec) packet() []byte {
	ip := ippkt.IPv4Len
	if s.v6 {
		ip = ippkt.IPv6Len
	}
	p := make([]byte, ip+32+s.size)
	src, dst := tcpip.AddrFrom4([4]byte{10, 0, 0, 1}), tcpip.AddrFrom4([4]byte{10, 0, 0, 2})
	if s.v6 {
		src, dst = tcpip.AddrFrom16([16]byte{0xFD, 15: 1}), tcpip.AddrFrom16([16]byte{0xFD, 15: 2})
		header.IPv6(p).Encode(&header.IPv6Fields{TrafficClass: s.tos, PayloadLength: uint16(32 + s.size), TransportProtocol: header.TCPProtocolNumber, HopLimit: 64 + s.ttl, SrcAddr: src, DstAddr: dst})
	} else {
		h := header.IPv4(p)
		h.Encode(&header.IPv4Fields{TOS: s.tos, TotalLength: uint16(len(p)), ID: s.id, Flags: header.IPv4FlagDontFragment, TTL: 64 + s.ttl, Protocol: ippkt.TCP, SrcAddr: src, DstAddr: dst})
		h.SetChecksum(^h.CalculateChecksum())
	}
	tcp := header.TCP(p[ip:])
	tcp.Encode(&header.TCPFields{SrcPort: 1000 + s.port, DstPort: 80, SeqNum: s.seq, AckNum: 5 + s.ack, DataOffset: 32, Flags: header.TCPFlags(s.flags) | header.TCPFlagAck, WindowSize: 500 + s.window})
	copy(tcp[20:], []byte{1, 1, 8, 10})
	binary.BigEndian.PutUint32(tcp[24:], s.timestamps)
	for i := range tcp[32:] {
		tcp[32+i] = byte(int(s.seq) + i*7 + i>>8)
	}
	tcp.SetChecksum(^tcp.CalculateChecksum(checksum.Combine(header.PseudoHeaderChecksum(header.TCPProtocolNumber, src, dst, uint16(len(tcp))), checksum.Checksum(tcp[32:], 0))))
	return p
}

// buffers puts packets where the tunnel has them.
func buffers(packets [][]byte) (bufs [][]byte) {
	for _, p := range packets {
		b := make([]byte, offset+len(p))
		for i := range b[:offset] {
			b[i] = 0xAA
		}
		copy(b[offset:], p)
		bufs = append(bufs, b)
	}
	return bufs
}

// join gives what Join makes of packets, each with its virtio header.
func join(packets [][]byte) (made [][]byte) {
	var j Joiner
	for i := range j.Join(buffers(packets), offset) {
		made = append(made, bytes.Join(j.Parts(i), nil))
	}
	j.Forget()
	return made
}

// read has a splitter read a packet with its virtio header, as readv does.
func read(t *testing.T, s *Splitter, packet []byte, bufs [][]byte) [][]byte {
	t.Helper()
	sizes := make([]int, len(bufs))
	rest := packet
	for _, part := range s.Parts(bufs, offset) {
		rest = rest[copy(part, rest):]
	}
	require.Empty(t, rest, "no room for all of the packet")
	n, err := s.Split(len(packet), bufs, sizes, offset)
	require.NoError(t, err)
	var out [][]byte
	for i := range n {
		out = append(out, bytes.Clone(bufs[i][offset:][:sizes[i]]))
	}
	return out
}

// room is that many buffers for any packet.
func room(n int) (bufs [][]byte) {
	for range n {
		bufs = append(bufs, make([]byte, offset+1<<16))
	}
	return bufs
}

// run is n segments that follow each other.
func run(n int, s spec) (all []spec) {
	for range n {
		all = append(all, s)
		s.seq += uint32(s.size)
		s.id++
	}
	return all
}

func with(s spec, edit func(*spec)) spec { edit(&s); return s }

func packetsOf(specs []spec) (packets [][]byte) {
	for _, s := range specs {
		packets = append(packets, s.packet())
	}
	return packets
}

func TestJoin(t *testing.T) {
	one := spec{size: 100, seq: 1 << 31}
	two := with(one, func(s *spec) { s.seq += 100; s.id++ })
	changed := func(edit func(*spec)) []spec { return []spec{one, with(two, edit)} }
	for name, c := range map[string]struct {
		packets []spec
		want    []int // the lengths of what is written, without the virtio header
	}{
		"one":                    {run(1, one), []int{152}},
		"a run":                  {run(5, one), []int{552}},
		"a run of IPv6":          {run(5, with(one, func(s *spec) { s.v6 = true })), []int{572}},
		"the sequence wraps":     {run(3, spec{size: 100, seq: ^uint32(149)}), []int{352}},
		"a gap":                  {changed(func(s *spec) { s.seq++ }), []int{152, 152}},
		"the other way round":    {[]spec{two, one}, []int{152, 152}},
		"a shorter one ends":     {append(changed(func(s *spec) { s.size = 50 }), with(one, func(s *spec) { s.seq += 150; s.size = 50 })), []int{202, 102}},
		"a longer one":           {changed(func(s *spec) { s.size = 101 }), []int{152, 153}},
		"PSH ends":               {append(changed(func(s *spec) { s.flags = ippkt.FlagPSH }), with(one, func(s *spec) { s.seq += 200 })), []int{252, 152}},
		"FIN":                    {changed(func(s *spec) { s.flags = ippkt.FlagFIN }), []int{152, 152}},
		"another acknowledgment": {changed(func(s *spec) { s.ack++ }), []int{152, 152}},
		"another window":         {changed(func(s *spec) { s.window++ }), []int{152, 152}},
		"another timestamp":      {changed(func(s *spec) { s.timestamps++ }), []int{152, 152}},
		"another TTL":            {changed(func(s *spec) { s.ttl++ }), []int{152, 152}},
		"another TOS":            {changed(func(s *spec) { s.tos = 8 }), []int{152, 152}},
		"another port":           {changed(func(s *spec) { s.port++ }), []int{152, 152}},
		"another ID":             {changed(func(s *spec) { s.id = 9 }), []int{252}},
		"no data":                {run(3, spec{}), []int{52, 52, 52}},
		"flows in turn": {[]spec{
			one, with(one, func(s *spec) { s.port++ }), two, with(two, func(s *spec) { s.port++ }),
		}, []int{252, 252}},
		"what no other may pass": {[]spec{one, with(two, func(s *spec) { s.seq += 100 }), two}, []int{152, 152, 152}},
		"up to 64 KiB":           {run(60, with(one, func(s *spec) { s.size = 1348 })), []int{52 + 48*1348, 52 + 12*1348}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []int
			for _, p := range join(packetsOf(c.packets)) {
				got = append(got, len(p)-HeaderLen)
			}
			assert.Equal(t, c.want, got)
		})
	}
}

// TestSplitGivesBackWhatWasJoined is over runs of all kinds, which one splitter reads one after
// another, so that it guesses right and wrong.
func TestSplitGivesBackWhatWasJoined(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var s Splitter
	bufs := room(64)
	for i := range 200 {
		one := spec{
			v6: random.IntN(3) == 0, seq: random.Uint32(), id: uint16(random.Uint32()),
			size: 1 + random.IntN([]int{20, 400, 1348, 1348}[random.IntN(4)]), timestamps: random.Uint32(),
		}
		if random.IntN(2) == 0 {
			one.size = 1348
		}
		specs := run(1+random.IntN(45), one)
		last := &specs[len(specs)-1]
		last.flags = ippkt.FlagPSH * byte(random.IntN(2))
		last.size -= random.IntN(last.size)
		packets := packetsOf(specs)
		made := join(packets)
		require.Len(t, made, 1)
		require.Equal(t, packets, read(t, &s, made[0], bufs), "run %d: %d of %+v", i, len(specs), one)
	}
}

func TestJoinLeavesWrongChecksumsAlone(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		plain := packetsOf(run(4, spec{v6: v6, size: 200}))
		for which := range plain {
			for at := 0; at < len(plain[which]); at += 1 + at/56*6 {
				packets := slices.Clone(plain)
				packets[which] = bytes.Clone(plain[which])
				packets[which][at] ^= 1 << (at % 8)
				if v6 && (at == 7 || at < 4 && at > 0) {
					continue // hop limit, traffic class and flow label, which no checksum covers
				}
				found := false
				for _, p := range join(packets) {
					found = found || bytes.Equal(p[HeaderLen:], packets[which]) && bytes.Equal(p[:HeaderLen], make([]byte, HeaderLen))
				}
				require.True(t, found, "packet %d with byte %d changed was joined", which, at)
			}
		}
	}
}

func TestSplitCompletesChecksums(t *testing.T) {
	want := spec{size: 77}.packet()
	p := bytes.Clone(want)
	binary.BigEndian.PutUint16(p[20+tcpChecksum:], ippkt.Fold(pseudoHeader(p, 20)))
	b := append(make([]byte, HeaderLen), p...)
	(&virtioHeader{flags: needsChecksum, checksumFrom: 20, checksumAfter: tcpChecksum}).put(b)
	var s Splitter
	assert.Equal(t, [][]byte{want}, read(t, &s, b, room(4)))
	assert.Equal(t, [][]byte{p}, read(t, &s, append(make([]byte, HeaderLen), p...), room(4)), "it was not asked for")
}

// refused are packets with a virtio header that no kernel should give.
func TestSplitRefuses(t *testing.T) {
	good := join(packetsOf(run(3, spec{size: 300})))[0]
	edited := func(edit func(h *virtioHeader, p []byte) []byte) []byte {
		b := bytes.Clone(good)
		var h virtioHeader
		h.parse(b)
		p := edit(&h, b[HeaderLen:])
		h.put(b)
		return append(b[:HeaderLen], p...)
	}
	for name, b := range map[string][]byte{
		"a virtio header alone": good[:HeaderLen],
		"half a virtio header":  good[:5],
		"another kind":          edited(func(h *virtioHeader, p []byte) []byte { h.kind = 5; return p }),
		"IPv6 as IPv4":          edited(func(h *virtioHeader, p []byte) []byte { h.kind = kindTCP6; return p }),
		"segments of nothing":   edited(func(h *virtioHeader, p []byte) []byte { h.size = 0; return p }),
		"no TCP header":         edited(func(h *virtioHeader, p []byte) []byte { return p[:39] }),
		"headers alone":         edited(func(h *virtioHeader, p []byte) []byte { return p[:52] }),
		"a short TCP header":    edited(func(h *virtioHeader, p []byte) []byte { p[20+tcpOffset] = 0x40; return p }),
		"a checksum far behind": edited(func(h *virtioHeader, p []byte) []byte { h.kind, h.checksumFrom = 0, 60_000; return p }),
	} {
		t.Run(name, func(t *testing.T) {
			var s Splitter
			bufs, sizes := [][]byte{make([]byte, offset+1<<16)}, make([]int, 1)
			copy(s.Parts(bufs, offset)[0], b)
			_, err := s.Split(len(b), bufs, sizes, offset)
			require.Error(t, err)
		})
	}
}

// TestSplitOfTheLongest: what a raw socket of this machine can put into a device, which need not
// be what TCP makes. It is read after another, so that the splitter guesses.
func TestSplitOfTheLongest(t *testing.T) {
	const longest, head = 1 << 16, 52
	for name, c := range map[string]struct {
		length, kind, size int
		fails              bool
	}{
		"one segment, of more than there is": {65_535, kindTCP4, 65_535, false},
		"a large one":                        {65_535, kindTCP4, 1348, false},
		"a large one, too long":              {longest + 39, kindTCP4, 1348, true},
		"a plain one":                        {longest, kindNone, 0, false},
		"a plain one, too long":              {longest + 39, kindNone, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			var s Splitter
			bufs, sizes := room(128), make([]int, 128)
			read(t, &s, join(packetsOf(run(3, spec{size: 1348})))[0], bufs)
			p := make([]byte, HeaderLen+c.length)
			copy(p[HeaderLen:], spec{size: 65_535 - head}.packet())
			(&virtioHeader{kind: byte(c.kind), size: c.size, checksumFrom: 20, checksumAfter: tcpChecksum}).put(p)
			for range 3 {
				rest := p
				for _, part := range s.Parts(bufs, offset) {
					rest = rest[copy(part, rest):]
				}
				_, err := s.Split(len(p)-len(rest), bufs, sizes, offset)
				require.Equal(t, c.fails && len(rest) == 0, err != nil, "%d bytes left", len(rest))
			}
		})
	}
}

func TestSplitWithTooFewBuffers(t *testing.T) {
	packets := packetsOf(run(5, spec{size: 300}))
	b := join(packets)[0]
	var s Splitter
	for range 2 { // guessing nothing, and right
		bufs, sizes := room(3), make([]int, 3)
		rest := b
		for _, part := range s.Parts(bufs, offset) {
			rest = rest[copy(part, rest):]
		}
		n, err := s.Split(len(b), bufs, sizes, offset)
		require.ErrorIs(t, err, ErrTooManySegments)
		require.Equal(t, 3, n)
		for i := range n {
			assert.Equal(t, packets[i][:52+300], bufs[i][offset:][:sizes[i]])
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	packets := packetsOf(run(40, spec{size: 1348}))
	bufs, b := buffers(packets), join(packets)[0]
	var j Joiner
	var s Splitter
	into, sizes := room(64), make([]int, 64)
	once := func() {
		for i, p := range packets {
			copy(bufs[i][offset:], p)
		}
		for i := range j.Join(bufs, offset) {
			j.Parts(i)
		}
		j.Forget()
		rest := b
		for _, part := range s.Parts(into, offset) {
			rest = rest[copy(part, rest):]
		}
		if n, err := s.Split(len(b), into, sizes, offset); err != nil || n != 40 {
			t.Fatal(n, err)
		}
	}
	once()
	assert.Zero(t, testing.AllocsPerRun(20, once))
}

func FuzzJoin(f *testing.F) {
	f.Add(bytes.Join(packetsOf(run(3, spec{size: 20})), nil), uint16(72))
	f.Add(bytes.Join(packetsOf(run(3, spec{size: 20, v6: true})), nil), uint16(92))
	f.Fuzz(func(t *testing.T, all []byte, cut uint16) {
		var packets [][]byte
		for len(all) > 0 {
			n := min(len(all), int(cut)+1)
			packets, all = append(packets, all[:n]), all[n:]
		}
		total := 0
		for _, p := range packets {
			total += len(p)
		}
		for _, b := range join(packets) {
			var h virtioHeader
			h.parse(b)
			total -= len(b) - HeaderLen
			if h.kind == kindNone {
				require.Equal(t, make([]byte, HeaderLen), b[:HeaderLen])
				require.Contains(t, packets, b[HeaderLen:])
				continue
			}
			// The headers of those that were joined are gone.
			total -= ((len(b)-HeaderLen-h.headers+h.size-1)/h.size - 1) * h.headers
		}
		require.Zero(t, total)
	})
}

func FuzzSplit(f *testing.F) {
	f.Add(join(packetsOf(run(3, spec{size: 300})))[0], uint16(52), uint16(300))
	f.Add(join(packetsOf(run(3, spec{size: 300, v6: true})))[0], uint16(52), uint16(299))
	bufs, sizes := room(16), make([]int, 16)
	f.Fuzz(func(t *testing.T, b []byte, head, size uint16) {
		s := Splitter{head: int(head % 120), size: int(size % 30_000)}
		if len(b) > 1<<16 {
			return
		}
		rest := b
		for _, part := range s.Parts(bufs, offset) {
			rest = rest[copy(part, rest):]
		}
		n, err := s.Split(len(b), bufs, sizes, offset)
		if err != nil {
			return
		}
		require.Positive(t, n)
		for i := range n {
			p := bufs[i][offset:][:sizes[i]]
			var g segment
			if n > 1 && g.parse(p) {
				require.True(t, g.isSound(p))
			}
		}
	})
}
