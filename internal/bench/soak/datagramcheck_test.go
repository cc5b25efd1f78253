package soak

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDatagramChecker(t *testing.T) {
	c := newContent(1)
	make := func(n uint64) []byte { return c.fill(make([]byte, maxDatagram), n) }
	for name, test := range map[string]struct {
		come []uint64
		want datagramCounts
	}{
		"in order":                 {[]uint64{1, 2, 3, 4}, datagramCounts{received: 4}},
		"with gaps":                {[]uint64{1, 5, 1000}, datagramCounts{received: 3}},
		"one twice":                {[]uint64{1, 2, 2, 3}, datagramCounts{received: 4, duplicated: 1}},
		"one twice, later":         {[]uint64{1, 2, 3, 1}, datagramCounts{received: 4, duplicated: 1}},
		"one late":                 {[]uint64{1, 3, 2, 4}, datagramCounts{received: 4, overtaken: 1}},
		"one late and again":       {[]uint64{1, 3, 2, 2}, datagramCounts{received: 4, overtaken: 1, duplicated: 1}},
		"after a whole round":      {[]uint64{1, 2, seenNumbers + 1, seenNumbers + 2}, datagramCounts{received: 4}},
		"late after a round":       {[]uint64{5, seenNumbers + 7, 2 * seenNumbers, seenNumbers + 8}, datagramCounts{received: 4, overtaken: 1}},
		"too late to tell":         {[]uint64{1, seenNumbers + 1, 1}, datagramCounts{received: 3, tooOld: 1}},
		"the oldest one known":     {[]uint64{2, seenNumbers + 1, 2}, datagramCounts{received: 3, duplicated: 1}},
		"no number is no datagram": {[]uint64{0}, datagramCounts{received: 1, altered: 1}},
	} {
		n := newDatagramChecker(c)
		for _, number := range test.come {
			n.datagram(make(number))
		}
		got, _, sample := n.snapshot()
		assert.Equal(t, test.want, got, name)
		assert.Equal(t, got.received == uint64(len(test.come)) && got == datagramCounts{received: got.received}, sample == "", name)
	}
}

// No bit of a datagram can change unseen, nor can its length.
func TestDatagramCheckerSeesAnyChange(t *testing.T) {
	c := newContent(2)
	sizes := map[int]bool{}
	for number := uint64(1); number < 200; number++ {
		whole := c.fill(make([]byte, maxDatagram), number)
		require.GreaterOrEqual(t, len(whole), minDatagram)
		require.LessOrEqual(t, len(whole), maxDatagram)
		sizes[len(whole)] = true
		for _, at := range []int{0, 7, 8, len(whole) / 2, len(whole) - 1} {
			bad := append([]byte(nil), whole...)
			bad[at] ^= 1
			n := newDatagramChecker(c)
			n.datagram(bad)
			n.datagram(whole[:len(whole)-1])
			n.datagram(append(append([]byte(nil), whole...), 0))
			n.datagram(whole[:3])
			got, _, _ := n.snapshot()
			require.EqualValues(t, 4, got.altered, "datagram %d, byte %d", number, at)
		}
	}
	assert.Greater(t, len(sizes), 100, "sizes differ")
	n := newDatagramChecker(newContent(3))
	n.datagram(c.fill(make([]byte, maxDatagram), 1))
	got, _, _ := n.snapshot()
	assert.EqualValues(t, 1, got.altered, "the other direction's")
}

// datagramPacket puts a datagram into an IP packet with sound checksums.
func datagramPacket(payload []byte) []byte {
	ip := make([]byte, 28, 28+len(payload))
	ip[0], ip[9] = 0x45, protocolUDP
	copy(ip[12:], []byte{10, 99, 0, 1, 10, 99, 0, 100})
	ip = append(ip, payload...)
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
	binary.BigEndian.PutUint16(ip[24:], uint16(len(ip)-20))
	binary.BigEndian.PutUint16(ip[10:], ^fold(sumOf(0, ip[:20])))
	binary.BigEndian.PutUint16(ip[26:], ^fold(sumOf(uint64(protocolUDP)+uint64(len(ip)-20), ip[12:])))
	return ip
}

func TestLookingAtPacketsDoesNotAllocate(t *testing.T) {
	n := newDatagramChecker(newContent(1))
	var packets [][]byte
	for i := range uint64(200) {
		packets = append(packets, datagramPacket(n.content.fill(make([]byte, maxDatagram), i+1)))
	}
	i := 0
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		n.packet(packets[i])
		if err := checkSums(packets[i]); err != nil {
			t.Error(err)
		}
		i++
	}))
	got, _, _ := n.snapshot()
	assert.Equal(t, datagramCounts{received: uint64(i)}, got)
}
